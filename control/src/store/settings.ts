/** Small values that belong to nobody else. */
import type { Connection } from './connection.ts';
import type { Settings } from './types.ts';

export const makeSettings = (db: Connection): Settings => ({
  // Written by `set` alone: a text.
  get: (key) => (db.sql('SELECT value FROM settings WHERE key = ?').get(key)?.value as string | undefined) ?? null,
  set: (key, value) => {
    db.write(() => db.sql('INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)').run(key, value));
  },
  remove: (key) => {
    db.write(() => db.sql('DELETE FROM settings WHERE key = ?').run(key));
  },
});
