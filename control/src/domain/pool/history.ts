/**
 * How full a pool was, over time, and when it will be full if it goes on like this. Three series of one thing, coarser the further
 * they reach back; a point is the last value seen in its step. Pure.
 */
import { z } from 'zod';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export type HistoryStep = { ms: number; keptMs: number };
/** Finest first. Together at most 576 + 1,440 + 1,826 points a pool. */
export const HISTORY_STEPS: readonly HistoryStep[] = [
  { ms: 5 * MINUTE, keptMs: 2 * DAY },
  { ms: HOUR, keptMs: 60 * DAY },
  { ms: DAY, keptMs: 1_826 * DAY },
];
export const RECORD_EVERY = HISTORY_STEPS[0]?.ms ?? 5 * MINUTE;

export const SpacePoint = z.object({ at: z.number(), size: z.number().nonnegative(), allocated: z.number().nonnegative() });
export type SpacePoint = z.infer<typeof SpacePoint>;

/** The finest series that reaches back that far. */
export const stepFor = (since: number, now: number): HistoryStep =>
  HISTORY_STEPS.find((s) => now - s.keptMs <= since) ?? (HISTORY_STEPS.at(-1) as HistoryStep); // the list above is not empty

export const SpaceForecast = z.object({
  /** Bytes a day, by the median of all slopes: one large deletion does not turn it round. Negative when the pool empties. */
  perDay: z.number(),
  /** How much of the past it stands on. */
  overDays: z.number(),
  /** When nothing is left at this pace; null when the pool does not fill within ten years. */
  fullAt: z.number().nullable(),
});
export type SpaceForecast = z.infer<typeof SpaceForecast>;

/** Below two weeks a week-end looks like a trend. */
const NEEDED_DAYS = 14;
const LOOKED_AT_DAYS = 90;
const HORIZON = 3_652 * DAY;

const median = (sorted: readonly number[]): number => {
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
};

/** From points of one a day, oldest first; null while the past is too short to say. */
export const forecastOf = (points: readonly SpacePoint[], now: number): SpaceForecast | null => {
  const looked = points.filter((p) => p.at > now - LOOKED_AT_DAYS * DAY && p.at <= now);
  const [first, last] = [looked[0], looked.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < NEEDED_DAYS * DAY) return null;
  const slopes: number[] = [];
  for (const [i, a] of looked.entries())
    for (const b of looked.slice(i + 1)) if (b.at > a.at) slopes.push((b.allocated - a.allocated) / (b.at - a.at));
  const slope = median(slopes.sort((a, b) => a - b));
  const left = Math.max(0, last.size - last.allocated);
  const fullAt = slope > 0 && left / slope <= HORIZON ? Math.round(last.at + left / slope) : null;
  return { perDay: Math.round(slope * DAY), overDays: Math.round((last.at - first.at) / DAY), fullAt };
};
