/** The generations of NixOS: what runs, what starts next, what changed between two; the way to another one and back. */
import { createSignal, type JSX, Show } from 'solid-js';
import {
  type Generation,
  isPassedOver,
  type PackageChange,
  whyNoActivate,
  whyNoDelete,
  whyPassedOver,
} from '../../../../control/src/domain/generation/generation.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Note, Page, ProblemBox, Section, Time } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { plural } from '../../parts/words.ts';
import { Restart } from './Restart.tsx';
import { SYSTEM_TABS } from './tabs.ts';
import '../../style/system.css';

const versions = (of: readonly string[]): string => (of.length === 0 ? 'not there' : of.map((v) => v || 'no version').join(', '));

const State = (props: { of: Generation; known: boolean }): JSX.Element => (
  <Show when={props.of.running || props.of.current || props.of.booted} fallback={<Status tone="never">can be gone back to</Status>}>
    <Status tone={props.of.running ? 'ok' : props.of.next ? 'busy' : props.of.current ? 'warn' : 'never'}>
      {props.of.running
        ? props.of.next
          ? 'runs, and starts next'
          : 'runs'
        : props.of.next
          ? 'starts next'
          : props.of.current
            ? props.known
              ? 'chosen, does not start'
              : 'chosen'
            : 'was started'}
    </Status>
  </Show>
);

const Changes = (props: { from: number; to: number }): JSX.Element => {
  const diff = useQuery(
    'generation-diff',
    () => ({ from: props.from, to: props.to }),
    (i) => trpc.generations.compare.query(i),
    { topics: ['generation'] },
  );
  return (
    <Section title={`From generation ${props.from} to ${props.to}`} aside={plural(diff.data()?.packages.length ?? 0, 'package')}>
      <Answer query={diff}>
        {(_) => (
          <Table
            label="Packages that differ"
            rows={diff.data()?.packages ?? []}
            empty="The same packages in the same versions."
            columns={[
              { id: 'n', head: 'Package', wrap: true, cell: (p: PackageChange) => p.name },
              { id: 'b', head: 'Before', wrap: true, cell: (p: PackageChange) => versions(p.before) },
              { id: 'a', head: 'After', wrap: true, cell: (p: PackageChange) => versions(p.after) },
            ]}
          />
        )}
      </Answer>
    </Section>
  );
};

type Asked = { kind: 'activate' | 'delete'; generation: Generation };

export const Generations = (): JSX.Element => {
  const list = useQuery('generations', nothing, () => trpc.generations.list.query(), { topics: ['generation', 'system'] });
  const [compared, setCompared] = createSignal<{ from: number; to: number } | null>(null);
  const [asked, setAsked] = createSignal<Asked | null>(null);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [restarting, setRestarting] = createSignal(false);
  const generations = (): Generation[] => {
    const found = list.data();
    return found?.available ? found.generations : [];
  };
  const unknown = (): string | null => {
    const found = list.data();
    return found?.available ? found.unknown : null;
  };
  const waiting = (): Generation | undefined => generations().find((g) => g.next && !g.running);
  const passedOver = (): Generation | undefined => (unknown() === null ? generations().find(isPassedOver) : undefined);
  const running = (): Generation | undefined => generations().find((g) => g.running);
  const notNow = (why: string | null): string | undefined =>
    whyNot('system.update') ?? (why === null ? undefined : `Not this one: ${why}.`);
  const act = async ({ kind, generation }: Asked): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await ask(
        (): Promise<unknown> =>
          kind === 'activate'
            ? trpc.generations.activate.mutate({ number: generation.number })
            : trpc.generations.remove.mutate({ numbers: [generation.number] }),
      );
      setAsked(null);
    } catch (error) {
      setProblem(problemOf(error));
    }
    list.refetch();
    setBusy(false);
  };
  const none = () => {
    const found = list.data();
    return found && !found.available ? found : null;
  };
  return (
    <Page title="System" tabs={SYSTEM_TABS}>
      <Answer query={list}>
        {(_) => (
          <>
            <Show when={none()}>
              {(found) => (
                <Note title="No generations here">
                  <p>
                    {found().why}; {found().todo}.
                  </p>
                </Note>
              )}
            </Show>
            <Show when={unknown()}>
              {(why) => (
                <Note title="Nobody can say now which one starts next">
                  <p>{why()}.</p>
                </Note>
              )}
            </Show>
            <Show when={passedOver()}>
              {(g) => (
                <Note title={`Generation ${g().number} does not start`}>
                  <p>{whyPassedOver(g(), generations())} “Start next” tries it again, or puts it aside for another one.</p>
                </Note>
              )}
            </Show>
            <Show when={waiting()}>
              {(g) => (
                <Note title={`Generation ${g().number} starts next`}>
                  <p>It is tried at the next restart. If it does not come up well, the one that runs now comes back by itself.</p>
                  <p>
                    <Button look="main" why={whyNot('system.restart')} onClick={() => setRestarting(true)}>
                      Restart into it
                    </Button>
                  </p>
                </Note>
              )}
            </Show>
            <Show when={none() === null}>
              <Section title="Generations" aside={plural(generations().length, 'system')}>
                <Table
                  label="Generations"
                  rows={generations()}
                  columns={[
                    { id: 'n', head: 'No', cell: (g) => g.number },
                    { id: 's', head: 'State', wrap: true, cell: (g) => <State of={g} known={unknown() === null} /> },
                    { id: 'l', head: 'System', wide: true, cell: (g) => g.label ?? 'unnamed' },
                    { id: 'k', head: 'Linux', wide: true, cell: (g) => g.kernel ?? '' },
                    { id: 'z', head: 'OpenZFS', wide: true, cell: (g) => g.zfs ?? '' },
                    { id: 't', head: 'Made', wide: true, cell: (g) => <Time at={g.createdAt} /> },
                    {
                      id: 'a',
                      head: 'Actions',
                      wrap: true,
                      cell: (g) => (
                        <span class="row">
                          <Button
                            aria-label={`Compare generation ${g.number} with the one that runs`}
                            why={g.running || running() === undefined ? 'It is the one that runs.' : undefined}
                            onClick={() => setCompared({ from: g.number, to: running()?.number ?? g.number })}
                          >
                            Compare
                          </Button>
                          <Button
                            aria-label={`Start next: generation ${g.number}`}
                            why={notNow(whyNoActivate(g))}
                            onClick={() => setAsked({ kind: 'activate', generation: g })}
                          >
                            Start next
                          </Button>
                          <Button
                            aria-label={`Delete generation ${g.number}`}
                            why={notNow(whyNoDelete(g))}
                            onClick={() => setAsked({ kind: 'delete', generation: g })}
                          >
                            Delete
                          </Button>
                        </span>
                      ),
                    },
                  ]}
                />
              </Section>
              <Show when={compared()}>{(c) => <Changes from={c().from} to={c().to} />}</Show>
            </Show>
          </>
        )}
      </Answer>
      <Show when={asked()}>
        {(a) => (
          <Dialog
            open
            onClose={() => {
              setAsked(null);
              setProblem(null);
            }}
            title={
              a().kind === 'activate' ? `Let generation ${a().generation.number} start next` : `Delete generation ${a().generation.number}`
            }
          >
            <p>
              {a().kind === 'activate'
                ? 'Snapshots of all pools are taken first. It is tried at the next restart, under the same checks as an update; what runs now is not touched.'
                : 'It can’t be gone back to afterwards. What only it needed is removed from the disk.'}
            </p>
            <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
            <div class="row">
              <Button look="main" busy={busy()} why={whyNot('system.update')} onClick={() => void act(a())}>
                {a().kind === 'activate' ? 'Start it next' : 'Delete it'}
              </Button>
            </div>
          </Dialog>
        )}
      </Show>
      <Show when={restarting()}>
        <Restart onClose={() => setRestarting(false)} onBegun={() => setRestarting(false)} />
      </Show>
    </Page>
  );
};
