/** `zfs` subcommands about snapshots, holds and clones. Each checks everything first and changes all or nothing. */
import type { Answer, Options } from './getopt.ts';
import { done, failed, getopt } from './getopt.ts';
import { referencedOf, type SimDataset, type SimSnapshot, type World } from './model.ts';
import { changedFiles, checkValue, dateText, isUserProperty, keyLoaded, mountpointOf } from './properties.ts';
import { isSuspended, noDataset, type Tool, usage, whyBadName } from './words.ts';

const SUSPENDED = 'pool I/O is currently suspended';
const poolName = (name: string): string => name.split(/[/@]/)[0] ?? '';
const NO_HOLDS: Readonly<Record<string, number>> = Object.freeze({});
const split = (name: string): [dataset: string, tag: string] => [name.slice(0, name.indexOf('@')), name.slice(name.indexOf('@') + 1)];

const snapshot: Tool = (w, args, now) => {
  const o = getopt(args, 'ro:');
  if (typeof o === 'string') return usage('snapshot', o);
  if (o.rest.length === 0) return usage('snapshot', 'missing snapshot argument');
  const targets: { d: SimDataset; tag: string }[] = [];
  for (const name of o.rest) {
    if (!name.includes('@')) return usage('snapshot');
    const [dataset, tag] = split(name);
    const d = w.dataset(dataset);
    if (d === undefined) return usage('snapshot', `cannot open '${dataset}': dataset does not exist`);
    const bad = whyBadName(name, 'snapshot');
    if (bad !== undefined) return failed(`cannot create snapshot '${name}': ${bad}\n`);
    for (const each of o.has('r') ? w.within(dataset) : [d]) targets.push({ d: each, tag });
  }
  const taken = targets.find(({ d, tag }) => d.snapshots.some((s) => s.tag === tag));
  if (taken)
    return failed(
      `cannot create snapshot '${taken.d.name}@${taken.tag}': dataset already exists\n${o.has('r') ? 'no snapshots were created\n' : ''}`,
    );
  const first = targets[0];
  if (first === undefined) return usage('snapshot');
  if (isSuspended(w, first.d.name)) return failed(`cannot create snapshot '${first.d.name}@${first.tag}': ${SUSPENDED}\n`);
  const full = targets.find(({ d }) => w.account(w.dataset(poolName(d.name)) ?? d).available === 0);
  if (full) return failed(`cannot create snapshot '${full.d.name}@${full.tag}': out of space\n`);
  const user: Record<string, string> = {};
  for (const text of o.all('o')) {
    const at = text.indexOf('=');
    if (!isUserProperty(text.slice(0, at)))
      return failed(`cannot create snapshot '${first.d.name}@${first.tag}': snapshot properties cannot be modified\n`, 2);
    user[text.slice(0, at)] = text.slice(at + 1);
  }
  const txg = w.nextTxg();
  for (const { d, tag } of targets) {
    d.snapshots.push({
      tag,
      guid: w.guid(),
      txg,
      created: Math.floor(now / 1000),
      used: 0,
      referenced: referencedOf(d),
      holds: NO_HOLDS,
      files: d.files,
      ...(Object.keys(user).length === 0 ? {} : { user }),
    });
    d.changed = Math.floor(now / 1000);
    w.event(now, poolName(d.name), 'snapshot', `${d.name}@${tag}`);
  }
  return done();
};

/** `a,b` and `a%b` choose several; what is chosen with -r is looked up in every dataset below. */
const chosen = (d: SimDataset, spec: string): SimSnapshot[] => {
  const found: SimSnapshot[] = [];
  for (const part of spec.split(',')) {
    const range = part.indexOf('%');
    if (range < 0) found.push(...d.snapshots.filter((s) => s.tag === part));
    else {
      const from = d.snapshots.findIndex((s) => s.tag === part.slice(0, range));
      const to = d.snapshots.findIndex((s) => s.tag === part.slice(range + 1));
      const start = range === 0 ? 0 : from;
      const end = range === part.length - 1 ? d.snapshots.length - 1 : to;
      if (start >= 0 && end >= 0) found.push(...d.snapshots.slice(start, end + 1));
    }
  }
  return found;
};

export const destroySnapshots = (w: World, o: Options, name: string, now: number, _input: string): Answer => {
  const [dataset, spec] = split(name);
  const d = w.dataset(dataset);
  if (d === undefined) return noDataset(dataset);
  const doomed = (o.has('r') || o.has('R') ? w.within(dataset) : [d]).flatMap((x) =>
    chosen(x, spec).map((s) => ({ dataset: x, snapshot: s })),
  );
  if (doomed.length === 0) return failed('could not find any snapshots to destroy; check snapshot names.\n');
  const parsable = o.has('n') && o.has('v') ? doomed.map((x) => `destroy\t${x.dataset.name}@${x.snapshot.tag}\n`).join('') : '';
  for (const x of doomed) {
    const full = `${x.dataset.name}@${x.snapshot.tag}`;
    const clones = w.clonesOf(full);
    if (clones.length > 0)
      return {
        exit: 1,
        stdout: parsable,
        stderr: `cannot destroy '${full}': snapshot has dependent clones\nuse '-R' to destroy the following datasets:\n${clones.map((c) => `${c.name}\n`).join('')}`,
      };
  }
  if (o.has('n'))
    return { exit: 0, stdout: parsable === '' ? '' : `${parsable}reclaim\t${doomed.reduce((n, x) => n + x.snapshot.used, 0)}\n` };
  for (const x of doomed) {
    const full = `${x.dataset.name}@${x.snapshot.tag}`;
    if (Object.keys(x.snapshot.holds).length > 0 && !o.has('d'))
      return failed(`cannot destroy snapshot ${full}: it's being held. Run 'zfs holds -r ${full}' to see holders.\n`);
  }
  if (isSuspended(w, name)) return failed(`cannot destroy snapshots: ${SUSPENDED}\n`);
  for (const x of doomed) {
    if (Object.keys(x.snapshot.holds).length > 0) continue; // deferred: it goes with its last hold in the real tool, here it stays
    x.dataset.snapshots = x.dataset.snapshots.filter((s) => s !== x.snapshot);
    x.dataset.changed = Math.floor(now / 1000);
    w.event(now, poolName(name), 'destroy', `${x.dataset.name}@${x.snapshot.tag}`);
  }
  return done();
};

export const renameSnapshot = (w: World, o: Options, from: string, to: string, now: number, _input: string): Answer => {
  const found = w.snapshot(from);
  if (found === undefined) return noDataset(from);
  const tag = to.includes('@') ? split(to)[1] : to;
  const bad = whyBadName(`${found.dataset.name}@${tag}`, 'snapshot');
  if (bad !== undefined) return failed(`cannot rename to '${to}': ${bad}\n`);
  const oldTag = found.snapshot.tag;
  if (tag === oldTag && !o.has('r')) return done();
  const all = o.has('r') ? w.within(found.dataset.name) : [found.dataset];
  const clash = all.find((d) => d.snapshots.some((s) => s.tag === oldTag) && d.snapshots.some((s) => s.tag === tag));
  if (clash)
    return failed(
      `cannot rename '${from}': ${o.has('r') ? 'a child dataset already has a snapshot with the new name' : 'dataset already exists'}\n`,
    );
  for (const d of all) {
    const s = d.snapshots.find((x) => x.tag === oldTag);
    if (s === undefined) continue;
    for (const c of w.clonesOf(`${d.name}@${oldTag}`)) c.origin = `${d.name}@${tag}`;
    s.tag = tag;
    d.changed = Math.floor(now / 1000);
  }
  w.event(now, poolName(from), 'rename', `${from} -> ${tag}`);
  return done();
};

const forHolds = (w: World, o: Options, names: readonly string[]): { dataset: SimDataset; snapshot: SimSnapshot }[] | string => {
  const rows: { dataset: SimDataset; snapshot: SimSnapshot }[] = [];
  for (const name of names) {
    const [dataset, tag] = split(name);
    const one = w.snapshot(name);
    if (one === undefined) return name;
    if (!o.has('r')) rows.push(one);
    else
      for (const d of w.within(dataset)) {
        const s = d.snapshots.find((x) => x.tag === tag);
        if (s !== undefined) rows.push({ dataset: d, snapshot: s });
      }
  }
  return rows;
};

const hold: Tool = (w, args, now) => {
  const o = getopt(args, 'r');
  if (typeof o === 'string') return usage('hold', o);
  const [tag, ...names] = o.rest;
  if (tag === undefined || names.length === 0)
    return usage('hold', tag === undefined ? 'missing tag argument' : 'missing snapshot argument');
  const notOne = names.find((n) => !n.includes('@'));
  if (notOne !== undefined) return failed(`'${notOne}' is not a snapshot\n`);
  if (tag.length >= 256) return failed(`cannot hold snapshot '${names[0]}': tag too long\n`);
  const rows = forHolds(w, o, names);
  if (typeof rows === 'string') return failed(`cannot hold snapshot '${rows}': dataset does not exist\n`);
  const taken = rows.find((r) => Object.hasOwn(r.snapshot.holds, tag));
  if (taken) return failed(`cannot hold snapshot '${taken.dataset.name}@${taken.snapshot.tag}': tag already exists on this dataset\n`);
  for (const r of rows) {
    r.snapshot.holds = { ...r.snapshot.holds, [tag]: Math.floor(now / 1000) };
    w.event(now, poolName(r.dataset.name), 'hold', `${r.dataset.name}@${r.snapshot.tag} ${tag}`);
  }
  return done();
};

const release: Tool = (w, args, now) => {
  const o = getopt(args, 'r');
  if (typeof o === 'string') return usage('release', o);
  const [tag, ...names] = o.rest;
  if (tag === undefined || names.length === 0)
    return usage('release', tag === undefined ? 'missing tag argument' : 'missing snapshot argument');
  const rows = forHolds(w, o, names);
  if (typeof rows === 'string') return failed(`cannot release hold from snapshot '${rows}': dataset does not exist\n`);
  const without = rows.find((r) => !Object.hasOwn(r.snapshot.holds, tag));
  if (without)
    return failed(`cannot release hold from snapshot '${without.dataset.name}@${without.snapshot.tag}': no such tag on this dataset\n`);
  for (const r of rows) {
    const { [tag]: _gone, ...left } = r.snapshot.holds;
    r.snapshot.holds = Object.keys(left).length === 0 ? NO_HOLDS : left;
    w.event(now, poolName(r.dataset.name), 'release', `${r.dataset.name}@${r.snapshot.tag} ${tag}`);
  }
  return done();
};

const holds: Tool = (w, args) => {
  const o = getopt(args, 'rHp');
  if (typeof o === 'string') return usage('holds', o);
  if (o.rest.length === 0) return usage('holds', 'missing snapshot argument');
  const rows = forHolds(w, o, o.rest);
  if (typeof rows === 'string') return failed(`cannot open '${rows}': dataset does not exist\nno datasets available\n`);
  const lines = rows.flatMap(({ dataset, snapshot: s }) =>
    Object.keys(s.holds)
      .sort()
      .map((tag) => `${dataset.name}@${s.tag}\t${tag}\t${o.has('p') ? s.holds[tag] : dateText(s.holds[tag] ?? 0)}`),
  );
  return { exit: 0, lines: () => (o.has('H') ? lines : ['NAME  TAG  TIMESTAMP', ...lines.map((l) => l.replaceAll('\t', '  '))]) };
};

const clone: Tool = (w, args, now) => {
  const o = getopt(args, 'po:');
  if (typeof o === 'string') return usage('clone', o);
  const [from, to] = o.rest;
  if (from === undefined || to === undefined)
    return usage('clone', from === undefined ? 'missing source dataset argument' : 'missing target dataset argument');
  const found = w.snapshot(from);
  if (found === undefined) return noDataset(from);
  const no = (why: string): Answer => failed(`cannot create '${to}': ${why}\n`);
  const bad = whyBadName(to, 'dataset');
  if (bad !== undefined) return no(bad);
  if (poolName(to) !== poolName(from)) return no('source and target pools differ');
  if (w.dataset(to) !== undefined) return no('dataset already exists');
  const parent = w.dataset(to.slice(0, Math.max(0, to.lastIndexOf('/'))));
  if (parent === undefined) return no('parent does not exist');
  if (parent.kind === 'volume') return no('parent is not a filesystem');
  const local: Record<string, string> = found.dataset.kind === 'volume' ? { volsize: found.dataset.local.volsize ?? '0' } : {};
  for (const text of o.all('o')) {
    const at = text.indexOf('=');
    const checked = checkValue(text.slice(0, at), text.slice(at + 1), found.dataset.kind);
    if ('error' in checked) return no(checked.error);
    local[text.slice(0, at)] = checked.value;
  }
  if (isSuspended(w, from)) return no(SUSPENDED);
  const d: SimDataset = {
    name: to,
    guid: w.guid(),
    kind: found.dataset.kind,
    txg: w.nextTxg(),
    created: Math.floor(now / 1000),
    local,
    files: found.snapshot.files,
    texts: {},
    mounted: false,
    origin: from,
    keyLoaded: true,
    snapshots: [],
  };
  w.add(d);
  d.mounted = d.kind === 'filesystem' && (local.canmount ?? 'on') === 'on' && mountpointOf(w, d) !== null && keyLoaded(w, d);
  w.event(now, poolName(to), 'clone', `${from} ${to}`);
  return done();
};

/** A snapshot against its dataset as it is, or against a clone of it. */
const diff: Tool = (w, args) => {
  const o = getopt(args, 'FHth');
  if (typeof o === 'string') return usage('diff', o);
  const [from = '', to] = o.rest;
  const found = w.snapshot(from);
  if (found === undefined) return noDataset(from);
  const d = w.dataset(to ?? found.dataset.name);
  if (d === undefined) return noDataset(to ?? '');
  if (d !== found.dataset && d.origin !== from)
    return failed(`Unable to determine path or stats for object: '${d.name}' is no later one\n`);
  const at = mountpointOf(w, d) ?? '';
  const lines = Object.entries(changedFiles(found.snapshot.files, d.files)).map(
    ([f, sign]) => `${sign}\t${o.has('F') ? 'F\t' : ''}${at}/${f}`,
  );
  return { exit: 0, lines: () => lines };
};

const rollback: Tool = (w, args, now) => {
  const o = getopt(args, 'rRf');
  if (typeof o === 'string') return usage('rollback', o);
  const name = o.rest[0];
  if (name === undefined) return usage('rollback', 'missing dataset argument');
  const found = w.snapshot(name);
  if (found === undefined) return noDataset(name);
  const newer = found.dataset.snapshots.filter((s) => s.txg > found.snapshot.txg);
  if (newer.length > 0 && !o.has('r') && !o.has('R'))
    return failed(
      `cannot rollback to '${name}': more recent snapshots or bookmarks exist\nuse '-r' to force deletion of the following snapshots and bookmarks:\n${newer.map((s) => `${found.dataset.name}@${s.tag}\n`).join('')}`,
    );
  const clones = newer.flatMap((s) => w.clonesOf(`${found.dataset.name}@${s.tag}`));
  if (clones.length > 0)
    return failed(
      `cannot rollback to '${name}': clones of previous snapshots exist\nuse '-R' to force deletion of the following clones and dependents:\n${clones.map((c) => `${c.name}\n`).join('')}`,
    );
  const held = newer.find((s) => Object.keys(s.holds).length > 0);
  if (held) return failed(`cannot destroy '${found.dataset.name}@${held.tag}': dataset is busy\n`);
  if (isSuspended(w, name)) return failed(`cannot rollback '${found.dataset.name}': ${SUSPENDED}\n`);
  found.dataset.snapshots = found.dataset.snapshots.filter((s) => !newer.includes(s));
  if (newer.length > 0) found.dataset.changed = Math.floor(now / 1000);
  found.dataset.files = found.snapshot.files;
  w.event(now, poolName(name), 'rollback', name);
  return done();
};

export const zfsSnapshots: Readonly<Record<string, Tool>> = { snapshot, snap: snapshot, hold, release, holds, clone, diff, rollback };
