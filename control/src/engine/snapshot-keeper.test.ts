/** The index equals the host's own list, whatever was done behind our back. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyModel } from '../host/sim/seeds.ts';
import { simHost } from '../host/sim/sim.ts';
import { openStore } from '../store/store.ts';
import { createSnapshotKeeper, type SnapshotKeeper } from './snapshot-keeper.ts';
import { createSnapshotWatch } from './snapshot-watch.ts';

const stage = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dplaneos-keeper-'));
  let now = Date.UTC(2026, 0, 1);
  const clock = (): number => now;
  const model = emptyModel(0);
  for (const [i, name] of ['vdb', 'vdc'].entries())
    model.disks.push({
      name,
      links: [`disk${i}`],
      size: 2 * 1024 ** 3,
      model: null,
      serial: name,
      sector: [512, 512],
      rotational: true,
      transport: 'virtio',
      parts: [],
      fstype: null,
    });
  const host = simHost({ model, clock });
  const sh = async (...argv: string[]) => host.run(argv, { timeoutMs: 1000 });
  for (const [i, pool] of ['one', 'two'].entries()) {
    await sh('zpool', 'create', pool, `/dev/disk/by-id/disk${i}`);
    for (const d of ['a', 'b', 'a/c']) await sh('zfs', 'create', `${pool}/${d}`);
  }
  const store = openStore({ path: join(folder, 'db'), auditKey: randomBytes(32), sealPath: null, clock });
  const keeper = createSnapshotKeeper({ host, store, clock, log: () => undefined });
  const known = (): string[] =>
    store.snapshots
      .page({ sort: 'name', offset: 0, limit: 10_000 })
      .rows.map((s) => `${s.dataset}@${s.tag} ${s.guid} ${s.used}`)
      .sort();
  const real = async (): Promise<string[]> =>
    (await sh('zfs', 'list', '-Hp', '-t', 'snapshot', '-o', 'name,guid,used')).stdout
      .split('\n')
      .filter((l) => l !== '')
      .map((l) => l.replaceAll('\t', ' '))
      .sort();
  const told: string[] = [];
  const watch = createSnapshotWatch({
    host,
    clock,
    snapshots: keeper,
    pools: () => ['one', 'two'],
    tell: (e) => void told.push(e.message),
  });
  return {
    host,
    clock,
    sh,
    keeper,
    watch,
    told,
    known,
    real,
    pass: (ms: number) => {
      now += ms;
    },
    end: () => {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

test('it follows a storm of snapshots made, renamed, destroyed, rolled back, promoted, and datasets renamed and destroyed', {
  timeout: 60_000,
}, async () => {
  const name = fc.constantFrom('a', 'b', 'a/c', 'x');
  const tag = fc.constantFrom('s1', 's2', 's3', 's4');
  const pool = fc.constantFrom('one', 'two');
  const step = fc.oneof(
    fc.tuple(pool, name, tag).map(([p, d, t]) => ['zfs', 'snapshot', `${p}/${d}@${t}`]),
    fc.tuple(pool, tag).map(([p, t]) => ['zfs', 'snapshot', '-r', `${p}@${t}`]),
    fc.tuple(pool, name, tag).map(([p, d, t]) => ['zfs', 'destroy', `${p}/${d}@${t}`]),
    fc.tuple(pool, name, tag, tag).map(([p, d, t, u]) => ['zfs', 'rename', `${p}/${d}@${t}`, `${p}/${d}@${u}`]),
    fc.tuple(pool, name, tag).map(([p, d, t]) => ['zfs', 'rollback', '-r', `${p}/${d}@${t}`]),
    fc.tuple(pool, name, tag).map(([p, d, t]) => ['zfs', 'clone', `${p}/${d}@${t}`, `${p}/x`]),
    pool.map((p) => ['zfs', 'promote', `${p}/x`]),
    fc.tuple(pool, name, name).map(([p, d, e]) => ['zfs', 'rename', `${p}/${d}`, `${p}/${e}`]),
    fc.tuple(pool, name).map(([p, d]) => ['zfs', 'destroy', '-r', `${p}/${d}`]),
    fc.constant([]),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.constantFrom(0, 0, 300, 1500)), { maxLength: 60 }), async (steps) => {
      const s = await stage();
      try {
        await s.keeper.refresh(['one', 'two']);
        for (const [argv, ms] of steps) {
          s.pass(ms);
          if (argv.length === 0) await s.keeper.follow(['one', 'two']);
          else await s.sh(...argv);
        }
        s.pass(3000);
        await s.keeper.follow(['one', 'two']);
        expect(s.known()).toEqual(await s.real());
        // nothing has changed since: nothing is listed again
        s.pass(3000);
        await s.keeper.follow(['one', 'two']);
        s.pass(3000);
        const before = s.host.ran.length;
        expect(await s.keeper.follow(['one', 'two'])).toEqual([]);
        expect(s.host.ran.slice(before)).toHaveLength(2);
      } finally {
        s.end();
      }
    }),
    { numRuns: 25 },
  );
});

test('a pool that hangs holds up no other', async () => {
  const s = await stage();
  await s.keeper.refresh(['one', 'two']);
  const free = s.host.hangPool('one');
  s.pass(5000);
  await s.sh('zfs', 'snapshot', 'two/a@new');
  const both = s.keeper.follow(['one', 'two']);
  while (!s.known().some((n) => n.startsWith('two/a@new'))) await new Promise((r) => setTimeout(r, 5));
  free();
  await s.keeper.follow(['two']);
  void both.finally(() => s.end());
});

test('a pool that was not listed when it appeared is listed as soon as it is followed, and then followed', async () => {
  const s = await stage();
  await s.sh('zfs', 'snapshot', 'one/a@old');
  expect(await s.keeper.follow(['one'])).toEqual([]);
  expect(s.known()).toEqual(await s.real());
  s.pass(5000);
  await s.sh('zfs', 'snapshot', 'one/a@new');
  expect(await s.keeper.follow(['one'])).toMatchObject([{ added: 1, datasets: ['one/a'] }]);
  expect(s.known()).toEqual(await s.real());
  s.end();
});

test('it is watched without a process while nothing is written, and asked when something was', async () => {
  const s = await stage();
  const look = async (): Promise<string[]> => {
    s.pass(500);
    const before = s.host.ran.length;
    await s.watch.look();
    await s.watch.idle();
    return s.host.ran.slice(before).map((argv) => argv.join(' '));
  };
  await look();
  s.pass(5000);
  await look();
  for (let i = 0; i < 20; i += 1) expect(await look()).toEqual([]);
  await s.sh('zfs', 'snapshot', 'one/a@new');
  expect(await look()).not.toEqual([]);
  expect(s.told).toEqual(['1 snapshot appeared and 0 went in one/a']);
  expect(s.known()).toEqual(await s.real());
  // a minute later it makes sure
  s.pass(60_000);
  expect((await look()).length).toBeGreaterThan(0);
  s.end();
});

test('a clock that jumps while it is asked, or an answer of hours, does not keep it from being asked', async () => {
  const s = await stage();
  let asked = 0;
  let jump = 0;
  const follow: SnapshotKeeper['follow'] = async () => {
    asked += 1;
    s.pass(jump);
    return [];
  };
  const watch = createSnapshotWatch({
    ...{ host: s.host, clock: s.clock, snapshots: { ...s.keeper, follow } },
    ...{ pools: () => ['one'], tell: () => undefined },
  });
  for (jump of [8 * 3_600_000, -8 * 3_600_000]) {
    const before = asked;
    for (let i = 0; i < 2; i += 1) {
      s.pass(60_500);
      await s.sh('zfs', 'snapshot', `one/a@${jump > 0 ? 'on' : 'back'}${i}`);
      await watch.look();
      await watch.idle();
    }
    expect(asked).toBe(before + 2);
  }
  s.end();
});

test('a pool that hangs is not asked again before it has answered, and the other one is', async () => {
  const s = await stage();
  await s.watch.look();
  await s.watch.idle();
  const free = s.host.hangPool('one');
  s.pass(5000);
  await s.sh('zfs', 'snapshot', 'two/a@first');
  const before = s.host.ran.length;
  await s.watch.look();
  for (let i = 0; i < 5; i += 1) {
    s.pass(1000);
    await s.sh('zfs', 'snapshot', `two/a@s${i}`);
    await s.watch.look();
  }
  while (!s.known().some((n) => n.startsWith('two/a@first'))) await new Promise((r) => setTimeout(r, 5));
  expect(s.host.ran.slice(before).filter((argv) => argv[0] === 'zfs' && argv.at(-1) === 'one')).toHaveLength(1);
  free();
  void s.watch.idle().finally(() => s.end());
});
