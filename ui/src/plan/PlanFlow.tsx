/**
 * From a plan to what became of it: read, approve by typing exact names, apply, watch the steps, read the account. The same in a dialog
 * and on the page of the plan; leaving it stops nothing, and coming back finds it again.
 */
import { A } from '@solidjs/router';
import { createMemo, createSignal, createUniqueId, For, type JSX, Match, Show, Switch } from 'solid-js';
import type { Action, Plan } from '../../../control/src/domain/plan/types.ts';
import type { Run } from '../../../control/src/domain/job.ts';
import { canRun, needsApproval } from '../../../control/src/domain/plan/guard.ts';
import { isWithin } from '../../../control/src/domain/names.ts';
import { confirms } from '../../../control/src/domain/user/confirm.ts';
import { now } from '../data/clock.ts';
import { type Problem, problemOf } from '../data/problem.ts';
import { nothing, useQuery } from '../data/query.ts';
import { ask, may, whyNot } from '../data/session.ts';
import { trpc } from '../data/trpc.ts';
import { Button, Note, ProblemBox, Progress } from '../parts/basic.tsx';
import { plural, relative } from '../parts/words.ts';
import { PlanView } from './PlanView.tsx';

const Approve = (props: { plan: Plan; action: Action; approved: boolean }): JSX.Element => {
  const id = createUniqueId();
  const [typed, setTyped] = createSignal('');
  const [problem, setProblem] = createSignal<string | null>(null);
  const [busy, setBusy] = createSignal(false);
  const submit = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    const { target } = props.action;
    if (target === null || busy() || whyNot('plan.approve') !== undefined) return;
    if (!confirms(typed(), target)) {
      setProblem(`That is not the exact name. Type ${target.name}`);
      return;
    }
    setBusy(true);
    try {
      await ask(() => trpc.plans.approve.mutate({ digest: props.plan.digest, actionId: props.action.id, typed: typed() }));
      setProblem(null);
    } catch (error) {
      const p = problemOf(error);
      setProblem([p.what, p.why, p.todo].filter(Boolean).join('. '));
    }
    setBusy(false);
  };
  return (
    <Show when={!props.approved} fallback={<p class="approved">Approved, for this plan and once.</p>}>
      <form class="approve" onSubmit={(e) => void submit(e)}>
        <label for={id}>
          To approve, type the exact name <code class="exact">{props.action.target?.name}</code>
        </label>
        <div class="row">
          <input
            id={id}
            class="mono"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={typed()}
            onInput={(e) => {
              setTyped(e.currentTarget.value);
              setProblem(null);
            }}
            aria-invalid={problem() !== null}
            aria-describedby={`${id}-problem`}
          />
          <Button type="submit" look="danger" busy={busy()} why={whyNot('plan.approve')}>
            Approve
          </Button>
        </div>
        <p class="problem" id={`${id}-problem`} aria-live="polite">
          {problem()}
        </p>
      </form>
    </Show>
  );
};

/** Who notices: people with files open on shares that a disruptive action touches. */
const Affected = (props: { plan: Plan }): JSX.Element => {
  const touched = createMemo(() => props.plan.actions.filter((a) => a.risk === 'disruptive' || a.risk === 'destructive'));
  const shares = useQuery(
    'shares',
    () => (touched().length > 0 && may('share.read') ? nothing() : null),
    () => trpc.shares.list.query(),
    {
      topics: ['share'],
    },
  );
  const hit = createMemo(() =>
    (shares.data()?.shares ?? []).filter((s) =>
      touched().some((a) =>
        a.noun === 'share' ? a.name === s.spec.name || a.name.endsWith(`:${s.spec.name}`) : isWithin(s.spec.dataset, a.name),
      ),
    ),
  );
  const clients = createMemo(() => hit().flatMap((s) => s.clients.map((c) => ({ ...c, share: s.spec.name }))));
  return (
    <Show when={hit().length > 0}>
      <Note
        tone="warn"
        title={
          clients().length > 0
            ? `${plural(clients().length, 'person is', 'people are')} connected to what this touches`
            : 'Shares that this touches'
        }
      >
        <ul class="affected">
          <For each={clients()} fallback={<For each={hit()}>{(s) => <li>share {s.spec.name}, nobody connected now</li>}</For>}>
            {(c) => (
              <li>
                {c.user} on {c.machine}: {plural(c.openFiles, 'file')} open on share {c.share}
              </li>
            )}
          </For>
        </ul>
      </Note>
    </Show>
  );
};

const RunAccount = (props: { run: Run }): JSX.Element => {
  const done = (): number => props.run.steps.filter((s) => s.state !== 'waiting' && s.state !== 'running').length;
  return (
    <Switch>
      <Match when={props.run.state === 'running'}>
        <div class="stack" role="status">
          <p>
            Step {Math.min(done() + 1, props.run.steps.length)} of {props.run.steps.length}, begun {relative(props.run.startedAt, now())}.
            You can leave this page; it goes on.
          </p>
          <Progress label="Steps done" share={done() / Math.max(1, props.run.steps.length)} />
        </div>
      </Match>
      <Match when={props.run.state === 'succeeded'}>
        <div role="status">
          <Note tone="ok" title="Done">
            <p>{props.run.account}</p>
          </Note>
        </div>
      </Match>
      <Match when={true}>
        <div role="status">
          <Note tone="bad" title={props.run.state === 'failed' ? 'Not all of it was done' : 'The run was interrupted'}>
            <p>{props.run.account}</p>
          </Note>
        </div>
      </Match>
    </Switch>
  );
};

export const PlanFlow = (props: {
  digest: string;
  onClose?: () => void;
  onBack?: () => void;
  onPlan?: (digest: string) => void;
}): JSX.Element => {
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const asked = useQuery(
    'plan',
    () => ({ digest: props.digest }),
    (i) => trpc.plans.get.query(i),
    { topics: ['plan'], by: 'id' },
  );
  const runs = useQuery(
    'runs',
    () => ({ limit: 50 }),
    (i) => trpc.runs.list.query(i),
    { topics: ['run'], by: 'id' },
  );
  const run = createMemo(() => runs.data()?.runs.find((r) => r.planDigest === props.digest));
  const plans = useQuery(
    'plans',
    () => ({ limit: 50 }),
    (i) => trpc.plans.list.query(i),
    { topics: ['plan'], by: 'digest' },
  );
  const record = createMemo(() => plans.data()?.plans.find((p) => p.digest === props.digest));
  const approved = createMemo(() => new Set(asked.data()?.approvals.map((a) => a.actionId)));
  const plan = (): Plan | undefined => asked.data()?.plan;
  const waiting = createMemo(() => (plan()?.actions ?? []).filter((a) => needsApproval(a) && !approved().has(a.id)).length);
  const able = createMemo(() => (plan()?.actions ?? []).filter((a) => canRun(a, approved().has(a.id))).length);
  const expired = (): boolean => (record()?.expiresAt ?? Number.POSITIVE_INFINITY) < now();
  const whyNotApply = (): string | undefined =>
    whyNot('plan.apply') ??
    (expired() ? 'This plan has expired; make it again.' : undefined) ??
    (waiting() > 0 ? `${plural(waiting(), 'action waits', 'actions wait')} for approval.` : undefined) ??
    (able() === 0 ? 'Nothing in it can run.' : undefined);
  const apply = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await ask(() => trpc.plans.execute.mutate({ digest: props.digest }));
      runs.refetch();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  const again = async (): Promise<void> => {
    setBusy(true);
    try {
      props.onPlan?.((await ask(() => trpc.plans.state.query())).digest);
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <div class="plan-flow">
      <Show when={asked.problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <Show
        when={plan()}
        fallback={
          <Show when={!asked.problem()}>
            <p class="waiting">Reading the plan …</p>
          </Show>
        }
      >
        {(p) => (
          <>
            <Show when={run()}>{(r) => <RunAccount run={r()} />}</Show>
            <Show when={!run()}>
              <Affected plan={p()} />
            </Show>
            <PlanView
              plan={p()}
              steps={run()?.steps}
              approved={approved()}
              beside={(a) => (
                <Show when={needsApproval(a) && !run()}>
                  <Approve plan={p()} action={a} approved={approved().has(a.id)} />
                </Show>
              )}
            />
            <Show when={problem()}>
              {(x) => (
                <ProblemBox problem={x()}>
                  <Show when={x().code === 'stale'}>
                    <p>What is on the box has changed since this plan was made. Make it again to see what would happen now.</p>
                  </Show>
                </ProblemBox>
              )}
            </Show>
            <footer class="flow-foot">
              <Show
                when={!run()}
                fallback={
                  <Show when={props.onClose}>
                    {(close) => (
                      // The button that was pressed is gone; without a place for the focus the keyboard would begin at the top again.
                      <Button look="main" ref={(el) => queueMicrotask(() => el.focus())} onClick={() => close()()}>
                        Close
                      </Button>
                    )}
                  </Show>
                }
              >
                <Show when={p().actions.length > 0}>
                  <Button
                    look={waiting() > 0 || p().actions.some((a) => a.risk === 'destructive') ? 'danger' : 'main'}
                    busy={busy()}
                    why={whyNotApply()}
                    onClick={() => void apply()}
                  >
                    {busy() ? 'Starting …' : able() < p().actions.length && waiting() === 0 ? `Apply the ${able()} that can run` : 'Apply'}
                  </Button>
                </Show>
                <Show when={props.onBack}>{(back) => <Button onClick={() => back()()}>Back to the form</Button>}</Show>
              </Show>
              <Show
                when={run() && run()?.state !== 'running' && run()?.state !== 'succeeded' && props.onPlan && record()?.source === 'state'}
              >
                <Button look="main" busy={busy()} onClick={() => void again()}>
                  Plan what is left
                </Button>
              </Show>
              <Show when={props.onClose}>
                <A class="dim" href={`/changes/plans/${props.digest}`} onClick={() => props.onClose?.()}>
                  Open as a page
                </A>
              </Show>
            </footer>
          </>
        )}
      </Show>
    </div>
  );
};
