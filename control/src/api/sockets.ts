/**
 * WebSockets: `/trpc` for procedures and subscriptions, `/api/ws/monitor` for events as plain JSON. Who may open one is decided before the
 * handshake: right name, same origin, valid session or token. The libraries are loaded with the first connection.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Context, Services } from './context.ts';
import { answerFor, refusal } from './errors.ts';
import { followFor } from './follow.ts';
import { checkOrigin } from './http/guard.ts';
import { appRouter } from './router.ts';
import { authorize } from './trpc.ts';

const MAX_MESSAGE = 1024 * 1024;
const MONITOR_PATH = '/api/ws/monitor';

export type Sockets = {
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer, context: () => Context): Promise<void>;
  close(): Promise<void>;
};

const refuse = (socket: Duplex, error: unknown, id: string): void => {
  const { status, problem } = answerFor(error, id);
  const body = JSON.stringify({ status, ...problem });
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  socket.once('finish', () => socket.destroy());
};

/** Each client is asked for a sign of life; who gave none since the last time is gone. */
const keepAlive = (wss: WebSocketServer, everyMs: number): NodeJS.Timeout => {
  const answered = new WeakSet<WebSocket>();
  wss.on('connection', (client) => {
    answered.add(client);
    client.on('pong', () => answered.add(client));
  });
  return setInterval(() => {
    for (const client of wss.clients) {
      if (!answered.delete(client)) client.terminate();
      else client.ping();
    }
  }, everyMs).unref();
};

/** What follows `?after=`; everything from now on when nothing does. */
const startOf = (url: string, lastSeq: number): number => {
  const after = new URLSearchParams(url.split('?')[1] ?? '').get('after');
  if (after === null) return lastSeq;
  if (!/^\d{1,15}$/.test(after))
    throw refusal(
      'invalid',
      'The request was not understood',
      'after is not the seq of an event',
      'Give the last seq you have seen, or 0.',
    );
  return Number(after);
};

export const createSockets = (services: Services): Sockets => {
  type Loaded = { wss: WebSocketServer; onTrpc: (client: WebSocket, req: IncomingMessage) => void; timer: NodeJS.Timeout };
  let loaded: Promise<Loaded> | null = null;
  const contexts = new WeakMap<IncomingMessage, Context>();

  const load = async (): Promise<Loaded> => {
    const [{ WebSocketServer: Server }, { getWSConnectionHandler }] = await Promise.all([import('ws'), import('@trpc/server/adapters/ws')]);
    const wss = new Server({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: false, clientTracking: true });
    const onTrpc = getWSConnectionHandler({
      wss,
      router: appRouter,
      maxBatchSize: 20,
      onError: ({ error, path, ctx }) => {
        const { bug } = answerFor(error, '');
        if (bug !== null) services.log('error', 'a call failed', { request: ctx?.requestId, path, error: bug });
      },
      createContext: ({ req, res: client }) => {
        const ctx = contexts.get(req);
        if (!ctx) throw new Error('a WebSocket without its context');
        return { ...ctx, cookie: null, backlog: () => client.bufferedAmount };
      },
    });
    return { wss, onTrpc, timer: keepAlive(wss, services.limits.heartbeatMs) };
  };

  const monitor = async (client: WebSocket, ctx: Context, after: number): Promise<void> => {
    const gone = new AbortController();
    client.on('close', () => gone.abort());
    client.on('error', () => gone.abort());
    client.on('message', () => client.close(1003, 'nothing is read here'));
    let seq = after;
    try {
      for await (const item of followFor({ ...ctx, backlog: () => client.bufferedAmount }, after, {}, gone.signal)) {
        seq = item.seq;
        const { simulated } = services.config;
        client.send(JSON.stringify(item.kind === 'event' ? { simulated, ...item.event } : { simulated, ...item }));
      }
    } catch (error) {
      const { problem, bug } = answerFor(error, ctx.requestId);
      if (bug !== null) services.log('error', 'a monitor broke off', { request: ctx.requestId, error: bug });
      // 1013: come again; 1008: you may not (any more)
      client.close(problem.code === 'busy' ? 1013 : 1008, `${problem.why}; resume with after=${seq}`.slice(0, 120));
      // A client that does not even read this is cut off.
      setTimeout(() => client.terminate(), 2_000).unref();
    }
  };

  return {
    async upgrade(req, socket, head, context) {
      socket.on('error', () => socket.destroy());
      let ctx: Context | null = null;
      try {
        ctx = context();
        const path = (req.url ?? '').split('?')[0];
        if (path !== '/trpc' && path !== MONITOR_PATH)
          throw refusal('not-found', 'There is no WebSocket here', 'the address is not known', `Use /trpc or ${MONITOR_PATH}.`);
        checkOrigin(req.headers);
        authorize(ctx.who(), { permission: path === '/trpc' ? 'self' : 'events.read' });
        const after = path === MONITOR_PATH ? startOf(req.url ?? '', services.store.events.lastSeq()) : 0;
        loaded ??= load();
        const { wss, onTrpc } = await loaded;
        const own = ctx;
        contexts.set(req, own);
        wss.handleUpgrade(req, socket, head, (client) => {
          wss.emit('connection', client, req);
          if (path === '/trpc') {
            // Whoever keeps asking without reading the answers is cut off before they fill the memory.
            client.on('message', () => {
              if (client.bufferedAmount > 16 * services.limits.backlog) client.terminate();
            });
            onTrpc(client, req);
          } else void monitor(client, own, after);
        });
      } catch (error) {
        const requestId = ctx?.requestId ?? '';
        const { bug } = answerFor(error, requestId);
        if (bug !== null) services.log('error', 'a WebSocket could not be opened', { request: requestId, error: bug });
        refuse(socket, error, requestId);
      }
    },
    async close() {
      if (!loaded) return;
      const { wss, timer } = await loaded;
      clearInterval(timer);
      for (const client of wss.clients) client.close(1001, 'the control plane stops');
      for (const client of wss.clients) setTimeout(() => client.terminate(), 500).unref();
      wss.close();
    },
  };
};
