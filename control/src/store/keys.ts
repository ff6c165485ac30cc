/** Of which key files someone said that a copy is kept elsewhere. Never a key. */
import type { Connection, Row } from './connection.ts';
import type { KeyBackups } from './types.ts';

const toBackup = (row: Row): { by: string; at: number } => ({ by: row.by as string, at: row.at as number });
export const makeKeyBackups = (db: Connection): KeyBackups => ({
  get: (id) => {
    const row = db.sql('SELECT by, at FROM key_backups WHERE id = ?').get(id);
    return row === undefined ? null : toBackup(row);
  },
  put: (id, by, at) => void db.write(() => db.sql('INSERT OR REPLACE INTO key_backups (id, by, at) VALUES (?, ?, ?)').run(id, by, at)),
});
