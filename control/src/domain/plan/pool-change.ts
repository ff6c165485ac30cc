/** What may be asked of a pool and its disks. A disk in a pool is named by guid, stable path, or the last part of that path. */
import { z } from 'zod';
import { DiskPath, Guid, PoolName } from '../names.ts';
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
export const POOL_MOVE_CHANGES = [
  /** `force`: although another machine had it last; takes an approval. */
  z.strictObject({
    kind: z.literal('pool.import'),
    guid: Guid,
    name,
    as: PoolName.optional(),
    readonly: z.boolean().default(false),
    force: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('pool.export'), name }),
  z.strictObject({ kind: z.literal('pool.checkpoint'), name, action: z.enum(['create', 'discard']) }),
  z.strictObject({ kind: z.literal('pool.upgrade'), name }),
  z.strictObject({ kind: z.literal('pool.forget'), name }),
] as const;
export const PoolMove = z.discriminatedUnion('kind', POOL_MOVE_CHANGES);
export type PoolMove = z.infer<typeof PoolMove>;
const MOVES: ReadonlySet<string> = new Set(POOL_MOVE_CHANGES.map((c) => c.shape.kind.value));
export const isPoolMove = (c: { kind: string }): c is PoolMove => MOVES.has(c.kind);

export const PoolChange = z.discriminatedUnion('kind', POOL_CHANGES);
export type PoolChange = z.infer<typeof PoolChange>;
const KINDS: ReadonlySet<string> = new Set(POOL_CHANGES.map((c) => c.shape.kind.value));
export const isPoolChange = (c: { kind: string }): c is PoolChange => KINDS.has(c.kind);
