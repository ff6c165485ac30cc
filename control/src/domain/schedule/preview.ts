/**
 * A schedule played forward: what it will make, and when each will die. Each snapshot's end is told from the rules at once instead of asking them at
 * every run, so a year of five-minute snapshots takes no longer than writing it down. (`retain`, asked at every run, ends the same way: tested.)
 */
import { z } from 'zod';
import { dueTimes } from './cron.ts';
import { type Dated, isUnlimited, PERIODS, periodOf } from './retention.ts';
import type { SnapshotSchedule } from './schedule.ts';
import { civil, zone } from './zone.ts';

const DAY = 86_400_000;
export const PREVIEW_DAYS = 365;
/** One a minute for a year; more can't be due. */
const MOST = 527_041;
const SHOWN_NEXT = 5;
const SHOWN_ALIVE = 1000;

export const Preview = z.object({
  from: z.number(),
  to: z.number(),
  /** How many it makes in this time. */
  made: z.number().int(),
  next: z.array(z.number()),
  /** Of those that are there now: how many the first run would destroy. */
  doomedNow: z.number().int(),
  existing: z.number().int(),
  months: z.array(z.object({ year: z.number(), month: z.number(), made: z.number(), destroyed: z.number(), alive: z.number() })),
  /** What lives at the end, newest first; `shown` of `aliveAtEnd`. */
  aliveAtEnd: z.number().int(),
  alive: z.array(z.object({ at: z.number(), existed: z.boolean() })),
  /** The most that live at one time. */
  peak: z.number().int(),
});
export type Preview = z.infer<typeof Preview>;

type Life = { at: number; existed: boolean; immortal: boolean; ends: number };

/** Oldest first; `ends` is the run at which it dies. Runs are the moments in `runs`. */
const endings = (lives: Life[], schedule: SnapshotSchedule, runs: readonly number[]): void => {
  const { keep } = schedule;
  const zoned = zone(schedule.timezone);
  const never = Number.POSITIVE_INFINITY;
  if (isUnlimited(keep)) return;
  const rules = PERIODS.filter((p) => keep[p] > 0);
  const bare = rules.length === 0 && keep.count === 0;
  const until = new Float64Array(lives.length).fill(bare ? never : Number.NEGATIVE_INFINITY);
  const later = (i: number, at: number): void => {
    until[i] = Math.max(until[i] ?? 0, at);
  };
  const born = (i: number): number => lives[i]?.at ?? never;
  for (const period of rules) {
    // where each period that has any begins
    const firsts: number[] = [];
    let last = Number.NaN;
    for (const [i, l] of lives.entries()) {
      const p = periodOf(period, zoned, l.at);
      if (p !== last) firsts.push(i);
      last = p;
    }
    for (const [n, first] of firsts.entries()) {
      const end = firsts[n + 1] ?? lives.length;
      const over = firsts[n + keep[period]];
      for (let i = first; i < end; i += 1) later(i, i + 1 < end ? born(i + 1) : over === undefined ? never : born(over));
    }
  }
  if (keep.count > 0) for (let i = 0; i < lives.length; i += 1) later(i, i + keep.count < lives.length ? born(i + keep.count) : never);
  for (const [i, l] of lives.entries()) {
    if (l.immortal) continue;
    let end = until[i] ?? never;
    if (keep.maxAgeDays > 0) end = Math.min(end, l.at + keep.maxAgeDays * DAY + 1);
    // the newest lives whatever the rules say, and it dies only when a run looks
    const wanted = Math.max(end, i + 1 < lives.length ? born(i + 1) : never);
    l.ends = wanted === never ? never : (firstAtOrAfter(runs, wanted) ?? never);
  }
};

const firstAtOrAfter = (sorted: readonly number[], at: number): number | undefined => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return sorted[low];
};

export const lifetimes = (
  schedule: SnapshotSchedule,
  existing: readonly Dated[],
  now: number,
  days: number,
): { lives: Life[]; runs: number[] } => {
  const to = now + days * DAY;
  const runs: number[] = [];
  if (schedule.enabled)
    for (const at of dueTimes(schedule.cron, zone(schedule.timezone), now)) {
      if (at > to || runs.length >= MOST) break;
      runs.push(at);
    }
  const never = Number.POSITIVE_INFINITY;
  const lives: Life[] = [
    ...[...existing]
      .sort((a, b) => a.order - b.order || a.at - b.at)
      .map((s) => ({ at: s.at, existed: true, immortal: s.held, ends: never })),
    ...runs.map((at) => ({ at, existed: false, immortal: false, ends: never })),
  ];
  endings(lives, schedule, runs);
  return { lives, runs };
};

export const preview = (schedule: SnapshotSchedule, existing: readonly Dated[], now: number, days = PREVIEW_DAYS): Preview => {
  const { lives, runs } = lifetimes(schedule, existing, now, days);
  const to = now + days * DAY;
  const z = zone(schedule.timezone);
  const monthOf = (at: number): number => {
    const { year, month } = civil(Math.floor((at + z.offset(at)) / DAY));
    return year * 12 + month - 1;
  };
  const first = monthOf(now);
  const count = monthOf(to) - first + 1;
  const made = new Array<number>(count).fill(0);
  const destroyed = new Array<number>(count).fill(0);
  const bump = (list: number[], at: number): void => {
    const i = monthOf(at) - first;
    list[i] = (list[i] ?? 0) + 1;
  };
  const changes: [at: number, by: number][] = [];
  for (const l of lives) {
    if (!l.existed) {
      bump(made, l.at);
      changes.push([l.at, 1]);
    }
    if (l.ends <= to) {
      bump(destroyed, l.ends);
      changes.push([l.ends, -1]);
    }
  }
  changes.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let alive = existing.length;
  let peak = alive;
  for (const [, by] of changes) {
    alive += by;
    peak = Math.max(peak, alive);
  }
  let left = existing.length;
  const months = made.map((m, i) => {
    left += m - (destroyed[i] ?? 0);
    return { year: Math.floor((first + i) / 12), month: ((first + i) % 12) + 1, made: m, destroyed: destroyed[i] ?? 0, alive: left };
  });
  const survivors = lives.filter((l) => l.ends > to);
  return {
    from: now,
    to,
    made: runs.length,
    next: runs.slice(0, SHOWN_NEXT),
    existing: existing.length,
    doomedNow: runs[0] === undefined ? 0 : lives.filter((l) => l.existed && l.ends === runs[0]).length,
    months,
    aliveAtEnd: survivors.length,
    alive: survivors
      .slice(-SHOWN_ALIVE)
      .reverse()
      .map(({ at, existed }) => ({ at, existed })),
    peak,
  };
};
