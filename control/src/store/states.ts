/** Declared states as they were saved, applied and captured, and the guids that declared names had. */
import type { Connection, Row } from './connection.ts';
import type { StateRecord, States } from './types.ts';

/** Rows are written by `put` alone, from the same type. */
const toRecord = (row: Row): StateRecord => ({
  id: row.id as number,
  yaml: row.yaml as string,
  digest: row.digest as string,
  at: row.at as number,
  actor: row.actor as string,
  kind: row.kind as StateRecord['kind'],
});

export const makeStates = (db: Connection): States => {
  const one = (row: Row | undefined): StateRecord | null => (row === undefined ? null : toRecord(row));
  return {
    put: (r) =>
      db.write(() => {
        const { lastInsertRowid } = db
          .sql('INSERT INTO states (yaml, digest, at, actor, kind) VALUES (?, ?, ?, ?, ?)')
          .run(r.yaml, r.digest, r.at, r.actor, r.kind);
        return { ...r, id: Number(lastInsertRowid) };
      }),
    latest: (kind) =>
      one(
        kind === undefined
          ? db.sql('SELECT * FROM states ORDER BY id DESC LIMIT 1').get()
          : db.sql('SELECT * FROM states WHERE kind = ? ORDER BY id DESC LIMIT 1').get(kind),
      ),
    get: (id) => one(db.sql('SELECT * FROM states WHERE id = ?').get(id)),
    list: (limit) => db.sql('SELECT * FROM states ORDER BY id DESC LIMIT ?').all(limit).map(toRecord),
    identities: () =>
      new Map(
        db
          .sql('SELECT name, guid FROM identities')
          .all()
          .map((row) => [row.name as string, row.guid as string]),
      ),
    setIdentities: (map) =>
      db.transact(() => {
        db.sql('DELETE FROM identities').run();
        for (const [name, guid] of map) db.sql('INSERT INTO identities (name, guid) VALUES (?, ?)').run(name, guid);
      }),
  };
};
