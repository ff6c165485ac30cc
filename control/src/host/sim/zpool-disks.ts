/** `zpool` of the simulated host: what changes the disks of a pool. A replacement is filled as long as its resilver takes, told from the clock. */
import type { Answer } from './getopt.ts';
import { done, failed, getopt } from './getopt.ts';
import { BY_ID, scanAt, type SimDisk, type SimLeaf, type SimPool, type SimVdev, vdevHealth, type World } from './model.ts';
import type { Tool } from './words.ts';
import { checkMismatch, layout, resilverTime } from './zpool-change.ts';

const usage = (command: string, why: string): Answer => failed(`${why}\nusage:\n\t${command} ...\n`, 2);
const noPool = (name: string): Answer => failed(`cannot open '${name}': no such pool\n`);

type Place = { v: SimVdev; l: SimLeaf /** It is the one that replaces `l`. */; by: boolean };
const placeOf = (p: SimPool, name: string): Place | undefined => {
  const path = name.startsWith('/') ? name.replace(/-part[0-9]+$/, '') : BY_ID + name;
  const is = (l: SimLeaf): boolean => l.disk === path || l.guid === name;
  for (const v of p.vdevs)
    for (const l of v.leaves) {
      if (is(l)) return { v, l, by: false };
      if (l.by && is(l.by)) return { v, l, by: true };
    }
  return undefined;
};
const vdevName = (p: SimPool, v: SimVdev): string => `${v.kind}-${p.vdevs.indexOf(v)}`;
const newLeaf = (w: World, disk: string): SimLeaf => ({
  disk,
  guid: w.guid(),
  state: 'ONLINE',
  read: 0,
  write: 0,
  checksum: 0,
  offline: false,
});

/** What is left on a disk that a pool gave up: its partitions, and no label. */
const givenUp = (d: SimDisk | undefined): void => {
  if (!d) return;
  d.fstype = null;
  d.parts = [
    { size: d.size - 10 * 1024 ** 2, fstype: null, type: 'Solaris /usr & Apple ZFS', label: null, mountpoints: [] },
    { size: 8 * 1024 ** 2, fstype: null, type: 'Solaris reserved 1', label: null, mountpoints: [] },
  ];
};
/** A disk that was pulled or replaced still says whose it was. */
const keepsLabel = (d: SimDisk | undefined, pool: string): void => {
  if (!d) return;
  givenUp(d);
  if (d.parts[0]) {
    d.parts[0].fstype = 'zfs_member';
    d.parts[0].label = pool;
  }
};
const taken = (d: SimDisk | undefined): void => {
  if (!d) return;
  d.parts = [];
  d.fstype = null;
};

const startResilver = (w: World, p: SimPool, now: number): void => {
  const t = resilverTime(w, p);
  p.scan = { kind: 'RESILVER', startedAt: now, durationMs: t.ms, bytes: t.bytes, errors: 0, pausedAt: null, pausedMs: 0, canceledAt: null };
};

/** What has come to its end since the last look: replacements that are filled, a raidz that has grown. */
export const settlePools = (w: World, now: number): void => {
  for (const p of w.model.pools) {
    if (p.scan?.kind === 'RESILVER' && scanAt(p.scan, now).state === 'FINISHED')
      for (const v of p.vdevs)
        v.leaves = v.leaves.map((l) => {
          if (!l.by) return l;
          const old = w.diskByPath(l.disk);
          keepsLabel(old, p.name);
          return l.by;
        });
  }
};

const usable = (w: World, path: string, size: number): Answer | SimDisk => {
  const disk = w.diskByPath(path);
  if (disk === undefined || disk.unplugged) return failed(`cannot resolve path '${path}'\n`);
  if (w.poolOfDisk(disk)) return failed(`${path} is in use and contains a unknown filesystem.\n`);
  const fs = disk.fstype ?? disk.parts.find((x) => x.fstype !== null)?.fstype;
  if (fs)
    return failed(
      `invalid vdev specification\nuse '-f' to override the following errors:\n${path} contains a filesystem of type '${fs}'\n`,
    );
  if (disk.size < size) return failed(`device is too small\n`);
  return disk;
};
const isAnswer = (x: Answer | SimDisk): x is Answer => 'exit' in x;
const sizeOfLeaf = (w: World, v: SimVdev): number =>
  Math.min(...v.leaves.map((l) => w.diskByPath(l.disk)?.size ?? Number.POSITIVE_INFINITY));

const replace: Tool = (w, args, now) => {
  const o = getopt(args, 'fswo:');
  if (typeof o === 'string') return usage('replace', o);
  const [name, old, path] = o.rest;
  if (name === undefined || old === undefined) return usage('replace', 'missing pool name argument');
  const pool = w.pool(name);
  if (!pool) return noPool(name);
  const place = placeOf(pool, old);
  if (!place) return failed(`cannot replace ${old}: no such device in pool\n`);
  if (place.by || place.l.by)
    return failed(
      `cannot replace ${old} with ${path ?? old}: already in replacing/spare config; wait for completion or use 'zpool detach'\n`,
    );
  const disk = usable(w, path ?? place.l.disk, 0);
  if (isAnswer(disk)) return disk;
  if (disk.size < sizeOfLeaf(w, place.v)) return failed(`cannot replace ${old} with ${path}: device is too small\n`);
  taken(disk);
  place.l.by = newLeaf(w, path ?? place.l.disk);
  place.l.group = w.guid();
  startResilver(w, pool, now);
  w.event(now, name, '', '', 'sysevent.fs.zfs.resilver_start');
  return done();
};

const attach: Tool = (w, args, now) => {
  const o = getopt(args, 'fswo:');
  if (typeof o === 'string') return usage('attach', o);
  const [name, to, path] = o.rest;
  if (name === undefined || to === undefined || path === undefined) return usage('attach', 'missing arguments');
  const pool = w.pool(name);
  if (!pool) return noPool(name);
  const raidz = pool.vdevs.find((v) => v.kind.startsWith('raidz') && (vdevName(pool, v) === to || v.guid === to));
  const place = raidz ? { v: raidz, l: undefined } : placeOf(pool, to);
  if (!place) return failed(`cannot attach ${path} to ${to}: no such device in pool\n`);
  const { v } = place;
  if (!raidz && v.kind !== 'mirror' && v.kind !== 'stripe')
    return failed(`cannot attach ${path} to ${to}: can only attach to mirrors and top-level disks\n`);
  const disk = usable(w, path, 0);
  if (isAnswer(disk)) return disk;
  if (disk.size < sizeOfLeaf(w, v)) return failed(`cannot attach ${path} to ${to}: device is too small\n`);
  taken(disk);
  const leaf = newLeaf(w, path);
  if (v.kind === 'stripe' && place.l) {
    // disks that stand alone may share one vdev here; to ZFS each is one
    const rest = v.leaves.filter((l) => l !== place.l);
    const mirror: SimVdev = { kind: 'mirror', role: v.role, guid: w.guid(), leaves: [place.l, leaf] };
    pool.vdevs.splice(pool.vdevs.indexOf(v), 1, mirror, ...(rest.length > 0 ? [{ ...v, leaves: rest }] : []));
  } else v.leaves.push(leaf);
  if (raidz)
    pool.expansion = {
      vdev: pool.vdevs.indexOf(raidz),
      startedAt: now,
      durationMs: resilverTime(w, pool).ms,
      bytes: resilverTime(w, pool).bytes,
    };
  else startResilver(w, pool, now);
  w.event(now, name, '', '', 'sysevent.fs.zfs.vdev_attach');
  return done();
};

const detach: Tool = (w, args, now) => {
  const [name, old] = args;
  if (name === undefined || old === undefined) return usage('detach', 'missing arguments');
  const pool = w.pool(name);
  if (!pool) return noPool(name);
  const place = placeOf(pool, old);
  if (!place) return failed(`cannot detach ${old}: no such device in pool\n`);
  const { v, l, by } = place;
  const gone = w.diskByPath(by ? (l.by?.disk ?? '') : l.disk);
  const resilvering = pool.scan !== null && pool.scan.kind === 'RESILVER' && scanAt(pool.scan, now).state === 'SCANNING';
  if (by) {
    delete l.by;
    delete l.group;
    if (resilvering && pool.scan) pool.scan.canceledAt = now;
  } else if (l.by) {
    if (resilvering) return failed(`cannot detach ${old}: no valid replicas\n`, 255);
    v.leaves = v.leaves.map((x) => (x === l ? (l.by as SimLeaf) : x)); // checked in this line
  } else {
    if (v.kind !== 'mirror') return failed(`cannot detach ${old}: only applicable to mirror and replacing vdevs\n`);
    const rest = v.leaves.filter((x) => x !== l);
    if (!rest.some((x) => x.state === 'ONLINE')) return failed(`cannot detach ${old}: no valid replicas\n`, 255);
    v.leaves = rest;
    if (rest.length === 1) v.kind = 'stripe';
  }
  keepsLabel(gone, name);
  w.event(now, name, '', '', 'sysevent.fs.zfs.vdev_remove');
  return done();
};

const add: Tool = (w, args, now) => {
  const o = getopt(args, 'fgLnPo:', ['allow-in-use', 'allow-replication-mismatch', 'allow-ashift-mismatch']);
  if (typeof o === 'string') return usage('add', o);
  const [name, ...words] = o.rest;
  if (name === undefined) return usage('add', 'missing pool name argument');
  if (words.length === 0) return usage('add', 'missing vdev specification');
  const pool = w.pool(name);
  if (!pool) return noPool(name);
  const vdevs = layout(w, words, o.has('f') || o.has('allow-replication-mismatch'));
  if (typeof vdevs === 'string') return failed(vdevs);
  const odd = checkMismatch(pool, vdevs);
  if (odd !== null && !o.has('f') && !o.has('allow-replication-mismatch'))
    return failed(`invalid vdev specification\nuse '-f' to override the following errors:\nmismatched replication level: ${odd}\n`);
  if (o.has('n')) return { exit: 0, stdout: `would update '${name}' to the following configuration:\n` };
  for (const v of vdevs) {
    v.guid = w.guid();
    for (const l of v.leaves) {
      l.guid = w.guid();
      taken(w.diskByPath(l.disk));
    }
  }
  pool.vdevs.push(...vdevs);
  w.event(now, name, '', '', 'sysevent.fs.zfs.vdev_add');
  return done();
};

const remove: Tool = (w, args, now) => {
  const o = getopt(args, 'npsw');
  if (typeof o === 'string') return usage('remove', o);
  const [name, ...what] = o.rest;
  if (name === undefined || what.length === 0) return usage('remove', 'missing pool name argument');
  const pool = w.pool(name);
  if (!pool) return noPool(name);
  for (const one of what) {
    const v = pool.vdevs.find((x) => x.guid === one || vdevName(pool, x) === one) ?? placeOf(pool, one)?.v;
    if (!v) return failed(`cannot remove ${one}: no such device in pool\n`);
    if (v.role !== 'spare' && v.role !== 'log' && v.role !== 'cache')
      return failed(`cannot remove ${one}: only inactive hot spares, cache, and log devices can be removed\n`);
    const leaf = v.leaves.length > 1 && v.kind === 'stripe' ? placeOf(pool, one)?.l : undefined;
    const gone = leaf ? [leaf] : v.leaves;
    v.leaves = v.leaves.filter((l) => !gone.includes(l));
    if (v.leaves.length === 0) pool.vdevs.splice(pool.vdevs.indexOf(v), 1);
    for (const l of gone) givenUp(w.diskByPath(l.disk));
  }
  w.event(now, name, '', '', 'sysevent.fs.zfs.vdev_remove_aux');
  return done();
};

const trim: Tool = (w, args, now) => {
  const o = getopt(args, 'dcswr:');
  if (typeof o === 'string') return usage('trim', o);
  const name = o.rest[0];
  const pool = name === undefined ? undefined : w.pool(name);
  if (name === undefined) return usage('trim', 'missing pool name argument');
  if (!pool) return noPool(name);
  const solid = pool.vdevs.flatMap((v) => v.leaves).some((l) => w.diskByPath(l.disk)?.rotational === false);
  if (!solid) return failed(`cannot trim: no devices in pool support trim operations\n`);
  const running = pool.trim !== undefined && pool.trim.stoppedAt === null && now - pool.trim.startedAt < pool.trim.durationMs;
  if (o.has('c') || o.has('s')) {
    if (!running || !pool.trim) return failed(`cannot ${o.has('c') ? 'cancel' : 'suspend'} trim: there is no active trim\n`);
    pool.trim.stoppedAt = now;
    pool.trim.canceled = o.has('c');
    return done();
  }
  if (running) return failed('cannot trim: currently trimming\n');
  pool.trim = { startedAt: now, durationMs: 20_000, stoppedAt: null, canceled: false };
  w.event(now, name, '', '', 'sysevent.fs.zfs.trim_start');
  return done();
};

/** A look at every disk anew: those that are not there any more are noticed. */
const reopen: Tool = (w, args, now) => {
  const o = getopt(args, 'n');
  if (typeof o === 'string') return usage('reopen', o);
  const pools = o.rest.length === 0 ? w.model.pools : o.rest.flatMap((n) => w.pool(n) ?? []);
  for (const p of pools)
    for (const v of p.vdevs)
      for (const l of v.leaves)
        if (w.diskByPath(l.disk)?.unplugged && l.state === 'ONLINE') {
          l.state = 'REMOVED';
          w.event(now, p.name, '', '', 'resource.fs.zfs.statechange');
        }
  return done();
};

/** As `wipefs --all`: of a partition or of the disk; the label of a pool that is imported is not touched while it is in use. */
export const wipefs: Tool = (w, args) => {
  const path = args.at(-1) ?? '';
  const disk = w.diskByPath(path);
  if (!args.includes('--all') || disk === undefined || disk.unplugged)
    return failed(`wipefs: error: ${path}: probing initialization failed: No such file or directory\n`);
  if (w.poolOfDisk(disk) || disk.parts.some((p) => p.mountpoints.length > 0))
    return failed(`wipefs: error: ${path}: probing initialization failed: Device or resource busy\n`);
  const part = /-part([0-9]+)$/.exec(path);
  if (part) {
    const p = disk.parts[Number(part[1]) - 1] ?? disk.parts[1];
    if (p) p.fstype = null;
  } else taken(disk);
  return done();
};

/** A pool that loses too much is suspended. */
export const unplug = (w: World, name: string, noticed: boolean): void => {
  const disk = w.diskByPath(name.startsWith('/') ? name : BY_ID + name);
  if (!disk) throw new RangeError(`no disk ${name}`);
  disk.unplugged = true;
  const own = w.poolOfDisk(disk);
  if (!own || !noticed) return;
  own.leaf.state = 'REMOVED';
  if (own.pool.vdevs.some((v) => (v.role === 'data' || v.role === 'special') && vdevHealth(v) === 'UNAVAIL')) own.pool.suspended = true;
};
export const plug = (w: World, name: string): void => {
  const disk = w.diskByPath(name.startsWith('/') ? name : BY_ID + name);
  if (!disk) throw new RangeError(`no disk ${name}`);
  delete disk.unplugged;
};

export const zpoolDisks: Readonly<Record<string, Tool>> = { replace, attach, detach, add, remove, trim, reopen };
