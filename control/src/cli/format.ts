/** Times and figures as people read them. The exact values are in `--json`. */

const STEPS = [
  ['year', 365.25 * 24 * 3600],
  ['month', 30.44 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['min', 60],
] as const;

const amount = (seconds: number): string => {
  for (const [unit, size] of STEPS)
    if (seconds >= size) {
      const n = Math.floor(seconds / size);
      return `${n} ${unit}${n === 1 || unit === 'min' ? '' : 's'}`;
    }
  return `${Math.floor(seconds)} s`;
};

/** `3 min ago`, `in 2 days`, `just now`; `never` for null. */
export const ago = (at: number | null | undefined, now: number): string => {
  if (at === null || at === undefined) return 'never';
  const seconds = (now - at) / 1000;
  if (Math.abs(seconds) < 10) return 'just now';
  return seconds > 0 ? `${amount(seconds)} ago` : `in ${amount(-seconds)}`;
};

/** How long something took or has lasted. */
export const lasted = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : amount(ms / 1000);

/** A time of day today, else the date with it; in the reader's own time zone. */
export const clock = (at: number, now: number): string => {
  const d = new Date(at);
  const p = (n: number): string => String(n).padStart(2, '0');
  const time = `${p(d.getHours())}:${p(d.getMinutes())}:${p(d.getSeconds())}`;
  return d.toDateString() === new Date(now).toDateString() ? time : `${d.getFullYear()}-${p(d.getMonth() + 1)}-${p(d.getDate())} ${time}`;
};

export const percent = (part: number, whole: number): string => (whole > 0 ? `${Math.round((100 * part) / whole)}%` : '-');

export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
