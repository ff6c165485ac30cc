/** The simulated tools against the recorded ones: the same argv in a like state, the same exit code, the same words, the same keys. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { orThrow } from '../../domain/refusal.ts';
import { parseNames } from '../zfs/snapshots.ts';
import { emptyModel } from './seeds.ts';
import { simHost } from './sim.ts';

const Fixture = z.object({ tool: z.string(), argv: z.array(z.string()), exit: z.number(), stdout: z.string(), stderr: z.string() });
const folder = fileURLToPath(new URL('../fixtures', import.meta.url));
const all = readdirSync(folder)
  .filter((f) => f.endsWith('.json'))
  .map((f) => ({ name: f.slice(0, -5), ...Fixture.parse(JSON.parse(readFileSync(`${folder}/${f}`, 'utf8'))) }));

/** A machine like the one the recordings were made on. */
const lab = async () => {
  const model = emptyModel(0);
  for (let i = 1; i <= 12; i += 1)
    model.disks.push({
      name: `vd${String.fromCharCode(97 + i)}`,
      links: [`virtio-nas-d${i}`],
      size: 536_870_912,
      model: null,
      serial: `nas-d${i}`,
      sector: [512, 512],
      rotational: true,
      transport: 'virtio',
      parts: [],
      fstype: i === 9 ? 'ext4' : null,
    });
  let now = Date.UTC(2026, 10, 20, 18, 40);
  const host = simHost({
    model,
    clock: () => {
      now += 10;
      return now;
    },
  });
  const run = async (line: string, input = ''): Promise<void> => {
    const r = await host.run(line.split(' '), { timeoutMs: 1_000, input });
    if (r.exit !== 0) throw new Error(`${line}: ${r.stderr}`);
  };
  const by = '/dev/disk/by-id/virtio-nas-d';
  await run(
    `zpool create -o ashift=12 -o autotrim=on -O acltype=posix -O xattr=sa -O compression=lz4 -O mountpoint=/mnt/tank tank mirror ${by}1 ${by}2`,
  );
  await run(`zpool create -O mountpoint=/mnt/other other mirror ${by}3 ${by}4`);
  for (const d of ['media', 'media/films', 'docs', 'docs/sub', 'a', 'new', 'made', 'made/new']) await run(`zfs create tank/${d}`);
  host.happen({ kind: 'file', path: '/mnt/tank/media/film', size: 3_000_000 });
  await run('zfs set quota=200M tank/media');
  await run('zfs create -V 16M tank/vol');
  await run('zfs create -o encryption=on -o keyformat=passphrase tank/secret', 'long enough');
  await run('zfs snapshot tank/docs@one');
  await run('zfs snapshot -r tank/docs@two');
  await run('zfs snapshot tank/docs/sub@three');
  await run('zfs snapshot tank/docs@three');
  await run('zfs hold keep tank/docs@one');
  return host;
};

/** Recorded in a state of their own (someone used the mount, a clone was there...), or asking for what nothing of ours asks for. */
const ELSEWHERE = new RegExp(
  [
    'busy|one-held|dataset-with-clone|snapshot-with-clone|newer-(has-clone|held|exist)|destroy-snapshot-ok|held-deferred|target-exists|rename-snapshot-exists',
    'promote-not-a-clone|release-missing-tag|mount-already|mount-key|load-key|unload-key|unmount-not|several|holds-j|destroy-missing$|spaces',
    'offline-last|has-snapshots|while-resilvering|zpool-(import|export|add|attach|detach|remove|replace|destroy|trim|create-(foreign-pool|mountpoint|force|mixed|disk-missing|device-in-use|foreign-filesystem)|scrub-already|mismatched)',
    'zfs-(receive|send|bookmark|diff|userspace|allow|unallow|change|clone)|bad-subcommand|umlaut|create-encrypted',
  ].join('|'),
);

describe('refusals', () => {
  const bad = all.filter(
    (f) => (f.tool === 'zfs' || f.tool === 'zpool') && f.exit !== 0 && !ELSEWHERE.test(f.name) && !f.argv.includes('--nosuch'),
  );
  expect(bad.length).toBeGreaterThan(50);
  test.each(bad.map((f) => [f.name, f] as const))('%s', async (_name, f) => {
    const host = await lab();
    const r = await host.run(f.argv, { timeoutMs: 1_000 });
    // usage texts differ in what follows their first lines
    const words = (text: string): string => text.split('usage:')[0] ?? '';
    expect({ exit: r.exit, words: words(r.stderr), stdout: r.stdout }).toEqual({ exit: f.exit, words: words(f.stderr), stdout: f.stdout });
  });
});

/** Where which kind of value stands, names of datasets and disks aside. */
const shape = (v: unknown): unknown => {
  if (Array.isArray(v)) return [...new Set(v.map((x) => JSON.stringify(shape(x))))].sort();
  if (typeof v !== 'object' || v === null) return v === null ? 'text or null' : typeof v === 'string' ? 'text or null' : typeof v;
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, shape(x)]));
};
const first = (v: unknown): unknown => (typeof v === 'object' && v !== null ? Object.values(v)[0] : undefined);
const byName = (name: string): (typeof all)[number] => {
  const f = all.find((x) => x.name === name);
  if (f === undefined) throw new Error(`no recording ${name}`);
  return f;
};

test('a disk that nothing can stand in for stays online; unequal vdevs are odd; a scrub runs once', async () => {
  const host = await lab();
  const same = async (name: string): Promise<void> => {
    const f = byName(name);
    const r = await host.run(
      f.argv.map((a) => (a === 'other' ? 'third' : a.replace(/-d([345678])$/, (_, n) => `-d${Number(n) + 2}`))),
      { timeoutMs: 1_000 },
    );
    expect([name, r.exit, r.stderr]).toEqual([name, f.exit, f.stderr]);
  };
  await host.run(['zfs', 'snapshot', 'tank/made/new@again'], { timeoutMs: 1_000 });
  await same('zfs-destroy-has-snapshots');
  await same('zpool-offline-ok');
  await same('zpool-offline-last-replica');
  await same('zpool-create-mismatched-replication');
  await same('zpool-create-mixed-vdevs');
  await same('zpool-scrub-ok');
  await same('zpool-scrub-already-running');
});

test('smbd is told to reload', async () => {
  const f = byName('smbcontrol-reload-ok');
  const r = await (await lab()).run(f.argv, { timeoutMs: 1_000 });
  expect([r.exit, r.stdout, r.stderr]).toEqual([f.exit, f.stdout, f.stderr]);
});

describe('answers', () => {
  test('zfs list: keys, order, sources', async () => {
    const f = byName('zfs-list-j-filesystems');
    const r = await (await lab()).run(f.argv, { timeoutMs: 1_000 });
    const mine = JSON.parse(r.stdout);
    const real = JSON.parse(f.stdout);
    expect(mine.output_version).toEqual(real.output_version);
    for (const name of ['tank/media', 'tank/vol']) {
      expect(shape(mine.datasets[name])).toEqual(shape(real.datasets[name]));
      expect(Object.keys(mine.datasets[name].properties)).toEqual(Object.keys(real.datasets[name].properties));
    }
    // a source of "-" is left over from the property before, in both
    const sources = (d: Record<string, { value: string; source: unknown }>): unknown =>
      Object.entries(d)
        .filter(([, p]) => p.value === '-')
        .map(([k, p]) => [k, p.source]);
    expect(sources(mine.datasets['tank/vol'].properties)).toEqual(sources(real.datasets['tank/vol'].properties));
  });

  test('zpool status: keys of the pool, the vdev and the disk', async () => {
    const f = byName('zpool-status-j-healthy-no-json-int');
    const r = await (await lab()).run(f.argv, { timeoutMs: 1_000 });
    const pool = (text: string): Record<string, unknown> => JSON.parse(text).pools.tank;
    const mirror = (text: string): Record<string, unknown> => JSON.parse(text).pools.tank.vdevs.tank.vdevs['mirror-0'];
    expect(Object.keys(pool(r.stdout))).toEqual(Object.keys(pool(f.stdout)));
    expect(Object.keys(mirror(f.stdout))).toEqual(expect.arrayContaining(Object.keys(mirror(r.stdout))));
    expect(shape(first(mirror(r.stdout).vdevs))).toEqual(shape(first(mirror(f.stdout).vdevs)));
  });

  test('zpool list, get, versions, nothing at all', async () => {
    const host = await lab();
    const run = async (argv: readonly string[]): Promise<string> => (await host.run(argv, { timeoutMs: 1_000 })).stdout;
    const list = byName('zpool-list-j-p');
    expect(shape(JSON.parse(await run(list.argv)).pools.tank)).toEqual(shape(JSON.parse(list.stdout).pools.tank));
    const get = byName('zpool-get-j-all');
    const real = Object.keys(JSON.parse(get.stdout).pools.tank.properties);
    expect(real).toEqual(expect.arrayContaining(Object.keys(JSON.parse(await run(get.argv)).pools.tank.properties)));
    expect(shape(JSON.parse(await run(['zfs', 'version', '-j'])))).toEqual(shape(JSON.parse(byName('zfs-version-j').stdout)));
    const empty = simHost({ model: emptyModel(), clock: () => 0 });
    for (const name of [
      'zpool-list-j-no-pools',
      'zpool-list-hp-no-pools',
      'zpool-list-no-pools',
      'zpool-status-j-no-pools',
      'zfs-list-snapshots-no-pools',
      'zfs-list-j-no-pools',
    ]) {
      const f = byName(name);
      const r = await empty.run(
        f.argv.filter((a) => a !== '--json-int'),
        { timeoutMs: 1_000 },
      );
      expect([name, r.exit, r.stdout, r.stderr]).toEqual([name, f.exit, f.stdout, f.stderr]);
    }
  });

  test('snapshots, lsblk, links, connections', async () => {
    const host = await lab();
    const run = async (argv: readonly string[]): Promise<string> => (await host.run(argv, { timeoutMs: 1_000 })).stdout;
    const snapshots = byName('zfs-list-snapshots-hp');
    const line = (text: string): string => (text.split('\n')[0] ?? '').replace(/[0-9]+/g, 'N').replace(/^[^\t]+/, 'name');
    expect(line(await run(snapshots.argv))).toBe(line(snapshots.stdout));
    // of several datasets at once: one list, oldest first, whatever order they were named in
    const several = byName('zfs-list-snapshots-names-several');
    const order = (text: string): string[] => orThrow(parseNames(text)).map((s) => `${s.dataset}@${s.tag}`);
    const real = order(several.stdout);
    expect(real.slice(1, 4)).toEqual(['tank/docs@one', 'tank/docs@two', 'tank/docs/sub@two']);
    const mine = order(await run(several.argv));
    const both = mine.filter((name) => real.includes(name));
    expect(both.length).toBeGreaterThan(3);
    expect(both).toEqual(real.filter((name) => both.includes(name)));
    const lsblk = byName('lsblk-j-with-pool');
    const disk = (text: string): unknown => JSON.parse(text).blockdevices.find((b: { name: string }) => b.name === 'vdb');
    expect(shape(disk(await run(lsblk.argv)))).toEqual(shape(disk(lsblk.stdout)));
    const links = byName('readlink-by-id-with-pool');
    expect(await run(links.argv)).toBe(links.stdout);
    host.happen({
      kind: 'connect',
      session: { user: 'alice', machine: '10.0.2.2', address: '10.0.2.2', share: 'media', files: ['/mnt/tank/media/song'], connectedAt: 0 },
    });
    const smb = byName('smbstatus-json-one-session');
    const told = JSON.parse(await run(smb.argv));
    const recorded = JSON.parse(smb.stdout);
    expect(Object.keys(told)).toEqual(Object.keys(recorded));
    for (const key of ['sessions', 'tcons', 'open_files']) expect(shape(first(recorded[key]))).toMatchObject(shapeOfMine(told[key]));
  });
});
/** Ours leaves things out; what it has must be there in the real answer, of the same type. */
const shapeOfMine = (v: unknown): object => {
  const { opens: _opens, ...rest } = shape(first(v)) as Record<string, unknown>; // the answers are objects of objects
  return rest;
};

test('an argv that the simulated tools do not know ends in 2, or is a missing tool', async () => {
  const host = await lab();
  const outcome = async (line: string): Promise<number | string | null> => {
    const r = await host.run(line.split(' '), { timeoutMs: 1_000 });
    return r.failure ?? r.exit;
  };
  const unknown = [
    'zfs',
    'zfs send tank/docs@one',
    'zfs list --json-int -j',
    'zfs get',
    'zpool destroy tank',
    'zpool split tank other',
    'zpool initialize tank',
    'zpool status',
    'zpool status -v tank',
    'zpool history tank',
    'zpool labelclear x',
  ];
  for (const line of unknown) expect([line, await outcome(line)]).toEqual([line, 2]);
  for (const line of ['rm -rf /', 'sh -c true', 'mkfs.ext4 /dev/sda', 'zhack'])
    expect([line, await outcome(line)]).toEqual([line, 'missing']);
});
