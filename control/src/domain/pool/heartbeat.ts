/**
 * What the heartbeat of a pool says: from what its helper wrote down last, what the kernel says of the pool, and the time since the machine started (which
 * no clock change moves). Pure.
 */
import { z } from 'zod';

export const BEAT_EVERY = 30_000;
/** A helper that says nothing for this long is not there. */
const SILENT = 3 * BEAT_EVERY;
/** Disks that still work make a beat late, not lost; up to this many times the limit. */
const PATIENCE = 4;
const SLOW = 5_000;

export const HeartbeatSettings = z.strictObject({
  /** Off for pools whose disks are to sleep: each beat is a write. */
  on: z.boolean(),
  /** Milliseconds after which a beat that has not ended means that the pool does not answer. */
  limit: z.number().int().min(10_000).max(600_000),
});
export type HeartbeatSettings = z.infer<typeof HeartbeatSettings>;
export const USUAL_HEARTBEAT: HeartbeatSettings = { on: true, limit: 30_000 };

export const HeartbeatState = z.enum(['beating', 'slow', 'stuck', 'suspended', 'read-only', 'failing', 'unknown', 'off']);
export type HeartbeatState = z.infer<typeof HeartbeatState>;

/** One that has ended. Times in milliseconds since the machine started. */
export type Beat = { n: number; began: number; ended: number; outcome: string; write: number; flush: number; read: number; note: string };
export type Told = { now: { n: number; began: number } | null; last: Beat | null; slowInARow: number };

export const Heartbeat = z.object({
  state: HeartbeatState,
  why: z.string(),
  /** Milliseconds: how long writing, reaching all disks, and reading back took in the last beat that ended. */
  latency: z.object({ write: z.number(), flush: z.number(), read: z.number() }).nullable(),
  /** Milliseconds since the last good beat ended; null when there was none since the machine started. */
  lastGood: z.number().nullable(),
  /** Milliseconds that the present one is under way. */
  underWay: z.number().nullable(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

/** Nothing that uses the pool can go on: what runs on it is stopped. */
export const isFailed = (state: HeartbeatState): boolean => state === 'stuck' || state === 'suspended';

const seconds = (ms: number): string => (ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);
const OUTCOMES: Readonly<Record<string, string>> = {
  'write-failed': 'it could not be written',
  'read-failed': 'it could not be read back',
  differs: 'what was read back is not what was written',
};

export type Signs = {
  settings: HeartbeatSettings;
  /** The kernel's word for the pool; null when it has none. */
  kernel: string | null;
  told: Told | null;
  /** Now, in milliseconds since the machine started. */
  uptime: number;
  /** Disks of the pool still finish writes while a beat is late. */
  moving: boolean;
  /** Why there can be none: it is read-only, or it could not be begun. */
  refused: { state: 'read-only' | 'unknown'; why: string } | null;
};

export const heartbeatOf = ({ settings, kernel, told, uptime, moving, refused }: Signs): Heartbeat => {
  const last = told?.last ?? null;
  const latency = last === null ? null : { write: last.write, flush: last.flush, read: last.read };
  const underWay = told?.now ? Math.max(0, uptime - told.now.began) : null;
  const lastGood = last !== null && last.outcome === 'ok' ? Math.max(0, uptime - last.ended) : null;
  const is = (state: HeartbeatState, why: string): Heartbeat => ({ state, why, latency, lastGood, underWay });
  if (kernel === 'SUSPENDED' || kernel === 'FAULTED' || kernel === 'UNAVAIL')
    return is('suspended', `ZFS says ${kernel}: too many of its disks do not answer, nothing can be read or written`);
  if (!settings.on) return is('off', 'it is switched off for this pool');
  if (underWay !== null && underWay >= settings.limit) {
    if (moving && underWay < PATIENCE * settings.limit)
      return is('slow', `a beat takes ${seconds(underWay)} so far; its disks are at work`);
    return is('stuck', `a write of 4 KiB has not ended for ${seconds(underWay)}`);
  }
  if (refused !== null) return is(refused.state, refused.why);
  if (last === null) return is('unknown', underWay === null ? 'nothing was heard of it yet' : 'the first beat is under way');
  if (underWay === null && uptime - last.ended > SILENT)
    return is('unknown', `nothing was heard of it for ${seconds(uptime - last.ended)}`);
  if (last.outcome === 'read-only') return is('read-only', 'it can not be written to');
  if (last.outcome !== 'ok') return is('failing', `${OUTCOMES[last.outcome] ?? last.outcome}${last.note === '' ? '' : `: ${last.note}`}`);
  const took = last.ended - last.began;
  if ((told?.slowInARow ?? 0) >= 2) return is('slow', `the last beat took ${seconds(took)}`);
  return is(
    'beating',
    `written, on disk and read back in ${took < 1_000 ? `${Math.round(latency ? latency.write + latency.flush + latency.read : took)} ms` : seconds(took)}`,
  );
};

/** How many beats in a row, up to this one, took long. */
export const slowInARow = (before: Told | null, last: Beat | null): number => {
  if (last === null) return 0;
  const slow = last.ended - last.began >= SLOW;
  if (before?.last?.n === last.n) return before.slowInARow;
  return slow ? (before?.slowInARow ?? 0) + 1 : 0;
};

/** One alert a state, in words that stay the same while it lasts. */
export const alertOf = (pool: string, h: Heartbeat, limit: number): { severity: 'warning' | 'critical'; message: string } | null => {
  switch (h.state) {
    case 'suspended':
      return { severity: 'critical', message: `${pool} stands still: ${h.why}. Connect its disks again, then: dplane pool clear ${pool}` };
    case 'stuck':
      return {
        severity: 'critical',
        message: `${pool} does not answer: a small write did not end within ${Math.round(limit / 1000)} s. Look at its disks and their cables; what runs on it was told to stop`,
      };
    case 'failing':
      return { severity: 'critical', message: `${pool} fails its heartbeat: ${h.why}. Look at its disks: dplane pool show ${pool}` };
    case 'slow':
      return {
        severity: 'warning',
        message: `${pool} takes long: small writes need more than ${SLOW / 1000} s. A disk may be failing, or it is overloaded`,
      };
    case 'beating':
    case 'read-only':
    case 'unknown':
    case 'off':
      return null;
  }
};
