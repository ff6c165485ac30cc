import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { NewEvent } from '../domain/event/event.ts';
import type { AppRouter } from './router.ts';
import { type World, world } from './testing/fixture.ts';

let w: World;
afterEach(() => w.end());

const event = (message: string): NewEvent => ({
  kind: 'dataset.created',
  severity: 'info',
  subject: 'dataset:tank/x',
  message,
  actor: 'ada',
  data: {},
});
type Line = { seq?: number; message?: string; kind?: string };

/** A monitor that keeps what it is sent; `until` waits for it. */
const monitor = (cookie: string, after?: number) => {
  const socket = new WebSocket(`ws://127.0.0.1:${w.port}/api/ws/monitor${after === undefined ? '' : `?after=${after}`}`, {
    headers: { cookie },
  });
  const lines: Line[] = [];
  let check = (): void => {};
  socket.on('message', (data) => {
    lines.push(JSON.parse(String(data)) as Line); // what the server sends is JSON
    check();
  });
  const until = (enough: () => boolean) =>
    new Promise<void>((resolve) => {
      check = () => enough() && resolve();
      check();
    });
  const opened = new Promise<void>((resolve) => socket.on('open', resolve));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) })),
  );
  return { socket, lines, until, opened, closed };
};

test('the monitor sends what was and what comes, and goes on where it was told', async () => {
  w = await world();
  const cookie = await w.claim();
  const start = w.store.events.lastSeq();
  for (let i = 0; i < 300; i += 1) w.store.events.append(event(`a${i}`));
  const first = monitor(cookie, start);
  await first.until(() => first.lines.length >= 200);
  for (let i = 0; i < 50; i += 1) w.store.events.append(event(`b${i}`));
  await first.until(() => first.lines.length >= 350);
  first.socket.close();
  await first.closed;
  expect(first.lines.map((l) => l.seq)).toEqual(Array.from({ length: 350 }, (_, i) => start + 1 + i));
  expect(first.lines[0]).toMatchObject({ simulated: true, message: 'a0' });
  w.store.events.append(event('c'));
  const second = monitor(cookie, start + 349);
  await second.until(() => second.lines.length >= 2);
  expect(second.lines.map((l) => l.message)).toEqual(['b49', 'c']);
  second.socket.close();
});

test('events.follow over tRPC resumes after a broken connection without a gap or a double', async () => {
  w = await world();
  const cookie = await w.claim();
  class WithCookie extends WebSocket {
    constructor(url: string) {
      super(url, [], { headers: { cookie } });
      open.push(this);
    }
  }
  const open: WebSocket[] = [];
  // `ws` has the interface of the browser's WebSocket, which is what tRPC asks for
  const client = createWSClient({
    url: `ws://127.0.0.1:${w.port}/trpc`,
    WebSocket: WithCookie as unknown as typeof globalThis.WebSocket,
    retryDelayMs: () => 10,
  });
  const api = createTRPCClient<AppRouter>({ links: [wsLink({ client })] });
  const seen: number[] = [];
  let check = (): void => {};
  const until = (n: number) =>
    new Promise<void>((resolve) => {
      check = () => seen.length >= n && resolve();
      check();
    });
  const start = w.store.events.lastSeq();
  const subscription = api.events.follow.subscribe(
    { after: start },
    {
      onData: ({ id, data }) => {
        expect(id).toBe(String(data.seq));
        if (data.kind === 'event') seen.push(data.seq);
        check();
      },
    },
  );
  for (let i = 0; i < 20; i += 1) w.store.events.append(event(`a${i}`));
  await until(20);
  open[0]?.terminate();
  for (let i = 0; i < 20; i += 1) w.store.events.append(event(`b${i}`));
  await until(40);
  expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => start + 1 + i));
  expect(open.length).toBeGreaterThan(1);
  const answered = await api.system.info.query();
  expect(answered.simulated).toBe(true);
  await expect(api.session.login.mutate({ user: 'ada', password: 'x' })).rejects.toThrow();
  subscription.unsubscribe();
  await client.close();
});

test('while nothing happens there is a heartbeat', async () => {
  w = await world({ limits: { heartbeatMs: 20 } });
  const m = monitor(await w.claim());
  await m.until(() => m.lines.filter((l) => l.kind === 'heartbeat').length >= 3);
  m.socket.close();
});

test('an open connection does not outlive its session', async () => {
  w = await world();
  const cookie = await w.claim();
  const m = monitor(cookie);
  await m.opened;
  w.store.events.append(event('seen'));
  await m.until(() => m.lines.length >= 1);
  await w.ask({ method: 'DELETE', path: '/api/session', cookie });
  w.store.events.append(event('not for you'));
  expect((await m.closed).code).toBe(1008);
  expect(JSON.stringify(m.lines)).not.toContain('not for you');
});

test('a client that does not read is dropped, and told where to go on', async () => {
  w = await world({ limits: { backlog: 64 * 1024, slowMs: 400 } });
  const cookie = await w.claim();
  const start = w.store.events.lastSeq();
  const m = monitor(cookie, start);
  await m.opened;
  m.socket.pause();
  for (let i = 0; i < 400; i += 1) w.store.events.append(event('x'.repeat(50_000)));
  const dropped = () => w.ask({ path: '/api/system/health', cookie }).then((r) => r.json().followers === 0);
  while (!(await dropped())); // bounded by the time limit of the test
  m.socket.resume();
  await m.closed;
  expect(m.lines.length).toBeLessThan(400);
  const again = monitor(cookie, m.lines.at(-1)?.seq ?? start);
  await again.until(() => again.lines.some((l) => l.seq === w.store.events.lastSeq()));
  const seqs = [...m.lines, ...again.lines].flatMap((l) => (l.kind === 'dataset.created' ? [l.seq] : []));
  expect(seqs).toEqual(Array.from({ length: 400 }, (_, i) => start + 1 + i));
  again.socket.close();
});

test('who may not read events gets none', async () => {
  w = await world();
  const ada = await w.claim();
  const { token } = (
    await w.ask({ method: 'POST', path: '/api/access/tokens', cookie: ada, body: { name: 't', scopes: ['storage.read'] } })
  ).json();
  const status = await new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${w.port}/api/ws/monitor`, { headers: { authorization: `Bearer ${token}` } });
    socket.on('unexpected-response', (_q, res) => resolve(res.statusCode));
    socket.on('error', () => {});
  });
  expect(status).toBe(403);
});
