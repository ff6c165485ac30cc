import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Observed } from '../domain/observed/observed.ts';
import { ok, RefusalError } from '../domain/refusal.ts';
import { Snapshot } from '../domain/snapshot/snapshot.ts';
import { parseLsblk } from './disks/disks.ts';
import { MISSING_FILE, observe, type ObserveOptions, poolsAreKnown } from './observe.ts';
import { SMB_FILE } from './samba/conf.ts';
import { parseSmbstatus, smbstatusArgv } from './samba/status.ts';
import { bigModel, demoModel, emptyModel } from './sim/seeds.ts';
import { simHost } from './sim/sim.ts';
import { datasetsArgv, parseDatasets } from './zfs/datasets.ts';
import { parsePools, parseStatus, poolsArgv, statusArgv } from './zfs/pools.ts';
import { parseSnapshot, streamSnapshots } from './zfs/snapshots.ts';

const clock = (): number => Date.UTC(2026, 10, 20, 18, 30);
const demo = () => {
  const host = simHost({ model: demoModel(), clock });
  const options: ObserveOptions = {
    clients: async () => parseSmbstatus((await host.run(smbstatusArgv(), { timeoutMs: 5_000 })).stdout),
    counts: new Map([['tank/photos', 12]]),
    clock,
    timeoutMs: 5_000,
  };
  return { host, options };
};

describe('a machine as it is', () => {
  test('everything is there, and in its schema', async () => {
    const { host, options } = demo();
    const seen = Observed.parse(await observe(host, options));
    expect(seen.pools.map((p) => [p.name, p.health])).toEqual([
      ['backup', 'DEGRADED'],
      ['fast', 'ONLINE'],
      ['tank', 'ONLINE'],
    ]);
    expect([seen.datasets.length, seen.shares.length, seen.disks.length, seen.stuck, seen.problems]).toEqual([40, 8, 16, [], []]);
    expect(seen.shares.every((s) => s.serving)).toBe(true);
    expect(seen.shares.find((s) => s.spec.name === 'office')?.clients).toEqual([
      { share: 'office', user: 'ben', machine: '192.168.1.41', openFiles: 2 },
    ]);
    expect(seen.disks.filter((d) => d.pool === null && d.foreign === null && !d.system)).toHaveLength(4);
    expect(seen.disks.find((d) => d.foreign?.includes('ntfs'))?.path).toContain('usb-WD_Elements');
    const photos = seen.datasets.find((d) => d.name === 'tank/photos');
    expect(photos).toMatchObject({
      snapshots: 12,
      mounted: true,
      mountpoint: '/mnt/tank/photos',
      properties: {
        copies: { value: '2', source: 'local' },
        compression: { value: 'lz4', source: 'inherited', from: 'tank' },
        quota: { value: 'none', source: 'default' },
      },
    });
    expect(seen.datasets.find((d) => d.name === 'tank/private')).toMatchObject({ encryption: 'aes-256-gcm', keyStatus: 'available' });
    expect(seen.datasets.find((d) => d.name === 'fast/nextcloud-test')?.origin).toMatch(/^fast\/containers\/nextcloud@GMT-/);
    // pool disks have one name everywhere
    const paths = new Set(seen.disks.map((d) => d.path));
    for (const d of seen.pools.flatMap((p) => p.vdevs.flatMap((v) => v.disks))) expect(paths.has(d.path)).toBe(true);
    expect(host.ran.length).toBeLessThanOrEqual(1 + 3 * 3 + 5);
  });
  test('a fresh box', async () => {
    const seen = Observed.parse(
      await observe(simHost({ model: emptyModel(6), clock }), { ...demo().options, clients: async () => ok([]) }),
    );
    expect([seen.pools, seen.datasets, seen.shares, seen.stuck, seen.problems, seen.disks.filter((d) => !d.system).length]).toEqual([
      [],
      [],
      [],
      [],
      [],
      6,
    ]);
  });
});

describe('one part fails, the rest stands', () => {
  test('a pool that hangs is stuck; the others are live', async () => {
    const { host, options } = demo();
    host.hangPool('tank');
    const seen = await observe(host, { ...options, timeoutMs: 200 });
    expect(seen.stuck).toMatchObject([{ pool: 'tank', problem: { code: 'timeout' } }]);
    expect(seen.pools.map((p) => p.name)).toEqual(['backup', 'fast']);
    expect(seen.datasets.some((d) => d.name.startsWith('tank'))).toBe(false);
    expect(seen.datasets.some((d) => d.name.startsWith('fast'))).toBe(true);
    expect(seen.shares.find((s) => s.spec.name === 'photos')).toMatchObject({ serving: false, note: 'its pool does not answer' });
    expect(poolsAreKnown(seen)).toBe(true);
  });
  test('a pool that the boot gate misses is told, and not taken for gone', async () => {
    const { host, options } = demo();
    const tank = host.world.pool('tank')?.guid ?? '';
    const lines = [
      `${tank} tank being-imported`,
      '77 films not-imported',
      '78 fast not-imported',
      `${tank} tank not-writable`,
      'x',
      '5 -f y',
    ];
    await host.writeText(MISSING_FILE, `${lines.join('\n')}\n`, 0o644);
    const seen = await observe(host, options);
    expect(seen.stuck.map((s) => [s.pool, s.problem.code])).toEqual([['films', 'unavailable']]);
    expect(seen.stuck[0]?.problem.why).toContain('disks may be missing');
    // one of that name is there and is another; one is there and can not be written to
    expect(seen.problems.map((p) => p.what)).toEqual(['pool fast', 'pool tank']);
    expect(poolsAreKnown(seen)).toBe(true);
  });
  test('when no tool answers, the pools are not gone: they are stuck', async () => {
    const { host, options } = demo();
    host.fault({ match: ['zpool'], kind: 'hang' });
    const seen = await observe(host, { ...options, timeoutMs: 200 });
    expect(seen.stuck.map((s) => s.pool).sort()).toEqual(['backup', 'fast', 'tank']);
    expect(poolsAreKnown(seen)).toBe(false);
  });
  test.each(['garbage', 'truncate', 'missing', 'exit'] as const)('%s instead of an answer', async (kind) => {
    for (const match of [poolsArgv(), statusArgv('fast'), datasetsArgv('fast'), ['lsblk'], ['readlink'], ['smbstatus']]) {
      const { host, options } = demo();
      host.fault({ match, kind });
      const seen = Observed.parse(await observe(host, options));
      expect(seen.stuck.length + seen.problems.length, match.join(' ')).toBeGreaterThan(0);
      if (match[0] === 'zpool' && match[1] === 'list') expect(poolsAreKnown(seen)).toBe(false);
      else expect(seen.pools.map((p) => p.name)).toEqual(expect.arrayContaining(['tank', 'backup']));
    }
  });
  test('a failing disk, a suspended pool, a stopped service, an edited file, a file that can not be read', async () => {
    const { host, options } = demo();
    host.happen({
      kind: 'disk',
      pool: 'fast',
      disk: host.world.pool('fast')?.vdevs[0]?.leaves[0]?.disk ?? '',
      state: 'FAULTED',
      read: 4,
      checksum: 9,
    });
    host.happen({ kind: 'unit', unit: 'nfs-server.service', active: false });
    host.happen({ kind: 'suspend', pool: 'backup', on: true });
    await host.writeText(SMB_FILE, ((await host.readText(SMB_FILE)) ?? '').replace('comment = Office', 'comment = mine'), 0o644);
    const seen = await observe(host, options);
    const fast = seen.pools.find((p) => p.name === 'fast');
    expect(fast?.health).toBe('DEGRADED');
    expect(fast?.vdevs[0]?.disks[0]).toMatchObject({ state: 'FAULTED', readErrors: 4, checksumErrors: 9, note: 'too many errors' });
    expect(seen.pools.find((p) => p.name === 'backup')?.health).toBe('SUSPENDED');
    expect(seen.shares.find((s) => s.spec.name === 'films')?.note).toBe('the NFS service is not running');
    expect(seen.problems.map((p) => p.why)).toEqual(['the share office was edited by hand']);
    const broken = await observe({ ...host, readText: async () => Promise.reject(new Error('EACCES')) }, options);
    expect(broken.problems.map((p) => p.code)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    expect(broken.pools).toHaveLength(3);
  });
});

describe('snapshots', () => {
  test('streamed, all of them, each in its schema', async () => {
    const { host } = demo();
    let n = 0;
    for (const pool of ['tank', 'fast', 'backup'])
      for await (const s of streamSnapshots(host, pool, { timeoutMs: 5_000 })) n += Number(Snapshot.safeParse(s).success);
    expect(n).toBe(5_000);
  });
  test('a list that breaks off is not a short list', async () => {
    for (const kind of ['garbage', 'truncate', 'exit', 'missing'] as const) {
      const { host } = demo();
      host.fault({ match: ['zfs', 'list', '-Hp'], kind });
      const all = async (): Promise<void> => {
        for await (const s of streamSnapshots(host, 'tank', { timeoutMs: 5_000 })) expect(s.guid).toMatch(/^\d+$/);
      };
      // cut in the middle of a line, nearly always: a cut exactly between lines can't be told, so the exit code has to
      await expect(all()).rejects.toBeInstanceOf(RefusalError);
    }
  });
});

test('parsers answer whatever they are given', async () => {
  const host = simHost({ model: bigModel({ datasets: 5, snapshots: 5, shares: 0 }), clock });
  const real = async (argv: string[]): Promise<string> => (await host.run(argv, { timeoutMs: 5_000 })).stdout;
  const cases: [string, (text: string) => { ok: boolean }][] = [
    [await real(poolsArgv()), parsePools],
    [await real(statusArgv('big')), parseStatus],
    [await real(datasetsArgv('big')), (t) => parseDatasets(t, new Map())],
    [await real(smbstatusArgv()), parseSmbstatus],
    [
      await real([
        'lsblk',
        '-J',
        '-b',
        '-o',
        'NAME,PATH,SIZE,TYPE,MODEL,SERIAL,LOG-SEC,PHY-SEC,ROTA,TRAN,FSTYPE,LABEL,PARTTYPENAME,MOUNTPOINTS',
      ]),
      parseLsblk,
    ],
    ['tank/a@s\t1\t2\t3\t4\t5\t6\tdaily@7', parseSnapshot],
  ];
  for (const [text, parse] of cases) {
    expect(parse(text).ok).toBe(true);
    expect(parse(`${text}\tx`).ok).toBe(false);
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(8), fc.string({ unit: 'binary', maxLength: 8 }), (at, cut, junk) => {
        const spoilt = text.slice(0, at) + junk + text.slice(at + cut);
        expect(typeof parse(spoilt).ok).toBe('boolean');
      }),
      { numRuns: 120 },
    );
    fc.assert(
      fc.property(fc.json(), (t) => {
        expect(typeof parse(t).ok).toBe('boolean');
      }),
      { numRuns: 60 },
    );
  }
});
