/** Who is connected: one entry a client, over SMB, NFS 4, or NFS 3 as far as it is known. */
import { z } from 'zod';

/** `smb:` and Samba's number of the session, `nfs:` and the kernel's number of the client, `nfs3:` and an address. */
export const SessionId = z
  .string()
  .regex(/^(smb:[0-9]{1,20}|nfs:[0-9]{1,10}|nfs3:[A-Za-z0-9.:_-]{1,255})$/, 'expected the id of a session');

export const OpenFile = z.object({
  /** As the server knows it; NFS tells the last two parts only. */
  path: z.string(),
  access: z.enum(['read', 'write', 'both', 'lock', 'unknown']),
});
export type OpenFile = z.infer<typeof OpenFile>;

/** Bytes, as the box sees it: `received` came from the client. */
export const Traffic = z.object({ received: z.number().nonnegative(), sent: z.number().nonnegative() });
export type Traffic = z.infer<typeof Traffic>;

export const Session = z.object({
  id: SessionId,
  protocol: z.enum(['smb', 'nfs']),
  /** Null where the protocol doesn't say: with NFS each request brings a number of its own. */
  user: z.string().nullable(),
  machine: z.string(),
  address: z.string(),
  /** Such as "SMB 3.1.1" or "NFS 4.2". */
  dialect: z.string(),
  encrypted: z.boolean().nullable(),
  signed: z.boolean().nullable(),
  since: z.number().nullable(),
  shares: z.array(z.object({ share: z.string(), openFiles: z.number().int().nonnegative() })),
  openFiles: z.number().int().nonnegative(),
  /** The first of them. */
  files: z.array(OpenFile),
  /** Over its connections since they began, by the kernel's count; null when none is known to be its own. */
  traffic: Traffic.nullable(),
  /** The same for each second since somebody looked last; null when nobody did in the last minute. */
  rate: Traffic.nullable(),
  /** What is not known, in words. */
  note: z.string().nullable(),
});
export type Session = z.infer<typeof Session>;
export const SHOWN_FILES = 100;

/** A connection that began anew counts from 0 again: of what lies between nothing is known. */
export const rateSince = (before: Traffic | undefined, now: Traffic | null, seconds: number): Traffic | null =>
  before === undefined || now === null || now.received < before.received || now.sent < before.sent
    ? null
    : { received: Math.round((now.received - before.received) / seconds), sent: Math.round((now.sent - before.sent) / seconds) };

/** "ada at 192.168.1.20 (letters/2026.txt)", for a refusal. */
export const describeSession = (s: Pick<Session, 'user' | 'machine' | 'files'>): string => {
  const file = s.files[0]?.path.split('/').slice(-2).join('/');
  const more = s.files.length > 1 ? ` and ${s.files.length - 1} more` : '';
  return `${s.user === null ? s.machine : `${s.user} at ${s.machine}`}${file === undefined ? '' : ` (${file}${more})`}`;
};
