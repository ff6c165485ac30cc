/**
 * The record of all accounts for sharing, and what the system reads of it: drop-in records of nss-systemd in /etc/userdb. Both lie on
 * what survives the throw-away root, so that a start needs nothing of ours to know who owns a file.
 */
import { z } from 'zod';
import { ok, type Result, refuse } from '../../domain/refusal.ts';
import {
  AccountName,
  FIRST_ID,
  LAST_ID,
  type ObservedAccounts,
  ShareGroup,
  ShareId,
  ShareUser,
} from '../../domain/share-user/share-user.ts';

export const ACCOUNTS_FILE = '/etc/samba/dplaneos/accounts.json';
export const USERDB = '/etc/userdb';

export const Accounts = z.strictObject({
  v: z.literal(1),
  key: z.string().nullable(),
  users: z.array(ShareUser.extend({ id: ShareId })),
  groups: z.array(ShareGroup.extend({ id: ShareId })),
  /** Numbers of those who are gone: nobody else gets their files. */
  retired: z.array(ShareId),
});
export type Accounts = z.infer<typeof Accounts>;
export type User = Accounts['users'][number];
const EMPTY: Accounts = { v: 1, key: null, users: [], groups: [], retired: [] };

export const parseAccounts = (text: string | null): Result<Accounts> => {
  if (text === null) return ok(EMPTY);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const parsed = Accounts.safeParse(value);
  return parsed.success
    ? ok(parsed.data)
    : refuse(
        'unavailable',
        'reading the accounts for sharing',
        `${ACCOUNTS_FILE} is not what D-PlaneOS writes`,
        'bring it back from a snapshot or a backup of /persist: without it nobody knows which number belongs to whom',
      );
};
export const renderAccounts = (a: Accounts): string => `${JSON.stringify(a, null, 1)}\n`;

export const observedAccounts = (a: Accounts): ObservedAccounts => ({
  key: a.key,
  users: a.users.map((u) => ({ ...u, note: u.disabled ? 'it is disabled' : u.password === undefined ? 'it has no password yet' : null })),
  groups: a.groups,
});

/** Above every number that was ever given, so that a new account never finds files of an old one. */
export const nextId = (a: Accounts): number | null => {
  const id = Math.max(FIRST_ID, ...[...a.users, ...a.groups].map((x) => x.id), ...a.retired) + 1;
  return id <= LAST_ID ? id : null;
};

const MEMBERSHIP = '{"service":"dplaneos"}\n';
/** A user has a group of its own, of the same name and number. */
export const dropIns = (a: Accounts): Map<string, string> => {
  const files = new Map<string, string>();
  const both = (name: string, id: number, kind: 'user' | 'group', record: object): void => {
    const text = `${JSON.stringify(record)}\n`;
    files.set(`${name}.${kind}`, text);
    files.set(`${id}.${kind}`, text);
  };
  for (const u of a.users) {
    both(u.name, u.id, 'user', {
      ...{ userName: u.name, uid: u.id, gid: u.id, disposition: 'regular', ...(u.fullName === '' ? {} : { realName: u.fullName }) },
      ...{ homeDirectory: '/nonexistent', shell: '/usr/sbin/nologin', locked: true },
    });
    both(u.name, u.id, 'group', { groupName: u.name, gid: u.id, disposition: 'regular' });
    for (const g of u.groups) files.set(`${u.name}:${g}.membership`, MEMBERSHIP);
  }
  for (const g of a.groups) both(g.name, g.id, 'group', { groupName: g.name, gid: g.id, disposition: 'regular' });
  return files;
};

const Numbered = z.object({ uid: z.number().optional(), gid: z.number() });
/** Is this drop-in one of ours? Whatever else stands in that folder is somebody else's. */
export const isOurs = (file: string, text: string): boolean => {
  const m = /^(.+)\.(user|group|membership)$/.exec(file);
  if (!m) return false;
  if (m[2] === 'membership') return text === MEMBERSHIP && (m[1] ?? '').split(':').every((n) => AccountName.safeParse(n).success);
  try {
    const record = Numbered.safeParse(JSON.parse(text));
    return record.success && ShareId.safeParse(record.data.gid).success;
  } catch {
    return false;
  }
};
