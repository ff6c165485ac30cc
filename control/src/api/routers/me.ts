/** One's own password and second factor. */
import { z } from 'zod';
import { Password } from '../../domain/user/user.ts';
import type { UserRow } from '../../store/types.ts';
import { sha256 } from '../access/access.ts';
import { base32, otpauth, stepOf } from '../access/totp.ts';
import type { Context } from '../context.ts';
import { refusal } from '../errors.ts';
import { inSession, on, router } from '../trpc.ts';
import { checkStrength } from './session.ts';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const RECOVERY_CODES = 10;
const PENDING_MS = 10 * 60_000;
export const Typed = z.string().min(1).max(256);

/** Before anything about an account is changed, the password is asked for again: an open browser is not its owner. */
export const proven = async (ctx: Context, password: string): Promise<{ user: UserRow; session: string }> => {
  const { user, session } = inSession(ctx.who());
  const { store, access } = ctx.services;
  const wait = access.logins.begin(ctx.address, user.name);
  if (wait > 0)
    throw refusal('rate-limited', 'Too many attempts', `the next one is allowed in ${Math.ceil(wait / 1000)} s`, 'Wait, then try again.');
  const row = store.access.user(user.id);
  if (!row || !(await access.passwords.verify(password, row.password)))
    throw refusal('forbidden', 'Nothing was changed', 'this is not your current password', 'Type your current password.');
  access.logins.succeeded(ctx.address, user.name);
  return { user: row, session };
};

const tell = (ctx: Context, user: UserRow, what: string): void => {
  const { store } = ctx.services;
  store.audit.append({
    actor: ctx.who().actor,
    action: 'me',
    subject: `user:${user.name}`,
    outcome: 'succeeded',
    reason: 'own account, current password',
    detail: { what },
  });
  store.events.append({
    kind: 'access.changed',
    severity: 'info',
    subject: `user:${user.name}`,
    message: `${user.name}: ${what}`,
    actor: user.name,
    data: {},
  });
};

export const me = router({
  changePassword: on({
    permission: 'self',
    about: 'Sets a new password; all other sessions end.',
    rest: { method: 'POST', path: '/api/me/password' },
  })
    .input(z.strictObject({ current: Typed, next: Password }))
    .mutation(async ({ ctx, input }) => {
      const { user, session } = await proven(ctx, input.current);
      checkStrength(input.next, user.name);
      const { store, access } = ctx.services;
      const password = await access.passwords.hash(input.next);
      store.transact(() => {
        tell(ctx, user, 'changed the password');
        store.access.updateUser(user.id, { password });
        access.closeAllOf(user.id, session);
      });
      return { changed: true as const };
    }),
  totpBegin: on({
    permission: 'self',
    about: 'Begins setting up a second factor; nothing changes until it is confirmed.',
    rest: { method: 'POST', path: '/api/me/totp' },
  })
    .input(z.strictObject({ password: Typed }))
    .mutation(async ({ ctx, input }) => {
      const { user } = await proven(ctx, input.password);
      const { pendingTotp, random, clock } = ctx.services;
      const secret = base32(random(20));
      for (const [id, p] of pendingTotp) if (p.until < clock()) pendingTotp.delete(id);
      pendingTotp.set(user.id, { secret, until: clock() + PENDING_MS });
      return { secret, uri: otpauth(secret, user.name, 'D-PlaneOS') };
    }),
  totpConfirm: on({
    permission: 'self',
    about: 'Turns the second factor on with its first code; the recovery codes are shown this once.',
    rest: { method: 'POST', path: '/api/me/totp/confirm' },
  })
    .input(z.strictObject({ code: z.string().max(32) }))
    .mutation(({ ctx, input }) => {
      const { user, session } = inSession(ctx.who());
      const { store, access, pendingTotp, random, clock } = ctx.services;
      const pending = pendingTotp.get(user.id);
      const row = store.access.user(user.id);
      if (!row || !pending || pending.until < clock())
        throw refusal('conflict', 'The second factor is not on', 'its setting up was not begun, or too long ago', 'Begin again.');
      const wait = access.secondFactors.begin(ctx.address, user.name);
      if (wait > 0)
        throw refusal(
          'rate-limited',
          'Too many attempts',
          `the next one is allowed in ${Math.ceil(wait / 1000)} s`,
          'Wait, then try again.',
        );
      const step = stepOf(pending.secret, input.code, clock(), 0);
      if (step === null)
        throw refusal(
          'invalid',
          'The second factor is not on',
          'this is not the current code',
          'Check the clock of the device, and type the code it shows now.',
        );
      access.secondFactors.succeeded(ctx.address, user.name);
      const codes = Array.from({ length: RECOVERY_CODES }, () => {
        const letters = Array.from(random(16), (b) => CROCKFORD[b & 31]).join('');
        return letters.match(/.{4}/g)?.join('-') ?? letters;
      });
      store.transact(() => {
        tell(ctx, row, 'turned the second factor on');
        store.access.updateUser(row.id, {
          totpSecret: pending.secret,
          totpLastStep: step,
          recoveryCodes: codes.map((c) => sha256(c.replaceAll('-', ''))),
        });
        access.closeAllOf(row.id, session);
      });
      pendingTotp.delete(user.id);
      return { recoveryCodes: codes };
    }),
  totpDisable: on({ permission: 'self', about: 'Turns the second factor off.', rest: { method: 'POST', path: '/api/me/totp/disable' } })
    .input(z.strictObject({ password: Typed }))
    .mutation(async ({ ctx, input }) => {
      const { user } = await proven(ctx, input.password);
      const { store, access } = ctx.services;
      store.transact(() => {
        tell(ctx, user, 'turned the second factor off');
        store.access.updateUser(user.id, { totpSecret: null, totpLastStep: 0, recoveryCodes: [] });
        access.changed(user.id);
      });
      return { disabled: true as const };
    }),
});
