/** Approvals: good once. `use` is one conditional UPDATE, so two uses cannot both win. */
import type { Approval } from '../domain/operation/operation.ts';
import type { Connection } from './connection.ts';
import type { Approvals } from './types.ts';

export const makeApprovals = (db: Connection): Approvals => ({
  put: (approval) =>
    db.write(() => {
      db.sql('INSERT INTO approvals (id, plan_digest, approval, expires_at) VALUES (?, ?, ?, ?)').run(
        approval.id,
        approval.planDigest,
        JSON.stringify(approval),
        approval.expiresAt,
      );
    }),
  open: (planDigest, now) =>
    db
      .sql('SELECT approval FROM approvals WHERE plan_digest = ? AND used_at IS NULL AND expires_at > ? ORDER BY rowid')
      .all(planDigest, now)
      // Written by `put` alone, from the same type.
      .map((row) => JSON.parse(row.approval as string) as Approval),
  use: (id, now) =>
    db.write(
      () => db.sql('UPDATE approvals SET used_at = ? WHERE id = ? AND used_at IS NULL AND expires_at > ?').run(now, id, now).changes === 1,
    ),
});
