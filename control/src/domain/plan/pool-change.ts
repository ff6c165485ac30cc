/** What may be asked of a pool and its disks. A disk in a pool is named by guid, stable path, or the last part of that path. */
import { z } from 'zod';
import { DiskPath, PoolName } from '../names.ts';
import { PoolOptions, Vdev } from '../pool/pool.ts';

const DiskRef = z.string().min(1).max(512);
/** Of the disks that are to be used, those whose contents may go: named a second time, or they are refused. */
const erase = z.array(DiskPath).max(255).default([]);
const name = PoolName;

export const POOL_CHANGES = [
  z.strictObject({ kind: z.literal('pool.set'), name, options: PoolOptions }),
  z.strictObject({ kind: z.literal('pool.replace'), name, disk: DiskRef, with: DiskPath, erase }),
  /** `to`: a disk (it becomes a mirror, or one of more), or a raidz by name or guid (it grows). */
  z.strictObject({ kind: z.literal('pool.attach'), name, to: DiskRef, with: DiskPath, erase }),
  z.strictObject({ kind: z.literal('pool.detach'), name, disk: DiskRef }),
  z.strictObject({ kind: z.literal('pool.online'), name, disk: DiskRef, expand: z.boolean().default(false) }),
  z.strictObject({ kind: z.literal('pool.offline'), name, disk: DiskRef }),
  z.strictObject({ kind: z.literal('pool.clear'), name, disk: DiskRef.optional() }),
  z.strictObject({ kind: z.literal('pool.add'), name, vdevs: z.array(Vdev).min(1).max(64), erase }),
  z.strictObject({ kind: z.literal('pool.remove'), name, disk: DiskRef }),
  z.strictObject({ kind: z.literal('pool.trim'), name, action: z.enum(['start', 'stop', 'pause']) }),
  z.strictObject({ kind: z.literal('disk.erase'), path: DiskPath }),
] as const;
export const PoolChange = z.discriminatedUnion('kind', POOL_CHANGES);
export type PoolChange = z.infer<typeof PoolChange>;
const KINDS: ReadonlySet<string> = new Set(POOL_CHANGES.map((c) => c.shape.kind.value));
export const isPoolChange = (c: { kind: string }): c is PoolChange => KINDS.has(c.kind);
