import { describe, expect, test } from 'vitest';
import type { Approval, Operation } from '../../domain/operation/operation.ts';
import type { RefusalCode } from '../../domain/refusal.ts';
import { execute } from './execute.ts';
import type { Changed } from './host.ts';
import { approve, clock, diskPath, exists, guidOf, type Machine, machine, must } from './testing.ts';

const run = (host: Machine, op: Operation, approval: Approval | null = null): Promise<Changed> =>
  execute({ host, clock, approval, id: 'operation-1' }, op);
const refused = (done: Changed, code: RefusalCode, why: RegExp): void => {
  expect(done.ok ? done.value : done.refusal).toMatchObject({ code, why: expect.stringMatching(why) });
};
const changing = (host: Machine): string[] =>
  host.ran.map((argv) => argv.join(' ')).filter((line) => !/^(zfs|zpool) (get|list|status|holds)|^lsblk|^readlink/.test(line));

describe('pool', () => {
  const create = (more: Partial<Extract<Operation, { kind: 'pool.create' }>> = {}): Operation => ({
    kind: 'pool.create',
    name: 'vault',
    vdevs: [
      { kind: 'mirror', role: 'log', disks: [diskPath(4), diskPath(5)] },
      { kind: 'mirror', role: 'data', disks: [diskPath(2), diskPath(3)] },
    ],
    options: { ashift: 12, autotrim: 'on', comment: 'the second one' },
    properties: { compression: 'lz4', mountpoint: '/mnt/vault' },
    ...more,
  });

  test('is made of free disks, data first, and answers with the guid that the host shows', async () => {
    const host = await machine();
    const done = await run(host, create());
    expect(done).toEqual({ ok: true, value: { guid: host.world.pool('vault')?.guid, health: 'ONLINE' } });
    expect(host.ran.find((argv) => argv[1] === 'create' && argv.includes('vault'))?.slice(-7)).toEqual(
      ['vault', 'mirror', diskPath(2), diskPath(3), 'log', 'mirror', diskPath(4), diskPath(5)].slice(-7),
    );
    expect(host.ran.filter((argv) => argv[0] === 'zpool').flat()).not.toContain('-f');
  });

  test('waits for partitions that are not there yet, and not for ever', async () => {
    const host = await machine();
    const not = (n: number): Machine => {
      let failed = 0;
      return {
        ...host,
        run: async (argv, options) => {
          const fails = argv[1] === 'create' && failed++ < n;
          const r = await host.run(fails ? ['zpool', 'version'] : argv, options);
          return fails ? { ...r, exit: 1, stderr: "cannot create 'vault': one or more devices is currently unavailable\n" } : r;
        },
      };
    };
    refused(await run(not(3), create()), 'unavailable', /currently unavailable/);
    expect(await exists(host, 'vault')).toBe(false);
    expect((await run(not(2), create())).ok).toBe(true);
    expect(host.ran.filter((argv) => argv[0] === 'udevadm').length).toBe(4);
  });

  test('never of disks that are used, unknown or named twice', async () => {
    const host = await machine();
    refused(await run(host, create({ vdevs: [{ kind: 'stripe', role: 'data', disks: [diskPath(0)] }] })), 'blocked', /a ZFS pool "tank"/);
    refused(await run(host, create({ vdevs: [{ kind: 'stripe', role: 'data', disks: [`${diskPath(9)}`] }] })), 'not-found', /no disk/);
    const twice = [
      { kind: 'stripe' as const, role: 'data' as const, disks: [diskPath(2)] },
      { kind: 'stripe' as const, role: 'cache' as const, disks: [diskPath(2)] },
    ];
    refused(await run(host, create({ vdevs: twice })), 'invalid', /twice/);
    refused(await run(host, create({ vdevs: [{ kind: 'stripe', role: 'cache', disks: [diskPath(2)] }] })), 'invalid', /no vdev holds data/);
    expect(changing(host).filter((line) => line.includes('vault'))).toEqual([]);
  });

  test('never over a folder of the system', async () => {
    const host = await machine();
    for (const properties of [{ mountpoint: '/etc' }, { mountpoint: '/usr/lib/dplaneos' }, { mountpoint: '/' }])
      refused(await run(host, create({ properties })), 'blocked', /operating system/);
    refused(await run(host, create({ name: 'etc', properties: {} })), 'blocked', /operating system/);
  });

  test('options are set and read back; another pool of that name is left alone', async () => {
    const host = await machine();
    const guid = host.world.pool('tank')?.guid ?? '';
    expect(await run(host, { kind: 'pool.set', name: 'tank', guid, options: { autotrim: 'on', comment: 'hello there' } })).toMatchObject({
      ok: true,
    });
    expect(await must(host, 'zpool', 'get', '-H', '-o', 'value', 'comment', 'tank')).toBe('hello there\n');
    refused(await run(host, { kind: 'pool.set', name: 'tank', guid: '1', options: { autotrim: 'off' } }), 'conflict', /another \(guid/);
    refused(await run(host, { kind: 'pool.set', name: 'nosuch', guid: '1', options: {} }), 'not-found', /nosuch/);
  });

  test('a scrub is started, paused, stopped, and said to be so only when the pool shows it', async () => {
    const host = await machine();
    const scrub = (action: 'start' | 'stop' | 'pause', guid = host.world.pool('tank')?.guid ?? ''): Promise<Changed> =>
      run(host, { kind: 'pool.scrub', name: 'tank', guid, action });
    refused(await scrub('start', '1'), 'conflict', /another/);
    expect(await scrub('start')).toMatchObject({ ok: true });
    expect(await scrub('pause')).toMatchObject({ ok: true, value: { state: 'PAUSED' } });
    expect(await scrub('start')).toMatchObject({ ok: true });
    expect(await scrub('stop')).toMatchObject({ ok: true });
    expect((await scrub('stop')).ok).toBe(false);
    host.fault({ match: ['zpool', 'scrub'], kind: 'exit', exit: 0 });
    refused(await scrub('start'), 'failed', /reported success, but/);
  });
});

describe('dataset', () => {
  test('is made with its properties, whatever form their sizes have', async () => {
    const host = await machine();
    const done = await run(host, {
      kind: 'dataset.create',
      name: 'tank/new',
      type: 'filesystem',
      properties: { recordsize: '1M', quota: '10GiB', compression: 'zstd', xattr: 'sa', acltype: 'posixacl' },
    });
    expect(done).toEqual({ ok: true, value: { guid: await guidOf(host, 'tank/new') } });
    expect(await must(host, 'zfs', 'get', '-Hp', '-o', 'value', 'quota', 'tank/new')).toBe(`${10 * 1024 ** 3}\n`);
    const volume = await run(host, {
      kind: 'dataset.create',
      name: 'tank/vol',
      type: 'volume',
      properties: { volsize: '1G', volblocksize: '16K' },
    });
    expect(volume).toEqual({ ok: true, value: { guid: await guidOf(host, 'tank/vol') } });
  });

  test('is refused when the name is taken, the parent is missing, or the kind does not fit', async () => {
    const host = await machine();
    const create = (name: string, properties = {}, type: 'filesystem' | 'volume' = 'filesystem'): Promise<Changed> =>
      run(host, { kind: 'dataset.create', name, type, properties });
    refused(await create('tank/docs'), 'conflict', /exist/);
    refused(await create('tank/no/such'), 'not-found', /exist/);
    refused(await create('tank'), 'invalid', /name of a pool/);
    refused(await create('tank/v', {}, 'volume'), 'invalid', /volsize/);
    refused(await create('tank/f', { volsize: '1G' }), 'invalid', /volsize/);
  });

  test('never lands on a folder of the system, or over files that would be hidden', async () => {
    const host = await machine();
    host.happen({ kind: 'file', path: '/mnt/tank/docs/album/one.jpg', size: 10 });
    refused(
      await run(host, { kind: 'dataset.create', name: 'tank/docs/album', type: 'filesystem', properties: {} }),
      'conflict',
      /would be hidden/,
    );
    refused(
      await run(host, { kind: 'dataset.create', name: 'tank/x', type: 'filesystem', properties: { mountpoint: '/mnt/tank/docs' } }),
      'conflict',
      /would be hidden/,
    );
    refused(
      await run(host, { kind: 'dataset.create', name: 'tank/x', type: 'filesystem', properties: { mountpoint: '/var/lib/dplane' } }),
      'blocked',
      /operating system/,
    );
    const guid = await guidOf(host, 'tank/docs');
    for (const mountpoint of ['/etc/systemd', '/run/dplane', '/root'])
      refused(
        await run(host, { kind: 'dataset.set', name: 'tank/docs', guid, set: { mountpoint }, inherit: [] }),
        'blocked',
        /operating system/,
      );
    // below a parent that is mounted at /, as on a system with its root on ZFS, a name alone is enough
    await must(host, 'zfs', 'create', '-o', 'mountpoint=/', '-o', 'canmount=off', 'tank/root');
    refused(
      await run(host, { kind: 'dataset.create', name: 'tank/root/etc', type: 'filesystem', properties: {} }),
      'blocked',
      /operating system/,
    );
    refused(
      await run(host, { kind: 'dataset.rename', name: 'tank/empty', guid: await guidOf(host, 'tank/empty'), to: 'tank/root/usr' }),
      'blocked',
      /operating system/,
    );
    expect(await exists(host, 'tank/x')).toBe(false);
    expect(await exists(host, 'tank/empty')).toBe(true);
  });

  test('properties are set and inherited, and read back', async () => {
    const host = await machine();
    const guid = await guidOf(host, 'tank/docs');
    expect(await run(host, { kind: 'dataset.set', name: 'tank/docs', guid, set: { quota: '1T', atime: 'off' }, inherit: [] })).toEqual({
      ok: true,
      value: { guid },
    });
    expect(await run(host, { kind: 'dataset.set', name: 'tank/docs', guid, set: { quota: 'none' }, inherit: ['atime'] })).toEqual({
      ok: true,
      value: { guid },
    });
    expect(await must(host, 'zfs', 'get', '-Hp', '-o', 'value,source', 'atime', 'tank/docs')).toBe('on\tdefault\n');
    refused(await run(host, { kind: 'dataset.set', name: 'tank/docs', guid, set: {}, inherit: [] }), 'invalid', /no property/);
    refused(await run(host, { kind: 'dataset.set', name: 'tank/docs', guid, set: {}, inherit: ['quota'] }), 'invalid', /inherited/);
    refused(
      await run(host, { kind: 'dataset.set', name: 'tank/docs', guid, set: { casesensitivity: 'mixed' }, inherit: [] }),
      'blocked',
      /fixed/,
    );
    refused(
      await run(host, { kind: 'dataset.set', name: 'tank/docs', guid: '1', set: { atime: 'off' }, inherit: [] }),
      'conflict',
      /another \(guid/,
    );
  });

  test('what the tool says is done but the host does not show is not reported as done', async () => {
    const host = await machine();
    const guid = await guidOf(host, 'tank/docs');
    const lie = { kind: 'exit' as const, exit: 0, times: 1 };
    host.fault({ match: ['zfs', 'set'], ...lie });
    refused(
      await run(host, { kind: 'dataset.set', name: 'tank/docs', guid, set: { compression: 'zstd' }, inherit: [] }),
      'failed',
      /reported success, but compression/,
    );
    host.fault({ match: ['zfs', 'create'], ...lie });
    refused(await run(host, { kind: 'dataset.create', name: 'tank/ghost', type: 'filesystem', properties: {} }), 'not-found', /exist/);
    host.fault({ match: ['zfs', 'rename'], ...lie });
    expect((await run(host, { kind: 'dataset.rename', name: 'tank/docs', guid, to: 'tank/papers' })).ok).toBe(false);
    const destroy: Operation = { kind: 'dataset.destroy', name: 'tank/docs', guid, withSnapshots: false };
    host.fault({ match: ['zfs', 'destroy'], ...lie });
    refused(await run(host, destroy, approve(destroy)), 'failed', /still there/);
    host.fault({ match: ['zfs', 'snapshot'], ...lie });
    expect((await run(host, { kind: 'snapshot.create', dataset: 'tank/docs', guid, tag: 's', recursive: false })).ok).toBe(false);
  });

  test('a smaller volume is a loss of data: only with an approval', async () => {
    const host = await machine();
    await must(host, 'zfs', 'create', '-V', '1073741824', 'tank/vol');
    const guid = await guidOf(host, 'tank/vol');
    const shrink: Operation = { kind: 'dataset.set', name: 'tank/vol', guid, set: { volsize: '512M' }, inherit: [] };
    refused(await run(host, shrink), 'needs-approval', /cuts off/);
    expect(await run(host, { ...shrink, set: { volsize: '2G' } })).toMatchObject({ ok: true });
    expect(await run(host, shrink, approve(shrink))).toMatchObject({ ok: true });
  });

  test('is renamed within its pool, keeping its guid', async () => {
    const host = await machine();
    const guid = await guidOf(host, 'tank/docs');
    const rename = (to: string, g = guid): Promise<Changed> => run(host, { kind: 'dataset.rename', name: 'tank/docs', guid: g, to });
    refused(await rename('other/docs'), 'invalid', /stays in its pool/);
    refused(await rename('tank/docs/below'), 'invalid', /below itself/);
    refused(await rename('tank/empty'), 'conflict', /exists/);
    refused(await rename('tank/papers', '1'), 'conflict', /another/);
    expect(await rename('tank/papers')).toEqual({ ok: true, value: { guid, name: 'tank/papers' } });
    expect(await guidOf(host, 'tank/papers')).toBe(guid);
  });
});

describe('destroying a dataset', () => {
  const destroy = async (host: Machine, name: string, withSnapshots = false): Promise<Operation> => ({
    kind: 'dataset.destroy',
    name,
    guid: await guidOf(host, name),
    withSnapshots,
  });

  test('without an approval: only when it is seen to be empty', async () => {
    const host = await machine();
    const empty = await destroy(host, 'tank/empty');
    expect(await run(host, empty)).toMatchObject({ ok: true });
    expect(await exists(host, 'tank/empty')).toBe(false);
    expect(changing(host).slice(-2)).toEqual(['zfs set readonly=on tank/empty', 'zfs destroy tank/empty']);
  });

  test('without an approval: one entry is enough to refuse, and readonly is as it was', async () => {
    const host = await machine();
    refused(await run(host, await destroy(host, 'tank/docs')), 'needs-approval', /not empty: 1 entry/);
    expect(await must(host, 'zfs', 'get', '-H', '-o', 'value,source', 'readonly', 'tank/docs')).toBe('off\tdefault\n');
    await must(host, 'zfs', 'set', 'readonly=off', 'tank/docs');
    refused(await run(host, await destroy(host, 'tank/docs')), 'needs-approval', /not empty/);
    expect(await must(host, 'zfs', 'get', '-H', '-o', 'value,source', 'readonly', 'tank/docs')).toBe('off\tlocal\n');
    await must(host, 'zfs', 'set', 'readonly=on', 'tank/docs');
    refused(await run(host, await destroy(host, 'tank/docs')), 'needs-approval', /not empty/);
    expect(await must(host, 'zfs', 'get', '-H', '-o', 'value,source', 'readonly', 'tank/docs')).toBe('on\tlocal\n');
  });

  test('without an approval: not when nobody can look inside', async () => {
    const host = await machine();
    await must(host, 'zfs', 'create', '-V', '1073741824', 'tank/vol');
    refused(await run(host, await destroy(host, 'tank/vol')), 'needs-approval', /volume/);
    await must(host, 'zfs', 'unmount', 'tank/empty');
    refused(await run(host, await destroy(host, 'tank/empty')), 'needs-approval', /not mounted/);
  });

  test('without an approval: not when something else is mounted over it, or over a folder above', async () => {
    const host = await machine();
    const mounts = await host.readText('/proc/self/mounts');
    const covered = (line: string): Machine => ({
      ...host,
      readText: async (path) => (path === '/proc/self/mounts' ? `${mounts}${line}\n` : host.readText(path)),
    });
    const op = await destroy(host, 'tank/empty');
    for (const line of ['tmpfs /mnt/tank/empty tmpfs rw 0 0', 'tank/docs /mnt/tank/empty zfs rw 0 0', 'tmpfs /mnt tmpfs rw 0 0'])
      refused(
        await execute({ host: covered(line), clock, approval: null, id: 'operation-1' }, op),
        'needs-approval',
        /something else is mounted/,
      );
    expect(await exists(host, 'tank/empty')).toBe(true);
    expect(
      await execute({ host: covered('tmpfs /mnt/tank/empty2 tmpfs rw 0 0'), clock, approval: null, id: 'operation-1' }, op),
    ).toMatchObject({ ok: true });
  });

  test('when it turns out to be in use, it is writable again', async () => {
    const host = await machine();
    host.fault({ match: ['zfs', 'destroy'], kind: 'exit', exit: 1, stderr: "cannot destroy 'tank/empty': dataset is busy\n" });
    refused(await run(host, await destroy(host, 'tank/empty')), 'busy', /busy/);
    expect(await must(host, 'zfs', 'get', '-H', '-o', 'value', 'readonly', 'tank/empty')).toBe('off\n');
  });

  test('with children: never, approved or not', async () => {
    const host = await machine();
    await must(host, 'zfs', 'create', 'tank/docs/old');
    const op = await destroy(host, 'tank/docs', true);
    refused(await run(host, op), 'blocked', /child datasets: tank\/docs\/old/);
    refused(await run(host, op, approve(op)), 'blocked', /child datasets: tank\/docs\/old/);
  });

  test('the root of a pool: never, approved or not', async () => {
    const host = await machine();
    const op: Operation = { kind: 'dataset.destroy', name: 'tank', guid: host.world.dataset('tank')?.guid ?? '', withSnapshots: true };
    refused(await run(host, op, approve(op)), 'blocked', /pools are never destroyed/);
    expect(host.world.pool('tank')).toBeDefined();
  });

  test('with snapshots: only an approved action that takes them with it', async () => {
    const host = await machine();
    await must(host, 'zfs', 'snapshot', 'tank/docs@one');
    await must(host, 'zfs', 'snapshot', 'tank/docs@two');
    const without = await destroy(host, 'tank/docs');
    const along = await destroy(host, 'tank/docs', true);
    refused(await run(host, without), 'needs-approval', /2 snapshots/);
    refused(await run(host, along), 'needs-approval', /2 snapshots/);
    refused(await run(host, without, approve(without)), 'needs-approval', /2 snapshots/);
    expect(await run(host, along, approve(along))).toMatchObject({ ok: true, value: { snapshots: 2 } });
    // unmounted before the first snapshot is lost, each named, and nothing by -r
    expect(changing(host).slice(-3)).toEqual(['zfs unmount tank/docs', 'zfs destroy tank/docs@one,two', 'zfs destroy tank/docs']);
  });

  test('in use: nothing is lost, not one snapshot', async () => {
    const host = await machine();
    await must(host, 'zfs', 'snapshot', 'tank/docs@one');
    host.fault({ match: ['zfs', 'unmount'], kind: 'exit', exit: 1, stderr: "cannot unmount '/mnt/tank/docs': pool or dataset is busy\n" });
    const op = await destroy(host, 'tank/docs', true);
    refused(await run(host, op, approve(op)), 'busy', /busy/);
    expect(await exists(host, 'tank/docs@one')).toBe(true);
  });

  test('what fails after the unmount is mounted again', async () => {
    const host = await machine();
    const op = await destroy(host, 'tank/docs');
    host.fault({ match: ['zfs', 'destroy'], kind: 'exit', exit: 1, stderr: "cannot destroy 'tank/docs': out of space\n" });
    expect((await run(host, op, approve(op))).ok).toBe(false);
    expect(await must(host, 'zfs', 'get', '-H', '-o', 'value', 'mounted', 'tank/docs')).toBe('yes\n');
  });

  test('held or cloned: refused by name', async () => {
    const host = await machine();
    await must(host, 'zfs', 'snapshot', 'tank/docs@kept');
    await must(host, 'zfs', 'hold', 'backup', 'tank/docs@kept');
    const op = await destroy(host, 'tank/docs', true);
    refused(await run(host, op, approve(op)), 'blocked', /held snapshots: tank\/docs@kept/);
    await must(host, 'zfs', 'release', 'backup', 'tank/docs@kept');
    await must(host, 'zfs', 'clone', 'tank/docs@kept', 'tank/clone');
    refused(await run(host, op, approve(op)), 'blocked', /tank\/clone \(from tank\/docs@kept\)/);
    expect(await exists(host, 'tank/docs@kept')).toBe(true);
  });

  test('another dataset of that name is left alone', async () => {
    const host = await machine();
    const op = await destroy(host, 'tank/docs');
    await must(host, 'zfs', 'rename', 'tank/docs', 'tank/papers');
    await must(host, 'zfs', 'create', 'tank/docs');
    refused(await run(host, op, approve(op)), 'conflict', /another \(guid/);
    refused(await run(host, { ...op, name: 'tank/nosuch' } as Operation), 'not-found', /exist/);
    expect(changing(host).filter((line) => line.startsWith('zfs destroy'))).toEqual([]);
  });

  test('a tool that hangs, is missing or talks rubbish leads to a refusal and to nothing destroyed', async () => {
    const host = await machine();
    const op = await destroy(host, 'tank/docs');
    for (const kind of ['missing', 'garbage', 'truncate'] as const) {
      const mend = host.fault({ match: /^zfs (get|list)/, kind });
      expect((await run(host, op, approve(op))).ok, kind).toBe(false);
      mend();
    }
    expect(await exists(host, 'tank/docs')).toBe(true);
  });
});

describe('snapshots', () => {
  test('are taken of one dataset or of all below, and seen', async () => {
    const host = await machine();
    const guid = await guidOf(host, 'tank');
    const create = (tag: string, recursive: boolean): Promise<Changed> =>
      run(host, { kind: 'snapshot.create', dataset: 'tank', guid, tag, recursive });
    expect(await create('one', false)).toMatchObject({ ok: true, value: { guid: await guidOf(host, 'tank@one'), count: 1 } });
    expect(await create('all', true)).toMatchObject({ ok: true, value: { count: 3 } });
    expect(await exists(host, 'tank/docs@all')).toBe(true);
    refused(await create('one', false), 'conflict', /exists/);
    refused(await run(host, { kind: 'snapshot.create', dataset: 'tank', guid: '1', tag: 'two', recursive: false }), 'conflict', /another/);
  });

  test('are destroyed by guid, one at a time, unless held or cloned', async () => {
    const host = await machine();
    await must(host, 'zfs', 'snapshot', '-r', 'tank@one');
    const guid = await guidOf(host, 'tank/docs@one');
    const destroy = (g = guid): Promise<Changed> => run(host, { kind: 'snapshot.destroy', dataset: 'tank/docs', tag: 'one', guid: g });
    refused(await destroy('1'), 'conflict', /another/);
    expect(await run(host, { kind: 'snapshot.hold', dataset: 'tank/docs', tag: 'one', guid, hold: 'backup' })).toMatchObject({
      ok: true,
      value: { holds: 1 },
    });
    refused(await destroy(), 'blocked', /held by backup/);
    expect(await run(host, { kind: 'snapshot.release', dataset: 'tank/docs', tag: 'one', guid, hold: 'backup' })).toMatchObject({
      ok: true,
      value: { holds: 0 },
    });
    expect((await run(host, { kind: 'snapshot.release', dataset: 'tank/docs', tag: 'one', guid, hold: 'backup' })).ok).toBe(false);
    await must(host, 'zfs', 'clone', 'tank/docs@one', 'tank/clone');
    refused(await destroy(), 'blocked', /tank\/clone/);
    await must(host, 'zfs', 'destroy', 'tank/clone');
    expect(await destroy()).toEqual({ ok: true, value: { guid } });
    expect(await exists(host, 'tank@one')).toBe(true);
  });
});
