/**
 * The cheapest look there is: what the kernel says of each pool, and which disks have a name. Files and folders in memory only: no process is started, no
 * disk is touched, nothing of it waits for a pool. Everything else is looked at when this changes.
 */
import type { Host } from './host.ts';
import { readMounts } from './zfs/mounts.ts';

const KSTAT = '/proc/spl/kstat/zfs';
const BY_ID = '/dev/disk/by-id';

export type Pulse = {
  /** Pool -> state in ZFS's words; also of pools that hang. */
  pools: ReadonlyMap<string, string>;
  /** Paths in /dev/disk/by-id. */
  disks: ReadonlySet<string>;
  /** What is mounted where. */
  mounts: readonly string[];
};

export const readPulse = async (host: Host): Promise<Pulse> => {
  const [names, links, mounts] = await Promise.all([host.list(KSTAT), host.list(BY_ID), readMounts(host)]);
  const states = await Promise.all((names ?? []).map((n) => host.readText(`${KSTAT}/${n}/state`)));
  return {
    pools: new Map((names ?? []).flatMap((n, i) => (states[i] ? [[n, states[i].trim()] as const] : []))),
    disks: new Set((links ?? []).map((l) => `${BY_ID}/${l}`)),
    mounts: mounts ?? [],
  };
};

/**
 * The last transaction group of a pool that wrote anything: while it is the same, nothing in the pool is another. Null when the kernel does not
 * say (`zfs_txg_history` is off). A line: txg, birth, state, ndirty, nread, nwritten, ...
 */
export const lastCommit = async (host: Host, pool: string): Promise<string | null> => {
  const text = await host.readText(`${KSTAT}/${pool}/txgs`);
  // from the end: this is read twice a second, and most of it is old
  for (let end = text?.length ?? 0; text !== null && end > 0; ) {
    const start = text.lastIndexOf('\n', end - 1);
    const fields = text
      .slice(start + 1, end)
      .trim()
      .split(/\s+/);
    if (fields[2] === 'C' && fields[5] !== '0') return fields[0] ?? null;
    end = start;
  }
  return null;
};
