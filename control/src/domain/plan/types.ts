/** Plan, Action: what a change will be, before it is one. */
import { z } from 'zod';
import { Digest, Millis } from '../names.ts';
import { Operation, Target } from '../operation/operation.ts';

/** The seeds' names on the wire. */
export const Verb = z.enum(['CREATE', 'MODIFY', 'DELETE', 'BLOCKED', 'NOP']);
export type Verb = z.infer<typeof Verb>;

export const Risk = z.enum([
  'safe',
  'disruptive', // someone may notice: a rename, a share that goes away
  'destructive', // data or redundancy is lost: only with a single-use approval
  'blocked', // never from here, whatever the approval
]);
export type Risk = z.infer<typeof Risk>;

export const Change = z.object({ property: z.string(), from: z.string().nullable(), to: z.string().nullable() });
export type Change = z.infer<typeof Change>;

export const Action = z.object({
  /** Stable within and across plans: `dataset.destroy tank/old`. */
  id: z.string(),
  verb: Verb,
  noun: z.enum(['pool', 'disk', 'dataset', 'snapshot', 'file', 'share', 'share-user', 'share-group', 'schedule', 'replication', 'memory']),
  name: z.string(),
  risk: Risk,
  /** Why it is in the plan, in words for a person. */
  reason: z.string(),
  /** Why it can't run as it stands, when it can't. */
  blocked: z.string().nullable(),
  /** `required`: waits for an approval naming `target`; `impossible`: none can allow it. */
  approval: z.enum(['none', 'required', 'impossible']),
  target: Target.nullable(),
  changes: z.array(Change),
  /** What runs. Null for NOP and for what can never run. */
  operation: Operation.nullable(),
  /** Ids of actions that have to succeed before. */
  after: z.array(z.string()),
});
export type Action = z.infer<typeof Action>;

export const PlanSummary = z.object({
  create: z.number().int(),
  modify: z.number().int(),
  delete: z.number().int(),
  blocked: z.number().int(),
  nop: z.number().int(),
});
export type PlanSummary = z.infer<typeof PlanSummary>;
export const Plan = z.object({
  digest: Digest,
  desiredDigest: Digest,
  observedDigest: Digest,
  createdAt: Millis,
  /** In an order that can be executed as it stands. NOPs are counted, not listed. */
  actions: z.array(Action),
  summary: PlanSummary,
});
export type Plan = z.infer<typeof Plan>;

export const isEmpty = (p: Pick<Plan, 'actions'>): boolean => p.actions.length === 0;
