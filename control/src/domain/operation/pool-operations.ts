/**
 * What `dplane-exec` can do to pools and their disks. The pool is named by name and guid, the disk in it by its guid and by what people call
 * it; a new disk by its stable path. `lowersRedundancy` is a claim of the planner that asks for an approval: the executor looks for itself, and does
 * nothing that lowers redundancy without one.
 */
import { z } from 'zod';
import { SmartDevice, TestKind } from '../disk/smart.ts';
import { DiskPath, Guid, PoolName } from '../names.ts';
import { Vdev } from '../pool/pool.ts';
import { PoolSettings } from '../pool/settings.ts';

/** What a disk is called; also one that is gone, and known by its guid only. */
export const DiskLabel = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:+@=-]{0,254}$/, 'expected the name of a disk, such as ata-MODEL_SERIAL');
const pool = { name: PoolName, guid: Guid };
/** A disk in a pool: its guid, and its name as it is shown and approved. */
const leaf = { disk: Guid, label: DiskLabel };

export const POOL_OPERATIONS = [
  z.strictObject({ kind: z.literal('pool.replace'), ...pool, ...leaf, with: DiskPath }),
  /** A disk more for a mirror, or (`to` is the vdev) for a raidz, which grows by it. */
  z.strictObject({ kind: z.literal('pool.attach'), ...pool, to: Guid, label: z.string().min(1).max(255), with: DiskPath }),
  z.strictObject({ kind: z.literal('pool.detach'), ...pool, ...leaf, lowersRedundancy: z.boolean() }),
  z.strictObject({ kind: z.literal('pool.online'), ...pool, ...leaf, expand: z.boolean() }),
  z.strictObject({ kind: z.literal('pool.offline'), ...pool, ...leaf, lowersRedundancy: z.boolean() }),
  /** Every disk is looked at anew, so that one that is gone is noticed. */
  z.strictObject({ kind: z.literal('pool.reopen'), ...pool }),
  z.strictObject({ kind: z.literal('pool.clear'), ...pool, disk: Guid.nullable() }),
  z.strictObject({ kind: z.literal('pool.add'), ...pool, vdevs: z.array(Vdev).min(1).max(64), lowersRedundancy: z.boolean() }),
  /** Spares, logs and caches only: what holds data is not taken away. */
  z.strictObject({ kind: z.literal('pool.remove'), ...pool, vdev: Guid, label: z.string().min(1).max(255) }),
  z.strictObject({ kind: z.literal('pool.trim'), ...pool, action: z.enum(['start', 'stop', 'pause']) }),
  /** Erases what is on a disk that no pool uses. Always with an approval that names the disk. */
  /** Reading that needs root: what a disk says of itself. One that sleeps is not woken. */
  z.strictObject({ kind: z.literal('disk.smart'), path: DiskPath, device: SmartDevice }),
  /** A disk tests itself, in use or not. `wake`: also when it sleeps. */
  z.strictObject({
    kind: z.literal('disk.test'),
    path: DiskPath,
    device: SmartDevice,
    test: z.union([TestKind, z.literal('stop')]),
    wake: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('disk.erase'), path: DiskPath, serial: z.string().max(200), size: z.number().int().positive() }),
] as const;

/** Pools that come and go, and what the gate at the start waits for. */
export const POOL_MOVES = [
  /** Kept by the control plane, not by the executor. Null: the pool that was just made. */
  z.strictObject({ kind: z.literal('pool.keep'), name: PoolName, guid: Guid.nullable(), settings: PoolSettings.partial() }),
  /** Reading that needs root: which pools lie on the disks. */
  z.strictObject({ kind: z.literal('pool.scan') }),
  /** Reading that needs root: what the kernel's ZFS noted lately. */
  z.strictObject({ kind: z.literal('pool.events'), /** Only what went wrong: the rest is far more. */ errors: z.boolean().optional() }),
  /** Without `force` only what no other machine had last. */
  z.strictObject({ kind: z.literal('pool.import'), ...pool, as: PoolName.nullable(), readonly: z.boolean(), force: z.boolean() }),
  z.strictObject({ kind: z.literal('pool.export'), ...pool }),
  z.strictObject({ kind: z.literal('pool.checkpoint'), ...pool, action: z.enum(['create', 'discard']) }),
  z.strictObject({ kind: z.literal('pool.upgrade'), ...pool }),
  /** What the start waits for; never the disks. */
  z.strictObject({ kind: z.literal('pool.forget'), ...pool }),
  /** Missing pools are looked for anew. */
  z.strictObject({ kind: z.literal('pool.gate') }),
  /** Starts or ends the heartbeat; makes the dataset it writes to. */
  z.strictObject({ kind: z.literal('pool.beat'), ...pool, on: z.boolean() }),
  /** Starts or ends the target that stops what runs on a pool that failed. */
  z.strictObject({ kind: z.literal('pool.fail'), ...pool, failed: z.boolean() }),
  /** How much is held back for a full pool; 0 gives it free. */
  z.strictObject({ kind: z.literal('pool.reserve'), ...pool, bytes: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER) }),
] as const;
