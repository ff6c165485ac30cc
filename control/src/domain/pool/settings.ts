/** What the control plane itself keeps of a pool, by its guid: when it is looked after, when it counts as full, how its heartbeat goes. */
import { z } from 'zod';
import { Cron } from '../schedule/schedule.ts';
import { isZone } from '../schedule/zone.ts';
import { Thresholds, USUAL_THRESHOLDS } from './capacity.ts';
import { HeartbeatSettings, USUAL_HEARTBEAT } from './heartbeat.ts';

export const PoolCare = z.strictObject({
  /** Null: never by itself. */
  scrub: Cron.nullable(),
  trim: Cron.nullable(),
  timezone: z.string().max(64).refine(isZone, 'expected a time zone such as Europe/Vienna'),
});
export type PoolCare = z.infer<typeof PoolCare>;

export const PoolSettings = z.strictObject({ care: PoolCare, capacity: Thresholds, heartbeat: HeartbeatSettings });
export type PoolSettings = z.infer<typeof PoolSettings>;

/** What nobody has decided: a pool that is never read through keeps its damage to itself. */
export const USUAL_SETTINGS: PoolSettings = {
  care: { scrub: '0 2 1 * *', trim: null, timezone: 'UTC' },
  capacity: USUAL_THRESHOLDS,
  heartbeat: USUAL_HEARTBEAT,
};
export const USUAL_CARE = USUAL_SETTINGS.care;
