/**
 * Plans and approvals. A plan is computed from a source (the text of a state file, or a list of changes) and an observation, kept
 * unchanged for a while, and named by its digest. Applying goes back to the source: what is planned now has to be
 * what was shown then.
 */
import { canonical } from '../domain/canonical.ts';
import type { Approval } from '../domain/operation/operation.ts';
import type { ChangeRequest } from '../domain/plan/change.ts';
import { plan as planState, sealPlan, type PlanDraft } from '../domain/plan/plan.ts';
import { planChange } from '../domain/plan/planChange.ts';
import type { Action, Plan } from '../domain/plan/types.ts';
import { ok, type Refusal, type Result, refuse } from '../domain/refusal.ts';
import { confirms } from '../domain/user/confirm.ts';
import type { Actor } from '../domain/user/user.ts';
import { poolsAreKnown } from '../host/observe.ts';
import type { Clock, Store } from '../store/types.ts';
import { sha256 } from './digest.ts';
import type { Snapshotted, StateCheck } from './engine.ts';
import type { Observer } from './observer.ts';

const HOUR = 3_600_000;
const PLAN_LIFE = 24 * HOUR;
export const APPROVAL_LIFE = 15 * 60_000;
/** How old an observation a plan may be computed from; applying always takes a new one. */
const PLAN_OBSERVATION_AGE = 2_000;

export type PlanSource = { kind: 'state'; yaml: string } | { kind: 'change'; changes: ChangeRequest[] };

/** What two plans have to share to be the same deed: the operations and how they are guarded, not the words. */
export const deedOf = (actions: readonly Action[]): string =>
  canonical(actions.map((a) => [a.id, a.verb, a.risk, a.approval, a.operation, a.target, a.after]));

export type Planner = {
  planState(actor: Actor, yaml: string): Promise<Result<Plan>>;
  planChange(actor: Actor, changes: readonly ChangeRequest[]): Promise<Result<Plan>>;
  get(digest: string): { plan: Plan; source: PlanSource } | null;
  /** Plans the same source against a new observation. */
  again(source: PlanSource, seen: Snapshotted): Promise<Result<Plan>>;
  approve(actor: Actor, digest: string, actionId: string, typed: string): Result<Approval>;
};

const describe = (problems: Extract<StateCheck, { ok: false }>['problems']): Refusal => ({
  code: 'invalid',
  what: 'the state file has mistakes',
  why: problems
    .slice(0, 5)
    .map((p) => `line ${p.line}, column ${p.column}: ${p.message}`)
    .join('; '),
  todo: problems.length > 5 ? `correct these and ${problems.length - 5} more` : 'correct them and plan again',
});

export const createPlanner = (deps: {
  store: Store;
  observer: Observer;
  clock: Clock;
  random: (bytes: number) => Buffer;
  check: (yaml: string) => Promise<StateCheck>;
}): Planner => {
  const { store, observer, clock } = deps;
  let identities = store.states.identities();
  /** The last plan made: the same question about the same world has the same answer. */
  let last: { key: string; plan: Plan } | null = null;

  const seal = (draft: PlanDraft, desiredDigest: string, seen: Snapshotted): Plan =>
    sealPlan(draft, { desiredDigest, observedDigest: seen.digest, createdAt: clock(), sha256 });

  const compute = async (source: PlanSource, seen: Snapshotted): Promise<Result<Plan>> => {
    if (!poolsAreKnown(seen.observed))
      return refuse(
        'unavailable',
        'plan',
        `the pools of this host can't be listed (${seen.observed.problems[0]?.why ?? 'no reason known'}): what seems absent may well exist`,
        'see to the tool that fails, then plan again',
      );
    identities = store.states.identities();
    if (source.kind === 'change') {
      const draft = planChange(source.changes, seen.observed, identities);
      return draft.ok ? ok(seal(draft.value, sha256(canonical(source.changes)), seen)) : draft;
    }
    const checked = await deps.check(source.yaml);
    if (!checked.ok) return { ok: false, refusal: describe(checked.problems) };
    return ok(seal(planState({ desired: checked.state, observed: seen.observed, identities }), sha256(source.yaml), seen));
  };

  const keep = (actor: Actor, plan: Plan, source: PlanSource): void => {
    const now = clock();
    const known = store.plans.get(plan.digest);
    // asked again: nothing new happened, and a poll must not fill the log
    if (known !== null && known.expiresAt - now > PLAN_LIFE / 2) return;
    store.transact(() => {
      store.plans.put({
        plan,
        actor: actor.name,
        yaml: source.kind === 'state' ? source.yaml : null,
        source: JSON.stringify(source.kind === 'state' ? { kind: 'state' } : source),
        createdAt: now,
        expiresAt: now + PLAN_LIFE,
      });
      if (plan.actions.length > 0) {
        const s = plan.summary;
        store.events.append({
          kind: 'plan.created',
          severity: 'info',
          subject: `plan:${plan.digest}`,
          message: `${actor.name} planned ${s.create} to create, ${s.modify} to change, ${s.delete} to remove, ${s.blocked} blocked`,
          actor: actor.name,
          data: { digest: plan.digest, summary: s },
        });
      }
    });
  };

  const make = async (actor: Actor, source: PlanSource): Promise<Result<Plan>> => {
    const seen = await observer.get(PLAN_OBSERVATION_AGE, { clients: true });
    const key = `${source.kind === 'state' ? sha256(source.yaml) : canonical(source.changes)} ${seen.digest} ${seen.version}`;
    if (last !== null && last.key === key) {
      keep(actor, last.plan, source);
      return ok(last.plan);
    }
    const made = await compute(source, seen);
    if (!made.ok) return made;
    last = { key, plan: made.value };
    keep(actor, made.value, source);
    return made;
  };

  return {
    planState: (actor, yaml) => make(actor, { kind: 'state', yaml }),
    planChange: (actor, changes) => make(actor, { kind: 'change', changes: [...changes] }),
    get: (digest) => {
      const record = store.plans.get(digest);
      if (record === null || record.expiresAt <= clock()) return null;
      // written by keep() above; the text of a state file has a column of its own
      const source = record.yaml === null ? (JSON.parse(record.source) as PlanSource) : { kind: 'state' as const, yaml: record.yaml };
      return { plan: record.plan, source };
    },
    again: compute,
    approve: (actor, digest, actionId, typed) => {
      const record = store.plans.get(digest);
      const now = clock();
      if (record === null || record.expiresAt <= now)
        return refuse('not-found', 'approve', 'there is no such plan, or it has expired', 'plan again');
      const action = record.plan.actions.find((a) => a.id === actionId);
      if (action === undefined)
        return refuse('not-found', `approve ${actionId}`, 'the plan has no such action', 'look at the plan for its action ids');
      if (action.approval === 'impossible')
        return refuse('blocked', `approve ${actionId}`, action.blocked ?? 'no approval can allow it', 'remove the cause and plan again');
      if (action.approval === 'none' || action.target === null || action.operation === null)
        return refuse('invalid', `approve ${actionId}`, 'this action needs no approval', 'apply the plan');
      if (!confirms(typed, action.target))
        return refuse(
          'invalid',
          `approve ${actionId}`,
          'the name that was typed is not the name of the target',
          `type ${action.target.name} exactly`,
        );
      const approval: Approval = {
        id: deps.random(24).toString('base64url'),
        actor,
        planDigest: digest,
        actionId,
        operation: action.operation.kind,
        target: action.target,
        issuedAt: now,
        expiresAt: now + APPROVAL_LIFE,
      };
      store.transact(() => {
        store.approvals.put(approval);
        store.events.append({
          kind: 'plan.approved',
          severity: 'warning',
          subject: `plan:${digest}`,
          message: `${actor.name} approved ${actionId}`,
          actor: actor.name,
          data: { digest, actionId, approval: approval.id },
        });
        store.audit.append({
          actor,
          action: 'plan.approve',
          subject: `${action.target?.kind}:${action.target?.name}`,
          outcome: 'allowed',
          reason: 'permission plan.approve; the exact name was typed',
          detail: {
            plan: digest,
            action: actionId,
            approval: approval.id,
            guid: action.target?.guid ?? null,
            expiresAt: approval.expiresAt,
          },
        });
      });
      return ok(approval);
    },
  };
};
