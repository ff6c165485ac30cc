/** Accounts that log in to shares. Making and changing them is a plan (`share-user.create`, ...); a password comes in here, and goes on sealed. */
import { z } from 'zod';
import { DatasetName } from '../../domain/names.ts';
import { orThrow } from '../../domain/refusal.ts';
import {
  AccountName,
  ObservedShareGroup,
  ObservedShareUser,
  Owned,
  SealedPassword,
  SharePassword,
} from '../../domain/share-user/share-user.ts';
import { nothing, on, router } from '../trpc.ts';

/** Whether there is a password, and nothing of it. */
const ShownUser = ObservedShareUser.omit({ password: true }).extend({ hasPassword: z.boolean() });

export const shareUsers = router({
  list: on({
    permission: 'share.read',
    about: 'Accounts for sharing and their groups.',
    rest: { method: 'GET', path: '/api/shares/users' },
    answer: z.object({ at: z.number(), known: z.boolean(), users: z.array(ShownUser), groups: z.array(ObservedShareGroup) }),
  })
    .input(nothing)
    .query(async ({ ctx }) => {
      const { key: _key, users, ...rest } = await ctx.services.engine.accounts.list();
      return { ...rest, users: users.map(({ password, ...u }) => ({ ...u, hasPassword: password !== undefined })) };
    }),
  seal: on({
    permission: 'share.write',
    about: 'Seals a password for SMB: the answer stands in plans and in state.yaml, and is worth nothing without this machine.',
    rest: { method: 'POST', path: '/api/shares/users/seal' },
    answer: z.object({ sealed: SealedPassword }),
  })
    .input(z.strictObject({ password: SharePassword }))
    .mutation(async ({ ctx, input }) => ({ sealed: orThrow(await ctx.services.engine.accounts.seal(ctx.who().actor, input.password)) })),
  permissions: on({
    permission: 'share.read',
    about: 'Owner, group and mode of a dataset’s folder, by number; and how far a change of them is.',
    rest: { method: 'GET', path: '/api/shares/permissions' },
  })
    .input(z.strictObject({ dataset: DatasetName }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.permissions.of(input.dataset))),
  owned: on({
    permission: 'share.read',
    about: 'What an account owns in the datasets that are shared, by ZFS’s own accounting.',
    rest: { method: 'GET', path: '/api/shares/users/{name}/owned' },
    answer: z.object({ id: z.number(), owned: z.array(Owned), lookedAt: z.number(), complete: z.boolean() }),
  })
    .input(z.strictObject({ name: AccountName }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.accounts.owned(ctx.who().actor, input.name))),
});
