/** `zpool` of the simulated host: reading. Changes are in zpool-change.ts. */
import type { PoolHealth } from '../../domain/pool/pool.ts';
import type { Answer } from './getopt.ts';
import { failed, getopt, nice, said } from './getopt.ts';
import {
  BY_ID,
  poolHealth,
  scanAt,
  type SimLeaf,
  type SimPool,
  type SimScan,
  type SimVdev,
  sizeOf,
  vdevHealth,
  type World,
} from './model.ts';
import type { Shown } from './properties.ts';
import type { Tool } from './words.ts';
import { versionAnswer } from './zfs.ts';
import { zpoolChange } from './zpool-change.ts';
import { zpoolMoves } from './zpool-moves.ts';
import { zpoolDisks } from './zpool-disks.ts';

export const zpoolUsage = (command: string, why = ''): Answer =>
  failed(`${why === '' ? '' : `${why}\n`}usage:\n\t${command} ...\n\nthe following properties are supported:\n`, 2);
const head = (command: string): string => `{"output_version":{"command":"${command}","vers_major":0,"vers_minor":1},`;

/** Property -> default; null is read from the pool itself. In the order of `zpool get all`. */
export const POOL_DEFAULTS: Readonly<Record<string, string | null>> = {
  size: null,
  capacity: null,
  altroot: '-',
  health: null,
  guid: null,
  version: '-',
  bootfs: '-',
  delegation: 'on',
  autoreplace: 'off',
  cachefile: '-',
  failmode: 'wait',
  listsnapshots: 'off',
  autoexpand: 'off',
  dedupratio: null,
  free: null,
  allocated: null,
  readonly: null,
  ashift: '0',
  comment: '-',
  expandsize: null,
  freeing: null,
  fragmentation: null,
  leaked: null,
  multihost: 'off',
  checkpoint: null,
  load_guid: null,
  autotrim: 'off',
  compatibility: 'off',
};
const ALIASES: Readonly<Record<string, string>> = {
  alloc: 'allocated',
  cap: 'capacity',
  frag: 'fragmentation',
  dedup: 'dedupratio',
  expandsz: 'expandsize',
};

const poolProperty = (w: World, p: SimPool, name: string, exact: boolean): Shown => {
  const fixed = (value: string): Shown => ({ value, source: 'NONE', from: '-' });
  const bytes = (n: number): Shown => fixed(exact ? String(n) : nice(n));
  const { raw, usable } = sizeOf(p, w.diskByPath);
  const root = w.dataset(p.name);
  const used = root === undefined ? 0 : w.account(root).used;
  const allocated = usable === 0 ? 0 : Math.min(raw, Math.round((used / usable) * raw));
  switch (name) {
    case 'name':
      return fixed(p.name);
    case 'size':
      return bytes(raw);
    case 'allocated':
      return bytes(allocated);
    case 'free':
      return bytes(raw - allocated);
    case 'capacity':
      return fixed(`${raw === 0 ? 0 : Math.floor((allocated / raw) * 100)}${exact ? '' : '%'}`);
    case 'fragmentation':
      return fixed(`${p.fragmentation}${exact ? '' : '%'}`);
    case 'health':
      return fixed(poolHealth(p));
    case 'guid':
    case 'load_guid':
      return fixed(p.guid);
    case 'dedupratio':
      return fixed(exact ? '1.00' : '1.00x');
    case 'readonly':
      return fixed(p.readonly ? 'on' : 'off');
    case 'freeing':
    case 'leaked':
      return bytes(0);
    case 'expandsize':
    case 'checkpoint':
      return fixed('-');
    default: {
      const own = p.local[name];
      if (own !== undefined) return { value: own, source: 'LOCAL', from: '-' };
      return { value: POOL_DEFAULTS[name] ?? '-', source: 'DEFAULT', from: '-' };
    }
  }
};

const infoJson = (w: World, p: SimPool, typed: boolean): string =>
  `"name":"${p.name}",${typed ? '"type":"POOL",' : ''}"state":"${poolHealth(p)}","pool_guid":"${p.guid}","txg":"${w.model.txg}","spa_version":"5000","zpl_version":"5"`;
const propertiesJson = (w: World, p: SimPool, names: readonly string[], exact: boolean): string =>
  names
    .filter((n) => n !== 'name')
    .map((n) => {
      const s = poolProperty(w, p, n, exact);
      return `"${n}":{"value":${JSON.stringify(s.value)},"source":{"type":"${s.source}","data":"${s.from}"}}`;
    })
    .join(',');

const pick = (w: World, names: readonly string[]): SimPool[] | Answer => {
  const missing = names.find((n) => w.pool(n) === undefined);
  if (missing !== undefined) return failed(`cannot open '${missing}': no such pool\n`);
  return names.length === 0 ? [...w.model.pools].sort((a, b) => (a.name < b.name ? -1 : 1)) : names.map((n) => w.pool(n) as SimPool); // looked up above
};

const list: Tool = (w, args) => {
  const o = getopt(args, 'Hpjo:');
  if (typeof o === 'string') return zpoolUsage('list', o);
  const columns = (o.get('o') ?? 'name,size,allocated,free,checkpoint,expandsize,fragmentation,capacity,dedupratio,health,altroot')
    .split(',')
    .map((c) => ALIASES[c] ?? c);
  const bad = columns.find((c) => c !== 'name' && !(c in POOL_DEFAULTS));
  if (bad !== undefined) return zpoolUsage('list', `bad property list: invalid property '${bad}'`);
  const pools = pick(w, o.rest);
  if (!Array.isArray(pools)) return pools;
  if (o.has('j')) {
    // with no pool at all the real tool prints nothing
    if (pools.length === 0) return said('');
    return said(
      `${head('zpool list')}"pools":{${pools.map((p) => `"${p.name}":{${infoJson(w, p, true)},"properties":{${propertiesJson(w, p, columns, o.has('p'))}}}`).join(',')}}}\n`,
    );
  }
  if (pools.length === 0) return said(o.has('H') ? '' : 'no pools available\n');
  const rows = pools.map((p) => columns.map((c) => poolProperty(w, p, c, o.has('p')).value));
  if (o.has('H')) return said(rows.map((r) => `${r.join('\t')}\n`).join(''));
  return said([columns.map((c) => c.toUpperCase()), ...rows].map((r) => `${r.join('  ')}\n`).join(''));
};

const get: Tool = (w, args) => {
  const o = getopt(args, 'Hpjo:');
  if (typeof o === 'string') return zpoolUsage('get', o);
  const [wanted, ...names] = o.rest;
  if (wanted === undefined) return zpoolUsage('get', 'missing property argument');
  const columns = wanted === 'all' ? Object.keys(POOL_DEFAULTS) : wanted.split(',').map((c) => ALIASES[c] ?? c);
  const bad = columns.find((c) => !(c in POOL_DEFAULTS) && !c.includes(':'));
  if (bad !== undefined) return zpoolUsage('get', `bad property list: invalid property '${bad}'`);
  const missing = names.find((n) => w.pool(n) === undefined);
  if (missing !== undefined) return failed(`Cannot get properties of ${missing}: no such pool available.\n`);
  const pools = pick(w, names);
  if (!Array.isArray(pools)) return pools;
  if (o.has('j'))
    return said(
      `${head('zpool get')}"pools":{${pools.map((p) => `"${p.name}":{${infoJson(w, p, true)},"properties":{${propertiesJson(w, p, columns, o.has('p'))}}}`).join(',')}}}\n`,
    );
  const fields = (o.get('o') ?? 'name,property,value,source').split(',');
  const lines = pools.flatMap((p) =>
    columns.map((c) => {
      const s = poolProperty(w, p, c, o.has('p'));
      const cell: Readonly<Record<string, string>> = {
        name: p.name,
        property: c,
        value: s.value,
        source: s.source === 'NONE' ? '-' : s.source.toLowerCase(),
      };
      return fields.map((f) => cell[f] ?? '-').join(o.has('H') ? '\t' : '  ');
    }),
  );
  return { exit: 0, lines: () => lines };
};

const time = (ms: number, exact: boolean): string =>
  ms === 0 ? (exact ? '0' : '-') : exact ? String(Math.floor(ms / 1000)) : new Date(ms).toUTCString();
const scanJson = (s: SimScan, now: number, exact: boolean): string => {
  const at = scanAt(s, now);
  const b = (n: number): string => (exact ? String(Math.round(n)) : nice(Math.round(n)));
  const through = b(s.bytes * at.done);
  return `"scan_stats":{"function":"${s.kind}","state":"${at.state}","start_time":"${time(s.startedAt, exact)}","end_time":"${time(at.endedAt, exact)}","to_examine":"${b(s.bytes)}","examined":"${through}","skipped":"${b(0)}","processed":"${b(s.kind === 'RESILVER' ? s.bytes * at.done : 0)}","errors":"${s.errors}","bytes_per_scan":"${at.state === 'SCANNING' ? through : b(0)}","pass_start":"${Math.floor(s.startedAt / 1000)}","scrub_pause":"${time(at.state === 'SCANNING' ? (s.pausedAt ?? 0) : 0, exact)}","scrub_spent_paused":"${Math.floor(s.pausedMs / 1000)}","issued_bytes_per_scan":"${at.state === 'SCANNING' ? through : b(0)}","issued":"${through}"}`;
};

const leafName = (l: SimLeaf): string => l.disk.replace(BY_ID, '');
/** In JSON, vdevs say UNAVAIL in a word of their own. */
const jsonState = (s: PoolHealth): string => (s === 'UNAVAIL' ? 'CANT_OPEN' : s);
/** A disk, or the two of which one replaces the other. */
const leafJson = (w: World, l: SimLeaf, v: SimVdev, exact: boolean, more: (l: SimLeaf) => string): string => {
  if (!l.by) return diskJson(w, l, v, exact, more);
  const name = `replacing-${v.leaves.indexOf(l)}`;
  const { by, ...old } = l;
  return `"${name}":{"name":"${name}","vdev_type":"replacing","guid":"${l.group}","class":"normal","state":"${l.state === 'ONLINE' ? 'ONLINE' : 'DEGRADED'}","read_errors":"0","write_errors":"0","checksum_errors":"0","vdevs":{${diskJson(w, old, v, exact, more)},${diskJson(w, by, v, exact, more)}}}`;
};
const diskJson = (w: World, l: SimLeaf, v: SimVdev, exact: boolean, more: (l: SimLeaf) => string): string => {
  const disk = w.diskByPath(l.disk);
  const n = (x: number): string => (exact ? String(x) : nice(x, true));
  const b = (x: number): string => (exact ? String(x) : nice(x));
  const size = (disk?.size ?? 0) - 10 * 1024 ** 2;
  const cls = v.role === 'data' ? 'normal' : v.role === 'cache' ? 'l2cache' : v.role;
  // a disk that is not there any more is called by its guid
  const gone = l.state === 'UNAVAIL';
  const name = gone ? l.guid : leafName(l);
  const state = v.role === 'spare' && l.state === 'ONLINE' ? 'AVAIL' : jsonState(l.state);
  const base = `"name":"${name}","vdev_type":"disk","guid":"${l.guid}","path":"${l.disk}-part1","class":"${cls}","state":"${state}"`;
  if (v.role === 'spare') return `"${name}":{${base}}`;
  // what the smallest disk of the vdev has room for
  const needed = Math.min(...v.leaves.map((x) => w.diskByPath(x.disk)?.size ?? size)) - 10 * 1024 ** 2;
  const aux =
    l.state === 'FAULTED'
      ? ',"aux":"ERR_EXCEEDED"'
      : l.state === 'REMOVED' || l.state === 'UNAVAIL'
        ? `,"not_present":"1","was":"${l.disk}-part1"`
        : '';
  return `"${name}":{${base},"rep_dev_size":"${b(needed)}","phys_space":"${b(size)}","read_errors":"${n(l.read)}","write_errors":"${n(l.write)}","checksum_errors":"${n(l.checksum)}","slow_ios":"0"${aux}${more(l)}}`;
};

const vdevJson = (w: World, v: SimVdev, index: number, exact: boolean, more: (l: SimLeaf) => string): string => {
  if (v.kind === 'stripe') return v.leaves.map((l) => leafJson(w, l, v, exact, more)).join(',');
  const parity = v.kind.at(-1) ?? '';
  const type = v.kind.startsWith('raidz') ? 'raidz' : v.kind.startsWith('draid') ? 'draid' : v.kind;
  const name = type === 'draid' ? `${v.kind}:${v.leaves.length - Number(parity)}d:${v.leaves.length}c:0s-${index}` : `${v.kind}-${index}`;
  const b = (x: number): string => (exact ? String(x) : nice(x));
  const least = Math.min(...v.leaves.map((l) => (w.diskByPath(l.disk)?.size ?? 0) - 16 * 1024 ** 2));
  const total = v.kind === 'mirror' ? least : least * v.leaves.length;
  const cls = v.role === 'data' ? 'normal' : v.role;
  return `"${name}":{"name":"${name}","vdev_type":"${type}","guid":"${v.guid}","class":"${cls}","state":"${jsonState(vdevHealth(v))}","total_space":"${b(total)}","def_space":"${b(total)}","rep_dev_size":"${b(total)}","read_errors":"0","write_errors":"0","checksum_errors":"0","vdevs":{${v.leaves.map((l) => leafJson(w, l, v, exact, more)).join(',')}}}`;
};

const WORDS: Readonly<Record<string, readonly [status: string, action: string, id: string]>> = {
  FAULTED: [
    'One or more devices are faulted in response to persistent errors.\n\tSufficient replicas exist for the pool to continue functioning in a\n\tdegraded state.\n',
    "Replace the faulted device, or use 'zpool clear' to mark the device\n\trepaired.\n",
    'ZFS-8000-K4',
  ],
  OFFLINE: [
    'One or more devices has been taken offline by the administrator.\n\tSufficient replicas exist for the pool to continue functioning in a\n\tdegraded state.\n',
    "Online the device using 'zpool online' or replace the device with\n\t'zpool replace'.\n",
    '',
  ],
  REMOVED: [
    'One or more devices have been removed.\n\tSufficient replicas exist for the pool to continue functioning in a\n\tdegraded state.\n',
    "Online the device using zpool online' or replace the device with\n\t'zpool replace'.\n",
    '',
  ],
  ERRORS: [
    'One or more devices has experienced an unrecoverable error.  An\n\tattempt was made to correct the error.  Applications are unaffected.\n',
    "Determine if the device needs to be replaced, and clear the errors\n\tusing 'zpool clear' or replace the device with 'zpool replace'.\n",
    'ZFS-8000-9P',
  ],
  SUSPENDED: [
    'One or more devices are faulted in response to IO failures.\n',
    "Make sure the affected devices are connected, then run 'zpool clear'.\n",
    'ZFS-8000-HC',
  ],
};
const reasonJson = (p: SimPool): string => {
  const leaves = p.vdevs.flatMap((v) => v.leaves);
  const key =
    poolHealth(p) === 'SUSPENDED'
      ? 'SUSPENDED'
      : (['FAULTED', 'OFFLINE', 'REMOVED'].find((s) => leaves.some((l) => l.state === s)) ??
        (leaves.some((l) => l.read + l.write + l.checksum > 0) ? 'ERRORS' : ''));
  const words = WORDS[key];
  if (words === undefined) return '';
  const [status, action, id] = words;
  return `,"status":${JSON.stringify(status)},"action":${JSON.stringify(action)}${id === '' ? '' : `,"msgid":"${id}","moreinfo":"https://openzfs.github.io/openzfs-docs/msg/${id}"`}`;
};

/** A checkpoint that is there, and a raidz that has grown or does. */
const workJson = (p: SimPool, now: number): string => {
  const s = (ms: number): string => `"${Math.floor(ms / 1000)}"`;
  const c = p.checkpoint ? `,"checkpoint_stats":{"state":"EXISTS","start_time":${s(p.checkpoint.at)},"space":"${p.checkpoint.space}"}` : '';
  const x = p.expansion;
  if (!x) return c;
  const share = Math.min(1, (now - x.startedAt) / x.durationMs);
  const end = share < 1 ? 0 : x.startedAt + x.durationMs;
  return `${c},"raidz_expand_stats":{"name":"${p.vdevs[x.vdev]?.kind}","state":"${share < 1 ? 'SCANNING' : 'FINISHED'}","expanding_vdev":"${x.vdev}","start_time":${s(x.startedAt)},"end_time":${s(end)},"to_reflow":"${x.bytes}","reflowed":"${Math.floor(x.bytes * share)}","waiting_for_resilver":"0"}`;
};
/** Only with -t, and only for disks that can be trimmed. */
const trimJson = (w: World, p: SimPool, l: SimLeaf, now: number): string => {
  const t = p.trim;
  if (w.diskByPath(l.disk)?.rotational !== false) return ',"trim_notsup":"1"';
  if (!t) return ',"trim_state":"UNTRIMMED","trimmed":"0","to_trim":"0","trim_time":"0","trim_errors":"0","trim_notsup":"0"';
  const share = Math.min(1, ((t.stoppedAt ?? now) - t.startedAt) / t.durationMs);
  const state = share >= 1 ? 'COMPLETE' : t.stoppedAt === null ? 'ACTIVE' : t.canceled ? 'CANCELED' : 'SUSPENDED';
  const size = w.diskByPath(l.disk)?.size ?? 0;
  return `,"trim_state":"${state}","trimmed":"${Math.floor(size * share)}","to_trim":"${size}","trim_time":"${Math.floor(t.startedAt / 1000)}","trim_errors":"0","trim_notsup":"0"`;
};

const status: Tool = (w, args, now) => {
  const o = getopt(args, 'jpt');
  if (typeof o === 'string') return zpoolUsage('status', o);
  if (!o.has('j')) return zpoolUsage('status', 'the simulated zpool status answers with -j only');
  const pools = pick(w, o.rest);
  if (!Array.isArray(pools)) return pools;
  const exact = o.has('p');
  const b = (x: number): string => (exact ? String(x) : nice(x));
  const items = pools.map((p) => {
    const numbered = p.vdevs.map((v, i) => ({ v, text: vdevJson(w, v, i, exact, (l) => (o.has('t') ? trimJson(w, p, l, now) : '')) }));
    const of = (role: SimVdev['role']): string =>
      numbered
        .filter((x) => x.v.role === role)
        .map((x) => x.text)
        .join(',');
    const group = (key: string, role: SimVdev['role']): string => (of(role) === '' ? '' : `,"${key}":{${of(role)}}`);
    const total = sizeOf(p, w.diskByPath);
    const allocated = poolProperty(w, p, 'allocated', true).value;
    const rootState = poolHealth(p) === 'SUSPENDED' ? 'CANT_OPEN' : poolHealth(p);
    const root = `"${p.name}":{"name":"${p.name}","vdev_type":"root","guid":"${p.guid}","class":"normal","state":"${rootState}","alloc_space":"${b(Number(allocated))}","total_space":"${b(total.raw)}","def_space":"${b(total.usable)}","read_errors":"0","write_errors":"0","checksum_errors":"0","vdevs":{${of('data')}}}`;
    return `"${p.name}":{${infoJson(w, p, false)}${reasonJson(p)}${p.scan ? `,${scanJson(p.scan, now, exact)}` : ''}${workJson(p, now)},"vdevs":{${root}}${group('dedup', 'dedup')}${group('special', 'special')}${group('logs', 'log')}${group('l2cache', 'cache')}${group('spares', 'spare')},"error_count":"${p.dataErrors}"}`;
  });
  return said(`${head('zpool status')}"pools":{${items.join(',')}}}\n`);
};

const events: Tool = (w, args) => {
  const o = getopt(args, 'Hv');
  if (typeof o === 'string') return zpoolUsage('events', o);
  const name = o.rest[0];
  if (name !== undefined && w.pool(name) === undefined) return failed(`cannot open '${name}': no such pool\n`);
  const lines = w.model.events.flatMap((e, i) => {
    if (name !== undefined && e.pool !== name) return [];
    const d = new Date(e.at);
    const [, month = '', day = '', year = ''] = /^\w+, (\d+) (\w+) (\d+)/.exec(d.toUTCString())?.map(String) ?? [];
    const line = `${day} ${month} ${year} ${d.toISOString().slice(11, 19)}.${String(d.getUTCMilliseconds()).padStart(3, '0')}000000\t${e.class}`;
    if (!o.has('v')) return [line];
    const hex = (text: string): string => `0x${BigInt(text).toString(16)}`;
    return [
      line,
      '        version = 0x0',
      `        class = "${e.class}"`,
      `        pool = "${e.pool}"`,
      `        pool_guid = ${hex(w.pool(e.pool)?.guid ?? '0')}`,
      ...(e.vdev === undefined
        ? [`        history_internal_str = "${e.text}"`, `        history_internal_name = "${e.name}"`]
        : [`        vdev_guid = ${hex(e.vdev.guid)}`, `        vdev_path = "${e.vdev.disk}-part1"`]),
      `        time = ${hex(String(Math.floor(e.at / 1000)))} 0x0 `,
      `        eid = 0x${(i + 1).toString(16)}`,
      '',
    ];
  });
  return { exit: 0, lines: () => (o.has('H') ? lines : ['TIME                           CLASS', ...lines]) };
};

export const zpool: Tool = (w, args, now, input) => {
  const [command, ...rest] = args;
  if (command === 'list') return list(w, rest, now, input);
  if (command === 'status') return status(w, rest, now, input);
  if (command === 'get') return get(w, rest, now, input);
  if (command === 'events') return events(w, rest, now, input);
  if (command === 'version') return versionAnswer('zpool', w.model.version, rest);
  const change = zpoolChange[command ?? ''] ?? zpoolDisks[command ?? ''] ?? zpoolMoves[command ?? ''];
  if (change !== undefined) {
    const answer = change(w, rest, now, input);
    if (answer.changed) w.changed();
    return answer;
  }
  return failed(`unrecognized command '${command ?? ''}'\nusage: zpool command args ...\nwhere 'command' is one of the following:\n`, 2);
};
