/**
 * The one place that erases: a disk that no pool uses, that is not mounted, and that an approval names. Its serial number and size are compared
 * first, so that another disk in the same slot is not taken for it. Only what says what a disk holds is overwritten
 * (signatures of filesystems, pools, partition tables); that is enough for it to count as empty, and not a way to make data unreadable.
 */
import { type Disk, diskLabel } from '../../domain/disk/disk.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import { readDisks } from '../disks/disks.ts';
import { parseStatus } from '../zfs/pools.ts';
import { change, type ChangeContext, type Changed, read, SETTLE_MS, unverified } from './host.ts';

const LOOK_MS = 20_000;

export const eraseDisk = async ({ host, approval }: ChangeContext, op: Extract<Operation, { kind: 'disk.erase' }>): Promise<Changed> => {
  const what = `erasing ${diskLabel(op.path)}`;
  if (approval === null) return refuse('needs-approval', what, 'what is on it is lost', 'approve it by the name of the disk');
  const find = async (): Promise<Result<Disk | undefined>> => {
    const out = await read(host, ['zpool', 'status', '-j', '-p']);
    if (!out.ok) return out;
    const pools = out.value === '' ? ok([]) : parseStatus(out.value);
    if (!pools.ok) return pools;
    const disks = await readDisks(host, new Map(pools.value.map((p) => [p.name, p.disks])), { timeoutMs: LOOK_MS });
    return disks.ok ? ok(disks.value.disks.find((d) => d.path === op.path)) : disks;
  };
  const before = await find();
  if (!before.ok) return before;
  const disk = before.value;
  if (!disk) return refuse('not-found', what, 'it is not there', 'check its cabling');
  if (disk.serial !== op.serial || disk.size !== op.size)
    return refuse(
      'conflict',
      what,
      `another disk has this name now (serial ${disk.serial}, ${disk.size} bytes)`,
      'look at the disks and make a new plan',
    );
  if (disk.system) return refuse('blocked', what, 'it holds the running system', 'choose another disk');
  if (disk.pool !== null) return refuse('blocked', what, `it belongs to pool ${disk.pool}`, 'nothing erases it from here');
  const names = await host.list('/dev/disk/by-id');
  const parts = (names ?? []).filter((n) => n.startsWith(`${diskLabel(op.path)}-part`)).map((n) => `/dev/disk/by-id/${n}`);
  // refused by itself when anything has the disk open: no force
  for (const path of [...parts, op.path]) {
    const done = await change(host, ['wipefs', '--all', '--quiet', path]);
    if (!done.ok) return done;
  }
  const settled = await change(host, ['udevadm', 'settle', '--timeout=30'], SETTLE_MS);
  if (!settled.ok) return settled;
  const after = await find();
  if (!after.ok) return after;
  return after.value?.foreign === null ? ok({}) : unverified(what, `it still holds ${after.value?.foreign ?? 'something'}`);
};
