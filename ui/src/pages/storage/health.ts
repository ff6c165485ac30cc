/** Words and shapes for the health of a disk: the same in the list, on its page and where it is replaced. Pure. */
import { type Counted, COUNTED, WORDS } from '../../../../control/src/domain/disk/readings.ts';
import type { Outputs } from '../../data/trpc.ts';
import type { ChartPoint } from '../../parts/Chart.tsx';
import type { Tone } from '../../parts/Status.tsx';
import { relative } from '../../parts/words.ts';

export type Health = Outputs['disks']['health']['disks'][number];

const TONES: Record<Health['word'], Tone> = { 'no sign of failure': 'ok', 'watch it': 'warn', 'replace it soon': 'bad', failing: 'bad' };
/** One that was never read, and that ZFS says nothing of, is not well: it is unknown. */
export const isKnown = (h: Health): boolean => h.smart !== null || h.score > 0;
export const toneOfRisk = (h: Health): Tone => (isKnown(h) ? TONES[h.word] : 'idle');

const STATES: Record<Health['state'], string> = {
  never: 'not asked yet',
  read: 'unknown',
  asleep: 'asleep',
  unknown: 'says nothing of itself',
  silent: 'does not answer',
};
/** Where there is little room. */
export const shortWordOf = (h: Health): string =>
  isKnown(h) ? (h.score === 0 ? 'good' : h.word) : h.state === 'unknown' ? 'unknown' : STATES[h.state];
export const wordOf = (h: Health): string => (isKnown(h) ? h.word : STATES[h.state]);

/** How old it is what stands here, and why. */
export const ageOf = (h: Health, now: number): string => {
  if (h.state === 'never' || h.askedAt === null) return 'It was not asked yet.';
  const read = h.smart === null ? 'nothing was read from it yet' : `what stands here was read ${relative(h.smart.at, now)}`;
  if (h.state === 'asleep') return `It sleeps, and is not woken to be asked: ${read}.`;
  if (h.state === 'silent') return `It was asked ${relative(h.askedAt, now)} and did not answer in time: ${read}.`;
  if (h.state === 'unknown') return `It could not be asked: ${h.why ?? 'no reason known'}.`;
  return `Read ${relative(h.askedAt, now)}.`;
};

/** Values that held from one change to the next, as a line that goes straight and steps. */
export const stepped = (rows: readonly { at: number; value: number }[], since: number, now: number): ChartPoint[] => {
  const points: ChartPoint[] = [];
  for (const r of rows) {
    const at = Math.max(r.at, since);
    const last = points.at(-1);
    if (last && last.at < at) points.push({ at: at - 1, value: last.value });
    points.push({ at, value: r.value });
  }
  const last = points.at(-1);
  if (last && last.at < now) points.push({ at: now, value: last.value });
  return points;
};

export type CountRow = { field: Counted; name: string; value: number; week: number };
const NAMES: Record<Counted, string> = {
  reallocated: 'Moved sectors',
  pending: 'Sectors that are hard to read',
  uncorrectable: 'Sectors that could not be corrected',
  reported: 'Errors that reached the machine',
  timeouts: 'Commands without an answer',
  mediaErrors: 'Media errors',
  crcErrors: 'Transfer errors (cable)',
  zfsIo: 'Failed reads and writes of ZFS',
  zfsChecksum: 'Wrong checksums found by ZFS',
  zfsSlow: 'Slow answers that ZFS noted',
};
/** Those that the disk tells of, or that were counted. */
export const countsOf = (h: Health, latest: (field: Counted) => number | undefined): CountRow[] =>
  COUNTED.flatMap((field) => {
    const value = latest(field);
    return value === undefined ? [] : [{ field, name: NAMES[field], value, week: h.week[field] ?? 0 }];
  });
export const newWords = (field: Counted, n: number): string => `${n.toLocaleString('en')} new ${WORDS[field][n === 1 ? 0 : 1]} this week`;

export const yearsOf = (hours: number): string =>
  hours < 48
    ? `${hours} hours`
    : hours < 24 * 730
      ? `${Math.floor(hours / 24).toLocaleString('en')} days`
      : `${(hours / 8766).toFixed(1)} years`;
