/** Through the door of the whole daemon on the simulated host: what a person does, as a client over HTTPS and WebSocket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Daemon, startDaemon } from '../daemon.ts';
import type { ObservedDataset } from '../domain/dataset/dataset.ts';
import type { Run } from '../domain/job.ts';
import type { Plan } from '../domain/plan/types.ts';
import { socketExecutor } from '../host/executor/client.ts';
import { type ExecServer, execServer } from '../host/executor/server.ts';
import { demoModel } from '../host/sim/seeds.ts';
import { simHost } from '../host/sim/sim.ts';
import { PASSWORD } from './testing/fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'dplane-daemon-'));
let daemon: Daemon;
let executor: ExecServer;
let url: URL;
let cookie = '';

type Reply = { status: number; cookie: string; text: string };
const https = (method: string, path: string, body?: object): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = { ...(text && { 'content-type': 'application/json' }), ...(cookie && { cookie, 'x-dplane': '1' }) };
    const req = request({ host: '127.0.0.1', port: url.port, method, path, headers, agent: false, rejectUnauthorized: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (c: Buffer) => chunks.push(c));
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, cookie: res.headers['set-cookie']?.[0] ?? '', text: Buffer.concat(chunks).toString() }),
      );
    });
    req.on('error', reject);
    req.end(text);
  });
/** The answer of a call that succeeds; its type is what the procedure declares. */
const get = async <T>(method: string, path: string, body?: object): Promise<T> => {
  const reply = await https(method, path, body);
  expect(reply.status, `${method} ${path} ${reply.text}`).toBe(200);
  return JSON.parse(reply.text) as T;
};

beforeAll(async () => {
  const host = simHost({ model: demoModel(), log: join(folder, 'host.log'), clock: Date.now });
  executor = execServer({ host, ledgerFolder: join(folder, 'exec'), clock: Date.now, log: () => {} });
  await executor.listen(join(folder, 'exec.sock'));
  daemon = await startDaemon({
    host,
    executor: socketExecutor(join(folder, 'exec.sock'), { timeoutMs: 60_000 }),
    config: { stateFolder: folder, port: 0, listen: '127.0.0.1', httpPort: null, localSocket: null, uiFolder: null },
    clock: Date.now,
    log: () => {},
  });
  url = new URL(daemon.url);
});
afterAll(async () => {
  await daemon.stop();
  await executor.close();
  rmSync(folder, { recursive: true, force: true });
});

const finished = async (run: Run): Promise<Run> => {
  for (;;) {
    const now = await get<Run>('GET', `/api/runs/${run.id}`); // until the time limit of the test
    if (now.state !== 'running') return now;
  }
};

test('claim over HTTPS: a cookie that no other host or plain connection gets', async () => {
  const reply = await https('POST', '/api/claim', { code: daemon.claimCode, user: 'ada', password: PASSWORD });
  expect(reply.status).toBe(200);
  expect(reply.cookie).toMatch(/^__Host-dplane=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  cookie = reply.cookie.split(';')[0] ?? '';
});

test('look around: pools, datasets, snapshots, shares, marked as simulated', async () => {
  const overview = await get<{ simulated: boolean; counts: Record<string, number>; pools: { meaning: string }[] }>('GET', '/api/overview');
  expect(overview.simulated).toBe(true);
  expect(overview.counts.pools).toBe(3);
  expect(overview.pools.map((p) => p.meaning).join()).toContain('the next failure loses it');
  expect((await get<{ total: number }>('GET', '/api/zfs/datasets')).total).toBe(overview.counts.datasets);
  const page = await get<{ total: number; rows: { createdAt: number }[] }>(
    'GET',
    '/api/zfs/snapshots?limit=50&sort=createdAt&descending=true',
  );
  expect(page.total).toBeGreaterThan(1_000);
  const times = page.rows.map((r) => r.createdAt);
  expect(times).toEqual([...times].sort((a, b) => b - a));
});

test('change something through a plan, see it happen, and see why it was allowed', async () => {
  const events: { kind: string; subject: string }[] = [];
  let created = (): void => {};
  const seen = new Promise<void>((resolve) => {
    created = resolve;
  });
  const socket = new WebSocket(`wss://127.0.0.1:${url.port}/api/ws/monitor`, { headers: { cookie }, rejectUnauthorized: false });
  await new Promise((resolve) => socket.on('open', resolve));
  const { pools } = await get<{ pools: { name: string; health: string }[] }>('GET', '/api/zfs/pools');
  const pool = pools.find((p) => p.health === 'ONLINE')?.name ?? '';
  const name = `${pool}/made-by-api`;
  socket.on('message', (data) => {
    events.push(JSON.parse(String(data)) as { kind: string; subject: string }); // what the server sends is JSON
    if (events.some((e) => e.kind === 'run.finished')) created();
  });
  const plan = await get<Plan>('POST', '/api/plans', {
    changes: [{ kind: 'dataset.create', dataset: { name, properties: { compression: 'zstd' } } }],
  });
  expect(plan.actions.map((a) => [a.verb, a.name, a.risk])).toEqual([['CREATE', name, 'safe']]);
  const run = await finished(await get<Run>('POST', '/api/gitops/apply', { digest: plan.digest }));
  expect(run.state).toBe('succeeded');
  await seen;
  socket.close();
  const { dataset } = await get<{ dataset: ObservedDataset }>('GET', `/api/zfs/datasets/${encodeURIComponent(name)}`);
  expect(dataset.properties.compression).toMatchObject({ value: 'zstd', source: 'local' });
  const { entries } = await get<{ entries: { action: string; reason: string }[] }>('GET', '/api/audit?limit=50');
  expect(entries.find((e) => e.action === 'plans.execute')?.reason).toBe('permission plan.apply of role admin');
  expect(await get('GET', '/api/system/audit/verify-chain')).toMatchObject({ intact: true, problem: null });
});

test('what destroys data waits for an approval that names it, and is used up by it', async () => {
  const { datasets } = await get<{ datasets: ObservedDataset[] }>('GET', '/api/zfs/datasets');
  const { pools } = await get<{ pools: { name: string; health: string }[] }>('GET', '/api/zfs/pools');
  const online = new Set(pools.filter((p) => p.health === 'ONLINE').map((p) => p.name));
  const { shares } = await get<{ shares: { spec: { dataset: string } }[] }>('GET', '/api/shares');
  const victim = datasets.find(
    (d) =>
      d.snapshots > 0 &&
      d.name.includes('/') &&
      online.has(d.name.split('/')[0] ?? '') &&
      !datasets.some((c) => c.name.startsWith(`${d.name}/`)) &&
      !shares.some((s) => s.spec.dataset === d.name) &&
      !datasets.some((c) => c.origin?.startsWith(`${d.name}@`)),
  );
  const name = victim?.name ?? '';
  const plan = await get<Plan>('POST', '/api/plans', { changes: [{ kind: 'dataset.destroy', name }] });
  const [action] = plan.actions;
  expect(action).toMatchObject({ verb: 'BLOCKED', risk: 'destructive', approval: 'required' });
  expect((await https('POST', '/api/gitops/apply', { digest: plan.digest })).status).toBe(423);
  const approve = (typed: string) => https('POST', '/api/gitops/approve', { digest: plan.digest, actionId: action?.id, typed });
  expect((await approve(`${name}x`)).status).toBe(400);
  expect((await approve(name)).status).toBe(200);
  const run = await finished(await get<Run>('POST', '/api/gitops/apply', { digest: plan.digest }));
  expect(run.state, run.account).toBe('succeeded');
  expect((await https('GET', `/api/zfs/datasets/${encodeURIComponent(name)}`)).status).toBe(404);
  // It is gone, so the plan that destroys it cannot be made again.
  expect((await https('POST', '/api/gitops/apply', { digest: plan.digest })).status).toBe(404);
});

test('a state file goes round: capture, plan of it is empty, a wrong one is told with line and column', async () => {
  const { yaml } = await get<{ yaml: string }>('POST', '/api/gitops/capture');
  const plan = await get<Plan>('POST', '/api/gitops/plan', { yaml });
  expect(plan.actions).toEqual([]);
  const { state } = await get<{ state: { digest: string } | null }>('GET', '/api/gitops/state');
  await get('PUT', '/api/gitops/state', { yaml, basedOn: state?.digest ?? null });
  expect((await get<Plan>('GET', '/api/gitops/plan')).actions).toEqual([]);
  const check = await get<{ ok: boolean; problems: { line: number; column: number }[] }>('POST', '/api/gitops/validate', {
    yaml: 'version: 1\npools: 7\n',
  });
  expect(check.ok).toBe(false);
  expect(check.problems[0]).toMatchObject({ line: 2 });
  expect((await https('PUT', '/api/gitops/state', { yaml, basedOn: 'a'.repeat(64) })).status).toBe(409);
});
