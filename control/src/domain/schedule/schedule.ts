/** Snapshot schedules: cadence + retention. */
import { z } from 'zod';
import { DatasetName } from '../names.ts';
import { isZone } from './zone.ts';

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
export type Retention = z.infer<typeof Retention>;

/** The rules of retention, and what each is called in forms and on the command line. */
export const RULES = [
  { rule: 'hourly', word: 'hourly' },
  { rule: 'daily', word: 'daily' },
  { rule: 'weekly', word: 'weekly' },
  { rule: 'monthly', word: 'monthly' },
  { rule: 'yearly', word: 'yearly' },
  { rule: 'count', word: 'count' },
  { rule: 'maxAgeDays', word: 'max-age' },
] as const satisfies readonly { rule: keyof Retention; word: string }[];

export const ScheduleName = z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'a schedule name holds small letters, digits and -');

export const SnapshotSchedule = z.strictObject({
  name: ScheduleName,
  dataset: DatasetName,
  recursive: z.boolean().default(false),
  cron: Cron,
  timezone: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/, 'expected a time zone such as Europe/Berlin or UTC')
    .refine(isZone, 'there is no such time zone; expected one such as Europe/Berlin or UTC')
    .default('UTC'),
  keep: Retention,
  enabled: z.boolean().default(true),
});
export type SnapshotSchedule = z.infer<typeof SnapshotSchedule>;

/** One run: a snapshot taken, and what retention destroyed after it. */
export const ScheduleRun = z.object({
  dueAt: z.number(),
  startedAt: z.number(),
  endedAt: z.number(),
  tag: z.string().nullable(),
  taken: z.number().int(),
  destroyed: z.number().int(),
  /** What went wrong, in words; null when all went well. */
  problem: z.string().nullable(),
});
export type ScheduleRun = z.infer<typeof ScheduleRun>;

/**
 * What a snapshot carries from its making (a ZFS user property): by it, and not by its name, it is known whose it is. The pool's guid is in it, so
 * that a copy in another pool, whatever its schedules are called, belongs to none of them.
 */
export const SCHEDULE_PROPERTY = 'org.dplaneos:schedule';
export const ScheduleMark = z.string().regex(/^[a-z][a-z0-9-]{0,40}@[0-9]{1,20}$/, 'expected name@guid of the pool');
export const markOf = (schedule: string, poolGuid: string): string => `${schedule}@${poolGuid}`;

/** Does a schedule look after this dataset? */
export const covers = (s: Pick<SnapshotSchedule, 'dataset' | 'recursive'>, dataset: string): boolean =>
  dataset === s.dataset || (s.recursive && dataset.startsWith(`${s.dataset}/`));
