/**
 * One disk of a pool is replaced: how it is, which disks fit (and why others don't), what will happen, how far it is, done. The page knows by
 * the pool itself which of these it is: leaving it stops nothing, and coming back finds the right step.
 */
import { A, useParams } from '@solidjs/router';
import { createEffect, createMemo, createSignal, For, type JSX, Match, Show, Switch } from 'solid-js';
import { diskLabel } from '../../../../control/src/domain/disk/disk.ts';
import { findDisk } from '../../../../control/src/domain/pool/redundancy.ts';
import { formatBytes } from '../../../../control/src/domain/units.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { useQuery } from '../../data/query.ts';
import { ask, whyNot } from '../../data/session.ts';
import { type Outputs, trpc } from '../../data/trpc.ts';
import { Answer, Button, Empty, Note, Page, ProblemBox, Section } from '../../parts/basic.tsx';
import { PoolDrawing } from '../../parts/PoolDrawing.tsx';
import { Shape, Status, toneOfHealth } from '../../parts/Status.tsx';
import { pageOf, plural, shortDisk } from '../../parts/words.ts';
import { PlanFlow } from '../../plan/PlanFlow.tsx';
import { PoolWork } from './PoolWork.tsx';
import { Reasons, useHealth } from './RiskyDisks.tsx';
import '../../style/storage.css';

type Candidate = Outputs['pools']['candidates']['candidates'][number];

const STEPS = ['The disk', 'A new disk', 'What will happen', 'Filling it', 'Done'] as const;
const Steps = (props: { at: number }): JSX.Element => (
  <ol class="steps-line" aria-label="Steps">
    <For each={STEPS}>
      {(name, i) => (
        <li classList={{ past: i() < props.at, here: i() === props.at }} aria-current={i() === props.at ? 'step' : undefined}>
          <span class="num">{i() + 1}</span> {name}
        </li>
      )}
    </For>
  </ol>
);

const Choice = (props: {
  c: Candidate;
  chosen: boolean;
  erase: boolean;
  onChoose: () => void;
  onErase: (on: boolean) => void;
}): JSX.Element => {
  const tone = () => (props.c.refused.length > 0 ? 'never' : props.c.erase === null ? 'ok' : 'warn');
  return (
    <li class="candidate" classList={{ chosen: props.chosen, refused: props.c.refused.length > 0 }}>
      <label>
        <input
          type="radio"
          name="candidate"
          checked={props.chosen}
          disabled={props.c.refused.length > 0}
          onChange={() => props.onChoose()}
        />
        <span class="disk-name" title={props.c.disk.path}>
          {shortDisk(props.c.disk.path)}
        </span>
        <span class="dim num">
          {formatBytes(props.c.disk.size)}, {props.c.disk.rotational ? 'hard disk' : 'solid state'}, serial{' '}
          {props.c.disk.serial || 'unknown'}
        </span>
        <Status tone={tone()}>{props.c.refused.length > 0 ? "can't be used" : props.c.erase === null ? 'fits' : 'holds something'}</Status>
      </label>
      <ul class="notes">
        <For each={props.c.refused}>
          {(why) => (
            <li>
              <Shape tone="never" />
              <span>{why}</span>
            </li>
          )}
        </For>
        <Show when={props.c.erase}>
          {(why) => (
            <li>
              <Shape tone="warn" />
              <span>{why()}. Using it erases that.</span>
            </li>
          )}
        </Show>
        <For each={props.c.notes}>
          {(note) => (
            <li>
              <Shape tone="idle" />
              <span>{note}</span>
            </li>
          )}
        </For>
      </ul>
      <Show when={props.chosen && props.c.erase !== null}>
        <label class="row">
          <input type="checkbox" checked={props.erase} onChange={(e) => props.onErase(e.currentTarget.checked)} />
          <span>
            Erase what is on <code>{diskLabel(props.c.disk.path)}</code>. Its name is asked for once more.
          </span>
        </label>
      </Show>
    </li>
  );
};

export const Replace = (): JSX.Element => {
  const params = useParams<{ name: string; disk: string }>();
  const name = (): string => decodeURIComponent(params.name);
  const ref = (): string => decodeURIComponent(params.disk);
  const query = useQuery(
    'pool',
    () => ({ name: name() }),
    (i) => trpc.pools.get.query(i),
    { topics: ['pool', 'dataset'], by: 'guid' },
  );
  const pool = () => query.data()?.pool;
  const found = createMemo(() => {
    const p = pool();
    return p ? findDisk(p, ref()) : undefined;
  });
  const replacing = createMemo(() => found()?.disk.standIns?.find((s) => s.kind === 'replacing'));
  const asked = useQuery(
    'candidates',
    () => (found() && !replacing() ? { name: name(), for: ref() } : null),
    (i) => trpc.pools.candidates.query(i),
    { topics: ['pool'], by: 'disk' },
  );
  const health = useHealth();
  const reasons = () => health.data()?.disks.find((h) => h.path === found()?.disk.path.replace(/-part1$/, ''))?.reasons ?? [];
  const [chosen, setChosen] = createSignal<string | null>(null);
  const [erase, setErase] = createSignal(false);
  const [digest, setDigest] = createSignal<string | null>(null);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const all = () => asked.data()?.candidates ?? [];
  // those of other pools are counted: a list of them helps nobody to choose
  const candidates = createMemo(() => all().filter((c) => c.disk.pool === null));
  const elsewhere = createMemo(() => all().length - candidates().length);
  const choice = createMemo(() => candidates().find((c) => c.disk.path === chosen()));
  // the best is offered; who wants another chooses it
  createEffect(() => {
    const first = candidates()[0];
    if (chosen() === null && first && first.refused.length === 0 && first.erase === null) setChosen(first.disk.path);
  });
  const plan = async (): Promise<void> => {
    const c = choice();
    if (!c || busy()) return;
    setBusy(true);
    setProblem(null);
    try {
      const change = {
        kind: 'pool.replace' as const,
        name: name(),
        disk: found()?.disk.guid ?? ref(),
        with: c.disk.path,
        erase: erase() ? [c.disk.path] : [],
      };
      setDigest((await ask(() => trpc.plans.change.mutate({ changes: [change] }))).digest);
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  // a plan stays until it is closed: what became of it is to be read, however fast the pool is
  const at = (): number => (digest() ? 2 : !found() ? 4 : replacing() ? 3 : chosen() ? 1 : 0);
  const whyNotPlan = (): string | undefined =>
    whyNot('storage.write') ??
    (choice() === undefined ? 'Choose a disk first.' : undefined) ??
    (choice()?.erase !== null && !erase() ? 'Say that it may be erased, or choose another disk.' : undefined);
  return (
    <Page
      title={`Replace ${shortDisk(`/${ref()}`)}`}
      crumbs={[
        { href: '/storage', label: 'Storage' },
        { href: pageOf(`pool:${name()}`) ?? '/', label: name() },
      ]}
    >
      <Answer query={query}>
        {(_) => (
          <Show when={pool()}>
            {(p) => (
              <div class="stack">
                <Steps at={at()} />
                <Switch>
                  <Match when={digest()}>
                    {(d) => (
                      <PlanFlow
                        digest={d()}
                        onBack={() => setDigest(null)}
                        onClose={() => {
                          setDigest(null);
                          query.refetch();
                        }}
                      />
                    )}
                  </Match>
                  <Match when={!found()}>
                    <Show
                      when={p().health === 'ONLINE'}
                      fallback={
                        <Note tone="warn" title={`${shortDisk(`/${ref()}`)} is not in pool ${name()} any more`}>
                          <p>
                            The pool is {p().health.toLowerCase()}: {p().meaning}.
                          </p>
                        </Note>
                      }
                    >
                      <Note tone="ok" title="Done">
                        <p>
                          {shortDisk(`/${ref()}`)} is not in pool {name()} any more, and the pool is whole. You can take the disk out of the
                          machine.
                        </p>
                      </Note>
                    </Show>
                    <PoolDrawing pool={p()} />
                    <p>
                      <A href={pageOf(`pool:${name()}`) ?? '/'}>To pool {name()}</A>
                    </p>
                  </Match>
                  <Match when={replacing()}>
                    {(by) => (
                      <>
                        <Note tone="plain" title={`${shortDisk(by().path)} takes the place of ${shortDisk(found()?.disk.path ?? '')}`}>
                          <p>What the pool holds is written to it. The pool stays in use; you can leave this page, it goes on.</p>
                        </Note>
                        <PoolWork pool={p()} onEnd={() => query.refetch()} />
                        <PoolDrawing pool={p()} />
                      </>
                    )}
                  </Match>
                  <Match when={found()}>
                    {(f) => (
                      <>
                        <Note
                          tone={toneOfHealth(f().disk.state) === 'ok' ? 'plain' : 'bad'}
                          title={<Status tone={toneOfHealth(f().disk.state)}>{f().disk.state.toLowerCase()}</Status>}
                        >
                          <p>
                            {shortDisk(f().disk.path)} in {f().vdev.name} of pool {name()}, which is {p().health.toLowerCase()}:{' '}
                            {p().meaning}.
                          </p>
                          <Show when={f().disk.note}>{(note) => <p>{note()}</p>}</Show>
                          <Show when={reasons().length > 0}>
                            <Reasons of={reasons()} most={4} />
                          </Show>
                          <Show when={toneOfHealth(f().disk.state) === 'ok'}>
                            <p>It stays in use until the new disk holds everything.</p>
                          </Show>
                        </Note>
                        <Section
                          title="Which disk takes its place?"
                          aside={asked.data()?.minSize ? `room for ${formatBytes(asked.data()?.minSize ?? 0)} is needed` : undefined}
                        >
                          <Answer query={asked}>
                            {(_c) => (
                              <ul class="candidates" aria-label="Disks to choose from">
                                <For
                                  each={candidates()}
                                  fallback={
                                    <Empty title="No other disk is in this machine">
                                      <p>Plug one in. It appears here within a few seconds.</p>
                                    </Empty>
                                  }
                                >
                                  {(c) => (
                                    <Choice
                                      c={c}
                                      chosen={chosen() === c.disk.path}
                                      erase={erase()}
                                      onChoose={() => {
                                        setChosen(c.disk.path);
                                        setErase(false);
                                      }}
                                      onErase={setErase}
                                    />
                                  )}
                                </For>
                              </ul>
                            )}
                          </Answer>
                          <Show when={elsewhere() > 0}>
                            <p class="dim">{plural(elsewhere(), 'disk belongs', 'disks belong')} to other pools.</p>
                          </Show>
                        </Section>
                        <Show when={problem()}>{(x) => <ProblemBox problem={x()} />}</Show>
                        <div class="form-foot">
                          <Button look="main" busy={busy()} why={whyNotPlan()} onClick={() => void plan()}>
                            {busy() ? 'Planning …' : 'See what will happen'}
                          </Button>
                          <span class="dim">Nothing changes yet.</span>
                        </div>
                      </>
                    )}
                  </Match>
                </Switch>
              </div>
            )}
          </Show>
        )}
      </Answer>
    </Page>
  );
};
