/** What is kept of a disk's past: a row where a count changed, the temperature by the hour. Pure. */
import type { Smart } from './smart.ts';

/** Counts that only get worse. `zfs*` are those of ZFS's events: they survive a `zpool clear`. */
export const COUNTED = [
  'reallocated',
  'pending',
  'uncorrectable',
  'reported',
  'timeouts',
  'mediaErrors',
  'crcErrors',
  'zfsIo',
  'zfsChecksum',
  'zfsSlow',
] as const;
export type Counted = (typeof COUNTED)[number];
export const FIELDS = [...COUNTED, 'used', 'spare', 'hours', 'temperature'] as const;
export type Field = (typeof FIELDS)[number];
export type Readings = Partial<Record<Field, number>>;
export type Reading = { at: number; value: number };

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** Temperatures are kept for a month, the rest for more than a year. */
export const KEPT: Readonly<Record<Field, number>> = {
  ...(Object.fromEntries(FIELDS.map((f) => [f, 400 * DAY])) as Record<Field, number>), // every field is named in FIELDS
  temperature: 30 * DAY,
};

export const WORDS: Readonly<Record<Counted, readonly [one: string, many: string]>> = {
  reallocated: ['moved sector', 'moved sectors'],
  pending: ['sector that is hard to read', 'sectors that are hard to read'],
  uncorrectable: ['sector that could not be corrected', 'sectors that could not be corrected'],
  reported: ['error that reached the machine', 'errors that reached the machine'],
  timeouts: ['command without an answer', 'commands without an answer'],
  mediaErrors: ['media error', 'media errors'],
  crcErrors: ['transfer error', 'transfer errors'],
  zfsIo: ['failed read or write of ZFS', 'failed reads and writes of ZFS'],
  zfsChecksum: ['wrong checksum found by ZFS', 'wrong checksums found by ZFS'],
  zfsSlow: ['slow answer that ZFS noted', 'slow answers that ZFS noted'],
};

/** What of a reading is worth keeping. The hours alone change with every reading: by the day is enough. */
export const readingsOf = (s: Smart): Readings => {
  const found: Readings = {};
  for (const f of FIELDS) {
    const value = f.startsWith('zfs') ? null : s[f as Exclude<Field, 'zfsIo' | 'zfsChecksum' | 'zfsSlow'>]; // what is left is in Smart
    if (value !== null) found[f] = f === 'hours' ? value - (value % 24) : value;
  }
  return found;
};

/** What a count was at a time: the last row until then; before the first row it is taken to have been that. */
export const valueAt = (rows: readonly Reading[], at: number): number | null =>
  rows.findLast((r) => r.at <= at)?.value ?? rows[0]?.value ?? null;

/** How much each count has grown since then; what did not grow is left out. Counts that fell (a sector that could be read after all) did not grow. */
export type Growth = Partial<Record<Counted, number>>;
export const growthSince = (rows: Readonly<Partial<Record<Field, readonly Reading[]>>>, since: number): Growth => {
  const grown: Growth = {};
  for (const f of COUNTED) {
    const all = rows[f] ?? [];
    const now = all.at(-1)?.value ?? 0;
    const was = valueAt(all, since) ?? 0;
    if (now > was) grown[f] = now - was;
  }
  return grown;
};
