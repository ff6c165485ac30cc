/**
 * Runs plans. Each step: its intent and operation id are in the journal (and on disk) before the executor is asked; its outcome
 * after. After a crash `recover` asks the executor what became of the begun step: what ended is recorded, what never
 * began is run, what began and has no end is looked at on the host and never repeated.
 */
import { canonical } from '../domain/canonical.ts';
import type { Run, Step } from '../domain/job.ts';
import type { Approval, Operation } from '../domain/operation/operation.ts';
import { isEmpty, type Action, type Plan } from '../domain/plan/types.ts';
import { ok, type Refusal, type Result, refuse } from '../domain/refusal.ts';
import type { Actor } from '../domain/user/user.ts';
import type { ExecAnswer, ExecOutcome, Executor } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';
import { effectSeen, remounted } from './effect.ts';
import { factOf } from './facts.ts';
import type { Observer } from './observer.ts';
import { deedOf, type Planner, type PlanSource } from './planner.ts';

export type RunEnded = { actor: string; state: Run['state']; source: PlanSource; done: Action[] };

export type Runner = {
  apply(actor: Actor, digest: string): Promise<Result<{ run: Run; settled: Promise<Run> }>>;
  /** Takes up what a crash left. Resolves when every unfinished run has an end. */
  recover(): Promise<void>;
  /** Resolves when no run is under way. */
  idle(): Promise<void>;
};

type Deps = {
  store: Store;
  observer: Observer;
  planner: Planner;
  executor: Executor;
  clock: Clock;
  random: (bytes: number) => Buffer;
  ended: (e: RunEnded) => Promise<void>;
  /** Where datasets are noted that could not be proved empty. */
  notEmpty: Set<string>;
  /** Waits between two questions about an operation that is still running. */
  pause: (ms: number) => Promise<void>;
};

const SYSTEM: Actor = { kind: 'system', name: 'dplaned', via: 'restart' };
/** An executor that outlived us may still be at the step: ask this often before calling it lost. */
const OUTCOME_QUESTIONS = 240;
const OUTCOME_PAUSE = 250;

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

export const createRunner = (deps: Deps): Runner => {
  const { store, observer, planner, executor, clock } = deps;
  let busy: { id: string; settled: Promise<Run> } | null = null;

  const id = (prefix: string): string => `${prefix}-${deps.random(12).toString('hex')}`;
  const waiting = (actionId: string): Step => ({ actionId, state: 'waiting', startedAt: null, endedAt: null, problem: null, note: null });

  /** Step row + event in one transaction. */
  const record = (runId: string, step: Step, operationId: string | null, actor: Actor, message: string): void =>
    store.transact(() => {
      store.runs.step(runId, step, operationId);
      store.events.append({
        kind: 'run.step',
        severity: step.state === 'failed' || step.state === 'unknown' ? 'warning' : 'info',
        subject: `run:${runId}`,
        message,
        actor: actor.name,
        data: { run: runId, action: step.actionId, state: step.state, problem: step.problem },
      });
    });

  const recordOutcome = (
    runId: string,
    action: Action,
    step: Step,
    actor: Actor,
    approval: Approval | null,
    answer: ExecAnswer | null,
    note: string,
  ): Step => {
    const good = answer?.ok === true;
    const problem: Refusal | null = answer === null || answer.ok ? null : answer.refusal;
    const now = clock();
    const ended: Step = {
      ...step,
      state: answer === null ? 'unknown' : good ? 'done' : 'failed',
      endedAt: now,
      problem,
      note: note === '' ? null : note,
    };
    const fact = action.operation === null ? null : factOf(action.operation);
    store.transact(() => {
      record(runId, ended, null, actor, `${action.id}: ${good ? 'done' : (problem?.why ?? note)}`);
      if (good && fact !== null)
        store.events.append({
          ...fact,
          severity: 'info',
          actor: actor.name,
          data: { run: runId, action: action.id, ...(answer?.ok ? answer.result : {}) },
        });
      store.audit.append({
        actor,
        action: action.operation?.kind ?? action.id,
        subject: fact?.subject ?? action.name,
        outcome: answer === null ? 'interrupted' : good ? 'succeeded' : 'failed',
        reason:
          approval === null
            ? `permission plan.apply; ${action.risk}, needs no approval`
            : `approval ${approval.id} by ${approval.actor.name}`,
        detail: {
          run: runId,
          changes: action.changes,
          ...(problem === null ? {} : { problem: problem.why }),
          ...(note === '' ? {} : { note }),
        },
      });
    });
    return ended;
  };

  const accountOf = (steps: readonly Step[], after: Plan | null): { state: Run['state']; account: string } => {
    const n = (s: Step['state']): Step[] => steps.filter((x) => x.state === s);
    const failed = n('failed');
    const unknown = n('unknown');
    const left = [...n('skipped'), ...n('waiting'), ...n('running')];
    const done = n('done').length;
    const parts = [`${count(done, 'step')} of ${steps.length} done`];
    if (failed[0]) parts.push(`failed: ${failed.map((f) => `${f.actionId} (${f.problem?.why ?? 'no reason given'})`).join(', ')}`);
    if (unknown[0]) parts.push(`not known whether it took effect: ${unknown.map((u) => u.actionId).join(', ')}`);
    if (left[0]) parts.push(`not done: ${left.map((l) => l.actionId).join(', ')}`);
    if (failed.length + unknown.length + left.length === 0) {
      if (after !== null && !isEmpty(after))
        parts.push(`planning again still finds ${count(after.actions.length, 'action')}: look at the new plan`);
      return { state: 'succeeded', account: parts.join('; ') };
    }
    parts.push(failed[0]?.problem?.todo || 'plan again to see what is left');
    return { state: unknown.length > 0 ? 'interrupted' : 'failed', account: parts.join('; ') };
  };

  const finish = async (runId: string, actor: Actor, plan: Plan, source: PlanSource, steps: readonly Step[]): Promise<Run> => {
    const seen = await observer.get(0, { clients: true }).catch(() => null);
    // snapshots and scrubs asked for by a click are deeds, not states: planning them again says nothing
    const again = seen === null || source.kind === 'change' ? null : await planner.again(source, seen);
    const { state, account } = accountOf(steps, again?.ok ? again.value : null);
    const doneIds = new Set(steps.filter((s) => s.state === 'done').map((s) => s.actionId));
    // before the run is said to be over: who waits for that must find what it made
    await deps.ended({ actor: actor.name, state, source, done: plan.actions.filter((a) => doneIds.has(a.id)) });
    const endedAt = clock();
    store.transact(() => {
      store.runs.finish(runId, state, endedAt, account);
      store.events.append({
        kind: state === 'interrupted' ? 'run.interrupted' : 'run.finished',
        severity: state === 'succeeded' ? 'info' : 'warning',
        subject: `run:${runId}`,
        message: `${state}: ${account}`,
        actor: actor.name,
        data: { run: runId, state },
      });
      if (state === 'interrupted')
        store.alerts.raise({ kind: 'run.interrupted', subject: `run:${runId}`, severity: 'warning', message: account }, endedAt);
    });
    return store.runs.get(runId) as Run; // it was started above; finishing can't remove it
  };

  const tidy = (operation: Operation): Promise<ExecAnswer | null> =>
    executor.execute({ v: 1, id: id('op'), actor: SYSTEM, operation, approval: null }).catch(() => null);
  /** Its effect is there. What it left half done is put right first; of files nothing is observed, and the executor looks. */
  const isDone = async (operationId: string, operation: Operation): Promise<boolean | null> => {
    if (operation.kind === 'snapshot.restore') {
      const { kind: _kind, replace: _replace, ...at } = operation;
      const answer = await tidy({ kind: 'snapshot.settle', ...at, restore: operationId });
      return answer?.ok === true ? answer.result.there === true : null;
    }
    const mounts = remounted(operation);
    if (mounts !== null) await tidy({ kind: 'dataset.settle', ...mounts });
    const seen = await observer.get(0, { clients: true }).catch(() => null);
    return seen === null ? null : effectSeen(operation, seen.observed);
  };

  /** What became of an operation whose answer we don't have. `answer` is null when even looking can't tell. */
  const settle = async (
    operationId: string,
    operation: Operation,
    because: string,
  ): Promise<{ begun: false } | { begun: true; answer: ExecAnswer | null; note: string }> => {
    let outcome = await askOutcome(operationId);
    for (let i = 0; outcome.state === 'running' && i < OUTCOME_QUESTIONS; i++) {
      await deps.pause(OUTCOME_PAUSE);
      outcome = await askOutcome(operationId);
    }
    if (outcome.state === 'ended') return { begun: true, answer: outcome.answer, note: `${because}; its outcome was asked for` };
    if (outcome.state === 'unknown') return { begun: false };
    const done = await isDone(operationId, operation);
    if (done === true)
      return { begun: true, answer: { ok: true, result: {}, replayed: true }, note: `${because}; it was found done on the host` };
    return {
      begun: true,
      answer: null,
      note: `${because}; ${done === false ? 'it had no effect when that was looked at' : 'whether it took effect is not known'}, and it was not repeated`,
    };
  };
  /** An executor that can't be asked knows nothing: not even that it never began. */
  const askOutcome = async (operationId: string): Promise<ExecOutcome> => {
    try {
      return await executor.outcome(operationId);
    } catch {
      return { state: 'begun' };
    }
  };

  /** Runs the steps that wait, in the plan's order. What depends on a failed step is skipped; the rest goes on. */
  const work = async (runId: string, actor: Actor, plan: Plan, steps: Map<string, Step>): Promise<void> => {
    for (const action of plan.actions) {
      const step = steps.get(action.id) ?? waiting(action.id);
      if (step.state !== 'waiting') continue;
      const hindered = action.after.find((a) => steps.has(a) && steps.get(a)?.state !== 'done');
      if (hindered !== undefined || action.operation === null) {
        const skipped: Step = {
          ...step,
          state: 'skipped',
          endedAt: clock(),
          note: hindered === undefined ? 'nothing to run' : `${hindered} did not succeed`,
        };
        steps.set(action.id, skipped);
        record(runId, skipped, null, actor, `${action.id}: skipped, ${skipped.note}`);
        continue;
      }
      const now = clock();
      const operationId = id('op');
      const running: Step = { ...step, state: 'running', startedAt: now };
      const approval =
        action.approval === 'required' ? (store.approvals.open(plan.digest, now).find((a) => a.actionId === action.id) ?? null) : null;
      const intent = store.transact(() => {
        if (action.approval === 'required' && (approval === null || !store.approvals.use(approval.id, now))) return false;
        record(runId, running, operationId, actor, `${action.id}: started`);
        return true;
      });
      steps.set(action.id, running);
      const answer: ExecAnswer = intent
        ? await executor.execute({ v: 1, id: operationId, actor, operation: action.operation, approval })
        : refuse('needs-approval', action.id, 'its approval is used up or expired', 'approve it again');
      // no answer is not a no: ask what became of it
      const lost = !answer.ok && answer.refusal.code === 'timeout';
      const found = lost ? await settle(operationId, action.operation, 'the executor did not answer') : null;
      const told = found === null || found.begun === false ? answer : found.answer;
      if (action.operation.kind === 'dataset.destroy' && approval === null && told?.ok === false && told.refusal.code === 'needs-approval')
        deps.notEmpty.add(action.operation.guid);
      steps.set(action.id, recordOutcome(runId, action, running, actor, approval, told, found?.begun ? found.note : ''));
    }
  };

  const launch = (runId: string, actor: Actor, plan: Plan, source: PlanSource, steps: Map<string, Step>): Promise<Run> => {
    const settled = work(runId, actor, plan, steps)
      .then(() => finish(runId, actor, plan, source, [...steps.values()]))
      .finally(() => {
        if (busy?.id === runId) busy = null;
      });
    busy = { id: runId, settled };
    // who asked may have gone away; the journal has the outcome
    settled.catch(() => undefined);
    return settled;
  };

  const check = async (digest: string): Promise<Result<{ plan: Plan; source: PlanSource }>> => {
    const known = planner.get(digest);
    if (known === null) return refuse('not-found', 'apply', 'there is no such plan, or it has expired', 'plan again');
    const seen = await observer.get(0, { clients: true });
    const again = await planner.again(known.source, seen);
    if (!again.ok) return again;
    if (deedOf(again.value.actions) !== deedOf(known.plan.actions))
      return refuse(
        'stale',
        'apply',
        'the system changed since this plan was made: it would do something else now',
        'plan again and look at the new plan',
      );
    const impossible = known.plan.actions.filter((a) => a.approval === 'impossible');
    if (impossible[0])
      return refuse(
        'blocked',
        'apply',
        `${impossible.map((a) => `${a.id}: ${a.blocked}`).join('; ')}`,
        'remove the cause, or leave it out (ignore_extraneous), and plan again',
      );
    const open = new Set(store.approvals.open(digest, clock()).map((a) => a.actionId));
    const missing = known.plan.actions.filter((a) => a.approval === 'required' && !open.has(a.id));
    if (missing[0])
      return refuse(
        'needs-approval',
        'apply',
        `${count(missing.length, 'action')} wait for an approval: ${missing.map((a) => `${a.id} (${a.blocked ?? a.reason})`).join('; ')}`,
        `approve each by typing its exact name: ${missing.map((a) => a.target?.name ?? a.name).join(', ')}`,
      );
    return ok(known);
  };

  const recoverRun = async (run: Run, operationIds: Record<string, string>): Promise<void> => {
    const known = planner.get(run.planDigest) ?? null;
    const steps = new Map(run.steps.map((s) => [s.actionId, s]));
    if (known === null) {
      const account = 'interrupted by a restart; its plan is no longer kept, so nothing was continued. Plan again to see what is left';
      store.transact(() => {
        store.runs.finish(run.id, 'interrupted', clock(), account);
        store.events.append({
          kind: 'run.interrupted',
          severity: 'warning',
          subject: `run:${run.id}`,
          message: account,
          actor: SYSTEM.name,
          data: { run: run.id },
        });
      });
      return;
    }
    const seen = await observer.get(0, { clients: true });
    const again = await planner.again(known.source, seen);
    const left = new Map((again.ok ? again.value.actions : []).map((a) => [a.id, a]));
    for (const action of known.plan.actions) {
      const step = steps.get(action.id);
      const operationId = operationIds[action.id];
      if (step?.state !== 'running' || operationId === undefined || action.operation === null) continue;
      const found = await settle(operationId, action.operation, 'a restart interrupted it');
      if (found.begun) {
        // its approval was spent before the crash: the entry of that use stands
        steps.set(action.id, recordOutcome(run.id, action, step, SYSTEM, null, found.answer, found.note));
        continue;
      }
      const spent = action.approval === 'required';
      const next: Step = spent
        ? { ...step, state: 'skipped', endedAt: clock(), note: 'had not begun before a restart; approve it again' }
        : waiting(action.id);
      steps.set(action.id, next);
      record(run.id, next, null, SYSTEM, `${action.id}: ${next.note ?? 'had not begun before a restart; it is run now'}`);
    }
    // What still waits may run only if planning again wants exactly that, and nothing about this run is in doubt.
    const rest = known.plan.actions.filter((a) => steps.get(a.id)?.state === 'waiting');
    const sure = [...steps.values()].every((s) => s.state !== 'unknown');
    const unchanged =
      known.source.kind === 'change' || rest.every((a) => canonical(left.get(a.id)?.operation ?? null) === canonical(a.operation));
    if (!sure || !unchanged)
      for (const a of rest) {
        const skipped: Step = {
          ...waiting(a.id),
          state: 'skipped',
          endedAt: clock(),
          note: 'not continued after a restart: the system is not as the plan expects',
        };
        steps.set(a.id, skipped);
        record(run.id, skipped, null, SYSTEM, `${a.id}: ${skipped.note}`);
      }
    const actor: Actor = { kind: 'system', name: run.actor, via: 'resumed after a restart' };
    await launch(run.id, actor, known.plan, known.source, steps);
  };

  return {
    apply: async (actor, digest) => {
      if (busy !== null) return refuse('busy', 'apply', `run ${busy.id} is under way`, 'wait for it to end and apply again');
      const gate = Promise.withResolvers<Run>();
      gate.promise.catch(() => undefined);
      const mine = { id: id('run'), settled: gate.promise };
      busy = mine;
      try {
        const checked = await check(digest);
        if (!checked.ok) return checked;
        const { plan, source } = checked.value;
        const startedAt = clock();
        const head = {
          id: mine.id,
          planDigest: digest,
          actor: actor.name,
          state: 'running' as const,
          startedAt,
          endedAt: null,
          account: 'under way',
        };
        store.transact(() => {
          store.runs.start(
            head,
            plan.actions.map((a) => a.id),
          );
          store.events.append({
            kind: 'run.started',
            severity: 'info',
            subject: `run:${mine.id}`,
            message: `${actor.name} applies ${count(plan.actions.length, 'action')}`,
            actor: actor.name,
            data: { run: mine.id, digest },
          });
          store.audit.append({
            actor,
            action: 'plan.apply',
            subject: `plan:${digest}`,
            outcome: 'allowed',
            reason: 'permission plan.apply; every action is safe, disruptive, or approved by name',
            detail: { run: mine.id, actions: plan.actions.map((a) => a.id) },
          });
        });
        const steps = new Map(plan.actions.map((a) => [a.id, waiting(a.id)]));
        const settled = launch(mine.id, actor, plan, source, steps);
        return ok({ run: { ...head, steps: [...steps.values()] }, settled });
      } finally {
        if (busy === mine) busy = null;
      }
    },
    recover: async () => {
      for (const { run, operationIds } of store.runs.unfinished()) await recoverRun(run, operationIds);
    },
    idle: async () => {
      await busy?.settled.catch(() => undefined);
    },
  };
};
