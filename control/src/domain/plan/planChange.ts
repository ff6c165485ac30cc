/** A click as a plan: what is there now plus the change, planned by the rules that `state.yaml` goes through. */
import type { Observed } from '../observed/observed.ts';
import type { Result } from '../refusal.ts';
import type { ChangeRequest } from './change.ts';
import type { PlanDraft } from './plan.ts';

export const planChange = (_changes: readonly ChangeRequest[], _observed: Observed, _identities: ReadonlyMap<string, string>): Result<PlanDraft> => {
  throw new Error('being written');
};
