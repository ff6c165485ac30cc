/** Audit entries: append-only, chained by HMAC-SHA256. This file says what an entry is and how it is framed. */
import { z } from 'zod';
import { Actor } from '../user/user.ts';

export const AuditEntry = z.object({
  seq: z.number().int().positive(),
  at: z.number(),
  actor: Actor,
  /** `plan.apply`, `dataset.destroy`, `session.login`... */
  action: z.string(),
  subject: z.string(),
  outcome: z.enum(['allowed', 'denied', 'succeeded', 'failed', 'interrupted']),
  /** Why it was allowed or refused: the permission, the approval, the rule. */
  reason: z.string(),
  detail: z.record(z.string(), z.unknown()),
  hmac: z.string().regex(/^[0-9a-f]{64}$/),
});
export type AuditEntry = z.infer<typeof AuditEntry>;
export type NewAuditEntry = Omit<AuditEntry, 'seq' | 'at' | 'hmac'>;

export const AuditVerdict = z.object({
  intact: z.boolean(),
  entries: z.number().int().nonnegative(),
  /** First entry that doesn't fit, and what is wrong with it. */
  brokenAt: z.number().int().nullable(),
  problem: z.string().nullable(),
});
export type AuditVerdict = z.infer<typeof AuditVerdict>;
