/** What the tables promise each other, beyond what SQLite holds by itself. Sentences; none when all is well. */
import type Database from 'better-sqlite3';

export const quickCheck = (raw: Database.Database, schema: 'main' | 'idx'): string[] =>
  (raw.pragma(`${schema}.quick_check(20)`) as { quick_check: string }[]) // the pragma's one column
    .map((row) => row.quick_check)
    .filter((line) => line !== 'ok');

const PROMISES: readonly { sql: string; broken: string }[] = [
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
  {
    sql: 'SELECT 1 FROM idx.snapshot s LEFT JOIN idx.dataset d ON d.id = s.dataset_id WHERE d.id IS NULL LIMIT 1',
    broken: 'a snapshot is in a dataset that the index does not know',
  },
  {
    sql: 'SELECT 1 WHERE (SELECT count(*) FROM idx.snapshot) <> (SELECT coalesce(sum(n), 0) FROM idx.dataset)',
    broken: 'the snapshot counts of the datasets do not fit',
  },
];

export const brokenPromises = (raw: Database.Database): string[] =>
  PROMISES.filter((p) => raw.prepare(p.sql).get() !== undefined).map((p) => p.broken);
