/** Cron lines in words, and the few that are offered. Pure. */
export const CADENCES = [
  { cron: '*/15 * * * *', label: 'Every 15 minutes' },
  { cron: '0 * * * *', label: 'Every hour' },
  { cron: '0 */6 * * *', label: 'Every 6 hours' },
  { cron: '30 2 * * *', label: 'Every night at 2:30' },
  { cron: '0 3 * * 0', label: 'Every Sunday at 3:00' },
  { cron: '0 4 1 * *', label: 'On the 1st of each month at 4:00' },
] as const;

const pad = (n: string): string => n.padStart(2, '0');
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** As words when they are simple, else the line itself. */
export const cadenceText = (cron: string): string => {
  const known = CADENCES.find((c) => c.cron === cron);
  if (known) return known.label;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = cron.split(/ +/);
  const isNumber = (t: string): boolean => /^\d+$/.test(t);
  if (!isNumber(minute) || day !== '*' || month !== '*') return cron;
  if (hour === '*' && weekday === '*') return `Every hour at :${pad(minute)}`;
  if (!isNumber(hour)) return cron;
  const at = `${hour}:${pad(minute)}`;
  if (weekday === '*') return `Every day at ${at}`;
  return isNumber(weekday) ? `Every ${DAYS[Number(weekday)] ?? '?'} at ${at}` : cron;
};

type Rule = { rule: string; word: string };
/** "24 hourly, 14 daily, none older than 90 days". */
export const keepText = (keep: Readonly<Record<string, number>>, rules: readonly Rule[]): string => {
  const parts = rules.flatMap(({ rule, word }) => {
    const n = keep[rule] ?? 0;
    if (n === 0) return [];
    return [
      rule === 'maxAgeDays' ? `none older than ${n} ${n === 1 ? 'day' : 'days'}` : rule === 'count' ? `the last ${n}` : `${n} ${word}`,
    ];
  });
  return parts.length === 0 ? 'everything' : parts.join(', ');
};

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** How many of them are how old, in steps that people think in. */
export const AGES = [
  { label: 'last 24 hours', ms: DAY },
  { label: 'last week', ms: 7 * DAY },
  { label: 'last month', ms: 31 * DAY },
  { label: 'last 3 months', ms: 92 * DAY },
  { label: 'last year', ms: 366 * DAY },
  { label: 'older', ms: Number.POSITIVE_INFINITY },
] as const;
export const byAge = (times: readonly number[], now: number): { label: string; count: number }[] =>
  AGES.map(({ label, ms }, i) => {
    const from = AGES[i - 1]?.ms ?? Number.NEGATIVE_INFINITY;
    return { label, count: times.filter((at) => now - at >= from && now - at < ms).length };
  });

/** Where an age stands on an axis from an hour to two years, 0 to 1: near times get the room. */
export const onAxis = (age: number): number => {
  const low = Math.log(HOUR);
  const high = Math.log(730 * DAY);
  return Math.min(1, Math.max(0, (Math.log(Math.max(age, 1)) - low) / (high - low)));
};
export const TICKS = [
  { label: '1 h', ms: HOUR },
  { label: '1 day', ms: DAY },
  { label: '1 week', ms: 7 * DAY },
  { label: '1 month', ms: 30.4 * DAY },
  { label: '1 year', ms: 365 * DAY },
] as const;
