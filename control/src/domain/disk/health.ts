/** A disk's health as it is shown: what was read, what it means, and what it was. Schemas and small rules; pure. */
import { z } from 'zod';
import { DiskPath } from '../names.ts';
import type { ObservedDisk, ObservedPool } from '../pool/pool.ts';
import { lastDue, nextDue } from '../schedule/cron.ts';
import { Cron } from '../schedule/schedule.ts';
import { isZone, zone } from '../schedule/zone.ts';
import { COUNTED, FIELDS } from './readings.ts';
import { RISK_WORDS } from './risk.ts';
import { Smart, type TestKind } from './smart.ts';

export const Growing = z.partialRecord(z.enum(COUNTED), z.number().int().positive());

export const DiskHealth = z.object({
  path: DiskPath,
  pool: z.string().nullable(),
  /** never: not asked yet; silent: it was asked and did not answer in time. */
  state: z.enum(['never', 'read', 'asleep', 'unknown', 'silent']),
  why: z.string().nullable(),
  askedAt: z.number().nullable(),
  /** 0 (nothing known against it) to 100; from what was read last, and from ZFS. */
  score: z.number().int().min(0).max(100),
  word: z.enum(RISK_WORDS),
  reasons: z.array(z.string()),
  /** What was read last; older than `askedAt` when it sleeps. */
  smart: Smart.nullable(),
  /** What grew within 7 days. */
  week: Growing,
});
export type DiskHealth = z.infer<typeof DiskHealth>;

export const DiskPast = z.object({
  health: DiskHealth,
  now: z.number(),
  since: z.number(),
  /** A point where a value changed; it held until the next. */
  history: z.partialRecord(z.enum(FIELDS), z.array(z.object({ at: z.number(), value: z.number() }))),
});
export type DiskPast = z.infer<typeof DiskPast>;

/** How often disks are asked, and when they test themselves. */
export const DiskCare = z.strictObject({
  everyMinutes: z.number().int().min(10).max(1_440),
  /** Null: never by itself. */
  short: Cron.nullable(),
  long: Cron.nullable(),
  timezone: z.string().max(64).refine(isZone, 'expected a time zone such as Europe/Vienna'),
});
export type DiskCare = z.infer<typeof DiskCare>;
/** A short one takes minutes and reads little; a long one reads every sector, which the monthly scrub does for what is in use. */
export const USUAL_DISK_CARE: DiskCare = { everyMinutes: 30, short: '0 3 * * 0', long: null, timezone: 'UTC' };

export const testDue = (care: DiskCare, kind: TestKind, seen: number, now: number): boolean => {
  const cron = care[kind];
  return cron !== null && lastDue(cron, zone(care.timezone), seen, now) !== null;
};
export const testNext = (care: DiskCare, kind: TestKind, now: number): number | null => {
  const cron = care[kind];
  return cron === null ? null : nextDue(cron, zone(care.timezone), now);
};

/** One disk, wherever it is plugged in and whatever it is called there. */
export const identityOf = (d: { path: string; model: string; serial: string }): string =>
  d.serial === '' ? d.path : `${d.model} ${d.serial}`;

/** Disks of pools, by path; ZFS names the partition of a disk that it was given whole. */
export const membersOf = (pools: readonly Pick<ObservedPool, 'vdevs' | 'name'>[]): Map<string, ObservedDisk> =>
  new Map(pools.flatMap((p) => p.vdevs.flatMap((v) => v.disks.map((d) => [d.path.replace(/-part1$/, ''), d] as const))));
