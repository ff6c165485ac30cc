/** Getting in: claiming a fresh box, logging in and out. */
import { z } from 'zod';
import { Permission } from '../../domain/user/role.ts';
import { Password, User, UserName, whyWeak } from '../../domain/user/user.ts';
import type { UserRow } from '../../store/types.ts';
import { sha256, toUser } from '../access/access.ts';
import { readCode } from '../access/claim.ts';
import { stepOf } from '../access/totp.ts';
import type { Context } from '../context.ts';
import { refusal } from '../errors.ts';
import { inSession, nothing, on, router } from '../trpc.ts';

/** What a login may carry: anything a person could have typed, short enough to be checked. */
const Typed = z.string().min(1).max(256);

export const checkStrength = (password: string, user: string): void => {
  const weak = whyWeak(password, user);
  if (weak) throw refusal('invalid', 'This password is refused', weak, 'Take a longer one: a few words that only you would put together.');
};

const slowDown = (waitMs: number) =>
  refusal('rate-limited', 'Too many attempts', `the next one is allowed in ${Math.ceil(waitMs / 1000)} s`, 'Wait, then try again.');

/** Opens a session where the client can keep one. An earlier session of the same client ends. */
const enter = (ctx: Context, user: UserRow, reason: string): void => {
  const { store, access, clock } = ctx.services;
  if (!ctx.cookie)
    throw refusal('invalid', 'A login needs a request of its own', 'no cookie can be set over an open WebSocket', 'Send it over HTTP.');
  const before = ctx.who();
  const cookie = store.transact(() => {
    if (before.session) access.close(before.session);
    const opened = access.open(user.id, ctx.address, ctx.agent);
    store.access.updateUser(user.id, { lastLoginAt: clock() });
    access.changed(user.id);
    const actor = { kind: 'user' as const, name: user.name, via: ctx.address };
    store.audit.append({
      actor,
      action: 'session.login',
      subject: `user:${user.name}`,
      outcome: 'allowed',
      reason,
      detail: { from: ctx.address, agent: ctx.agent.slice(0, 200) },
    });
    store.events.append({
      kind: 'access.login',
      severity: 'info',
      subject: `user:${user.name}`,
      message: `${user.name} logged in from ${ctx.address}`,
      actor: user.name,
      data: {},
    });
    return opened;
  });
  ctx.cookie(cookie);
};

export const claim = router({
  status: on({
    permission: 'public',
    about: 'Is there an admin yet, and does a claim code wait?',
    rest: { method: 'GET', path: '/api/claim' },
  })
    .input(nothing)
    .query(({ ctx: { services: s } }) => ({
      claimed: s.store.access.users().length > 0,
      codeWaiting: s.claim.open(),
      simulated: s.config.simulated,
    })),
  claim: on({
    permission: 'public',
    about: 'Makes the first admin with the code from the console, and logs in.',
    rest: { method: 'POST', path: '/api/claim' },
  })
    .input(z.strictObject({ code: z.string().min(1).max(64), user: UserName, password: Password }))
    .mutation(async ({ ctx, input }) => {
      const { store, access, claim: claims, clock, counters } = ctx.services;
      const wait = access.logins.begin(ctx.address, 'claim:');
      if (wait > 0) {
        counters.slowedLogins += 1;
        throw slowDown(wait);
      }
      if (!claims.open() || !claims.matches(readCode(input.code))) {
        counters.failedLogins += 1;
        store.audit.append({
          actor: ctx.who().actor,
          action: 'claim',
          subject: 'system',
          outcome: 'denied',
          reason: 'wrong or used claim code',
          detail: { from: ctx.address },
        });
        throw refusal(
          'unauthenticated',
          'The box was not claimed',
          'this is not its claim code, or the code was used before',
          'The code is on the console and in the file claim-code; `dplane recover` on the machine makes a new one.',
        );
      }
      access.logins.succeeded(ctx.address, 'claim:');
      checkStrength(input.password, input.user);
      const password = await access.passwords.hash(input.password);
      const user = store.transact(() => {
        if (store.access.userByName(input.user))
          throw refusal('conflict', 'The box was not claimed', `there is a user ${input.user} already`, 'Choose another name.');
        if (!claims.use(input.code))
          throw refusal(
            'conflict',
            'The box was not claimed',
            'somebody else used the code a moment ago',
            'If that was not you: `dplane recover` on the machine.',
          );
        const row = store.access.addUser({
          name: input.user,
          role: 'admin',
          password,
          totpSecret: null,
          totpLastStep: 0,
          recoveryCodes: [],
          disabled: false,
          createdAt: clock(),
          lastLoginAt: null,
        });
        const actor = { kind: 'user' as const, name: row.name, via: ctx.address };
        store.audit.append({
          actor,
          action: 'claim',
          subject: `user:${row.name}`,
          outcome: 'allowed',
          reason: 'claim code',
          detail: { from: ctx.address },
        });
        store.events.append({
          kind: 'system.claimed',
          severity: 'warning',
          subject: `user:${row.name}`,
          message: `claimed by ${row.name} from ${ctx.address}`,
          actor: row.name,
          data: {},
        });
        return row;
      });
      claims.forget();
      enter(ctx, user, 'claim code');
      return { user: toUser(user) };
    }),
});

/** Is this the second factor? Using one changes the user, so that it is good once. */
const secondFactor = (ctx: Context, user: UserRow, code: string): boolean => {
  const { store, access, clock } = ctx.services;
  const step = user.totpSecret === null ? null : stepOf(user.totpSecret, code, clock(), user.totpLastStep);
  if (step !== null) {
    store.access.updateUser(user.id, { totpLastStep: step });
    access.changed(user.id);
    return true;
  }
  const hashed = sha256(readCode(code));
  if (!user.recoveryCodes.includes(hashed)) return false;
  store.access.updateUser(user.id, { recoveryCodes: user.recoveryCodes.filter((c) => c !== hashed) });
  access.changed(user.id);
  return true;
};

export const session = router({
  login: on({
    permission: 'public',
    about: 'Logs in; the answer `totp-needed` asks for the same again with the code of the second factor.',
    rest: { method: 'POST', path: '/api/session' },
    answer: z.discriminatedUnion('state', [
      z.object({ state: z.literal('logged-in'), user: User }),
      z.object({ state: z.literal('totp-needed') }),
    ]),
  })
    .input(z.strictObject({ user: Typed, password: Typed, totp: z.string().max(32).optional() }))
    .mutation(async ({ ctx, input }): Promise<{ state: 'logged-in'; user: User } | { state: 'totp-needed' }> => {
      const { store, access, counters } = ctx.services;
      const account = input.user.toLowerCase().slice(0, 32);
      const wait = access.logins.begin(ctx.address, account);
      if (wait > 0) {
        counters.slowedLogins += 1;
        throw slowDown(wait);
      }
      const failed = (reason: string) => {
        counters.failedLogins += 1;
        const known = UserName.safeParse(input.user).success ? input.user : '(not a user name)';
        store.transact(() => {
          store.audit.append({
            actor: { kind: 'user', name: known, via: ctx.address },
            action: 'session.login',
            subject: `user:${known}`,
            outcome: 'denied',
            reason,
            detail: { from: ctx.address },
          });
          store.events.append({
            kind: 'access.login-failed',
            severity: 'warning',
            subject: `user:${known}`,
            message: `a login as ${known} from ${ctx.address} failed: ${reason}`,
            actor: known,
            data: {},
          });
        });
        return refusal(
          'unauthenticated',
          'The login failed',
          'user name, password or code is wrong',
          'Check them; `dplane recover` on the machine sets a new password.',
        );
      };
      const found = store.access.userByName(input.user);
      const right = await access.passwords.verify(input.password, found?.password ?? null);
      // Read again: the account may have changed while the password was being checked.
      const user = found && store.access.user(found.id);
      if (!right || !user || user.disabled || user.password !== found.password)
        throw failed(user?.disabled ? 'the account is disabled' : 'wrong name or password');
      if (user.totpSecret !== null) {
        if (input.totp === undefined || input.totp === '') {
          access.logins.void(ctx.address, account);
          return { state: 'totp-needed' };
        }
        const waitForCode = access.secondFactors.begin(ctx.address, account);
        if (waitForCode > 0) {
          counters.slowedLogins += 1;
          throw slowDown(waitForCode);
        }
        if (!store.transact(() => secondFactor(ctx, user, input.totp ?? ''))) throw failed('wrong or used code');
        access.secondFactors.succeeded(ctx.address, account);
      }
      access.logins.succeeded(ctx.address, account);
      enter(ctx, user, user.totpSecret === null ? 'password' : 'password and second factor');
      return { state: 'logged-in', user: toUser(user) };
    }),
  logout: on({ permission: 'self', about: 'Ends this session.', rest: { method: 'DELETE', path: '/api/session' } })
    .input(nothing)
    .mutation(({ ctx }) => {
      const { session: hash } = inSession(ctx.who());
      ctx.services.access.close(hash);
      ctx.cookie?.(null);
      return { loggedOut: true as const };
    }),
  get: on({ permission: 'self', about: 'Who is logged in.', rest: { method: 'GET', path: '/api/session' } })
    .input(nothing)
    .query(({ ctx }) => {
      const caller = ctx.who();
      return { kind: caller.kind, user: caller.user, simulated: ctx.services.config.simulated };
    }),
  permissions: on({
    permission: 'self',
    about: 'What the caller may do.',
    rest: { method: 'GET', path: '/api/session/permissions' },
    answer: z.object({ permissions: z.array(Permission) }).loose(),
  })
    .input(nothing)
    .query(({ ctx }) => {
      const caller = ctx.who();
      return { kind: caller.kind, role: caller.user?.role ?? null, permissions: [...caller.permissions] };
    }),
});
