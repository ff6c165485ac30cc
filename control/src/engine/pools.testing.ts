/** For tests: the engine over a simulated host with a mirror `tank` of disks 0 and 1; 2 to 5 are free. Ends with the test. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach } from 'vitest';
import type { Run } from '../domain/job.ts';
import type { Plan } from '../domain/plan/types.ts';
import type { PoolChange, PoolMove } from '../domain/plan/pool-change.ts';
import { orThrow } from '../domain/refusal.ts';
import type { Actor } from '../domain/user/user.ts';
import { socketExecutor } from '../host/executor/client.ts';
import { execServer } from '../host/executor/server.ts';
import { emptyModel } from '../host/sim/seeds.ts';
import { simHost } from '../host/sim/sim.ts';
import { openStore } from '../store/store.ts';
import { createEngine } from './create.ts';

export const ADA: Actor = { kind: 'user', name: 'ada', via: 'test' };
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const c of cleanups.splice(0).reverse()) await c();
});

export const stage = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dplaneos-pools-'));
  let now = Date.UTC(2026, 10, 20, 12);
  const clock = (): number => {
    now += 1;
    return now;
  };
  const host = simHost({ model: emptyModel(6), clock });
  const path = (n: number): string => `/dev/disk/by-id/${host.world.model.disks[n + 1]?.links[0]}`; // 0 is the system's
  const label = (n: number): string => path(n).split('/').at(-1) ?? '';
  const sh = async (...argv: string[]): Promise<void> => {
    const r = await host.run(argv, { timeoutMs: 10_000 });
    if (r.exit !== 0) throw new Error(r.stderr);
  };
  await sh('zpool', 'create', '-o', 'ashift=12', '-O', 'mountpoint=/mnt/tank', 'tank', 'mirror', path(0), path(1));
  const server = execServer({ host, ledgerFolder: join(folder, 'exec'), clock, log: () => undefined });
  const socket = join(folder, 's');
  await server.listen(socket);
  const store = openStore({ path: join(folder, 'db'), auditKey: randomBytes(32), sealPath: join(folder, 'seal'), clock });
  const { engine, scheduler } = createEngine({
    host,
    executor: socketExecutor(socket, { timeoutMs: 60_000 }),
    store,
    clock,
    random: randomBytes,
    preUpgradeFolder: join(folder, 'pre-upgrade'),
    backupFolder: join(folder, 'backup'),
    log: () => undefined,
    pause: async (ms) => void (await pause(ms)),
  });
  cleanups.push(async () => {
    await engine.stop();
    store.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await engine.observe(0);
  const later = async (ms: number): Promise<void> => {
    now += ms;
    await scheduler.runDue();
  };
  const plan = async (...changes: PoolChange[]): Promise<Plan> => orThrow(await engine.planChange(ADA, changes));
  const move = async (...changes: PoolMove[]): Promise<Plan> => orThrow(await engine.planChange(ADA, changes));
  const why = async (...changes: PoolChange[]): Promise<string> => {
    const r = await engine.planChange(ADA, changes);
    return r.ok ? `planned: ${r.value.actions.map((a) => `${a.id} ${a.approval}`).join(', ')}` : r.refusal.why;
  };
  const apply = async (p: Plan): Promise<Run> => await orThrow(await engine.apply(ADA, p.digest)).settled;
  const approve = async (p: Plan): Promise<void> => {
    for (const a of p.actions.filter((x) => x.approval === 'required')) orThrow(await engine.approve(ADA, p.digest, a.id, a.name));
  };
  const pool = async (name = 'tank') => (await engine.observe(0)).observed.pools.find((p) => p.name === name);
  const open = (): string[] => engine.alerts().map((a) => `${a.kind} ${a.subject}`);
  const told = (): string[] => store.events.before(null, 50).map((e) => e.kind);
  return { engine, scheduler, store, host, sh, path, label, later, plan, move, why, apply, approve, pool, open, told };
};
