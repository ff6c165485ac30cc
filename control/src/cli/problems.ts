/**
 * How a command ends. Contract: every end is one of `EXIT`; everything expected that goes wrong is a `Problem`
 * (what, why, what now), shown without a stack trace; anything else is a bug and says so.
 */
import type { Refusal, RefusalCode } from '../domain/refusal.ts';

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  access: 3,
  approval: 4,
  drift: 5,
  unreachable: 6,
  interrupted: 130,
} as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANING: readonly (readonly [Exit, string])[] = [
  [EXIT.ok, 'done'],
  [EXIT.failed, 'refused or failed; the message says why'],
  [EXIT.usage, 'the command line is wrong'],
  [EXIT.access, 'not logged in, or not allowed'],
  [EXIT.approval, 'needs an approval, or is blocked; nothing was changed'],
  [EXIT.drift, '--check found something to do (drift, a plan that is not empty)'],
  [EXIT.unreachable, 'the box did not answer, or is not the one that was trusted'],
  [EXIT.interrupted, 'stopped with Ctrl-C; a run that had begun continues on the box'],
];

export class Problem extends Error {
  readonly exit: Exit;
  readonly code: string;
  readonly what: string;
  readonly why: string;
  readonly todo: string;
  constructor(exit: Exit, code: string, what: string, why: string, todo = '', options?: { cause?: unknown }) {
    super(`${what}: ${why}`, options);
    this.name = 'Problem';
    this.exit = exit;
    this.code = code;
    this.what = what;
    this.why = why;
    this.todo = todo;
  }
}

export const usage = (what: string, why: string, todo = ''): Problem => new Problem(EXIT.usage, 'usage', what, why, todo);
export const interrupted = (why: string, todo = ''): Problem => new Problem(EXIT.interrupted, 'interrupted', 'stopped', why, todo);

const EXIT_OF: Record<RefusalCode, Exit> = {
  invalid: EXIT.failed,
  unauthenticated: EXIT.access,
  forbidden: EXIT.access,
  'not-found': EXIT.failed,
  conflict: EXIT.failed,
  stale: EXIT.failed,
  'needs-approval': EXIT.approval,
  blocked: EXIT.approval,
  busy: EXIT.failed,
  'rate-limited': EXIT.failed,
  'too-large': EXIT.failed,
  timeout: EXIT.failed,
  unavailable: EXIT.failed,
  'not-implemented': EXIT.failed,
  failed: EXIT.failed,
};

/** A refusal read from an answer; undefined when it isn't one. Read by hand: zod would double the start time. */
export const asRefusal = (value: unknown): Refusal | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, what, why, todo } = value as Record<string, unknown>; // an object was proved above
  return typeof code === 'string' && code in EXIT_OF && typeof what === 'string' && typeof why === 'string' && typeof todo === 'string'
    ? { code: code as RefusalCode, what, why, todo } // a key of EXIT_OF, which has exactly the refusal codes
    : undefined;
};

export const fromRefusal = (r: Refusal, cause?: unknown): Problem => new Problem(EXIT_OF[r.code], r.code, r.what, r.why, r.todo, { cause });
