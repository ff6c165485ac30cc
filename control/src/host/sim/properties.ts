/** Dataset properties of the simulated ZFS: defaults, inheritance, what each accepts and the words it refuses with. */
import { nice, parseNumber } from './getopt.ts';
import type { Account, SimDataset, SimSnapshot, World } from './model.ts';

type Kind = 'index' | 'size' | 'block' | 'string' | 'mountpoint';
export type PropertyDef = { on: 'f' | 'v' | 'b'; kind: Kind; def: string; inherit: boolean; once?: true; values?: string };
const index = (values: string, def: string, on: PropertyDef['on'] = 'b', more: Partial<PropertyDef> = {}): PropertyDef => ({
  on,
  kind: 'index',
  def,
  inherit: true,
  values,
  ...more,
});
const size = (on: PropertyDef['on']): PropertyDef => ({ on, kind: 'size', def: '0', inherit: false });
const text = (def: string, on: PropertyDef['on'] = 'b', inherit = false): PropertyDef => ({ on, kind: 'string', def, inherit });

export const COMPRESSION =
  'on | off | lzjb | gzip | gzip-[1-9] | zle | lz4 | zstd | zstd-[1-19] | zstd-fast | zstd-fast-[1-10,20,30,40,50,60,70,80,90,100,500,1000]';
const DEDUP = 'on | off | verify | sha256[,verify] | sha512[,verify] | skein[,verify] | edonr,verify | blake3[,verify]';

/** In the order `zfs get all` prints them. */
export const DEFS: Readonly<Record<string, PropertyDef>> = {
  quota: size('f'),
  reservation: size('b'),
  volsize: { on: 'v', kind: 'size', def: '0', inherit: false },
  volblocksize: { on: 'v', kind: 'block', def: '16384', inherit: false, once: true },
  recordsize: { on: 'f', kind: 'block', def: '131072', inherit: true },
  mountpoint: { on: 'f', kind: 'mountpoint', def: '/', inherit: true },
  sharenfs: text('off', 'f', true),
  checksum: index('on | off | fletcher2 | fletcher4 | sha256 | sha512 | skein | edonr | blake3', 'on'),
  compression: index(COMPRESSION, 'on'),
  atime: index('on | off', 'on', 'f'),
  devices: index('on | off', 'on', 'f'),
  exec: index('on | off', 'on', 'f'),
  setuid: index('on | off', 'on', 'f'),
  readonly: index('on | off', 'off'),
  zoned: index('on | off', 'off', 'f'),
  snapdir: index('disabled | hidden | visible', 'hidden', 'f'),
  aclmode: index('discard | groupmask | passthrough | restricted', 'discard', 'f'),
  aclinherit: index('discard | noallow | restricted | passthrough | passthrough-x', 'restricted', 'f'),
  canmount: index('on | off | noauto', 'on', 'f', { inherit: false }),
  xattr: index('on | off | dir | sa', 'on', 'f'),
  copies: index('1 | 2 | 3', '1'),
  utf8only: index('on | off', 'off', 'f', { inherit: false, once: true }),
  normalization: index('none | formC | formD | formKC | formKD', 'none', 'f', { inherit: false, once: true }),
  casesensitivity: index('sensitive | insensitive | mixed', 'sensitive', 'f', { inherit: false, once: true }),
  vscan: index('on | off', 'off', 'f'),
  nbmand: index('on | off', 'off', 'f'),
  sharesmb: text('off', 'f', true),
  refquota: size('f'),
  refreservation: size('b'),
  primarycache: index('all | none | metadata', 'all'),
  secondarycache: index('all | none | metadata', 'all'),
  logbias: index('latency | throughput', 'latency'),
  dedup: index(DEDUP, 'off'),
  sync: index('standard | always | disabled', 'standard'),
  dnodesize: index('legacy | auto | 1k | 2k | 4k | 8k | 16k', 'legacy', 'f'),
  acltype: index('off | nfsv4 | posix', 'off', 'f'),
  relatime: index('on | off', 'on', 'f'),
  redundant_metadata: index('all | most | some | none', 'all'),
  overlay: index('on | off', 'on', 'f'),
  encryption: index('on | off | aes-128-ccm | aes-192-ccm | aes-256-ccm | aes-128-gcm | aes-192-gcm | aes-256-gcm', 'off', 'b', {
    inherit: false,
    once: true,
  }),
  keylocation: text('none'),
  keyformat: index('none | raw | hex | passphrase', 'none', 'b', { inherit: false, once: true }),
  special_small_blocks: { on: 'f', kind: 'block', def: '0', inherit: true },
};
const READONLY = new Set([
  'type', 'creation', 'used', 'available', 'referenced', 'compressratio', 'mounted', 'origin', 'createtxg', 'guid', 'usedbysnapshots', 'usedbydataset',
  'usedbychildren', 'usedbyrefreservation', 'written', 'logicalused', 'logicalreferenced', 'encryptionroot', 'keystatus', 'userrefs', 'clones', 'defer_destroy', 'snapshots_changed',
]); // biome-ignore format: a list of names
const ALIASES: Readonly<Record<string, string>> = {
  avail: 'available', refer: 'referenced', recsize: 'recordsize', reserv: 'reservation', refreserv: 'refreservation', compress: 'compression',
  rdonly: 'readonly', usedsnap: 'usedbysnapshots', usedds: 'usedbydataset', usedchild: 'usedbychildren', ratio: 'compressratio', volblock: 'volblocksize',
}; // biome-ignore format: a list of names

export const propertyName = (asked: string): string => ALIASES[asked] ?? asked;
export const isUserProperty = (name: string): boolean => name.includes(':') && /^[a-z0-9:+._-]+$/.test(name);
export const isProperty = (name: string): boolean => name === 'name' || name in DEFS || READONLY.has(name) || isUserProperty(name);
export const isReadonly = (name: string): boolean => READONLY.has(name);
export const ALL_PROPERTIES: readonly string[] = [
  'type', 'creation', 'used', 'available', 'referenced', 'compressratio', 'mounted', 'origin', ...Object.keys(DEFS), 'createtxg', 'guid', 'usedbysnapshots',
  'usedbydataset', 'usedbychildren', 'usedbyrefreservation', 'written', 'logicalused', 'logicalreferenced', 'encryptionroot', 'keystatus', 'userrefs',
]; // biome-ignore format: a list of names

const accepted = (def: PropertyDef, name: string, value: string): boolean => {
  if (name === 'compression')
    return /^(on|off|lzjb|gzip(-[1-9])?|zle|lz4|zstd(-([1-9]|1[0-9]))?|zstd-fast(-([1-9]|10|[2-9]0|100|500|1000))?)$/.test(value);
  if (name === 'dedup') return /^(on|off|verify|(sha256|sha512|skein|blake3)(,verify)?|edonr,verify)$/.test(value);
  if (name === 'acltype' && /^(posixacl|noacl|disabled)$/.test(value)) return true;
  return (def.values ?? '').split(' | ').includes(value);
};
/** ZFS shows one spelling of each value. */
const shown = (name: string, value: string): string => {
  if (name === 'acltype') return value === 'posixacl' ? 'posix' : value === 'noacl' || value === 'disabled' ? 'off' : value;
  if (name === 'xattr') return value === 'sa' ? 'on' : value;
  if (name === 'compression') return value === 'gzip-6' ? 'gzip' : value === 'zstd-fast-1' ? 'zstd-fast' : value;
  if (name === 'encryption') return value === 'on' ? 'aes-256-gcm' : value;
  return value;
};

/** The value as it is kept, or what ZFS says against it. */
export const checkValue = (name: string, value: string, kind: SimDataset['kind']): { value: string } | { error: string } => {
  if (isUserProperty(name)) return { value };
  if (READONLY.has(name)) return { error: `'${name}' is readonly` };
  const def = DEFS[name];
  if (def === undefined) return { error: `invalid property '${name}'` };
  if (def.on === (kind === 'volume' ? 'f' : 'v')) return { error: `'${name}' does not apply to datasets of this type` };
  if (def.kind === 'index')
    return accepted(def, name, value) ? { value: shown(name, value) } : { error: `'${name}' must be one of '${def.values ?? ''}'` };
  if (def.kind === 'mountpoint')
    return value === 'none' || value === 'legacy' || value.startsWith('/')
      ? { value: value.length > 1 ? value.replace(/\/+$/, '') : value }
      : { error: "'mountpoint' must be an absolute path, 'none', or 'legacy'" };
  if (def.kind === 'string') return { value };
  if (value === 'none' && def.kind === 'size' && name !== 'volsize') return { value: '0' };
  const n = parseNumber(value);
  if (n === null) return { error: `bad numeric value '${value}'` };
  if (def.kind === 'block') {
    const zeroOk = name === 'special_small_blocks' && n === 0;
    if (!zeroOk && (n < 512 || n > 16 * 1024 ** 2 || (n & (n - 1)) !== 0))
      return { error: `'${name}' must be power of 2 from 512B to 16M` };
  }
  return { value: String(n) };
};

export type Source = 'NONE' | 'DEFAULT' | 'LOCAL' | 'INHERITED';
export type Shown = { value: string; source: Source; from: string };
const none = (value: string): Shown => ({ value, source: 'NONE', from: '-' });

export const encryptionRoot = (w: World, d: SimDataset): SimDataset | undefined => {
  let at: SimDataset | undefined = d;
  while (at !== undefined) {
    if ((at.local.encryption ?? 'off') !== 'off') return at;
    const cut: number = at.name.lastIndexOf('/');
    at = cut < 0 ? undefined : w.dataset(at.name.slice(0, cut));
  }
  return undefined;
};
export const keyLoaded = (w: World, d: SimDataset): boolean => encryptionRoot(w, d)?.keyLoaded ?? true;

const inherited = (w: World, d: SimDataset, name: string): { value: string; from: string } | undefined => {
  let cut = d.name.lastIndexOf('/');
  while (cut > 0) {
    const up = w.dataset(d.name.slice(0, cut));
    const value = up?.local[name];
    if (up !== undefined && value !== undefined) return { value, from: up.name };
    cut = d.name.lastIndexOf('/', cut - 1);
  }
  return undefined;
};

export const mountpointOf = (w: World, d: SimDataset): string | null => {
  if (d.kind === 'volume') return null;
  const shownValue = settable(w, d, 'mountpoint', DEFS.mountpoint as PropertyDef).value; // the table above has it
  return shownValue.startsWith('/') ? shownValue : null;
};

const settable = (w: World, d: SimDataset, name: string, def: PropertyDef): Shown => {
  const own = d.local[name];
  if (own !== undefined) return { value: own, source: def.once && def.kind === 'index' ? 'NONE' : 'LOCAL', from: '-' };
  const up = def.inherit ? inherited(w, d, name) : undefined;
  if (name === 'mountpoint') {
    const base = up?.value ?? `/${d.name.split('/')[0] ?? ''}`;
    const rest = d.name.slice((up?.from ?? d.name.split('/')[0] ?? '').length);
    const value = base.startsWith('/') ? (base === '/' ? rest || '/' : base + rest) : base;
    return up ? { value, source: 'INHERITED', from: up.from } : { value, source: 'DEFAULT', from: '-' };
  }
  if (up) return { value: up.value, source: 'INHERITED', from: up.from };
  return { value: def.def, source: def.once && def.kind === 'index' ? 'NONE' : 'DEFAULT', from: '-' };
};

const DATE = new Intl.DateTimeFormat('en-US', {
  timeZone: 'UTC',
  weekday: 'short',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  hour12: false,
  year: 'numeric',
});
export const dateText = (seconds: number): string => {
  const p = Object.fromEntries(DATE.formatToParts(seconds * 1000).map((x) => [x.type, x.value]));
  return `${p.weekday} ${p.month} ${p.day} ${p.hour}:${p.minute} ${p.year}`;
};

/** A dataset's property as ZFS shows it; null when it does not apply. `exact` is `-p`. */
export const datasetProperty = (w: World, d: SimDataset, name: string, exact: boolean): Shown | null => {
  const bytes = (n: number): Shown => none(exact ? String(n) : nice(n));
  const a = (): Account => w.account(d);
  switch (name) {
    case 'name':
      return none(d.name);
    case 'type':
      return none(d.kind);
    case 'guid':
      return none(d.guid);
    case 'createtxg':
      return none(String(d.txg));
    case 'creation':
      return none(exact ? String(d.created) : dateText(d.created));
    case 'used':
      return bytes(a().used);
    case 'available':
      return bytes(a().available);
    case 'referenced':
      return bytes(a().referenced);
    case 'written':
      return bytes(writtenTo(w, d, a().referenced));
    case 'usedbysnapshots':
      return bytes(a().bySnapshots);
    case 'usedbydataset':
      return bytes(a().byDataset);
    case 'usedbychildren':
      return bytes(a().byChildren);
    case 'usedbyrefreservation':
      return bytes(a().byReservation);
    case 'logicalused':
      return bytes(Math.round(a().used * ratioOf(w, d)));
    case 'logicalreferenced':
      return bytes(Math.round(a().referenced * ratioOf(w, d)));
    case 'compressratio':
      return none(ratioOf(w, d).toFixed(2) + (exact ? '' : 'x'));
    case 'mounted':
      return d.kind === 'volume' ? null : none(d.mounted ? 'yes' : 'no');
    case 'origin':
      return d.origin === null ? null : none(d.origin);
    case 'snapshots_changed': {
      const at = d.changed === undefined ? d.snapshots.at(-1)?.created : d.changed;
      return at === undefined || at === null ? null : none(exact ? String(at) : dateText(at));
    }
    case 'encryption': {
      const root = encryptionRoot(w, d);
      return root ? none(root.local.encryption ?? 'off') : { value: 'off', source: 'DEFAULT', from: '-' };
    }
    case 'encryptionroot':
      return none(encryptionRoot(w, d)?.name ?? '-');
    case 'keyformat':
      return none(encryptionRoot(w, d)?.local.keyformat ?? 'none');
    case 'keylocation':
      return d.local.keylocation === undefined
        ? { value: 'none', source: 'DEFAULT', from: '-' }
        : { value: d.local.keylocation, source: 'LOCAL', from: '-' };
    case 'keystatus':
      return none(encryptionRoot(w, d) ? (keyLoaded(w, d) ? 'available' : 'unavailable') : '-');
    default:
  }
  const def = DEFS[name];
  if (def === undefined) {
    if (!isUserProperty(name)) return null;
    const own = d.local[name];
    if (own !== undefined) return { value: own, source: 'LOCAL', from: '-' };
    const up = inherited(w, d, name);
    return up ? { value: up.value, source: 'INHERITED', from: up.from } : null;
  }
  if (def.on === (d.kind === 'volume' ? 'f' : 'v')) return null;
  const s = settable(w, d, name, def);
  if (exact || (def.kind !== 'size' && def.kind !== 'block')) return s;
  return { ...s, value: def.kind === 'size' && s.value === '0' ? 'none' : nice(Number(s.value), s.value === '0') };
};

/** Since its newest snapshot, or since what it was cloned from. */
const writtenTo = (w: World, d: SimDataset, referenced: number): number => {
  const before = d.snapshots.at(-1)?.files ?? (d.origin === null ? undefined : w.snapshot(d.origin)?.snapshot.files);
  return before === undefined ? referenced : Object.keys(changedFiles(before, d.files)).reduce((n, f) => n + (d.files[f] ?? 4096), 0);
};
export const changedFiles = (
  before: Readonly<Record<string, number>>,
  now: Readonly<Record<string, number>>,
): Record<string, '+' | '-' | 'M'> => {
  const found: Record<string, '+' | '-' | 'M'> = {};
  if (before === now) return found;
  for (const f of new Set([...Object.keys(before), ...Object.keys(now)]))
    if (before[f] !== now[f]) found[f] = before[f] === undefined ? '+' : now[f] === undefined ? '-' : 'M';
  return found;
};

/** Compression is told from the property and the name alone: the same answer every time. */
const ratioOf = (w: World, d: SimDataset): number => {
  const c = d.local.compression ?? inherited(w, d, 'compression')?.value ?? 'on';
  if (c === 'off' || Object.keys(d.files).length === 0) return 1;
  let h = 0;
  for (let i = 0; i < d.name.length; i += 1) h = (h * 31 + d.name.charCodeAt(i)) % 97;
  return 1 + (h / 97) * (c.startsWith('zstd') ? 1.1 : 0.7);
};

export const snapshotProperty = (w: World, d: SimDataset, s: SimSnapshot, name: string, exact: boolean): Shown | null => {
  const bytes = (n: number): Shown => none(exact ? String(n) : nice(n));
  switch (name) {
    case 'name':
      return none(`${d.name}@${s.tag}`);
    case 'type':
      return none('snapshot');
    case 'guid':
      return none(s.guid);
    case 'createtxg':
      return none(String(s.txg));
    case 'creation':
      return none(exact ? String(s.created) : dateText(s.created));
    case 'used':
      return bytes(s.used);
    case 'referenced':
      return bytes(s.referenced);
    case 'userrefs':
      return none(String(Object.keys(s.holds).length));
    case 'defer_destroy':
      return none('off');
    case 'clones': {
      const clones = w.clonesOf(`${d.name}@${s.tag}`).map((c) => c.name);
      return clones.length === 0 ? null : none(clones.join(','));
    }
    default: {
      if (!isUserProperty(name)) return null;
      const own = s.user?.[name];
      if (own !== undefined) return { value: own, source: 'LOCAL', from: '-' };
      const up = datasetProperty(w, d, name, exact);
      return up === null ? null : { value: up.value, source: 'INHERITED', from: up.source === 'LOCAL' ? d.name : up.from };
    }
  }
};
