/**
 * Following events over a WebSocket. Contract: every event after `after` once and in order, whatever happens to the connection;
 * ends only when the reader is stopped, or when going on makes no sense (logged out, certificate changed).
 */
import type { Socket } from 'node:net';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { WebSocket } from 'ws';
import type { AppRouter } from '../api/router.ts';
import type { Event } from '../domain/event/event.ts';
import { asProblem, type Credentials, headersOf, TRPC_PATH } from './api.ts';
import { Problem } from './problems.ts';
import type { Transport } from './transport.ts';

export type FollowOptions = {
  transport: Transport;
  credentials: Credentials;
  filter: { after?: number; kinds?: Event['kind'][]; subject?: string; text?: string };
  signal: AbortSignal;
  onEvent: (event: Event) => void;
  /** Each time the connection is lost or back. */
  onConnection: (state: 'lost' | 'back') => void;
};

export const followEvents = (o: FollowOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    let after = o.filter.after;
    let lost = false;
    let done = false;
    const end = (problem?: unknown): void => {
      if (done) return;
      done = true;
      void client.close();
      if (problem === undefined) resolve();
      else reject(problem);
    };

    /** `ws` over a connection that our transport has opened, and whose certificate it has compared. */
    class Trusted extends WebSocket {
      constructor(url: string) {
        super(url, [], {
          headers: headersOf(o.credentials),
          handshakeTimeout: 10_000,
          // node calls it with a callback for sockets that take time; the type of ws knows only the other form
          createConnection: ((_options: unknown, connected: (e: Error | null, socket?: Socket) => void) => {
            o.transport.connect().then(
              (socket) => connected(null, socket),
              (e: unknown) => {
                if (e instanceof Problem && e.code === 'untrusted') end(e);
                connected(e instanceof Error ? e : new Error(String(e)));
              },
            );
          }) as never,
        });
      }
    }

    const host =
      o.transport.address.kind === 'unix'
        ? 'localhost'
        : `${o.transport.address.host.includes(':') ? `[${o.transport.address.host}]` : o.transport.address.host}:${o.transport.address.port}`;
    const client = createWSClient({
      url: `ws://${host}${TRPC_PATH}`,
      // the same interface as the browser's, which is what tRPC asks for
      WebSocket: Trusted as unknown as typeof globalThis.WebSocket,
      retryDelayMs: (attempt) => Math.min(5_000, 250 * 2 ** attempt),
      keepAlive: { enabled: true, intervalMs: 10_000, pongTimeoutMs: 5_000 },
      onOpen: () => {
        if (lost) o.onConnection('back');
        lost = false;
      },
      onClose: () => {
        if (!lost && !done) o.onConnection('lost');
        lost = true;
      },
    });
    const api = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
    const subscribe = (): void => {
      api.events.follow.subscribe(
        { ...o.filter, ...(after === undefined ? {} : { after }) },
        {
          onData: ({ data }) => {
            if (data.kind !== 'event' || data.seq <= (after ?? 0)) return;
            after = data.seq;
            o.onEvent(data.event);
          },
          onError: (e) => {
            const problem = asProblem(e);
            // Events came faster than we read them: the box asks us to come back and go on where we were.
            if (problem?.code === 'busy' && !done) subscribe();
            else end(problem ?? e);
          },
        },
      );
    };
    subscribe();
    o.signal.addEventListener('abort', () => end(), { once: true });
  });
