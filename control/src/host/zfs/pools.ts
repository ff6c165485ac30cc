/** Pools: `zpool list -j -p` for the numbers, `zpool status -j -p -t` for vdevs, disks, errors and the scan. */
import type { ObservedPool, ObservedVdev, PoolHealth, Scan, VdevKind, VdevRole } from '../../domain/pool/pool.ts';
import type { Result } from '../../domain/refusal.ts';
import type { z } from 'zod';
import { count, type Fields, fields, guid, oneOf, reading, text, unreadable } from '../parse.ts';
import { body, property } from './json.ts';

export const poolsArgv = (): string[] => [
  'zpool',
  'list',
  '-j',
  '-p',
  '-o',
  'name,guid,size,allocated,free,fragmentation,health,ashift,autotrim,autoexpand,comment',
];
export const statusArgv = (pool: string): string[] => ['zpool', 'status', '-j', '-p', '-t', pool];

const HEALTH = new Set(['ONLINE', 'DEGRADED', 'FAULTED', 'OFFLINE', 'REMOVED', 'UNAVAIL', 'SUSPENDED', 'AVAIL', 'INUSE']);
/** Vdevs say some states in words of their own (`vdev_state_str`). */
const VDEV_STATE: Readonly<Record<string, PoolHealth>> = {
  ONLINE: 'ONLINE',
  DEGRADED: 'DEGRADED',
  FAULTED: 'FAULTED',
  OFFLINE: 'OFFLINE',
  REMOVED: 'REMOVED',
  CANT_OPEN: 'UNAVAIL',
  UNAVAIL: 'UNAVAIL',
  CLOSED: 'UNAVAIL',
  UNKNOWN: 'UNAVAIL',
  AVAIL: 'AVAIL',
  INUSE: 'INUSE',
};
const ON_OFF = new Set(['on', 'off']);

export type ListedPool = Pick<ObservedPool, 'name' | 'guid' | 'health' | 'size' | 'allocated' | 'free' | 'fragmentation' | 'options'>;

const listed = (name: string, v: unknown): ListedPool => {
  const p = fields(v, `pool ${name}`);
  if (p.name !== name) unreadable(`pool ${name} is listed under another name`);
  const props = fields(p.properties, `the properties of ${name}`);
  const value = (property_: string): string => property(props, property_, name).value;
  const fragmentation = value('fragmentation');
  const ashift = count(value('ashift'), `ashift of ${name}`);
  const comment = value('comment');
  return {
    name,
    guid: guid(p.pool_guid, `guid of ${name}`),
    health: oneOf<PoolHealth>(HEALTH, value('health'), `health of ${name}`),
    size: count(value('size'), `size of ${name}`),
    allocated: count(value('allocated'), `allocated of ${name}`),
    free: count(value('free'), `free of ${name}`),
    fragmentation: fragmentation === '-' ? null : count(fragmentation, `fragmentation of ${name}`),
    options: {
      // 0: left to ZFS, which chooses per vdev
      ...(ashift === 0 ? {} : { ashift }),
      autotrim: oneOf<string>(ON_OFF, value('autotrim'), `autotrim of ${name}`),
      autoexpand: oneOf<string>(ON_OFF, value('autoexpand'), `autoexpand of ${name}`),
      comment: comment === '-' ? '' : comment,
    },
  };
};

/** With no pool at all, `zpool list -j` prints nothing. */
export const parsePools = (stdout: string): Result<ListedPool[]> =>
  reading('the pools', () => {
    if (stdout === '') return [];
    const all = body(stdout, 'zpool list', 'pools');
    return Object.keys(all).map((name) => listed(name, all[name]));
  });

type SeenScan = z.infer<typeof Scan>;
export type PoolStatus = {
  name: string;
  guid: string;
  health: PoolHealth;
  vdevs: ObservedVdev[];
  /** Every disk the pool has, also those that only stand in for another: paths as ZFS has them. */
  disks: string[];
  scan: SeenScan;
  expansion?: ObservedPool['expansion'];
  trim?: ObservedPool['trim'];
  checkpoint?: ObservedPool['checkpoint'];
  dataErrors: number;
  status: string | null;
};

/** `/dev/disk/by-id/X-part1` and `/dev/sda1` are the disks X and sda. */
export const wholeDisk = (path: string): string =>
  path.startsWith('/dev/disk/')
    ? path.replace(/-part[0-9]+$/, '')
    : path.replace(/^(\/dev\/(?:nvme[0-9]+n[0-9]+|mmcblk[0-9]+))p[0-9]+$/, '$1').replace(/^(\/dev\/[a-z]{2,4})[0-9]+$/, '$1');

const AUX: Readonly<Record<string, string>> = {
  ERR_EXCEEDED: 'too many errors',
  IO_FAILURE: 'input/output failure',
  OPEN_FAILED: 'it cannot be opened',
  CORRUPT_DATA: 'its label is damaged',
  BAD_LABEL: 'its label is damaged',
  TOO_SMALL: 'it is too small',
  EXTERNAL: 'taken out of service by the system',
  SPARED: 'in use by another pool',
  CHILDREN_OFFLINE: 'its disks are offline',
};

const vdevState = (v: Fields, where: string): PoolHealth =>
  VDEV_STATE[text(v.state, `state of ${where}`)] ?? unreadable(`state of ${where} is not known: ${String(v.state).slice(0, 40)}`);
const errors = (v: Fields, key: string, where: string): number => (v[key] === undefined ? 0 : count(v[key], `${key} of ${where}`));

const leaf = (v: Fields, where: string, note?: string): ObservedVdev['disks'][number] => {
  const was = v.was === undefined ? null : text(v.was, `was of ${where}`);
  const path = v.path === undefined ? (was ?? text(v.name, `name of ${where}`)) : text(v.path, `path of ${where}`);
  const aux = v.aux === undefined ? null : text(v.aux, `aux of ${where}`);
  const notes = [
    note,
    was === null ? undefined : 'missing',
    aux === null ? undefined : (AUX[aux] ?? aux.toLowerCase().replaceAll('_', ' ')),
  ].filter((n) => n !== undefined);
  return {
    path: wholeDisk(path),
    guid: guid(v.guid, `guid of ${where}`),
    state: vdevState(v, where),
    readErrors: errors(v, 'read_errors', where),
    writeErrors: errors(v, 'write_errors', where),
    checksumErrors: errors(v, 'checksum_errors', where),
    ...(typeof v.rep_dev_size === 'string' && /^[1-9][0-9]*$/.test(v.rep_dev_size) ? { minSize: Number(v.rep_dev_size) } : {}),
    ...(notes.length === 0 ? {} : { note: notes.join(', ') }),
  };
};

const LEAVES = new Set(['disk', 'file', 'missing']);
const STANDINS = new Set(['spare', 'replacing', 'dspare']);
const children = (v: Fields, where: string): Fields[] =>
  Object.entries(v.vdevs === undefined ? {} : fields(v.vdevs, `the vdevs of ${where}`)).map(([n, c]) => fields(c, n));

/** The disks of a vdev. Where one stands in for another, the disk that was declared is shown, with a note. */
const disksOf = (v: Fields, where: string): ObservedVdev['disks'] =>
  children(v, where).flatMap((c) => {
    const name = text(c.name, `a name in ${where}`);
    const type = text(c.vdev_type, `type of ${name}`);
    if (LEAVES.has(type)) return [leaf(c, name)];
    if (!STANDINS.has(type)) return unreadable(`${name} in ${where} is of a kind that is not known: ${type.slice(0, 40)}`);
    const inside = disksOf(c, name);
    const [first, ...others] = inside;
    if (first === undefined) return [];
    const by = others.map((o) => o.path.split('/').at(-1)).join(', ');
    const note = type === 'replacing' ? `being replaced by ${by}` : `${by} stands in for it`;
    const standIns = others.map(({ path, guid: own, state }) => ({
      path,
      guid: own,
      state,
      kind: type === 'replacing' ? ('replacing' as const) : ('spare' as const),
    }));
    return [{ ...first, note: first.note === undefined ? note : `${note}, ${first.note}`, standIns }];
  });
const allPaths = (v: Fields): string[] => {
  const name = text(v.name, 'a name');
  const below = children(v, name);
  return below.length > 0 ? below.flatMap(allPaths) : LEAVES.has(text(v.vdev_type, `type of ${name}`)) ? [leaf(v, name).path] : [];
};

const kindOf = (v: Fields, name: string): VdevKind => {
  const type = text(v.vdev_type, `type of ${name}`);
  if (type === 'mirror') return 'mirror';
  // the parity is told by the name alone: raidz2-0, draid1:4d:11c:1s-0
  const m = /^(raidz[123]|draid[123])[:-]/.exec(name);
  if ((type === 'raidz' || type === 'draid') && m?.[1]?.startsWith(type)) return m[1] as VdevKind; // the pattern allows only these
  return unreadable(`${name} is of a kind that is not known: ${type.slice(0, 40)}`);
};

const vdev = (v: Fields, role: VdevRole): ObservedVdev[] => {
  const name = text(v.name, 'the name of a vdev');
  const type = text(v.vdev_type, `type of ${name}`);
  if (type === 'hole' || type === 'indirect') return [];
  if (LEAVES.has(type)) {
    const one = leaf(v, name);
    return [{ name, kind: 'stripe', role, guid: one.guid, state: one.state, disks: [one] }];
  }
  if (STANDINS.has(type)) {
    const disks = disksOf({ name, vdevs: { [name]: v } }, name);
    return [{ name, kind: 'stripe', role, guid: guid(v.guid, `guid of ${name}`), state: vdevState(v, name), disks }];
  }
  return [{ name, kind: kindOf(v, name), role, guid: guid(v.guid, `guid of ${name}`), state: vdevState(v, name), disks: disksOf(v, name) }];
};

const FUNCTIONS = new Set(['SCRUB', 'RESILVER', 'NONE', 'ERRORSCRUB', 'REBUILD']);
const SCAN_STATES = new Set(['NONE', 'SCANNING', 'FINISHED', 'CANCELED', 'ERRORSCRUBBING']);
const NO_SCAN: SeenScan = { kind: 'none', state: 'none', startedAt: null, endedAt: null, progress: 0, errors: 0 };
const scanOf = (v: unknown, name: string): SeenScan => {
  if (v === undefined) return NO_SCAN;
  const s = fields(v, `scan_stats of ${name}`);
  const of = oneOf<string>(FUNCTIONS, s.function, `the scan of ${name}`);
  const state = oneOf<string>(SCAN_STATES, s.state, `the state of the scan of ${name}`);
  if (of === 'NONE' || state === 'NONE') return NO_SCAN;
  const n = (key: string): number => count(s[key], `${key} of the scan of ${name}`);
  const at = (key: string): number | null => (n(key) === 0 ? null : n(key) * 1000);
  const of_ = n('to_examine');
  const through = of_ === 0 ? 0 : Math.min(1, (n('issued') + n('skipped')) / of_);
  return {
    kind: of === 'RESILVER' || of === 'REBUILD' ? 'resilver' : 'scrub',
    state: state === 'FINISHED' ? 'finished' : state === 'CANCELED' ? 'canceled' : n('scrub_pause') > 0 ? 'paused' : 'scanning',
    startedAt: at('start_time'),
    endedAt: at('end_time'),
    progress: state === 'FINISHED' ? 1 : through,
    errors: n('errors'),
    issued: n('issued') + n('skipped'),
    total: of_,
  };
};

const ROLES: readonly [key: string, role: VdevRole][] = [
  ['dedup', 'dedup'],
  ['special', 'special'],
  ['logs', 'log'],
  ['l2cache', 'cache'],
  ['spares', 'spare'],
];
const tidy = (words: unknown, where: string): string => (words === undefined ? '' : text(words, where).replace(/\s+/g, ' ').trim());

const statusOf = (name: string, v: unknown): PoolStatus => {
  const p = fields(v, `pool ${name}`);
  const roots = Object.values(fields(p.vdevs, `the vdevs of ${name}`)).map((r) => fields(r, `the root vdev of ${name}`));
  const data = roots.flatMap((r) => (r.vdev_type === 'root' ? children(r, name) : unreadable(`${name} has no root vdev`)));
  const others = ROLES.flatMap(([key, role]) =>
    p[key] === undefined ? [] : Object.values(fields(p[key], `${key} of ${name}`)).map((c) => ({ c: fields(c, key), role })),
  );
  const said = [tidy(p.status, `status of ${name}`), tidy(p.action, `action of ${name}`)].filter((s) => s !== '').join(' ');
  const vdevs = [...data.flatMap((c) => vdev(c, 'data')), ...others.flatMap(({ c, role }) => vdev(c, role))];
  const tops = data.flatMap((c) => vdev(c, 'data'));
  const expansion = expansionOf(p.raidz_expand_stats, name, tops);
  const trim = trimOf([...data, ...others.map((o) => o.c)].flatMap(allLeaves), name);
  const checkpoint = checkpointOf(p.checkpoint_stats, name);
  return {
    ...(expansion ? { expansion } : {}),
    ...(trim ? { trim } : {}),
    ...(checkpoint ? { checkpoint } : {}),
    name: text(p.name, `name of ${name}`),
    guid: guid(p.pool_guid, `guid of ${name}`),
    health: oneOf<PoolHealth>(HEALTH, p.state, `state of ${name}`),
    vdevs,
    disks: [...new Set([...data, ...others.map((o) => o.c)].flatMap(allPaths))],
    scan: scanOf(p.scan_stats, name),
    dataErrors: p.error_count === undefined ? 0 : count(p.error_count, `error_count of ${name}`),
    status: said === '' ? null : said,
  };
};

const EXPANDS: Readonly<Record<string, NonNullable<ObservedPool['expansion']>['state']>> = {
  SCANNING: 'running',
  FINISHED: 'finished',
  CANCELED: 'finished',
};
/** The raidz that grows is told by its place among the vdevs. */
const expansionOf = (v: unknown, name: string, vdevs: readonly ObservedVdev[]): NonNullable<ObservedPool['expansion']> | undefined => {
  if (v === undefined) return undefined;
  const s = fields(v, `raidz_expand_stats of ${name}`);
  const n = (key: string): number => count(s[key], `${key} of the expansion of ${name}`);
  const state =
    EXPANDS[String(s.state)] ?? unreadable(`the state of the expansion of ${name} is not known: ${String(s.state).slice(0, 40)}`);
  const of_ = n('to_reflow');
  return {
    vdev: vdevs[n('expanding_vdev')]?.name ?? text(s.name, `the expanding vdev of ${name}`),
    state: state === 'running' && n('waiting_for_resilver') > 0 ? 'waiting' : state,
    progress: state === 'finished' ? 1 : of_ === 0 ? 0 : Math.min(1, n('reflowed') / of_),
  };
};

/** Of all disks that are trimmed together; null when none ever was, or none can be. */
const trimOf = (leaves: readonly Fields[], name: string): ObservedPool['trim'] => {
  const asked = leaves.filter((l) => typeof l.trim_state === 'string' && l.trim_state !== 'NONE' && l.trim_state !== 'UNTRIMMED');
  if (asked.length === 0) return undefined;
  const sum = (key: string): number => asked.reduce((all, l) => all + count(l[key], `${key} of ${name}`), 0);
  const has = (state: string): boolean => asked.some((l) => l.trim_state === state);
  const total = sum('to_trim');
  const state = has('ACTIVE') ? 'running' : has('SUSPENDED') ? 'paused' : has('CANCELED') ? 'canceled' : 'finished';
  return {
    state,
    progress: state === 'finished' ? 1 : total === 0 ? 0 : Math.min(1, sum('trimmed') / total),
    at: Math.max(...asked.map((l) => count(l.trim_time, `trim_time of ${name}`))) * 1000,
  };
};
const allLeaves = (v: Fields): Fields[] => {
  const below = children(v, 'a vdev');
  return below.length > 0 ? below.flatMap(allLeaves) : [v];
};

const CHECKPOINTS: Readonly<Record<string, boolean>> = { EXISTS: true, DISCARDING: false, NONE: false };
const checkpointOf = (v: unknown, name: string): ObservedPool['checkpoint'] => {
  if (v === undefined) return undefined;
  const s = fields(v, `checkpoint_stats of ${name}`);
  if (CHECKPOINTS[String(s.state)] !== true) return undefined;
  return {
    at: count(s.start_time, `start_time of the checkpoint of ${name}`) * 1000,
    space: count(s.space, `space of the checkpoint of ${name}`),
  };
};

export const parseStatus = (stdout: string): Result<PoolStatus[]> =>
  reading('the state of the pools', () => {
    const all = body(stdout, 'zpool status', 'pools');
    return Object.keys(all).map((name) => statusOf(name, all[name]));
  });
