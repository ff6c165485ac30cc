/** What ZFS noted about disks, counted: failed reads and writes, wrong checksums, answers that took too long. Pure. */
export type ZfsCounts = { zfsIo: number; zfsChecksum: number; zfsSlow: number };
export const NO_COUNTS: ZfsCounts = { zfsIo: 0, zfsChecksum: 0, zfsSlow: 0 };

const COUNTS: Readonly<Record<string, keyof ZfsCounts>> = {
  'ereport.fs.zfs.io': 'zfsIo',
  'ereport.fs.zfs.probe_failure': 'zfsIo',
  'ereport.fs.zfs.checksum': 'zfsChecksum',
  'ereport.fs.zfs.delay': 'zfsSlow',
  'ereport.fs.zfs.deadman': 'zfsSlow',
};

export type Noted = { id: number; at: number; class: string; fields: Readonly<Record<string, string>> };
/** How far the events were read: the kernel counts them anew after each start. */
export type Mark = { at: number; id: number };
export const isNewer = (e: Noted, mark: Mark | null): boolean => mark === null || e.at > mark.at || (e.at === mark.at && e.id > mark.id);

/** `0x8b1f...` -> the guid as it is written everywhere else. */
const guidOf = (hex: string | undefined): string | null =>
  hex !== undefined && /^0x[0-9a-f]{1,16}$/.test(hex) ? BigInt(hex).toString() : null;

/** Per disk, by its guid in the pool, or by the path that the event has. */
export const countNoted = (
  events: readonly Noted[],
  pathOf: (guid: string | null, path: string | null) => string | null,
): Map<string, ZfsCounts> => {
  const found = new Map<string, ZfsCounts>();
  for (const e of events) {
    const field = COUNTS[e.class];
    if (field === undefined) continue;
    const path = pathOf(guidOf(e.fields.vdev_guid), e.fields.vdev_path?.replace(/-part1$/, '') ?? null);
    if (path === null) continue;
    const was = found.get(path) ?? NO_COUNTS;
    found.set(path, { ...was, [field]: was[field] + 1 });
  }
  return found;
};
