/** What a destruction or a new name would take with it, looked at on the host before it is planned: for people to read, and for no machine to act on. */
import { z } from 'zod';
import { DatasetKind } from '../dataset/dataset.ts';
import { DatasetName, Guid } from '../names.ts';
import { ShareClient } from '../share/share.ts';

const ShareLine = z.object({ share: z.string(), dataset: DatasetName, clients: z.array(ShareClient) });
export const DestroyPreview = z.object({
  /** Of the host, when it was asked. */
  at: z.number(),
  /** What goes, children first; empty when only snapshots go. */
  datasets: z.array(z.object({ name: DatasetName, guid: Guid, kind: DatasetKind, used: z.number(), locked: z.boolean() })),
  snapshots: z.number().int(),
  /** As ZFS counts it; null when it does not say, because something stands in the way. */
  reclaims: z.number().nullable(),
  holds: z.array(z.object({ snapshot: z.string(), tags: z.array(z.string()) })),
  /** Clones elsewhere of what would go. */
  clones: z.array(z.object({ clone: z.string(), of: z.string() })),
  shares: z.array(ShareLine),
  schedules: z.array(z.string()),
  replication: z.array(z.string()),
  /** Keys that would open nothing any more. */
  keys: z.array(z.object({ dataset: DatasetName, keyFile: z.string().nullable() })),
  /** Why it can't be done as things are. Empty: an approval is all it takes. */
  obstacles: z.array(z.string()),
});
export type DestroyPreview = z.infer<typeof DestroyPreview>;

export const RenamePreview = z.object({
  at: z.number(),
  datasets: z.array(z.object({ from: DatasetName, to: z.string() })),
  /** Where files are found afterwards; what has a mount point of its own stays there. */
  mountpoints: z.array(z.object({ from: z.string(), to: z.string() })),
  shares: z.array(ShareLine),
  schedules: z.array(z.string()),
  replication: z.array(z.string()),
  obstacles: z.array(z.string()),
});
export type RenamePreview = z.infer<typeof RenamePreview>;
