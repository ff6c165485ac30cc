/**
 * How bytes reach the box: HTTPS with a pinned certificate, plain HTTP on loopback, or a unix socket for local root.
 * Contract: not one byte of a request (a password, a token, a cookie) is written before the certificate has been compared
 * with the one that is trusted. A certificate that a public authority vouches for needs no pin; any other does.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { EXIT, Problem } from './problems.ts';

export type Address =
  | { readonly kind: 'https' | 'http'; readonly origin: string; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Decides about a certificate: resolves when it is trusted. */
export type Trust = (fingerprint: string, vouchedFor: boolean, address: Address) => Promise<void>;

const LOOPBACK = /^(localhost|127\.[0-9.]+|\[::1\]|::1)$/;

export const parseAddress = (text: string): Address => {
  const wrong = (why: string): Problem =>
    new Problem(EXIT.usage, 'usage', `address ${text}`, why, 'For example: --url https://nas.local:8443');
  if (text.startsWith('unix:')) return { kind: 'unix', path: text.slice(5) };
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//.test(text) ? text : `https://${text}`);
  } catch {
    throw wrong('this is not an address');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw wrong('expected https://');
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname))
    throw wrong('plain HTTP would show passwords to the network; it is accepted only for this machine itself');
  if (url.username !== '' || url.pathname !== '/' || url.search !== '') throw wrong('expected a host and a port, nothing else');
  const kind = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? (/:443$/.test(text) ? 443 : kind === 'http' ? 80 : text.includes('://') ? 443 : 8443) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { kind, host, port, origin: `${kind}://${url.hostname}:${port}` };
};

export const isLoopback = (a: Address): boolean => a.kind === 'unix' || LOOPBACK.test(a.host);

const CONNECT_MS = 8_000;
const ANSWER_MS = 120_000;
/** The other end may write to a slow disk, or take snapshots, before it takes more. */
const STREAM_MS = 600_000;
const isText = (body: Send['body']): body is string | null => body === null || typeof body === 'string';

const unreachable = (where: string, cause: unknown): Problem => {
  if (cause instanceof Problem) return cause;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'no machine of this name is known',
    EAI_AGAIN: 'the name could not be looked up just now',
    EHOSTUNREACH: 'no way leads to that machine',
    ENETUNREACH: 'no way leads to that network',
    ETIMEDOUT: 'it did not answer in time',
    ECONNRESET: 'it closed the connection',
    EPIPE: 'it closed the connection',
    ENOENT: 'there is no such socket',
    EACCES: 'only root may use this socket',
    EPROTO: 'it does not speak HTTPS',
    ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak HTTPS',
  };
  return new Problem(
    EXIT.unreachable,
    'unreachable',
    `no answer from ${where}`,
    why[code] ?? (cause instanceof Error ? cause.message : String(cause)),
    'Is the box on, and is the address right? Another one: --url https://HOST:8443',
    { cause },
  );
};

export type Reply = {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  json(): Promise<unknown>;
};
export type Send = {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  /** A stream goes out as it comes; the answer may be there before its end. */
  readonly body: string | null | { readonly stream: Readable; readonly size: number };
  readonly signal?: AbortSignal | undefined;
  /** Takes the bytes of a good answer as they come; `text` is then empty. */
  readonly sink?: (answer: IncomingMessage) => Promise<void>;
};

export type Transport = {
  readonly address: Address;
  /** What a person would call the other end. */
  readonly where: string;
  send(request: Send): Promise<Reply>;
  /** A connection on which nothing has been sent, trusted already: what a WebSocket is opened on. */
  connect(): Promise<Socket>;
  close(): void;
};

const collect = (response: IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
    response.on('error', reject);
  });

export const openTransport = (address: Address, pinned: boolean, trust: Trust): Transport => {
  // Not imported: an import of node:http reads all its exports, among them a WebSocket that loads the whole of undici (60 ms).
  const http = process.getBuiltinModule('node:http');
  const where = address.kind === 'unix' ? `the socket ${address.path}` : address.origin;

  const connect = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      if (address.kind !== 'https') {
        const net = process.getBuiltinModule('node:net');
        const socket = address.kind === 'unix' ? net.connect(address.path) : net.connect(address.port, address.host);
        socket.once('connect', () => resolve(socket)).once('error', reject);
        return;
      }
      // rejectUnauthorized is off because trust is decided below, by fingerprint, before anything is written.
      const socket = process.getBuiltinModule('node:tls').connect({
        host: address.host,
        port: address.port,
        rejectUnauthorized: false,
        // Whether an authority vouches for it matters only without a pin; loading them all takes 50 ms.
        ...(pinned ? { ca: [] } : {}),
        ALPNProtocols: ['http/1.1'],
        ...(/^[0-9.]+$|:/.test(address.host) ? {} : { servername: address.host }),
      });
      const limit = setTimeout(
        () => socket.destroy(Object.assign(new Error('it did not answer in time'), { code: 'ETIMEDOUT' })),
        CONNECT_MS,
      );
      socket.once('error', (e) => {
        clearTimeout(limit);
        reject(e);
      });
      socket.once('secureConnect', () => {
        clearTimeout(limit);
        trust(socket.getPeerCertificate().fingerprint256, socket.authorized, address).then(
          // The box may have lost patience while the person compared fingerprints.
          () => (socket.destroyed || socket.readableEnded ? connect().then(resolve, reject) : resolve(socket)),
          (e: unknown) => {
            socket.destroy();
            reject(e);
          },
        );
      });
    });

  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  // A plain agent over sockets that are encrypted already: the request is written only once `connect` has resolved.
  agent.createConnection = (_options, done) => {
    connect().then(
      (socket) => done?.(null, socket),
      (e: unknown) => done?.(e instanceof Error ? e : new Error(String(e)), undefined as never), // node ignores the stream when there is an error
    );
    return undefined;
  };

  const send = (request: Send): Promise<Reply> =>
    new Promise<Reply>((resolve, reject) => {
      const host =
        address.kind === 'unix' ? 'localhost' : `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
      const outgoing = http.request(
        {
          agent,
          method: request.method,
          path: request.path,
          timeout: isText(request.body) ? ANSWER_MS : STREAM_MS,
          signal: request.signal,
          headers: {
            ...request.headers,
            host,
            ...(request.body === null
              ? {}
              : { 'content-length': isText(request.body) ? Buffer.byteLength(request.body) : request.body.size }),
          },
        },
        (response) => {
          if (!isText(request.body)) request.body.stream.unpipe(outgoing);
          const status = response.statusCode ?? 0;
          const taken = request.sink && status === 200 ? request.sink(response).then(() => '') : collect(response);
          taken.then((text) => {
            resolve({
              ok: status >= 200 && status < 300,
              status,
              headers: response.headers,
              text,
              json: async () => {
                try {
                  return JSON.parse(text) as unknown;
                } catch (cause) {
                  throw new Problem(
                    EXIT.unreachable,
                    'not-dplane',
                    `odd answer from ${where}`,
                    `HTTP ${status} without JSON: this may not be a D-PlaneOS box`,
                    '',
                    { cause },
                  );
                }
              },
            });
          }, reject);
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(Object.assign(new Error('it did not answer in time'), { code: 'ETIMEDOUT' })));
      outgoing.on('error', reject);
      if (isText(request.body)) outgoing.end(request.body ?? undefined);
      else {
        request.body.stream.once('error', (e) => outgoing.destroy(e));
        request.body.stream.pipe(outgoing);
      }
    }).catch((cause: unknown) => {
      throw unreachable(where, cause);
    });

  return {
    address,
    where,
    send,
    connect: () =>
      connect().catch((cause: unknown) => {
        throw unreachable(where, cause);
      }),
    close: () => agent.destroy(),
  };
};
