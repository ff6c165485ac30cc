/** The audit chain: append-only, each entry's HMAC covers the one before it, the head is sealed outside the database. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditEntry, AuditVerdict } from '../domain/audit/audit.ts';
import { canonical } from '../domain/canonical.ts';
import { chainHmac, FIELDS, FRAME_SQL, ZERO } from './audit-frame.ts';
import { makeSeal, type SealedHead } from './audit-seal.ts';
import type { Connection, Row } from './connection.ts';
import { wordQuery } from './search.ts';
import type { Audit, Clock } from './types.ts';

/** Entries verified before the event loop has its turn: a few milliseconds. */
const BATCH = 500;

/** Rows are written by `append` alone, from the same type. */
const toEntry = (row: Row): AuditEntry => ({
  seq: row.seq as number,
  at: row.at as number,
  actor: { kind: row.actor_kind as AuditEntry['actor']['kind'], name: row.actor_name as string, via: row.actor_via as string },
  action: row.action as string,
  subject: row.subject as string,
  outcome: row.outcome as AuditEntry['outcome'],
  reason: row.reason as string,
  detail: JSON.parse(row.detail as string) as AuditEntry['detail'],
  hmac: row.hmac as string,
});

export type AuditOptions = { key: Buffer; sealPath: string | null; clock: Clock; onSeal?: ((head: SealedHead) => void) | undefined };
export type SealedAudit = Audit & {
  /** What is wrong with the seal or with how it fits; null when nothing is. Cheap: compares ends, reads no entries. */
  sealProblem(): { brokenAt: number | null; problem: string } | null;
  close(): void;
};

const APPEND = `INSERT INTO audit (${FIELDS.join(', ')}, hmac) VALUES (${FIELDS.map(() => '?').join(', ')}, ?)`;
/** A bound number is a REAL, and would be framed as 1.0; the columns hold 1. */
const INTEGERS: ReadonlySet<string> = new Set(['seq', 'at']);
const FRAME = `SELECT ${FRAME_SQL} AS frame FROM (SELECT ${FIELDS.map((f) => `${INTEGERS.has(f) ? 'CAST(? AS INTEGER)' : '?'} AS ${f}`).join(', ')})`;

export const makeAudit = (db: Connection, options: AuditOptions): SealedAudit => {
  const next = chainHmac(options.key);
  const seal = options.sealPath === null ? null : makeSeal(options.sealPath, options.key);
  const ends = (): { first: number; last: number } => {
    const row = db
      .sql('SELECT coalesce((SELECT min(seq) FROM audit), 1) AS first, coalesce((SELECT max(seq) FROM audit), 0) AS last')
      .get();
    return { first: Number(row?.first), last: Number(row?.last) };
  };
  const hmacAt = (seq: number): string | null => {
    if (seq === 0) return ZERO;
    const row = db.sql('SELECT hmac FROM audit WHERE seq = ?').get(seq);
    return row === undefined ? null : String(row.hmac);
  };

  // The one writer remembers the end of its chain: an entry that disappears while it runs leaves a gap, not a shorter chain.
  const start = ends().last;
  let head: SealedHead = { count: start, seq: start, hmac: hmacAt(start) ?? ZERO };
  let sealed = head;

  const sealProblem = (): { brokenAt: number | null; problem: string } | null => {
    if (seal === null) return null;
    const found = seal.read();
    if (found === 'none') return { brokenAt: null, problem: 'the seal outside the database is missing' };
    if (found === 'damaged') return { brokenAt: null, problem: 'the seal outside the database is damaged or was not made with this key' };
    const { last } = ends();
    if (last < found.seq)
      return { brokenAt: last + 1, problem: `entries ${last + 1} to ${found.seq} are missing from the end: ${found.seq} were sealed` };
    if (hmacAt(found.seq) !== found.hmac) return { brokenAt: found.seq, problem: `entry ${found.seq} is not the one that was sealed` };
    return null;
  };

  // A seal that does not fit is evidence: it is left as it is, and every verification says so, until a person has decided.
  const fresh = seal !== null && start === 0 && seal.read() === 'none';
  if (fresh) seal.create(head);
  const sealing = seal !== null && sealProblem() === null;
  if (sealing && seal !== null) seal.write(head);

  db.join({
    mark: () => {
      const before = head;
      return () => {
        head = before;
      };
    },
    committed: () => {
      if (head === sealed) return;
      sealed = head;
      if (sealing && seal !== null) {
        try {
          seal.write(head);
        } catch (error) {
          // The entries are committed: this is no reason to tell the caller that they are not. `verify` compares with memory.
          process.emitWarning(error instanceof Error ? error : String(error));
        }
      }
      options.onSeal?.(head);
    },
  });

  const verdict = (entries: number, brokenAt: number | null, problem: string | null): AuditVerdict => ({
    intact: problem === null,
    entries,
    brokenAt,
    problem,
  });

  return {
    append: (entry) =>
      db.write(() => {
        const seq = head.seq + 1;
        const at = Math.round(options.clock());
        const { actor, action, subject, outcome, reason } = entry;
        const detail = canonical(entry.detail).toWellFormed();
        const values = [seq, at, actor.kind, actor.name, actor.via, action, subject, outcome, reason, detail];
        const hmac = next(head.hmac, String(db.sql(FRAME).get(...values)?.frame));
        db.sql(APPEND).run(...values, hmac);
        head = { count: head.count + 1, seq, hmac };
        return { ...entry, seq, at, hmac };
      }),
    page: (before, limit, text) => {
      const words = wordQuery(text ?? '');
      const from = before ?? Number.MAX_SAFE_INTEGER;
      const rows =
        words === null
          ? db.sql('SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?').all(from, limit)
          : db
              .sql(
                'SELECT * FROM audit WHERE seq IN (SELECT rowid FROM audit_fts WHERE audit_fts MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?) ORDER BY seq DESC',
              )
              .all(words, from, limit);
      return rows.map(toEntry);
    },
    count: () => {
      const { first, last } = ends();
      return last - first + 1;
    },
    verify: async ({ signal, onProgress } = {}) => {
      const read = db.raw
        .prepare<[number, number], [number, string, string]>(
          `SELECT seq, hmac, ${FRAME_SQL} FROM audit WHERE seq >= ? ORDER BY seq LIMIT ?`,
        )
        .raw();
      let done = 0;
      let previous = ZERO;
      if (ends().first < 1) return verdict(0, ends().first, `entry ${ends().first} was added by something else`);
      while (done < head.seq) {
        await nextTurn();
        signal?.throwIfAborted();
        const rows = read.all(done + 1, BATCH);
        for (const [seq, hmac, frame] of rows) {
          if (seq !== done + 1) return verdict(done, done + 1, `entry ${done + 1} is missing`);
          if (next(previous, frame) !== hmac)
            return verdict(done, seq, `entry ${seq} was changed, or was not written by this system, or the one before it is another`);
          previous = hmac;
          done = seq;
        }
        if (rows.length === 0) return verdict(done, done + 1, `entries ${done + 1} to ${head.seq} are missing from the end`);
        onProgress?.(done, Math.max(head.seq, done));
      }
      if (done > head.seq)
        return verdict(head.seq, head.seq + 1, `entry ${head.seq + 1} was not written by this process, which is the only writer`);
      if (previous !== head.hmac) return verdict(done, done, `entry ${done} is not the one that was written last`);
      if (ends().last > head.seq)
        return verdict(done, head.seq + 1, `entry ${head.seq + 1} was not written by this process, which is the only writer`);
      const problem = sealProblem();
      return problem === null ? verdict(done, null, null) : verdict(done, problem.brokenAt, problem.problem);
    },
    sealProblem,
    close: () => seal?.close(),
  };
};
