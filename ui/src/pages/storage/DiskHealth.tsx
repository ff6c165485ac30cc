/** How healthy a disk is: in one word with its reasons, then what it counts and how that grew, then its tests. */
import { A } from '@solidjs/router';
import { createMemo, createSignal, type JSX, Show } from 'solid-js';
import { diskLabel } from '../../../../control/src/domain/disk/disk.ts';
import { now } from '../../data/clock.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Button, Note, ProblemBox, Progress, Section } from '../../parts/basic.tsx';
import { Sparkline } from '../../parts/Sparkline.tsx';
import { Status } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { duration } from '../../parts/words.ts';
import { ageOf, countsOf, stepped, toneOfRisk, wordOf, yearsOf } from './health.ts';
import { Reasons } from './RiskyDisks.tsx';

const DAYS = 30;
const RESULT = { passed: 'ok', failed: 'bad', stopped: 'idle' } as const;

export const DiskHealth = (props: {
  path: string /** Its pool and how to replace it there. */;
  replace?: { pool: string; href: string } | undefined;
}): JSX.Element => {
  const name = (): string => diskLabel(props.path);
  const query = useQuery(
    'disk-past',
    () => ({ disk: name(), days: DAYS }),
    (i) => trpc.disks.past.query(i),
    { topics: ['pool'], by: 'at' },
  );
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const run = async (work: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await ask(work);
    } catch (error) {
      setProblem(problemOf(error));
    }
    query.refetch();
    setBusy(false);
  };
  const test = (kind: 'short' | 'long' | 'stop') => run(() => trpc.disks.test.mutate({ disk: name(), test: kind }));
  const health = createMemo(() => query.data()?.health);
  const smart = () => health()?.smart ?? null;
  const tests = () => smart()?.tests ?? null;
  const rows = createMemo(() => {
    const d = query.data();
    return d ? countsOf(d.health, (f) => d.history[f]?.at(-1)?.value) : [];
  });
  const line = (field: 'temperature' | ReturnType<typeof rows>[number]['field']) => {
    const d = query.data();
    if (!d) return [];
    // a count holds until it changes; a temperature glides
    return field === 'temperature' ? (d.history.temperature ?? []) : stepped(d.history[field] ?? [], d.since, d.now);
  };
  const whyNoTest = (): string | undefined =>
    whyNot('storage.write') ??
    (tests()?.can === true || health()?.state === 'asleep'
      ? undefined
      : 'This disk has no self-tests. A scrub of its pool reads all that it holds.');
  const minutes = (kind: 'short' | 'long'): string => {
    const m = tests()?.minutes[kind];
    return m == null ? '' : ` (about ${duration(m * 60_000)})`;
  };
  return (
    <Section
      title="Health"
      aside={
        <Button
          look="quiet"
          busy={busy()}
          why={whyNot('storage.write')}
          onClick={() => void run(() => trpc.disks.read.mutate({ disk: name() }))}
        >
          Ask it now
        </Button>
      }
    >
      <Answer query={query}>
        {(_) => (
          <Show when={health()}>
            {(h) => (
              <div class="stack">
                <Note
                  tone={toneOfRisk(h()) === 'bad' ? 'bad' : toneOfRisk(h()) === 'warn' ? 'warn' : toneOfRisk(h()) === 'ok' ? 'ok' : 'plain'}
                  title={<Status tone={toneOfRisk(h())}>{wordOf(h())}</Status>}
                >
                  <Show when={h().reasons.length > 0}>
                    <Reasons of={h().reasons} />
                  </Show>
                  <p class="dim">{ageOf(h(), now())}</p>
                  <Show when={h().word === 'failing' || h().word === 'replace it soon' ? props.replace : undefined}>
                    {(r) => (
                      <p>
                        <A href={r().href}>Replace it in {r().pool}</A>
                      </p>
                    )}
                  </Show>
                </Note>
                <Show when={smart()}>
                  {(s) => (
                    <dl class="facts roomy">
                      <Show when={s().temperature !== null}>
                        <div>
                          <dt>Temperature</dt>
                          <dd>
                            {s().temperature} °C
                            <Sparkline label={`Temperature over the last ${DAYS} days`} points={line('temperature')} />
                          </dd>
                        </div>
                      </Show>
                      <Show when={s().hours !== null}>
                        <div>
                          <dt>Has run for</dt>
                          <dd>{yearsOf(s().hours ?? 0)}</dd>
                        </div>
                      </Show>
                      <Show when={s().used !== null}>
                        <div>
                          <dt>Rated life used</dt>
                          <dd>{s().used}%</dd>
                        </div>
                      </Show>
                      <Show when={s().spare !== null && (s().spareThreshold ?? 0) > 0}>
                        <div>
                          <dt>Spare blocks left</dt>
                          <dd>
                            {s().spare}% <small>too few below {s().spareThreshold}%</small>
                          </dd>
                        </div>
                      </Show>
                      <div>
                        <dt>Its own verdict</dt>
                        <dd>{s().passed === null ? 'none' : s().passed ? 'passed' : 'failing'}</dd>
                      </div>
                      <div>
                        <dt>Risk</dt>
                        <dd class="num">
                          {h().score} <small>of 100</small>
                        </dd>
                      </div>
                    </dl>
                  )}
                </Show>
                <Show when={rows().length > 0}>
                  <Table
                    label="What is counted"
                    rows={rows()}
                    empty="Nothing is counted."
                    columns={[
                      { id: 'n', head: 'Counted', wrap: true, cell: (r) => r.name },
                      { id: 'v', head: 'Now', align: 'end', cell: (r) => <span class="num">{r.value.toLocaleString('en')}</span> },
                      {
                        id: 'w',
                        head: 'This week',
                        align: 'end',
                        cell: (r) => (
                          <Show when={r.week > 0} fallback={<span class="dim">none</span>}>
                            <span class="num">+{r.week.toLocaleString('en')}</span>
                          </Show>
                        ),
                      },
                      {
                        id: 'l',
                        head: `${DAYS} days`,
                        wide: true,
                        cell: (r) => <Sparkline label={`${r.name} over the last ${DAYS} days`} points={line(r.field)} />,
                      },
                    ]}
                  />
                </Show>
                <Show when={tests()?.running !== null && tests()?.running !== undefined}>
                  <Progress label="Self-test" share={tests()?.running ?? 0} />
                  <p class="dim num">The disk tests itself: {Math.round((tests()?.running ?? 0) * 100)}%. It stays in use.</p>
                </Show>
                <div class="row">
                  <Show
                    when={tests()?.running != null}
                    fallback={
                      <>
                        <Button busy={busy()} why={whyNoTest()} onClick={() => void test('short')}>
                          Short self-test{minutes('short')}
                        </Button>
                        <Button busy={busy()} why={whyNoTest()} onClick={() => void test('long')}>
                          Long self-test{minutes('long')}
                        </Button>
                      </>
                    }
                  >
                    <Button busy={busy()} why={whyNot('storage.write')} onClick={() => void test('stop')}>
                      Stop the self-test
                    </Button>
                  </Show>
                  <Show when={h().state === 'asleep'}>
                    <span class="dim">A self-test wakes it.</span>
                  </Show>
                </div>
                <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
                <Show when={(tests()?.last.length ?? 0) > 0}>
                  <Table
                    label="Self-tests"
                    rows={tests()?.last.slice(0, 5) ?? []}
                    empty="None yet."
                    columns={[
                      { id: 'k', head: 'Self-test', cell: (t) => t.kind },
                      { id: 'r', head: 'Result', cell: (t) => <Status tone={RESULT[t.result]}>{t.result}</Status> },
                      { id: 't', head: 'In its words', wrap: true, wide: true, cell: (t) => t.text },
                      { id: 'h', head: 'After', align: 'end', cell: (t) => (t.hours === null ? '' : yearsOf(t.hours)) },
                    ]}
                  />
                </Show>
              </div>
            )}
          </Show>
        )}
      </Answer>
    </Section>
  );
};
