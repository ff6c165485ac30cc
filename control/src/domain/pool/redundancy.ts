/** What a pool survives now, and after a disk is taken from it: the form, the planner and the executor ask the same. Pure. */
import { diskLabel } from '../disk/disk.ts';
import { whyUneven } from './layout.ts';
import { type ObservedDisk, type ObservedPool, type ObservedVdev, type PoolHealth, redundancyOf, type StandIn, type Vdev } from './pool.ts';

export const works = (state: PoolHealth): boolean => state === 'ONLINE' || state === 'DEGRADED' || state === 'AVAIL' || state === 'INUSE';
/** Losing a vdev of one of these loses the pool. */
export const isVital = (v: Pick<ObservedVdev, 'role'>): boolean => v.role === 'data' || v.role === 'special' || v.role === 'dedup';

/** How many more of its disks a vdev may lose now; below zero it is lost already. */
export const mayStillLose = (v: Pick<ObservedVdev, 'kind' | 'disks'>): number =>
  redundancyOf(v.kind, v.disks.length) - v.disks.filter((d) => !works(d.state)).length;

export type Found = { vdev: ObservedVdev; disk: ObservedDisk; standIn: StandIn | null };
/** A disk of the pool by its guid, its stable path, or the last part of it. */
export const findDisk = (pool: Pick<ObservedPool, 'vdevs'>, ref: string): Found | undefined => {
  const is = (x: { guid: string; path: string }): boolean => x.guid === ref || x.path === ref || diskLabel(x.path) === ref;
  // what stands in for a disk may be meant by its own name
  for (const vdev of pool.vdevs)
    for (const disk of vdev.disks) {
      const standIn = disk.standIns?.find(is);
      if (standIn !== undefined && vdev.role !== 'spare') return { vdev, disk, standIn };
      if (is(disk)) return { vdev, disk, standIn: null };
    }
  return undefined;
};
export const findVdev = (pool: Pick<ObservedPool, 'vdevs'>, ref: string): ObservedVdev | undefined =>
  pool.vdevs.find((v) => v.guid === ref || v.name === ref);

export type Verdict = { no: string } | { lowers: string | null };

/** May the disk be switched off? `lowers`: what is lost by it, which takes an approval. */
export const mayGoOffline = ({ vdev, disk, standIn }: Found): Verdict => {
  if (vdev.role === 'spare') return { no: 'a spare that waits is not in use; remove it instead' };
  if (standIn !== null) return { no: 'it stands in for another disk; detach it instead' };
  if (disk.state === 'OFFLINE') return { no: 'it is offline already' };
  if (!works(disk.state) || vdev.role === 'cache' || vdev.role === 'log') return { lowers: null };
  const left = mayStillLose(vdev);
  if (left <= 0) return { no: `without it ${vdev.name} could not be read any more: nothing else holds what it holds` };
  return {
    lowers:
      left === 1
        ? `the next disk that ${vdev.name} loses takes the pool with it`
        : `${vdev.name} then survives ${left - 1} more losses instead of ${left}`,
  };
};

/** May the disk be taken out of its mirror, for good? */
export const mayDetach = ({ vdev, disk, standIn }: Found): Verdict => {
  if (standIn !== null) return { lowers: null };
  if ((disk.standIns ?? []).some((s) => works(s.state))) return { lowers: null };
  if (vdev.kind !== 'mirror')
    return {
      no: `only disks of a mirror can be detached, and it is in ${vdev.kind === 'stripe' ? 'none' : vdev.name}: replace it instead`,
    };
  if (!vdev.disks.some((d) => d !== disk && works(d.state))) return { no: `no other disk of ${vdev.name} holds what it holds` };
  const left = vdev.disks.length - 2;
  return {
    lowers:
      left === 0
        ? `${vdev.name} becomes a single disk: the next loss takes the pool with it`
        : `${vdev.name} then survives ${left} losses at most`,
  };
};

/** What to hold against a further vdev: it survives less than, or differently from, what is there. Null when nothing. */
export const whyWeaker = (pool: Pick<ObservedPool, 'vdevs'>, added: readonly Vdev[]): string | null => {
  const there = pool.vdevs.filter((v) => v.role === 'data');
  const least = Math.min(...there.map((v) => redundancyOf(v.kind, v.disks.length)));
  for (const v of added) {
    if (!isVital(v)) continue;
    const its = redundancyOf(v.kind, v.disks.length);
    if (its < least)
      return its === 0
        ? `${v.role === 'data' ? 'the new part' : `the ${v.role} vdev`} survives no loss: when its disk fails the whole pool is lost, not only what is on it`
        : `the new part survives ${its} losses, the pool so far ${least}`;
  }
  return there[0] === undefined ? null : whyUneven([there[0], ...added]);
};
