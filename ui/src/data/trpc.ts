/**
 * The one way to the control plane: calls over HTTP (a login needs a response that can set a cookie), events over one WebSocket that
 * resumes after the last event it saw. Types come from the daemon's own router; nothing is generated.
 */
import { createTRPCClient, createWSClient, httpBatchLink, splitLink, wsLink } from '@trpc/client';
import type { inferRouterOutputs } from '@trpc/server';
import type { AppRouter } from '../../../control/src/api/router.ts';

export type Outputs = inferRouterOutputs<AppRouter>;

export type SocketWatcher = { open: () => void; closed: () => void };
const watchers = new Set<SocketWatcher>();
export const watchSocket = (w: SocketWatcher): (() => void) => {
  watchers.add(w);
  return () => void watchers.delete(w);
};

const RETRY_AT_MOST = 4_000;
const socket = createWSClient({
  url: () => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/trpc`,
  // Opened with the first subscription, which is after the login; closed when nobody follows.
  lazy: { enabled: true, closeMs: 500 },
  retryDelayMs: (attempt) => (attempt === 0 ? 200 : Math.min(RETRY_AT_MOST, 250 * 2 ** attempt)),
  keepAlive: { enabled: true, intervalMs: 10_000, pongTimeoutMs: 5_000 },
  onOpen: () => {
    for (const w of watchers) w.open();
  },
  onClose: () => {
    for (const w of watchers) w.closed();
  },
});

export const trpc = createTRPCClient<AppRouter>({
  links: [
    splitLink({
      condition: (op) => op.type === 'subscription',
      true: wsLink({ client: socket }),
      false: httpBatchLink({ url: '/trpc', maxItems: 10, headers: { 'x-dplane': '1' } }),
    }),
  ],
});
