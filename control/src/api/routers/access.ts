/** People, their sessions and their tokens. A change takes effect at once, and there is always an admin left. */
import { z } from 'zod';
import { Permission, Role, ROLES } from '../../domain/user/role.ts';
import { ApiToken, Password, Session, User, UserName } from '../../domain/user/user.ts';
import type { TokenRow, UserRow } from '../../store/types.ts';
import { TOKEN_MAX_MS, toUser } from '../access/access.ts';
import type { Caller, Context } from '../context.ts';
import { refusal } from '../errors.ts';
import { demand, inSession, nothing, on, router } from '../trpc.ts';
import { checkStrength } from './session.ts';

const DAY = 86_400_000;

const userNamed = (ctx: Context, name: string): UserRow => {
  const row = ctx.services.store.access.userByName(name);
  if (!row) throw refusal('not-found', `There is no user ${name}`, 'nobody has this name', '`dplane user list` shows who there is.');
  return row;
};
/** State, event and audit entry together. */
const change = <T>(ctx: Context, action: string, subject: string, message: string, detail: Record<string, unknown>, work: () => T): T => {
  const { store } = ctx.services;
  const { actor } = ctx.who();
  return store.transact(() => {
    const result = work();
    store.audit.append({ actor, action, subject, outcome: 'succeeded', reason: 'permission access.write or own', detail });
    store.events.append({ kind: 'access.changed', severity: 'info', subject, message, actor: actor.name, data: {} });
    return result;
  });
};

const users = router({
  list: on({
    permission: 'access.read',
    about: 'Who can log in, with role and state.',
    rest: { method: 'GET', path: '/api/access/users' },
    answer: z.object({ users: z.array(User) }),
  })
    .input(nothing)
    .query(({ ctx }) => ({ users: ctx.services.store.access.users().map(toUser) })),
  create: on({
    permission: 'access.write',
    about: 'Makes a user with a role and a password.',
    rest: { method: 'POST', path: '/api/access/users' },
    answer: User,
  })
    .input(z.strictObject({ name: UserName, role: Role, password: Password }))
    .mutation(async ({ ctx, input }) => {
      const { store, access, clock } = ctx.services;
      checkStrength(input.password, input.name);
      const password = await access.passwords.hash(input.password);
      return change(
        ctx,
        'access.user-created',
        `user:${input.name}`,
        `user ${input.name} was made (${input.role})`,
        { role: input.role },
        () => {
          if (store.access.userByName(input.name))
            throw refusal('conflict', 'The user was not made', `there is a user ${input.name} already`, 'Choose another name.');
          return toUser(
            store.access.addUser({
              name: input.name,
              role: input.role,
              password,
              totpSecret: null,
              totpLastStep: 0,
              recoveryCodes: [],
              disabled: false,
              createdAt: clock(),
              lastLoginAt: null,
            }),
          );
        },
      );
    }),
  update: on({
    permission: 'access.write',
    about: 'Changes the role of a user, disables or enables, sets a new password, or turns the second factor off.',
    rest: { method: 'PUT', path: '/api/access/users/{name}' },
    answer: User,
  })
    .input(
      z.strictObject({
        name: UserName,
        role: Role.optional(),
        disabled: z.boolean().optional(),
        password: Password.optional(),
        totp: z.literal(false).optional(),
      }),
    )
    .mutation(async ({ ctx, input }) => {
      const { store, access } = ctx.services;
      userNamed(ctx, input.name);
      if (input.password !== undefined) checkStrength(input.password, input.name);
      const password = input.password === undefined ? undefined : await access.passwords.hash(input.password);
      const { name, role, disabled } = input;
      const what = {
        ...(role && { role }),
        ...(disabled !== undefined && { disabled }),
        ...(password && { password: 'set' }),
        ...(input.totp === false && { totp: false }),
      };
      return change(
        ctx,
        'access.user-changed',
        `user:${name}`,
        `user ${name} was changed (${Object.keys(what).join(', ') || 'nothing'})`,
        what,
        () => {
          const row = userNamed(ctx, name);
          if (row.role === 'admin' && ((role !== undefined && role !== 'admin') || disabled === true)) access.keepAnAdmin(row.id);
          store.access.updateUser(row.id, {
            ...(role && { role }),
            ...(disabled !== undefined && { disabled }),
            ...(password && { password }),
            ...(input.totp === false && { totpSecret: null, totpLastStep: 0, recoveryCodes: [] }),
          });
          const caller = ctx.who();
          if (disabled === true || password)
            access.closeAllOf(row.id, caller.user?.id === row.id && caller.session ? caller.session : undefined);
          access.changed(row.id);
          return toUser(userNamed(ctx, name));
        },
      );
    }),
  remove: on({
    permission: 'access.write',
    about: 'Removes a user with sessions and tokens.',
    rest: { method: 'DELETE', path: '/api/access/users/{name}' },
  })
    .input(z.strictObject({ name: UserName }))
    .mutation(({ ctx, input }) => {
      const { store, access } = ctx.services;
      return change(ctx, 'access.user-removed', `user:${input.name}`, `user ${input.name} was removed`, {}, () => {
        const row = userNamed(ctx, input.name);
        if (row.role === 'admin') access.keepAnAdmin(row.id);
        for (const token of store.access.tokens()) if (token.userId === row.id) access.removeToken(token.id);
        access.closeAllOf(row.id);
        store.access.removeUser(row.id);
        return { removed: true as const };
      });
    }),
});

const names = (ctx: Context): Map<number, string> => new Map(ctx.services.store.access.users().map((u) => [u.id, u.name]));
/** One's own, and with access.read everybody's. */
const mine = (caller: Caller, userId: number): boolean =>
  caller.permissions.has('access.read') || (caller.session !== null && caller.user?.id === userId);
const mayEnd = (caller: Caller, userId: number): boolean =>
  caller.permissions.has('access.write') || (caller.session !== null && caller.user?.id === userId);

const sessions = router({
  list: on({
    permission: 'self',
    about: "One's own sessions; with access.read everybody's.",
    rest: { method: 'GET', path: '/api/access/sessions' },
    answer: z.object({ sessions: z.array(Session) }),
  })
    .input(nothing)
    .query(({ ctx }) => {
      const caller = ctx.who();
      const byId = names(ctx);
      const rows = ctx.services.store.access.sessions().filter((s) => mine(caller, s.userId));
      return {
        sessions: rows.map((s) => ({
          id: s.idHash.slice(0, 16), // enough to name it; nobody can make a cookie of it
          user: byId.get(s.userId) ?? '',
          createdAt: s.createdAt,
          lastSeenAt: s.lastSeenAt,
          expiresAt: s.expiresAt,
          from: s.from,
          agent: s.agent,
          current: s.idHash === caller.session,
        })),
      };
    }),
  revoke: on({
    permission: 'self',
    about: "Ends a session: one's own, or with access.write anybody's.",
    rest: { method: 'DELETE', path: '/api/access/sessions/{id}' },
  })
    .input(z.strictObject({ id: z.string().regex(/^[0-9a-f]{16}$/, 'expected the id of a session') }))
    .mutation(({ ctx, input }) => {
      const caller = ctx.who();
      const row = ctx.services.store.access.sessions().find((s) => s.idHash.startsWith(input.id) && mayEnd(caller, s.userId));
      if (!row) throw refusal('not-found', 'There is no such session', 'it has ended, or it is not yours', 'List the sessions again.');
      const user = names(ctx).get(row.userId) ?? '';
      return change(ctx, 'access.session-revoked', `user:${user}`, `a session of ${user} was ended`, {}, () => {
        ctx.services.access.close(row.idHash);
        return { revoked: true as const };
      });
    }),
});

const toToken = (t: TokenRow, user: string): ApiToken => ({
  id: t.id,
  name: t.name,
  user,
  scopes: t.scopes,
  createdAt: t.createdAt,
  expiresAt: t.expiresAt,
  lastUsedAt: t.lastUsedAt,
});

const tokens = router({
  list: on({
    permission: 'self',
    about: "One's own tokens; with access.read everybody's.",
    rest: { method: 'GET', path: '/api/access/tokens' },
    answer: z.object({ tokens: z.array(ApiToken) }),
  })
    .input(nothing)
    .query(({ ctx }) => {
      const caller = ctx.who();
      const byId = names(ctx);
      return {
        tokens: ctx.services.store.access
          .tokens()
          .filter((t) => mine(caller, t.userId))
          .map((t) => toToken(t, byId.get(t.userId) ?? '')),
      };
    }),
  create: on({
    permission: 'self',
    about: "Makes a token for scripts with some of one's own permissions; it is shown this once.",
    rest: { method: 'POST', path: '/api/access/tokens' },
  })
    .input(
      z.strictObject({
        name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/, 'a token name holds letters, digits, spaces and . _ -'),
        scopes: z.array(Permission).min(1).max(Permission.options.length),
        days: z.number().int().min(1).max(365).default(90),
      }),
    )
    .mutation(({ ctx, input }) => {
      const caller = ctx.who();
      const { user } = inSession(caller);
      for (const scope of input.scopes) demand(caller, scope);
      const { access, clock } = ctx.services;
      const now = clock();
      const expiresAt = now + Math.min(input.days * DAY, TOKEN_MAX_MS);
      return change(
        ctx,
        'access.token-created',
        `user:${user.name}`,
        `${user.name} made the token ${input.name}`,
        { name: input.name, scopes: input.scopes, expiresAt },
        () => ({
          ...access.addToken({ name: input.name, userId: user.id, scopes: [...new Set(input.scopes)], createdAt: now, expiresAt }),
          expiresAt,
        }),
      );
    }),
  revoke: on({
    permission: 'self',
    about: "Revokes a token: one's own, or with access.write anybody's.",
    rest: { method: 'DELETE', path: '/api/access/tokens/{id}' },
  })
    .input(z.strictObject({ id: z.string().min(1).max(64) }))
    .mutation(({ ctx, input }) => {
      const caller = ctx.who();
      const { store, access } = ctx.services;
      const row = store.access.tokens().find((t) => t.id === input.id && mayEnd(caller, t.userId));
      if (!row) throw refusal('not-found', 'There is no such token', 'it was revoked, or it is not yours', 'List the tokens again.');
      return change(ctx, 'access.token-revoked', `token:${row.name}`, `the token ${row.name} was revoked`, {}, () => {
        access.removeToken(row.id);
        return { revoked: true as const };
      });
    }),
});

export const access = router({
  users,
  sessions,
  tokens,
  roles: on({ permission: 'self', about: 'The roles and what each may do.', rest: { method: 'GET', path: '/api/access/roles' } })
    .input(nothing)
    .query(() => ({ roles: Role.options.map((role) => ({ role, permissions: [...ROLES[role]] })) })),
});

/** Only for root on the machine itself, over the unix socket: the way back in that cannot be locked. */
export const recover = router({
  users: on({
    permission: 'access.read',
    local: true,
    about: 'Who can log in, for local root.',
    rest: { method: 'GET', path: '/api/recover/users' },
  })
    .input(nothing)
    .query(({ ctx }) => ({ users: ctx.services.store.access.users().map(toUser) })),
  claimCode: on({
    permission: 'access.write',
    local: true,
    about: 'Makes a new claim code, with which a new admin can be made.',
    rest: { method: 'POST', path: '/api/recover/claim-code' },
  })
    .input(nothing)
    .mutation(({ ctx }) => ({ code: recovered(ctx, 'system', 'a new claim code was made', () => ctx.services.claim.issue()) })),
  password: on({
    permission: 'access.write',
    local: true,
    about: 'Sets the password of a user, enables the account, ends its sessions; on request the second factor goes too.',
    rest: { method: 'POST', path: '/api/recover/password' },
  })
    .input(z.strictObject({ user: UserName, password: Password, totpOff: z.boolean().default(false) }))
    .mutation(async ({ ctx, input }) => {
      const { store, access } = ctx.services;
      userNamed(ctx, input.user);
      checkStrength(input.password, input.user);
      const password = await access.passwords.hash(input.password);
      return recovered(ctx, `user:${input.user}`, `the password of ${input.user} was set by local root`, () => {
        const row = userNamed(ctx, input.user);
        store.access.updateUser(row.id, {
          password,
          disabled: false,
          ...(input.totpOff && { totpSecret: null, totpLastStep: 0, recoveryCodes: [] }),
        });
        access.closeAllOf(row.id);
        return { changed: true as const };
      });
    }),
  totpOff: on({
    permission: 'access.write',
    local: true,
    about: 'Turns the second factor of a user off.',
    rest: { method: 'POST', path: '/api/recover/totp-off' },
  })
    .input(z.strictObject({ user: UserName }))
    .mutation(({ ctx, input }) =>
      recovered(ctx, `user:${input.user}`, `the second factor of ${input.user} was turned off by local root`, () => {
        const row = userNamed(ctx, input.user);
        ctx.services.store.access.updateUser(row.id, { totpSecret: null, totpLastStep: 0, recoveryCodes: [] });
        ctx.services.access.changed(row.id);
        return { changed: true as const };
      }),
    ),
});

function recovered<T>(ctx: Context, subject: string, message: string, work: () => T): T {
  const { store } = ctx.services;
  const { actor } = ctx.who();
  return store.transact(() => {
    const result = work();
    store.audit.append({
      actor,
      action: 'recover',
      subject,
      outcome: 'succeeded',
      reason: 'local root over the unix socket',
      detail: { what: message },
    });
    store.events.append({ kind: 'system.recovered', severity: 'warning', subject, message, actor: actor.name, data: {} });
    return result;
  });
}
