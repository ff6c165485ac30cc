/** The contract with the real tools: every recorded answer is read, and every recorded refusal is understood. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ObservedDataset } from '../domain/dataset/dataset.ts';
import { ObservedVdev, Scan } from '../domain/pool/pool.ts';
import { PROPERTY_NAMES } from '../domain/property/property.ts';
import type { Result } from '../domain/refusal.ts';
import { ShareClient } from '../domain/share/share.ts';
import { Snapshot } from '../domain/snapshot/snapshot.ts';
import { parseLsblk, parseReadlink } from './disks/disks.ts';
import { parseSmbstatus } from './samba/status.ts';
import { parseDatasets } from './zfs/datasets.ts';
import { zfsError } from './zfs/error.ts';
import { parseEvents } from './zfs/events.ts';
import { parsePools, parseStatus } from './zfs/pools.ts';
import { parseSnapshot } from './zfs/snapshots.ts';
import { isSupported, parseVersion } from './zfs/version.ts';

const Fixture = z.object({
  tool: z.string(),
  version: z.string(),
  argv: z.array(z.string()),
  exit: z.number(),
  stdout: z.string(),
  stderr: z.string(),
});
const folder = fileURLToPath(new URL('./fixtures', import.meta.url));
const all = readdirSync(folder)
  .filter((f) => f.endsWith('.json'))
  .map((f) => ({ name: f.slice(0, -5), ...Fixture.parse(JSON.parse(readFileSync(`${folder}/${f}`, 'utf8'))) }));
const has = (f: (typeof all)[number], ...words: string[]): boolean => words.every((w) => f.argv.includes(w));
const is = (f: (typeof all)[number], ...words: string[]): boolean => words.every((w, i) => f.argv[i] === w);

/** `-p --json-int` differs from `-p` in nothing but quotes around numbers: what we ask for, from what was recorded. */
const quoted = (stdout: string): string => {
  const at = stdout.indexOf('},') + 2; // behind output_version
  return stdout.slice(0, at) + stdout.slice(at).replace(/:(\d+)(?=[,}])/g, ':"$1"');
};
const read = <T>(r: Result<T>): T => {
  if (!r.ok) throw new Error(r.refusal.why);
  return r.value;
};
const good = all.filter((f) => f.exit === 0);

const pools = good.filter(
  (f) => is(f, 'zpool', 'list') && has(f, '-j', '-p') && !f.argv.some((a) => /guid|-v/.test(a) && a.startsWith('-')),
);
const status = good.filter(
  (f) => is(f, 'zpool', 'status') && has(f, '-j') && !f.argv.some((a) => /^(--json-flat|--json-pool-key|--power|-g|-P|-L|-s$)/.test(a)),
);
const datasets = good.filter(
  (f) =>
    is(f, 'zfs', 'list') &&
    has(f, '-j', '-p') &&
    f.argv.some((a) => a.startsWith('name,type,guid')) &&
    !f.argv.some((a) => /snapshot|all/.test(a) && !a.includes(',')),
);
const snapshots = good.filter(
  (f) => is(f, 'zfs', 'list') && has(f, '-Hp', 'name,guid,createtxg,creation,used,referenced,userrefs,org.dplaneos:schedule'),
);
const count = (n: number, least: number): void => expect(n, 'recorded answers of this kind').toBeGreaterThanOrEqual(least);

describe('what the real tools answer is read', () => {
  count(status.length, 20);
  count(datasets.length, 3);
  count(snapshots.length, 2);

  test.each(status.map((f) => [f.name, f] as const))('%s', (_name, f) => {
    for (const p of read(parseStatus(quoted(f.stdout)))) {
      expect(p.vdevs.length).toBeGreaterThan(0);
      for (const v of p.vdevs) {
        ObservedVdev.parse(v);
        expect(v.disks.length).toBeGreaterThan(0);
      }
      Scan.parse(p.scan);
      expect(p.disks.every((d) => d.startsWith('/dev/') && !/part1$/.test(d))).toBe(true);
    }
  });

  test('a disk that is missing, one being replaced, one that has a spare in its place', () => {
    const of = (name: string) => read(parseStatus(quoted(good.find((f) => f.name === name)?.stdout ?? '')))[0];
    const half = of('zpool-status-j-degraded-disk-missing');
    expect(half?.health).toBe('DEGRADED');
    expect(half?.vdevs[0]?.disks[1]).toMatchObject({ path: '/dev/disk/by-id/virtio-nas-d9', state: 'UNAVAIL', note: 'missing' });
    const replacing = of('zpool-status-j-replacing');
    expect(replacing?.vdevs[0]?.disks.map((d) => d.path.split('/').at(-1))).toEqual(['virtio-nas-d1', 'virtio-nas-d2']);
    expect(replacing?.vdevs[0]?.disks[1]?.note).toBe('being replaced by virtio-nas-d3');
    expect(replacing?.disks).toContain('/dev/disk/by-id/virtio-nas-d3');
    const spare = of('zpool-status-j-spare-in-use');
    expect(spare?.vdevs.map((v) => [v.kind, v.role])).toEqual([
      ['raidz1', 'data'],
      ['mirror', 'special'],
      ['stripe', 'log'],
      ['stripe', 'cache'],
      ['stripe', 'spare'],
    ]);
    expect(spare?.vdevs[0]?.disks[1]).toMatchObject({ state: 'OFFLINE', note: 'virtio-nas-d10 stands in for it' });
    expect(of('zpool-status-j-scrub-paused')?.scan).toMatchObject({ kind: 'scrub', state: 'paused', progress: 0 });
    expect(of('zpool-status-j-scrub-finished')?.scan).toMatchObject({ kind: 'scrub', state: 'finished', progress: 1 });
    expect(of('zpool-status-j-data-errors')?.dataErrors).toBe(127);
  });

  test('pools', () => {
    const asked = pools.filter((f) => f.argv.some((a) => a.includes('autotrim')));
    count(asked.length, 1);
    for (const f of asked) {
      const text = quoted(f.stdout);
      // that recording did not ask for the comment
      const withComment = text.replaceAll('"altroot":', '"comment":{"value":"-","source":{"type":"DEFAULT","data":"-"}},"altroot":');
      for (const p of read(parsePools(withComment))) expect(p).toMatchObject({ health: 'ONLINE', options: { ashift: 12, comment: '' } });
      expect(parsePools(text).ok).toBe(false);
    }
    expect(read(parsePools(good.find((f) => f.name === 'zpool-list-j-no-pools')?.stdout ?? 'none'))).toEqual([]);
  });

  test.each(datasets.map((f) => [f.name, f] as const))('%s', (_name, f) => {
    const asked = f.argv.find((a) => a.startsWith('name,type,guid'))?.split(',') ?? [];
    const list = read(
      parseDatasets(
        quoted(f.stdout),
        new Map(),
        PROPERTY_NAMES.filter((p) => asked.includes(p)),
      ),
    );
    for (const d of list) {
      ObservedDataset.parse(d);
      expect(d.kind === 'volume' ? d.properties.volsize : d.properties.recordsize).toBeDefined();
      expect(d.kind === 'volume' ? d.properties.recordsize : d.properties.volsize).toBeUndefined();
    }
  });

  test('--json-int is refused: it has lost guids', () => {
    const lossy = datasets.filter((f) => has(f, '--json-int') && f.stdout.includes('"datasets":{"'));
    count(lossy.length, 1);
    for (const f of lossy) expect(parseDatasets(f.stdout, new Map()).ok).toBe(false);
  });

  test('snapshots', () => {
    const lines = snapshots.flatMap((f) => f.stdout.split('\n').filter((l) => l !== ''));
    count(lines.length, 10);
    for (const line of lines) Snapshot.parse(read(parseSnapshot(line)));
  });

  test('disks, links, connections, events, versions', () => {
    const lsblk = good.filter((f) => is(f, 'lsblk', '-J', '-b') && f.argv[4]?.includes('MOUNTPOINTS'));
    count(lsblk.length, 2);
    for (const f of lsblk) {
      const blocks = read(parseLsblk(f.stdout));
      expect(blocks.filter((b) => b.system).map((b) => b.kernel)).toEqual(['/dev/vda']);
      expect(blocks.length).toBe(16);
    }
    for (const f of good.filter((x) => is(x, 'readlink', '-f')))
      expect(read(parseReadlink(f.stdout, f.argv.slice(2))).size).toBe(f.argv.length - 2);
    const smb = good.filter((f) => is(f, 'smbstatus', '--json') && f.argv.length === 2);
    count(smb.length, 3);
    const clients = smb.flatMap((f) => read(parseSmbstatus(f.stdout)));
    expect(clients.map((c) => ShareClient.parse(c))).toContainEqual({ share: 'media', user: 'alice', machine: '10.0.2.2', openFiles: 1 });
    const events = good.filter((f) => is(f, 'zpool', 'events', '-Hv'));
    count(events.length, 1);
    for (const f of events) expect(read(parseEvents(f.stdout)).length).toBeGreaterThan(3);
    const versions = good.filter((f) => is(f, 'zfs', 'version', '-j'));
    expect(versions.map((f) => isSupported(read(parseVersion(f.stdout))))).toEqual([true]);
  });
});

describe('what the real tools refuse is understood', () => {
  const bad = all.filter((f) => f.exit !== 0 && (f.tool === 'zfs' || f.tool === 'zpool'));
  /** Nothing of ours asks for these; what they say stays a plain failure. */
  const plain =
    /^(zfs-(receive|send|bookmark|diff|userspace|allow|unallow|change-key)|zpool-(import|export|add|replace|attach|detach|remove|trim|upgrade|checkpoint))/;
  const codeOf = (f: (typeof all)[number]): string => zfsError({ ...f, failure: null, durationMs: 0 }).code;
  count(bad.length, 60);

  test.each(bad.filter((f) => !plain.test(f.name)).map((f) => [f.name, f] as const))('%s', (name, f) => {
    const code = codeOf(f);
    const space = /out-of-space|too-large$|over-quota|above-quota|key-|encrypted|no-keyformat|short-passphrase/.test(name);
    if (!space) expect(code, f.stderr).not.toBe('failed');
  });
  test('each kind has its code', () => {
    const codes = Object.fromEntries(bad.map((f) => [f.name, codeOf(f)]));
    expect(codes).toMatchObject({
      'zfs-create-exists': 'conflict',
      'zfs-create-missing-parent': 'not-found',
      'zfs-create-bad-property': 'invalid',
      'zfs-destroy-missing': 'not-found',
      'zfs-destroy-held': 'blocked',
      'zfs-destroy-snapshot-with-clone': 'blocked',
      'zfs-destroy-dataset-with-clone': 'blocked',
      'zfs-destroy-has-children': 'conflict',
      'zfs-destroy-busy': 'busy',
      'zfs-destroy-pool-root': 'blocked',
      'zfs-rename-target-exists': 'conflict',
      'zfs-snapshot-exists': 'conflict',
      'zfs-snapshot-missing-dataset': 'not-found',
      'zfs-hold-repeated-tag': 'conflict',
      'zfs-release-missing-tag': 'not-found',
      'zfs-set-invalid-value': 'invalid',
      'zfs-set-quota-below-used': 'conflict',
      'zfs-create-volume-too-large': 'failed',
      'zpool-create-device-in-use': 'busy',
      'zpool-create-foreign-filesystem': 'blocked',
      'zpool-create-name-taken': 'conflict',
      'zpool-list-missing-pool': 'not-found',
      'zpool-set-missing-pool': 'not-found',
      'zpool-scrub-already-running': 'busy',
    });
  });
  test('no control character and no page of usage reaches a person', () => {
    for (const f of bad) {
      const { why } = zfsError({ ...f, failure: null, durationMs: 0 });
      expect(why).not.toMatch(/[\p{Cc}]/u);
      expect(why).not.toContain('usage:');
      expect(why.length).toBeGreaterThan(5);
    }
  });
});
