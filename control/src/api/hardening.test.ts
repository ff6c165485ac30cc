import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type World, world } from './testing/fixture.ts';

let w: World;
afterEach(() => w.end());

/** Sends bytes as they are, and returns all that comes back until the other side ends. */
const raw = (port: number, bytes: string, until: 'end' | 'answer' = 'end'): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (d) => {
      text += d.toString('latin1');
      if (until === 'answer') socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
const rawGet = (path: string, host = '127.0.0.1'): Promise<string> =>
  raw(w.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

const uiFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-ui-'));
  mkdirSync(join(folder, 'ui/assets'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'the secret');
  writeFileSync(join(folder, 'ui/index.html'), '<!doctype html><title>ui</title>');
  writeFileSync(join(folder, 'ui/assets/app-1a2b.js'), 'let a;');
  writeFileSync(join(folder, 'ui/assets/app-1a2b.js.gz'), 'packed');
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'ui/link.txt'));
  return join(folder, 'ui');
};

test('the interface is served, and nothing beside it', async () => {
  w = await world({ uiFolder: uiFolder() });
  const page = await w.ask({ path: '/' });
  expect(page.text).toContain('<title>ui');
  expect(page.headers['content-security-policy']).toContain("script-src 'self'");
  expect(page.headers['cache-control']).toBe('no-cache');
  expect((await w.ask({ path: '/storage/pools' })).text).toContain('<title>ui');
  const script = await w.ask({ path: '/assets/app-1a2b.js' });
  expect(script.headers).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': 'text/javascript; charset=utf-8',
  });
  expect((await w.ask({ path: '/assets/app-1a2b.js', headers: { 'accept-encoding': 'gzip' } })).text).toBe('packed');
  expect((await w.ask({ path: '/', headers: { 'if-none-match': page.headers.etag ?? '' } })).status).toBe(304);
  for (const path of [
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/assets/../../secret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/..\\secret.txt',
    '/%2e%2e%5csecret.txt',
    '//secret.txt',
    '/.%00/secret.txt',
    '/index.html%00.txt',
    '/%252e%252e/secret.txt',
    '/link.txt',
    '/....//secret.txt',
    '/%c0%ae%c0%ae/secret.txt',
    'http://127.0.0.1/../secret.txt',
    '/assets/app-1a2b.js/../../../secret.txt',
  ]) {
    const text = await rawGet(path);
    expect(text, path).not.toContain('the secret');
    expect(text, path).toMatch(/^HTTP\/1\.1 (400|404) /);
  }
});

test('without an interface there is one honest page, without script', async () => {
  w = await world();
  const page = await w.ask({ path: '/' });
  expect(page.text).toContain('not in this version');
  expect(page.text).toContain('Simulated');
  expect(page.text).not.toMatch(/<script|style=|onload/);
  expect((await w.ask({ path: '/nothing' })).status).toBe(404);
});

test('options and NULs do not get through as names', async () => {
  w = await world();
  const cookie = await w.claim();
  for (const name of [
    '-o',
    '-rf',
    '--help',
    'tank/-o',
    'tank/../x',
    'tank\u0000',
    'tank\n-o',
    'tank;id',
    '$(id)',
    'tank@x -r',
    ' tank',
    'tank/ ',
    'a'.repeat(300),
  ]) {
    const changes = [
      { kind: 'dataset.destroy', name },
      { kind: 'dataset.create', dataset: { name: `tank/${name}`, kind: 'filesystem' } },
      { kind: 'dataset.rename', name: 'tank/media', to: name },
      { kind: 'snapshot.create', dataset: 'tank/media', tag: name },
      { kind: 'pool.scrub', name, action: 'start' },
      { kind: 'share.remove', share: 'smb', name },
    ];
    for (const change of changes) {
      if (change.kind === 'dataset.create' && name === 'tank;id') continue;
      const r = await w.ask({ method: 'POST', path: '/api/plans', cookie, body: { changes: [change] } });
      expect(r.status, JSON.stringify(change)).toBe(400);
    }
    expect((await w.ask({ path: `/api/zfs/datasets/${encodeURIComponent(name)}`, cookie })).status).toBe(400);
    expect((await w.ask({ path: `/api/zfs/snapshots?dataset=${encodeURIComponent(name)}`, cookie })).status).toBe(400);
  }
});

test('a body beyond the limit is refused while it streams, declared or not', async () => {
  w = await world();
  const cookie = await w.claim();
  const big = Buffer.alloc(10 * 1024 * 1024, 0x61);
  const before = process.memoryUsage().arrayBuffers;
  for (const path of ['/api/plans', '/trpc/plans.change', '/api/gitops/state', '/trpc/gitops.saveState']) {
    const declared = await w.ask({ method: path.includes('state') && path.startsWith('/api') ? 'PUT' : 'POST', path, cookie, body: big });
    expect(declared.status, path).toBe(413);
    const chunks = Array.from({ length: 160 }, () => `10000\r\n${'a'.repeat(65_536)}\r\n`).join('');
    const streamed = await raw(
      w.port,
      `${path === '/api/gitops/state' ? 'PUT' : 'POST'} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\nx-dplane: 1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
      'answer',
    );
    expect(streamed, path).toMatch(/^HTTP\/1\.1 413 /);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60 * 1024 * 1024);
  // What says that it will be too large is refused before any of it is sent.
  expect(
    await raw(
      w.port,
      'POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 10485760\r\n\r\n',
      'answer',
    ),
  ).toMatch(/^HTTP\/1\.1 413 /);
  // A state file may be larger than other bodies.
  const state = await w.ask({ method: 'POST', path: '/api/gitops/validate', cookie, body: { yaml: '#'.repeat(3 * 1024 * 1024) } });
  expect(state.status).toBe(200);
  expect((await w.ask({ method: 'POST', path: '/api/plans', cookie, body: { changes: [], x: '#'.repeat(1024 * 1024) } })).status).toBe(413);
  // A stranger gets less.
  expect((await w.ask({ method: 'POST', path: '/trpc/gitops.saveState', body: { yaml: '#'.repeat(2 * 1024 * 1024) } })).status).toBe(413);
});

test('slow loris: who sends a head or a body drop by drop is cut off', async () => {
  w = await world({ limits: { headersMs: 300, requestMs: 600 } });
  expect(await raw(w.port, 'GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ')).toMatch(/^(HTTP\/1\.1 408 .*)?$/s);
  expect(
    await raw(
      w.port,
      'POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"user"',
    ),
  ).toMatch(/^HTTP\/1\.1 4/);
  // TLS: a handshake that never comes
  await new Promise<void>((resolve, reject) => {
    const socket = connect(w.tlsPort, '127.0.0.1');
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
});

test('one address gets no more than its share of connections', async () => {
  w = await world({ limits: { connectionsPerAddress: 5 } });
  const open = () =>
    new Promise<{ end: () => void; alive: boolean }>((resolve) => {
      const socket = connect(w.port, '127.0.0.1');
      const request = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';
      socket.on('connect', () => socket.write(request));
      socket.on('error', () => resolve({ end: () => socket.destroy(), alive: false }));
      socket.on('close', () => resolve({ end: () => socket.destroy(), alive: false }));
      socket.on('data', () => resolve({ end: () => socket.destroy(), alive: true }));
    });
  const opened: Awaited<ReturnType<typeof open>>[] = [];
  for (let i = 0; i < 8; i += 1) opened.push(await open());
  expect(opened.map((o) => o.alive)).toEqual([true, true, true, true, true, false, false, false]);
  for (const o of opened) o.end();
});

test('TLS 1.2 at least', async () => {
  w = await world();
  const protocol = (options: object) =>
    new Promise<string>((resolve) => {
      const socket = connectTls({ host: '127.0.0.1', port: w.tlsPort, rejectUnauthorized: false, ...options }, () => {
        resolve(socket.getProtocol() ?? '');
        socket.destroy();
      });
      socket.on('error', (e) => resolve(`refused ${'code' in e ? String(e.code) : ''}`));
    });
  expect(await protocol({})).toBe('TLSv1.3');
  expect(await protocol({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
  expect(await protocol({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })).toMatch(/^refused/);
});

test('a changing request by cookie needs our header and no other origin', async () => {
  w = await world();
  const cookie = await w.claim();
  const post = (headers: Record<string, string>, path = '/api/gitops/capture') =>
    raw(
      w.port,
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${w.port}\r\nConnection: close\r\nCookie: ${cookie}\r\n${Object.entries(headers)
        .map(([k, v]) => `${k}: ${v}\r\n`)
        .join('')}content-type: application/json\r\ncontent-length: 0\r\n\r\n`,
    );
  const ok = { 'x-dplane': '1' };
  for (const path of ['/api/gitops/capture', '/trpc/gitops.capture']) {
    expect(await post(ok, path)).toMatch(/^HTTP\/1\.1 200/);
    expect(await post({ ...ok, origin: `http://127.0.0.1:${w.port}`, 'sec-fetch-site': 'same-origin' }, path)).toMatch(/^HTTP\/1\.1 200/);
    expect(await post({}, path)).toMatch(/^HTTP\/1\.1 403/);
    expect(await post({ ...ok, origin: 'https://evil.example' }, path)).toMatch(/^HTTP\/1\.1 403/);
    expect(await post({ ...ok, origin: 'null' }, path)).toMatch(/^HTTP\/1\.1 403/);
    expect(await post({ ...ok, origin: `http://127.0.0.1:${w.port + 1}` }, path)).toMatch(/^HTTP\/1\.1 403/);
    expect(await post({ ...ok, 'sec-fetch-site': 'cross-site' }, path)).toMatch(/^HTTP\/1\.1 403/);
    expect(await post({ ...ok, 'sec-fetch-site': 'same-site' }, path)).toMatch(/^HTTP\/1\.1 403/);
  }
  // logging somebody in from another site is refused as well
  const login = await w.ask({
    method: 'POST',
    path: '/api/session',
    body: { user: 'ada', password: 'x' },
    headers: { origin: 'https://evil.example' },
  });
  expect(login.status).toBe(403);
  expect(
    (
      await w.ask({
        method: 'OPTIONS',
        path: '/api/plans',
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      })
    ).headers,
  ).not.toHaveProperty('access-control-allow-origin');
});

test('names that others could point at this box are not answered to', async () => {
  w = await world();
  const status = async (host: string) => (await rawGet('/api/claim', host)).slice(9, 12);
  for (const host of [
    '127.0.0.1',
    `127.0.0.1:${w.port}`,
    'localhost',
    '[::1]:8443',
    '192.168.1.5',
    'nas',
    'nas.local',
    'nas.home.arpa',
    'NAS.LAN:8443',
  ])
    expect(await status(host), host).toBe('200');
  for (const host of ['evil.example', 'evil.example:8443', '127.0.0.1.evil.example', 'localhost.evil.example'])
    expect(await status(host), host).toBe('403');
  for (const host of ['', 'a b', 'evil.example/..', '@', 'x:y:z']) expect(await status(host), host).toBe('400');
  w.store.settings.set('api.hosts', 'storage.example.org, other.example.org');
  expect(await status('storage.example.org:8443')).toBe('200');
});

const handshake = (path: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${w.port}${path}`, { headers });
    socket.on('open', () => {
      resolve(101);
      socket.close();
    });
    socket.on('unexpected-response', (_req, res) => resolve(res.statusCode ?? 0));
    socket.on('error', () => resolve(0));
  });

test('a WebSocket opens only for a session or token, and not from another site', async () => {
  w = await world();
  const cookie = await w.claim();
  const origin = `http://127.0.0.1:${w.port}`;
  for (const path of ['/trpc', '/api/ws/monitor']) {
    expect(await handshake(path, {})).toBe(401);
    expect(await handshake(path, { cookie: 'dplane=forged' })).toBe(401);
    expect(await handshake(path, { cookie, origin: 'https://evil.example' })).toBe(403);
    expect(await handshake(path, { cookie, origin: 'null' })).toBe(403);
    expect(await handshake(path, { cookie, origin, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await handshake(path, { cookie, host: 'evil.example', origin: 'http://evil.example' })).toBe(403);
    expect(await handshake(path, { cookie, origin })).toBe(101);
    expect(await handshake(path, { cookie })).toBe(101);
  }
  expect(await handshake('/elsewhere', { cookie })).toBe(404);
  expect(await handshake('/api/ws/monitor?after=-1', { cookie })).toBe(400);
});

test('methods, headers and ids', async () => {
  w = await world();
  const cookie = await w.claim();
  const r = await w.ask({ method: 'DELETE', path: '/api/overview', cookie });
  expect(r.status).toBe(405);
  expect(r.headers.allow).toBe('GET');
  for (const method of ['TRACE', 'PATCH', 'PROPFIND'])
    expect((await w.ask({ method, path: '/api/overview', cookie })).status, method).toBe(405);
  expect((await w.ask({ method: 'POST', path: '/', cookie })).status).toBe(405);
  const head = await w.ask({ method: 'HEAD', path: '/api/overview', cookie });
  expect([head.status, head.text]).toEqual([200, '']);
  for (const path of ['/health', '/', '/api/overview', '/api/nothing', '/trpc/system.info', '/metrics']) {
    const { headers } = await w.ask({ path, cookie });
    expect(headers, path).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-dplane-simulated': '1',
    });
    expect(headers['content-security-policy'], path).toContain("default-src 'none'");
    expect(headers, path).not.toHaveProperty('x-powered-by');
    expect(headers, path).not.toHaveProperty('server');
  }
  const [a, b] = [await w.ask({ path: '/api/nothing' }), await w.ask({ path: '/api/nothing' })];
  expect(a.headers['x-request-id']).not.toBe(b.headers['x-request-id']);
  expect(await raw(w.port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request/);
  expect(await raw(w.port, `GET / HTTP/1.1\r\nHost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431/);
});

test('a bug is answered with an id that finds the log line, and with nothing else', async () => {
  w = await world();
  const cookie = await w.claim();
  w.engine.fail = new Error('cannot read /var/lib/secret of dpt_AAAABBBB');
  for (const path of ['/api/overview', '/trpc/system.overview']) {
    const r = await w.ask({ path, cookie });
    expect(r.status).toBe(500);
    expect(r.text).not.toMatch(/secret| {4}at |\.ts\b|dpt_/);
    const id = String(r.headers['x-request-id']);
    expect(r.text).toContain(id);
    const line = w.logs.filter((l) => l.includes(id));
    expect(line).toHaveLength(1);
    expect(line[0]).toContain('cannot read');
    expect(line[0]).not.toContain('AAAABBBB');
  }
});
