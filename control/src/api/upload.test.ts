/** Sending an update through the door: the whole daemon on the simulated host, whose time this test moves. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { Agent, type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterAll, afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Daemon, startDaemon } from '../daemon.ts';
import type { UpdateView } from '../domain/update/update.ts';
import { socketExecutor } from '../host/executor/client.ts';
import { execServer } from '../host/executor/server.ts';
import { demoModel } from '../host/sim/seeds.ts';
import { simHost } from '../host/sim/sim.ts';
import { ask, cookieOf, PASSWORD, type Reply } from './testing/fixture.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const c of cleanups.splice(0).reverse()) await c();
});

type Box = { port: number; cookie: string; folder: string; later: (ms: number) => void; view: () => Promise<UpdateView>; daemon: Daemon };
const box = async (wrap: (h: ReturnType<typeof simHost>) => ReturnType<typeof simHost> = (h) => h): Promise<Box> => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-upload-'));
  let ahead = 0;
  const clock = (): number => Date.now() + ahead;
  const host = wrap(simHost({ model: demoModel(), clock }));
  const executor = execServer({ host, ledgerFolder: join(folder, 'exec'), clock, log: () => {} });
  await executor.listen(join(folder, 'exec.sock'));
  // a port of its own: plain HTTP on loopback
  const port = 20_000 + (randomBytes(2).readUInt16BE() % 20_000);
  const daemon = await startDaemon({
    host,
    executor: socketExecutor(join(folder, 'exec.sock'), { timeoutMs: 60_000 }),
    config: { stateFolder: folder, port: 0, listen: '127.0.0.1', httpPort: port, localSocket: null, uiFolder: null },
    clock,
    log: () => {},
  });
  cleanups.push(async () => {
    await daemon.stop();
    await executor.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const claimed = await ask(port, {
    method: 'POST',
    path: '/api/claim',
    body: { code: daemon.claimCode, user: 'ada', password: PASSWORD },
  });
  const cookie = cookieOf(claimed);
  return {
    port,
    cookie,
    folder,
    daemon,
    later: (ms) => {
      ahead += ms;
    },
    view: async () => (await ask(port, { path: '/api/updates', cookie })).json() as unknown as UpdateView, // as declared
  };
};

/** As browsers do: the connection stays, so an answer that comes before the end of the body can be read. */
const agent = new Agent({ keepAlive: true });
afterAll(() => agent.destroy());

type Sent = { req: ClientRequest; reply: Promise<Reply> };
/** A request whose body is written by the test. */
const put = (b: Box, length: number | null, more: Record<string, string> = {}, name = 'dplaneos-0.2.0.dpb'): Sent => {
  const req = request({
    port: b.port,
    host: '127.0.0.1',
    method: 'PUT',
    path: `/api/updates/bundle?name=${name}`,
    agent,
    headers: {
      cookie: b.cookie,
      'x-dplane': '1',
      ...(length === null ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(length) }),
      ...more,
    },
  });
  const reply = new Promise<Reply>((resolve, reject) => {
    req.on('response', (res) => {
      const parts: Buffer[] = [];
      res.on('data', (c: Buffer) => parts.push(c));
      res.on('end', () => {
        const text = Buffer.concat(parts).toString();
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: () => JSON.parse(text) as Record<string, unknown> });
      });
    });
    req.on('error', reject);
  });
  reply.catch(() => {});
  return { req, reply };
};
/** Asks until it is so; the time limit of the test is the only one. */
const until = async <T>(look: () => Promise<T>, good: (v: T) => boolean): Promise<T> => {
  for (;;) {
    const v = await look();
    if (good(v)) return v;
    await new Promise((resolve) => setImmediate(resolve));
  }
};

test('a bundle is handed over as it comes, and the apply goes on after the answer', async () => {
  const b = await box();
  const size = 24 * 1024 * 1024;
  const sent = put(b, size);
  for (let i = 0; i < 24; i += 1) sent.req.write(Buffer.alloc(1024 * 1024, i));
  sent.req.end();
  const reply = await sent.reply;
  expect(reply.status, reply.text).toBe(200);
  const { id } = reply.json();
  const after = await b.view();
  expect(after.progress).toMatchObject({ id, source: { kind: 'upload', size, name: 'dplaneos-0.2.0.dpb' } });
  b.later(2_000);
  const staged = await until(b.view, (v) => v.progress?.phase === 'staged');
  expect(staged.slots).toMatchObject({ slots: [{}, { state: 'staged', next: true, system: { version: '0.2.0' } }] });
  const snapshots = async () =>
    (await ask(b.port, { path: '/api/nixos/pre-upgrade-snapshots', cookie: b.cookie })).json() as unknown as {
      rows: { dataset: string; tag: string }[];
    };
  const taken = await until(snapshots, (s) => s.rows.length === 3);
  expect(taken.rows.map((s) => s.dataset).sort()).toEqual(['backup', 'fast', 'tank']);
  expect(taken.rows[0]?.tag).toMatch(/^pre-upgrade-\d{8}-\d{6}$/);
  // the database was copied before, with the seal of its audit log
  const copies = readdirSync(join(b.folder, 'pre-upgrade'));
  expect(copies.filter((n) => n.endsWith('.db'))).toHaveLength(1);
  expect(copies.filter((n) => n.endsWith('.db.seal'))).toHaveLength(1);
});

test('one that breaks off ends the apply with a refusal', async () => {
  const b = await box();
  const sent = put(b, 50_000_000);
  sent.req.write(Buffer.alloc(1_000_000));
  await until(b.view, (v) => v.progress?.phase === 'writing');
  sent.req.destroy();
  const ended = await until(b.view, (v) => v.progress?.phase === 'failed' && !v.running);
  expect(ended.progress?.refusal?.why).toMatch(/broke off/);
  expect(ended.whyNo.install).toBeNull();
});

test('what the updater refuses is answered in its words, before the rest was sent', async () => {
  const b = await box();
  const sent = put(b, 500_000_000, {}, 'tampered.dpb');
  sent.req.write(Buffer.alloc(200_000));
  const waiting = sent.reply;
  const pump = setInterval(() => sent.req.write(Buffer.alloc(100_000)), 5);
  const reply = await waiting.finally(() => clearInterval(pump));
  sent.req.destroy();
  expect(reply.status).toBe(422);
  expect(reply.json()).toMatchObject({ code: 'blocked', why: expect.stringContaining('signature') });
});

test('its size has to be told, and to be one that can be', async () => {
  const b = await box();
  const chunked = put(b, null);
  chunked.req.end('x');
  expect((await chunked.reply).json()).toMatchObject({ code: 'invalid', why: expect.stringContaining('size') });
  const large = put(b, 17 * 1024 ** 3);
  large.req.flushHeaders();
  expect((await large.reply).status).toBe(413);
  large.req.destroy();
  const empty = put(b, 0);
  empty.req.end();
  expect((await empty.reply).status).toBe(400);
  expect((await b.view()).progress).toBeNull();
});

test('only who may update the system, and not by another site', async () => {
  const b = await box();
  const tell = async (headers: Record<string, string>): Promise<number> => {
    const sent = put(b, 10, headers);
    sent.req.end('0123456789');
    return (await sent.reply).status;
  };
  expect(await tell({ cookie: '' })).toBe(401);
  expect(await tell({ 'x-dplane': '0' })).toBe(403);
  expect(await tell({ origin: 'https://evil.example' })).toBe(403);
  const made = await ask(b.port, {
    method: 'POST',
    path: '/api/access/tokens',
    cookie: b.cookie,
    body: { name: 't', scopes: ['system.read', 'system.restart'] },
  });
  expect(await tell({ cookie: '', authorization: `Bearer ${String(made.json().token)}` })).toBe(403);
  expect((await b.view()).progress).toBeNull();
  expect((await ask(b.port, { path: '/api/updates/bundle', cookie: b.cookie })).status).toBe(405);
});

test('the sender waits while the updater does: nothing piles up here', async () => {
  const held: (() => void)[] = [];
  let slow = true;
  let came = 0;
  const b = await box((h) => ({
    ...h,
    connect: async (path) => {
      const real = await h.connect(path);
      if (real === null) return null;
      return new Duplex({
        read: () => {},
        write: (chunk: Buffer, _e, taken) => {
          came += chunk.length;
          const go = (): void => void real.write(chunk, taken);
          if (slow) held.push(go);
          else go();
        },
        final: (taken) => void real.end(taken),
      });
    },
  }));
  const size = 96 * 1024 * 1024;
  const sent = put(b, size);
  let written = 0;
  const part = Buffer.alloc(1024 * 1024);
  const feed = (): void => {
    while (written < size) {
      written += part.length;
      if (!sent.req.write(part)) {
        sent.req.once('drain', feed);
        return;
      }
    }
    sent.req.end();
  };
  feed();
  await until(
    async () => held.length,
    (n) => n > 0,
  );
  // what the sockets of both sides hold, and no more, however long it waits
  for (let i = 0; i < 50; i += 1) await b.view();
  expect(came).toBeLessThan(1024 * 1024);
  expect(written).toBeLessThan(size / 2);
  slow = false;
  for (const go of held.splice(0)) go();
  expect((await sent.reply).status).toBe(200);
  expect(came).toBe(size);
});

test('an update can be watched: the state at once, again while it goes on, and not beyond the session', async () => {
  const b = await box();
  const socket = new WebSocket(`ws://127.0.0.1:${b.port}/trpc`, { headers: { cookie: b.cookie, origin: `http://127.0.0.1:${b.port}` } });
  cleanups.push(() => socket.terminate());
  await new Promise((resolve) => socket.on('open', resolve));
  type Message = { error?: { data: object }; result?: { type: string; data?: UpdateView } };
  const heard: Message[] = [];
  socket.on('message', (data) => heard.push(JSON.parse(String(data)) as Message)); // what the server sends is JSON
  socket.send(JSON.stringify({ id: 1, method: 'subscription', params: { path: 'updates.watch' } }));
  const phases = (): (string | undefined)[] => heard.flatMap((m) => (m.result?.data ? [m.result.data.progress?.phase] : []));
  const heardOf = (phase: string | undefined): Promise<unknown> =>
    until(
      async () => phases(),
      (p) => p.includes(phase),
    );
  await heardOf(undefined);
  await ask(b.port, {
    method: 'POST',
    path: '/api/updates/install',
    cookie: b.cookie,
    body: { url: 'https://example.org/dplaneos-0.2.0' },
  });
  await heardOf('waiting');
  b.later(3_000);
  await heardOf('writing');
  b.later(10_000);
  await heardOf('staged');
  // only the newest counts: at most two a second, however fast the updater writes
  expect(phases().length).toBeLessThan(20);
  // the session ends while the next one is watched
  await ask(b.port, { method: 'POST', path: '/api/updates/install', cookie: b.cookie, body: { url: 'https://example.org/slow' } });
  await ask(b.port, { method: 'DELETE', path: '/api/session', cookie: b.cookie });
  b.later(5_000);
  const refused = await until(
    async () => heard.find((m) => m.error !== undefined),
    (m) => m !== undefined,
  );
  expect(refused?.error?.data).toMatchObject({ httpStatus: 401, problem: { code: 'unauthenticated' } });
});
