/** What may run, and with which approval: one set of predicates for the planner, the executor and the UI. */
import type { Approval, Operation } from '../operation/operation.ts';
import { targetOf } from '../operation/operation.ts';
import { refuse, type Refusal } from '../refusal.ts';
import type { Action } from './types.ts';

/** Without an approval an operation may destroy only what the executor then proves to be empty. */
export const mayRunWithoutApproval = (op: Operation): boolean => {
  switch (op.kind) {
    case 'dataset.destroy':
      return !op.withSnapshots;
    case 'snapshot.restore':
      return !op.replace;
    case 'snapshot.destroy':
    case 'snapshot.destroyMany':
    case 'snapshot.rollback':
    case 'disk.erase':
    case 'share-user.remove':
      return false;
    case 'pool.detach':
    case 'pool.offline':
    case 'pool.add':
      return !op.lowersRedundancy;
    case 'pool.import':
      return !op.force;
    default:
      return true;
  }
};

/** Does this approval allow exactly this operation now? Null when it does. */
export const approvalMatches = (op: Operation, approval: Approval, now: number): Refusal | null => {
  const target = targetOf(op);
  const no = (code: Refusal['code'], why: string): Refusal =>
    refuse(code, `${op.kind}${target ? ` ${target.name}` : ''}`, why, 'make a new plan and approve its action').refusal;
  if (target === null) return no('blocked', 'this operation takes no approval');
  if (approval.operation !== op.kind) return no('needs-approval', `the approval is for ${approval.operation}`);
  if (approval.target.kind !== target.kind || approval.target.name !== target.name)
    return no('needs-approval', `the approval is for ${approval.target.kind} ${approval.target.name}`);
  if (approval.target.guid !== target.guid)
    return no('needs-approval', `the approval is for another ${target.kind} of this name (guid ${approval.target.guid ?? 'none'})`);
  if (now >= approval.expiresAt) return no('stale', 'the approval has expired');
  if (approval.issuedAt > now + 60_000) return no('stale', 'the approval is dated in the future');
  return null;
};

export const needsApproval = (a: Pick<Action, 'approval'>): boolean => a.approval === 'required';
/** May run now, given that its approval is there when it needs one. */
export const canRun = (a: Pick<Action, 'approval' | 'operation'>, approved: boolean): boolean =>
  a.operation !== null && (a.approval === 'none' || (a.approval === 'required' && approved));
