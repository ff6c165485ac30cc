/** Disks that fail, are pulled, come back and are replaced: the engine over the simulated host, as it would happen to someone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { PoolChange } from '../domain/plan/pool-change.ts';
import { orThrow } from '../domain/refusal.ts';
import { openLedger } from '../host/executor/ledger.ts';
import { performer } from '../host/executor/perform.ts';
import { ADA, stage } from './pools.testing.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
const replace = (s: Stage, n: number, by: number, erase: string[] = []): PoolChange => ({
  kind: 'pool.replace',
  name: 'tank',
  disk: s.label(n),
  with: s.path(by),
  erase,
});

describe('a disk that is pulled', () => {
  it('is told within a pulse, replaced, and the pool is whole again', async () => {
    const s = await stage();
    await s.later(2_000);
    // as a disk that ZFS has not written to since: it does not know yet
    s.host.happen({ kind: 'unplug', disk: s.label(1), noticed: false });
    await s.later(2_000);
    expect(await s.pool()).toMatchObject({ health: 'DEGRADED' });
    expect(s.open()).toEqual(expect.arrayContaining(['pool.health pool:tank', `disk.missing disk:${s.path(1)}`]));
    expect(s.told()).toEqual(expect.arrayContaining(['disk.removed', 'pool.health-changed', 'alert.opened']));

    const p = await s.plan(replace(s, 1, 2));
    expect(p.actions.map((a) => [a.id, a.risk, a.approval])).toEqual([[`pool.replace tank ${s.label(1)}`, 'safe', 'none']]);
    expect(await s.apply(p)).toMatchObject({ state: 'succeeded' });
    const during = await s.pool();
    expect(during?.vdevs[0]?.disks[1]?.standIns).toMatchObject([{ path: s.path(2), kind: 'replacing' }]);
    expect(orThrow(await s.engine.poolProgress('tank')).scan).toMatchObject({ kind: 'resilver', state: 'scanning' });
    await s.later(60_000);
    expect(await s.pool()).toMatchObject({ health: 'ONLINE', scan: { kind: 'resilver', state: 'finished', errors: 0 } });
    expect((await s.pool())?.vdevs[0]?.disks.map((d) => d.path)).toEqual([s.path(0), s.path(2)]);
    await s.later(60_000);
    expect(s.open()).toEqual([]);
  });

  it('and comes back is known, and used again by itself; once', async () => {
    const s = await stage();
    await s.later(2_000);
    s.host.happen({ kind: 'unplug', disk: s.label(1), noticed: true });
    await s.later(2_000);
    expect((await s.pool())?.health).toBe('DEGRADED');
    s.host.happen({ kind: 'plug', disk: s.label(1) });
    await s.later(2_000);
    expect((await s.pool())?.vdevs[0]?.disks[1]?.state).toBe('ONLINE');
    expect(s.told()).toEqual(expect.arrayContaining(['disk.removed', 'disk.returned', 'pool.changed']));
    expect(s.store.audit.page(null, 10).map((e) => `${e.actor.name} ${e.action} ${e.outcome}`)).toContain('dplaned pool.online succeeded');
    await s.later(60_000);
    expect(s.open()).toEqual([]);
    expect(s.host.ran.filter((argv) => argv[1] === 'online')).toHaveLength(1);
  });

  it('is tried again when it can not be opened yet, and given up with a word when it never can', async () => {
    for (const [failures, state, online] of [
      [2, 'ONLINE', 3],
      [99, 'REMOVED', 6],
    ] as const) {
      const s = await stage();
      await s.later(2_000);
      s.host.happen({ kind: 'unplug', disk: s.label(1), noticed: true });
      await s.later(2_000);
      s.host.fault({ match: ['zpool', 'online'], kind: 'exit', exit: 1, stderr: 'cannot online: no such device\n', times: failures });
      s.host.happen({ kind: 'plug', disk: s.label(1) });
      for (let i = 0; i < 60; i += 1) await s.later(2_000);
      expect((await s.pool())?.vdevs[0]?.disks[1]?.state).toBe(state);
      expect(s.host.ran.filter((argv) => argv[0] === 'zpool' && argv[1] === 'online')).toHaveLength(online);
      expect(s.told().filter((kind) => kind === 'pool.changed')).toHaveLength(1);
    }
  });

  it('that was switched off by someone stays off when it comes back', async () => {
    const s = await stage();
    await s.sh('zpool', 'offline', 'tank', s.path(1));
    await s.later(2_000);
    s.host.happen({ kind: 'unplug', disk: s.label(1), noticed: false });
    await s.later(2_000);
    s.host.happen({ kind: 'plug', disk: s.label(1) });
    await s.later(2_000);
    expect((await s.pool())?.vdevs[0]?.disks[1]?.state).toBe('OFFLINE');
  });

  it('costs nothing while nothing happens: a pulse starts no process', async () => {
    const s = await stage();
    // what a new pool sets off comes to its end first
    const beat = async (): Promise<number> => {
      const before = s.host.ran.length;
      await s.later(2_000);
      return s.host.ran.length - before;
    };
    await expect.poll(beat, { timeout: 30_000 }).toBe(0);
    const before = s.host.ran.length;
    for (let i = 0; i < 5; i += 1) await s.later(2_000);
    expect(s.host.ran.slice(before)).toEqual([]);
  });
});

describe('what lowers redundancy', () => {
  it('waits for an approval that names the disk: switching off, detaching', async () => {
    const s = await stage();
    for (const kind of ['pool.offline', 'pool.detach'] as const) {
      const p = await s.plan({ kind, name: 'tank', disk: s.label(1) });
      expect(p.actions[0]).toMatchObject({ verb: 'BLOCKED', approval: 'required', target: { kind: 'disk', name: s.label(1) } });
      expect(await s.engine.apply(ADA, p.digest)).toMatchObject({ ok: false, refusal: { code: 'needs-approval' } });
    }
    const p = await s.plan({ kind: 'pool.offline', name: 'tank', disk: s.label(1) });
    expect(await s.engine.approve(ADA, p.digest, p.actions[0]?.id ?? '', s.label(0))).toMatchObject({ ok: false });
    await s.approve(p);
    expect(await s.apply(p)).toMatchObject({ state: 'succeeded' });
    expect((await s.pool())?.vdevs[0]?.disks[1]?.state).toBe('OFFLINE');
    // and the last one can't go, with whatever approval
    expect(await s.why({ kind: 'pool.offline', name: 'tank', disk: s.label(0) })).toContain('nothing else holds what it holds');
    expect(await s.why({ kind: 'pool.detach', name: 'tank', disk: s.label(0) })).toContain('no other disk');
    await s.apply(await s.plan({ kind: 'pool.online', name: 'tank', disk: s.label(1), expand: false }));
    expect((await s.pool())?.health).toBe('ONLINE');
  });

  it('is refused by the executor, too, when the plan did not say so', async () => {
    const s = await stage();
    const seen = await s.pool();
    const disk = seen?.vdevs[0]?.disks[1];
    const folder = mkdtempSync(join(tmpdir(), 'dplaneos-ledger-'));
    const ledger = openLedger(folder, Date.now);
    onTestFinished(() => {
      ledger.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const work = performer({ host: s.host, ledger, clock: Date.now, log: () => undefined });
    const answer = await work.perform({
      v: 1,
      id: 'forged-offline',
      actor: ADA,
      operation: {
        kind: 'pool.offline',
        name: 'tank',
        guid: seen?.guid ?? '',
        disk: disk?.guid ?? '',
        label: s.label(1),
        lowersRedundancy: false,
      },
      approval: null,
    });
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'needs-approval' } });
    expect((await s.pool())?.health).toBe('ONLINE');
  });

  it('adding: a part that survives less waits for the name of the pool, an equal one does not', async () => {
    const s = await stage();
    const add = (kind: 'stripe' | 'mirror', disks: number[]): PoolChange => ({
      kind: 'pool.add',
      name: 'tank',
      vdevs: [{ kind, role: 'data', disks: disks.map(s.path) }],
      erase: [],
    });
    const weak = await s.plan(add('stripe', [2]));
    expect(weak.actions[0]).toMatchObject({ approval: 'required', target: { kind: 'pool', name: 'tank' } });
    expect(weak.actions[0]?.blocked).toContain('survives no loss');
    const good = await s.plan(add('mirror', [2, 3]));
    expect(good.actions[0]).toMatchObject({ approval: 'none', verb: 'MODIFY' });
    expect(await s.apply(good)).toMatchObject({ state: 'succeeded' });
    expect((await s.pool())?.vdevs).toHaveLength(2);
    // now with its approval, and nothing else let through
    const p = await s.plan(add('stripe', [4]));
    await s.approve(p);
    expect(await s.apply(p)).toMatchObject({ state: 'succeeded' });
    expect(s.host.ran.filter((argv) => argv[1] === 'add').flat()).not.toContain('-f');
  });
});

describe('a disk that holds something', () => {
  it('is refused until it is named again, and then erased by an approval that names it', async () => {
    const s = await stage();
    const photos = s.host.world.model.disks[3];
    if (photos) photos.parts = [{ size: 1e12, fstype: 'ntfs', type: 'Microsoft basic data', label: 'Photos', mountpoints: [] }];
    expect(await s.why(replace(s, 1, 2))).toContain('it holds a filesystem (ntfs) "Photos"');
    const p = await s.plan(replace(s, 1, 2, [s.path(2)]));
    expect(p.actions.map((a) => [a.id, a.approval, a.target?.name])).toEqual([
      [`disk.erase ${s.label(2)}`, 'required', s.label(2)],
      [`pool.replace tank ${s.label(1)}`, 'none', 'tank'],
    ]);
    expect(await s.engine.apply(ADA, p.digest)).toMatchObject({ ok: false, refusal: { code: 'needs-approval' } });
    expect(photos?.parts).toHaveLength(1);
    await s.approve(p);
    expect(await s.apply(p)).toMatchObject({ state: 'succeeded' });
    expect((await s.pool())?.vdevs[0]?.disks[1]?.standIns?.[0]?.path).toBe(s.path(2));
  });

  it('is never erased while a pool has it, or the system', async () => {
    const s = await stage();
    expect(await s.why({ kind: 'disk.erase', path: s.path(0) })).toContain('it belongs to pool tank');
    const system = s.host.world.model.disks[0]?.links[0] ?? '';
    expect(await s.why({ kind: 'disk.erase', path: `/dev/disk/by-id/${system}` })).toContain('the running system');
  });
});

describe('the layout', () => {
  it('a single disk becomes a mirror, a raidz grows, spares come and go', async () => {
    const s = await stage();
    await s.sh('zpool', 'create', '-O', 'mountpoint=/mnt/z', 'wide', 'raidz1', s.path(2), s.path(3), s.path(4));
    expect(await s.apply(await s.plan({ kind: 'pool.attach', name: 'wide', to: 'raidz1-0', with: s.path(5), erase: [] }))).toMatchObject({
      state: 'succeeded',
    });
    expect((await s.pool('wide'))?.expansion?.state).toBe('running');
    await s.later(3_600_000);
    expect(await s.pool('wide')).toMatchObject({ expansion: { state: 'finished', progress: 1 }, health: 'ONLINE' });
    expect((await s.pool('wide'))?.vdevs[0]?.disks).toHaveLength(4);
    // no disk is left: what is asked for is said to be taken
    expect(await s.why({ kind: 'pool.attach', name: 'tank', to: s.label(0), with: s.path(5), erase: [] })).toContain(
      'belongs to pool wide',
    );
  });

  it('a spare is added and removed; what holds data is not', async () => {
    const s = await stage();
    await s.apply(
      await s.plan({ kind: 'pool.add', name: 'tank', vdevs: [{ kind: 'stripe', role: 'spare', disks: [s.path(2)] }], erase: [] }),
    );
    expect((await s.pool())?.vdevs.map((v) => v.role)).toEqual(['data', 'spare']);
    await s.apply(await s.plan({ kind: 'pool.remove', name: 'tank', disk: s.label(2) }));
    expect((await s.pool())?.vdevs.map((v) => v.role)).toEqual(['data']);
    expect(await s.why({ kind: 'pool.remove', name: 'tank', disk: 'mirror-0' })).toContain('it holds data');
  });

  it('is changed by two at once: the second is told that the world has moved on', async () => {
    const s = await stage();
    s.host.happen({ kind: 'unplug', disk: s.label(1), noticed: true });
    const first = await s.plan(replace(s, 1, 2));
    const second = await s.plan(replace(s, 1, 3));
    const opposite = await s.plan({ kind: 'pool.online', name: 'tank', disk: s.label(1), expand: false });
    expect(await s.apply(first)).toMatchObject({ state: 'succeeded' });
    expect(await s.engine.apply(ADA, second.digest)).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
    // a disk that is not there does not come online, and nothing else is done
    expect(await s.apply(opposite)).toMatchObject({ state: 'failed' });
    expect((await s.pool())?.vdevs[0]?.disks[1]?.standIns?.[0]?.path).toBe(s.path(2));
  });
});

describe('pools that come and go', () => {
  it('one is exported and imported again, with its datasets mounted; under another name, read-only', async () => {
    const s = await stage();
    await s.sh('zfs', 'create', 'tank/docs');
    const guid = (await s.pool())?.guid ?? '';
    expect(await s.apply(await s.move({ kind: 'pool.export', name: 'tank' }))).toMatchObject({ state: 'succeeded' });
    expect(await s.pool()).toBeUndefined();
    expect(orThrow(await s.engine.importable())).toMatchObject([
      { name: 'tank', guid, importable: true, foreign: false, lastHost: { name: 'nas' } },
    ]);
    const back = await s.move({ kind: 'pool.import', guid, name: 'tank', as: 'old', readonly: true, force: false });
    expect(await s.apply(back)).toMatchObject({ state: 'succeeded' });
    const seen = (await s.engine.observe(0)).observed;
    expect(seen.datasets.filter((d) => d.mounted).map((d) => d.name)).toEqual(['old', 'old/docs']);
  });

  it('one that another machine had last is taken by force only, with its name', async () => {
    const s = await stage();
    const guid = (await s.pool())?.guid ?? '';
    await s.sh('zpool', 'export', 'tank');
    const away = s.host.world.model.away?.[0];
    if (away) away.lastHost = { name: 'attic', id: '11111111' };
    expect(orThrow(await s.engine.importable())).toMatchObject([{ foreign: true, lastHost: { name: 'attic', id: '11111111' } }]);
    const gentle = await s.move({ kind: 'pool.import', guid, name: 'tank', readonly: false, force: false });
    expect(await s.apply(gentle)).toMatchObject({ state: 'failed', account: expect.stringContaining('another machine had it last') });
    const forced = await s.move({ kind: 'pool.import', guid, name: 'tank', readonly: false, force: true });
    expect(forced.actions[0]).toMatchObject({ approval: 'required', target: { kind: 'pool', name: 'tank', guid } });
    await s.approve(forced);
    expect(await s.apply(forced)).toMatchObject({ state: 'succeeded' });
    expect((await s.pool())?.health).toBe('ONLINE');
  });

  it('one that is shared is not exported', async () => {
    const s = await stage();
    await s.sh('zfs', 'create', 'tank/docs');
    const share = { kind: 'nfs' as const, name: 'docs', dataset: 'tank/docs', folder: '', comment: '', clients: [] };
    const r = await s.engine.planChange(ADA, [
      { kind: 'share.put', share: { ...share, clients: [{ host: '10.0.0.0/8', access: 'rw', squash: 'root', sync: true }] } } as never,
    ]);
    if (r.ok) await s.apply(r.value);
    expect((await s.engine.observe(0)).observed.shares).toHaveLength(1);
    const refused = await s.engine.planChange(ADA, [{ kind: 'pool.export', name: 'tank' }]);
    expect(refused).toMatchObject({ ok: false, refusal: { why: 'it is shared: docs' } });
  });

  it('one that the start missed is waited for, looked for when disks come, and forgotten when asked', async () => {
    const s = await stage();
    await s.later(2_000);
    s.host.world.model.texts['/var/lib/dplane-pools/missing'] = '4711 lost not-imported\n';
    await s.engine.observe(0);
    s.host.happen({ kind: 'unplug', disk: s.label(5), noticed: true });
    await s.later(2_000);
    expect(s.host.ran.some((argv) => argv.join(' ') === 'systemctl restart --no-block dplane-pools.service')).toBe(true);
    expect(s.open()).toContain('pool.stuck pool:lost');
    const p = await s.move({ kind: 'pool.forget', name: 'lost' });
    expect(p.actions[0]).toMatchObject({ risk: 'disruptive', approval: 'none', operation: { kind: 'pool.forget', guid: '4711' } });
    expect(await s.apply(p)).toMatchObject({ state: 'succeeded' });
    expect(s.host.world.model.texts['/var/lib/dplane-pools/forgotten']).toBe('4711\n');
    // one that is there is not forgotten
    expect(await s.engine.planChange(ADA, [{ kind: 'pool.forget', name: 'tank' }])).toMatchObject({ ok: false });
  });

  it('a checkpoint comes and goes; an upgrade is refused while the other slot could not read the pool', async () => {
    const s = await stage();
    await s.apply(await s.move({ kind: 'pool.checkpoint', name: 'tank', action: 'create' }));
    expect((await s.pool())?.checkpoint).toBeDefined();
    await s.apply(await s.move({ kind: 'pool.checkpoint', name: 'tank', action: 'discard' }));
    expect((await s.pool())?.checkpoint).toBeUndefined();
    const up = await s.engine.planChange(ADA, [{ kind: 'pool.upgrade', name: 'tank' }]);
    expect(up.ok).toBe(true);
    const other = s.host.world.model.ota?.slots.b;
    if (s.host.world.model.ota && other)
      s.host.world.model.ota.slots.b = {
        ...other,
        state: 'confirmed',
        system: { product: 'dplaneos', version: '0.0.9', index: 1, arch: 'x86_64', kernel: '6.6', zfs: '2.2.0' },
      };
    expect(await s.engine.planChange(ADA, [{ kind: 'pool.upgrade', name: 'tank' }])).toMatchObject({
      ok: false,
      refusal: { why: expect.stringContaining('2.2.0') },
    });
  });
});

it('what ZFS itself noted can be read', async () => {
  const s = await stage();
  await s.sh('zpool', 'offline', 'tank', s.path(1));
  const events = orThrow(await s.engine.zfsEvents());
  expect(events.at(-1)).toMatchObject({ pool: 'tank', class: 'resource.fs.zfs.statechange' });
});

describe('a schedule', () => {
  it('begins a scrub when it is due, once, and waits for what is under way', async () => {
    const s = await stage();
    orThrow(await s.engine.setPoolCare('tank', { scrub: '0 * * * *', trim: null, timezone: 'UTC' }, ADA));
    await s.later(3_600_000);
    expect((await s.pool())?.scan.kind).toBe('scrub');
    await s.later(600_000);
    expect(s.host.ran.filter((argv) => argv[1] === 'scrub')).toHaveLength(1);
    expect(s.store.audit.page(null, 10).map((e) => `${e.actor.name} ${e.action}`)).toContain('dplaned pool.scrub');
    // a resilver goes first; the scrub is due still when it has ended
    await s.apply(await s.plan(replace(s, 1, 2)));
    await s.later(1_800);
    expect((await s.pool())?.scan.kind).toBe('resilver');
    await s.later(3_600_000);
    await s.later(60_000);
    expect((await s.pool())?.scan.kind).toBe('scrub');
    expect(orThrow(await s.engine.poolCare('tank')).next.scrub).toBeGreaterThan(0);
  });
});
