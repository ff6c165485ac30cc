/** What the tables promise each other, beyond what SQLite holds by itself. Sentences; none when all is well. */
import type Database from 'better-sqlite3';

export const quickCheck = (raw: Database.Database): string[] =>
  (raw.pragma('quick_check(20)') as { quick_check: string }[]) // the pragma's one column
    .map((row) => row.quick_check)
    .filter((line) => line !== 'ok');

type Promised = { sql: string; broken: string };
const PROMISES: readonly Promised[] = [
  { sql: 'SELECT 1 FROM pragma_foreign_key_check LIMIT 1', broken: 'a row refers to one that is not there' },
  {
    sql: "SELECT 1 FROM events WHERE seq > (SELECT seq FROM sqlite_sequence WHERE name = 'events') LIMIT 1",
    broken: 'an event has a number that was not given out yet',
  },
  {
    sql: 'SELECT 1 WHERE (SELECT count(*) FROM events) <> (SELECT count(*) FROM events_fts_docsize)',
    broken: 'the search index of the events does not fit them',
  },
  {
    sql: 'SELECT 1 WHERE (SELECT count(*) FROM audit) <> (SELECT count(*) FROM audit_fts_docsize)',
    broken: 'the search index of the audit log does not fit it',
  },
  {
    sql: 'SELECT 1 WHERE (SELECT count(*) FROM audit) <> (SELECT coalesce(max(seq), 0) FROM audit)',
    broken: 'the numbers of the audit log have gaps',
  },
  {
    sql: "SELECT 1 FROM runs WHERE (state = 'running') <> (ended_at IS NULL) LIMIT 1",
    broken: 'a run has ended without a time, or has a time and has not ended',
  },
];
const INDEX_PROMISES: readonly Promised[] = [
  {
    sql: 'SELECT 1 FROM snapshot s LEFT JOIN dataset d ON d.id = s.dataset_id WHERE d.id IS NULL LIMIT 1',
    broken: 'a snapshot is in a dataset that the index does not know',
  },
  {
    sql: 'SELECT 1 WHERE (SELECT count(*) FROM snapshot) <> (SELECT coalesce(sum(n), 0) FROM dataset)',
    broken: 'the snapshot counts of the datasets do not fit',
  },
];

const broken = (raw: Database.Database, promises: readonly Promised[]): string[] =>
  promises.filter((p) => raw.prepare(p.sql).get() !== undefined).map((p) => p.broken);

export const checkMain = (raw: Database.Database): string[] => [...quickCheck(raw), ...broken(raw, PROMISES)];
export const checkIndex = (raw: Database.Database): string[] =>
  [...quickCheck(raw), ...broken(raw, INDEX_PROMISES)].map((line) => `snapshot index: ${line}`);
