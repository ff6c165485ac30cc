/** Users, sessions and tokens. Secrets are here as hashes; whether a row is still good (expiry, disabled) is decided by who asks. */
import type { Connection, Row, Value } from './connection.ts';
import type { Access, SessionRow, TokenRow, UserRow } from './types.ts';

/** Rows are written by this module alone, from the same types. `p` is the prefix of joined columns. */
const toUser = (row: Row, p = ''): UserRow => ({
  id: row[`${p}id`] as number,
  name: row[`${p}name`] as string,
  role: row[`${p}role`] as UserRow['role'],
  password: row[`${p}password`] as string,
  totpSecret: row[`${p}totp_secret`] as string | null,
  totpLastStep: row[`${p}totp_last_step`] as number,
  recoveryCodes: JSON.parse(row[`${p}recovery_codes`] as string) as string[],
  disabled: row[`${p}disabled`] === 1,
  createdAt: row[`${p}created_at`] as number,
  lastLoginAt: row[`${p}last_login_at`] as number | null,
});
const toSession = (row: Row): SessionRow => ({
  idHash: row.id_hash as string,
  userId: row.user_id as number,
  csrf: row.csrf as string,
  createdAt: row.created_at as number,
  lastSeenAt: row.last_seen_at as number,
  expiresAt: row.expires_at as number,
  from: row.origin as string,
  agent: row.agent as string,
});
const toToken = (row: Row): TokenRow => ({
  id: row.id as string,
  hash: row.hash as string,
  name: row.name as string,
  userId: row.user_id as number,
  scopes: JSON.parse(row.scopes as string) as TokenRow['scopes'],
  createdAt: row.created_at as number,
  expiresAt: row.expires_at as number,
  lastUsedAt: row.last_used_at as number | null,
});

const USER_COLUMNS = [
  'id',
  'name',
  'role',
  'password',
  'totp_secret',
  'totp_last_step',
  'recovery_codes',
  'disabled',
  'created_at',
  'last_login_at',
];
const JOINED = USER_COLUMNS.map((c) => `u.${c} AS u_${c}`).join(', ');

const CHANGES: { [K in keyof Omit<UserRow, 'id' | 'name'>]: { column: string; write: (value: UserRow[K]) => Value } } = {
  role: { column: 'role', write: (v) => v },
  password: { column: 'password', write: (v) => v },
  totpSecret: { column: 'totp_secret', write: (v) => v },
  totpLastStep: { column: 'totp_last_step', write: (v) => v },
  recoveryCodes: { column: 'recovery_codes', write: (v) => JSON.stringify(v) },
  disabled: { column: 'disabled', write: (v) => (v ? 1 : 0) },
  createdAt: { column: 'created_at', write: (v) => v },
  lastLoginAt: { column: 'last_login_at', write: (v) => v },
};
type Changeable = keyof typeof CHANGES;

export const makeAccess = (db: Connection): Access => {
  const write = (text: string, ...values: Value[]): number => db.write(() => db.sql(text).run(...values).changes);
  const change = <K extends Changeable>(id: number, key: K, value: UserRow[K]): void => {
    write(`UPDATE users SET ${CHANGES[key].column} = ? WHERE id = ?`, CHANGES[key].write(value), id);
  };
  const user = (row: Row | undefined): UserRow | null => (row === undefined ? null : toUser(row));
  return {
    users: () =>
      db
        .sql('SELECT * FROM users ORDER BY name')
        .all()
        .map((row) => toUser(row)),
    user: (id) => user(db.sql('SELECT * FROM users WHERE id = ?').get(id)),
    userByName: (name) => user(db.sql('SELECT * FROM users WHERE name = ?').get(name)),
    addUser: (u) =>
      db.write(() => {
        const { lastInsertRowid } = db
          .sql(`INSERT INTO users (${USER_COLUMNS.slice(1).join(', ')}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
          .run(
            u.name,
            u.role,
            u.password,
            u.totpSecret,
            u.totpLastStep,
            JSON.stringify(u.recoveryCodes),
            u.disabled ? 1 : 0,
            u.createdAt,
            u.lastLoginAt,
          );
        return { ...u, id: Number(lastInsertRowid) };
      }),
    updateUser: (id, changes) =>
      db.write(() => {
        for (const key of Object.keys(CHANGES) as Changeable[]) {
          const value = changes[key];
          if (value !== undefined) change(id, key, value);
        }
      }),
    removeUser: (id) => {
      write('DELETE FROM users WHERE id = ?', id);
    },
    addSession: (s) => {
      write(
        'INSERT INTO sessions (id_hash, user_id, csrf, created_at, last_seen_at, expires_at, origin, agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        s.idHash,
        s.userId,
        s.csrf,
        s.createdAt,
        s.lastSeenAt,
        s.expiresAt,
        s.from,
        s.agent,
      );
    },
    session: (idHash) => {
      const row = db.sql(`SELECT s.*, ${JOINED} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id_hash = ?`).get(idHash);
      return row === undefined ? null : { session: toSession(row), user: toUser(row, 'u_') };
    },
    touchSession: (idHash, lastSeenAt) => {
      write('UPDATE sessions SET last_seen_at = ? WHERE id_hash = ?', lastSeenAt, idHash);
    },
    sessions: () => db.sql('SELECT * FROM sessions ORDER BY created_at DESC').all().map(toSession),
    removeSession: (idHash) => {
      write('DELETE FROM sessions WHERE id_hash = ?', idHash);
    },
    removeSessionsOf: (userId, exceptHash) =>
      write('DELETE FROM sessions WHERE user_id = ? AND id_hash IS NOT ?', userId, exceptHash ?? null),
    addToken: (t) => {
      write(
        'INSERT INTO tokens (id, hash, name, user_id, scopes, created_at, expires_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        t.id,
        t.hash,
        t.name,
        t.userId,
        JSON.stringify(t.scopes),
        t.createdAt,
        t.expiresAt,
        t.lastUsedAt,
      );
    },
    tokenByHash: (hash) => {
      const row = db.sql(`SELECT t.*, ${JOINED} FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.hash = ?`).get(hash);
      return row === undefined ? null : { token: toToken(row), user: toUser(row, 'u_') };
    },
    touchToken: (id, at) => {
      write('UPDATE tokens SET last_used_at = ? WHERE id = ?', at, id);
    },
    tokens: () => db.sql('SELECT * FROM tokens ORDER BY created_at DESC').all().map(toToken),
    removeToken: (id) => write('DELETE FROM tokens WHERE id = ?', id) === 1,
    prune: (now) =>
      db.write(() => write('DELETE FROM sessions WHERE expires_at <= ?', now) + write('DELETE FROM tokens WHERE expires_at <= ?', now)),
  };
};
