/** An expected "no": what was refused, why, and what to do now. Bugs throw; refusals are values. */
import { z } from 'zod';

export const RefusalCode = z.enum([
  'invalid', // the request itself is wrong
  'unauthenticated',
  'forbidden',
  'not-found',
  'conflict', // the world is not as the request assumes
  'stale', // the plan or approval was made for another state
  'needs-approval',
  'blocked', // no approval can allow it
  'busy',
  'rate-limited',
  'too-large',
  'timeout',
  'unavailable', // a tool, pool or process does not answer
  'not-implemented',
  'failed', // a tool ran and failed
]);
export type RefusalCode = z.infer<typeof RefusalCode>;

export const Refusal = z.object({
  code: RefusalCode,
  what: z.string(),
  why: z.string(),
  todo: z.string(),
});
export type Refusal = z.infer<typeof Refusal>;

export type Result<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export const ok = <T>(value: T): Result<T> => ({ ok: true, value });
export const refuse = (code: RefusalCode, what: string, why: string, todo = ''): { ok: false; refusal: Refusal } => ({
  ok: false,
  refusal: { code, what, why, todo },
});

/** For callers that can't go on: carries a refusal through code that throws. */
export class RefusalError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal, options?: { cause?: unknown }) {
    super(`${refusal.what}: ${refusal.why}`, options);
    this.name = 'RefusalError';
    this.refusal = refusal;
  }
}
export const orThrow = <T>(r: Result<T>): T => {
  if (!r.ok) throw new RefusalError(r.refusal);
  return r.value;
};
