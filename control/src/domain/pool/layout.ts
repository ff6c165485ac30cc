/** What a layout gives before it is made: space, what may fail, and what zpool would refuse. Pure; the form and the planner ask the same. */
import { redundancyOf, type VdevKind, type VdevRole } from './pool.ts';

export type LayoutVdev = { kind: VdevKind; role: VdevRole; disks: readonly { path: string; size: number }[] };
export type LayoutNote = { tone: 'plain' | 'warn' | 'bad'; text: string };
export type LayoutPreview = {
  /** Bytes for data, as `zfs list` will show them, within a few percent: for blocks of 128 KiB and sectors of 4 KiB. */
  usable: number;
  /** Any so many disks of the pool may be lost before data is. */
  mayFail: number;
  notes: LayoutNote[];
};

/** Losing a vdev of one of these loses the pool. */
const holdsData = (v: { role: VdevRole }): boolean => v.role === 'data' || v.role === 'special' || v.role === 'dedup';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Two labels at each end, and what alignment costs. */
const LABELS = 16 * MIB;
const BLOCK_SECTORS = 32;

/** How much of a raidz is data, by what a block of 128 KiB takes: rows of parity, padded to a multiple of parity + 1. */
const raidzShare = (disks: number, parity: number): number => {
  const rows = Math.ceil(BLOCK_SECTORS / (disks - parity));
  const sectors = BLOCK_SECTORS + rows * parity;
  return BLOCK_SECTORS / (Math.ceil(sectors / (parity + 1)) * (parity + 1));
};

const usableOf = (v: LayoutVdev): number => {
  const sizes = v.disks.map((d) => Math.max(0, d.size - LABELS));
  const n = sizes.length;
  const least = n === 0 ? 0 : Math.min(...sizes);
  if (v.kind === 'stripe') return sizes.reduce((a, b) => a + b, 0);
  if (v.kind === 'mirror') return least;
  const parity = redundancyOf(v.kind, n);
  if (n <= parity) return 0;
  if (v.kind.startsWith('raidz')) return least * n * raidzShare(n, parity);
  const data = Math.min(8, n - parity);
  return (least * n * data) / (data + parity);
};

/** One disk of a stripe is a vdev of its own. */
const looseOf = (v: LayoutVdev): number => (v.kind === 'stripe' ? 0 : redundancyOf(v.kind, v.disks.length));

const plain = (kind: VdevKind, disks: number): string =>
  kind === 'stripe' ? 'single disks' : kind === 'mirror' ? `${disks}-way mirrors` : `${kind} of ${disks} disks`;

/**
 * Why zpool would not make it without force, which nobody here uses: vdevs that hold the pool's data and survive differently
 * many losses. Null when it would.
 */
export const whyUneven = (vdevs: readonly { kind: VdevKind; role: VdevRole; disks: readonly unknown[] }[]): string | null => {
  const [first, ...rest] = vdevs.filter(holdsData);
  if (!first) return null;
  for (const v of rest) {
    const [a, b] = [redundancyOf(first.kind, first.disks.length), redundancyOf(v.kind, v.disks.length)];
    const lost = (first.kind === 'stripe') !== (v.kind === 'stripe') || a !== b;
    const width = first.kind === v.kind && first.kind.startsWith('raidz') && first.disks.length !== v.disks.length;
    if (first.kind === 'stripe' && v.kind === 'stripe') continue;
    if (lost || width)
      return `${v.role} is ${plain(v.kind, v.disks.length)}, ${first.role} is ${plain(first.kind, first.disks.length)}: ZFS wants them to survive equally many losses`;
  }
  return null;
};

export const previewOf = (vdevs: readonly LayoutVdev[]): LayoutPreview => {
  const notes: LayoutNote[] = [];
  const say = (tone: LayoutNote['tone'], text: string): void => void notes.push({ tone, text });
  const data = vdevs.filter((v) => v.role === 'data');
  const vital = vdevs.filter(holdsData);
  const raw = data.reduce((sum, v) => sum + usableOf(v), 0);
  // ZFS keeps 1/32 for itself, so that a full pool can still be cleared.
  const slop = Math.min(Math.max(raw / 32, 128 * MIB), 128 * GIB, raw / 2);
  const mayFail = vital.length === 0 ? 0 : Math.min(...vital.map(looseOf));

  for (const v of vital) {
    const sizes = v.disks.map((d) => d.size);
    if (v.kind !== 'stripe' && Math.max(...sizes) - Math.min(...sizes) > GIB) {
      say('warn', `Disks of one ${v.kind} differ in size: each counts as the smallest.`);
      break;
    }
  }
  // vdevs are removed by copying them elsewhere, which raidz does not allow
  const raidz = data.some((v) => v.kind.startsWith('raidz'));
  const single = data.filter((v) => v.kind === 'stripe').length > 0;
  if (single) say('bad', 'Data has no redundancy: the first disk that fails takes all of it along.');
  for (const role of ['special', 'dedup'] as const) {
    const mine = vdevs.filter((v) => v.role === role);
    if (mine.length === 0) continue;
    const loss = Math.min(...mine.map(looseOf));
    if (loss === 0) say('bad', `The ${role} vdev has no redundancy: when its disk fails, the whole pool is lost, not only what is on it.`);
    else
      say(
        'plain',
        `The ${role} vdev holds a part of the pool itself: losing it loses the pool.${raidz ? " It can't be taken out again." : ''}`,
      );
  }
  const logs = vdevs.filter((v) => v.role === 'log');
  if (logs.length > 0)
    say(
      'plain',
      logs.every((v) => v.kind === 'mirror')
        ? 'The log holds a few seconds of synchronous writes, mirrored.'
        : 'The log holds a few seconds of synchronous writes. They are lost if it fails in the same moment as the power; mirror it to be safe from that.',
    );
  if (vdevs.some((v) => v.role === 'cache')) say('plain', 'A cache holds copies only: it may fail at any time and nothing is lost.');
  const spares = vdevs.filter((v) => v.role === 'spare').flatMap((v) => v.disks);
  if (spares.length > 0) {
    const largest = Math.max(0, ...data.flatMap((v) => v.disks.map((d) => d.size)));
    const small = spares.filter((d) => d.size < largest);
    if (small.length > 0)
      say(
        'warn',
        small.length === spares.length
          ? 'No spare is large enough to stand in for the largest disk.'
          : 'A spare is too small to stand in for the largest disk.',
      );
    else
      say(
        'plain',
        `${spares.length === 1 ? 'The spare takes' : 'Spares take'} over by ${spares.length === 1 ? 'itself' : 'themselves'} when a disk fails; the pool then survives as many more losses as before.`,
      );
  }
  return { usable: Math.floor(raw - slop), mayFail, notes };
};

/** Into how many groups of equal width disks can be split, each at least one disk wider than what it may lose. */
export const groupsFor = (kind: VdevKind, disks: number): number[] => {
  if (kind === 'stripe') return [1];
  const least = kind === 'mirror' ? 2 : redundancyOf(kind, disks) + 2;
  return Array.from({ length: disks }, (_, i) => i + 1).filter((n) => disks % n === 0 && disks / n >= least);
};
