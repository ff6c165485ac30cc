/** Alerts: at most one open per kind and subject (a unique index says so). */
import type { Alert } from '../domain/alert/alert.ts';
import type { Connection, Row } from './connection.ts';
import type { Alerts } from './types.ts';

/** Rows are written by this module alone, from the same type. */
const toAlert = (row: Row): Alert => ({
  kind: row.kind as Alert['kind'],
  subject: row.subject as string,
  severity: row.severity as Alert['severity'],
  message: row.message as string,
  openedAt: row.opened_at as number,
  updatedAt: row.updated_at as number,
  resolvedAt: row.resolved_at as number | null,
});

export const makeAlerts = (db: Connection): Alerts => ({
  raise: (alert, now) =>
    db.write(() => {
      const open = db
        .sql('SELECT id, severity, message FROM alerts WHERE kind = ? AND subject = ? AND resolved_at IS NULL')
        .get(alert.kind, alert.subject);
      if (open === undefined) {
        db.sql('INSERT INTO alerts (kind, subject, severity, message, opened_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)').run(
          alert.kind,
          alert.subject,
          alert.severity,
          alert.message,
          now,
          now,
        );
        return true;
      }
      // A condition that is looked at every minute and says the same costs no write.
      if (open.severity !== alert.severity || open.message !== alert.message)
        db.sql('UPDATE alerts SET severity = ?, message = ?, updated_at = ? WHERE id = ?').run(
          alert.severity,
          alert.message,
          now,
          open.id ?? 0,
        );
      return false;
    }),
  resolve: (kind, subject, now) =>
    db.write(
      () =>
        db
          .sql('UPDATE alerts SET resolved_at = ?, updated_at = ? WHERE kind = ? AND subject = ? AND resolved_at IS NULL')
          .run(now, now, kind, subject).changes === 1,
    ),
  open: () => db.sql('SELECT * FROM alerts WHERE resolved_at IS NULL ORDER BY id DESC').all().map(toAlert),
  page: (limit) => db.sql('SELECT * FROM alerts ORDER BY id DESC LIMIT ?').all(limit).map(toAlert),
});
