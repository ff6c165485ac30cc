/**
 * How much memory ZFS's cache (the ARC) may take: all that is left when everything else has had its part, between a floor and a ceiling. Pure, and explained: each
 * part that is kept back has a name.
 */
import { z } from 'zod';
import { Bytes } from '../names.ts';
import { formatBytes } from '../units.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

export const ArcLimit = z.union([
  z.literal('auto'),
  Bytes.pipe(
    z
      .number()
      .int()
      .min(64 * MiB, 'ZFS takes no limit below 64 MiB'),
  ),
]);
export type ArcLimit = z.infer<typeof ArcLimit>;

export type ArcFacts = {
  memory: number;
  /** Memory that corrects errors. Null: the machine does not say. */
  ecc: boolean | null;
  /** Protocols that serve shares. */
  serving: readonly ('smb' | 'nfs')[];
  /** What containers and virtual machines may take, or take when they have no limit. */
  guests: readonly { name: string; bytes: number }[];
  /** What ZFS itself never goes below. */
  least: number;
};

export const Kept = z.object({ what: z.string(), bytes: z.number().int() });
export type Kept = z.infer<typeof Kept>;
export type ArcAdvice = { limit: number; kept: Kept[]; words: string; bounds: { least: number; most: number } };

/** The kernel, its network buffers, logs, a login: a quarter of a small board, never more than this. */
const SYSTEM = GiB;
/** Daemon and executor at work; measured at rest with half of it (docs/benchmarks.md). */
const CONTROL_PLANE = 192 * MiB;
const PER_PROTOCOL = { smb: 128 * MiB, nfs: 64 * MiB } as const;
const STEP = 16 * MiB;
/** Without correction a flipped bit in a cached block is handed out as it is: a smaller cache keeps fewer blocks for days. */
const WITHOUT_ECC = 0.75;

const down = (bytes: number): number => Math.floor(bytes / STEP) * STEP;
const up = (bytes: number): number => Math.ceil(bytes / STEP) * STEP;

/** What may be chosen at all, by anybody. */
export const arcBounds = (f: Pick<ArcFacts, 'memory' | 'least'>): { least: number; most: number } => {
  const least = up(Math.max(64 * MiB, f.least + 1));
  return { least, most: Math.max(least, down(f.memory - Math.min(SYSTEM, f.memory / 4))) };
};

export const arcAdvice = (f: ArcFacts): ArcAdvice => {
  const bounds = arcBounds(f);
  const kept: Kept[] = [
    { what: 'the system', bytes: Math.round(Math.min(SYSTEM, f.memory / 4)) },
    { what: 'the control plane', bytes: CONTROL_PLANE },
    ...[...new Set(f.serving)].sort().map((p) => ({ what: `${p.toUpperCase()} shares`, bytes: PER_PROTOCOL[p] })),
    ...f.guests.map((g) => ({ what: g.name, bytes: g.bytes })),
  ];
  const left = Math.max(0, f.memory - kept.reduce((n, k) => n + k.bytes, 0));
  // an eighth is ZFS's own to work with, whatever else runs
  const floor = Math.max(bounds.least, up(f.memory / 8));
  const wanted = f.ecc === true ? left : left * WITHOUT_ECC;
  const limit = Math.min(bounds.most, Math.max(floor, down(wanted)));
  const parts = kept.map((k) => `${formatBytes(k.bytes)} for ${k.what}`).join(', ');
  const why =
    floor > wanted
      ? `less than an eighth would be left, which is what ZFS works with at least`
      : f.ecc === true
        ? 'the rest, because this memory corrects errors (ECC)'
        : `three quarters of the rest, because ${f.ecc === false ? 'this memory does not correct errors (no ECC)' : 'it is not known whether this memory corrects errors'}`;
  return {
    limit,
    kept,
    bounds,
    words: `${formatBytes(f.memory)} memory; kept: ${parts}. The cache may take ${formatBytes(limit)}: ${why}.`,
  };
};

/** A limit that follows each megabyte of a container would never rest. */
export const isWorthChanging = (now: number, wanted: number, memory: number): boolean =>
  Math.abs(now - wanted) >= Math.max(STEP, memory / 32);

export const ArcView = z.object({
  at: z.number(),
  /** Null: ZFS runs here, and this can be set. */
  whyNot: z.string().nullable(),
  memory: z.number(),
  ecc: z.boolean().nullable(),
  /** What somebody chose; null: automatic. */
  chosen: z.number().nullable(),
  /** What is computed from the machine, in force or not. */
  advised: z.number(),
  kept: z.array(Kept),
  words: z.string(),
  bounds: z.object({ least: z.number(), most: z.number() }),
  /** In force now, as ZFS says. */
  limit: z.number(),
  size: z.number(),
  hits: z.number(),
  misses: z.number(),
  /** Share of reads that the cache answered since the start, and within the last minutes; null without reads. */
  ratio: z.number().nullable(),
  ratioNow: z.number().nullable(),
});
export type ArcView = z.infer<typeof ArcView>;

export const ratioOf = (hits: number, misses: number): number | null => (hits + misses > 0 ? hits / (hits + misses) : null);
