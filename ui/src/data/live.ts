/**
 * The connection: one subscription to all events, from the last seq seen on. Says whether what is shown may be old and since when;
 * tells whoever listens which topics an event touched. Comes back by itself; after a gap everything is read anew.
 */
import { createSignal } from 'solid-js';
import type { Event } from '../../../control/src/domain/event/event.ts';
import { problemOf } from './problem.ts';
import { DRIFTING, type Topic, topicsOf } from './topics.ts';
import { type Events, openEvents, trpc } from './trpc.ts';

export type Connection = { state: 'connecting' | 'live' } | { state: 'lost'; since: number };

const [connection, setConnection] = createSignal<Connection>({ state: 'connecting' });
export { connection };
export const isStale = (): boolean => connection().state === 'lost';

type Listener = (topics: readonly Topic[] | 'all') => void;
const listeners = new Set<Listener>();
export const onTopics = (l: Listener): (() => void) => {
  listeners.add(l);
  return () => void listeners.delete(l);
};
const tell = (topics: readonly Topic[] | 'all'): void => {
  for (const l of listeners) l(topics);
};

const readers = new Set<(event: Event) => void>();
/** Each event once, in order, as it arrives. */
export const onEvent = (r: (event: Event) => void): (() => void) => {
  readers.add(r);
  return () => void readers.delete(r);
};

/** A blink is not worth a word; after it the page says so. */
const GRACE = 600;
/** The snapshot index is brought up to date after a run has ended, which no event tells: look once more. */
const SECOND_LOOK = 1_500;

let lastHeard = Date.now();
let lastSeq: number | null = null;
let grace: ReturnType<typeof setTimeout> | undefined;
let stop: (() => void) | null = null;
const [socket, setSocket] = createSignal<Events | null>(null);
/** The open connection, for what is followed beside the events. */
export { socket };

const lost = (): void => {
  if (grace !== undefined || connection().state === 'lost') return;
  grace = setTimeout(() => {
    grace = undefined;
    setConnection({ state: 'lost', since: lastHeard });
  }, GRACE);
};
const found = (): void => {
  clearTimeout(grace);
  grace = undefined;
  lastHeard = Date.now();
  if (connection().state === 'lost') tell('all');
  if (connection().state !== 'live') setConnection({ state: 'live' });
};

/** Begins to follow; `onDenied` when the session has ended (asked for over HTTP, because a refused WebSocket gives no reason). */
export const startLive = (onDenied: () => void): void => {
  stop?.();
  let ended = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let unsubscribe = (): void => {};
  const events = openEvents(() => {
    if (ended) return;
    lost();
    trpc.session.get.query().catch((error: unknown) => {
      if (!ended && problemOf(error).code === 'unauthenticated') onDenied();
    });
  });
  const again = (): void => {
    clearTimeout(retry);
    if (!ended) retry = setTimeout(begin, 1_000);
  };
  const begin = (): void => {
    unsubscribe();
    unsubscribe = events.follow.subscribe(
      { ...(lastSeq !== null && { after: lastSeq }) },
      {
        onStarted: found,
        onData: ({ data }) => {
          found();
          lastSeq = data.seq;
          if (data.kind === 'gap') tell('all');
          else if (data.kind === 'heartbeat') tell(DRIFTING);
          else {
            for (const r of readers) r(data.event);
            tell(['event', ...topicsOf(data.event.kind)]);
            if (data.event.kind === 'run.finished') setTimeout(() => tell(['snapshot', 'dataset']), SECOND_LOOK);
          }
        },
        onError: (error) => {
          if (ended) return;
          if (problemOf(error).code === 'unauthenticated') onDenied();
          else again();
        },
        onComplete: again,
      },
    ).unsubscribe;
  };
  begin();
  setSocket(events);
  stop = () => {
    ended = true;
    setSocket(null);
    clearTimeout(retry);
    unsubscribe();
    events.close();
  };
};
export const stopLive = (): void => {
  stop?.();
  stop = null;
};
