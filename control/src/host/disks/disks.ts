/**
 * Disks by their stable names: `lsblk` for what they are, /dev/disk/by-id for what they are called. Never written to, and
 * none is offered that holds the running system, a pool, or anything else.
 */
import type { Disk } from '../../domain/disk/disk.ts';
import { DiskPath } from '../../domain/names.ts';
import { type Result, ok } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { type Fields, fields, flag, integer, json, list, reading, text, textOrNull, unreadable } from '../parse.ts';
import { runRefusal } from '../zfs/error.ts';

const BY_ID = '/dev/disk/by-id';
export const lsblkArgv = (): string[] => [
  'lsblk',
  '-J',
  '-b',
  '-o',
  'NAME,PATH,SIZE,TYPE,MODEL,SERIAL,LOG-SEC,PHY-SEC,ROTA,TRAN,FSTYPE,LABEL,PARTTYPENAME,MOUNTPOINTS',
];
export const readlinkArgv = (links: readonly string[]): string[] => ['readlink', '-f', ...links];

export type Block = Omit<Disk, 'path' | 'pool'> & { kernel: string };

/** Where removable media and data are mounted; anything mounted elsewhere belongs to the running system. */
const DATA_MOUNT = /^\/(?:mnt|media|run\/media|srv)(?:\/|$)/;
const FOREIGN: Readonly<Record<string, string>> = {
  zfs_member: 'a ZFS pool',
  crypto_LUKS: 'an encrypted volume (LUKS)',
  linux_raid_member: 'a part of a Linux RAID',
  LVM2_member: 'a part of an LVM volume group',
  swap: 'swap space',
};
const filesystem = (b: Fields, where: string): string | null => {
  const type = textOrNull(b.fstype, `fstype of ${where}`);
  if (type === null) return null;
  const label = b.label === undefined ? null : textOrNull(b.label, `label of ${where}`);
  return `${FOREIGN[type] ?? `a filesystem (${type})`}${label === null ? '' : ` "${label}"`}`;
};
const mountsOf = (b: Fields, where: string): string[] =>
  list(b.mountpoints, `mountpoints of ${where}`).flatMap((m) => (m === null ? [] : [text(m, `mountpoints of ${where}`)]));
const below = (b: Fields, where: string): Fields[] => {
  const inside = b.children === undefined ? [] : list(b.children, `children of ${where}`).map((c) => fields(c, `a child of ${where}`));
  return inside.flatMap((c) => [c, ...below(c, where)]);
};

const block = (v: unknown): Block[] => {
  const b = fields(v, 'a block device');
  const kernel = text(b.path, 'the path of a block device');
  const type = text(b.type, `type of ${kernel}`);
  const size = integer(b.size, `size of ${kernel}`);
  // zd: volumes of our own pools; ram: memory; loop, rom and the like have other types
  if (type !== 'disk' || size === 0 || /^\/dev\/(?:zd|zram|ram|fd|nbd)[0-9]/.test(kernel)) return [];
  const inside = below(b, kernel);
  const mounts = [b, ...inside].flatMap((x) => mountsOf(x, kernel));
  const contents = [b, ...inside].flatMap((x) => filesystem(x, kernel) ?? []);
  return [
    {
      kernel,
      size,
      model: (textOrNull(b.model, `model of ${kernel}`) ?? '').trim(),
      serial: (textOrNull(b.serial, `serial of ${kernel}`) ?? '').trim(),
      logicalSector: integer(b['log-sec'], `sector size of ${kernel}`),
      physicalSector: integer(b['phy-sec'], `sector size of ${kernel}`),
      rotational: flag(b.rota, `rota of ${kernel}`),
      transport: textOrNull(b.tran, `transport of ${kernel}`),
      foreign: contents[0] ?? (inside.length > 0 ? 'partitions' : null),
      system: mounts.some((m) => !DATA_MOUNT.test(m)),
    },
  ];
};

export const parseLsblk = (stdout: string): Result<Block[]> =>
  reading('the disks', () => list(fields(json(stdout), 'the answer').blockdevices, 'blockdevices').flatMap(block));

/** One line per link, in the order asked. */
export const parseReadlink = (stdout: string, links: readonly string[]): Result<Map<string, string>> =>
  reading('the names of the disks', () => {
    const targets = stdout.split('\n').slice(0, -1);
    if (targets.length !== links.length) unreadable(`it has ${targets.length} lines for ${links.length} links`);
    return new Map(links.map((l, i) => [l, targets[i] ?? '']));
  });

/** What people recognise first: model and serial before numbers. */
const rank = (link: string): number => {
  if (/^nvme-(?:eui\.|nvme\.)|^wwn-|^scsi-[0-9]|^dm-|^lvm-|^md-/.test(link)) return 2;
  return /_[0-9]$/.test(link) && link.startsWith('nvme-') ? 1 : 0;
};
const better = (a: string, b: string): number => rank(a) - rank(b) || a.length - b.length || (a < b ? -1 : 1);

/** Which stable names each kernel name has; the best first. */
export type DiskNames = { linksOf(kernel: string): string[]; kernelOf(link: string): string | undefined };
const names = (resolved: ReadonlyMap<string, string>): DiskNames => {
  const byKernel = new Map<string, string[]>();
  for (const [link, kernel] of resolved) byKernel.set(kernel, [...(byKernel.get(kernel) ?? []), link]);
  for (const links of byKernel.values()) links.sort((a, b) => better(a.slice(BY_ID.length + 1), b.slice(BY_ID.length + 1)));
  return { linksOf: (kernel) => byKernel.get(kernel) ?? [], kernelOf: (link) => resolved.get(link) };
};

export type SeenDisks = {
  disks: Disk[];
  /** A path as ZFS has it -> the stable name of that disk; itself when it has none. */
  stable(path: string): string;
  /** Disks that have no stable name, and so can't be used. */
  nameless: string[];
};

/** `pools`: pool -> the paths of its disks, so that each disk says whose it is. */
export const readDisks = async (
  host: Host,
  pools: ReadonlyMap<string, readonly string[]>,
  options: { timeoutMs: number; signal?: AbortSignal },
): Promise<Result<SeenDisks>> => {
  const [seen, entries] = await Promise.all([host.run(lsblkArgv(), options), host.list(BY_ID)]);
  const failed = runRefusal(seen);
  if (failed !== null) return { ok: false, refusal: failed };
  const blocks = parseLsblk(seen.stdout);
  if (!blocks.ok) return blocks;
  const links = (entries ?? [])
    .filter((l) => !/-part[0-9]+$/.test(l))
    .map((l) => `${BY_ID}/${l}`)
    .filter((l) => DiskPath.safeParse(l).success);
  let resolved = new Map<string, string>();
  if (links.length > 0) {
    const r = await host.run(readlinkArgv(links), options);
    const no = runRefusal(r);
    if (no !== null) return { ok: false, refusal: no };
    const parsed = parseReadlink(r.stdout, links);
    if (!parsed.ok) return parsed;
    resolved = parsed.value;
  }
  const known = names(resolved);
  const owner = new Map<string, { pool: string; path: string }>();
  for (const [pool, paths] of pools) for (const path of paths) owner.set(known.kernelOf(path) ?? path, { pool, path });
  const disks: Disk[] = [];
  const nameless: string[] = [];
  const stable = (path: string): string => (path.startsWith(`${BY_ID}/`) ? path : (known.linksOf(path)[0] ?? path));
  for (const { kernel, ...b } of blocks.value) {
    const own = owner.get(kernel);
    // the name that its pool uses, so that one disk has one name everywhere
    const path = own?.path.startsWith(`${BY_ID}/`) ? own.path : known.linksOf(kernel)[0];
    if (path === undefined) nameless.push(kernel);
    else disks.push({ ...b, path, pool: own?.pool ?? null, foreign: own ? null : b.foreign });
  }
  disks.sort((a, b) => (a.path < b.path ? -1 : 1));
  return ok({ disks, stable, nameless });
};

/** For whoever is about to use a disk: one in a pool says so as what it holds. */
export const observeDisks = async (host: Host): Promise<Result<Disk[]>> => {
  const seen = await readDisks(host, new Map(), { timeoutMs: 20_000 });
  return seen.ok ? ok(seen.value.disks) : seen;
};
