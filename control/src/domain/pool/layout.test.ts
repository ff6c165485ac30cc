import { describe, expect, it } from 'vitest';
import { groupsFor, type LayoutVdev, previewOf, whyUneven } from './layout.ts';
import type { VdevKind, VdevRole } from './pool.ts';

const TB = 1000 ** 4;
const vdev = (kind: VdevKind, count: number, role: VdevRole = 'data', size = 8 * TB): LayoutVdev => ({
  kind,
  role,
  disks: Array.from({ length: count }, (_, i) => ({ path: `/dev/disk/by-id/ata-D_${role}_${i}`, size })),
});
const said = (...vdevs: LayoutVdev[]): string =>
  previewOf(vdevs)
    .notes.map((x) => `${x.tone}: ${x.text}`)
    .join('\n');

describe('space', () => {
  it('is what is left of mirrors and raidz after parity, padding and what ZFS keeps', () => {
    const near = (got: number, want: number): void => expect(Math.abs(got / want - 1)).toBeLessThan(0.02);
    // `zfs list` of real pools of these shapes, in disks' worth: parity, padding and 1/32 (at most 128 GiB) off
    near(previewOf([vdev('mirror', 2)]).usable, 8 * TB - 128 * 1024 ** 3);
    near(previewOf([vdev('mirror', 2), vdev('mirror', 2)]).usable, 16 * TB - 128 * 1024 ** 3);
    near(previewOf([vdev('raidz1', 3)]).usable, 16 * TB * (32 / 48) * 1.5 - 128 * 1024 ** 3);
    near(previewOf([vdev('raidz2', 6)]).usable, 48 * TB * (32 / 48) - 128 * 1024 ** 3);
    // 8 wide with two parity: 32 sectors in 6 rows, 12 of parity, padded to 45: not the 75% one would think
    near(previewOf([vdev('raidz2', 8)]).usable, 64 * TB * (32 / 45) - 128 * 1024 ** 3);
    near(previewOf([vdev('stripe', 3)]).usable, 24 * TB - 128 * 1024 ** 3);
  });
  it('counts every disk of a group as its smallest, and nothing but data', () => {
    const odd: LayoutVdev = { ...vdev('mirror', 1), disks: [...vdev('mirror', 1).disks, ...vdev('mirror', 1, 'data', 4 * TB).disks] };
    expect(previewOf([odd]).usable).toBe(previewOf([vdev('mirror', 2, 'data', 4 * TB)]).usable);
    expect(said(odd)).toContain('warn: Disks of one mirror differ in size');
    expect(previewOf([vdev('mirror', 2), vdev('mirror', 2, 'special'), vdev('stripe', 1, 'cache')]).usable).toBe(
      previewOf([vdev('mirror', 2)]).usable,
    );
    expect(previewOf([])).toEqual({ usable: 0, mayFail: 0, notes: [] });
  });
});

describe('what may fail', () => {
  it('is what the weakest part that holds data survives', () => {
    expect(previewOf([vdev('raidz2', 6)]).mayFail).toBe(2);
    expect(previewOf([vdev('mirror', 3), vdev('mirror', 3)]).mayFail).toBe(2);
    expect(previewOf([vdev('raidz2', 6), vdev('mirror', 2, 'special')]).mayFail).toBe(1);
    expect(previewOf([vdev('raidz2', 6), vdev('stripe', 1, 'special')]).mayFail).toBe(0);
    expect(previewOf([vdev('raidz2', 6), vdev('stripe', 1, 'log'), vdev('stripe', 2, 'cache')]).mayFail).toBe(2);
  });
  it('is said in words', () => {
    expect(said(vdev('stripe', 2))).toContain('bad: Data has no redundancy');
    expect(said(vdev('mirror', 2), vdev('stripe', 1, 'special'))).toContain('bad: The special vdev has no redundancy');
    expect(said(vdev('mirror', 2), vdev('stripe', 1, 'log'))).toContain('mirror it to be safe');
    expect(said(vdev('mirror', 2), vdev('mirror', 2, 'log'))).not.toContain('mirror it');
    expect(said(vdev('mirror', 2), vdev('stripe', 1, 'spare', 4 * TB))).toContain('warn: No spare is large enough');
    expect(said(vdev('mirror', 2), vdev('stripe', 1, 'spare'))).toContain('plain: The spare takes over by itself');
    expect(said(vdev('mirror', 2))).toBe('');
  });
});

describe('what zpool would refuse', () => {
  it('is vdevs that survive differently many losses, special and dedup among them', () => {
    expect(whyUneven([])).toBeNull();
    expect(whyUneven([vdev('mirror', 2), vdev('mirror', 2)])).toBeNull();
    expect(whyUneven([vdev('mirror', 2), vdev('mirror', 3)])).toContain('3-way');
    expect(whyUneven([vdev('raidz2', 6), vdev('mirror', 3, 'special')])).toBeNull();
    expect(whyUneven([vdev('raidz2', 6), vdev('mirror', 2, 'special')])).toContain('special is 2-way mirrors, data is raidz2 of 6 disks');
    expect(whyUneven([vdev('raidz1', 3), vdev('raidz1', 4)])).toContain('raidz1 of 4 disks');
    expect(whyUneven([vdev('stripe', 1), vdev('mirror', 2)])).not.toBeNull();
    expect(whyUneven([vdev('stripe', 1), vdev('stripe', 1)])).toBeNull();
  });
  it('is not logs, caches and spares', () => {
    expect(whyUneven([vdev('raidz2', 6), vdev('stripe', 1, 'log'), vdev('stripe', 1, 'cache'), vdev('stripe', 1, 'spare')])).toBeNull();
  });
});

it('splits disks into groups of equal width that are wide enough', () => {
  expect(groupsFor('mirror', 6)).toEqual([1, 2, 3]);
  expect(groupsFor('raidz1', 6)).toEqual([1, 2]);
  expect(groupsFor('raidz2', 12)).toEqual([1, 2, 3]);
  expect(groupsFor('raidz2', 3)).toEqual([]);
  expect(groupsFor('stripe', 5)).toEqual([1]);
  expect(groupsFor('mirror', 1)).toEqual([]);
});
