/** Events: append with a seq that is never used twice, publish after the commit, read forward and backward. */
import type { Event, NewEvent } from '../domain/event/event.ts';
import type { Connection, Row, Value } from './connection.ts';
import { wordQuery } from './search.ts';
import type { Clock, EventFilter, Events } from './types.ts';

const AT_LEAST = { info: ['info', 'warning', 'critical'], warning: ['warning', 'critical'], critical: ['critical'] } as const;

/** Rows are written by `append` alone, from the same types: the casts give back what was put in. */
const toEvent = (row: Row): Event => ({
  seq: row.seq as number,
  at: row.at as number,
  kind: row.kind as Event['kind'],
  severity: row.severity as Event['severity'],
  subject: row.subject as string,
  message: row.message as string,
  actor: row.actor as string,
  data: JSON.parse(row.data as string) as Event['data'],
});

const conditions = (filter: EventFilter | undefined): { where: string; values: Value[] } => {
  let where = '';
  const values: Value[] = [];
  if (filter?.kinds !== undefined) {
    where += ` AND kind IN (${filter.kinds.map(() => '?').join(', ')})`;
    values.push(...filter.kinds);
  }
  if (filter?.subject !== undefined) {
    where += ' AND subject = ?';
    values.push(filter.subject);
  }
  if (filter?.minSeverity !== undefined && filter.minSeverity !== 'info') {
    const levels = AT_LEAST[filter.minSeverity];
    where += ` AND severity IN (${levels.map(() => '?').join(', ')})`;
    values.push(...levels);
  }
  const words = wordQuery(filter?.text ?? '');
  if (words !== null) {
    where += ' AND seq IN (SELECT rowid FROM events_fts WHERE events_fts MATCH ?)';
    values.push(words);
  }
  return { where, values };
};

export const makeEvents = (db: Connection, clock: Clock): Events => {
  const listeners = new Set<(event: Event) => void>();
  const pending: Event[] = [];
  const outbox: Event[] = [];
  let publishing = false;
  db.join({
    mark: () => {
      const before = pending.length;
      return () => {
        pending.length = before;
      };
    },
    committed: () => {
      outbox.push(...pending.splice(0));
      // A listener that appends comes back here: its event waits until everybody has heard of this one.
      if (publishing) return;
      publishing = true;
      for (let event = outbox.shift(); event !== undefined; event = outbox.shift())
        for (const listener of listeners) {
          try {
            listener(event);
          } catch (error) {
            process.emitWarning(error instanceof Error ? error : String(error));
          }
        }
      publishing = false;
    },
  });

  const read = (bound: string, from: number, order: 'ASC' | 'DESC', limit: number, filter?: EventFilter): Event[] => {
    const { where, values } = conditions(filter);
    return db
      .sql(`SELECT * FROM events WHERE seq ${bound} ?${where} ORDER BY seq ${order} LIMIT ?`)
      .all(from, ...values, limit)
      .map(toEvent);
  };

  return {
    append: (event: NewEvent) =>
      db.write(() => {
        const at = Math.round(clock());
        const data = JSON.stringify(event.data);
        const { lastInsertRowid } = db
          .sql('INSERT INTO events (at, kind, severity, subject, message, actor, data) VALUES (?, ?, ?, ?, ?, ?, ?)')
          .run(at, event.kind, event.severity, event.subject, event.message, event.actor, data);
        const appended: Event = { ...event, seq: Number(lastInsertRowid), at };
        pending.push(appended);
        return appended;
      }),
    after: (seq, limit, filter) => read('>', seq, 'ASC', limit, filter),
    before: (seq, limit, filter) => read('<', seq ?? Number.MAX_SAFE_INTEGER, 'DESC', limit, filter),
    lastSeq: () => Number(db.sql("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get()?.seq ?? 0),
    subscribe: (listener) => {
      // A function of its own, so that the same listener can be there twice.
      const own = (event: Event): void => listener(event);
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
    prune: (keep) =>
      db.write(() => {
        const first = db.sql('SELECT seq FROM events ORDER BY seq DESC LIMIT 1 OFFSET ?').get(keep);
        return first === undefined ? 0 : db.sql('DELETE FROM events WHERE seq <= ?').run(first.seq ?? 0).changes;
      }),
  };
};
