/** Snapshot schedules: cadence + retention. */
import { z } from 'zod';
import { DatasetName } from '../names.ts';

const field = (min: number, max: number): z.ZodString => {
  const one = `(?:\\*|[0-9]{1,2}(?:-[0-9]{1,2})?)(?:/[0-9]{1,2})?`;
  return z.string().regex(new RegExp(`^${one}(?:,${one})*$`), `expected *, a number from ${min} to ${max}, a range, a list or a step`);
};
const RANGES = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/** Five fields, as cron reads them, with every number in its range. */
export const Cron = z.string().superRefine((text, ctx) => {
  const parts = text.split(/ +/);
  if (parts.length !== 5) {
    ctx.addIssue({ code: 'custom', message: 'expected five fields: minute hour day-of-month month day-of-week' });
    return;
  }
  for (const [i, part] of parts.entries()) {
    const [min, max] = RANGES[i] as readonly [number, number];
    const shape = field(min, max).safeParse(part);
    const numbers = (part.match(/\d+/g) ?? []).map(Number);
    const steps = (part.match(/\/(\d+)/g) ?? []).map((s) => Number(s.slice(1)));
    const outside = numbers.filter((n) => n > max || (n < min && !steps.includes(n)));
    const backwards = [...part.matchAll(/(\d+)-(\d+)/g)].some(([, from, to]) => Number(from) > Number(to));
    if (!shape.success || outside.length > 0 || steps.includes(0) || backwards)
      ctx.addIssue({ code: 'custom', message: `"${part}" is not a field from ${min} to ${max}` });
  }
});

export const Retention = z.strictObject({
  hourly: z.number().int().min(0).max(10000).default(0),
  daily: z.number().int().min(0).max(10000).default(0),
  weekly: z.number().int().min(0).max(10000).default(0),
  monthly: z.number().int().min(0).max(10000).default(0),
  yearly: z.number().int().min(0).max(10000).default(0),
  count: z.number().int().min(0).max(100000).default(0),
  maxAgeDays: z.number().int().min(0).max(36500).default(0),
});

export const SnapshotSchedule = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'a schedule name holds small letters, digits and -'),
  dataset: DatasetName,
  recursive: z.boolean().default(false),
  cron: Cron,
  timezone: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/)
    .default('UTC'),
  keep: Retention,
  enabled: z.boolean().default(true),
});
export type SnapshotSchedule = z.infer<typeof SnapshotSchedule>;
