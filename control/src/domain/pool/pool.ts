/** Pools and vdevs: what may be declared, and what is seen. A pool's identity is its guid. */
import { z } from 'zod';
import { DiskPath, Guid, PoolName } from '../names.ts';
import { Properties } from '../property/property.ts';
import { Thresholds } from './capacity.ts';
import { HeartbeatSettings } from './heartbeat.ts';
import { PoolCare, PoolSettings } from './settings.ts';

export const VdevKind = z.enum(['stripe', 'mirror', 'raidz1', 'raidz2', 'raidz3', 'draid1', 'draid2', 'draid3']);
export type VdevKind = z.infer<typeof VdevKind>;
export const VdevRole = z.enum(['data', 'log', 'cache', 'special', 'spare', 'dedup']);
export type VdevRole = z.infer<typeof VdevRole>;

const MIN_DISKS: Record<VdevKind, number> = { stripe: 1, mirror: 2, raidz1: 2, raidz2: 3, raidz3: 4, draid1: 2, draid2: 3, draid3: 4 };
/** How many disks of one vdev may be lost before data is. */
export const redundancyOf = (kind: VdevKind, disks: number): number =>
  kind === 'stripe' ? 0 : kind === 'mirror' ? disks - 1 : Number(kind.at(-1));

export const Vdev = z
  .strictObject({
    kind: VdevKind,
    role: VdevRole.default('data'),
    disks: z.array(DiskPath).min(1).max(255),
  })
  .superRefine((v, ctx) => {
    if (v.disks.length < MIN_DISKS[v.kind])
      ctx.addIssue({ code: 'custom', path: ['disks'], message: `a ${v.kind} needs at least ${MIN_DISKS[v.kind]} disks` });
    if (new Set(v.disks).size !== v.disks.length)
      ctx.addIssue({ code: 'custom', path: ['disks'], message: 'the same disk is named twice' });
    if ((v.role === 'cache' || v.role === 'spare') && v.kind !== 'stripe')
      ctx.addIssue({ code: 'custom', path: ['kind'], message: `${v.role} disks stand alone (kind: stripe)` });
    if (v.role === 'log' && v.kind !== 'stripe' && v.kind !== 'mirror')
      ctx.addIssue({ code: 'custom', path: ['kind'], message: 'a log is a stripe or a mirror' });
  });
export type Vdev = z.infer<typeof Vdev>;

export const PoolOptions = z.strictObject({
  ashift: z.number().int().min(9).max(16).optional(),
  autotrim: z.enum(['on', 'off']).optional(),
  autoexpand: z.enum(['on', 'off']).optional(),
  comment: z
    .string()
    .max(32)
    .regex(/^[ -~]*$/, 'a pool comment is plain text of 32 characters at most')
    .optional(),
});
export type PoolOptions = z.infer<typeof PoolOptions>;

/** A pool as declared. `properties` are those of its root dataset. */
export const PoolSpec = z.strictObject({
  name: PoolName,
  guid: Guid.optional(),
  vdevs: z.array(Vdev).min(1).max(64),
  options: PoolOptions.default({}),
  properties: Properties.prefault({}),
  /** Left out: not looked at. */
  care: PoolCare.optional(),
  capacity: Thresholds.optional(),
  heartbeat: HeartbeatSettings.optional(),
});
export type PoolSpec = z.infer<typeof PoolSpec>;

export const PoolHealth = z.enum(['ONLINE', 'DEGRADED', 'FAULTED', 'OFFLINE', 'REMOVED', 'UNAVAIL', 'SUSPENDED', 'AVAIL', 'INUSE']);
export type PoolHealth = z.infer<typeof PoolHealth>;

/** A disk that takes another's place: for good (a replacement being filled) or for the time being (a spare). */
export const StandIn = z.object({ path: z.string(), guid: Guid, state: PoolHealth, kind: z.enum(['replacing', 'spare']) });
export type StandIn = z.infer<typeof StandIn>;

export const ObservedDisk = z.object({
  /** As ZFS names it, resolved to by-id where a link exists. */
  path: z.string(),
  guid: Guid,
  state: PoolHealth,
  readErrors: z.number().int().nonnegative(),
  writeErrors: z.number().int().nonnegative(),
  checksumErrors: z.number().int().nonnegative(),
  note: z.string().optional(),
  /** How large the partition of a disk has to be that takes its place; ZFS says so. */
  minSize: z.number().int().positive().optional(),
  standIns: z.array(StandIn).optional(),
});
export type ObservedDisk = z.infer<typeof ObservedDisk>;
export const ObservedVdev = z.object({
  name: z.string(),
  kind: VdevKind,
  role: VdevRole,
  guid: Guid,
  state: PoolHealth,
  disks: z.array(ObservedDisk),
});
export type ObservedVdev = z.infer<typeof ObservedVdev>;

export const Scan = z.object({
  kind: z.enum(['scrub', 'resilver', 'none']),
  state: z.enum(['none', 'scanning', 'finished', 'canceled', 'paused']),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  /** 0..1 */
  progress: z.number().min(0).max(1),
  errors: z.number().int().nonnegative(),
  /** Bytes that are done, and that there are in all. */
  issued: z.number().nonnegative().optional(),
  total: z.number().nonnegative().optional(),
});

export type Scan = z.infer<typeof Scan>;

export const ObservedPool = z.object({
  name: PoolName,
  guid: Guid,
  health: PoolHealth,
  size: z.number().nonnegative(),
  allocated: z.number().nonnegative(),
  free: z.number().nonnegative(),
  fragmentation: z.number().min(0).max(100).nullable(),
  dataErrors: z.number().int().nonnegative(),
  status: z.string().nullable(),
  vdevs: z.array(ObservedVdev),
  scan: Scan,
  /** A raidz that grows by a disk, now or last. */
  expansion: z
    .object({ vdev: z.string(), state: z.enum(['running', 'waiting', 'finished']), progress: z.number().min(0).max(1) })
    .optional(),
  /** The last trim of its disks, if they can be trimmed and ever were. */
  trim: z
    .object({ state: z.enum(['running', 'paused', 'canceled', 'finished']), progress: z.number().min(0).max(1), at: z.number() })
    .optional(),
  /** A state that the whole pool could be set back to; it keeps all that was freed since. */
  checkpoint: z.object({ at: z.number(), space: z.number().nonnegative() }).optional(),
  /** Held back for when it is full. */
  reserve: z.number().nonnegative().optional(),
  /** What the control plane keeps of it. */
  settings: PoolSettings.optional(),
  options: z.object({ ashift: z.number().int(), autotrim: z.string(), autoexpand: z.string(), comment: z.string() }).partial(),
});
export type ObservedPool = z.infer<typeof ObservedPool>;

/** What a pool's state means for its data, in the order a worried reader asks. */
export const meaningOfHealth = (p: Pick<ObservedPool, 'health' | 'vdevs' | 'dataErrors'>): string => {
  const bad = p.vdevs.flatMap((v) =>
    v.disks.filter((d) => d.state !== 'ONLINE' && d.state !== 'AVAIL' && d.state !== 'INUSE').map((d) => ({ v, d })),
  );
  if (p.health === 'ONLINE' && bad.length === 0) return p.dataErrors > 0 ? `readable, but ${p.dataErrors} files are damaged` : 'healthy';
  if (p.health === 'DEGRADED') {
    const worst = Math.min(
      ...p.vdevs.filter((v) => v.role === 'data').map((v) => redundancyOf(v.kind, v.disks.length) - bad.filter((b) => b.v === v).length),
    );
    const first = bad[0];
    const what = first
      ? `${bad.length} of ${p.vdevs.flatMap((v) => v.disks).length} disks missing or failing (${first.v.name})`
      : 'degraded';
    return `${what}; data readable; ${worst <= 0 ? 'the next failure loses it' : `${worst} more may fail`}`;
  }
  if (p.health === 'SUSPENDED') return 'suspended: too many disks stopped answering, nothing can be read or written';
  return p.health === 'ONLINE' ? 'working, with a failing part' : 'not available: the data cannot be read now';
};
