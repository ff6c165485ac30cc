/**
 * How a procedure is made. Each says in its meta which permission it needs and where it stands in REST; the gate in front
 * of every procedure holds it to that, writes down each change that is let through or refused, and turns refusals into answers.
 */
import { initTRPC, TRPCError } from '@trpc/server';
import { z } from 'zod';
import type { Permission } from '../domain/user/role.ts';
import type { Caller, Context, Services } from './context.ts';
import { answerFor, refusal, trpcCodeOf } from './errors.ts';

export type RestRoute = { method: 'GET' | 'POST' | 'PUT' | 'DELETE'; path: `/api/${string}` };
export type Meta = {
  permission: Permission;
  /** One line for people: what it does. */
  about: string;
  rest?: RestRoute;
  /** Shape of the answer, for the OpenAPI document. */
  answer?: z.ZodType;
  /** Carries a state file: 4 MiB instead of 1. */
  large?: true;
  /** The same answer as bytes, for REST: what is large and asked for often comes from memory as it stands. Parses its input itself. */
  bytes?: (services: Services, input: unknown) => Promise<Buffer>;
  /** Only for local root, over the unix socket. */
  local?: true;
};

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    isDev: false,
    // The default shape carries a stack when it thinks this is development; ours carries the refusal and nothing else.
    errorFormatter: ({ shape, error, ctx }) => {
      const { status, problem } = answerFor(error, ctx?.requestId ?? '');
      return { code: shape.code, message: `${problem.what}: ${problem.why}`, data: { code: error.code, httpStatus: status, problem } };
    },
    sse: { ping: { enabled: true, intervalMs: 15_000 }, client: { reconnectAfterInactivityMs: 40_000 } },
  });

/** Lets the caller through or throws: the only place that compares a caller with a permission. */
export const authorize = (caller: Caller, meta: Pick<Meta, 'permission' | 'local'> | undefined): void => {
  if (!meta) throw new Error('a procedure without meta');
  if (meta.local && caller.kind !== 'local-root')
    throw refusal('forbidden', 'This is refused', 'it is only for root on the machine itself', 'Run `dplane recover` there as root.');
  if (caller.permissions.has(meta.permission)) return;
  if (caller.kind === 'nobody')
    throw refusal('unauthenticated', 'You are not logged in', 'there is no valid session or token', 'Log in, or send a token.');
  const who = caller.kind === 'token' ? 'this token' : `the role ${caller.user?.role ?? ''}`;
  throw refusal(
    'forbidden',
    'This is refused',
    `${who} does not have the permission ${meta.permission}`,
    'Ask an admin for a role or token that has it.',
  );
};

/** Further permissions that depend on what is asked for. */
export const demand = (caller: Caller, permission: Permission): void => authorize(caller, { permission });

/** For what belongs to a person at a keyboard: a token cannot change its owner's password or make more tokens. */
export const inSession = (caller: Caller): { user: NonNullable<Caller['user']>; session: string } => {
  if (caller.user && caller.session) return { user: caller.user, session: caller.session };
  throw refusal('forbidden', 'This is refused', 'it needs a session of a person, not a token', 'Log in with user name and password.');
};

/** Does calling it change something that has to be accounted for? Logging in and claiming write entries of their own. */
const isChange = (type: string, meta: Meta): boolean =>
  type === 'mutation' && meta.permission !== 'public' && !meta.permission.endsWith('.read');

const gate = t.middleware(async ({ ctx, meta, path, type, next }) => {
  const caller = ctx.who();
  const change = meta !== undefined && isChange(type, meta);
  const write = (outcome: 'allowed' | 'denied', reason: string): void => {
    ctx.services.store.audit.append({
      actor: caller.actor,
      action: path,
      subject: '',
      outcome,
      reason,
      detail: { from: ctx.address, request: ctx.requestId },
    });
  };
  try {
    authorize(caller, meta);
  } catch (error) {
    // Refusals of people who proved who they are; the rest is noise that anyone could make without end.
    if (change && caller.kind !== 'nobody' && meta)
      write('denied', `without the permission ${meta.local ? 'of local root' : meta.permission}`);
    throw error;
  }
  if (change && meta)
    write('allowed', `permission ${meta.permission} of ${caller.kind === 'session' ? `role ${caller.user?.role}` : caller.kind}`);
  const result = await next();
  if (result.ok) return result;
  const { bug, problem } = answerFor(result.error, ctx.requestId);
  // A new error that carries the refusal, or the bug for the log: whatever else was in the old one reaches nobody.
  if (bug !== null) throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: 'internal', cause: bug });
  throw new TRPCError({
    code: trpcCodeOf(problem.code),
    message: problem.what,
    cause: refusal(problem.code, problem.what, problem.why, problem.todo),
  });
});

export const router = t.router;
const base = t.procedure.use(gate);
export const on = (meta: Meta) => base.meta(meta);
export const nothing = z.strictObject({}).optional();
