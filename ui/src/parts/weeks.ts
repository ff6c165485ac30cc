/** Days in weeks. Pure. A day is counted in local time since 1970, so that it has one number whatever the clock does. */
export type DayCount = { day: number; count: number };
export const DAY = 86_400_000;
export const WEEK = 7;
/** Days are counted in local time since 1970; as a date they are read in UTC. */
export const dateOf = (day: number): string => new Date(day * DAY).toISOString().slice(0, 10);
/** Monday is 0. 1970-01-01 was a Thursday. */
const weekday = (day: number): number => (((day + 3) % WEEK) + WEEK) % WEEK;
/** Four shades are told apart; more are not. */
export const shadeOf = (count: number, most: number): number =>
  count === 0 ? 0 : Math.max(1, Math.min(4, Math.ceil((4 * Math.log1p(count)) / Math.log1p(most))));

export const weeksOf = (days: readonly DayCount[], today: number, weeks: number): (DayCount | null)[][] => {
  const counts = new Map(days.map((d) => [d.day, d.count]));
  const first = today - weekday(today) - (weeks - 1) * WEEK;
  return Array.from({ length: weeks }, (_, w) =>
    Array.from({ length: WEEK }, (_, d) => {
      const day = first + w * WEEK + d;
      return day > today ? null : { day, count: counts.get(day) ?? 0 };
    }),
  );
};
