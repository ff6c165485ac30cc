/**
 * Which snapshots of one schedule in one dataset live, and which die. Pure. A snapshot dies only if no rule keeps it:
 *
 * - hourly .. yearly: N -> the newest snapshot of each of the N newest hours (days, weeks from Monday, months, years of the schedule's zone) that have any
 * - count: N -> the N newest
 * - maxAgeDays: what is older dies even if a rule above keeps it. Alone, it keeps all that is younger.
 * - no rule at all: everything lives
 *
 * Whatever the rules say, these live: the newest one, those that are held, those that a replication needs, those from the future.
 * Because the newest of each period is kept, what is dropped now is never wanted later, and the same question asked often is answered alike.
 */
import type { Retention } from './schedule.ts';
import { civil, type Zone } from './zone.ts';

const HOUR = 3_600_000;
const DAY = 86_400_000;

export const PERIODS = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];

/** A number for the period that a moment lies in. An hour that is there twice in autumn is two. */
export const periodOf = (period: Period, z: Zone, at: number): number => periodAt(period, at, z.offset(at));

/** Snapshots come in order: the month is asked for again and again of one day. */
let civilDay = Number.NaN;
let civilMonth = 0;
const periodAt = (period: Period, at: number, offset: number): number => {
  if (period === 'hourly') return Math.floor((at + (offset % HOUR)) / HOUR);
  const day = Math.floor((at + offset) / DAY);
  if (period === 'daily') return day;
  if (period === 'weekly') return Math.floor((day + 3) / 7);
  if (day !== civilDay) {
    const { year, month } = civil(day);
    civilDay = day;
    civilMonth = year * 12 + month - 1;
  }
  return period === 'monthly' ? civilMonth : Math.floor(civilMonth / 12);
};

/** `order` grows with each snapshot (its createtxg): clocks can be wrong. */
export type Dated = { guid: string; at: number; order: number; held: boolean };
export type Why = Period | 'count' | 'age' | 'all' | 'newest' | 'held' | 'needed' | 'future';
export type Verdict<T extends Dated> = { kept: { snapshot: T; why: Why[] }[]; doomed: T[] };

export const isUnlimited = (keep: Retention): boolean => PERIODS.every((p) => keep[p] === 0) && keep.count === 0 && keep.maxAgeDays === 0;

export const retain = <T extends Dated>(
  snapshots: readonly T[],
  keep: Retention,
  z: Zone,
  now: number,
  needed: ReadonlySet<string> = new Set(),
): Verdict<T> => {
  const newestFirst = [...snapshots].sort((a, b) => b.order - a.order || b.at - a.at || (a.guid < b.guid ? 1 : -1));
  const rules = PERIODS.filter((p) => keep[p] > 0).map((period) => ({ period, most: keep[period], last: Number.NaN, n: 0 }));
  const oldest = keep.maxAgeDays === 0 ? Number.NEGATIVE_INFINITY : now - keep.maxAgeDays * DAY;
  const byAgeAlone = rules.length === 0 && keep.count === 0;
  const unlimited = byAgeAlone && keep.maxAgeDays === 0;
  const verdict: Verdict<T> = { kept: [], doomed: [] };
  let i = -1;
  for (const s of newestFirst) {
    i += 1;
    const why: Why[] = [];
    const offset = z.offset(s.at);
    for (const rule of rules) {
      if (rule.n > rule.most) continue; // it has all it keeps
      const p = periodAt(rule.period, s.at, offset);
      if (p === rule.last) continue;
      rule.last = p;
      rule.n += 1;
      if (rule.n <= rule.most) why.push(rule.period);
    }
    if (i < keep.count) why.push('count');
    if (s.at < oldest) why.length = 0;
    else if (unlimited) why.push('all');
    else if (byAgeAlone) why.push('age');
    if (i === 0) why.push('newest');
    if (s.held) why.push('held');
    if (needed.has(s.guid)) why.push('needed');
    if (s.at > now) why.push('future');
    if (why.length > 0) verdict.kept.push({ snapshot: s, why });
    else verdict.doomed.push(s);
  }
  return verdict;
};

/** Would the second keep less than the first in any respect? Then applying it may destroy what the first would have kept. */
export const keepsLess = (before: Retention, after: Retention): boolean => {
  if (isUnlimited(after)) return false;
  if (isUnlimited(before)) return true;
  const age = (k: Retention): number => (k.maxAgeDays === 0 ? Number.POSITIVE_INFINITY : k.maxAgeDays);
  const byAgeAlone = (k: Retention): boolean => PERIODS.every((p) => k[p] === 0) && k.count === 0;
  if (age(after) < age(before)) return true;
  if (byAgeAlone(after)) return false;
  return byAgeAlone(before) || after.count < before.count || PERIODS.some((p) => after[p] < before[p]);
};
