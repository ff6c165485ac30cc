/** The health of disks over simulated days: what wakes nothing, what is told and when, what holds up whom. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { DiskHealth } from '../domain/disk/health.ts';
import { observeDisks } from '../host/disks/disks.ts';
import { observe } from '../host/observe.ts';
import type { Observed } from '../domain/observed/observed.ts';
import { ok, orThrow } from '../domain/refusal.ts';
import type { Actor } from '../domain/user/user.ts';
import { openLedger } from '../host/executor/ledger.ts';
import { performer } from '../host/executor/perform.ts';
import type { ExecAnswer } from '../host/executor.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { emptyModel } from '../host/sim/seeds.ts';
import { simHost } from '../host/sim/sim.ts';
import { openStore } from '../store/store.ts';
import { createDiskHealth, DISKS_EVERY } from './disk-health.ts';

const ADA: Actor = { kind: 'user', name: 'ada', via: 'test' };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const c of cleanups.splice(0).reverse()) c();
});

/** Mirror `tank` of disks 0 and 1; 2 to 5 are free. The root executor's own performer stands behind it. */
const stage = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dplaneos-health-'));
  let now = Date.UTC(2026, 10, 16, 12); // a Monday
  const clock = (): number => now;
  const host = simHost({ model: emptyModel(6), clock });
  const label = (n: number): string => host.world.model.disks[n + 1]?.links[0] ?? ''; // 0 is the system's
  const path = (n: number): string => `/dev/disk/by-id/${label(n)}`;
  const made = await host.run(['zpool', 'create', '-o', 'ashift=12', '-O', 'mountpoint=/mnt/tank', 'tank', 'mirror', path(0), path(1)], {
    timeoutMs: 1_000,
  });
  expect(made.exit).toBe(0);
  const ledger = openLedger(join(folder, 'exec'), clock);
  const root = performer({ host, ledger, clock, log: () => undefined });
  const store = openStore({ path: join(folder, 'db'), auditKey: randomBytes(32), sealPath: null, clock });
  /** Operations that get no answer until they are let go. */
  const held = new Map<string, () => void>();
  const holding = new Set<string>();
  const ask = async (operation: Operation, actor: Actor = ADA): Promise<ExecAnswer> => {
    if (operation.kind === 'disk.smart' && holding.has(operation.path)) await new Promise<void>((go) => held.set(operation.path, go));
    return root.perform({ v: 1, id: `test-${randomBytes(8).toString('hex')}`, actor, operation, approval: null });
  };
  const create = () => createDiskHealth({ store, clock, ask, execute: ask });
  let health = create();
  const seen = async (): Promise<Observed> =>
    await observe(host, { clients: () => Promise.resolve(ok([])), counts: new Map(), clock, timeoutMs: 5_000 });
  const look = async (): Promise<void> => await health.look(await seen());
  /** As the scheduler would: a look a minute. */
  const pass = async (ms: number, step = DISKS_EVERY): Promise<void> => {
    for (const end = now + ms; now < end; ) {
      now += step;
      await look();
    }
  };
  const of = async (n: number): Promise<DiskHealth> => {
    const found = health.list(await seen()).find((h) => h.path === path(n));
    if (!found) throw new Error(`disk ${n} is not there`);
    return found;
  };
  cleanups.push(() => {
    for (const go of held.values()) go();
    store.close();
    ledger.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    host,
    store,
    label,
    path,
    look,
    pass,
    of,
    seen,
    holding,
    get health() {
      return health;
    },
    restart: () => {
      health = create();
    },
    let: (p: string) => {
      holding.delete(p);
      held.get(p)?.();
    },
    asked: (n: number) => host.ran.filter((argv) => argv[0] === 'smartctl' && argv.includes(path(n))),
    alerts: () => store.alerts.open().map((a) => `${a.severity} ${a.kind} ${a.subject.split('/').at(-1)}`),
    told: (kind: string) =>
      store.events
        .before(null, 200)
        .filter((e) => e.kind === kind)
        .map((e) => e.message),
  };
};

describe('a disk that sleeps', () => {
  it('is not woken in a day, is asked by nothing but the question whether it sleeps, and is no reason for an alert', async () => {
    const s = await stage();
    s.host.happen({ kind: 'smart', disk: s.label(2), set: { power: 'standby' } });
    await s.look();
    await s.pass(DAY, 15 * MINUTE);
    const naming = s.host.ran.filter((argv) => argv.some((word) => word.includes(s.label(2))));
    expect(naming.filter((argv) => argv[0] !== 'readlink')).toEqual(s.asked(2));
    for (const argv of s.asked(2)) expect(argv.join(' ')).toMatch(/^smartctl -j -n standby,3,5 -d sat -a /);
    expect(s.asked(2)).toHaveLength(49); // every half hour
    expect(s.host.world.model.disks[3]?.smart).toMatchObject({ power: 'standby' });
    expect(s.host.world.model.disks[3]?.smart?.woken).toBeUndefined();
    expect(await s.of(2)).toMatchObject({ state: 'asleep', smart: null, score: 0 });
    expect(s.alerts()).toEqual([]);
  });
  it('keeps what was known of it, and its alert', async () => {
    const s = await stage();
    s.host.happen({ kind: 'smart', disk: s.label(2), set: { pending: 8, uncorrectable: 8 } });
    await s.look();
    const was = s.alerts();
    expect(was).toEqual([`warning disk.risk ${s.label(2)}`]);
    s.host.happen({ kind: 'smart', disk: s.label(2), set: { power: 'standby' } });
    await s.pass(3 * HOUR, 10 * MINUTE);
    expect(await s.of(2)).toMatchObject({ state: 'asleep', smart: { pending: 8 }, word: 'replace it soon' });
    expect(s.alerts()).toEqual(was);
    expect(s.told('disk.worsened')).toHaveLength(1);
  });
  it('is woken by a person who asks for a self-test, not by a schedule', async () => {
    const s = await stage();
    s.host.happen({ kind: 'smart', disk: s.label(2), set: { power: 'standby' } });
    await s.look();
    s.health.setCare({ everyMinutes: 30, short: '0 3 * * *', long: null, timezone: 'UTC' }, ADA);
    await s.pass(DAY, HOUR);
    expect(s.told('disk.tested').filter((m) => m.includes('passed'))).toHaveLength(6); // the others, the system's among them
    expect(s.host.world.model.disks[3]?.smart?.woken).toBeUndefined();
    // awake for another reason: what was due is made up for
    s.host.happen({ kind: 'smart', disk: s.label(2), set: { power: 'active' } });
    await s.pass(HOUR, 10 * MINUTE);
    expect(s.told('disk.tested')[0]).toContain(`short self-test of ${s.label(2)}: passed`);
    s.host.happen({ kind: 'smart', disk: s.label(2), set: { power: 'standby' } });
    orThrow(await s.health.test(await s.seen(), s.label(2), 'short', ADA));
    expect(s.host.world.model.disks[3]?.smart).toMatchObject({ power: 'active', woken: 1 });
  });
});

describe('a disk that gets worse', () => {
  it('is told with what is new, once; a week later what it has is old', async () => {
    const s = await stage();
    s.host.happen({ kind: 'smart', disk: s.label(1), set: { reallocated: 8 } });
    await s.look();
    expect(s.alerts()).toEqual([]); // it brought them along
    expect(await s.of(1)).toMatchObject({ word: 'watch it', reasons: ['8 sectors had to be moved'], week: {} });
    await s.pass(DAY, 30 * MINUTE);
    s.host.happen({ kind: 'smart', disk: s.label(1), set: { reallocated: 16 } });
    await s.pass(DAY, 30 * MINUTE);
    expect(await s.of(1)).toMatchObject({
      reasons: ['8 new moved sectors this week', '16 sectors had to be moved'],
      week: { reallocated: 8 },
    });
    expect(s.alerts()).toEqual([`warning disk.risk ${s.label(1)}`]);
    expect(s.told('disk.worsened')).toEqual([`${s.label(1)} got worse: 8 more moved sectors`]);
    // what it says is on the disk where it is chosen for something
    const o = await s.seen();
    s.health.mark(o);
    expect(o.disks.find((d) => d.path === s.path(1))?.risk?.reasons).toContain('8 new moved sectors this week');
    const past = orThrow(s.health.get(o, s.label(1), 30));
    expect(past.history.reallocated?.map((r) => r.value)).toEqual([8, 16]);
    await s.pass(7 * DAY, 6 * HOUR);
    expect(s.alerts()).toEqual([]);
    expect(s.told('disk.worsened')).toHaveLength(1);
  });
  it('says so when ZFS meets errors with it, also after they were cleared', async () => {
    const s = await stage();
    await s.look();
    s.host.happen({ kind: 'disk', pool: 'tank', disk: s.label(0), state: 'ONLINE', read: 3 });
    await s.pass(MINUTE);
    expect((await s.of(0)).reasons).toEqual(['ZFS met 3 read errors', '3 new failed reads and writes of ZFS this week']);
    expect(s.alerts()).toEqual([`warning disk.risk ${s.label(0)}`]);
    await s.host.run(['zpool', 'clear', 'tank'], { timeoutMs: 1_000 });
    await s.pass(DAY, 30 * MINUTE);
    expect((await s.of(0)).reasons).toEqual(['3 new failed reads and writes of ZFS this week']);
    // the same notes are not counted again, not by a daemon that has started anew either
    s.restart();
    await s.pass(HOUR, 10 * MINUTE);
    expect((await s.of(0)).week).toEqual({ zfsIo: 3 });
    await s.pass(7 * DAY, 6 * HOUR);
    expect(s.alerts()).toEqual([]);
  });
  it('fails its self-test: progress, result, and what that means', async () => {
    const s = await stage();
    s.host.happen({ kind: 'smart', disk: s.label(3), set: { failsTests: true } });
    await s.look();
    const begun = orThrow(await s.health.test(await s.seen(), s.label(3), 'long', ADA));
    expect(begun.smart?.tests?.running).toBe(0);
    expect(await s.health.test(await s.seen(), s.label(3), 'short', ADA)).toMatchObject({ ok: false, refusal: { code: 'busy' } });
    await s.pass(5 * HOUR, 5 * MINUTE);
    expect((await s.of(3)).smart?.tests?.running).toBeCloseTo(0.5, 1);
    await s.pass(6 * HOUR, 5 * MINUTE);
    expect(await s.of(3)).toMatchObject({ word: 'failing', reasons: ['its last self-test failed: Completed: read failure'] });
    expect(s.told('disk.tested')).toContain(`long self-test of ${s.label(3)}: failed (Completed: read failure)`);
    expect(s.alerts()).toEqual([`critical disk.risk ${s.label(3)}`]);
  });
});

describe('asking', () => {
  it('of a disk that hangs holds up no other', async () => {
    const s = await stage();
    s.holding.add(s.path(0));
    const looking = s.look();
    // the others are read while it hangs: wait for what they leave behind
    const others = [1, 2, 3, 4, 5];
    for (let turn = 0; turn < 10_000 && !(await Promise.all(others.map((n) => s.of(n)))).every((h) => h.state === 'read'); turn += 1)
      await new Promise(setImmediate);
    for (const n of others) expect(await s.of(n)).toMatchObject({ state: 'read' });
    expect(await s.of(0)).toMatchObject({ state: 'never' });
    s.let(s.path(0));
    await looking;
    expect(await s.of(0)).toMatchObject({ state: 'read' });
  });
  it('goes on where it was after a restart, and finds a disk again wherever it is plugged in', async () => {
    const s = await stage();
    await s.look();
    const before = s.asked(2).length;
    s.restart();
    await s.pass(10 * MINUTE);
    expect(s.asked(2)).toHaveLength(before);
    await s.pass(20 * MINUTE);
    expect(s.asked(2)).toHaveLength(before + 1);
    const disk = s.host.world.model.disks[3];
    if (disk) disk.name = 'sdz';
    s.host.happen({ kind: 'unplug', disk: s.label(2), noticed: true });
    await s.pass(MINUTE);
    s.host.happen({ kind: 'plug', disk: s.label(2) });
    expect((await s.of(2)).smart).not.toBeNull();
    expect(orThrow(await observeDisks(s.host)).some((d) => d.path === s.path(2))).toBe(true);
  });
  it('is refused in words where there is nothing to ask', async () => {
    const s = await stage();
    s.host.happen({ kind: 'smart', disk: s.label(4), set: { unsupported: true } });
    await s.look();
    expect(await s.of(4)).toMatchObject({ state: 'unknown', why: expect.stringContaining('Unknown USB bridge') });
    expect(await s.health.test(await s.seen(), s.label(4), 'short', ADA)).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
    expect(await s.health.read(await s.seen(), 'ata-NOBODY')).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
  });
});
