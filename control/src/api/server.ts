/**
 * The door of the control plane: HTTPS (and, when asked for, HTTP on loopback, and a unix socket for local root) in front of the
 * procedures. Every request passes the same stations: name, session or token, forgery, route, permission, input. `createApi` makes what is
 * kept (claim code, certificate); `listen` opens the doors; `close` ends them.
 */
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import type { Clock, Store } from '../store/types.ts';
import { createAccess, LOCAL_ROOT, NOBODY } from './access/access.ts';
import { addressKey } from './access/attempts.ts';
import { createClaim } from './access/claim.ts';
import { createAnswers } from './answers.ts';
import type { ApiConfig, Caller, Context, Limits, Log, Random, Services } from './context.ts';
import { answerFor, refusal, withoutSecrets } from './errors.ts';
import { readBody } from './http/body.ts';
import { checkForged, checkOrigin, hostOf, isOurs } from './http/guard.ts';
import { commonHeaders, send, sendProblem } from './http/respond.ts';
import { countAnswer, createCounters, metricsText } from './metrics.ts';
import { callRest, limitFor, procedures } from './rest.ts';
import { appRouter } from './router.ts';
import { createSockets } from './sockets.ts';
import { createPages } from './static.ts';
import { fingerprintOf } from './tls/certificate.ts';
import { certificate } from './tls/keeper.ts';
import { DOWNLOAD, sendDownload } from './download.ts';
import { authorize } from './trpc.ts';
import { takeUpload, UPLOAD } from './upload.ts';

// `import` of these two evaluates all they export, among it the WebSocket of fetch: 8 MB that a server has no use for
const { createServer: createHttp } = process.getBuiltinModule('node:http');
const { createServer: createHttps } = process.getBuiltinModule('node:https');

const LIMITS: Limits = {
  headersMs: 10_000,
  requestMs: 60_000,
  idleMs: 65_000,
  connections: 2_048,
  connectionsPerAddress: 256,
  heartbeatMs: 20_000,
  backlog: 1024 * 1024,
  slowMs: 15_000,
};
const RENEW_EVERY = 24 * 3_600_000;
const ALLOWED_HOSTS = 'api.hosts';

export type Api = {
  /** `fingerprint`: SHA-256 of the certificate, for a person to compare at the first contact. */
  listen(): Promise<{ url: string; port: number; httpPort: number | null; fingerprint: string }>;
  readonly claimCode: string | null;
  close(): Promise<void>;
};
export type ApiOptions = { engine: Engine; store: Store; clock: Clock; random: Random; config: ApiConfig; log: (line: string) => void };

type Door = 'tls' | 'http' | 'local';
const COOKIE: Record<Door, string> = { tls: '__Host-dplane', http: 'dplane', local: 'dplane' };

const cookieFrom = (header: string | undefined, name: string): string | null => {
  for (const part of header?.split(';') ?? []) {
    const cut = part.indexOf('=');
    if (cut > 0 && part.slice(0, cut).trim() === name) return part.slice(cut + 1).trim();
  }
  return null;
};

/** One line each: level, message, fields. Errors go along as text, without what must not be there. */
const logTo =
  (write: (line: string) => void): Log =>
  (level, message, { error, ...fields } = {}) => {
    const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : '';
    const cause = error === undefined ? '' : `: ${withoutSecrets(error instanceof Error ? (error.stack ?? error.message) : String(error))}`;
    write(`${level} ${message}${rest}${cause}`.replace(/\s*[\r\n]+\s*/g, ' | '));
  };

export const createApi = async ({ engine, store, clock, random, config, log: write }: ApiOptions): Promise<Api> => {
  const log = logTo(write);
  const limits: Limits = { ...LIMITS, ...config.limits };
  mkdirSync(config.stateFolder, { recursive: true, mode: 0o700 });
  const claim = createClaim(store, config.stateFolder, random);
  const services: Services = {
    engine,
    store,
    clock,
    random,
    log,
    config,
    limits,
    access: createAccess(store, clock, random, log),
    claim,
    pendingTotp: new Map(),
    answers: createAnswers(),
    counters: createCounters(),
  };
  const pages = await createPages(config.uiFolder, config.version, config.simulated);
  const sockets = createSockets(services);
  let pair = certificate(config.stateFolder, clock, random, log);

  const common = commonHeaders(config.simulated);
  const health = Buffer.from(JSON.stringify({ status: 'ok', simulated: config.simulated }));
  const healthHeaders = [...common.flat(), 'content-type', 'application/json', 'content-length', String(health.length)];
  const meta = new Map(procedures().map((p) => [p.path, p.meta]));
  const idPrefix = random(5).toString('base64url');
  let requests = 0;

  const ourNames = (): ReadonlySet<string> =>
    new Set([
      hostname().toLowerCase(),
      ...pair.names,
      ...(store.settings
        .get(ALLOWED_HOSTS)
        ?.toLowerCase()
        .split(/[\s,]+/) ?? []),
    ]);
  const checkHost = (req: IncomingMessage, door: Door): void => {
    if (door === 'local') return;
    const host = hostOf(req.headers.host);
    if (host === null)
      throw refusal('invalid', 'The request was not understood', 'it does not say which host it is for', 'Send a Host header.');
    if (!isOurs(host, ourNames))
      throw refusal(
        'forbidden',
        'This is refused',
        `${host.slice(0, 255)} is not a name of this box`,
        'Use its address or own name, or put the name into its certificate or into the setting api.hosts.',
      );
  };

  /** Who a request comes from. A bearer token is meant, so it is looked at alone; a cookie comes by itself. */
  const callerOf = (req: IncomingMessage, door: Door): (() => Caller) => {
    if (door === 'local') return () => LOCAL_ROOT;
    const { authorization } = req.headers;
    if (authorization !== undefined) {
      const token = /^Bearer ([A-Za-z0-9_-]{1,100})$/.exec(authorization)?.[1];
      return () => (token === undefined ? null : services.access.byToken(token)) ?? NOBODY;
    }
    const cookie = cookieFrom(req.headers.cookie, COOKIE[door]);
    return cookie === null ? () => NOBODY : () => services.access.bySession(cookie) ?? NOBODY;
  };

  const contextFor = (req: IncomingMessage, res: ServerResponse | null, door: Door, requestId: string): Context => ({
    services,
    who: callerOf(req, door),
    address: door === 'local' ? 'local' : addressKey(req.socket.remoteAddress),
    agent: String(req.headers['user-agent'] ?? '').replace(/[^\x20-\x7e]/g, ''),
    requestId,
    cookie:
      res &&
      ((value) =>
        res.setHeader(
          'set-cookie',
          `${COOKIE[door]}=${value ?? ''}; Path=/; HttpOnly; SameSite=Strict${door === 'tls' ? '; Secure' : ''}${value === null ? '; Max-Age=0' : ''}`,
        )),
    backlog: () => 0,
  });

  /** By cookie or by nobody (a login), a browser may have been made to send it; a token or the socket says who meant it. */
  const checkIntent = (req: IncomingMessage, ctx: Context): void => {
    if (req.method === 'GET' || req.method === 'HEAD') return;
    const { kind } = ctx.who();
    if (kind === 'session') checkForged(req.headers);
    else if (kind === 'nobody') checkOrigin(req.headers);
  };

  const trpc = async (req: IncomingMessage, res: ServerResponse, path: string, ctx: Context): Promise<void> => {
    const names = path.split(',', 21);
    const withBody = req.method === 'POST';
    // A stranger's body is read only as far as a login needs; the text is handed over read, so that the limit is ours.
    const body = withBody
      ? await readBody(req, Math.max(...names.map((n) => limitFor(ctx.who().kind === 'nobody' ? undefined : meta.get(n)))))
      : undefined;
    for (const [k, v] of common) res.setHeader(k, v);
    const { nodeHTTPRequestHandler } = await import('@trpc/server/adapters/node-http'); // 3 MB, with the first call
    await nodeHTTPRequestHandler({
      req: Object.assign(req, { body }),
      res,
      path,
      router: appRouter,
      createContext: () => ctx,
      maxBatchSize: 20,
      responseMeta: ({ errors }) => {
        const [first] = errors;
        return first && errors.length === 1 ? { status: answerFor(first, ctx.requestId).status } : {};
      },
      onError: ({ error, path: failed }) => {
        const { bug } = answerFor(error, ctx.requestId);
        if (bug !== null) log('error', 'a call failed', { request: ctx.requestId, path: failed, error: bug });
      },
    });
  };

  const handle = async (req: IncomingMessage, res: ServerResponse, door: Door, requestId: string): Promise<void> => {
    const url = req.url ?? '/';
    const cut = url.indexOf('?');
    const path = cut < 0 ? url : url.slice(0, cut);
    const query = cut < 0 ? '' : url.slice(cut + 1);
    checkHost(req, door);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
    if (!path.startsWith('/') || /[\u0000-\u001f\\]|%00|%5c|(?:^|\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|$)/i.test(path))
      throw refusal('invalid', 'The request was not understood', 'the address has a part that no address here has', 'Use a plain address.');
    if (path.startsWith('/trpc/')) {
      const ctx = contextFor(req, res, door, requestId);
      checkIntent(req, ctx);
      return trpc(req, res, path.slice(6), ctx);
    }
    if (path.startsWith('/api/')) {
      if (path === '/api/openapi.json' && (req.method === 'GET' || req.method === 'HEAD')) {
        const { openApi } = await import('./openapi.ts');
        return send(res, 200, common, 'application/json', JSON.stringify(openApi(config.version)));
      }
      if (path === UPLOAD.path && req.method === UPLOAD.method) {
        const ctx = contextFor(req, res, door, requestId);
        checkIntent(req, ctx);
        return send(res, 200, common, 'application/json', JSON.stringify(await takeUpload(req, query, ctx)));
      }
      if (path === DOWNLOAD.path && req.method === DOWNLOAD.method)
        return await sendDownload(res, query, contextFor(req, res, door, requestId), common);
      const answer = await callRest(req, path, query, () => {
        const ctx = contextFor(req, res, door, requestId);
        checkIntent(req, ctx);
        return ctx;
      });
      if (!answer)
        throw refusal('not-found', 'There is nothing here', `${path.slice(0, 200)} is not known`, '/api/openapi.json lists what there is.');
      return send(res, answer.status, common, 'application/json', answer.body, answer.headers);
    }
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      send(
        res,
        405,
        common,
        'application/json',
        '{"code":"invalid","what":"The request was not understood","why":"this address is only read","todo":"Use GET."}',
        [['allow', 'GET, HEAD']],
      );
      req.resume();
      return;
    }
    if (path === '/metrics') {
      authorize(callerOf(req, door)(), { permission: 'system.read' });
      return send(res, 200, common, 'text/plain; version=0.0.4; charset=utf-8', await metricsText(services));
    }
    const page = await pages.page(path, String(req.headers['accept-encoding'] ?? ''), req.headers['if-none-match']);
    if (!page) throw refusal('not-found', 'There is nothing here', `${path.slice(0, 200)} is not known`, 'Start at /.');
    return send(res, page.status, common, page.type, page.body, page.headers);
  };

  const onRequest =
    (door: Door) =>
    (req: IncomingMessage, res: ServerResponse): void => {
      if (req.url === '/health' && req.method === 'GET') {
        services.counters.answered['2xx'] += 1;
        res.writeHead(200, healthHeaders);
        res.end(health);
        return;
      }
      requests += 1;
      limitBody(req, res);
      const requestId = `${idPrefix}${requests.toString(36)}`;
      res.setHeader('x-request-id', requestId);
      res.once('finish', () => countAnswer(services.counters, res.statusCode));
      handle(req, res, door, requestId).catch((error: unknown) => {
        const { bug } = sendProblem(req, res, error, requestId, common);
        if (bug !== null)
          log('error', 'a request failed', {
            request: requestId,
            method: req.method,
            path: (req.url ?? '').split('?')[0]?.slice(0, 200),
            error: bug,
          });
      });
    };

  /** A body has to be here in time, except an upload, which watches for itself. */
  const limitBody = (req: IncomingMessage, res: ServerResponse): void => {
    const { 'content-length': length = '0', 'transfer-encoding': chunked } = req.headers;
    if ((length === '0' && chunked === undefined) || (req.method === UPLOAD.method && req.url?.split('?')[0] === UPLOAD.path)) return;
    const timer = setTimeout(() => {
      if (req.complete) return;
      if (res.headersSent) req.destroy();
      else res.writeHead(408, { connection: 'close' }).end(() => req.destroy());
    }, limits.requestMs);
    timer.unref();
    req.once('close', () => clearTimeout(timer));
  };

  const perAddress = new Map<string, number>();
  const onConnection = (socket: Socket): void => {
    const key = addressKey(socket.remoteAddress);
    const count = (perAddress.get(key) ?? 0) + 1;
    if (count > limits.connectionsPerAddress) {
      socket.destroy();
      return;
    }
    perAddress.set(key, count);
    socket.once('close', () => {
      const left = (perAddress.get(key) ?? 1) - 1;
      if (left > 0) perAddress.set(key, left);
      else perAddress.delete(key);
    });
  };

  const guard = (server: Server, door: Door): Server => {
    server.headersTimeout = limits.headersMs;
    server.requestTimeout = 0; // by ourselves (limitBody): an upload takes as long as it takes
    server.keepAliveTimeout = limits.idleMs;
    server.maxConnections = limits.connections;
    server.setTimeout(Math.max(limits.idleMs, limits.requestMs) * 2);
    if (door !== 'local') server.on('connection', onConnection);
    server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
      requests += 1;
      const requestId = `${idPrefix}${requests.toString(36)}`;
      socket.setTimeout(0);
      void sockets.upgrade(req, socket, head, () => {
        checkHost(req, door);
        return contextFor(req, null, door, requestId);
      });
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      const status =
        error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : error.code === 'HPE_HEADER_OVERFLOW'
            ? '431 Request Header Fields Too Large'
            : '400 Bad Request';
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      setTimeout(() => socket.destroy(), 1_000).unref();
    });
    return server;
  };
  const options = { connectionsCheckingInterval: Math.min(2_000, limits.headersMs), maxHeaderSize: 16 * 1024 };

  const tls = createHttps(
    { ...options, key: pair.key, cert: pair.cert, minVersion: 'TLSv1.2', handshakeTimeout: limits.headersMs, ALPNProtocols: ['http/1.1'] },
    onRequest('tls'),
  );
  const servers: Server[] = [guard(tls, 'tls')];
  const plain = config.httpPort === null ? null : guard(createHttp(options, onRequest('http')), 'http');
  const local = config.localSocket === null ? null : guard(createHttp(options, onRequest('local')), 'local');
  for (const server of [plain, local]) if (server) servers.push(server);

  const listening = (server: Server, at: { port: number; host?: string } | { path: string }): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(at, () => {
        server.off('error', reject);
        server.on('error', (error) => log('error', 'a listener failed', { error }));
        resolve();
      });
    });
  // A port was asked for by number, so the address is never a pipe
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  const listenLocal = async (server: Server, path: string): Promise<void> => {
    const folder = dirname(path);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if ((statSync(folder).mode & 0o077) !== 0) throw new Error(`the folder of ${path} may be entered by others; it has to have mode 0700`);
    rmSync(path, { force: true }); // of an earlier run: only one daemon runs on a state folder
    await listening(server, { path });
    chmodSync(path, 0o600);
  };

  let renewal: NodeJS.Timeout | undefined;
  return {
    claimCode: claim.current,
    async listen() {
      try {
        if (local && config.localSocket !== null) await listenLocal(local, config.localSocket);
        if (plain) await listening(plain, { port: config.httpPort ?? 0, host: '127.0.0.1' });
        // Without an address Node takes every one, of IPv4 alone where there is no IPv6.
        await listening(tls, config.host === '::' ? { port: config.port } : { port: config.port, host: config.host });
      } catch (error) {
        for (const server of servers) server.close();
        throw error;
      }
      renewal = setInterval(() => {
        store.access.prune(clock());
        const fresh = certificate(config.stateFolder, clock, random, log);
        if (fresh.cert !== pair.cert) tls.setSecureContext({ key: fresh.key, cert: fresh.cert, minVersion: 'TLSv1.2' });
        pair = fresh;
      }, RENEW_EVERY).unref();
      const port = portOf(tls);
      const host =
        config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host.includes(':') ? `[${config.host}]` : config.host;
      return { url: `https://${host}:${port}`, port, httpPort: plain ? portOf(plain) : null, fingerprint: fingerprintOf(pair.cert) };
    },
    async close() {
      clearInterval(renewal);
      await sockets.close();
      await Promise.all(
        servers.map(
          (server) =>
            new Promise<void>((resolve) => {
              if (!server.listening) return resolve();
              server.close(() => resolve());
              server.closeIdleConnections();
              setTimeout(() => server.closeAllConnections(), 2_000).unref();
            }),
        ),
      );
      if (config.localSocket !== null) rmSync(config.localSocket, { force: true });
    },
  };
};
