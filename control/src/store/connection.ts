/**
 * One SQLite connection, its cached statements, and the unit of work: `transact` commits everything or nothing, nested
 * calls are savepoints, and whoever keeps something in memory (events to publish, the audit head) takes part in it.
 */
import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';

/** Keeps memory in step with the database: `mark` before, `back` to the mark when it failed, `committed` after the outermost commit. */
export type Participant = { mark(): () => void; committed(): void };

export type Row = Record<string, string | number | null>;
/** What can be bound. Booleans can't: SQLite has none, so each place says how it writes one. */
export type Value = string | number | null;

export type Connection = {
  readonly raw: Database.Database;
  /** Prepared once per text. */
  sql(text: string): Database.Statement<Value[], Row>;
  transact<T>(work: () => T): T;
  /** Joins the open transaction, or makes one. */
  write<T>(work: () => T): T;
  join(participant: Participant): void;
};

/** SQLite's word for a file that is not what it should be; anything else (no access, no space) is another matter. */
export const isDamage = (error: unknown): error is Error =>
  error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);

/** Only its owner may read it: it holds password hashes. The -wal and -shm files take their mode from it. */
export const createPrivate = (path: string): void => closeSync(openSync(path, 'a', 0o600));

/** Small caches on purpose: the operating system caches the file anyway, and idle memory is a figure. */
const PRAGMAS = [
  'journal_mode = WAL',
  'synchronous = FULL',
  'foreign_keys = ON',
  'cache_size = -2048',
  'temp_store = FILE',
  'journal_size_limit = 8388608',
  'trusted_schema = OFF',
];

export const openDatabase = (path: string): Database.Database => {
  createPrivate(path);
  const raw = new Database(path, { timeout: 5000 });
  try {
    for (const pragma of PRAGMAS) raw.pragma(pragma);
    return raw;
  } catch (error) {
    raw.close();
    throw error;
  }
};

export const connect = (raw: Database.Database): Connection => {
  const statements = new Map<string, Database.Statement<Value[], Row>>();
  const sql = (text: string): Database.Statement<Value[], Row> => {
    let statement = statements.get(text);
    if (statement === undefined) {
      statement = raw.prepare<Value[], Row>(text);
      statements.set(text, statement);
    }
    return statement;
  };
  const participants: Participant[] = [];
  let depth = 0;

  const level = <T>(work: () => T): T => {
    const outermost = depth === 0;
    const marks = participants.map((p) => p.mark());
    sql(outermost ? 'BEGIN IMMEDIATE' : `SAVEPOINT level_${depth}`).run();
    depth += 1;
    let result: T;
    try {
      result = work();
      if (result instanceof Promise) throw new TypeError('a transaction is synchronous: its work may not return a promise');
      sql(outermost ? 'COMMIT' : `RELEASE level_${depth - 1}`).run();
      depth -= 1;
    } catch (error) {
      depth -= 1;
      // SQLite itself has rolled back after errors such as a full disk; then there is nothing left to undo.
      if (raw.inTransaction) {
        if (!outermost) sql(`ROLLBACK TO level_${depth}`).run();
        sql(outermost ? 'ROLLBACK' : `RELEASE level_${depth}`).run();
      }
      for (const back of marks) back();
      throw error;
    }
    if (outermost) for (const p of participants) p.committed();
    return result;
  };

  return {
    raw,
    sql,
    transact: level,
    write: (work) => (depth > 0 ? work() : level(work)),
    join: (participant) => {
      participants.push(participant);
    },
  };
};
