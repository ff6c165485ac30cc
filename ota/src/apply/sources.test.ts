import { mkdirSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RefusalError } from '../../../control/src/domain/refusal.ts';
import { type Box, makeBox } from '../testing/box.ts';
import { makeRelease, noise, readyBox, toolsFor } from '../testing/release.ts';
import { ByteReader, type Source } from '../bundle/reader.ts';
import { apply } from './apply.ts';
import { type HttpOptions, httpSource } from './http.ts';
import { openSource } from './open.ts';
import { uploadSource } from './upload.ts';

const FILE = noise(200_000, 4);
type Answer = (request: IncomingMessage, response: ServerResponse, nth: number) => void;
const servers: Server[] = [];
let box: Box;
beforeEach(() => {
  box = makeBox();
});
afterEach(async () => {
  for (const s of servers.splice(0)) {
    s.closeAllConnections();
    s.close();
  }
  box.drop();
});

const serve = async (answer: Answer): Promise<{ url: string; asked: IncomingMessage['headers'][] }> => {
  const asked: IncomingMessage['headers'][] = [];
  const server = createServer((q, a) => {
    asked.push(q.headers);
    answer(q, a, asked.length);
  });
  servers.push(server);
  await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.dplane`, asked };
};
const quick = (more: Partial<HttpOptions> = {}): HttpOptions => ({
  signal: new AbortController().signal,
  stallMs: 400,
  pause: async () => {},
  ...more,
});
const all = async (source: Source): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for (let part = await source.next(); part !== null; part = await source.next()) parts.push(Buffer.from(part));
  await source.close();
  return Buffer.concat(parts);
};
const why = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work();
    return 'came';
  } catch (error) {
    if (error instanceof RefusalError) return error.refusal.why;
    throw error;
  }
};
const from = (q: IncomingMessage): number => Number(/^bytes=([0-9]+)-$/.exec(q.headers.range ?? '')?.[1] ?? 0);
/** As a web server does it, but the connection breaks after `cut` bytes of each answer. */
const breaking =
  (cut: number, etag = '"v1"'): Answer =>
  (q, a) => {
    const at = from(q);
    const headers = {
      'content-length': FILE.length - at,
      etag,
      ...(at > 0 ? { 'content-range': `bytes ${at}-${FILE.length - 1}/${FILE.length}` } : {}),
    };
    a.writeHead(at > 0 ? 206 : 200, headers);
    if (FILE.length - at <= cut) return void a.end(FILE.subarray(at));
    a.write(FILE.subarray(at, at + cut), () => setImmediate(() => a.destroy()));
  };

describe('from an address', () => {
  test('whole', async () => {
    const { url } = await serve(breaking(1e9));
    expect((await all(await httpSource(url, quick()))).equals(FILE)).toBe(true);
  });
  test('a connection that breaks is taken up where it broke', async () => {
    const { url, asked } = await serve(breaking(60_000));
    expect((await all(await httpSource(url, quick()))).equals(FILE)).toBe(true);
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(asked[1]).toMatchObject({ 'if-range': '"v1"' });
    expect(asked[1]?.range).toMatch(/^bytes=[1-9][0-9]*-$/);
  });
  test.each<[string, Answer, RegExp]>([
    ['one that stands still', (_, a) => void a.writeHead(200).write('x'), /nothing came for 0 s \(asked 6 times\)|the file changed/],
    ['one that never answers', () => {}, /nothing came/],
    ['one that is not there', (_, a) => void a.writeHead(404).end(), /answered 404/],
    ['one that fails', (_, a) => void a.writeHead(503).end(), /answered 503 \(asked 6 times\)/],
    ['one that leads in a circle', (_, a) => void a.writeHead(302, { location: '/y' }).end(), /leads on more than 5 times/],
    ['one that leads to a file', (_, a) => void a.writeHead(302, { location: 'file:///etc/shadow' }).end(), /it leads to file:/],
    [
      'one that leads to a password',
      (_, a) => void a.writeHead(302, { location: 'http://u:p@localhost/' }).end(),
      /user name or a password/,
    ],
    ['one that packs it', (_, a) => void a.writeHead(200, { 'content-encoding': 'gzip' }).end('x'), /sends it as gzip/],
    ['one that changes meanwhile', (q, a, nth) => breaking(60_000, `"v${nth}"`)(q, a, nth), /the file changed/],
    [
      'one that begins anew',
      (q, a, n) => (n === 1 ? breaking(60_000)(q, a, n) : void a.writeHead(200, { etag: '"v2"' }).end(FILE)),
      /the file changed/,
    ],
    [
      'one that sends another part',
      (q, a, n) =>
        n === 1
          ? breaking(60_000)(q, a, n)
          : void a.writeHead(206, { 'content-range': `bytes 5-${FILE.length - 1}/${FILE.length}` }).end(FILE),
      /another part/,
    ],
  ])('%s is given up', async (_, answer, words) => {
    const { url } = await serve(answer);
    expect(await why(async () => all(await httpSource(url, quick())))).toMatch(words);
  });
  test('cancelled while it stands still', async () => {
    const stop = new AbortController();
    const { url } = await serve(() => stop.abort());
    expect(await why(async () => all(await httpSource(url, quick({ stallMs: 60_000, signal: stop.signal }))))).toBe('it was cancelled');
  });
  test('a certificate nobody vouches for is refused at once, one that is vouched for is taken; https never leads to http', async () => {
    const [key, cert] = [join(box.root, 'k.pem'), join(box.root, 'c.pem')];
    const made = spawnSync('openssl', [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ]);
    expect(made.status).toBe(0);
    let asked = 0;
    const server = createTls({ key: readFileSync(key), cert: readFileSync(cert) }, (q, a) => {
      asked += 1;
      if (q.url === '/down') a.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
      else a.writeHead(200, { 'content-length': FILE.length }).end(FILE);
    });
    servers.push(server as unknown as Server);
    await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    expect(await why(async () => all(await httpSource(url, quick())))).toMatch(/not who it says it is, or its certificate is not trusted/);
    expect(asked).toBe(0);
    const ca = readFileSync(cert, 'utf8');
    expect((await all(await httpSource(url, quick({ ca })))).equals(FILE)).toBe(true);
    expect(await why(async () => all(await httpSource(`${url}/down`, quick({ ca }))))).toMatch(/leads from https to http/);
  });
  test.each(['ftp://x/y', 'http://user:word@x/y'])('%s is no address', async (url) =>
    expect(await why(() => httpSource(url, quick()))).toMatch(/leads to ftp|password/),
  );
});

describe('an upload', () => {
  const start = (size: number, more = {}) => {
    mkdirSync(box.places.run, { recursive: true });
    return uploadSource({
      places: box.places,
      size,
      name: 'x.dplane',
      signal: new AbortController().signal,
      connectMs: 2000,
      idleMs: 400,
      ...more,
    });
  };
  test('comes whole, over a socket that only its group may use', async () => {
    const source = await start(FILE.length);
    expect(statSync(box.places.stream).mode & 0o777).toBe(0o660);
    const sender = connect(box.places.stream);
    sender.on('error', () => {});
    sender.end(FILE);
    expect((await all(source)).equals(FILE)).toBe(true);
    expect(() => statSync(box.places.stream)).toThrow();
  });
  test('in pieces it is asked for, with the sender held back', async () => {
    const source = await start(FILE.length);
    const sender = connect(box.places.stream);
    sender.on('error', () => {});
    sender.end(FILE);
    const reader = new ByteReader(source);
    expect((await reader.exactly(150_000, 'x')).equals(FILE.subarray(0, 150_000))).toBe(true);
    await source.close();
  });
  test.each<[string, (path: string) => void, RegExp]>([
    ['nobody comes', () => {}, /nobody began to send it/],
    [
      'it stops in the middle',
      (path) =>
        void connect(path)
          .on('error', () => {})
          .write(FILE.subarray(0, 100)),
      /nothing came for 0.4 s/,
    ],
    [
      'more comes than was announced',
      (path) =>
        void connect(path)
          .on('error', () => {})
          .end(FILE),
      /more than the 1000 bytes came/,
    ],
  ])('%s', async (_, send, words) => {
    const source = await start(1000, { connectMs: 300 });
    send(box.places.stream);
    expect(await why(() => all(source))).toMatch(words);
    await source.close();
  });
  test('a second sender is turned away', async () => {
    const source = await start(FILE.length);
    const first = connect(box.places.stream);
    first.on('error', () => {});
    first.write(FILE.subarray(0, 10));
    await source.next();
    const second = await new Promise<string>((resolve) =>
      connect(box.places.stream)
        .on('error', (e) => resolve(e.message))
        .on('close', () => resolve('closed')),
    );
    expect(second).toMatch(/ENOENT|ECONNREFUSED|closed/);
    await source.close();
  });
  test('is installed', async () => {
    box.drop();
    box = await readyBox(makeBox);
    const release = await makeRelease(box, 5);
    const bytes = readFileSync(release.path);
    const request = { id: 'upload-12345', source: { kind: 'upload', size: bytes.length, name: 'my.dplane' } } as const;
    const tools = toolsFor(box, '', {
      openSource: async (r, signal) => {
        const source = await openSource(box.places, r, signal);
        const sender = connect(box.places.stream);
        sender.on('error', () => {});
        sender.end(bytes);
        return source;
      },
    });
    expect(await apply(request, tools)).toMatchObject({ ok: true, value: { slot: 'b' } });
  });
});
