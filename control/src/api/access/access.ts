/**
 * Sessions, tokens and users: who a request comes from. Only hashes are kept of what a client holds. A lookup is answered from memory;
 * everything that changes a user, session or token goes through here, so what is remembered is never out of date. When the
 * store does not answer, nobody is let in.
 */
import { hash as digestOf } from 'node:crypto';
import { type Permission, ROLES } from '../../domain/user/role.ts';
import type { User } from '../../domain/user/user.ts';
import type { Clock, SessionRow, Store, TokenRow, UserRow } from '../../store/types.ts';
import type { Caller, Log, Random } from '../context.ts';
import { refusal } from '../errors.ts';
import { type Brake, createBrake } from './attempts.ts';
import { createPasswords, type Passwords } from './password.ts';

const HOUR = 3_600_000;
export const IDLE_MS = 12 * HOUR;
export const ABSOLUTE_MS = 7 * 24 * HOUR;
const TOUCH_MS = 60_000;
const REMEMBERED = 2_000;
export const TOKEN_MAX_MS = 366 * 24 * HOUR;

export const sha256 = (text: string): string => digestOf('sha256', text, 'hex');
export const toUser = (row: UserRow): User => ({
  id: row.id,
  name: row.name,
  role: row.role,
  disabled: row.disabled,
  totp: row.totpSecret !== null,
  createdAt: row.createdAt,
  lastLoginAt: row.lastLoginAt,
});

export const NOBODY: Caller = {
  actor: { kind: 'system', name: 'nobody', via: 'api' },
  user: null,
  permissions: new Set<Permission>(['public']),
  session: null,
  kind: 'nobody',
};
export const LOCAL_ROOT: Caller = {
  actor: { kind: 'local-root', name: 'root', via: 'socket' },
  user: null,
  permissions: ROLES.admin,
  session: null,
  kind: 'local-root',
};

type Known =
  | { kind: 'session'; caller: Caller; userId: number; row: SessionRow }
  | { kind: 'token'; caller: Caller; userId: number; row: TokenRow };

export type AccessControl = {
  readonly passwords: Passwords;
  readonly logins: Brake;
  readonly secondFactors: Brake;
  /** Passphrases of datasets that are typed to unlock them. */
  readonly datasetKeys: Brake;
  /** The caller that holds this cookie or bearer token; null when neither is good (any more). */
  bySession(cookie: string): Caller | null;
  byToken(token: string): Caller | null;
  /** Opens a session and returns what the cookie holds. */
  open(userId: number, address: string, agent: string): string;
  close(idHash: string): void;
  /** Ends all sessions of a user but one; what is remembered of the user is looked up again. */
  closeAllOf(userId: number, exceptHash?: string): void;
  /** Call after every change to a user. */
  changed(userId: number): void;
  addToken(row: Omit<TokenRow, 'id' | 'hash' | 'lastUsedAt'>): { id: string; token: string };
  removeToken(id: string): boolean;
  /** Refuses when `userId` is the only admin who can still log in. */
  keepAnAdmin(userId: number): void;
};

export const createAccess = (store: Store, clock: Clock, random: Random, log: Log): AccessControl => {
  const known = new Map<string, Known>();
  const remember = (key: string, entry: Known): Known => {
    if (known.size >= REMEMBERED) {
      const oldest = known.keys().next();
      if (!oldest.done) known.delete(oldest.value);
    }
    known.set(key, entry);
    return entry;
  };
  const forget = (is: (entry: Known) => boolean): void => {
    for (const [key, entry] of known) if (is(entry)) known.delete(key);
  };

  const findSession = (hash: string): Known | null => {
    const found = store.access.session(hash);
    if (!found || found.user.disabled) return null;
    const { session: row, user } = found;
    return remember(hash, {
      kind: 'session',
      userId: user.id,
      row: { ...row },
      caller: {
        kind: 'session',
        actor: { kind: 'user', name: user.name, via: row.from },
        user: toUser(user),
        permissions: ROLES[user.role],
        session: hash,
      },
    });
  };
  const findToken = (hash: string): Known | null => {
    const found = store.access.tokenByHash(hash);
    if (!found || found.user.disabled) return null;
    const { token: row, user } = found;
    const permissions = new Set<Permission>(['public', 'self', ...row.scopes.filter((s) => ROLES[user.role].has(s))]);
    return remember(hash, {
      kind: 'token',
      userId: user.id,
      row: { ...row },
      caller: {
        kind: 'token',
        actor: { kind: 'token', name: `${user.name}/${row.name}`, via: 'token' },
        user: toUser(user),
        permissions,
        session: null,
      },
    });
  };
  /** Written at most once a minute; a disk that is full must not lock anyone out, so a failure is only told. */
  const touch = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      log('warn', 'last use could not be written', { error });
    }
  };

  return {
    passwords: createPasswords(random),
    logins: createBrake(clock),
    secondFactors: createBrake(clock, 15 * 60_000),
    datasetKeys: createBrake(clock),
    bySession(cookie) {
      if (!/^[A-Za-z0-9_-]{43}$/.test(cookie)) return null;
      const hash = sha256(cookie);
      const entry = known.get(hash) ?? findSession(hash);
      if (entry?.kind !== 'session') return null;
      const now = clock();
      if (now >= entry.row.expiresAt || now - entry.row.lastSeenAt >= IDLE_MS) {
        known.delete(hash);
        touch(() => store.access.removeSession(hash));
        return null;
      }
      if (now - entry.row.lastSeenAt >= TOUCH_MS) {
        entry.row.lastSeenAt = now;
        touch(() => store.access.touchSession(hash, now));
      }
      return entry.caller;
    },
    byToken(token) {
      if (!/^dpt_[A-Za-z0-9_-]{43}$/.test(token)) return null;
      const hash = sha256(token);
      const entry = known.get(hash) ?? findToken(hash);
      if (entry?.kind !== 'token') return null;
      const now = clock();
      if (now >= entry.row.expiresAt) return null;
      if (now - (entry.row.lastUsedAt ?? 0) >= TOUCH_MS) {
        entry.row.lastUsedAt = now;
        touch(() => store.access.touchToken(entry.row.id, now));
      }
      return entry.caller;
    },
    open(userId, address, agent) {
      const cookie = random(32).toString('base64url');
      const now = clock();
      store.access.addSession({
        idHash: sha256(cookie),
        userId,
        csrf: '', // forged requests are refused by origin and header, see http/guard.ts
        createdAt: now,
        lastSeenAt: now,
        expiresAt: now + ABSOLUTE_MS,
        from: address,
        agent: agent.slice(0, 200),
      });
      return cookie;
    },
    close(idHash) {
      store.access.removeSession(idHash);
      known.delete(idHash);
    },
    closeAllOf(userId, exceptHash) {
      store.access.removeSessionsOf(userId, exceptHash);
      forget((e) => e.userId === userId);
    },
    changed(userId) {
      forget((e) => e.userId === userId);
    },
    addToken(row) {
      const token = `dpt_${random(32).toString('base64url')}`;
      const id = random(9).toString('hex'); // it is typed: one that begins with - would be an option
      store.access.addToken({ ...row, id, hash: sha256(token), lastUsedAt: null });
      return { id, token };
    },
    removeToken(id) {
      const gone = store.access.removeToken(id);
      forget((e) => e.kind === 'token' && e.row.id === id);
      return gone;
    },
    keepAnAdmin(userId) {
      if (!store.access.users().some((u) => u.id !== userId && u.role === 'admin' && !u.disabled))
        throw refusal(
          'conflict',
          'This is refused',
          'it would leave nobody who can administer the box',
          'Make somebody else an admin first.',
        );
    },
  };
};
