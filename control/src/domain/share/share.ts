/**
 * Shares: SMB and NFS, by typed allow-listed options only. What is not in these schemas can't reach a config file,
 * and no field can hold a newline or a character that the rendered files read as syntax.
 */
import { z } from 'zod';
import { AbsolutePath, DatasetName, SizeText } from '../names.ts';

/** Names that Windows or Samba give a meaning of their own. */
const RESERVED = new Set([
  ...['global', 'homes', 'printers', 'print$', 'ipc$', 'admin$', 'netlogon', 'sysvol', 'con', 'prn', 'aux', 'nul'],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((n) => [`com${n}`, `lpt${n}`]),
]);

export const ShareName = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[A-Za-z0-9_](?:[A-Za-z0-9_. -]*[A-Za-z0-9_-])?$/, 'a share name holds letters, digits, inner spaces and _ . -')
  .refine((n) => !RESERVED.has(n.toLowerCase()), 'this name has a meaning of its own to Windows or Samba');

/** One line of plain text. */
export const Comment = z
  .string()
  .max(256)
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}%"\\]*$/u, 'one line of text without % " or \\');

const Account = z.string().regex(/^@?[a-z_][a-z0-9_-]{0,31}$/, 'expected a user name or @group');

export const SmbShare = z.strictObject({
  kind: z.literal('smb'),
  name: ShareName,
  /** The dataset it serves: the share is up only when this is mounted. */
  dataset: DatasetName,
  /** A folder below the dataset's mount point. */
  folder: z.union([z.literal(''), AbsolutePath]).default(''),
  comment: Comment.default(''),
  readOnly: z.boolean().default(false),
  browseable: z.boolean().default(true),
  guests: z.boolean().default(false),
  validUsers: z.array(Account).max(256).default([]),
  writeUsers: z.array(Account).max(256).default([]),
  previousVersions: z.boolean().default(true),
  preset: z.enum(['general', 'time-machine', 'media', 'homes', 'windows-acl']).default('general'),
  encrypt: z.enum(['off', 'desired', 'required']).default('desired'),
  /** Samba signs for all shares alike: `required` here asks it of everybody who connects to any of them. */
  sign: z.enum(['auto', 'required']).default('auto'),
  /** Of a Time Machine share: what its Macs are told is there at most. Empty: all the space of the dataset. */
  maxSize: z.union([z.literal(''), SizeText.regex(/^[1-9][0-9]*[KMGTP]$/, 'expected a whole size such as 500G or 2T')]).default(''),
});
export type SmbShare = z.infer<typeof SmbShare>;

const Host = z
  .string()
  .max(255)
  .regex(
    /^(\*|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?:\/[0-9]{1,3})?|[0-9a-fA-F:]+(?:\/[0-9]{1,3})?)$/,
    'expected a host, an address, a network such as 192.168.1.0/24, or *',
  );

export const NfsClient = z.strictObject({
  host: Host,
  access: z.enum(['ro', 'rw']).default('rw'),
  squash: z.enum(['root', 'all', 'none']).default('root'),
  sync: z.boolean().default(true),
});

export const NfsShare = z.strictObject({
  kind: z.literal('nfs'),
  name: ShareName,
  dataset: DatasetName,
  folder: z.union([z.literal(''), AbsolutePath]).default(''),
  comment: Comment.default(''),
  clients: z.array(NfsClient).min(1).max(256),
});
export type NfsShare = z.infer<typeof NfsShare>;

export const ShareSpec = z.discriminatedUnion('kind', [SmbShare, NfsShare]);
export type ShareSpec = z.infer<typeof ShareSpec>;

/** SMB names are one name whatever their case; NFS and SMB don't collide. */
export const shareKey = (s: Pick<ShareSpec, 'kind' | 'name'>): string => `${s.kind}:${s.kind === 'smb' ? s.name.toLowerCase() : s.name}`;

export const ShareClient = z.object({
  /** SMB when left out. */
  kind: z.literal('nfs').optional(),
  share: z.string(),
  user: z.string(),
  machine: z.string(),
  openFiles: z.number().int().nonnegative(),
});
export type ShareClient = z.infer<typeof ShareClient>;

export const ObservedShare = z.object({
  spec: ShareSpec,
  /** The folder that is served, when it is known. */
  path: z.string().nullable().optional(),
  serving: z.boolean(),
  /** Why it is not served. */
  note: z.string().nullable(),
  clients: z.array(ShareClient),
});
export type ObservedShare = z.infer<typeof ObservedShare>;
