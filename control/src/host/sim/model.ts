/**
 * The simulated machine as data: plain objects only, so that a seed is a value and a log replayed over it gives the
 * same machine. Sizes are bytes, `created` is in seconds (as ZFS keeps it), everything else in milliseconds.
 */
import type { PoolHealth, VdevKind, VdevRole } from '../../domain/pool/pool.ts';
import type { SimNix } from './nix.ts';
import type { SimOta } from './ota.ts';
import { guidOf } from './guid.ts';
import type { SimSmart } from './smart.ts';

export type SimSnapshot = {
  tag: string;
  guid: string;
  txg: number;
  created: number;
  used: number;
  referenced: number;
  /** Hold tag -> when it was taken, in seconds. */
  holds: Readonly<Record<string, number>>;
  files: Readonly<Record<string, number>>;
  /** User properties given at its making. */
  user?: Readonly<Record<string, string>>;
};

export type SimDataset = {
  name: string;
  guid: string;
  kind: 'filesystem' | 'volume';
  txg: number;
  created: number;
  /** Properties set here, as ZFS shows them with `-p`. */
  local: Record<string, string>;
  /** Path below the mount point -> size. A volume keeps what was written to it under "". Replaced, never changed. */
  files: Readonly<Record<string, number>>;
  /** Contents of the few files that hold text. */
  texts: Record<string, string>;
  mounted: boolean;
  /** `dataset@tag` it was cloned from. */
  origin: string | null;
  keyLoaded: boolean;
  /** What opens a root: its passphrase, or what is in its file. Not known of a seed's: anything long enough does. */
  key?: string;
  snapshots: SimSnapshot[];
  /** When it last gained or lost one, in seconds. */
  changed?: number | null;
};

export type SimLeaf = {
  disk: string;
  guid: string;
  state: PoolHealth;
  read: number;
  write: number;
  checksum: number;
  offline: boolean;
  /** What replaces it, until that holds everything; `group` is the guid of the two. */
  by?: SimLeaf;
  group?: string;
};
export type SimVdev = { kind: VdevKind; role: VdevRole; guid: string; leaves: SimLeaf[] };
export type SimScan = {
  kind: 'SCRUB' | 'RESILVER';
  startedAt: number;
  /** How long it takes when nothing stops it. */
  durationMs: number;
  bytes: number;
  errors: number;
  pausedAt: number | null;
  pausedMs: number;
  canceledAt: number | null;
};
export type SimPool = {
  name: string;
  guid: string;
  /** Pool properties set locally. */
  local: Record<string, string>;
  vdevs: SimVdev[];
  scan: SimScan | null;
  suspended: boolean;
  readonly?: boolean;
  dataErrors: number;
  fragmentation: number;
  trim?: { startedAt: number; durationMs: number; stoppedAt: number | null; canceled: boolean };
  checkpoint?: { at: number; space: number };
  expansion?: { vdev: number; startedAt: number; durationMs: number; bytes: number };
};
export type SimDisk = {
  /** Kernel name, such as `sda`: not stable, never shown to people. */
  name: string;
  /** Names in /dev/disk/by-id. */
  links: string[];
  size: number;
  model: string | null;
  serial: string;
  sector: [logical: number, physical: number];
  rotational: boolean;
  transport: string | null;
  /** Partitions that are not ZFS's own. */
  parts: { size: number; fstype: string | null; type: string; label: string | null; mountpoints: string[] }[];
  /** A filesystem on the whole disk. */
  fstype: string | null;
  smart?: SimSmart;
  /** Pulled out of the machine. */
  unplugged?: true;
};
/** A pool on disks of this machine that is not imported; `lastHost` when another machine had it and did not give it up. */
export type SimAway = { pool: SimPool; datasets: SimDataset[]; lastHost: { name: string; id: string } | null };
export type SimSession = { user: string; machine: string; address: string; share: string; files: string[]; connectedAt: number };
export type SimEvent = { at: number; class: string; pool: string; name: string; text: string; vdev?: Pick<SimLeaf, 'guid' | 'disk'> };

export type SimModel = {
  seed: number;
  /** Grows with every guid and every txg: part of the history. */
  counter: number;
  txg: number;
  version: string;
  disks: SimDisk[];
  pools: SimPool[];
  datasets: SimDataset[];
  away?: SimAway[];
  /** What the firmware says of the memory's error correction; without it nothing. */
  ecc?: 'None' | 'Multi-bit ECC' | 'Unknown';
  /** Files outside of the pools. */
  texts: Record<string, string>;
  sessions: SimSession[];
  /** systemd units that are not active. */
  stopped: string[];
  events: SimEvent[];
  /** Pools with a heartbeat -> since when; pools whose target for failed ones is active. */
  beating?: Record<string, number>;
  failed?: string[];
  /** The two system slots; without it a machine that has none. */
  ota?: SimOta;
  /** Generations of NixOS; without it another system. */
  nix?: SimNix;
};

/** What every filesystem occupies before anything is in it. */
export const EMPTY_FILESYSTEM = 98_304;
export const EMPTY_VOLUME = 57_344;
export const BY_ID = '/dev/disk/by-id/';

export type Account = {
  used: number;
  available: number;
  referenced: number;
  bySnapshots: number;
  byDataset: number;
  byChildren: number;
  byReservation: number;
};

/** The model with what is computed from it. `changed()` after every change. */
export type World = {
  readonly model: SimModel;
  dataset(name: string): SimDataset | undefined;
  pool(name: string): SimPool | undefined;
  /** Sorted by name, as ZFS lists them. */
  sorted(): readonly SimDataset[];
  within(name: string): SimDataset[];
  snapshot(name: string): { dataset: SimDataset; snapshot: SimSnapshot } | undefined;
  clonesOf(snapshot: string): SimDataset[];
  account(dataset: SimDataset): Account;
  diskByPath(path: string): SimDisk | undefined;
  poolOfDisk(disk: SimDisk): { pool: SimPool; leaf: SimLeaf } | undefined;
  guid(): string;
  nextTxg(): number;
  changed(): void;
  /** Another number after every change. */
  commits(): number;
  add(dataset: SimDataset): void;
  remove(dataset: SimDataset): void;
  event(at: number, pool: string, name: string, text: string, cls?: string, vdev?: SimEvent['vdev']): void;
};

export const sizeOf = (p: SimPool, disk: (path: string) => SimDisk | undefined): { raw: number; usable: number } => {
  let raw = 0;
  let usable = 0;
  for (const v of p.vdevs) {
    if (v.role !== 'data' && v.role !== 'special' && v.role !== 'dedup') continue;
    const sizes = v.leaves.map((l) => (disk(l.disk)?.size ?? 0) - 16 * 1024 ** 2);
    const least = Math.max(0, Math.min(...sizes));
    const parity = v.kind === 'stripe' || v.kind === 'mirror' ? 0 : Number(v.kind.at(-1));
    const count = v.kind === 'mirror' ? 1 : sizes.length;
    raw += v.kind === 'stripe' ? sizes.reduce((a, b) => a + b, 0) : least * count;
    usable += v.kind === 'stripe' ? sizes.reduce((a, b) => a + b, 0) : least * (count - parity);
  }
  // ZFS keeps 1/32 of a pool (at least 128 MiB) for itself
  const slop = Math.min(Math.max(Math.floor(usable / 32), 128 * 1024 ** 2), Math.floor(usable / 2));
  return { raw, usable: usable - slop };
};

const sum = (files: Readonly<Record<string, number>>): number => {
  let total = 0;
  for (const k in files) if (Object.hasOwn(files, k)) total += files[k] ?? 0;
  return total;
};
export const referencedOf = (d: SimDataset): number => (d.kind === 'volume' ? EMPTY_VOLUME : EMPTY_FILESYSTEM) + sum(d.files);
const number = (text: string | undefined): number => (text === undefined ? 0 : Number(text));

export const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export const createWorld = (model: SimModel): World => {
  const names = new Map(model.datasets.map((d) => [d.name, d]));
  let sorted: SimDataset[] | null = null;
  let accounts: Map<string, Account> | null = null;
  let commits = 1;
  const links = new Map<string, SimDisk>();
  const linkDisks = (): void => {
    links.clear();
    for (const d of model.disks) {
      links.set(`/dev/${d.name}`, d);
      for (const l of d.links) links.set(BY_ID + l, d);
    }
  };
  linkDisks();

  const parentOf = (name: string): SimDataset | undefined => {
    const cut = name.lastIndexOf('/');
    return cut < 0 ? undefined : names.get(name.slice(0, cut));
  };

  const computeAccounts = (): Map<string, Account> => {
    const all = new Map<string, Account>();
    const list = world.sorted();
    // children come after their parents, so from the end every child is done before its parent
    for (let i = list.length - 1; i >= 0; i -= 1) {
      const d = list[i] as SimDataset; // i is within bounds
      const referenced = referencedOf(d);
      const shared = d.origin === null ? 0 : (world.snapshot(d.origin)?.snapshot.referenced ?? 0);
      const byDataset = d.origin === null ? referenced : Math.max(0, referenced - shared);
      let bySnapshots = 0;
      for (const s of d.snapshots) bySnapshots += s.used;
      const byReservation = Math.max(0, number(d.local.refreservation) - byDataset);
      const own = all.get(d.name) ?? {
        used: 0,
        available: 0,
        referenced: 0,
        bySnapshots: 0,
        byDataset: 0,
        byChildren: 0,
        byReservation: 0,
      };
      own.referenced = referenced;
      own.byDataset = byDataset;
      own.bySnapshots = bySnapshots;
      own.byReservation = byReservation;
      own.used = byDataset + bySnapshots + byReservation + own.byChildren;
      all.set(d.name, own);
      const parent = parentOf(d.name);
      if (parent !== undefined) {
        const up = all.get(parent.name) ?? {
          used: 0,
          available: 0,
          referenced: 0,
          bySnapshots: 0,
          byDataset: 0,
          byChildren: 0,
          byReservation: 0,
        };
        up.byChildren += Math.max(own.used, number(d.local.reservation));
        all.set(parent.name, up);
      }
    }
    for (const d of list) {
      const own = all.get(d.name) as Account; // every listed dataset was counted above
      const parent = parentOf(d.name);
      let free: number;
      if (parent === undefined) {
        const p = world.pool(d.name);
        free = p === undefined ? 0 : sizeOf(p, (path) => links.get(path)).usable - own.used;
      } else {
        const unusedReservation = Math.max(0, number(d.local.reservation) - own.used);
        free = (all.get(parent.name) as Account).available + unusedReservation; // parents come first in this order
      }
      const quota = number(d.local.quota);
      if (quota > 0) free = Math.min(free, quota - own.used);
      const refquota = number(d.local.refquota);
      own.available = Math.max(0, free);
      if (refquota > 0) own.available = Math.min(own.available, Math.max(0, refquota - own.referenced));
      if (d.kind === 'volume') own.available += own.byReservation;
    }
    return all;
  };

  const world: World = {
    model,
    dataset: (name) => names.get(name),
    pool: (name) => model.pools.find((p) => p.name === name),
    sorted: () => {
      sorted ??= [...model.datasets].sort(byName);
      return sorted;
    },
    within: (name) => world.sorted().filter((d) => d.name === name || d.name.startsWith(`${name}/`)),
    snapshot: (name) => {
      const at = name.indexOf('@');
      const dataset = at < 0 ? undefined : names.get(name.slice(0, at));
      const snapshot = dataset?.snapshots.find((s) => s.tag === name.slice(at + 1));
      return dataset && snapshot ? { dataset, snapshot } : undefined;
    },
    clonesOf: (snapshot) => world.sorted().filter((d) => d.origin === snapshot),
    account: (dataset) => {
      accounts ??= computeAccounts();
      return accounts.get(dataset.name) as Account; // computed for every dataset of the model
    },
    diskByPath: (path) => links.get(path) ?? links.get(path.replace(/-part[0-9]+$/, '')),
    poolOfDisk: (disk) => {
      for (const pool of model.pools)
        for (const v of pool.vdevs)
          for (const l of v.leaves) for (const leaf of l.by ? [l, l.by] : [l]) if (links.get(leaf.disk) === disk) return { pool, leaf };
      return undefined;
    },
    guid: () => {
      model.counter += 1;
      return guidOf(model.seed, model.counter);
    },
    nextTxg: () => {
      model.txg += 3;
      return model.txg;
    },
    changed: () => {
      accounts = null;
      commits += 1;
    },
    commits: () => commits,
    add: (dataset) => {
      commits += 1;
      model.datasets.push(dataset);
      names.set(dataset.name, dataset);
      sorted = null;
      accounts = null;
    },
    remove: (dataset) => {
      commits += 1;
      const i = model.datasets.indexOf(dataset);
      if (i >= 0) model.datasets.splice(i, 1);
      names.delete(dataset.name);
      sorted = null;
      accounts = null;
    },
    event: (at, pool, name, text, cls = 'sysevent.fs.zfs.history_event', vdev = undefined) => {
      model.events.push({ at, class: cls, pool, name, text, ...(vdev === undefined ? {} : { vdev }) });
      // the kernel keeps a bounded number too (zfs_zevent_len_max)
      if (model.events.length > 512) model.events.shift();
    },
  };
  return world;
};

/** The state of a vdev from its disks, and of a pool from its vdevs. */
export const vdevHealth = (v: SimVdev): PoolHealth => {
  const lost = v.leaves.filter((l) => l.state !== 'ONLINE' && l.state !== 'AVAIL' && l.state !== 'DEGRADED').length;
  if (lost === 0) return v.leaves.some((l) => l.state === 'DEGRADED') ? 'DEGRADED' : 'ONLINE';
  const may = v.kind === 'stripe' ? 0 : v.kind === 'mirror' ? v.leaves.length - 1 : Number(v.kind.at(-1));
  return lost <= may ? 'DEGRADED' : 'UNAVAIL';
};
export const poolHealth = (p: SimPool): PoolHealth => {
  if (p.suspended) return 'SUSPENDED';
  const states = p.vdevs.filter((v) => v.role === 'data' || v.role === 'special' || v.role === 'dedup').map(vdevHealth);
  if (states.includes('UNAVAIL')) return 'SUSPENDED'; // an imported pool that loses too much is suspended, not gone
  return states.every((s) => s === 'ONLINE') && p.vdevs.every((v) => vdevHealth(v) === 'ONLINE') ? 'ONLINE' : 'DEGRADED';
};

/** Where a scan is now: told from the clock alone. */
export const scanAt = (s: SimScan, now: number): { state: 'SCANNING' | 'FINISHED' | 'CANCELED'; done: number; endedAt: number } => {
  const until = s.pausedAt ?? s.canceledAt ?? now;
  const ran = Math.max(0, until - s.startedAt - s.pausedMs);
  const done = s.durationMs === 0 ? 1 : Math.min(1, ran / s.durationMs);
  if (s.canceledAt !== null && done < 1) return { state: 'CANCELED', done, endedAt: s.canceledAt };
  if (done >= 1) return { state: 'FINISHED', done: 1, endedAt: s.startedAt + s.pausedMs + s.durationMs };
  return { state: 'SCANNING', done, endedAt: 0 };
};
