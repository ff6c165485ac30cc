/** Following events as a client does: from a seq on, with a heartbeat while nothing happens, as long as the caller may and keeps up. */
import { follow, type Gap } from '../events/follow.ts';
import type { Event } from '../domain/event/event.ts';
import type { EventFilter } from '../store/types.ts';
import type { Context } from './context.ts';
import { refusal } from './errors.ts';
import { authorize } from './trpc.ts';

export type Followed =
  | { kind: 'event'; seq: number; event: Event }
  | { kind: 'heartbeat'; seq: number; at: number }
  /** Events up to `seq` are no longer kept, or the database is an older one: read the state anew. */
  | { kind: 'gap'; seq: number };

const LOOK_MS = 20;
/** Waits until the client has taken most of what was sent; false when it takes too long. */
export const drained = async (ctx: Context, stop: AbortSignal): Promise<boolean> => {
  const { backlog, slowMs } = ctx.services.limits;
  for (let waited = 0; ctx.backlog() > backlog && !stop.aborted; waited += LOOK_MS) {
    if (waited >= slowMs) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return true;
};

export async function* followFor(
  ctx: Context,
  after: number,
  filter: EventFilter,
  signal: AbortSignal | undefined,
): AsyncGenerator<Followed, void, void> {
  const { store, clock, limits, counters } = ctx.services;
  const ended = new AbortController();
  const stop = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  let seq = after;
  const source = follow(store.events, { after, filter, signal: stop });
  counters.followers += 1;
  // One pull at a time; waiting for it or for the next heartbeat leaves nothing behind, however long nothing happens.
  type Arrived = { ok: true; result: IteratorResult<Event | Gap, void> } | { ok: false; error: unknown };
  let arrived: Arrived | null = null;
  let wake = (): void => {};
  const pull = (): void => {
    source.next().then(
      (result) => {
        arrived = { ok: true, result };
        wake();
      },
      (error: unknown) => {
        arrived = { ok: false, error };
        wake();
      },
    );
  };
  const take = (): Arrived | null => {
    const got = arrived;
    arrived = null;
    return got;
  };
  let beat: NodeJS.Timeout | undefined;
  try {
    pull();
    while (!stop.aborted) {
      if (arrived === null)
        await new Promise<void>((resolve) => {
          wake = resolve;
          beat = setTimeout(resolve, limits.heartbeatMs);
          beat.unref();
        });
      clearTimeout(beat);
      const got = take();
      authorize(ctx.who(), { permission: 'events.read' }); // the session may have ended meanwhile
      // What a client has not read yet stays in the table, not in memory; one that reads nothing at all is let go.
      if (!(await drained(ctx, stop))) {
        counters.droppedFollowers += 1;
        throw refusal('busy', 'The connection ends', 'events come faster than they are read', `Connect again and go on after ${seq}.`);
      }
      if (got === null) {
        yield { kind: 'heartbeat', seq, at: clock() };
        continue;
      }
      if (!got.ok) throw got.error;
      if (got.result.done) return;
      const { value } = got.result;
      pull();
      if ('gap' in value) {
        seq = value.from - 1;
        yield { kind: 'gap', seq };
      } else {
        seq = value.seq;
        yield { kind: 'event', seq, event: value };
      }
    }
  } finally {
    clearTimeout(beat);
    counters.followers -= 1;
    ended.abort();
    await source.return(undefined);
  }
}
