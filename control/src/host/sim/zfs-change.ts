/** `zfs` subcommands that change datasets. Each checks everything first: an answer that says no has changed nothing. */
import type { Answer } from './getopt.ts';
import { done, failed, getopt } from './getopt.ts';
import { EMPTY_VOLUME, type SimDataset, type World } from './model.ts';
import { checkValue, DEFS, encryptionRoot, isProperty, isUserProperty, keyLoaded, mountpointOf, propertyName } from './properties.ts';
import { isSuspended, noDataset, type Tool, usage, whyBadName } from './words.ts';
import { destroySnapshots, renameSnapshot } from './zfs-snapshots.ts';

const SUSPENDED = 'pool I/O is currently suspended';
const parentName = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('/')));
const poolName = (name: string): string => name.split(/[/@]/)[0] ?? '';

/** Mounted is what ZFS would do by itself: canmount (`noauto` stays as it is), a real mount point, a loaded key. */
export const mountIfItShould = (w: World, d: SimDataset): void => {
  const can = d.local.canmount ?? 'on';
  const may = can === 'on' || (can === 'noauto' && d.mounted);
  d.mounted = d.kind === 'filesystem' && may && mountpointOf(w, d) !== null && keyLoaded(w, d);
};

/** A key as ZFS takes it: from its standard input, or from a file. */
const givenKey = (w: World, format: string, location: string, input: string): { key: string } | { error: string } => {
  const path = location.startsWith('file://') ? location.slice('file://'.length) : null;
  const text = path === null ? input : w.model.texts[path];
  if (text === undefined) return { error: `Failed to open key material file: ${path}: No such file or directory` };
  if (format === 'raw') return text.length === 32 ? { key: text } : { error: 'Raw key too short (expected 32).' };
  const line = text.split('\n')[0] ?? '';
  if (format === 'hex') return /^[0-9a-fA-F]{64}$/.test(line) ? { key: line } : { error: 'Hex key too short (expected 64).' };
  return line.length < 8 ? { error: 'Passphrase too short (min 8).' } : { key: line };
};

const splitAssignment = (text: string): [string, string] | null => {
  const at = text.indexOf('=');
  return at <= 0 ? null : [propertyName(text.slice(0, at)), text.slice(at + 1)];
};

/** ZFS keeps the space a volume could need: its size and the metadata for it. */
const reservationFor = (volsize: number): number => volsize + 1_835_008 + Math.floor(volsize / 64);

const create: Tool = (w, args, now, input) => {
  const o = getopt(args, 'pnuvPsV:b:o:');
  if (typeof o === 'string') return usage('create', o);
  const name = o.rest[0];
  if (name === undefined || o.rest.length > 1)
    return usage('create', name === undefined ? 'missing dataset argument' : 'too many arguments');
  const no = (why: string): Answer => failed(`cannot create '${name}': ${why}\n`);
  const bad = whyBadName(name, 'dataset');
  if (bad !== undefined) return no(bad);
  if (!name.includes('/')) return no('missing dataset name');
  const kind = o.has('V') ? 'volume' : 'filesystem';
  if (w.pool(poolName(name)) === undefined) return no(`no such pool '${poolName(name)}'`);
  if (w.dataset(name) !== undefined) return o.has('p') ? done() : no('dataset already exists');
  const missing: string[] = [];
  for (let up = parentName(name); w.dataset(up) === undefined; up = parentName(up)) missing.unshift(up);
  if (missing.length > 0 && !o.has('p')) return no('parent does not exist');
  if (w.dataset(parentName(missing[0] ?? name))?.kind === 'volume') return no('parent is not a filesystem');
  // values are looked at last
  const local: Record<string, string> = {};
  let key: string | undefined;
  for (const text of [
    ...o.all('o'),
    ...(o.has('V') ? [`volsize=${o.get('V')}`] : []),
    ...(o.has('b') ? [`volblocksize=${o.get('b')}`] : []),
  ]) {
    const pair = splitAssignment(text);
    if (pair === null) return usage('create', `missing '=' for property=value argument`);
    const checked = pair[0] === 'refreservation' && pair[1] === 'auto' ? { value: 'auto' } : checkValue(pair[0], pair[1], kind);
    if ('error' in checked) return no(checked.error);
    local[pair[0]] = checked.value;
  }
  if ((local.encryption ?? 'off') !== 'off') {
    if (local.keyformat === undefined) return no('Keyformat required for new encryption root.');
    local.keylocation ??= 'prompt';
    const given = givenKey(w, local.keyformat, local.keylocation, input);
    if ('error' in given) return no(given.error);
    key = given.key;
  }
  if (isSuspended(w, name)) return no(SUSPENDED);
  const volsize = Number(local.volsize ?? 0);
  if (kind === 'volume') {
    const block = Number(local.volblocksize ?? 16384);
    if (volsize === 0 || volsize % block !== 0) return no("'volsize' must be a multiple of volume block size (16K)");
    if (!o.has('s') && (local.refreservation === undefined || local.refreservation === 'auto'))
      local.refreservation = String(reservationFor(volsize));
  }
  const nearest = w.dataset(parentName(missing[0] ?? name)) as SimDataset; // the loop above ended at one that exists
  const free = w.account(nearest).available;
  if (Number(local.refreservation ?? 0) > free || Number(local.reservation ?? 0) > free || free < EMPTY_VOLUME) return no('out of space');
  if (o.has('n')) return { exit: 0 };
  for (const each of [...missing, name]) {
    const last = each === name;
    const d: SimDataset = {
      name: each,
      guid: w.guid(),
      kind: last ? kind : 'filesystem',
      txg: w.nextTxg(),
      created: Math.floor(now / 1000),
      local: last ? local : {},
      files: {},
      texts: {},
      mounted: false,
      origin: null,
      keyLoaded: true,
      ...(last && key !== undefined ? { key } : {}),
      snapshots: [],
    };
    w.add(d);
    if (!o.has('u')) mountIfItShould(w, d);
    w.event(now, poolName(name), 'create', each);
  }
  return done();
};

/** What `zfs set` would say against one value on one dataset, or the value to keep. */
const settle = (w: World, d: SimDataset, name: string, asked: string): { value: string } | { error: string } => {
  if (DEFS[name]?.once) return { error: `'${name}' is readonly` };
  if (name === 'refreservation' && asked === 'auto' && d.kind === 'volume')
    return { value: String(reservationFor(Number(d.local.volsize))) };
  const checked = checkValue(name, asked, d.kind);
  if ('error' in checked) return checked;
  const n = Number(checked.value);
  const a = w.account(d);
  if ((name === 'quota' && n > 0 && n < a.used) || (name === 'refquota' && n > 0 && n < a.referenced))
    return { error: 'size is less than current used or reserved space' };
  if (name === 'reservation' || name === 'refreservation') {
    const already = Number(d.local[name] ?? 0);
    const quota = Number(d.local.quota ?? 0);
    if (n - Math.max(already, a.used) > a.available || (quota > 0 && n > quota)) return { error: 'size is greater than available space' };
  }
  if (name === 'volsize') {
    const block = Number(d.local.volblocksize ?? 16384);
    if (n === 0 || n % block !== 0) return { error: `'volsize' must be a multiple of volume block size (${block / 1024}K)` };
  }
  return checked;
};

const set: Tool = (w, args, now) => {
  const o = getopt(args, 'u');
  if (typeof o === 'string') return usage('set', o);
  const cut = o.rest.findIndex((a) => !a.includes('='));
  const pairs = (cut < 0 ? o.rest : o.rest.slice(0, cut)).map(splitAssignment);
  const names = cut < 0 ? [] : o.rest.slice(cut);
  if (pairs.length === 0) return usage('set', 'missing property=value argument(s)');
  if (names.length === 0) return usage('set', 'missing dataset name(s)');
  const changes: { d: SimDataset; name: string; value: string }[] = [];
  for (const n of names) {
    const d = w.dataset(n);
    if (d === undefined) return noDataset(n);
    for (const pair of pairs) {
      if (pair === null) return usage('set', "missing '=' in property=value argument");
      const settled = settle(w, d, pair[0], pair[1]);
      if ('error' in settled) return failed(`cannot set property for '${n}': ${settled.error}\n`, 255);
      changes.push({ d, name: pair[0], value: settled.value });
    }
    if (isSuspended(w, n)) return failed(`cannot set property for '${n}': ${SUSPENDED}\n`, 255);
  }
  for (const { d, name, value } of changes) {
    d.local[name] = value;
    if (name === 'volsize' && d.local.refreservation !== undefined) d.local.refreservation = String(reservationFor(Number(value)));
    afterProperty(w, d, name);
    w.event(now, poolName(d.name), 'set', `${d.name} ${name}=${value}`);
  }
  return done();
};

/** A mount follows its properties, here and in what inherits them. */
const afterProperty = (w: World, d: SimDataset, name: string): void => {
  if (name === 'mountpoint') for (const each of w.within(d.name)) if (each.mounted || each === d) mountIfItShould(w, each);
  if (name === 'canmount' && d.local.canmount === 'off') d.mounted = false;
};

const inherit: Tool = (w, args, now) => {
  const o = getopt(args, 'rS');
  if (typeof o === 'string') return usage('inherit', o);
  const [asked, ...names] = o.rest;
  if (asked === undefined || names.length === 0)
    return usage('inherit', asked === undefined ? 'missing property argument' : 'missing dataset argument');
  const name = propertyName(asked);
  if (!isProperty(name)) return usage('inherit', `invalid property '${name}'`);
  const def = DEFS[name];
  if (!isUserProperty(name) && (def === undefined || def.once)) return failed(`'${name}' property is read-only\n`);
  if (def !== undefined && !def.inherit) {
    const clear =
      def.kind === 'size' ? `use 'zfs set ${name}=none' to clear\nuse 'zfs inherit -S ${name}' to revert to received value\n` : '';
    return failed(`'${name}' property cannot be inherited\n${clear}`);
  }
  const missing = names.find((n) => w.dataset(n) === undefined);
  if (missing !== undefined) return noDataset(missing);
  for (const n of names)
    for (const d of o.has('r') ? w.within(n) : w.within(n).slice(0, 1)) {
      delete d.local[name];
      afterProperty(w, d, name);
      w.event(now, poolName(n), 'inherit', `${d.name} ${name}`);
    }
  return done();
};

const destroy: Tool = (w, args, now, input) => {
  const o = getopt(args, 'rRfnpvd');
  if (typeof o === 'string') return usage('destroy', o);
  const name = o.rest[0];
  if (name === undefined || o.rest.length > 1)
    return usage('destroy', name === undefined ? 'missing dataset argument' : 'too many arguments');
  if (name.includes('@')) return destroySnapshots(w, o, name, now, input);
  const d = w.dataset(name);
  if (d === undefined) return noDataset(name);
  if (!name.includes('/') && !o.has('r') && !o.has('R'))
    return failed(
      `cannot destroy '${name}': operation does not apply to pools\nuse 'zfs destroy -r ${name}' to destroy all datasets in the pool\nuse 'zpool destroy ${name}' to destroy the pool itself\n`,
    );
  const all = w.within(name);
  const inside = new Set(all.map((x) => x.name));
  const clones = all.flatMap((x) => x.snapshots.flatMap((s) => w.clonesOf(`${x.name}@${s.tag}`))).filter((c) => !inside.has(c.name));
  const noun = d.kind;
  if (clones.length > 0 && !o.has('R'))
    return failed(
      `cannot destroy '${name}': ${noun} has dependent clones\nuse '-R' to destroy the following datasets:\n${clones.map((c) => `${c.name}\n`).join('')}`,
    );
  const dependents = [
    ...d.snapshots.map((s) => `${name}@${s.tag}`),
    ...all.slice(1).flatMap((x) => [...x.snapshots.map((s) => `${x.name}@${s.tag}`), x.name]),
  ];
  if (dependents.length > 0 && !o.has('r') && !o.has('R'))
    return failed(
      `cannot destroy '${name}': ${noun} has children\nuse '-r' to destroy the following datasets:\n${dependents.map((x) => `${x}\n`).join('')}`,
    );
  // children before parents, so an end half-way leaves the upper ones
  const doomed = [...clones.flatMap((c) => bottomUp(w, c)), ...bottomUp(w, d)];
  if (isSuspended(w, name)) return failed(`cannot destroy '${name}': ${SUSPENDED}\n`);
  if (o.has('n')) {
    const lines = doomed.flatMap((x) => [...x.snapshots.map((t) => `${x.name}@${t.tag}`), x.name]);
    return { exit: 0, stdout: o.has('v') ? lines.map((x) => `destroy\t${x}\n`).join('') : '' };
  }
  for (const x of doomed) {
    const held = x.snapshots.find((s) => Object.keys(s.holds).length > 0);
    if (held)
      return failed(
        `cannot destroy snapshot ${x.name}@${held.tag}: it's being held. Run 'zfs holds -r ${x.name}@${held.tag}' to see holders.\n`,
      );
    // the root of a pool stays; only what is in it goes
    if (x.name.includes('/')) w.remove(x);
    else x.snapshots = [];
    w.event(now, poolName(name), 'destroy', x.name);
  }
  return done();
};

const bottomUp = (w: World, d: SimDataset): SimDataset[] => [
  ...w
    .within(d.name)
    .filter((x) => parentName(x.name) === d.name)
    .flatMap((child) => bottomUp(w, child)),
  d,
];

const rename: Tool = (w, args, now, input) => {
  const o = getopt(args, 'pufr');
  if (typeof o === 'string') return usage('rename', o);
  const [from, to] = o.rest;
  if (from === undefined || to === undefined || o.rest.length > 2)
    return usage('rename', from === undefined ? 'missing source dataset argument' : 'missing target dataset argument');
  if (from.includes('@')) return renameSnapshot(w, o, from, to, now, input);
  const d = w.dataset(from);
  if (d === undefined) return noDataset(from);
  const no = (why: string): Answer => failed(`cannot rename to '${to}': ${why}\n`);
  const bad = whyBadName(to, 'dataset');
  if (bad !== undefined) return no(bad);
  if (poolName(to) !== poolName(from)) return no('datasets must be within same pool');
  if (to === from) return done();
  if (to.startsWith(`${from}/`)) return no('New dataset name cannot be a descendant of current dataset name');
  if (w.dataset(to) !== undefined) return failed(`cannot rename '${from}': dataset already exists\n`);
  const missing: string[] = [];
  let above = parentName(to);
  for (; w.dataset(above) === undefined; above = parentName(above)) missing.unshift(above);
  if (missing.length > 0 && !o.has('p')) return failed(`cannot create '${to}': parent does not exist\n`);
  if (w.dataset(above)?.kind === 'volume') return failed(`cannot create '${to}': parent is not a filesystem\n`);
  if (isSuspended(w, from)) return failed(`cannot rename '${from}': ${SUSPENDED}\n`);
  if (missing.length > 0) {
    const made = create(w, ['-p', missing.at(-1) ?? ''], now, '');
    if (made.exit !== 0) return made;
  }
  const moving = w.within(from);
  const renamed = (n: string): string => to + n.slice(from.length);
  for (const x of moving) w.remove(x);
  for (const x of moving) {
    const old = x.name;
    x.name = renamed(old);
    for (const s of x.snapshots)
      for (const c of [...w.clonesOf(`${old}@${s.tag}`), ...moving.filter((m) => m.origin === `${old}@${s.tag}`)])
        c.origin = `${x.name}@${s.tag}`;
    w.add(x);
  }
  for (const x of moving) if (x.mounted) mountIfItShould(w, x);
  w.event(now, poolName(from), 'rename', `${from} -> ${to}`);
  return done();
};

const mount: Tool = (w, args) => {
  const o = getopt(args, 'ja');
  if (typeof o === 'string') return usage('mount', o);
  const mountedOnes = w.sorted().filter((d) => d.mounted);
  if (o.has('j'))
    return {
      exit: 0,
      stdout: `{"output_version":{"command":"zfs mount","vers_major":0,"vers_minor":1},"datasets":{${mountedOnes
        .map((d) => `${JSON.stringify(d.name)}:{"filesystem":${JSON.stringify(d.name)},"mountpoint":${JSON.stringify(mountpointOf(w, d))}}`)
        .join(',')}}}\n`,
    };
  if (o.has('a')) {
    for (const d of w.sorted()) if (!d.mounted) mountIfItShould(w, d);
    return done();
  }
  const name = o.rest[0];
  if (name === undefined) return { exit: 0, lines: () => mountedOnes.map((d) => `${d.name.padEnd(30)}  ${mountpointOf(w, d)}`) };
  const d = w.dataset(name);
  if (d === undefined) return noDataset(name);
  const no = (why: string): Answer => failed(`cannot mount '${name}': ${why}\n`);
  if (d.kind === 'volume') return failed(`cannot open '${name}': operation not applicable to datasets of this type\n`);
  if (d.mounted) return no('filesystem already mounted');
  if (d.local.canmount === 'off') return no("'canmount' property is set to 'off'");
  if (!keyLoaded(w, d)) return no('encryption key not loaded');
  if (mountpointOf(w, d) === null)
    return no(d.local.mountpoint === 'legacy' ? 'legacy mountpoint\nuse mount(8) to mount this filesystem' : 'no mountpoint set');
  if (isSuspended(w, name)) return no(SUSPENDED);
  d.mounted = true;
  return done();
};

const unmount: Tool = (w, args) => {
  const o = getopt(args, 'fu');
  if (typeof o === 'string') return usage('unmount', o);
  const name = o.rest[0];
  const d = name === undefined ? undefined : (w.dataset(name) ?? w.sorted().find((x) => x.mounted && mountpointOf(w, x) === name));
  if (d === undefined) return name === undefined ? usage('unmount', 'missing filesystem argument') : noDataset(name);
  if (!d.mounted) return failed(`cannot unmount '${d.name}': not currently mounted\n`);
  for (const x of w.within(d.name)) x.mounted = false;
  return done();
};

const loadKey: Tool = (w, args, _now, input) => {
  const o = getopt(args, 'nL:');
  if (typeof o === 'string') return usage('load-key', o);
  const name = o.rest[0] ?? '';
  const d = w.dataset(name);
  if (d === undefined) return noDataset(name);
  const no = (why: string): Answer => failed(`Key load error: ${why}\n`, 255);
  if (encryptionRoot(w, d) !== d) return no(`Keys must be loaded for encryption root of '${name}' (${encryptionRoot(w, d)?.name ?? '-'}).`);
  if (d.keyLoaded && !o.has('n')) return no(`Key already loaded for '${name}'.`);
  const given = givenKey(w, d.local.keyformat ?? 'passphrase', o.get('L') ?? d.local.keylocation ?? 'prompt', input);
  if ('error' in given) return no(given.error.startsWith('Passphrase') ? `Incorrect key provided for '${name}'.` : given.error);
  if (d.key !== undefined && d.key !== given.key) return no(`Incorrect key provided for '${name}'.`);
  if (o.has('n')) return { exit: 0, stdout: `1 / 1 key(s) successfully verified\n` };
  d.keyLoaded = true;
  return done();
};
const unloadKey: Tool = (w, args) => {
  const d = w.dataset(args[0] ?? '');
  if (d === undefined) return noDataset(args[0] ?? '');
  if (w.within(d.name).some((x) => x.mounted)) return failed(`Key unload error: '${d.name}' is busy.\n`, 255);
  d.keyLoaded = false;
  return done();
};
const changeKey: Tool = (w, args, now, input) => {
  const o = getopt(args, 'lio:');
  if (typeof o === 'string') return usage('change-key', o);
  const name = o.rest[0] ?? '';
  const d = w.dataset(name);
  if (d === undefined) return noDataset(name);
  if (!keyLoaded(w, d)) return failed(`Key change error: Key must be loaded.\n`, 255);
  const root = encryptionRoot(w, d);
  if (root === undefined) return failed('Key change error: Dataset not encrypted.\n', 255);
  const asked = Object.fromEntries(o.all('o').map((text) => splitAssignment(text) ?? ['', '']));
  const format = asked.keyformat ?? root.local.keyformat ?? 'passphrase';
  const location = asked.keylocation ?? d.local.keylocation ?? 'prompt';
  const given = givenKey(w, format, location, input);
  if ('error' in given) return failed(`Key change error: ${given.error}\n`, 255);
  Object.assign(d.local, { encryption: root.local.encryption, keyformat: format, keylocation: location });
  d.key = given.key;
  d.keyLoaded = true;
  w.event(now, poolName(name), 'change-key', name);
  return done();
};

const promote: Tool = (w, args, now) => {
  const name = args[0] ?? '';
  const d = w.dataset(name);
  if (d === undefined) return noDataset(name);
  const from = d.origin === null ? undefined : w.snapshot(d.origin);
  if (from === undefined) return failed(`cannot promote '${name}': not a cloned filesystem\n`);
  const moving = from.dataset.snapshots.filter((s) => s.txg <= from.snapshot.txg);
  const clash = moving.find((s) => d.snapshots.some((x) => x.tag === s.tag));
  if (clash)
    return failed(
      `cannot promote '${name}': snapshot name '${from.dataset.name}@${clash.tag}' from origin \n\tconflicts with '${name}' from target\n`,
    );
  for (const s of moving) for (const c of w.clonesOf(`${from.dataset.name}@${s.tag}`)) c.origin = `${name}@${s.tag}`;
  from.dataset.snapshots = from.dataset.snapshots.filter((s) => !moving.includes(s));
  d.snapshots = [...moving, ...d.snapshots];
  // the one that gains them does not get a time: so does the real one
  d.changed ??= null;
  from.dataset.changed = Math.floor(now / 1000);
  d.origin = null;
  from.dataset.origin = `${name}@${from.snapshot.tag}`;
  w.event(now, poolName(name), 'promote', name);
  return done();
};

export const zfsChange: Readonly<Record<string, Tool>> = {
  create,
  set,
  inherit,
  destroy,
  rename,
  mount,
  unmount,
  umount: unmount,
  'load-key': loadKey,
  'unload-key': unloadKey,
  'change-key': changeKey,
  promote,
};
