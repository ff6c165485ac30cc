/** Who takes snapshots when, how the last run ended, and what is kept. */
import { A, useSearchParams } from '@solidjs/router';
import { createMemo, createSignal, type JSX, lazy, Show, Suspense, untrack } from 'solid-js';
import { nothing, useQuery } from '../../data/query.ts';
import { whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Empty, Page, Time } from '../../parts/basic.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { pageOf } from '../../parts/words.ts';
import { ChangeDialog } from '../../plan/ChangeDialog.tsx';
import { cadenceText, keepText } from './cadence.ts';
import { PROTECTION_TABS } from './tabs.ts';

const ScheduleForm = lazy(() => import('./ScheduleForm.tsx').then((m) => ({ default: m.ScheduleForm })));
/** As the schema has them; it is brought with the form. */
const RULES = ['hourly', 'daily', 'weekly', 'monthly', 'yearly', 'count', 'maxAgeDays'].map((rule) => ({ rule, word: rule }));

export const Schedules = (): JSX.Element => {
  const schedules = useQuery('schedules', nothing, () => trpc.schedules.list.query(), { topics: ['schedule'] });
  const [params, setParams] = useSearchParams<{ do?: string; dataset?: string; schedule?: string }>();
  const [removing, setRemoving] = createSignal<string | null>(null);
  const create = (): void => void setParams({ do: 'create' });
  const list = () => schedules.data()?.schedules ?? [];
  /** A copy: the form keeps what it began with while the list goes on. */
  const changing = createMemo(() => {
    const found = list().find((r) => r.schedule.name === params.schedule);
    return found === undefined ? null : { ...found.schedule, keep: { ...found.schedule.keep } };
  });
  type Row = ReturnType<typeof list>[number];
  const state = (r: Row): JSX.Element =>
    !r.schedule.enabled ? (
      <span class="dim">off</span>
    ) : r.last === null ? (
      <span class="dim">no run yet</span>
    ) : r.last.problem !== null ? (
      <Status tone="bad">{r.last.problem}</Status>
    ) : (
      <Status tone="ok">
        ran <Time at={r.last.endedAt} />
      </Status>
    );
  return (
    <Page
      title="Protection"
      lead="Snapshots that take themselves, and go when they are no longer wanted."
      tabs={PROTECTION_TABS}
      actions={
        <Button look="main" icon="plus" why={whyNot('storage.write')} onClick={create}>
          New schedule
        </Button>
      }
    >
      <Answer query={schedules}>
        {(_) => (
          <Show
            when={list().length > 0}
            fallback={
              <Empty title="No schedule takes snapshots yet">
                <p>
                  A schedule keeps a dataset as it was each hour, night or month, and destroys what is no longer wanted. Files come back
                  from its snapshots one by one, here and in Windows as Previous Versions.
                </p>
                <Button look="main" why={whyNot('storage.write')} onClick={create}>
                  Make a schedule
                </Button>
                <p>
                  Or declare it in <A href="/changes/state">state.yaml</A>.
                </p>
              </Empty>
            }
          >
            <Table
              label="Schedules"
              rows={list()}
              columns={[
                {
                  id: 'n',
                  head: 'Name',
                  cell: (r) => <A href={pageOf(`schedule:${r.schedule.name}`) ?? '/'}>{r.schedule.name}</A>,
                },
                {
                  id: 'd',
                  head: 'Dataset',
                  cell: (r) => (
                    <>
                      <A href={pageOf(`dataset:${r.schedule.dataset}`) ?? '/'}>{r.schedule.dataset}</A>
                      {r.schedule.recursive ? ' and below' : ''}
                    </>
                  ),
                },
                {
                  id: 'w',
                  head: 'When',
                  wide: true,
                  cell: (r) => <span title={`${r.schedule.cron} ${r.schedule.timezone}`}>{cadenceText(r.schedule.cron)}</span>,
                },
                { id: 'k', head: 'Keeps', wide: true, wrap: true, cell: (r) => keepText(r.schedule.keep, RULES) },
                {
                  id: 'c',
                  head: 'Has',
                  align: 'end',
                  wide: true,
                  cell: (r) => <span class="num">{r.snapshots.toLocaleString('en')}</span>,
                },
                { id: 's', head: 'Last run', wrap: true, cell: (r) => state(r) },
                {
                  id: 'x',
                  head: 'Next',
                  wide: true,
                  cell: (r) => (
                    <Show when={r.nextAt} fallback={<span class="dim">never</span>}>
                      {(at) => <Time at={at()} />}
                    </Show>
                  ),
                },
                {
                  id: 'a',
                  head: 'Actions',
                  bare: true,
                  align: 'end',
                  wide: true,
                  cell: (r) => (
                    <Button
                      look="quiet"
                      why={whyNot('storage.write')}
                      aria-label={`Remove schedule ${r.schedule.name}`}
                      onClick={() => setRemoving(r.schedule.name)}
                    >
                      Remove
                    </Button>
                  ),
                },
              ]}
            />
          </Show>
        )}
      </Answer>
      <Suspense>
        <Show when={params.do === 'create'}>
          <ScheduleForm
            {...(params.dataset !== undefined && { dataset: params.dataset })}
            onClose={() => setParams({ do: undefined, dataset: undefined })}
          />
        </Show>
        <Show when={changing()?.name} keyed>
          {(_name) => (
            <Show when={untrack(changing)}>
              {(s) => <ScheduleForm schedule={s()} onClose={() => setParams({ schedule: undefined })} />}
            </Show>
          )}
        </Show>
      </Suspense>
      <Show when={removing()}>
        {(name) => (
          <ChangeDialog
            title={`Remove schedule ${name()}`}
            about="It takes no more snapshots and destroys none. Those it has taken stay until somebody destroys them."
            onClose={() => setRemoving(null)}
            changes={() => [{ kind: 'schedule.remove', name: name() }]}
          />
        )}
      </Show>
    </Page>
  );
};
