/** Heartbeats, the guardian of full pools, and pools that hang: the engine over the simulated host, with the executor behind its real socket. */
import { expect, test } from 'vitest';
import { ownMountpoint } from '../domain/pool/own.ts';
import { demoModel } from '../host/sim/seeds.ts';
import { ADA, engineOn } from './stage.testing.ts';

const MiB = 1024 ** 2;
const stage = async () => {
  const { host, store, engine, scheduler, clock, skip } = await engineOn(demoModel(), { passes: true });
  /** Everything that is due after so long. */
  const after = async (ms: number): Promise<void> => {
    skip(ms);
    await scheduler.runDue();
  };
  const wait = (ms: number): void => {
    skip(ms);
  };
  const state = (pool: string) => engine.heartbeats.list().find((h) => h.pool === pool)?.state;
  const until = async (pool: string, wanted: string, ms = 2_500): Promise<void> =>
    expect
      .poll(
        async () => {
          await after(ms);
          return state(pool);
        },
        { timeout: 20_000, interval: 20 },
      )
      .toBe(wanted);
  const events = (kind: string) => store.events.before(null, 500).filter((e) => e.kind === kind);
  const alerts = (kind: string) => engine.alerts().filter((a) => a.kind === kind);
  await engine.observe(0);
  return { engine, store, host, scheduler, after, wait, until, state, events, alerts, clock };
};

test('each writable pool gets a heartbeat, and nobody sees where it writes', async () => {
  const s = await stage();
  for (const pool of ['tank', 'fast', 'backup']) await s.until(pool, 'beating');
  const own = s.host.world.dataset('tank/.dplane');
  expect(own).toMatchObject({ mounted: true, local: { mountpoint: ownMountpoint('tank'), primarycache: 'none', canmount: 'on' } });
  const { observed } = await s.engine.observe(0);
  expect(observed.datasets.filter((d) => d.name.includes('.dplane'))).toEqual([]);
  await s.engine.refreshSnapshots();
  await s.host.run(['zfs', 'snapshot', '-r', 'tank@all'], { timeoutMs: 1_000 });
  await s.engine.refreshSnapshots();
  expect(s.store.snapshots.page({ offset: 0, limit: 1000, text: '.dplane' }).total).toBe(0);
  // begun once, not again and again
  const begun = s.host.ran.filter((a) => a.join(' ') === 'systemctl start dplane-heartbeat@tank.service').length;
  for (let i = 0; i < 5; i += 1) await s.after(30_000);
  expect(s.host.ran.filter((a) => a.join(' ') === 'systemctl start dplane-heartbeat@tank.service')).toHaveLength(begun);
  const refused = await s.engine.planChange(ADA, [{ kind: 'dataset.destroy', name: 'tank/.dplane' }]);
  expect(refused).toMatchObject({ ok: false });
});

test('a pool that hangs: stuck within its limit, alert, event, and what runs on it is stopped; the others beat on; all is over when it answers', {
  timeout: 40_000,
}, async () => {
  const s = await stage();
  for (const pool of ['tank', 'fast', 'backup']) await s.until(pool, 'beating');
  const free = s.host.hangPool('tank');
  const from = s.clock();
  await s.until('tank', 'stuck');
  // the next beat begins within 30 s, and has 30 s
  expect(s.clock() - from).toBeLessThan(75_000);
  expect([s.state('fast'), s.state('backup')]).toEqual(['beating', 'beating']);
  expect(s.alerts('pool.heartbeat')).toMatchObject([{ subject: 'pool:tank', severity: 'critical' }]);
  expect(s.events('pool.heartbeat-changed').map((e) => [e.subject, e.data.to])).toEqual([['pool:tank', 'stuck']]);
  await expect.poll(() => s.host.world.model.failed).toEqual(['tank']);
  const active = await s.host.run(['systemctl', 'is-active', 'dplane-pool-failed@tank.target'], { timeoutMs: 1_000 });
  expect(active.stdout).toBe('active\n');
  // nothing piles up: nobody asks it to begin again
  const asked = s.host.ran.filter((a) => a[0] === 'systemctl' && a[1] === 'start').length;
  for (let i = 0; i < 4; i += 1) await s.after(30_000);
  expect(s.host.ran.filter((a) => a[0] === 'systemctl' && a[1] === 'start')).toHaveLength(asked);
  free();
  await s.until('tank', 'beating');
  expect(s.alerts('pool.heartbeat')).toEqual([]);
  await expect
    .poll(
      async () => {
        await s.after(2_500);
        return s.host.world.model.failed;
      },
      { timeout: 15_000 },
    )
    .toEqual([]);
  const said = () =>
    s.store.audit
      .page(null, 50)
      .filter((e) => e.action === 'pool.fail')
      .map((e) => e.detail.operation);
  await expect.poll(said, { timeout: 15_000 }).toMatchObject([{ failed: false }, { failed: true }]);
});

test('a suspended pool is told at once, a slow one after two slow beats', async () => {
  const s = await stage();
  for (const pool of ['tank', 'fast', 'backup']) await s.until(pool, 'beating');
  s.host.happen({ kind: 'suspend', pool: 'fast', on: true });
  await s.after(2_500);
  expect(s.state('fast')).toBe('suspended');
  expect(s.alerts('pool.heartbeat')[0]?.message).toContain('dplane pool clear fast');
  s.host.happen({ kind: 'suspend', pool: 'fast', on: false });
  await s.until('fast', 'beating');
  s.host.slowPool('backup', 8_000);
  await s.until('backup', 'slow', 5_000);
  expect(s.alerts('pool.heartbeat')).toMatchObject([{ subject: 'pool:backup', severity: 'warning' }]);
  expect(s.host.world.model.failed ?? []).toEqual([]);
}, 30_000);

test('it can be switched off, stays off, and comes back', { timeout: 40_000 }, async () => {
  const s = await stage();
  await s.until('tank', 'beating');
  expect(s.engine.heartbeats.set('tank', { on: false, limit: 30_000 }, ADA)).toMatchObject({ ok: true });
  await expect
    .poll(
      async () => {
        await s.after(2_500);
        return Object.keys(s.host.world.model.beating ?? {}).includes('tank');
      },
      { timeout: 15_000 },
    )
    .toBe(false);
  expect(s.state('tank')).toBe('off');
  s.engine.heartbeats.set('tank', { on: true, limit: 60_000 }, ADA);
  await s.until('tank', 'beating');
  expect(s.engine.heartbeats.set('none', { on: true, limit: 30_000 }, ADA)).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
});

test('a pool that hangs holds up no observation of the others', async () => {
  const s = await stage();
  await s.engine.observe(0);
  s.host.hangPool('tank');
  // told first, after a short wait; from then on it is hardly waited for
  await s.engine.observe(0);
  await s.host.run(['zfs', 'create', 'fast/fresh'], { timeoutMs: 1_000 });
  const { observed } = await s.engine.observe(0);
  expect(observed.datasets.some((d) => d.name === 'fast/fresh')).toBe(true);
  expect(observed.stuck).toMatchObject([{ pool: 'tank', problem: { code: 'busy' } }]);
  // one question to it is under way, however often one looks
  for (let i = 0; i < 4; i += 1) await s.engine.observe(0);
  expect(s.host.ran.filter((a) => a[0] === 'zpool' && a[1] === 'status' && a.includes('tank')).length).toBeLessThanOrEqual(3);
});

test('a pool fills up: told at each threshold, its reserve is given free at 95 %, and offered again when there is room', {
  timeout: 40_000,
}, async () => {
  const s = await stage();
  const space = () => s.engine.guardian.list().find((p) => p.pool === 'fast');
  await s.after(31_000);
  const made = await s.engine.guardian.reserve('fast', 512 * MiB, ADA);
  expect(made).toMatchObject({ ok: true, value: { reserve: { bytes: 512 * MiB } } });
  const before = space();
  const total = before?.total ?? 0;
  const fill = async (share: number): Promise<void> => {
    s.host.happen({ kind: 'file', path: '/mnt/fast/filler', size: null });
    await s.engine.observe(0);
    await s.after(31_000);
    const { used } = space() ?? { used: 0 };
    s.host.happen({ kind: 'file', path: '/mnt/fast/filler', size: Math.max(0, Math.ceil(total * share) - used) });
    await s.after(31_000);
  };
  await fill(0.82);
  expect(space()?.level).toBe('filling');
  expect(s.alerts('pool.capacity')).toMatchObject([{ subject: 'pool:fast', severity: 'warning' }]);
  await fill(0.96);
  expect(space()).toMatchObject({ level: 'full', reserve: { bytes: 0, released: { bytes: 512 * MiB }, offered: false } });
  expect(s.host.world.dataset('fast/.dplane')?.local.refreservation).toBe(String(MiB));
  expect(s.alerts('pool.capacity')).toMatchObject([{ severity: 'critical', message: expect.stringContaining('given free') as string }]);
  expect(s.events('pool.reserve-changed').map((e) => e.actor)).toEqual(['dplaned', 'ada']);
  // at once again would be given free again
  expect(await s.engine.guardian.reserve('fast', 512 * MiB, ADA)).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
  s.host.happen({ kind: 'file', path: '/mnt/fast/filler', size: null });
  await s.after(31_000);
  expect(space()).toMatchObject({ level: 'fine', reserve: { offered: true } });
  expect(s.alerts('pool.capacity')).toEqual([]);
  expect(await s.engine.guardian.reserve('fast', undefined, ADA)).toMatchObject({
    ok: true,
    value: { reserve: { released: null, offered: false } },
  });
  expect(await s.engine.guardian.release('fast', ADA)).toMatchObject({ ok: true, value: { reserve: { bytes: 0 } } });
  expect(await s.engine.guardian.release('fast', ADA)).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
});

test('what the disks do is read while somebody watches', async () => {
  const s = await stage();
  const now = await s.engine.io.now();
  const tank = now?.pools.find((p) => p.pool === 'tank');
  expect(tank?.disks.length).toBeGreaterThan(2);
  expect(tank?.rates.readBytes).toBeGreaterThan(0);
  expect(tank?.rates.readLatency).toBeGreaterThan(0);
  const sum = tank?.disks.reduce((n, d) => n + d.rates.writtenBytes, 0) ?? 0;
  expect(tank?.rates.writtenBytes).toBeCloseTo(sum, 3);
  const got: number[] = [];
  const stop = s.engine.io.watch((x) => got.push(x.at));
  await expect.poll(() => got.length, { timeout: 8_000 }).toBeGreaterThan(1);
  stop();
  const ran = s.host.ran.length;
  s.host.hangPool('tank');
  s.wait(1_000);
  await s.engine.io.now();
  s.wait(1_000);
  const hung = await s.engine.io.now();
  expect(hung?.pools.find((p) => p.pool === 'tank')?.rates.writes).toBe(0);
  expect(hung?.pools.find((p) => p.pool === 'fast')?.rates.writes).toBeGreaterThan(0);
  // no process a reading
  expect(s.host.ran.length).toBe(ran);
}, 20_000);
