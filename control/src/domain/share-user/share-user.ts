/**
 * Accounts that log in to SMB shares, and groups of them. They are nobody else: no shell, no home, not people of the control plane
 * (domain/user). A number is given once and never to another account, so that files of one who is gone become nobody else's.
 * A password is only ever a sealed text here (docs/adr/0011-sharing-users.md).
 */
import { z } from 'zod';

/** Numbers of users and groups alike: between the people and the services of any distribution. */
export const FIRST_ID = 20_000;
export const LAST_ID = 29_999;
export const ShareId = z.number().int().min(FIRST_ID).max(LAST_ID);

/** Names that systems give to accounts of their own; what a system really has is asked when the account is made. */
const RESERVED = new Set(
  'root daemon bin sys sync games man lp mail news proxy backup list irc nobody nogroup users wheel sudo adm disk kvm dplane sshd guest administrator system everyone'.split(
    ' ',
  ),
);
export const AccountName = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'a name begins with a small letter or _ and holds small letters, digits, _ and -')
  .refine((n) => !RESERVED.has(n) && !n.startsWith('systemd-'), 'the system has a use of its own for this name');

/** The NT hash under a key that only the executor of this machine reads; 8 letters say which key. */
export const SealedPassword = z
  .string()
  .regex(/^sealed1\.[0-9a-f]{8}\.[A-Za-z0-9_-]{59}$/, 'expected a sealed password (dplane share-user seal)');
export type SealedPassword = z.infer<typeof SealedPassword>;
export const keyOf = (sealed: SealedPassword): string => sealed.slice(8, 16);

/** What a person may type as a password for SMB: Windows takes no more than 127 characters. */
export const SharePassword = z
  .string()
  .min(12, 'a password has at least 12 characters')
  .max(127, 'a password for SMB has at most 127 characters')
  .regex(/^\P{Cc}*$/u, 'a password has no control characters');

export const ShareGroup = z.strictObject({ name: AccountName, id: ShareId.optional() });
export type ShareGroup = z.infer<typeof ShareGroup>;

const FullName = z
  .string()
  .max(80)
  .regex(/^[^\p{Cc}:,"\\]*$/u, 'one line without : , " or \\');
export const ShareUser = z.strictObject({
  name: AccountName,
  /** Keeps the account's identity, and that of its files, when its name changes here. Leave it out for a new one. */
  id: ShareId.optional(),
  fullName: FullName.default(''),
  /** Keeps everything, and can't log in. */
  disabled: z.boolean().default(false),
  groups: z.array(AccountName).max(64).default([]),
  /** Left out: what is there stays; a new account can't log in before it gets one. */
  password: SealedPassword.optional(),
});
export type ShareUser = z.infer<typeof ShareUser>;

export const ObservedShareUser = ShareUser.extend({ id: ShareId, /** Why it can't log in, when it can't. */ note: z.string().nullable() });
export type ObservedShareUser = z.infer<typeof ObservedShareUser>;
export const ObservedShareGroup = ShareGroup.extend({ id: ShareId });
export type ObservedShareGroup = z.infer<typeof ObservedShareGroup>;

export const ObservedAccounts = z.object({
  /** Which key this machine seals with; null before the first password. */
  key: z.string().nullable(),
  users: z.array(ObservedShareUser),
  groups: z.array(ObservedShareGroup),
});
export type ObservedAccounts = z.infer<typeof ObservedAccounts>;

/** Who owns what: from ZFS's own accounting, so it costs the same for one file as for a million. */
export const Owned = z.object({ dataset: z.string(), bytes: z.number(), files: z.number() });
export type Owned = z.infer<typeof Owned>;
