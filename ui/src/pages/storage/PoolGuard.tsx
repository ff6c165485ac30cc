/** What guards a pool: its heartbeat, and how full it is with what is held back. */
import { createSignal, type JSX, Match, Show, Switch } from 'solid-js';
import type { HeartbeatState } from '../../../../control/src/domain/pool/heartbeat.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { nothing, useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Note, ProblemBox, Section, Time } from '../../parts/basic.tsx';
import { Status, type Tone } from '../../parts/Status.tsx';
import { duration } from '../../parts/words.ts';

const TONES: Record<HeartbeatState, Tone> = {
  beating: 'ok',
  slow: 'warn',
  stuck: 'bad',
  suspended: 'bad',
  'read-only': 'warn',
  failing: 'bad',
  unknown: 'never',
  off: 'idle',
};

export const PoolGuard = (props: { name: string }): JSX.Element => {
  const health = useQuery('pools-health', nothing, () => trpc.pools.health.query(), { topics: ['pool', 'alert'], by: 'pool' });
  const space = useQuery('pools-capacity', nothing, () => trpc.pools.capacity.query(), { topics: ['pool', 'dataset'], by: 'pool' });
  const heartbeat = () => health.data()?.pools.find((p) => p.pool === props.name)?.heartbeat ?? null;
  const capacity = () => space.data()?.pools.find((p) => p.pool === props.name) ?? null;
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const act = async (work: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await ask(work);
      health.refetch();
      space.refetch();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  const switchTo = (on: boolean): Promise<void> =>
    act(() => trpc.pools.setHeartbeat.mutate({ name: props.name, heartbeat: { on, limit: heartbeat()?.settings.limit ?? 30_000 } }));
  const may = (): string | undefined => whyNot('storage.write') ?? (busy() ? 'it is under way' : undefined);
  return (
    <Section title="Guarded">
      <Answer query={health}>
        {(_) => (
          <>
            <Show when={capacity()?.message}>
              {(text) => (
                <Note tone={capacity()?.level === 'filling' ? 'warn' : 'bad'} title={capacity()?.level === 'full' ? 'Full' : 'Filling up'}>
                  <p>{text()}</p>
                </Note>
              )}
            </Show>
            <dl class="facts">
              <div>
                <dt>Heartbeat</dt>
                <dd>
                  <Show when={heartbeat()} fallback="none yet">
                    {(h) => (
                      <>
                        <Status tone={TONES[h().state]}>{h().state}</Status> <small>{h().why}</small>
                      </>
                    )}
                  </Show>
                </dd>
              </div>
              <Show when={heartbeat()?.latency}>
                {(l) => (
                  <div>
                    <dt>Last beat</dt>
                    <dd>
                      <small>
                        written in {l().write.toFixed(1)} ms, on all disks after {l().flush.toFixed(0)} ms, read back in{' '}
                        {l().read.toFixed(1)} ms; it may take {duration(heartbeat()?.settings.limit ?? 0)}
                      </small>
                    </dd>
                  </div>
                )}
              </Show>
              <div>
                <dt>Reserve</dt>
                <dd>
                  <Switch fallback="none">
                    <Match when={(capacity()?.reserve.bytes ?? 0) > 0}>
                      {formatBytes(capacity()?.reserve.bytes ?? 0)} <small>held back; given free at {capacity()?.thresholds.full}%</small>
                    </Match>
                    <Match when={capacity()?.reserve.released}>
                      {(r) => (
                        <>
                          given free <Time at={r().at} /> <small>{capacity()?.reserve.offered ? 'there is room for it again' : ''}</small>
                        </>
                      )}
                    </Match>
                  </Switch>
                </dd>
              </div>
            </dl>
            <div class="row">
              <Show
                when={(capacity()?.reserve.bytes ?? 0) > 0}
                fallback={
                  <Button
                    look={capacity()?.reserve.offered ? 'main' : 'plain'}
                    why={may()}
                    onClick={() => void act(() => trpc.pools.reserve.mutate({ pool: props.name }))}
                  >
                    Hold back {formatBytes(capacity()?.reserve.suggested ?? 0)}
                  </Button>
                }
              >
                <Button why={may()} onClick={() => void act(() => trpc.pools.release.mutate({ pool: props.name }))}>
                  Give the reserve free
                </Button>
              </Show>
              <Show when={heartbeat()}>
                {(h) => (
                  <Button look="quiet" why={may()} onClick={() => void switchTo(!h().settings.on)}>
                    {h().settings.on ? 'Switch the heartbeat off' : 'Switch the heartbeat on'}
                  </Button>
                )}
              </Show>
            </div>
            <p class="dim">
              Every 30 s a small write, onto the disks and read back: a pool that does not answer is told, and what runs on it is stopped.
              Its disks don't sleep meanwhile. The reserve is given free by itself when the pool is full, so that things can be deleted.
            </p>
            <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
          </>
        )}
      </Answer>
    </Section>
  );
};
