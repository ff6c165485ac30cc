/**
 * Following the events from a number: first what is in the table, then what comes, in order, each once.
 *
 * A subscription only wakes the reader; the events themselves are always read from the table. So there is no moment between
 * backlog and live at which one could be missed or doubled, and a slow reader costs no memory: what it hasn't asked for
 * stays in the table. When the table no longer has what comes next, the reader is told so with a Gap before it goes on.
 */
import type { Event } from '../domain/event/event.ts';
import type { EventFilter, Events } from '../store/types.ts';

/** Events after the last one are no longer kept, or were never here (an older database was put back): read the state anew. `from`: what comes next at the earliest. */
export type Gap = { gap: true; from: number };

export type FollowOptions = {
  /** The last seq that was seen; null: only what happens from now on. */
  after: number | null;
  filter?: EventFilter;
  signal?: AbortSignal;
  /** Events read from the table, and held, at once. */
  highWater?: number;
};

const unfiltered = (filter: EventFilter | undefined): boolean =>
  filter === undefined || Object.values(filter).every((v) => v === undefined);

export async function* follow(events: Events, options: FollowOptions): AsyncGenerator<Event | Gap, void, void> {
  const { filter, signal, highWater = 256 } = options;
  const over = (): boolean => signal?.aborted ?? false;
  let news = true;
  let wake = (): void => undefined;
  const notice = (): void => {
    news = true;
    wake();
  };
  const unsubscribe = events.subscribe(notice);
  signal?.addEventListener('abort', notice);
  try {
    let cursor = options.after ?? events.lastSeq();
    while (!over()) {
      if (!news)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (over()) return;
      news = false;

      // All of one reading is in one turn of the event loop: nothing is appended or pruned in between.
      const last = events.lastSeq();
      if (cursor > last) {
        cursor = last;
        yield { gap: true, from: last + 1 };
        news = true;
        continue;
      }
      if (cursor === last) continue;
      const oldest = events.after(cursor, 1)[0]?.seq ?? last + 1;
      if (oldest > cursor + 1) {
        cursor = oldest - 1;
        yield { gap: true, from: oldest };
        news = true;
        continue;
      }
      const batch = events.after(cursor, highWater, unfiltered(filter) ? undefined : filter);
      // Fewer than asked for: nothing else matches up to the end, and the next reading starts there.
      const full = batch.length === highWater;
      for (const event of batch) {
        cursor = event.seq;
        yield event;
        if (over()) return;
      }
      cursor = full ? cursor : last;
      if (full) news = true;
    }
  } finally {
    unsubscribe();
    signal?.removeEventListener('abort', notice);
  }
}
