/** Whether the box still is as it was last applied, and which versions of state.yaml there were. */
import { A } from '@solidjs/router';
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Note, Page, ProblemBox, Section, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { Status, type Tone } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { pageOf, plural, shortDigest } from '../../parts/words.ts';
import { diffOf, hunksOf } from '../../plan/diff.ts';
import { DiffView } from '../../plan/DiffView.tsx';
import { CHANGES_TABS } from './tabs.ts';

const TONE: Record<'unknown' | 'in-sync' | 'drifted', Tone> = { unknown: 'idle', 'in-sync': 'ok', drifted: 'warn' };
const WHAT: Record<'missing' | 'extra' | 'renamed' | 'changed', string> = {
  missing: 'is missing',
  extra: 'was not declared',
  renamed: 'was renamed',
  changed: 'differs',
};

export const Drift = (): JSX.Element => {
  const status = useQuery('drift', nothing, () => trpc.gitops.status.query(), { topics: ['state', 'run'] });
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const check = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await ask(() => trpc.gitops.check.mutate());
      status.refetch();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  const drift = () => status.data()?.drift;
  return (
    <Page
      title="Changes"
      tabs={CHANGES_TABS}
      actions={
        <Button busy={busy()} why={whyNot('plan.read')} onClick={() => void check()}>
          {busy() ? 'Looking …' : 'Look now'}
        </Button>
      }
    >
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <Answer query={status}>
        {(_) => (
          <>
            <Note
              tone={drift()?.state === 'drifted' ? 'warn' : drift()?.state === 'in-sync' ? 'ok' : 'plain'}
              title={
                <Status tone={TONE[drift()?.state ?? 'unknown']}>
                  {drift()?.state === 'in-sync'
                    ? 'As it was last applied'
                    : drift()?.state === 'drifted'
                      ? plural(drift()?.items.length ?? 0, 'difference')
                      : 'Nothing to compare with yet'}
                </Status>
              }
            >
              <p>
                {drift()?.state === 'unknown'
                  ? 'Once something was applied from here or captured, what is changed behind the back of D-PlaneOS is shown on this page.'
                  : drift()?.state === 'drifted'
                    ? 'Something was changed outside D-PlaneOS. Plan the saved state to put it back, or write it into state.yaml to keep it.'
                    : 'Nothing was changed outside D-PlaneOS.'}
              </p>
              <Show when={drift()?.checkedAt}>
                {(at) => (
                  <p class="dim">
                    Looked at <Time at={at()} />
                    <Show when={drift()?.since}>
                      {(since) => (
                        <>
                          , different since <Time at={since()} />
                        </>
                      )}
                    </Show>
                  </p>
                )}
              </Show>
            </Note>
            <Show when={(drift()?.items.length ?? 0) > 0}>
              <Table
                label="Differences"
                rows={drift()?.items ?? []}
                columns={[
                  {
                    id: 'n',
                    head: 'What',
                    wrap: true,
                    cell: (i) => (
                      <>
                        {i.noun} <A href={pageOf(`${i.noun}:${i.name}`) ?? '/'}>{i.name}</A>
                      </>
                    ),
                  },
                  { id: 'w', head: 'How', cell: (i) => WHAT[i.what] },
                  { id: 'm', head: 'In words', wrap: true, wide: true, cell: (i) => i.message },
                ]}
              />
              <p>
                <A href="/changes/state">To state.yaml</A>
              </p>
            </Show>
          </>
        )}
      </Answer>
    </Page>
  );
};

export const StateHistory = (): JSX.Element => {
  const history = useQuery(
    'history',
    () => ({ limit: 100 }),
    (i) => trpc.gitops.history.query(i),
    { topics: ['state', 'run'], by: 'id' },
  );
  const [shown, setShown] = createSignal<number | null>(null);
  const states = () => history.data()?.states ?? [];
  const pair = createMemo(() => {
    const i = states().findIndex((s) => s.id === shown());
    return i < 0 ? null : { state: states()[i], before: states()[i + 1] };
  });
  return (
    <Page title="Changes" tabs={CHANGES_TABS}>
      <Answer query={history}>
        {(_) => (
          <Section title="Versions of state.yaml" aside={plural(states().length, 'version')}>
            <Table
              label="Versions of state.yaml"
              rows={states()}
              empty="None yet."
              columns={[
                {
                  id: 'i',
                  head: 'Version',
                  cell: (s) => (
                    <Button look="quiet" onClick={() => setShown(s.id)}>
                      {s.id}, {s.kind}
                    </Button>
                  ),
                },
                { id: 'a', head: 'By', cell: (s) => s.actor },
                { id: 't', head: 'When', cell: (s) => <Time at={s.at} /> },
                { id: 'd', head: 'Digest', wide: true, cell: (s) => <code>{shortDigest(s.digest)}</code> },
              ]}
            />
          </Section>
        )}
      </Answer>
      <Dialog
        open={pair() !== null}
        onClose={() => setShown(null)}
        title={`Version ${shown() ?? ''}`}
        about={pair()?.before ? `What differs from version ${pair()?.before?.id}` : 'The first version'}
        wide
      >
        <DiffView label="What differs" lines={hunksOf(diffOf(pair()?.before?.yaml ?? '', pair()?.state?.yaml ?? ''))} />
      </Dialog>
    </Page>
  );
};
