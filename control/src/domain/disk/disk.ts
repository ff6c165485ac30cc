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
});
export type Disk = z.infer<typeof Disk>;

/** May a new pool take it? Undefined when yes, else why not. */
export const whyNotFree = (d: Disk): string | undefined => {
  if (d.system) return 'it holds the running system';
  if (d.pool) return `it belongs to pool ${d.pool}`;
  if (d.foreign) return `it holds ${d.foreign}`;
  return undefined;
};
