/**
 * How full a pool is, what that means, and what the reserve is for. A pool that is quite full can't be emptied comfortably: every deletion writes first. So some of
 * it can be held back, and is given free when the rest is used up. Pure.
 */
import { z } from 'zod';
import { formatBytes } from '../units.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

export const Thresholds = z
  .strictObject({
    /** Percent of what can be used. */
    warn: z.number().int().min(1).max(99),
    high: z.number().int().min(1).max(99),
    /** Here the reserve is given free. */
    full: z.number().int().min(1).max(100),
  })
  .refine((t) => t.warn < t.high && t.high < t.full, 'the thresholds have to rise: warn, high, full');
export type Thresholds = z.infer<typeof Thresholds>;
export const USUAL_THRESHOLDS: Thresholds = { warn: 80, high: 90, full: 95 };
/** A level is left this many points below where it was entered, so that nothing is told twice for a file that comes and goes. */
export const HYSTERESIS = 2;

export const CapacityLevel = z.enum(['fine', 'filling', 'high', 'full']);
export type CapacityLevel = z.infer<typeof CapacityLevel>;
const LEVELS = CapacityLevel.options;

export type Space = {
  /** What can be used in all, what is used of it, what is left to write. The reserve is neither. */
  total: number;
  used: number;
  free: number;
  reserve: number;
};
/** From the root dataset, which counts the reserve as used. */
export const spaceOf = (root: { used: number; available: number }, reserve: number): Space => ({
  total: root.used + root.available,
  used: Math.max(0, root.used - reserve),
  free: root.available,
  reserve,
});
export const shareOf = (s: Space): number => (s.total > 0 ? s.used / s.total : 0);

/** Nothing to speak of is left beside the reserve. */
const isOut = (s: Space): boolean => s.free < Math.min(64 * MiB, s.total / 200);

export const levelOf = (s: Space, t: Thresholds, before: CapacityLevel): CapacityLevel => {
  const share = shareOf(s) * 100;
  const enter = (at: number, level: CapacityLevel): boolean =>
    share >= (LEVELS.indexOf(before) >= LEVELS.indexOf(level) ? at - HYSTERESIS : at);
  if (enter(t.full, 'full') || isOut(s)) return 'full';
  return enter(t.high, 'high') ? 'high' : enter(t.warn, 'filling') ? 'filling' : 'fine';
};

/** What is worth holding back: enough to work with, not enough to miss. */
export const suggestedReserve = (s: Space): number =>
  Math.max(0, Math.min(Math.floor((s.free + s.reserve) / 2), Math.max(64 * MiB, Math.min(32 * GiB, Math.floor(s.total / 50)))));
/** May this much be held back now? Undefined when yes. */
export const whyNoReserve = (s: Space, bytes: number, t: Thresholds): string | undefined => {
  if (bytes < 16 * MiB) return 'less than 16 MiB helps nobody';
  if (bytes > s.total / 4) return `more than a quarter of the pool (${formatBytes(s.total / 4)}) is not a reserve`;
  if (shareOf(s) * 100 >= t.full) return `the pool is ${percent(s)} full, and it would be given free again at once`;
  const left = s.free + s.reserve;
  return bytes > left / 2 ? `only ${formatBytes(left)} are free, and at least half of that stays free` : undefined;
};
/** There is room for it again: well below the level at which it is given free. */
export const isRoomAgain = (s: Space, bytes: number, t: Thresholds): boolean =>
  s.reserve === 0 && shareOf(s) * 100 < t.high - HYSTERESIS && whyNoReserve(s, bytes, t) === undefined;

const percent = (s: Space): string => `${Math.floor(shareOf(s) * 100)}%`;

/** What happened, and what to do. Null when there is nothing to say. */
export const capacityText = (pool: string, s: Space, level: CapacityLevel, released: number): string | null => {
  const is = `${pool} is ${percent(s)} full, ${formatBytes(s.free)} left`;
  switch (level) {
    case 'fine':
      return null;
    case 'filling':
      return `${is}. Plan more disks, or destroy snapshots that are not needed`;
    case 'high':
      return `${is}. Writing becomes slow from here on: delete files or snapshots, or add disks`;
    case 'full':
      return released > 0
        ? `${is}. Its reserve of ${formatBytes(released)} was given free, so that things can be deleted: do it now, snapshots first. Then hold it back again: dplane pool reserve ${pool}`
        : s.reserve > 0
          ? `${is}. Delete files or snapshots now; ${formatBytes(s.reserve)} are still in reserve: dplane pool release ${pool}`
          : `${is}. Delete files or snapshots now; it has no reserve left`;
  }
};

export const PoolCapacity = z.object({
  pool: z.string(),
  guid: z.string(),
  total: z.number(),
  used: z.number(),
  free: z.number(),
  /** 0..1, the reserve not counted as used. */
  share: z.number(),
  level: CapacityLevel,
  thresholds: Thresholds,
  reserve: z.object({
    bytes: z.number(),
    suggested: z.number(),
    /** It was given free at that time, and how much it was. */
    released: z.object({ at: z.number(), bytes: z.number() }).nullable(),
    /** It was given free, and there is room for it again. */
    offered: z.boolean(),
  }),
  /** What it means, and what to do; null when all is well. */
  message: z.string().nullable(),
});
export type PoolCapacity = z.infer<typeof PoolCapacity>;
