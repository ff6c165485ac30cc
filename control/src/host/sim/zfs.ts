/** `zfs` of the simulated host: one function a subcommand, with the words and exit codes of OpenZFS 2.3. */
import { userspace } from './accounts.ts';
import type { Answer } from './getopt.ts';
import { failed, getopt, said } from './getopt.ts';
import type { SimDataset, SimSnapshot, World } from './model.ts';
import { ALL_PROPERTIES, datasetProperty, isProperty, propertyName, type Shown, snapshotProperty } from './properties.ts';
import { noDataset, type Tool, usage } from './words.ts';
import { zfsChange } from './zfs-change.ts';
import { zfsSnapshots } from './zfs-snapshots.ts';

const head = (command: string): string => `{"output_version":{"command":"${command}","vers_major":0,"vers_minor":1},`;
const sourceJson = (s: Shown): string => `{"type":"${s.source}","data":${JSON.stringify(s.from)}}`;

type Row = { dataset: SimDataset; snapshot: SimSnapshot | null };
const nameOf = (r: Row): string => (r.snapshot ? `${r.dataset.name}@${r.snapshot.tag}` : r.dataset.name);
const infoJson = (r: Row): string => {
  const name = nameOf(r);
  const type = r.snapshot ? 'SNAPSHOT' : r.dataset.kind.toUpperCase();
  const base = `"name":${JSON.stringify(name)},"type":"${type}","pool":${JSON.stringify(name.split(/[/@]/)[0] ?? '')},"createtxg":"${r.snapshot?.txg ?? r.dataset.txg}"`;
  return r.snapshot ? `${base},"dataset":${JSON.stringify(r.dataset.name)},"snapshot_name":${JSON.stringify(r.snapshot.tag)}` : base;
};
const propertyOf = (w: World, r: Row, name: string, exact: boolean): Shown | null =>
  r.snapshot ? snapshotProperty(w, r.dataset, r.snapshot, name, exact) : datasetProperty(w, r.dataset, name, exact);

const TYPES = ['filesystem', 'volume', 'snapshot', 'bookmark', 'all', 'fs', 'vol', 'snap'];
const depthOf = (name: string, base: string): number => (name === base ? 0 : name.slice(base.length + 1).split('/').length);

/** What the names, -r, -d and -t of `list` and `get` choose. Lazy: 100,000 snapshots are never one array. */
const choose = (w: World, names: readonly string[], depth: number, types: readonly string[]): Answer | (() => Iterable<Row>) => {
  const wants = (t: string): boolean => types.includes(t) || types.includes('all');
  for (const n of names) {
    if (n.includes('@') ? w.snapshot(n) === undefined : w.dataset(n) === undefined) return noDataset(n);
  }
  return function* rows(): Generator<Row> {
    const roots = names.length === 0 ? w.model.pools.map((p) => p.name).sort() : names;
    for (const root of roots) {
      const one = root.includes('@') ? w.snapshot(root) : undefined;
      if (one !== undefined) {
        yield one;
        continue;
      }
      for (const d of w.within(root)) {
        const below = depthOf(d.name, root);
        if (below > depth) continue;
        if (wants(d.kind)) yield { dataset: d, snapshot: null };
        // a snapshot counts as one level below its dataset
        if (wants('snapshot') && below + 1 <= depth) for (const s of d.snapshots) yield { dataset: d, snapshot: s };
      }
    }
  };
};

const depthOption = (recursive: boolean, max: string | undefined, fallback: number): number | string => {
  if (max === undefined) return recursive ? Number.POSITIVE_INFINITY : fallback;
  return /^[0-9]+$/.test(max) ? Number(max) : `invalid depth`;
};
const sortRows = (w: World, rows: Iterable<Row>, keys: readonly { name: string; down: boolean }[]): Iterable<Row> => {
  if (keys.length === 0) return rows;
  return [...rows].sort((a, b) => {
    for (const k of keys) {
      const x = propertyOf(w, a, k.name, true)?.value ?? '';
      const y = propertyOf(w, b, k.name, true)?.value ?? '';
      const numbers = /^[0-9]+$/.test(x) && /^[0-9]+$/.test(y);
      const order = numbers ? Number(x) - Number(y) : x < y ? -1 : x > y ? 1 : 0;
      if (order !== 0) return k.down ? -order : order;
    }
    return 0;
  });
};

const list: Tool = (w, args) => {
  const o = getopt(args, 'Hpjrd:o:t:s:S:');
  if (typeof o === 'string') return usage('list', o);
  const columns = (o.get('o') ?? 'name,used,available,referenced,mountpoint').split(',').map(propertyName);
  const bad = columns.find((c) => !isProperty(c));
  if (bad !== undefined) return usage('list', `bad property list: invalid property '${bad}'`);
  const asked = o.get('t')?.split(',');
  const badType = asked?.find((t) => !TYPES.includes(t));
  if (badType !== undefined) return usage('list', `invalid type '${badType}'`);
  const named = o.rest.some((n) => n.includes('@'));
  const types = (asked ?? (named ? ['filesystem', 'volume', 'snapshot'] : ['filesystem', 'volume'])).map(
    (t) => ({ fs: 'filesystem', vol: 'volume', snap: 'snapshot' })[t] ?? t,
  );
  // naming snapshots of a dataset as the type lists those of the datasets named, as if -d 1 were given
  const fallback = o.rest.length === 0 ? Number.POSITIVE_INFINITY : types.includes('snapshot') ? 1 : 0;
  const depth = depthOption(o.has('r'), o.get('d'), fallback);
  if (typeof depth === 'string') return usage('list', depth);
  const chosen = choose(w, o.rest, depth, types);
  if (typeof chosen !== 'function') return chosen;
  const keys = [
    ...o.all('s').map((n) => ({ name: propertyName(n), down: false })),
    ...o.all('S').map((n) => ({ name: propertyName(n), down: true })),
  ];
  const exact = o.has('p');
  const empty = w.model.pools.length === 0;
  if (o.has('j')) {
    let last: Shown = { value: '-', source: 'NONE', from: '-' };
    const parts: string[] = [];
    for (const r of sortRows(w, chosen(), keys)) {
      const props: string[] = [];
      for (const c of columns) {
        if (c === 'name') continue;
        const p = propertyOf(w, r, c, exact);
        // as in the real tool, what does not apply keeps the source of the property before it
        last = p ?? { value: '-', source: last.source, from: last.from };
        props.push(`"${c}":{"value":${JSON.stringify(last.value)},"source":${sourceJson(last)}}`);
      }
      parts.push(`${JSON.stringify(nameOf(r))}:{${infoJson(r)},"properties":{${props.join(',')}}}`);
    }
    return { exit: 0, stdout: `${head('zfs list')}"datasets":{${parts.join(',')}}}\n`, stderr: empty ? 'no datasets available\n' : '' };
  }
  if (!o.has('H')) {
    const table = [...sortRows(w, chosen(), keys)].map((r) => columns.map((c) => propertyOf(w, r, c, exact)?.value ?? '-'));
    if (table.length === 0) return { exit: 0, stderr: 'no datasets available\n' };
    const titles = columns.map((c) => ({ available: 'AVAIL', referenced: 'REFER' })[c] ?? c.toUpperCase());
    const widths = titles.map((t, i) => Math.max(t.length, ...table.map((r) => (r[i] ?? '').length)));
    const line = (r: readonly string[]): string => r.map((v, i) => (i === r.length - 1 ? v : v.padEnd(widths[i] ?? 0))).join('  ');
    return said([titles, ...table].map((r) => `${line(r)}\n`).join(''));
  }
  const lines = function* rows(): Generator<string> {
    for (const r of sortRows(w, chosen(), keys)) yield columns.map((c) => propertyOf(w, r, c, exact)?.value ?? '-').join('\t');
  };
  return { exit: 0, lines, stderr: '' };
};

const SOURCES: Readonly<Record<string, string>> = { LOCAL: 'local', DEFAULT: 'default', INHERITED: 'inherited', NONE: 'none' };
const get: Tool = (w, args) => {
  const o = getopt(args, 'Hpjrd:o:t:s:');
  if (typeof o === 'string') return usage('get', o);
  const [wanted, ...names] = o.rest;
  if (wanted === undefined) return usage('get', 'missing property argument');
  const properties = wanted === 'all' ? ALL_PROPERTIES : wanted.split(',').map(propertyName);
  const bad = properties.find((c) => !isProperty(c));
  if (bad !== undefined) return usage('get', `bad property list: invalid property '${bad}'`);
  const fields = (o.get('o') ?? 'name,property,value,source').split(',');
  if (fields.some((f) => !['name', 'property', 'value', 'source', 'received'].includes(f))) return usage('get', 'invalid column name');
  const types = o.get('t')?.split(',') ?? ['filesystem', 'volume', 'snapshot'];
  const depth = depthOption(o.has('r'), o.get('d'), names.length === 0 ? Number.POSITIVE_INFINITY : 0);
  if (typeof depth === 'string') return usage('get', depth);
  const chosen = choose(w, names, depth, types);
  if (typeof chosen !== 'function') return chosen;
  const only = o.get('s')?.split(',');
  const exact = o.has('p');
  const cells = (r: Row): { name: string; p: Shown }[] => {
    const found: { name: string; p: Shown }[] = [];
    const extra = wanted === 'all' && r.snapshot === null ? Object.keys(r.dataset.local).filter((k) => k.includes(':')) : [];
    for (const name of [...properties, ...extra]) {
      const p = propertyOf(w, r, name, exact) ?? (wanted === 'all' ? null : { value: '-', source: 'NONE' as const, from: '-' });
      if (p !== null && (wanted !== 'all' || p.value !== '-') && (only === undefined || only.includes(SOURCES[p.source] ?? '')))
        found.push({ name, p });
    }
    return found;
  };
  if (o.has('j')) {
    const parts = [...chosen()].map(
      (r) =>
        `${JSON.stringify(nameOf(r))}:{${infoJson(r)},"properties":{${cells(r)
          .map(({ name, p }) => `"${name}":{"value":${JSON.stringify(p.value)},"source":${sourceJson(p)}}`)
          .join(',')}}}`,
    );
    return said(`${head('zfs get')}"datasets":{${parts.join(',')}}}\n`);
  }
  const lines = function* rows(): Generator<string> {
    const text: Readonly<Record<string, (r: Row, c: { name: string; p: Shown }) => string>> = {
      name: nameOf,
      property: (_r, c) => c.name,
      value: (_r, c) => c.p.value,
      received: () => '-',
      source: (_r, c) =>
        c.p.source === 'INHERITED' ? `inherited from ${c.p.from}` : c.p.source === 'NONE' ? '-' : c.p.source.toLowerCase(),
    };
    if (!o.has('H')) yield fields.map((f) => f.toUpperCase()).join('  ');
    for (const r of chosen()) for (const c of cells(r)) yield fields.map((f) => text[f]?.(r, c) ?? '-').join(o.has('H') ? '\t' : '  ');
  };
  return { exit: 0, lines, stderr: '' };
};

export const versionAnswer = (tool: 'zfs' | 'zpool', version: string, args: readonly string[]): Answer => {
  const user = `zfs-${version}`;
  const kernel = `zfs-kmod-${version}`;
  if (args.length === 0) return said(`${user}\n${kernel}\n`);
  if (args[0] !== '-j' || args.length > 1) return usage('version', 'invalid option');
  return said(`${head(`${tool} version`)}"zfs_version":{"userland":"${user}","kernel":"${kernel}"}}\n`);
};

export const zfs: Tool = (w, args, now, input) => {
  const [command, ...rest] = args;
  if (command === 'list') return list(w, rest, now, input);
  if (command === 'get') return get(w, rest, now, input);
  if (command === 'userspace') return userspace(w, rest, now, input);
  if (command === 'version') return versionAnswer('zfs', w.model.version, rest);
  const change = zfsChange[command ?? ''] ?? zfsSnapshots[command ?? ''];
  if (change !== undefined) {
    const answer = change(w, rest, now, input);
    if (answer.changed) w.changed();
    return answer;
  }
  return failed(
    command === undefined
      ? "missing command\nusage: zfs command args ...\nwhere 'command' is one of the following:\n"
      : `unrecognized command '${command}'\nusage: zfs command args ...\nwhere 'command' is one of the following:\n`,
    2,
  );
};
