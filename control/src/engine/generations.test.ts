/** Generations from the engine's side: snapshots of every pool before, an account of everything, and nothing half done. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { refuse } from '../domain/refusal.ts';
import type { Actor } from '../domain/user/user.ts';
import { execute } from '../host/change/execute.ts';
import type { RunOptions } from '../host/host.ts';
import type { Executor } from '../host/executor.ts';
import { demoModel } from '../host/sim/seeds.ts';
import { simHost } from '../host/sim/sim.ts';
import { openStore } from '../store/store.ts';
import { createGenerations } from './generations.ts';

const ADA: Actor = { kind: 'user', name: 'ada', via: 'test' };
const NOW = Date.UTC(2026, 10, 21, 9, 30, 5);
let now = NOW;
const clock = (): number => now;
const cleanups: (() => void)[] = [];
afterEach(() => {
  now = NOW;
  for (const c of cleanups.splice(0).reverse()) c();
});

const box = () => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-generations-'));
  const host = simHost({ model: demoModel(), clock });
  const store = openStore({ path: join(folder, 'db'), auditKey: randomBytes(32), sealPath: join(folder, 'seal'), clock });
  cleanups.push(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });
  let [cutsAt, cutsAfter]: [RegExp | null, boolean] = [null, false];
  let [deaf, mute] = [false, false];
  const dark = (): never => {
    [cutsAt, cutsAfter] = [null, false];
    throw new Error('the power is gone');
  };
  const executor: Executor = {
    execute: async ({ operation, id }) => {
      const run = (argv: readonly string[], options: RunOptions) => (cutsAt?.test(argv.join(' ')) ? dark() : host.run(argv, options));
      const done = await execute({ host: { ...host, run }, clock, approval: null, id }, operation);
      if (cutsAfter && operation.kind === 'generation.activate') dark();
      if (mute && operation.kind === 'generation.activate') return refuse('timeout', 'dplane-exec', 'no answer', '');
      return done.ok ? { ok: true, result: done.value, replayed: false } : done;
    },
    outcome: () => (deaf ? Promise.reject(new Error('no answer')) : Promise.resolve({ state: mute ? 'running' : 'begun' })),
    read: () => Promise.resolve(refuse('invalid', 'reading', 'nothing is read here', '')),
  };
  let indexed = 0;
  const anew = () =>
    createGenerations({
      ...{ host, executor, store, clock, random: randomBytes },
      pools: async () =>
        host.world.model.pools.map(({ name }) => ({
          ...{ name, health: 'ONLINE' },
          root: host.world.model.datasets.find((d) => d.name === name)?.guid ?? null,
        })),
      snapshotted: () => {
        indexed += 1;
        return Promise.resolve();
      },
    });
  const cutAt = (match: RegExp): void => {
    cutsAt = match;
  };
  const cutAfter = (): void => {
    cutsAfter = true;
  };
  const answers = (o: { deaf?: boolean; mute?: boolean }): void => {
    [deaf, mute] = [o.deaf === true, o.mute === true];
  };
  return { host, store, engine: anew(), answers, anew, cutAt, cutAfter, indexed: () => indexed };
};

const preUpgrade = (host: ReturnType<typeof simHost>): string[] =>
  host.world.model.datasets.flatMap((d) =>
    d.snapshots.filter((s) => s.tag.includes('pre-upgrade-20261121')).map((s) => `${d.name}@${s.tag}`),
  );

test('activate: a snapshot of every pool first, then the generation; an event, and each step in the audit log', async () => {
  const { host, store, engine, indexed } = box();
  const done = await engine.activate(ADA, 2);
  const pools = host.world.model.pools.map((p) => p.name).sort();
  const taken = pools.map((p) => `${p}@pre-upgrade-20261121-093005`);
  expect(done.ok && { number: done.value.number, snapshots: [...done.value.snapshots].sort() }).toEqual({ number: 2, snapshots: taken });
  expect(preUpgrade(host).sort()).toEqual(taken);
  expect(indexed()).toBe(1);
  const order = host.ran.map((argv) => argv.join(' '));
  expect(order.findLastIndex((a) => a.startsWith('zfs snapshot'))).toBeLessThan(order.findIndex((a) => a.startsWith('systemd-run')));
  expect(store.events.before(null, 20).map((e) => e.kind)).toContain('generation.activated');
  const listed = await engine.list();
  expect(listed.ok && listed.value.available && listed.value.generations.find((g) => g.current)?.number).toBe(2);
});

test('rollback takes the one before; there is none before the first', async () => {
  const { engine } = box();
  expect(await engine.rollback(ADA)).toMatchObject({ ok: true, value: { number: 2 } });
  now += 1000;
  expect(await engine.rollback(ADA)).toMatchObject({ ok: true, value: { number: 1 } });
  expect(await engine.rollback(ADA)).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
});

test('without all its snapshots nothing is activated', async () => {
  const { host, engine } = box();
  host.fault({ match: ['zfs', 'snapshot'], kind: 'exit', exit: 1, stderr: 'cannot create snapshot: out of space\n', times: 1 });
  expect(await engine.activate(ADA, 2)).toMatchObject({ ok: false });
  expect(host.ran.filter((argv) => argv[0] === 'systemd-run')).toEqual([]);
});

test('compare says which packages differ, and refuses what is not there', async () => {
  const { engine } = box();
  const diff = await engine.compare(2, 3);
  expect(diff).toMatchObject({ ok: true, value: { from: 2, to: 3 } });
  expect(diff.ok && diff.value.packages).toEqual(
    expect.arrayContaining([
      { name: 'zfs-user', before: ['2.3.6'], after: ['2.3.7'] },
      { name: 'podman', before: [], after: ['5.7.0'] },
    ]),
  );
  expect(diff.ok && diff.value.packages.map((p) => p.name)).not.toContain('samba');
  expect(await engine.compare(2, 77)).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
});

test('the power goes in between: the next start says what there is, once', async () => {
  for (const [cut, why, chosen] of [
    [/switch-generation 2/, /nothing was changed; generation 3 starts next/, 3],
    [/switch-to-configuration boot/, /it was chosen, but its boot entry was not written; generation 3 starts next/, 2],
    [null, null, 2],
  ] as const) {
    const first = box();
    if (cut !== null) first.cutAt(cut);
    else first.cutAfter();
    await expect(first.engine.activate(ADA, 2)).rejects.toThrow('the power is gone');
    const again = first.anew();
    await again.recover();
    const entries = first.store.audit.page(null, 50).filter((e) => e.action === 'generation.activate');
    expect(entries.map((e) => e.outcome).sort()).toEqual(['allowed', why === null ? 'succeeded' : 'failed', 'interrupted'].sort());
    if (why !== null) expect(entries.find((e) => e.outcome === 'failed')?.reason).toMatch(why);
    expect(first.store.events.before(null, 20).map((e) => e.kind)).toContain(
      why === null ? 'generation.activated' : 'generation.interrupted',
    );
    const listed = await again.list();
    expect(listed.ok && listed.value.available && listed.value.generations.find((g) => g.current)?.number).toBe(chosen);
    await again.recover();
    expect(first.store.events.before(null, 50).filter((e) => e.kind === 'generation.interrupted').length).toBe(why === null ? 0 : 1);
    // and it can be done then
    now += 1000;
    if (why !== null) expect(await again.activate(ADA, 2)).toMatchObject({ ok: true });
  }
});

test('while the executor does not say what became of it, nothing else is asked; later it is told', async () => {
  const first = box();
  first.cutAt(/switch-to-configuration boot/);
  await expect(first.engine.activate(ADA, 2)).rejects.toThrow('the power is gone');
  const again = first.anew();
  first.answers({ deaf: true });
  await expect(again.recover()).rejects.toThrow('no answer');
  now += 1000;
  expect(await again.activate(ADA, 1)).toMatchObject({ ok: false, refusal: { code: 'busy' } });
  first.answers({});
  await again.recover();
  const outcomes = () => first.store.audit.page(null, 50).filter((e) => e.action === 'generation.activate');
  expect(outcomes().map((e) => e.outcome)).toEqual(['failed', 'interrupted', 'allowed']);
  now += 1000;
  expect(await again.activate(ADA, 1)).toMatchObject({ ok: true });
});

test('an answer that does not come is not taken for a no', async () => {
  const { engine, store, answers } = box();
  answers({ mute: true });
  expect(await engine.activate(ADA, 2)).toMatchObject({ ok: false, refusal: { code: 'timeout' } });
  // it is still at it, and gives no answer again: neither is that one
  await expect(engine.recover()).rejects.toThrow('no answer');
  answers({});
  now += 1000;
  expect(await engine.activate(ADA, 1)).toMatchObject({ ok: true });
  const told = store.audit.page(null, 50).filter((e) => e.action === 'generation.activate' && e.outcome === 'succeeded');
  expect(told.map((e) => e.reason)).toEqual(['the executor saw it done', 'found done afterwards']);
});

test('delete: the one that runs is kept', async () => {
  const { engine } = box();
  expect(await engine.remove(ADA, [3])).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
  expect(await engine.remove(ADA, [1, 1])).toEqual({ ok: true, value: { deleted: [1], collecting: true } });
});
