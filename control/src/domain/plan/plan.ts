/**
 * The planner: what is wanted + what is there -> what will be done, in order. Pure: the same inputs give the same plan,
 * whatever the order of their lists, and nothing is mutated.
 */
import { canonical } from '../canonical.ts';
import type { SealedKey } from '../key/key.ts';
import type { Observed } from '../observed/observed.ts';
import type { DesiredState } from '../state/state.ts';
import { planDatasets } from './datasets.ts';
import { planDestroys, planUnsupported } from './destroys.ts';
import { inOrder } from './order.ts';
import { planMemory } from './memory.ts';
import { planPermissions } from './permissions.ts';
import { planPools } from './pools.ts';
import { planRenames } from './renames.ts';
import { planSchedules } from './schedules.ts';
import { planShares } from './shares.ts';
import { planShareUsers } from './share-users.ts';
import type { Action, Plan, PlanSummary } from './types.ts';
import { DECLARED, newWorld, type Words } from './world.ts';

export type PlanInput = {
  desired: DesiredState;
  observed: Observed;
  /** The guid that a declared name (`pool tank`, `dataset tank/a`) had when it was last applied. */
  identities: ReadonlyMap<string, string>;
  secrets?: ReadonlyMap<string, SealedKey>;
};
export type PlanDraft = { actions: Action[]; summary: PlanSummary };

export const plan = ({ desired, observed, identities, secrets }: PlanInput, words: Words = DECLARED): PlanDraft => {
  const w = newWorld(desired, observed, identities, words, secrets);
  planPools(w);
  const moved = planRenames(w);
  planDatasets(w, moved);
  const removeAccounts = planShareUsers(w);
  planPermissions(w, moved);
  planShares(w);
  removeAccounts();
  planDestroys(w, moved);
  planSchedules(w);
  planMemory(w);
  planUnsupported(w);
  const actions = inOrder(w.actions);
  return { actions, summary: summarize(actions, w.nop) };
};

const COUNTED = { CREATE: 'create', MODIFY: 'modify', DELETE: 'delete', BLOCKED: 'blocked', NOP: 'nop' } as const;

export const summarize = (actions: readonly Action[], nop: number): PlanSummary => {
  const summary = { create: 0, modify: 0, delete: 0, blocked: 0, nop };
  for (const a of actions) summary[COUNTED[a.verb]] += 1;
  return summary;
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
