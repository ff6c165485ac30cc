/** Disks by their stable identity. */
import { z } from 'zod';
import { DiskPath } from '../names.ts';

export const Disk = z.object({
  path: DiskPath,
  size: z.number().int().nonnegative(),
  model: z.string(),
  serial: z.string(),
  logicalSector: z.number().int().positive(),
  physicalSector: z.number().int().positive(),
  rotational: z.boolean(),
  transport: z.string().nullable(),
  /** Pool that uses it, if any. */
  pool: z.string().nullable(),
  /** Something else that is on it: a filesystem, partitions, a foreign pool. */
  foreign: z.string().nullable(),
  /** It holds the running system: never offered, never used. */
  system: z.boolean(),
  /** What SMART and ZFS hold against it; not there while nothing is known. */
  risk: z.object({ score: z.number().int().min(0).max(100), reasons: z.array(z.string()) }).optional(),
});
export type Disk = z.infer<typeof Disk>;

/** The name that people read, type and approve: the last part of its stable path. */
export const diskLabel = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** May a new pool take it? Undefined when yes, else why not. */
export const whyNotFree = (d: Disk): string | undefined => {
  if (d.system) return 'it holds the running system';
  if (d.pool) return `it belongs to pool ${d.pool}`;
  if (d.foreign) return `it holds ${d.foreign}`;
  return undefined;
};
