/**
 * When a schedule is due. Fixed hours follow the clock on the wall: what falls into the hour that spring leaves out is due right after it, and
 * what autumn shows twice is due once. A schedule of every hour (`*`, every second one) follows time itself, and knows neither gap nor repetition.
 */
import { civil, firstMoment, type Zone } from './zone.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** The 29th of February on a certain weekday comes round within 40 years. */
const FARTHEST_DAYS = 366 * 41;

export type CronTimes = {
  minutes: readonly number[];
  hours: readonly number[];
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  /** The hours begin with `*`: it runs all day. */
  allDay: boolean;
  /** As cron has it: when both are restricted, either may fit. */
  eitherDay: boolean;
};

const numbers = (field: string, min: number, max: number): number[] => {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '*', stepText] = part.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    const [fromText, toText] = range.split('-');
    const from = range === '*' ? min : Number(fromText);
    const to = range === '*' ? max : toText === undefined ? (stepText === undefined ? from : max) : Number(toText);
    for (let n = from; n <= to; n += step) found.add(n);
  }
  return [...found].sort((a, b) => a - b);
};

/** Of a text that the schema `Cron` took. */
export const cronTimes = (cron: string): CronTimes => {
  const [minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] = cron.split(/ +/);
  return {
    minutes: numbers(minute, 0, 59),
    hours: numbers(hour, 0, 23),
    days: new Set(numbers(day, 1, 31)),
    months: new Set(numbers(month, 1, 12)),
    weekdays: new Set(numbers(weekday, 0, 7).map((n) => n % 7)),
    allDay: hour.startsWith('*'),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  };
};

const fits = (t: CronTimes, localDay: number): boolean => {
  const { month, day } = civil(localDay);
  if (!t.months.has(month)) return false;
  const weekday = (((localDay + 4) % 7) + 7) % 7; // 1970-01-01 was a Thursday
  const byDay = t.days.has(day);
  const byWeekday = t.weekdays.has(weekday);
  return t.eitherDay ? byDay || byWeekday : byDay && byWeekday;
};

/** Moments within one day of the calendar, in order, each once. */
const momentsOf = (t: CronTimes, z: Zone, localDay: number): number[] => {
  const start = localDay * DAY;
  const offset = z.offset(firstMoment(z, start));
  const steady = offset === z.offset(firstMoment(z, start + DAY));
  if (steady) return t.hours.flatMap((h) => t.minutes.map((m) => start + h * HOUR + m * MINUTE - offset));
  if (!t.allDay)
    return [...new Set(t.hours.flatMap((h) => t.minutes.map((m) => firstMoment(z, start + h * HOUR + m * MINUTE))))].sort((a, b) => a - b);
  const hours = new Set(t.hours);
  const minutes = new Set(t.minutes);
  const found: number[] = [];
  const end = firstMoment(z, start + DAY);
  for (let at = firstMoment(z, start); at < end; at += MINUTE) {
    const local = at + z.offset(at);
    if (hours.has(Math.floor(local / HOUR) % 24) && minutes.has(Math.floor(local / MINUTE) % 60)) found.push(at);
  }
  return found;
};

/** Every moment after `after`, without end; stops where nothing can come any more (a 31st of February). */
export function* dueTimes(cron: string, z: Zone, after: number): Generator<number, void, void> {
  const t = cronTimes(cron);
  const first = Math.floor((after + z.offset(after)) / DAY) - 1;
  let last = after;
  let empty = 0;
  for (let day = first; empty < FARTHEST_DAYS; day += 1) {
    empty += 1;
    if (!fits(t, day)) continue;
    for (const at of momentsOf(t, z, day))
      if (at > last) {
        last = at;
        empty = 0;
        yield at;
      }
  }
}

/** Null when there will never be one. */
export const nextDue = (cron: string, z: Zone, after: number): number | null => dueTimes(cron, z, after).next().value ?? null;

/**
 * The latest moment in (after, now], or null. Found backwards from now, so that a box that was off for years asks no more of it than one that was
 * off for a minute.
 */
export const lastDue = (cron: string, z: Zone, after: number, now: number): number | null => {
  const t = cronTimes(cron);
  const first = Math.floor((after + z.offset(after)) / DAY) - 1;
  for (let day = Math.floor((now + z.offset(now)) / DAY) + 1; day >= first; day -= 1) {
    if (!fits(t, day)) continue;
    const found = momentsOf(t, z, day).findLast((at) => at > after && at <= now);
    if (found !== undefined) return found;
  }
  return null;
};
