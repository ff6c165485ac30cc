/** Disks by their identity (model and serial): what was read last, and a past that stays small. At most one row an hour, and none while nothing changes. */
import { type Field, FIELDS, HOUR, KEPT, type Reading } from '../domain/disk/readings.ts';
import type { Connection, Row } from './connection.ts';
import type { DiskHealthStore, DiskRecord } from './types.ts';

/** Rows are written by this module alone. */
const toReading = (row: Row): Reading => ({ at: row.at as number, value: row.value as number });

export const makeDiskHealth = (db: Connection): DiskHealthStore => ({
  get: (disk) => {
    const row = db.sql('SELECT record FROM disk_health WHERE disk = ?').get(disk);
    return row === undefined ? null : (JSON.parse(row.record as string) as DiskRecord); // written by put alone
  },
  put: (disk, record) =>
    db.write(() => {
      db.sql(
        'INSERT INTO disk_health (disk, record) VALUES (?, ?) ON CONFLICT DO UPDATE SET record = excluded.record WHERE record <> excluded.record',
      ).run(disk, JSON.stringify(record));
    }),
  record: (disk, readings, at) =>
    db.write(() => {
      const hour = at - (at % HOUR);
      for (const field of FIELDS) {
        const value = readings[field];
        if (value === undefined) continue;
        const last = db
          .sql('SELECT value FROM disk_readings WHERE disk = ? AND field = ? AND at <= ? ORDER BY at DESC LIMIT 1')
          .get(disk, field, hour);
        if (last?.value === value) continue;
        // the first is what it was before: what comes within its hour is news already
        const slot = last === undefined ? hour - HOUR : hour;
        db.sql(
          'INSERT INTO disk_readings (disk, field, at, value) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
        ).run(disk, field, slot, value);
      }
    }),
  since: (disk, field, from) =>
    db
      .sql(
        `SELECT at, value FROM disk_readings WHERE disk = ? AND field = ?
         AND at >= coalesce((SELECT max(at) FROM disk_readings WHERE disk = ? AND field = ? AND at <= ?), 0) ORDER BY at`,
      )
      .all(disk, field, disk, field, from)
      .map(toReading),
  prune: (now) =>
    db.write(() =>
      FIELDS.reduce(
        (n, field: Field) =>
          n +
          db
            .sql(
              // the newest stays: what it says holds still
              `DELETE FROM disk_readings AS old WHERE field = ? AND at < ?
               AND at < (SELECT max(at) FROM disk_readings WHERE disk = old.disk AND field = old.field)`,
            )
            .run(field, now - KEPT[field]).changes,
        0,
      ),
    ),
});
