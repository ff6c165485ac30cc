/** How full pools were, by guid. Each sample is written into all its series at once, so nothing has to be summed up later. */
import { HISTORY_STEPS, type SpacePoint } from '../domain/pool/history.ts';
import type { Connection, Row } from './connection.ts';
import type { PoolSpace } from './types.ts';

/** Rows are written by this module alone. */
const toPoint = (row: Row): SpacePoint => ({ at: row.at as number, size: row.size as number, allocated: row.allocated as number });

export const makePoolSpace = (db: Connection): PoolSpace => ({
  record: (samples) => {
    db.write(() => {
      for (const { pool, at, size, allocated } of samples)
        for (const { ms } of HISTORY_STEPS)
          db.sql(
            `INSERT INTO pool_space (pool, step, slot, at, size, allocated) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET at = excluded.at, size = excluded.size, allocated = excluded.allocated WHERE excluded.at >= at`,
          ).run(pool, ms, Math.floor(at / ms), at, size, allocated);
    });
  },
  since: (pool, step, from) =>
    db
      .sql('SELECT at, size, allocated FROM pool_space WHERE pool = ? AND step = ? AND slot >= ? AND at >= ? ORDER BY slot')
      .all(pool, step, Math.floor(from / step), from)
      .map(toPoint),
  prune: (now) =>
    db.write(() =>
      HISTORY_STEPS.reduce(
        (n, { ms, keptMs }) =>
          n + db.sql('DELETE FROM pool_space WHERE step = ? AND slot < ?').run(ms, Math.floor((now - keptMs) / ms)).changes,
        0,
      ),
    ),
});
