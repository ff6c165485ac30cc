/** Updates from the engine's side: the simulated host and its time, the executor behind its real socket, a real database. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { orThrow } from '../domain/refusal.ts';
import type { SlotStatus } from '../domain/slot/slot.ts';
import type { Actor } from '../domain/user/user.ts';
import { socketExecutor } from '../host/executor/client.ts';
import { execServer } from '../host/executor/server.ts';
import type { Executor } from '../host/executor.ts';
import { OTA_FILES } from '../host/ota/files.ts';
import { demoModel, revertedModel } from '../host/sim/seeds.ts';
import { simHost } from '../host/sim/sim.ts';
import { openStore } from '../store/store.ts';
import type { Store } from '../store/types.ts';
import { createUpdates, type Updates } from './updates.ts';

const ADA: Actor = { kind: 'user', name: 'ada', via: 'test' };
const URL = { kind: 'url' as const, url: 'https://example.org/dplaneos-0.2.0.bundle' };
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const c of cleanups.splice(0).reverse()) await c();
});

type Box = {
  updates: Updates;
  store: Store;
  host: ReturnType<typeof simHost>;
  folder: string;
  later: (ms: number) => void;
  /** Looks until it is so. */
  until: (what: () => boolean) => Promise<void>;
  /** The same machine and database, another process. */
  again: () => Promise<Updates>;
  kinds: () => string[];
  alerts: () => string[];
};
const box = async (o: { model?: ReturnType<typeof demoModel>; wrap?: (e: Executor) => Executor } = {}): Promise<Box> => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-updates-'));
  let now = Date.UTC(2026, 10, 20, 12);
  const clock = (): number => now;
  const host = simHost({ model: o.model ?? demoModel(), clock });
  const server = execServer({ host, ledgerFolder: join(folder, 'exec'), clock, log: () => undefined });
  await server.listen(join(folder, 's'));
  const store = openStore({ path: join(folder, 'db'), auditKey: randomBytes(32), sealPath: join(folder, 'seal'), clock });
  const executor = socketExecutor(join(folder, 's'), { timeoutMs: 60_000 });
  const all: Updates[] = [];
  const make = (wrapped: Executor): Updates => {
    const updates = createUpdates({
      host,
      executor: wrapped,
      store,
      clock,
      random: randomBytes,
      // time passes only when the test says so; the loop still gives way
      pause: () => new Promise((resolve) => setImmediate(resolve)),
      log: () => undefined,
      copyFolder: join(folder, 'pre-upgrade'),
      clients: () => Promise.resolve([{ share: 'media', user: 'ben', machine: 'desk', openFiles: 2 }]),
      ended: () => Promise.resolve(),
      jobs: () => ['run r1 of ada'],
    });
    all.push(updates);
    return updates;
  };
  cleanups.push(async () => {
    for (const u of all) await u.stop();
    store.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const updates = make(o.wrap?.(executor) ?? executor);
  await updates.recover();
  return {
    updates,
    store,
    host,
    folder,
    later: (ms) => {
      now += ms;
    },
    until: async (what) => {
      while (!what()) {
        await updates.look();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    again: async () => {
      for (const u of all.splice(0)) await u.stop();
      const next = make(executor);
      await next.recover();
      return next;
    },
    kinds: () =>
      store.events
        .before(null, 50)
        .map((e) => e.kind)
        .filter((k) => k.startsWith('update.') || k.startsWith('system.'))
        .reverse(),
    alerts: () => store.alerts.open().map((a) => `${a.kind}: ${a.message}`),
  };
};
const slotsOf = (s: SlotStatus): Extract<SlotStatus, { available: true }> => {
  if (!s.available) throw new Error(s.why);
  return s;
};

describe('an update', () => {
  it('is journalled, copied for, started, followed, staged, and confirmed after a restart', async () => {
    const b = await box();
    let seen = 0;
    b.updates.onChange(() => {
      seen += 1;
    });
    const { id } = orThrow(await b.updates.install(ADA, URL));
    expect(readdirSync(join(b.folder, 'pre-upgrade')).map((n) => n.replace(/^dplane-.*Z/, ''))).toEqual(['.db', '.db.seal']);
    expect((await b.updates.view()).whyNo).toMatchObject({
      install: 'an update is being installed',
      cancel: null,
      restart: expect.any(String),
    });
    b.later(3_000);
    await b.until(() => seen > 1);
    expect((await b.updates.view()).progress).toMatchObject({ id, phase: 'writing', slot: 'b' });
    b.later(10_000);
    await b.until(() => b.kinds().includes('update.staged'));
    const staged = await b.updates.view();
    expect(slotsOf(staged.slots).slots[1]).toMatchObject({ state: 'staged', next: true, triesLeft: 3 });
    expect(staged).toMatchObject({ running: false, whyNo: { install: null, restart: null } });
    const preview = await b.updates.restartPreview('nas');
    expect(preview).toMatchObject({ host: 'nas', whyNot: null, jobs: ['run r1 of ada'], clients: [{ user: 'ben' }] });
    expect(preview.next).toBe('0.2.0 in slot b is tried; if it does not come up well, 0.1.0 in slot a comes back');

    orThrow(await b.updates.restart(ADA));
    expect(slotsOf((await b.updates.view()).slots)).toMatchObject({ running: 'b', verdict: { trial: true, outcome: 'waiting' } });
    b.later(10_000);
    await b.until(() => b.kinds().includes('update.confirmed'));
    expect(b.kinds()).toEqual(['update.started', 'update.staged', 'system.restarting', 'update.confirmed']);
    expect(b.alerts()).toEqual([]);
    const audit = b.store.audit.page(null, 10).map((e) => `${e.action} ${e.outcome}`);
    expect(audit).toEqual(['system.restart succeeded', 'system.restart allowed', 'update.apply succeeded', 'update.apply allowed']);
    // back to what was there before, by hand
    expect((await b.updates.view()).whyNo.rollback).toBeNull();
    orThrow(await b.updates.rollback(ADA));
    expect(slotsOf((await b.updates.view()).slots).slots[0]).toMatchObject({ state: 'staged', next: true });
    await b.until(() => b.kinds().includes('update.rolled-back'));
  });

  it('that does not come up is an alert in words, until somebody goes on', async () => {
    const b = await box();
    orThrow(await b.updates.install(ADA, { kind: 'file', path: '/media/usb/dplaneos-1.2.3-broken.bundle' }));
    b.later(10_000);
    await b.until(() => b.kinds().includes('update.staged'));
    orThrow(await b.updates.restart(ADA));
    b.later(10_000);
    await b.until(() => b.alerts().length > 0);
    expect(b.alerts()).toEqual([
      'update.reverted: version 1.2.3 in slot b did not come up: pool tank missing; back on 0.1.0 in slot a since 2026-11-20 12:00 UTC',
    ]);
    expect(b.kinds().slice(-2)).toEqual(['update.failed', 'update.reverted']);
    // looked at again and again, also by another process: told once
    const next = await b.again();
    await next.look();
    expect(b.kinds().filter((k) => k === 'update.reverted')).toHaveLength(1);
    expect((await next.view()).whyNo.rollback).toBe('slot b did not come up when it was tried');
    orThrow(await next.install(ADA, URL));
    b.later(10_000);
    for (; b.alerts().length > 0; await new Promise((r) => setImmediate(r))) await next.look();
    expect(b.store.events.before(null, 3).map((e) => e.kind)).toContain('alert.resolved');
  });

  it('that is refused says why, and the slot can be tried again', async () => {
    const b = await box();
    orThrow(await b.updates.install(ADA, { kind: 'url', url: 'https://example.org/tampered' }));
    b.later(2_000);
    await b.until(() => b.kinds().includes('update.failed'));
    const [failed] = b.store.events.before(null, 1);
    expect(failed?.message).toContain('its signature was not made with a key this machine trusts');
    // told in the words of whoever asked, and not a second time from the history
    await b.updates.look();
    expect(b.kinds()).toEqual(['update.started', 'update.failed']);
    expect((await b.updates.view()).whyNo.install).toBeNull();
    expect(b.store.audit.page(null, 1)[0]).toMatchObject({ action: 'update.apply', outcome: 'failed', actor: { name: 'ada' } });
  });

  it('is cancelled by its id, and nothing else is', async () => {
    const b = await box();
    expect(await b.updates.cancel(ADA)).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
    orThrow(await b.updates.install(ADA, URL));
    b.later(3_000);
    orThrow(await b.updates.cancel(ADA));
    await b.until(() => b.kinds().includes('update.cancelled'));
    const v = await b.updates.view();
    expect(v.progress?.phase).toBe('cancelled');
    expect(slotsOf(v.slots).slots[0]).toMatchObject({ running: true, next: true, state: 'confirmed' });
  });

  it('two at once: one is let in', async () => {
    const b = await box();
    const answers = await Promise.all([b.updates.install(ADA, URL), b.updates.install(ADA, URL), b.updates.install(ADA, URL)]);
    expect(answers.filter((a) => a.ok)).toHaveLength(1);
    expect(answers.flatMap((a) => (a.ok ? [] : [a.refusal.code]))).toEqual(['busy', 'busy']);
    expect(b.host.ran.filter((argv) => argv[1] === 'start' && argv.at(-1) === 'dplane-ota-apply.service')).toHaveLength(1);
  });

  it('goes on while this process is away, and is found again by its id', async () => {
    const b = await box();
    const { id } = orThrow(await b.updates.install(ADA, URL));
    const next = await b.again();
    b.later(3_000);
    await next.look();
    expect((await next.view()).progress).toMatchObject({ id, phase: 'writing' });
    b.later(10_000);
    for (; !b.kinds().includes('update.staged'); await new Promise((r) => setImmediate(r))) await next.look();
    const outcomes = b.store.audit.page(null, 5).map((e) => e.outcome);
    expect(outcomes).toEqual(['succeeded', 'interrupted', 'allowed']);
  });

  it('that was journalled and never begun is told as such after a restart', async () => {
    const dead: (e: Executor) => Executor = (e) => ({
      ...e,
      execute: () => new Promise(() => {}), // this process dies before it is asked
    });
    const b = await box({ wrap: dead });
    void b.updates.install(ADA, URL);
    while (!b.kinds().includes('update.started')) await new Promise((r) => setImmediate(r));
    await b.again();
    expect(b.store.events.before(null, 1)[0]).toMatchObject({
      kind: 'update.failed',
      message: expect.stringContaining('before it was begun'),
    });
    expect(b.host.ran.some((argv) => argv[1] === 'start')).toBe(false);
  });

  it('whose answer was lost is asked for, not repeated', async () => {
    const lossy: (e: Executor) => Executor = (e) => ({
      ...e,
      execute: async (r, s) => {
        await e.execute(r, s);
        return { ok: false, refusal: { code: 'timeout', what: 'dplane-exec', why: 'no answer', todo: '' } };
      },
    });
    const b = await box({ wrap: lossy });
    orThrow(await b.updates.install(ADA, URL));
    b.later(20_000);
    await b.until(() => b.kinds().includes('update.staged'));
    expect(b.kinds()).toEqual(['update.started', 'update.staged']);
  });

  it('whose updater died without a word is not waited for', async () => {
    const b = await box();
    orThrow(await b.updates.install(ADA, URL));
    b.later(2_000);
    await b.updates.look();
    const { job } = b.host.world.model.ota ?? {};
    if (b.host.world.model.ota) b.host.world.model.ota.job = null; // killed, and /run was cleared
    expect(job).toBeDefined();
    await b.until(() => b.kinds().includes('update.failed'));
    expect(b.store.events.before(null, 1)[0]?.message).toContain('without saying how');
  });
});

describe('what the files say', () => {
  it('a machine without slots says so and raises nothing', async () => {
    const model = demoModel();
    delete model.ota;
    const b = await box({ model });
    const v = await b.updates.view();
    expect(v.slots).toMatchObject({ available: false, why: 'this machine has no system slots' });
    expect(b.alerts()).toEqual([]);
    expect(await b.updates.install(ADA, URL)).toMatchObject({
      ok: false,
      refusal: { code: 'blocked', why: 'this machine has no system slots' },
    });
    expect(await b.updates.rollback(ADA)).toMatchObject({ ok: false });
    expect(await b.updates.confirm(ADA)).toMatchObject({ ok: false });
    // restarting is not a matter of slots
    expect((await b.updates.restartPreview('nas')).whyNot).toBeNull();
    orThrow(await b.updates.restart(ADA));
  });

  it.each([
    ['half', '{"available":true'],
    ['foreign', '{"available":true,"slots":"two"}'],
    ['empty', ''],
  ])('a status that can not be understood (%s) is an alert, and nothing is installed', async (_what, text) => {
    const b = await box();
    const real = b.host.readText.bind(b.host);
    let spoiled = true;
    b.host.readText = async (path) => (spoiled && path === OTA_FILES.status ? text : await real(path));
    await b.updates.look();
    expect(b.alerts().join()).toMatch(/^slots.unreadable: the system slots can't be read, so nothing can be updated/);
    expect(await b.updates.install(ADA, URL)).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    expect((await b.updates.view()).problems).toHaveLength(1);
    spoiled = false;
    await b.updates.look();
    expect(b.alerts()).toEqual([]);
  });

  it('a history that can not be read ends no alert; a torn line in it keeps nothing from being told', async () => {
    const b = await box({ model: revertedModel() });
    expect(b.alerts().join()).toContain('version 0.2.0 in slot b did not come up: pool tank missing; back on 0.1.0 in slot a');
    const real = b.host.readText.bind(b.host);
    const also = { at: 5, kind: 'key-enrolled', slot: null, system: null, bootId: null, reason: 'abc' };
    let how: 'fails' | 'torn' = 'fails';
    b.host.readText = async (path) => {
      if (path !== OTA_FILES.history) return await real(path);
      if (how === 'fails') throw new Error('EIO: input/output error');
      return `${await real(path)}{"at":17,"ki\n${JSON.stringify(also)}\n{"at":18`;
    };
    await b.updates.look();
    expect((await b.updates.view()).problems).toHaveLength(1);
    expect(b.alerts()).toHaveLength(1);
    how = 'torn';
    await b.updates.look();
    await b.updates.look();
    expect(b.kinds()).toEqual(['update.keys-changed']);
    expect(b.alerts()).toHaveLength(1);
  });

  it('the slot was chosen in the boot menu: told, until the next start', async () => {
    const b = await box();
    b.host.happen({ kind: 'boot-menu' });
    await b.updates.look();
    expect(b.alerts()).toEqual([
      'update.chosen-by-hand: 0.0.9 in slot b was chosen in the boot menu; the next start takes 0.1.0 in slot a again',
    ]);
    orThrow(await b.updates.restart(ADA));
    expect(b.alerts()).toEqual([]);
  });

  it('a system that stays unconfirmed is an alert; it can be confirmed by hand', async () => {
    const b = await box();
    const { ota } = b.host.world.model;
    if (ota) {
      ota.slots.a.state = 'trying';
      ota.at = Date.UTC(2026, 10, 20, 11);
    }
    await b.updates.look();
    expect(b.alerts().join()).toContain('update.unconfirmed: 0.1.0 in slot a runs and is not confirmed');
    expect(await b.updates.install(ADA, URL)).toMatchObject({
      ok: false,
      refusal: { code: 'conflict', why: expect.stringContaining('not confirmed') },
    });
    orThrow(await b.updates.confirm(ADA));
    expect(b.alerts()).toEqual([]);
  });
});
