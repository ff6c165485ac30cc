/** When a pool is looked after by itself: every block read (scrub), free space told to its disks (trim). By the cron of the snapshot schedules. Pure. */
import { lastDue, nextDue } from '../schedule/cron.ts';
import { zone } from '../schedule/zone.ts';
import type { ObservedPool } from './pool.ts';
import type { PoolCare } from './settings.ts';

export type CareKind = 'scrub' | 'trim';
/** Until when each was seen to; a moment that lies before is not made up for. */
export type Seen = Record<CareKind, number>;

/** What is due now. One that was missed while the box was off is made up for once. */
export const careDue = (care: PoolCare, seen: Seen, now: number): CareKind[] =>
  (['scrub', 'trim'] as const).filter((kind) => {
    const cron = care[kind];
    return cron !== null && lastDue(cron, zone(care.timezone), seen[kind], now) !== null;
  });
export const careNext = (care: PoolCare, kind: CareKind, now: number): number | null => {
  const cron = care[kind];
  return cron === null ? null : nextDue(cron, zone(care.timezone), now);
};

/** Why not now. Null when it may begin. */
export const whyNotNow = (pool: Pick<ObservedPool, 'health' | 'scan' | 'trim' | 'expansion'>, kind: CareKind): string | null => {
  if (pool.health !== 'ONLINE' && pool.health !== 'DEGRADED') return `it is ${pool.health}`;
  if (pool.expansion?.state === 'running') return 'it is growing';
  if (pool.scan.state === 'scanning' || (kind === 'scrub' && pool.scan.state === 'paused')) return `a ${pool.scan.kind} is under way`;
  return kind === 'trim' && pool.trim?.state === 'running' ? 'a trim is under way' : null;
};
