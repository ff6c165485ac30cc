/** Snapshots. Identity is the guid. */
import { z } from 'zod';
import { DatasetName, Guid, type SnapshotName, SnapshotTag } from '../names.ts';

export const Snapshot = z.object({
  guid: Guid,
  dataset: DatasetName,
  tag: SnapshotTag,
  createTxg: z.number().int().nonnegative(),
  createdAt: z.number(),
  used: z.number().nonnegative(),
  referenced: z.number().nonnegative(),
  holds: z.number().int().nonnegative(),
  /** Of the schedule that made it: `name@guid of the pool`. */
  mark: z.string().nullable(),
});
export type Snapshot = z.infer<typeof Snapshot>;

export const SnapshotCreate = z.strictObject({
  dataset: DatasetName,
  tag: SnapshotTag,
  recursive: z.boolean().default(false),
});

/** One line of what changed between two snapshots. */
export const DiffEntry = z.object({
  at: z.number(),
  change: z.enum(['added', 'removed', 'modified', 'renamed']),
  type: z.enum(['file', 'folder', 'link', 'other']),
  /** Below the mount point of the dataset. */
  path: z.string(),
  to: z.string().nullable(),
});
export type DiffEntry = z.infer<typeof DiffEntry>;

export const splitSnapshot = (name: z.infer<typeof SnapshotName>): { dataset: string; tag: string } => {
  const at = name.indexOf('@');
  return { dataset: name.slice(0, at), tag: name.slice(at + 1) };
};

/** Windows' Previous Versions read this form: `GMT-2026.11.20-18.30.00`. */
export const gmtTag = (at: Date): string =>
  at.toISOString().replace(/^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d).*$/, 'GMT-$1.$2.$3-$4.$5.$6');
