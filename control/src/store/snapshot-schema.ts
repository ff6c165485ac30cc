/**
 * The snapshot index is a file of its own beside the database: it holds only what ZFS says, so it is thrown away and filled
 * again instead of migrated, stays out of the backups, and need not be fsynced at every commit.
 */
import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { createPrivate, isDamage } from './connection.ts';

/** Grows with every change of SCHEMA. */
const VERSION = 3;

const SCHEMA = `
CREATE TABLE meta (version INTEGER NOT NULL) STRICT;
CREATE TABLE dataset (
  id INTEGER PRIMARY KEY, pool TEXT NOT NULL, name TEXT NOT NULL UNIQUE,
  n INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, n INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  guid TEXT NOT NULL,
  dataset_id INTEGER NOT NULL,
  tag_id INTEGER NOT NULL,
  dataset TEXT NOT NULL,
  tag TEXT NOT NULL,
  create_txg INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  used INTEGER NOT NULL,
  referenced INTEGER NOT NULL,
  holds INTEGER NOT NULL,
  mark TEXT
) STRICT;
-- A received snapshot has the guid of the one that was sent: it is one snapshot of each of the datasets.
CREATE UNIQUE INDEX by_dataset ON snapshot (dataset_id, guid);
-- Each order has an index that holds what can be filtered by: a page skips to its offset without touching a row.
CREATE INDEX by_name ON snapshot (dataset, tag, dataset_id, tag_id, holds);
-- a second holds many: which came first, the transaction says
CREATE INDEX by_created ON snapshot (created_at, create_txg, dataset_id, tag_id, holds);
CREATE INDEX by_used ON snapshot (used, dataset_id, tag_id, holds);
CREATE INDEX by_referenced ON snapshot (referenced, dataset_id, tag_id, holds);
CREATE INDEX by_mark ON snapshot (mark, create_txg) WHERE mark IS NOT NULL;

CREATE TRIGGER snapshot_add AFTER INSERT ON snapshot BEGIN
  UPDATE dataset SET n = n + 1, held = held + (new.holds > 0) WHERE id = new.dataset_id;
  UPDATE tag SET n = n + 1 WHERE id = new.tag_id;
END;
CREATE TRIGGER snapshot_drop AFTER DELETE ON snapshot BEGIN
  UPDATE dataset SET n = n - 1, held = held - (old.holds > 0) WHERE id = old.dataset_id;
  UPDATE tag SET n = n - 1 WHERE id = old.tag_id;
END;
CREATE TRIGGER snapshot_hold AFTER UPDATE OF holds ON snapshot WHEN (old.holds > 0) <> (new.holds > 0) BEGIN
  UPDATE dataset SET held = held + (new.holds > 0) - (old.holds > 0) WHERE id = new.dataset_id;
END;
CREATE TRIGGER snapshot_retag AFTER UPDATE OF tag_id ON snapshot WHEN old.tag_id <> new.tag_id BEGIN
  UPDATE tag SET n = n - 1 WHERE id = old.tag_id;
  UPDATE tag SET n = n + 1 WHERE id = new.tag_id;
END;

-- Names are searched by any piece of them. Thousands of snapshots share a tag or a dataset, so those are what is indexed.
CREATE VIRTUAL TABLE dataset_fts USING fts5 (name, content = 'dataset', content_rowid = 'id', tokenize = 'trigram');
CREATE TRIGGER dataset_fts_add AFTER INSERT ON dataset BEGIN INSERT INTO dataset_fts (rowid, name) VALUES (new.id, new.name); END;
CREATE TRIGGER dataset_fts_drop AFTER DELETE ON dataset BEGIN
  INSERT INTO dataset_fts (dataset_fts, rowid, name) VALUES ('delete', old.id, old.name);
END;
CREATE VIRTUAL TABLE tag_fts USING fts5 (name, content = 'tag', content_rowid = 'id', tokenize = 'trigram');
CREATE TRIGGER tag_fts_add AFTER INSERT ON tag BEGIN INSERT INTO tag_fts (rowid, name) VALUES (new.id, new.name); END;
CREATE TRIGGER tag_fts_drop AFTER DELETE ON tag BEGIN INSERT INTO tag_fts (tag_fts, rowid, name) VALUES ('delete', old.id, old.name); END;
`;

export const removeIndex = (path: string): void => {
  for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
};

const open = (path: string): Database.Database => {
  createPrivate(path);
  const raw = new Database(path, { timeout: 5000 });
  raw.pragma('journal_mode = WAL');
  // What a power cut takes is read from ZFS again; what is there is whole.
  raw.pragma('synchronous = NORMAL');
  raw.pragma('journal_size_limit = 8388608');
  return raw;
};

export type IndexConnections = { reader: Database.Database; writer: Database.Database };

/** `version` begins at `now`, so that answers cached under an earlier file's version are not taken for new ones. */
const openCurrent = (path: string, now: number): Database.Database => {
  let raw: Database.Database | null = null;
  try {
    raw = open(path);
    if (raw.pragma('user_version', { simple: true }) === VERSION) return raw;
  } catch (error) {
    // What ZFS says is still there, so nothing is lost with it.
    if (!isDamage(error)) throw error;
  }
  raw?.close();
  removeIndex(path);
  const made = open(path);
  made.transaction(() => {
    made.exec(SCHEMA);
    made.prepare('INSERT INTO meta (version) VALUES (?)').run(now);
    made.pragma(`user_version = ${VERSION}`);
  })();
  return made;
};

export const openIndex = (path: string, now: number): IndexConnections => {
  const writer = openCurrent(path, now);
  const reader = open(path);
  reader.pragma('query_only = ON');
  // The order indexes of 100,000 snapshots fit; with fewer snapshots it never grows that far.
  reader.pragma('cache_size = -8192');
  return { reader, writer };
};
