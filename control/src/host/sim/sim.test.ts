import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { SimModel, World } from './model.ts';
import { bigModel, demoModel, emptyModel } from './seeds.ts';
import { type SimOptions, simHost } from './sim.ts';

const folder = mkdtempSync(join(tmpdir(), 'dplane-sim-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ticking = (): (() => number) => {
  let now = Date.UTC(2026, 10, 20, 18);
  return () => {
    now += 250;
    return now;
  };
};
const small = (): SimModel => bigModel({ datasets: 6, snapshots: 8, shares: 2 });
const o = { timeoutMs: 5_000 };

/** What holds of every machine, whatever was done to it. */
const soundness = (w: World): string[] => {
  const wrong: string[] = [];
  const names = w.model.datasets.map((d) => d.name);
  if (new Set(names).size !== names.length) wrong.push('two datasets of one name');
  const guids = w.model.datasets.flatMap((d) => [d.guid, ...d.snapshots.map((s) => s.guid)]);
  if (new Set(guids).size !== guids.length) wrong.push('two things of one guid');
  for (const d of w.model.datasets) {
    const cut = d.name.lastIndexOf('/');
    if (cut > 0 && w.dataset(d.name.slice(0, cut))?.kind !== 'filesystem') wrong.push(`${d.name} has no parent`);
    if (cut < 0 && w.pool(d.name) === undefined) wrong.push(`${d.name} has no pool`);
    if (d.origin !== null && w.snapshot(d.origin) === undefined) wrong.push(`${d.name} has lost its origin`);
    if (d.snapshots.some((s, i) => i > 0 && s.txg < (d.snapshots[i - 1]?.txg ?? 0))) wrong.push(`${d.name}: snapshots out of order`);
    if (new Set(d.snapshots.map((s) => s.tag)).size !== d.snapshots.length) wrong.push(`${d.name}: two snapshots of one name`);
    const a = w.account(d);
    const below = w.model.datasets.filter((c) => c.name.startsWith(`${d.name}/`) && !c.name.slice(d.name.length + 1).includes('/'));
    if (a.used < below.reduce((n, c) => n + w.account(c).used, 0)) wrong.push(`${d.name} uses less than what is in it`);
    if (a.available < 0 || a.used < 0) wrong.push(`${d.name} has negative space`);
    if (d.mounted && d.kind === 'volume') wrong.push(`${d.name} is a mounted volume`);
  }
  return wrong;
};

const name = fc.constantFrom(
  'big',
  'big/group-0000',
  'big/group-0000/set-00002',
  'big/a',
  'big/a/b',
  'big/c',
  'big/vol',
  'nosuch/x',
  'big/bad name/',
  'big/../x',
);
const tag = fc.constantFrom('s1', 's2', 's3', 'GMT-2026.11.20-18.00.00');
const snap = fc.tuple(name, tag).map(([n, t]) => `${n}@${t}`);
const prop = fc.constantFrom(
  'quota=10G',
  'quota=none',
  'quota=1M',
  'compression=zstd',
  'compression=x',
  'recordsize=1M',
  'recordsize=3K',
  'readonly=on',
  'readonly=off',
  'mountpoint=/mnt/other',
  'canmount=off',
  'reservation=5G',
  'volsize=32M',
  'refquota=1G',
  'org.x:y=z',
);
const command = fc.oneof(
  name.map((n) => ['zfs', 'create', n]),
  name.map((n) => ['zfs', 'create', '-p', `${n}/deep/er`]),
  name.map((n) => ['zfs', 'create', '-V', '16M', n]),
  fc.tuple(prop, name).map(([p, n]) => ['zfs', 'set', p, n]),
  fc.tuple(fc.constantFrom('compression', 'quota', 'mountpoint', 'recordsize'), name).map(([p, n]) => ['zfs', 'inherit', p, n]),
  fc.tuple(name, name).map(([a, b]) => ['zfs', 'rename', a, b]),
  snap.map((s) => ['zfs', 'snapshot', s]),
  snap.map((s) => ['zfs', 'snapshot', '-r', s]),
  snap.map((s) => ['zfs', 'destroy', s]),
  name.map((n) => ['zfs', 'destroy', n]),
  name.map((n) => ['zfs', 'destroy', '-r', n]),
  snap.map((s) => ['zfs', 'hold', 'keep', s]),
  snap.map((s) => ['zfs', 'release', 'keep', s]),
  snap.map((s) => ['zfs', 'rollback', '-r', s]),
  fc.tuple(snap, name).map(([s, n]) => ['zfs', 'clone', s, n]),
  name.map((n) => ['zfs', 'promote', n]),
  name.map((n) => ['zfs', 'mount', n]),
  name.map((n) => ['zfs', 'unmount', n]),
  fc.constantFrom(
    ['zpool', 'scrub', 'big'],
    ['zpool', 'scrub', '-p', 'big'],
    ['zpool', 'scrub', '-s', 'big'],
    ['zpool', 'set', 'comment=x', 'big'],
    ['zpool', 'clear', 'big'],
  ),
);

describe('whatever is done to it', () => {
  test('it stays sound; a refusal changes nothing; the same history gives the same machine, replayed as well', async () => {
    let runs = 0;
    let changes = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 25, maxLength: 40 }), async (commands) => {
        runs += 1;
        const log = join(folder, `log-${runs}`);
        const options = (): SimOptions => ({ model: small(), clock: ticking() });
        const first = simHost({ ...options(), log });
        const second = simHost(options());
        for (const argv of commands) {
          const before = JSON.stringify(first.world.model);
          const a = await first.run(argv, o);
          const b = await second.run(argv, o);
          expect(b).toEqual(a);
          if (a.exit === 0) changes += 1;
          else expect(JSON.stringify(first.world.model), argv.join(' ')).toBe(before);
          expect(soundness(first.world), argv.join(' ')).toEqual([]);
        }
        const list = ['zfs', 'list', '-j', '-p', '-o', 'name,guid,used,available,mounted,mountpoint,compression,quota', '-t', 'all'];
        const now = (await first.run(list, o)).stdout;
        first.close();
        const again = simHost({ ...options(), log });
        expect((await again.run(list, o)).stdout).toBe(now);
        again.close();
      }),
      { numRuns: 40 },
    );
    expect(changes).toBeGreaterThan(200);
  });
});

describe('its log', () => {
  test('a change is kept before it is answered; a torn last line was never answered', async () => {
    const log = join(folder, 'torn');
    const first = simHost({ model: small(), clock: ticking(), log });
    await first.run(['zfs', 'create', 'big/kept'], o);
    await first.writeText('/mnt/big/kept/note', 'text', 0o644);
    await first.writeText('/etc/samba/dplaneos.conf', '# x', 0o644);
    first.happen({ kind: 'connect', session: { user: 'u', machine: 'm', address: '10.0.0.1', share: 's', files: [], connectedAt: 0 } });
    // not closed, as after kill -9
    expect(readFileSync(log, 'utf8').split('\n')).toHaveLength(5);
    appendFileSync(log, '{"at":1,"argv":["zfs","destroy","big/ke');
    const second = simHost({ model: small(), clock: ticking(), log });
    expect((await second.run(['zfs', 'list', '-H', '-o', 'name', 'big/kept'], o)).stdout).toBe('big/kept\n');
    expect(await second.readText('/mnt/big/kept/note')).toBe('text');
    expect(await second.readText('/etc/samba/dplaneos.conf')).toBe('# x');
    expect(second.world.model.sessions).toHaveLength(1);
    expect((await second.run(['zfs', 'create', 'big/after'], o)).exit).toBe(0);
    const third = simHost({ model: small(), clock: ticking(), log });
    expect(third.world.dataset('big/after')?.guid).toBe(second.world.dataset('big/after')?.guid);
    for (const h of [first, second, third]) h.close();
  });
});

describe('files and space', () => {
  test('what is in a dataset is seen at its mount point, and nowhere when it is not mounted', async () => {
    const host = simHost({ model: demoModel(), clock: ticking() });
    await host.run(['zfs', 'create', 'tank/new'], o);
    expect(await host.list('/mnt/tank/new')).toEqual([]);
    await host.writeText('/mnt/tank/new/a/b.txt', 'hello', 0o644);
    expect(await host.list('/mnt/tank/new')).toEqual(['a']);
    expect(await host.list('/mnt/tank/new/a')).toEqual(['b.txt']);
    expect(await host.readText('/mnt/tank/new/a/b.txt')).toBe('hello');
    await host.run(['zfs', 'rename', 'tank/new', 'tank/renamed'], o);
    expect(await host.readText('/mnt/tank/renamed/a/b.txt')).toBe('hello');
    expect(await host.list('/mnt/tank/new')).toBeNull();
    await host.run(['zfs', 'set', 'readonly=on', 'tank/renamed'], o);
    await expect(host.writeText('/mnt/tank/renamed/x', 'y', 0o644)).rejects.toMatchObject({ code: 'EROFS' });
    expect(await host.readText('/proc/self/mounts')).toContain('tank/renamed /mnt/tank/renamed zfs ro,');
    await host.run(['zfs', 'unmount', 'tank/renamed'], o);
    expect(await host.readText('/mnt/tank/renamed/a/b.txt')).toBeNull();
  });
  test('a full pool refuses in the words of a full pool', async () => {
    const host = simHost({ model: demoModel(), clock: ticking() });
    const empty = host.fillPool('fast');
    await expect(host.writeText('/mnt/fast/scratch/x', 'y', 0o644)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await host.run(['zfs', 'create', 'fast/more'], o)).toMatchObject({
      exit: 1,
      stderr: "cannot create 'fast/more': out of space\n",
    });
    empty();
    expect((await host.run(['zfs', 'create', 'fast/more'], o)).exit).toBe(0);
  });
});

describe('faults', () => {
  test('slow, hanging, missing, failing, a number of times', async () => {
    const host = simHost({ model: small(), clock: ticking() });
    host.fault({ match: ['zfs', 'list'], kind: 'exit', exit: 1, stderr: 'no\n', times: 1 });
    expect(await host.run(['zfs', 'list', '-H'], o)).toMatchObject({ exit: 1, stderr: 'no\n' });
    expect((await host.run(['zfs', 'list', '-H'], o)).exit).toBe(0);
    const gone = host.fault({ match: /^zpool/, kind: 'missing' });
    expect((await host.run(['zpool', 'list'], o)).failure).toBe('missing');
    gone();
    host.hangPool('big');
    expect((await host.run(['zfs', 'list', 'big/group-0000'], { timeoutMs: 50 })).failure).toBe('timeout');
    const stop = new AbortController();
    const hanging = host.run(['zfs', 'list', 'big'], { timeoutMs: 60_000, signal: stop.signal });
    stop.abort();
    expect((await hanging).failure).toBe('aborted');
    expect((await host.run(['zpool', 'list', '-H'], o)).exit).toBe(0);
  });
  test('a suspended pool changes nothing and says why', async () => {
    const host = simHost({ model: small(), clock: ticking() });
    host.happen({ kind: 'suspend', pool: 'big', on: true });
    expect(await host.run(['zfs', 'create', 'big/x'], o)).toMatchObject({
      exit: 1,
      stderr: "cannot create 'big/x': pool I/O is currently suspended\n",
    });
    expect((await host.run(['zpool', 'clear', 'big'], o)).exit).toBe(0);
    expect((await host.run(['zfs', 'create', 'big/x'], o)).exit).toBe(0);
  });
});

test('a scrub runs by the clock, pauses and ends', async () => {
  let now = Date.UTC(2026, 10, 20);
  const host = simHost({ model: demoModel(), clock: () => now });
  const scan = async (): Promise<Record<string, string>> =>
    JSON.parse((await host.run(['zpool', 'status', '-j', '-p', 'tank'], o)).stdout).pools.tank.scan_stats;
  await host.run(['zpool', 'scrub', 'tank'], o);
  now += 3_600_000;
  const one = await scan();
  expect(one).toMatchObject({ function: 'SCRUB', state: 'SCANNING' });
  expect(Number(one.issued)).toBeGreaterThan(0);
  await host.run(['zpool', 'scrub', '-p', 'tank'], o);
  now += 36_000_000;
  expect((await scan()).issued).toBe(one.issued);
  await host.run(['zpool', 'scrub', 'tank'], o);
  now += 200 * 3_600_000;
  expect(await scan()).toMatchObject({ state: 'FINISHED' });
});

test('seeds are what they say', () => {
  const demo = demoModel();
  expect([demo.pools.length, demo.datasets.length, demo.datasets.reduce((n, d) => n + d.snapshots.length, 0)]).toEqual([3, 40, 5_000]);
  expect(JSON.stringify(demoModel())).toBe(JSON.stringify(demo));
  const big = bigModel({ datasets: 1_000, snapshots: 10_000, shares: 100 });
  expect([big.datasets.length, big.datasets.reduce((n, d) => n + d.snapshots.length, 0)]).toEqual([1_000, 10_000]);
  expect(emptyModel(4).disks).toHaveLength(5);
  for (const model of [demo, big, emptyModel()]) expect(soundness(simHost({ model, clock: ticking() }).world)).toEqual([]);
});
