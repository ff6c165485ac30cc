/**
 * Records real tool answers as fixtures for the host adapters and the simulated host.
 *
 *   node tests/lab/record.ts --ssh-port N --smb-port N --identity FILE [--only pools,datasets,shares,smart]
 *
 * Needs a freshly booted lab VM named `nas` with twelve extra virtio disks (serials nas-d1..nas-d12, 512 MiB), one SATA,
 * one NVMe and one SCSI disk (serials nas-ata1, nas-nvme1, nas-scsi1) and no pools: it makes, breaks and destroys some.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Recorder } from './recorder.ts';
import * as datasets from './scenario-datasets.ts';
import * as pools from './scenario-pools.ts';
import * as shares from './scenario-shares.ts';

const { values } = parseArgs({
  options: {
    'ssh-port': { type: 'string' },
    'smb-port': { type: 'string' },
    identity: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('../../control/src/host/fixtures', import.meta.url)) },
    only: { type: 'string', default: 'start,datasets,shares,trouble,layouts,missing,smart,suspended' },
  },
});
if (values['ssh-port'] === undefined || values.identity === undefined) {
  console.error('needs --ssh-port and --identity; see the first lines of this file');
  process.exit(2);
}

const r = new Recorder({ port: Number(values['ssh-port']), identity: values.identity }, values.out);
const parts: Record<string, () => Promise<void>> = {
  start: async () => {
    await pools.reset(r);
    await pools.nothingYet(r);
    await pools.createPools(r);
    await pools.healthy(r);
  },
  datasets: async () => {
    await datasets.reset(r);
    await datasets.create(r);
    await datasets.list(r);
    await datasets.properties(r);
    await datasets.snapshots(r);
    await datasets.foreignPoolForRename(r);
    await datasets.clonesAndRenames(r);
    await r.prepare(['zpool', 'destroy', 'other']);
    await datasets.sendReceive(r);
  },
  shares: async () => {
    await shares.samba(r, Number(values['smb-port']));
    await shares.nfs(r);
  },
  trouble: () => pools.scrubAndTrouble(r),
  layouts: () => pools.otherLayouts(r),
  missing: () => pools.missingDisks(r),
  smart: () => pools.smart(r),
  suspended: () => datasets.suspended(r),
};
for (const name of values.only.split(',')) {
  const part = parts[name];
  if (part === undefined) throw new Error(`no part named ${name}`);
  console.log(`--- ${name}`);
  await part();
}
console.log(`${r.recorded.length} recorded`);
