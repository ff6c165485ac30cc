/** `zpool` subcommands that change pools. There is no `destroy`, `labelclear` or `import -f` here: nothing of ours asks for them. */
import type { VdevKind, VdevRole } from '../../domain/pool/pool.ts';
import type { Answer } from './getopt.ts';
import { done, failed, getopt, parseNumber } from './getopt.ts';
import { BY_ID, scanAt, type SimDataset, type SimLeaf, type SimPool, type SimVdev, sizeOf, vdevHealth, type World } from './model.ts';
import { checkValue } from './properties.ts';
import type { Tool } from './words.ts';
import { mountIfItShould } from './zfs-change.ts';

const noPool = (name: string): Answer => failed(`cannot open '${name}': no such pool\n`);
const usage = (command: string, why: string): Answer =>
  failed(`${why}\nusage:\n\t${command} ...\n\nthe following properties are supported:\n`, 2);
const ROLES: Readonly<Record<string, VdevRole>> = { log: 'log', cache: 'cache', spare: 'spare', special: 'special', dedup: 'dedup' };
const KINDS: Readonly<Record<string, VdevKind>> = {
  mirror: 'mirror',
  raidz: 'raidz1',
  raidz1: 'raidz1',
  raidz2: 'raidz2',
  raidz3: 'raidz3',
  draid: 'draid1',
  draid1: 'draid1',
  draid2: 'draid2',
  draid3: 'draid3',
};
const NEEDS: Readonly<Record<VdevKind, number>> = {
  stripe: 1,
  mirror: 2,
  raidz1: 2,
  raidz2: 3,
  raidz3: 4,
  draid1: 2,
  draid2: 3,
  draid3: 4,
};

const poolValue = (name: string, value: string): string | { error: string } => {
  if (name === 'comment') return value.length > 32 ? { error: 'comment must not exceed 32 characters' } : value;
  if (['autotrim', 'autoexpand', 'autoreplace', 'delegation', 'listsnapshots', 'multihost'].includes(name))
    return value === 'on' || value === 'off' ? value : { error: `'${name}' must be one of 'on | off'` };
  if (name === 'failmode')
    return /^(wait|continue|panic)$/.test(value) ? value : { error: `'failmode' must be one of 'wait | continue | panic'` };
  if (name === 'ashift') {
    const n = parseNumber(value);
    return n !== null && (n === 0 || (n >= 9 && n <= 16))
      ? String(n)
      : { error: `property 'ashift' number ${value} is invalid, only values between 9 and 16 are allowed` };
  }
  if (['size', 'free', 'allocated', 'health', 'guid', 'capacity', 'fragmentation', 'dedupratio'].includes(name))
    return { error: `'${name}' is readonly` };
  if (/^[a-z0-9._-]+:[a-z0-9._:-]+$/.test(name)) return value;
  return { error: `invalid property '${name}'` };
};

const whyBadPool = (name: string): string | undefined => {
  if (/^(mirror|raidz|draid|spare|log)/.test(name)) return 'name is reserved';
  if (!/^[A-Za-z]/.test(name)) return 'name must begin with a letter';
  const bad = /[^A-Za-z0-9_.:-]/.exec(name);
  return bad ? `invalid character '${bad[0]}' in pool name` : undefined;
};

/** Vdevs that survive differently many losses don't belong into one pool, unless someone insists. */
const whyUnequal = (data: readonly { kind: VdevKind; disks: readonly string[] }[]): string | null => {
  const family = (k: VdevKind): string => (k === 'stripe' ? 'disk' : k.replace(/[123]$/, ''));
  const a = data[0];
  const b = data.find((v) => a !== undefined && (v.kind !== a.kind || (v.kind === 'mirror' && v.disks.length !== a.disks.length)));
  if (a === undefined || b === undefined) return null;
  if (a.kind === 'mirror' && b.kind === 'mirror') return `both ${a.disks.length}-way and ${b.disks.length}-way mirror vdevs`;
  const mirror = [a, b].find((v) => v.kind === 'mirror');
  const raid = [a, b].find((v) => /[123]$/.test(v.kind));
  if (mirror && raid) {
    const parity = Number(raid.kind.at(-1));
    const spare = mirror.disks.length - 1;
    return parity === spare
      ? null
      : `${family(raid.kind)} and mirror vdevs with different redundancy, ${parity} vs. ${spare} (${mirror.disks.length}-way)`;
  }
  if (family(a.kind) === family(b.kind)) return `both ${a.kind.at(-1)} and ${b.kind.at(-1)} device parity ${family(a.kind)} vdevs`;
  return `both ${family(a.kind)} and ${family(b.kind)} vdevs`;
};

/** The same against what the pool is made of. */
export const checkMismatch = (pool: SimPool, added: readonly SimVdev[]): string | null => {
  const vital = (v: SimVdev): boolean => v.role === 'data' || v.role === 'special' || v.role === 'dedup';
  const first = pool.vdevs.find((v) => v.role === 'data');
  for (const v of added.filter(vital)) {
    if (first === undefined || (first.kind === v.kind && (v.kind !== 'mirror' || first.leaves.length === v.leaves.length))) continue;
    const word = (x: SimVdev): string => (x.kind === 'stripe' ? 'disk' : x.kind.replace(/[123]$/, ''));
    return `pool uses ${word(first)} and new vdev is ${word(v)}`;
  }
  return null;
};

/** `mirror a b raidz2 c d e log f` -> vdevs; a text is what zpool says against it. */
export const layout = (w: World, words: readonly string[], force: boolean): SimVdev[] | string => {
  const vdevs: { kind: VdevKind; role: VdevRole; disks: string[] }[] = [];
  let role: VdevRole = 'data';
  let open: { kind: VdevKind; role: VdevRole; disks: string[] } | null = null;
  for (const word of words) {
    const r = ROLES[word];
    const k = KINDS[word.split(':')[0] ?? ''];
    if (r !== undefined) {
      role = r;
      open = null;
    } else if (k !== undefined) {
      open = { kind: k, role, disks: [] };
      vdevs.push(open);
    } else {
      const path = word.startsWith('/') ? word : BY_ID + word;
      if (open !== null) open.disks.push(path);
      else vdevs.push({ kind: 'stripe', role, disks: [path] });
    }
  }
  for (const v of vdevs)
    if (v.disks.length < NEEDS[v.kind])
      return `invalid vdev specification: ${v.kind.replace(/1$/, '')} requires at least ${NEEDS[v.kind]} devices\n`;
  // separate logs, caches and spares are not compared; special and dedup are
  const data = vdevs.filter((v) => v.role === 'data' || v.role === 'special' || v.role === 'dedup');
  const odd = whyUnequal(data);
  if (odd !== null && !force)
    return `invalid vdev specification\nuse '-f' to override the following errors:\nmismatched replication level: ${odd} are present\n`;
  const seen = new Set<string>();
  for (const path of vdevs.flatMap((v) => v.disks)) {
    const disk = w.diskByPath(path);
    if (disk === undefined || disk.unplugged) return `cannot resolve path '${path}'\n`;
    const own = (w.model.away ?? []).some((a) => a.pool.vdevs.some((v) => v.leaves.some((l) => w.diskByPath(l.disk) === disk)));
    if (own && !force) return `invalid vdev specification\nuse '-f' to override the following errors:\n${path} is part of exported pool\n`;
    if (w.poolOfDisk(disk)) return `${path} is in use and contains a unknown filesystem.\n`;
    if (disk.parts.some((p) => p.mountpoints.length > 0))
      return `${path} is in use and contains a ${disk.parts.find((p) => p.fstype)?.fstype ?? 'unknown'} filesystem.\n`;
    if (seen.has(disk.name)) return `invalid vdev specification: ${path} is specified more than once\n`;
    seen.add(disk.name);
    const fs = disk.fstype ?? disk.parts.find((p) => p.fstype !== null)?.fstype;
    if (fs && !force)
      return `invalid vdev specification\nuse '-f' to override the following errors:\n${path} contains a filesystem of type '${fs}'\n`;
  }
  return vdevs.map((v) => ({
    kind: v.kind,
    role: v.role,
    guid: '',
    leaves: v.disks.map((disk): SimLeaf => ({ disk, guid: '', state: 'ONLINE', read: 0, write: 0, checksum: 0, offline: false })),
  }));
};

const create: Tool = (w, args, now) => {
  const o = getopt(args, 'fndo:O:m:R:t:');
  if (typeof o === 'string') return usage('create', o);
  const [name, ...words] = o.rest;
  if (name === undefined) return usage('create', 'missing pool name argument');
  if (words.length === 0) return usage('create', 'missing vdev specification');
  const no = (why: string): Answer => failed(`cannot create '${name}': ${why}\n`);
  const bad = whyBadPool(name);
  if (bad !== undefined) return failed(`cannot create '${name}': ${bad}\npool name may have been omitted\n`);
  const local: Record<string, string> = {};
  for (const text of o.all('o')) {
    const at = text.indexOf('=');
    const v = poolValue(text.slice(0, at), text.slice(at + 1));
    if (typeof v !== 'string') return no(v.error);
    local[text.slice(0, at)] = v;
  }
  const rootLocal: Record<string, string> = {};
  for (const text of [...o.all('O'), ...(o.has('m') ? [`mountpoint=${o.get('m')}`] : [])]) {
    const at = text.indexOf('=');
    const v = checkValue(text.slice(0, at), text.slice(at + 1), 'filesystem');
    if ('error' in v) return no(v.error);
    rootLocal[text.slice(0, at)] = v.value;
  }
  const vdevs = layout(w, words, o.has('f'));
  if (typeof vdevs === 'string' && !vdevs.includes('is in use')) return failed(vdevs);
  if (w.pool(name) !== undefined) return no('pool already exists');
  if (typeof vdevs === 'string') return failed(vdevs);
  const mountpoint = rootLocal.mountpoint ?? `/${name}`;
  const taken =
    w.sorted().some((d) => d.mounted && d.local.mountpoint === mountpoint) ||
    Object.keys(w.model.texts).some((t) => t.startsWith(`${mountpoint}/`));
  if (mountpoint.startsWith('/') && taken)
    return failed(`mountpoint '${mountpoint}' exists and is not empty\nuse '-m' option to provide a different default\n`);
  if (o.has('n'))
    return {
      exit: 0,
      stdout: `would create '${name}' with the following layout:\n\n\t${name}\n${vdevs.map((v) => v.leaves.map((l) => `\t  ${l.disk.replace(BY_ID, '')}\n`).join('')).join('')}`,
    };
  const pool: SimPool = { name, guid: w.guid(), local, vdevs, scan: null, suspended: false, dataErrors: 0, fragmentation: 0 };
  for (const v of vdevs) {
    v.guid = w.guid();
    for (const l of v.leaves) {
      l.guid = w.guid();
      const disk = w.diskByPath(l.disk);
      if (disk) {
        disk.parts = [];
        disk.fstype = null;
      }
    }
  }
  const root: SimDataset = {
    name,
    guid: w.guid(),
    kind: 'filesystem',
    txg: 1,
    created: Math.floor(now / 1000),
    local: rootLocal,
    files: {},
    texts: {},
    mounted: false,
    origin: null,
    keyLoaded: true,
    snapshots: [],
  };
  w.model.pools.push(pool);
  w.add(root);
  mountIfItShould(w, root);
  w.event(now, name, '', '', 'sysevent.fs.zfs.pool_create');
  return done();
};

const set: Tool = (w, args, now) => {
  const [pair, name, ...more] = args;
  if (pair === undefined || name === undefined || more.length > 0) return usage('set', 'missing property=value argument');
  const at = pair.indexOf('=');
  if (at <= 0) return usage('set', `missing '=' in property=value argument`);
  const pool = w.pool(name);
  if (pool === undefined) return failed(`cannot open '${name}': is not a pool\n`, 22);
  const key = pair.slice(0, at);
  const v = poolValue(key, pair.slice(at + 1));
  if (typeof v !== 'string') return failed(`cannot set property for '${name}': ${v.error}\n`);
  if (v === '' && key === 'comment') delete pool.local[key];
  else pool.local[key] = v;
  w.event(now, name, 'set', `${key}=${v}`);
  return done();
};

/** 150 MB/s for each data disk: a scrub takes as long as a person expects. */
const scrubTime = (w: World, p: SimPool): { bytes: number; ms: number } => {
  const root = w.dataset(p.name);
  const { raw, usable } = sizeOf(p, w.diskByPath);
  const bytes = root === undefined || usable === 0 ? 0 : Math.round((w.account(root).used / usable) * raw);
  const disks = Math.max(1, p.vdevs.filter((v) => v.role === 'data').flatMap((v) => v.leaves).length);
  return { bytes, ms: Math.max(2_000, Math.round(bytes / (150_000 * disks))) };
};

export const resilverTime = scrubTime;

const scrub: Tool = (w, args, now) => {
  const o = getopt(args, 'spwe');
  if (typeof o === 'string') return usage('scrub', o);
  const name = o.rest[0];
  if (name === undefined) return usage('scrub', 'missing pool name argument');
  const pool = w.pool(name);
  if (pool === undefined) return noPool(name);
  const running = pool.scan !== null && scanAt(pool.scan, now).state === 'SCANNING' ? pool.scan : null;
  if (o.has('s') || o.has('p')) {
    const verb = o.has('s') ? 'cancel scrubbing' : 'pause scrubbing';
    if (running === null || running.kind !== 'SCRUB') return failed(`cannot ${verb} ${name}: there is no active scrub\n`);
    if (o.has('p')) {
      if (running.pausedAt !== null) return failed(`cannot ${verb} ${name}: scrub is paused; use 'zpool scrub' to resume scrub\n`);
      running.pausedAt = now;
    } else running.canceledAt = running.pausedAt ?? now;
    w.event(now, name, 'scan', o.has('s') ? 'canceled' : 'paused');
    return done();
  }
  if (pool.suspended) return failed(`cannot scrub ${name}: pool I/O is currently suspended\n`);
  if (running?.kind === 'RESILVER') return failed(`cannot scrub ${name}: currently resilvering\n`);
  if (running && running.pausedAt === null)
    return failed(`cannot scrub ${name}: currently scrubbing; use 'zpool scrub -s' to cancel scrub\n`);
  if (running) {
    running.pausedMs += now - (running.pausedAt ?? now);
    running.pausedAt = null;
  } else {
    const t = scrubTime(w, pool);
    pool.scan = {
      kind: 'SCRUB',
      startedAt: now,
      durationMs: t.ms,
      bytes: t.bytes,
      errors: 0,
      pausedAt: null,
      pausedMs: 0,
      canceledAt: null,
    };
  }
  w.event(now, name, '', '', 'sysevent.fs.zfs.scrub_start');
  return done();
};

const leavesNamed = (p: SimPool, names: readonly string[]): { v: SimVdev; l: SimLeaf }[] | string => {
  const found: { v: SimVdev; l: SimLeaf }[] = [];
  for (const n of names) {
    const path = n.startsWith('/') ? n.replace(/-part[0-9]+$/, '') : BY_ID + n;
    const hit = p.vdevs.flatMap((v) => v.leaves.map((l) => ({ v, l }))).find((x) => x.l.disk === path || x.l.guid === n);
    if (hit === undefined) return n;
    found.push(hit);
  }
  return found;
};

const onOff =
  (verb: 'online' | 'offline'): Tool =>
  (w, args, now) => {
    const o = getopt(args, 'fte');
    if (typeof o === 'string') return usage(verb, o);
    const [name, ...disks] = o.rest;
    if (name === undefined || disks.length === 0) return usage(verb, name === undefined ? 'missing pool name' : 'missing device name');
    const pool = w.pool(name);
    if (pool === undefined) return noPool(name);
    const leaves = leavesNamed(pool, disks);
    if (typeof leaves === 'string') return failed(`cannot ${verb} ${leaves}: no such device in pool\n`);
    if (verb === 'offline')
      for (const { v, l } of leaves) {
        const after = { ...v, leaves: v.leaves.map((x) => (x === l ? { ...x, state: 'OFFLINE' as const } : x)) };
        if (vdevHealth(after) === 'UNAVAIL')
          return failed(`cannot offline ${disks[leaves.findIndex((x) => x.l === l)]}: no valid replicas\n`);
      }
    for (const { l } of leaves) {
      const there = w.diskByPath(l.disk)?.unplugged !== true;
      l.state = verb === 'offline' ? 'OFFLINE' : there ? 'ONLINE' : 'REMOVED';
      l.offline = verb === 'offline';
      if (verb === 'online')
        pool.scan = {
          kind: 'RESILVER',
          startedAt: now,
          durationMs: 5_000,
          bytes: 64 * 1024 ** 2,
          errors: 0,
          pausedAt: null,
          pausedMs: 0,
          canceledAt: null,
        };
    }
    w.event(now, name, '', '', 'resource.fs.zfs.statechange');
    return done();
  };

const clear: Tool = (w, args, now) => {
  const [name, ...disks] = args;
  if (name === undefined) return usage('clear', 'missing pool name');
  const pool = w.pool(name);
  if (pool === undefined) return noPool(name);
  const leaves = disks.length === 0 ? pool.vdevs.flatMap((v) => v.leaves.map((l) => ({ v, l }))) : leavesNamed(pool, disks);
  if (typeof leaves === 'string') return failed(`cannot clear errors for ${leaves}: no such device in pool\n`);
  for (const { l } of leaves) {
    l.read = 0;
    l.write = 0;
    l.checksum = 0;
    if (!l.offline && w.diskByPath(l.disk)?.unplugged !== true) l.state = 'ONLINE';
  }
  if (pool.vdevs.every((v) => v.role === 'spare' || v.role === 'cache' || v.role === 'log' || vdevHealth(v) !== 'UNAVAIL'))
    pool.suspended = false;
  w.event(now, name, '', '', 'sysevent.fs.zfs.vdev_clear');
  return done();
};

export const zpoolChange: Readonly<Record<string, Tool>> = {
  create,
  set,
  scrub,
  online: onOff('online'),
  offline: onOff('offline'),
  clear,
};
