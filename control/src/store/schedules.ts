/** Snapshot schedules: what was asked for, up to which moment each was served, what it is doing, and how its last run ended. */
import type { SnapshotSchedule } from '../domain/schedule/schedule.ts';
import type { Connection, Row } from './connection.ts';
import type { ScheduleBegun, ScheduleRow, ScheduleRun, Schedules } from './types.ts';

/** Rows are written by this module alone, from the same types. */
const json = <T>(text: unknown): T | null => (text === null ? null : (JSON.parse(text as string) as T));
const toRow = (row: Row): ScheduleRow => ({
  schedule: JSON.parse(row.spec as string) as SnapshotSchedule,
  handledAt: row.handled_at as number,
  begun: json<ScheduleBegun>(row.begun ?? null),
  last: json<ScheduleRun>(row.last ?? null),
});

export const makeSchedules = (db: Connection): Schedules => ({
  list: () => db.sql('SELECT * FROM schedules ORDER BY name').all().map(toRow),
  get: (name) => {
    const row = db.sql('SELECT * FROM schedules WHERE name = ?').get(name);
    return row === undefined ? null : toRow(row);
  },
  put: (schedule, now) => {
    db.write(() => {
      const before = db.sql('SELECT spec FROM schedules WHERE name = ?').get(schedule.name);
      const old = before === undefined ? null : (JSON.parse(before.spec as string) as SnapshotSchedule);
      // with other times nothing of the past was missed
      const same = old?.cron === schedule.cron && old.timezone === schedule.timezone && old.enabled && old.dataset === schedule.dataset;
      db.sql(
        `INSERT INTO schedules (name, spec, handled_at) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET spec = excluded.spec, handled_at = CASE WHEN ? THEN handled_at ELSE excluded.handled_at END`,
      ).run(schedule.name, JSON.stringify(schedule), now, same ? 1 : 0);
    });
  },
  remove: (name) => db.write(() => db.sql('DELETE FROM schedules WHERE name = ?').run(name).changes === 1),
  begin: (name, begun) => void db.write(() => db.sql('UPDATE schedules SET begun = ? WHERE name = ?').run(JSON.stringify(begun), name)),
  note: (name, run) => void db.write(() => db.sql('UPDATE schedules SET last = ? WHERE name = ?').run(JSON.stringify(run), name)),
  end: (name, run, handledAt) =>
    void db.write(() =>
      db
        .sql('UPDATE schedules SET begun = NULL, last = ?, handled_at = max(handled_at, ?) WHERE name = ?')
        .run(JSON.stringify(run), handledAt, name),
    ),
});
