/**
 * The one way to the control plane: calls over HTTP (a login needs a response that can set a cookie), events over one WebSocket that
 * resumes after the last event it saw. Types come from the daemon's own router; nothing is generated.
 */
import { createTRPCClient, createWSClient, httpBatchLink, wsLink } from '@trpc/client';
import type { inferRouterOutputs } from '@trpc/server';
import type { AppRouter } from '../../../control/src/api/router.ts';

export type Outputs = inferRouterOutputs<AppRouter>;

export const trpc = createTRPCClient<AppRouter>({
  links: [httpBatchLink({ url: '/trpc', maxItems: 10, headers: { 'x-dplane': '1' } })],
});

const RETRY_AT_MOST = 4_000;
export type Events = { follow: Live['events']['follow']; io: Live['pools']['live']; close: () => void };
type Live = ReturnType<typeof createTRPCClient<AppRouter>>;
/** A WebSocket is opened as who one is at that moment: after a login it takes a new one. */
export const openEvents = (onClose: () => void): Events => {
  const socket = createWSClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/trpc`,
    retryDelayMs: (attempt) => (attempt === 0 ? 200 : Math.min(RETRY_AT_MOST, 250 * 2 ** attempt)),
    keepAlive: { enabled: true, intervalMs: 10_000, pongTimeoutMs: 5_000 },
    onClose,
  });
  const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: socket })] });
  return { follow: client.events.follow, io: client.pools.live, close: () => void socket.close() };
};
