/** Plans as they were made, found by digest. */
import type { Plan } from '../domain/plan/types.ts';
import type { Connection, Row } from './connection.ts';
import type { PlanRecord, Plans } from './types.ts';

/** Rows are written by `put` alone, from the same types. */
const toRecord = (row: Row): PlanRecord => ({
  plan: JSON.parse(row.plan as string) as Plan,
  actor: row.actor as string,
  yaml: row.yaml as string | null,
  source: row.source as string,
  createdAt: row.created_at as number,
  expiresAt: row.expires_at as number,
});

export const makePlans = (db: Connection): Plans => ({
  // The same digest is the same plan made again: it is good for longer then.
  put: (r) =>
    db.write(() => {
      db.sql('INSERT OR REPLACE INTO plans (digest, plan, actor, yaml, source, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)').run(
        r.plan.digest,
        JSON.stringify(r.plan),
        r.actor,
        r.yaml,
        r.source,
        r.createdAt,
        r.expiresAt,
      );
    }),
  get: (digest) => {
    const row = db.sql('SELECT * FROM plans WHERE digest = ?').get(digest);
    return row === undefined ? null : toRecord(row);
  },
  list: (limit) => db.sql('SELECT * FROM plans ORDER BY created_at DESC, rowid DESC LIMIT ?').all(limit).map(toRecord),
  prune: (now) =>
    db.write(() => {
      // What is running, or was when the power went, is still needed to finish or to explain it.
      const gone = db
        .sql("DELETE FROM plans WHERE expires_at <= ? AND digest NOT IN (SELECT plan_digest FROM runs WHERE state = 'running')")
        .run(now).changes;
      db.sql('DELETE FROM approvals WHERE expires_at <= ? AND plan_digest NOT IN (SELECT digest FROM plans)').run(now);
      return gone;
    }),
});
