/**
 * What a client hears when the answer is no: the one place that turns a refusal, a failed check of the input or a bug into
 * a status and a body, for tRPC and REST alike. A bug is answered with an id only; its details go to the log.
 */
import { TRPCError } from '@trpc/server';
import { ZodError } from 'zod';
import { type Refusal, type RefusalCode, RefusalError } from '../domain/refusal.ts';

/** HTTP status of each refusal. `needs-approval` is 423 (locked until somebody approves), `blocked` is 422 (no approval helps). */
export const STATUS: Record<RefusalCode, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  stale: 409,
  'too-large': 413,
  blocked: 422,
  'needs-approval': 423,
  'rate-limited': 429,
  'not-implemented': 501,
  failed: 502,
  busy: 503,
  unavailable: 503,
  timeout: 504,
};

const TRPC_CODE: Record<RefusalCode, TRPCError['code']> = {
  invalid: 'BAD_REQUEST',
  unauthenticated: 'UNAUTHORIZED',
  forbidden: 'FORBIDDEN',
  'not-found': 'NOT_FOUND',
  conflict: 'CONFLICT',
  stale: 'CONFLICT',
  'too-large': 'PAYLOAD_TOO_LARGE',
  blocked: 'UNPROCESSABLE_CONTENT',
  'needs-approval': 'PRECONDITION_FAILED', // tRPC has no 423; the status is set from STATUS all the same
  'rate-limited': 'TOO_MANY_REQUESTS',
  'not-implemented': 'NOT_IMPLEMENTED',
  failed: 'BAD_GATEWAY',
  busy: 'SERVICE_UNAVAILABLE',
  unavailable: 'SERVICE_UNAVAILABLE',
  timeout: 'GATEWAY_TIMEOUT',
};

/** What goes over the wire. `id` finds the log line of a bug. */
export type Problem = Refusal & { id?: string };
export type Answered = { status: number; problem: Problem /** A bug: to be logged. */; bug: unknown };

export const refusal = (code: RefusalCode, what: string, why: string, todo = ''): RefusalError =>
  new RefusalError({ code, what, why, todo });

/** zod's own words, which are for whoever wrote the request; ours say to a person what is expected. */
const FOR_PROGRAMS = /^(Invalid|Too (big|small)|Unrecognized)\b/;

/** Path and message of each issue; never the value that was sent, which may be a secret. */
const fromZod = (error: ZodError): Refusal => {
  const issues = error.issues.slice(0, 20).map((i) => ({ at: i.path.map(String).join('.').slice(0, 200), says: i.message.slice(0, 300) }));
  if (issues.every((i) => !FOR_PROGRAMS.test(i.says)))
    return {
      code: 'invalid',
      what: 'What was given can not be used',
      why: issues.map((i) => (i.at === '' ? i.says : `${i.says} (${i.at})`)).join('; '),
      todo: 'Nothing was changed. Give another value.',
    };
  return {
    code: 'invalid',
    what: 'The request was not understood',
    why: issues.map((i) => (i.at === '' ? i.says : `${i.at}: ${i.says}`)).join('; '),
    todo: 'Correct the request; /api/openapi.json describes what is expected.',
  };
};

const fromTrpc = (error: TRPCError): Refusal | null => {
  switch (error.code) {
    case 'NOT_FOUND':
      return { code: 'not-found', what: 'There is no such procedure', why: 'the name is not known here', todo: 'See /api/openapi.json.' };
    case 'PAYLOAD_TOO_LARGE':
      return { code: 'too-large', what: 'The request is too large', why: 'it is beyond the limit', todo: 'Send less at once.' };
    case 'INTERNAL_SERVER_ERROR':
      return null;
    default:
      return {
        code: 'invalid',
        what: 'The request was not understood',
        why: 'it is not a well-formed call of this procedure',
        todo: 'See /api/openapi.json.',
      };
  }
};

/** A database that does not answer is no bug of the request: refused, and worth another try. */
const isStoreTrouble = (error: Error): boolean => 'code' in error && typeof error.code === 'string' && error.code.startsWith('SQLITE_');

export const answerFor = (error: unknown, id: string): Answered => {
  const inner = error instanceof TRPCError ? (error.cause ?? error) : error;
  const known =
    inner instanceof RefusalError
      ? inner.refusal
      : inner instanceof ZodError
        ? fromZod(inner)
        : error instanceof TRPCError
          ? fromTrpc(error)
          : null;
  if (known) return { status: STATUS[known.code], problem: known, bug: null };
  if (inner instanceof Error && isStoreTrouble(inner))
    return {
      status: 503,
      problem: {
        code: 'unavailable',
        what: 'The request was not carried out',
        why: 'the control plane could not use its own database',
        todo: `Try again; if it stays, look in the log for ${id}.`,
        id,
      },
      bug: inner,
    };
  return {
    status: 500,
    problem: {
      code: 'failed',
      what: 'The request was not carried out',
      why: 'something went wrong here that was not foreseen',
      todo: `Look in the log for ${id}.`,
      id,
    },
    bug: inner,
  };
};

export const trpcCodeOf = (code: RefusalCode): TRPCError['code'] => TRPC_CODE[code];

/** For the log: what an error says, without tokens, cookies and hashes that may have got into it. */
export const withoutSecrets = (text: string): string =>
  text
    .replace(/dpt_[A-Za-z0-9_-]+/g, 'dpt_…')
    .replace(/\$argon2id\$\S+/g, '$argon2id$…')
    .replace(/(cookie|authorization)(["':= ]+)[^\n]+/gi, '$1$2…')
    .replace(/\b(?:[0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}\b/g, '…');
