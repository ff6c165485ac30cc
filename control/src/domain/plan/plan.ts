/**
 * The planner: what is wanted + what is there -> what will be done, in order. Pure: the same inputs give the same plan,
 * whatever the order of their lists, and nothing is mutated.
 */
import { canonical } from '../canonical.ts';
import type { Observed } from '../observed/observed.ts';
import type { DesiredState } from '../state/state.ts';
import type { Action, Plan, PlanSummary } from './types.ts';

export type PlanInput = {
  desired: DesiredState;
  observed: Observed;
  /** The guid that a declared name (`pool tank`, `dataset tank/a`) had when it was last applied. */
  identities: ReadonlyMap<string, string>;
};
export type PlanDraft = { actions: Action[]; summary: PlanSummary };

export const plan = (_input: PlanInput): PlanDraft => {
  throw new Error('being written');
};

export type Seal = { desiredDigest: string; observedDigest: string; createdAt: number; sha256: (text: string) => string };

/**
 * The digest binds what would be done, not the prose about it: "holds 3.1 GiB" may become 3.2 GiB without making the
 * plan another one.
 */
export const sealPlan = (draft: PlanDraft, { desiredDigest, observedDigest, createdAt, sha256 }: Seal): Plan => {
  const actions = draft.actions.map(({ reason: _reason, blocked: _blocked, ...bound }) => bound);
  return { digest: sha256(canonical({ actions, desiredDigest, observedDigest })), desiredDigest, observedDigest, createdAt, ...draft };
};
