/** Runs and their steps: the journal that a start after a crash reads. */
import type { Run, Step } from '../domain/job.ts';
import type { Connection, Row } from './connection.ts';
import type { Runs } from './types.ts';

/** Rows are written by this module alone, from the same types. */
const toStep = (row: Row): Step => ({
  actionId: row.action_id as string,
  state: row.state as Step['state'],
  startedAt: row.started_at as number | null,
  endedAt: row.ended_at as number | null,
  problem: row.problem === null ? null : (JSON.parse(row.problem as string) as Step['problem']),
  note: row.note as string | null,
});

export const makeRuns = (db: Connection): Runs => {
  const stepRows = (row: Row): Row[] => db.sql('SELECT * FROM steps WHERE run = ? ORDER BY position').all(row.number as number);
  const toRun = (row: Row, steps: readonly Row[] = stepRows(row)): Run => ({
    id: row.id as string,
    planDigest: row.plan_digest as string,
    actor: row.actor as string,
    state: row.state as Run['state'],
    startedAt: row.started_at as number,
    endedAt: row.ended_at as number | null,
    steps: steps.map(toStep),
    account: row.account as string,
  });
  const one = (changes: number, what: string): void => {
    if (changes !== 1) throw new Error(`no such ${what}`);
  };
  return {
    start: (run, actionIds) =>
      db.transact(() => {
        const { lastInsertRowid } = db
          .sql('INSERT INTO runs (id, plan_digest, actor, state, started_at, ended_at, account) VALUES (?, ?, ?, ?, ?, ?, ?)')
          .run(run.id, run.planDigest, run.actor, run.state, run.startedAt, run.endedAt, run.account);
        for (const [position, id] of actionIds.entries())
          db.sql("INSERT INTO steps (run, position, action_id, state) VALUES (?, ?, ?, 'waiting')").run(
            Number(lastInsertRowid),
            position,
            id,
          );
      }),
    step: (runId, s, operationId) =>
      db.write(() =>
        one(
          db
            .sql(
              `UPDATE steps SET state = ?, started_at = ?, ended_at = ?, problem = ?, note = ?, operation_id = coalesce(?, operation_id)
               WHERE run = (SELECT number FROM runs WHERE id = ?) AND action_id = ?`,
            )
            .run(
              s.state,
              s.startedAt,
              s.endedAt,
              s.problem === null ? null : JSON.stringify(s.problem),
              s.note,
              operationId,
              runId,
              s.actionId,
            ).changes,
          `step ${s.actionId} of run ${runId}`,
        ),
      ),
    finish: (runId, state, endedAt, account) =>
      db.write(() =>
        one(
          db.sql('UPDATE runs SET state = ?, ended_at = ?, account = ? WHERE id = ?').run(state, endedAt, account, runId).changes,
          `run ${runId}`,
        ),
      ),
    get: (id) => {
      const row = db.sql('SELECT * FROM runs WHERE id = ?').get(id);
      return row === undefined ? null : toRun(row);
    },
    list: (limit) =>
      db
        .sql('SELECT * FROM runs ORDER BY number DESC LIMIT ?')
        .all(limit)
        .map((row) => toRun(row)),
    unfinished: () =>
      db
        .sql("SELECT * FROM runs WHERE state = 'running' ORDER BY number")
        .all()
        .map((row) => {
          const steps = stepRows(row);
          const begun = steps.filter((s) => s.operation_id !== null);
          return {
            run: toRun(row, steps),
            operationIds: Object.fromEntries(begun.map((s) => [s.action_id as string, s.operation_id as string])),
          };
        }),
  };
};
