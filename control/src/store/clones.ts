/** Clones that were made for a while: what they are, and until when. */
import type { TemporaryClone } from '../domain/snapshot/clone.ts';
import type { Connection, Row } from './connection.ts';
import type { Clones } from './types.ts';

/** Written by this module alone, from the same type. */
const toClone = (row: Row): TemporaryClone => JSON.parse(row.record as string) as TemporaryClone;
export const makeClones = (db: Connection): Clones => ({
  list: () => db.sql('SELECT record FROM clones ORDER BY name').all().map(toClone),
  get: (name) => {
    const row = db.sql('SELECT record FROM clones WHERE name = ?').get(name);
    return row === undefined ? null : toClone(row);
  },
  put: (clone) =>
    void db.write(() => db.sql('INSERT OR REPLACE INTO clones (name, record) VALUES (?, ?)').run(clone.name, JSON.stringify(clone))),
  remove: (name) => db.write(() => db.sql('DELETE FROM clones WHERE name = ?').run(name).changes === 1),
});
