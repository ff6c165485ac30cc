/** What the executor does about accounts for sharing: each names its target by name and number. */
import { z } from 'zod';
import { AccountName, SealedPassword, ShareId, SharePassword, ShareUser } from './share-user.ts';

export const ACCOUNT_OPERATIONS = [
  /** Makes it (`isNew`), or makes it so: everything but its name. `id` null: the next free number. `password` null: the one it has. */
  z.strictObject({
    kind: z.literal('share-user.put'),
    isNew: z.boolean(),
    name: AccountName,
    id: ShareId.nullable(),
    fullName: ShareUser.shape.fullName.unwrap(),
    disabled: z.boolean(),
    groups: z.array(AccountName).max(64),
    password: SealedPassword.nullable(),
  }),
  z.strictObject({ kind: z.literal('share-user.rename'), name: AccountName, id: ShareId, to: AccountName }),
  /** Its files keep their number. With an approval only: the password and the name of who owns them are gone. */
  z.strictObject({ kind: z.literal('share-user.remove'), name: AccountName, id: ShareId }),
  z.strictObject({ kind: z.literal('share-group.put'), name: AccountName, id: ShareId.nullable() }),
  z.strictObject({ kind: z.literal('share-group.rename'), name: AccountName, id: ShareId, to: AccountName }),
  z.strictObject({ kind: z.literal('share-group.remove'), name: AccountName, id: ShareId }),
  /** Reading that needs root: space per dataset of one number. */
  z.strictObject({ kind: z.literal('share-user.owned'), id: ShareId, datasets: z.array(z.string().max(256)).max(1000) }),
  /** The one place where a password is in the clear: answered with its sealed hash, remembered and logged nowhere. */
  z.strictObject({ kind: z.literal('secret.seal'), password: SharePassword }),
] as const;

const AccountOperation = z.discriminatedUnion('kind', ACCOUNT_OPERATIONS);
export type AccountOperation = z.infer<typeof AccountOperation>;

/** Those that change something, by what they are about. */
export const isAccountChange = (op: { kind: string }): op is Exclude<AccountOperation, { kind: 'share-user.owned' | 'secret.seal' }> =>
  /^share-(?:user|group)\.(?:put|rename|remove)$/.test(op.kind);
