/**
 * The dataset of the control plane itself in each pool: `<pool>/.dplane`. The heartbeat writes there, and what it has reserved beyond that is the reserve for a
 * full pool. Nobody else's business: it is left out of what is observed, no name of ours can say it, and nothing in it is shared. Pure.
 */
export const OWN = '.dplane';
export const ownOf = (pool: string): string => `${pool}/${OWN}`;
/** Also what is below it, its snapshots, and a line that begins with one of these. */
export const isOwn = (name: string): boolean => /^[^/@]+\/\.dplane(?:[/@\t]|$)/.test(name);

/** Reserved in any case, so that a heartbeat still beats in a full pool. */
export const OWN_ROOM = 1024 ** 2;
/** Outside of what is shared, and gone with the machine: only what is mounted there now is ever seen. */
export const OWN_MOUNTS = '/run/dplane-own';
export const ownMountpoint = (pool: string): string => `${OWN_MOUNTS}/${pool}`;

/** Neither cached nor compressed nor sent to a log device: what is read has been on the disks of the pool. */
export const OWN_PROPERTIES: Readonly<Record<string, string>> = {
  canmount: 'on',
  atime: 'off',
  compression: 'off',
  primarycache: 'none',
  secondarycache: 'none',
  logbias: 'throughput',
  sync: 'standard',
  special_small_blocks: '0',
  // an encrypted pool has a heartbeat before it is unlocked; there is nothing to hide in it
  encryption: 'off',
  exec: 'off',
  setuid: 'off',
  devices: 'off',
  readonly: 'off',
  sharesmb: 'off',
  sharenfs: 'off',
};
