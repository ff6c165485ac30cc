import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { candidateFor, inOrderOfUse, type Place, roomOn } from './candidate.ts';
import type { Disk } from './disk.ts';
import { riskOf } from './risk.ts';
import { type Smart, unread } from './smart.ts';

const disk = (more: Partial<Disk> = {}): Disk => ({
  path: '/dev/disk/by-id/ata-NEW',
  size: 4_000_787_030_016,
  model: 'NEW',
  serial: '1',
  logicalSector: 512,
  physicalSector: 4096,
  rotational: true,
  transport: 'sata',
  pool: null,
  foreign: null,
  system: false,
  risk: { score: 0, reasons: [] },
  ...more,
});
const place: Place = { minSize: roomOn(4_000_787_030_016), sector: 4096, rotational: true };

describe('what a disk has room for', () => {
  it('is what ZFS recorded for the disks it was given', () => {
    const folder = join(import.meta.dirname, '../../host/fixtures');
    const recorded = new Set<string>();
    for (const file of readdirSync(folder).filter((f) => f.startsWith('zpool-status-jp')))
      for (const [, bytes] of JSON.parse(readFileSync(join(folder, file), 'utf8')).stdout.matchAll(/"phys_space":"([0-9]+)"/g))
        recorded.add(bytes);
    // the disks of that machine had 512 MiB each
    expect([...recorded]).toEqual([String(roomOn(512 * 1024 ** 2))]);
  });
});

describe('a candidate', () => {
  it('that fits has nothing against it', () => {
    expect(candidateFor(disk(), place)).toMatchObject({ refused: [], erase: null, notes: [] });
  });
  it('is refused for every reason that there is, each in words', () => {
    const c = candidateFor(
      disk({ size: 4_000_000_000_000, logicalSector: 8192, pool: 'backup', risk: { score: 70, reasons: ['8 sectors had to be moved'] } }),
      place,
    );
    expect(c.refused).toHaveLength(4);
    expect(c.refused.join('\n')).toMatch(
      /belongs to pool backup[\s\S]*too small: 750[\s\S]*8192[\s\S]*failing itself: 8 sectors had to be moved/,
    );
  });
  it('with something on it can be used once it was named for that', () => {
    const c = candidateFor(disk({ foreign: 'a filesystem (ntfs) "Photos"' }), place);
    expect(c).toMatchObject({ refused: [], erase: 'it holds a filesystem (ntfs) "Photos"' });
    // not one that is no use anyway: it should not even be offered
    expect(candidateFor(disk({ foreign: 'x', size: 1e9 }), place).erase).toBeNull();
  });
  it('of whose health nothing is known can be used, and comes after those that are known to be good', () => {
    const { risk: _risk, ...unknown } = disk({ path: '/dev/disk/by-id/ata-0' });
    expect(candidateFor(unknown, place)).toMatchObject({ refused: [], notes: [expect.stringContaining('nothing is known of its health')] });
    expect(inOrderOfUse([candidateFor(unknown, place), candidateFor(disk(), place)])[0]?.disk.path).toContain('ata-NEW');
  });
  it('comes before those that fit less well', () => {
    const all = [disk({ size: 1e9 }), disk({ foreign: 'x' }), disk({ size: 12e12 }), disk()].map((d, i) =>
      candidateFor({ ...d, path: `/dev/disk/by-id/ata-${i}` }, place),
    );
    expect(inOrderOfUse(all).map((c) => c.disk.path.at(-1))).toEqual(['3', '2', '1', '0']);
  });
});

describe('risk', () => {
  const smart = (more: Partial<Smart>): Smart => ({
    ...unread('/dev/disk/by-id/ata-A', 0, 'unknown', null),
    state: 'read',
    passed: true,
    temperature: 30,
    hours: 100,
    ...more,
  });
  it('is nothing where nothing speaks for it, and grows with each sign', () => {
    expect(riskOf('x', smart({}), null)).toMatchObject({ score: 0, reasons: [] });
    const one = riskOf('x', smart({ reallocated: 8 }), null);
    const two = riskOf('x', smart({ reallocated: 8, pending: 1 }), null);
    expect(one.score).toBeGreaterThan(10);
    expect(two.score).toBeGreaterThan(one.score);
    expect(two.reasons).toEqual(["1 sector can't be read for now", '8 sectors had to be moved']);
    expect(riskOf('x', smart({ passed: false }), null).score).toBeGreaterThanOrEqual(95);
    expect(riskOf('x', null, { readErrors: 3, writeErrors: 0, checksumErrors: 0, state: 'ONLINE' }).reasons).toEqual([
      'ZFS met 3 read errors',
    ]);
  });
  it('of a disk that was not woken is what ZFS says of it', () => {
    expect(riskOf('x', smart({ state: 'asleep', passed: null, pending: 99 }), null).score).toBe(0);
  });
});
