/** A run: the execution of one plan, journalled step by step. */
import { z } from 'zod';
import { Refusal } from './refusal.ts';

export const StepState = z.enum(['waiting', 'running', 'done', 'failed', 'skipped', 'unknown']);
export const Step = z.object({
  actionId: z.string(),
  state: StepState,
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  problem: Refusal.nullable(),
  note: z.string().nullable(),
});
export type Step = z.infer<typeof Step>;
export const Run = z.object({
  id: z.string(),
  planDigest: z.string(),
  actor: z.string(),
  state: z.enum(['running', 'succeeded', 'failed', 'interrupted']),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  steps: z.array(Step),
  /** One sentence: what was done, what wasn't, what now. */
  account: z.string(),
});
export type Run = z.infer<typeof Run>;
