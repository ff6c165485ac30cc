/**
 * The snapshot index: two connections to a file of its own. A pool is replaced in one long transaction that lets the event loop
 * have its turn; readers see what was there before until it is committed, so every answer shows a whole pool.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { poolOf } from '../domain/names.ts';
import type { Snapshot } from '../domain/snapshot/snapshot.ts';
import { connect, type Row } from './connection.ts';
import { type Filter, type Part, named, pageOf, resolve, totalOf } from './snapshot-query.ts';
import type { IndexConnections } from './snapshot-schema.ts';
import type { SnapshotIndex, SnapshotQuery } from './types.ts';

/** Rows between two turns of the event loop. */
const BATCH = 500;

const MAX_TOTALS = 64;

const STAGED = `CREATE TEMP TABLE staged (
  run INTEGER NOT NULL, guid TEXT NOT NULL, dataset TEXT NOT NULL, pool TEXT NOT NULL, tag TEXT NOT NULL,
  create_txg INTEGER NOT NULL, created_at INTEGER NOT NULL, used INTEGER NOT NULL, referenced INTEGER NOT NULL, holds INTEGER NOT NULL, mark TEXT
)`;
const STAGE = 'INSERT INTO temp.staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';
const RANGE = 'FROM temp.staged WHERE rowid > ? AND rowid <= ? AND run = ?';
const ADD_DATASETS = `INSERT OR IGNORE INTO dataset (pool, name) SELECT DISTINCT pool, dataset ${RANGE}`;
const ADD_TAGS = `INSERT OR IGNORE INTO tag (name) SELECT DISTINCT tag ${RANGE}`;
const ADD_SNAPSHOTS = `INSERT INTO snapshot (guid, dataset_id, tag_id, dataset, tag, create_txg, created_at, used, referenced, holds, mark)
  SELECT guid, (SELECT id FROM dataset d WHERE d.name = dataset), (SELECT id FROM tag t WHERE t.name = tag),
    dataset, tag, create_txg, created_at, used, referenced, holds, mark ${RANGE}
  ON CONFLICT (dataset_id, guid) DO UPDATE SET tag_id = excluded.tag_id, tag = excluded.tag, create_txg = excluded.create_txg,
    created_at = excluded.created_at, used = excluded.used, referenced = excluded.referenced, holds = excluded.holds, mark = excluded.mark`;
const IN_POOL = 'SELECT coalesce(sum(n), 0) FROM dataset WHERE pool = ?';
const KNOWN = `SELECT id, tag, create_txg, created_at, used, referenced, holds, mark FROM snapshot
  WHERE guid = ? AND dataset_id = (SELECT id FROM dataset WHERE name = ?)`;

const JSON_ROW = `json_object('guid', guid, 'dataset', dataset, 'tag', tag, 'createTxg', create_txg, 'createdAt', created_at,
  'used', used, 'referenced', referenced, 'holds', holds, 'mark', mark)`;
const ROW = 'guid, dataset, tag, create_txg, created_at, used, referenced, holds, mark';

/** Rows are written by this module alone, from the same type. */
const toSnapshot = (row: Row): Snapshot => ({
  guid: row.guid as string,
  dataset: row.dataset as string,
  tag: row.tag as string,
  createTxg: row.create_txg as number,
  createdAt: row.created_at as number,
  used: row.used as number,
  referenced: row.referenced as number,
  holds: row.holds as number,
  mark: row.mark as string | null,
});
const isSame = (known: Row, s: Snapshot): boolean =>
  known.used === s.used &&
  known.referenced === s.referenced &&
  known.holds === s.holds &&
  known.tag === s.tag &&
  known.create_txg === s.createTxg &&
  known.created_at === s.createdAt &&
  known.mark === s.mark;

const IDLE_CACHE = 'cache_size = -512';
/** While a pool is written: pages in random order are touched again and again. */
const WRITING_CACHE = 'cache_size = -16384';

export const makeSnapshots = ({ reader, writer }: IndexConnections): SnapshotIndex => {
  const read = connect(reader);
  const db = connect(writer);
  writer.exec(STAGED);
  writer.pragma('temp.cache_size = -512');
  writer.pragma(IDLE_CACHE);
  /** A transaction, or a part of the long one when a pool is being written. */
  const atomically = <T>(work: () => T): T => writer.transaction(work)();
  let runs = 0;
  /** One pool at a time is written; listings of others may go on meanwhile. */
  let writing: Promise<unknown> = Promise.resolve();

  const stage = (run: number, s: Snapshot): void => {
    db.sql(STAGE).run(run, s.guid, s.dataset, poolOf(s.dataset), s.tag, s.createTxg, s.createdAt, s.used, s.referenced, s.holds, s.mark);
  };
  const merge = (after: number, upTo: number, run: number): void => {
    for (const text of [ADD_DATASETS, ADD_TAGS, ADD_SNAPSHOTS]) db.sql(text).run(after, upTo, run);
  };
  const unstage = (run: number): void => {
    db.sql('DELETE FROM temp.staged WHERE run = ?').run(run);
  };
  const changed = (): void => {
    db.sql('UPDATE meta SET version = version + 1').run();
  };
  const dropUnused = (limit: number): number =>
    db.sql('DELETE FROM dataset WHERE n = 0 LIMIT ?').run(limit).changes + db.sql('DELETE FROM tag WHERE n = 0 LIMIT ?').run(limit).changes;
  const number = (text: string, ...values: (string | number)[]): number =>
    Number(
      db
        .sql(text)
        .pluck()
        .get(...values) ?? 0,
    );

  /** Takes the rows in and tells what differs; nothing that readers see changes. */
  const list = async (pool: string, run: number, rows: AsyncIterable<Snapshot>, seen: Uint8Array) => {
    let total = 0;
    let added = 0;
    let batch: Snapshot[] = [];
    const take = (): void => {
      const now = batch;
      batch = [];
      total += now.length;
      atomically(() => {
        for (const s of now) {
          const known = db.sql(KNOWN).get(s.guid, s.dataset);
          const id = Number(known?.id ?? 0);
          if (known === undefined) added += 1;
          else seen[id >> 3] = (seen[id >> 3] ?? 0) | (1 << (id & 7));
          if (known === undefined || !isSame(known, s)) stage(run, s);
        }
      });
    };
    for await (const row of rows) {
      if (poolOf(row.dataset) !== pool) throw new Error(`${row.dataset}@${row.tag} was listed as one of pool ${pool}`);
      batch.push(row);
      if (batch.length < BATCH) continue;
      take();
      await nextTurn();
    }
    take();
    return { total, added };
  };

  const apply = async (pool: string, run: number, seen: Uint8Array, last: number): Promise<number> => {
    let removed = 0;
    writer.pragma(WRITING_CACHE);
    writer.exec('BEGIN IMMEDIATE');
    try {
      const end = number('SELECT max(rowid) FROM temp.staged WHERE run = ?', run);
      for (let from = number('SELECT min(rowid) - 1 FROM temp.staged WHERE run = ?', run); from < end; from += BATCH) {
        merge(from, from + BATCH, run);
        await nextTurn();
      }
      const inPool = 'SELECT id FROM snapshot WHERE id > ? AND id <= ? AND dataset_id IN (SELECT id FROM dataset WHERE pool = ?)';
      for (let from = 0; from < last; from += BATCH * 4) {
        const known = db.sql(inPool).all(from, Math.min(from + BATCH * 4, last), pool);
        const gone = known.map((row) => Number(row.id)).filter((id) => ((seen[id >> 3] ?? 0) & (1 << (id & 7))) === 0);
        for (const id of gone) db.sql('DELETE FROM snapshot WHERE id = ?').run(id);
        removed += gone.length;
        await nextTurn();
      }
      while (dropUnused(BATCH) > 0) await nextTurn();
      changed();
      writer.exec('COMMIT');
    } catch (error) {
      if (writer.inTransaction) writer.exec('ROLLBACK');
      throw error;
    } finally {
      writer.pragma(IDLE_CACHE);
    }
    return removed;
  };

  const ask = (part: Part): number =>
    Number(
      read
        .sql(part.text)
        .pluck()
        .get(...part.values) ?? 0,
    );
  const versionNow = (): number => ask({ text: 'SELECT version FROM meta', values: [] });

  /** Paging and sorting ask for the total of the same filter again and again. */
  const totals = new Map<string, number>();
  let totalsOf = 0;
  const look = (query: SnapshotQuery): { filter: Filter; total: number } => {
    const version = versionNow();
    if (version !== totalsOf || totals.size > MAX_TOTALS) totals.clear();
    totalsOf = version;
    const filter = resolve(query, ask);
    if (filter.none) return { filter, total: 0 };
    const key = JSON.stringify([query.dataset, query.recursive, query.text, query.heldOnly]);
    const total = totals.get(key) ?? ask(totalOf(filter));
    totals.set(key, total);
    return { filter, total };
  };
  const namesOf = (dataset: string): { guid: string; tag: string }[] =>
    db
      .sql('SELECT guid, tag FROM snapshot WHERE dataset_id = (SELECT id FROM dataset WHERE name = ?) ORDER BY create_txg, id')
      .all(dataset)
      .map((row) => ({ guid: String(row.guid), tag: String(row.tag) }));
  return {
    replacePool: async (pool, rows) => {
      runs += 1;
      const run = runs;
      // Later ones were added while the listing was made; it says nothing about them.
      const last = number("SELECT seq FROM sqlite_sequence WHERE name = 'snapshot'");
      const seen = new Uint8Array((last >> 3) + 1);
      try {
        const { total, added } = await list(pool, run, rows, seen);
        const staged = number('SELECT count(*) FROM temp.staged WHERE run = ?', run);
        if (staged === 0 && total === number(IN_POOL, pool)) return { added, removed: 0, changed: 0, total };
        const turn = writing.then(async () => apply(pool, run, seen, last));
        writing = turn.catch(() => undefined);
        const removed = await turn;
        return { added, removed, changed: staged - added, total };
      } finally {
        unstage(run);
      }
    },
    upsert: (rows) =>
      atomically(() => {
        runs += 1;
        for (const s of rows) {
          // The name was free when this one was made: whatever had it is gone.
          db.sql('DELETE FROM snapshot WHERE dataset = ? AND tag = ? AND guid <> ?').run(s.dataset, s.tag, s.guid);
          stage(runs, s);
        }
        merge(0, Number.MAX_SAFE_INTEGER, runs);
        unstage(runs);
        changed();
      }),
    remove: (guid, dataset) =>
      atomically(() => {
        db.sql('DELETE FROM snapshot WHERE guid = ? AND dataset_id IN (SELECT id FROM dataset WHERE name = coalesce(?, name))').run(
          guid,
          dataset ?? null,
        );
        changed();
      }),
    namesOf,
    patchDataset: (dataset, guids, rows) =>
      atomically(() => {
        const now = new Set(guids);
        const known = new Set(namesOf(dataset).map((s) => s.guid));
        const gone = [...known].filter((guid) => !now.has(guid));
        for (const guid of gone)
          db.sql('DELETE FROM snapshot WHERE guid = ? AND dataset_id = (SELECT id FROM dataset WHERE name = ?)').run(guid, dataset);
        runs += 1;
        for (const s of rows) stage(runs, s);
        merge(0, Number.MAX_SAFE_INTEGER, runs);
        unstage(runs);
        dropUnused(-1);
        changed();
        return { added: rows.filter((s) => !known.has(s.guid)).length, removed: gone.length };
      }),
    datasetsOf: (pool) => db.sql('SELECT name FROM dataset WHERE pool = ? AND n > 0').pluck().all(pool).map(String),
    forgetPool: (pool) =>
      atomically(() => {
        db.sql('DELETE FROM snapshot WHERE dataset_id IN (SELECT id FROM dataset WHERE pool = ?)').run(pool);
        dropUnused(-1);
        changed();
      }),
    page: (query) => {
      const { filter, total } = look(query);
      if (total <= query.offset) return { total, rows: [] };
      const part = pageOf(query, filter, total, ROW, true);
      const rows = read
        .sql(part.text)
        .all(...part.values)
        .map(toSnapshot);
      return { total, rows: part.reversed ? rows.reverse() : rows };
    },
    pageJson: (query) => {
      const { filter, total } = look(query);
      if (total <= query.offset) return `{"total":${total},"rows":[]}`;
      const part = pageOf(query, filter, total, `${JSON_ROW} AS json`, false);
      // One text for all rows: an object for each of 10,000 would cost more than the reading.
      const rows = read.sql(`SELECT group_concat(json, ',') AS rows FROM (${part.text})`).get(...part.values)?.rows;
      return `{"total":${total},"rows":[${rows ?? ''}]}`;
    },
    perDay: (since, offsetMs, dataset) => {
      const below = dataset === undefined ? null : named(dataset, true);
      const where = below === null ? '' : ` AND dataset_id IN (SELECT id FROM dataset WHERE ${below.text})`;
      return read
        .sql(
          `SELECT CAST((created_at + ?) / 86400000 AS INTEGER) AS day, count(*) AS n FROM snapshot INDEXED BY by_created
           WHERE created_at >= ?${where} GROUP BY day ORDER BY day`,
        )
        .all(offsetMs, since, ...(below?.values ?? []))
        .map((row) => ({ day: row.day as number, count: row.n as number }));
    },
    countByDataset: () =>
      new Map(
        read
          .sql('SELECT name, n FROM dataset WHERE n > 0 ORDER BY name')
          .all()
          .map((row) => [row.name as string, row.n as number]),
      ),
    marked: (mark) => read.sql(`SELECT ${ROW} FROM snapshot WHERE mark = ? ORDER BY create_txg`).all(mark).map(toSnapshot),
    countByMark: () =>
      new Map(
        read
          .sql('SELECT mark, count(*) AS n FROM snapshot WHERE mark IS NOT NULL GROUP BY mark')
          .all()
          .map((row) => [row.mark as string, row.n as number]),
      ),
    version: versionNow,
  };
};
