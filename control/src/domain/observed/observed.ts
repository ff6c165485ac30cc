/** One observation of the host: what a plan is computed from. */
import { z } from 'zod';
import { ObservedDataset } from '../dataset/dataset.ts';
import { Guid } from '../names.ts';
import { Disk } from '../disk/disk.ts';
import { ObservedPool } from '../pool/pool.ts';
import { Refusal } from '../refusal.ts';
import { SnapshotSchedule } from '../schedule/schedule.ts';
import { TemporaryClone } from '../snapshot/clone.ts';
import { ObservedShare } from '../share/share.ts';
import { ObservedAccounts } from '../share-user/share-user.ts';

export const Observed = z.object({
  at: z.number(),
  pools: z.array(ObservedPool),
  datasets: z.array(ObservedDataset),
  shares: z.array(ObservedShare),
  /** Shares, files of the servers and mounts that the gate has not dealt with yet, in words. */
  unsettled: z.array(z.string()).optional(),
  disks: z.array(Disk),
  /** Kept by the control plane itself; the host knows nothing of them. */
  schedules: z.array(SnapshotSchedule).optional(),
  /** What was chosen for ZFS's cache (null: automatic), and what may be; not there while ZFS is not. */
  arc: z.object({ limit: z.number().nullable(), least: z.number(), most: z.number() }).optional(),
  /** Made for a while; also kept by the control plane. */
  clones: z.array(TemporaryClone).optional(),
  /** Accounts for sharing; not there when they could not be read. */
  accounts: ObservedAccounts.optional(),
  /** Pools that did not answer in time: the rest of the observation stands without them. */
  stuck: z.array(
    z.object({ pool: z.string(), /** Of one that the start waits for. */ guid: Guid.optional(), since: z.number(), problem: Refusal }),
  ),
  /** Anything else that could not be read (a missing tool, an answer that could not be parsed). */
  problems: z.array(Refusal),
});
export type Observed = z.infer<typeof Observed>;
