/**
 * Local time of a named zone, as numbers. `Intl` knows the rules but is slow to ask: an offset is asked for once a day and zone, and only
 * on the one or two days of a year on which it changes is it asked again.
 */
const DAY = 86_400_000;
const MINUTE = 60_000;

export type Zone = {
  readonly name: string;
  /** Milliseconds that local time is ahead of UTC at this moment. */
  offset(at: number): number;
};

const formats = new Map<string, Intl.DateTimeFormat>();
const formatOf = (name: string): Intl.DateTimeFormat => {
  let f = formats.get(name);
  if (f === undefined) {
    f = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(name, f);
  }
  return f;
};

export const isZone = (name: string): boolean => {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
};

const ask = (f: Intl.DateTimeFormat, at: number): number => {
  const p: Record<string, number> = {};
  for (const { type, value } of f.formatToParts(at)) p[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = p;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
};

const KEPT_DAYS = 20_000;

export const zone = (name: string): Zone => {
  if (name === 'UTC') return { name, offset: () => 0 };
  const f = formatOf(name);
  const days = new Map<number, number>();
  const atStart = (day: number): number => {
    let o = days.get(day);
    if (o === undefined) {
      o = ask(f, day * DAY);
      if (days.size >= KEPT_DAYS) days.clear();
      days.set(day, o);
    }
    return o;
  };
  // mostly the next question is about the same day
  let lastDay = Number.NaN;
  let last = 0;
  return {
    name,
    offset: (at) => {
      const day = Math.floor(at / DAY);
      if (day === lastDay) return last;
      const before = atStart(day);
      if (before !== atStart(day + 1)) return ask(f, at);
      lastDay = day;
      last = before;
      return before;
    },
  };
};

/** The moments at which a clock on the wall shows `local` (as if it were UTC): two when it was turned back, none when it was turned forward. */
export const moments = (z: Zone, local: number): number[] => {
  const found = new Set<number>();
  for (const o of new Set([z.offset(local - DAY), z.offset(local), z.offset(local + DAY)]))
    if (z.offset(local - o) === o) found.add(local - o);
  return [...found].sort((a, b) => a - b);
};

/** The first moment at which the clock shows `local` or later: within a gap, the moment after it. */
export const firstMoment = (z: Zone, local: number): number => {
  const [exact] = moments(z, local);
  if (exact !== undefined) return exact;
  let low = local - DAY;
  let high = local + DAY;
  // on both sides of the gap clock and time run alike, so halving finds its end
  while (high - low > MINUTE) {
    const middle = Math.floor((low + high) / 2 / MINUTE) * MINUTE;
    if (middle + z.offset(middle) >= local) high = middle;
    else low = middle;
  }
  return high;
};

/** Days since 1970-01-01 -> year and month, by arithmetic alone (proleptic Gregorian). */
export const civil = (days: number): { year: number; month: number; day: number } => {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day: doy - Math.floor((153 * mp + 2) / 5) + 1 };
};
