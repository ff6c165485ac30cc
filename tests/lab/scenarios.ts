/** Everything that is recorded, in parts that run one after another in one machine; and the disks that machine needs. */
import type { NewDisk } from './lab.ts';
import { type Recorder, words } from './recorder.ts';
import * as datasets from './scenario-datasets.ts';
import * as pools from './scenario-pools.ts';
import * as shares from './scenario-shares.ts';

export const RECORDING_DISKS: readonly NewDisk[] = [
  ...Array.from({ length: 12 }, (_, index) => ({ serial: `nas-d${index + 1}`, size: '512M' })),
  { serial: 'nas-ata1', size: '512M', bus: 'ata' },
  { serial: 'nas-nvme1', size: '512M', bus: 'nvme' },
  { serial: 'nas-scsi1', size: '512M', bus: 'scsi' },
];

export const PARTS: Readonly<Record<string, (r: Recorder) => Promise<void>>> = {
  start: async (r) => {
    await pools.reset(r);
    await pools.nothingYet(r);
    await pools.createPools(r);
    await pools.healthy(r);
  },
  datasets: async (r) => {
    await datasets.reset(r);
    await datasets.create(r);
    await datasets.list(r);
    await datasets.properties(r);
    await datasets.snapshots(r);
    await datasets.foreignPoolForRename(r);
    await datasets.clonesAndRenames(r);
    await r.prepare(words('zpool destroy other'));
    await datasets.sendReceive(r);
  },
  shares: async (r) => {
    await shares.samba(r);
    await shares.nfs(r);
  },
  trouble: pools.scrubAndTrouble,
  layouts: pools.otherLayouts,
  missing: pools.missingDisks,
  smart: pools.smart,
  suspended: datasets.suspended,
};
