/** `zpool import`, `export`, `checkpoint`, `upgrade` of the simulated host, and `zdb -l`. */
import type { Answer } from './getopt.ts';
import { done, failed, getopt, said } from './getopt.ts';
import { BY_ID, poolHealth, type SimAway, vdevHealth, type World } from './model.ts';
import type { Tool } from './words.ts';

const usage = (command: string, why: string): Answer => failed(`${why}\nusage:\n\t${command} ...\n`, 2);
const noPool = (name: string): Answer => failed(`cannot open '${name}': no such pool\n`);
const isThere = (w: World, a: SimAway): boolean =>
  a.pool.vdevs.every((v) => v.leaves.some((l) => w.diskByPath(l.disk)?.unplugged !== true));

const block = (w: World, a: SimAway): string => {
  const there = isThere(w, a);
  const state = there ? 'ONLINE' : 'UNAVAIL';
  const told = !there
    ? 'status: One or more devices are missing from the system.\naction: The pool cannot be imported. Attach the missing\n\tdevices and try again.\n'
    : a.lastHost
      ? "status: The pool was last accessed by another system.\naction: The pool can be imported using its name or numeric identifier and\n\tthe '-f' flag.\n   see: https://openzfs.github.io/openzfs-docs/msg/ZFS-8000-EY\n"
      : 'action: The pool can be imported using its name or numeric identifier.\n';
  const lines = a.pool.vdevs.flatMap((v, i) => {
    const leaves = v.leaves.map((l) => `${l.disk.replace(BY_ID, '')}  ${w.diskByPath(l.disk)?.unplugged ? 'UNAVAIL' : 'ONLINE'}`);
    return v.kind === 'stripe'
      ? leaves.map((l) => `\t  ${l}`)
      : [`\t  ${v.kind}-${i}  ${vdevHealth(v)}`, ...leaves.map((l) => `\t    ${l}`)];
  });
  return `  pool: ${a.pool.name}\n    id: ${a.pool.guid}\n state: ${state}\n${told}config:\n\n\t${a.pool.name}  ${state}\n${lines.join('\n')}\n`;
};

const importPool: Tool = (w, args, now) => {
  const o = getopt(args, 'afNd:o:R:');
  if (typeof o === 'string') return usage('import', o);
  const away = w.model.away ?? [];
  const [which, as] = o.rest;
  if (which === undefined)
    return away.length === 0 ? failed('no pools available to import\n') : said(away.map((a) => block(w, a)).join('\n'));
  const a = away.find((x) => x.pool.guid === which || x.pool.name === which);
  if (!a) return failed(`cannot import '${which}': no such pool available\n`);
  const name = as ?? a.pool.name;
  if (w.pool(name)) return failed(`cannot import '${a.pool.name}': a pool with that name already exists\n`);
  if (!isThere(w, a))
    return failed(`cannot import '${a.pool.name}': no such device in pool\n\tDestroy and re-create the pool from\n\ta backup source.\n`);
  if (a.lastHost && !o.has('f'))
    return failed(
      `cannot import '${a.pool.name}': pool was previously in use from another system.\nLast accessed by ${a.lastHost.name} (hostid=${a.lastHost.id})\nThe pool can be imported, use 'zpool import -f' to import the pool.\n`,
    );
  w.model.away = away.filter((x) => x !== a);
  const old = a.pool.name;
  a.pool.name = name;
  if (o.all('o').includes('readonly=on')) a.pool.readonly = true;
  else delete a.pool.readonly;
  for (const v of a.pool.vdevs) for (const l of v.leaves) l.state = w.diskByPath(l.disk)?.unplugged ? 'UNAVAIL' : 'ONLINE';
  w.model.pools.push(a.pool);
  for (const d of a.datasets) w.add({ ...d, name: name + d.name.slice(old.length), mounted: false });
  if (!o.has('N')) for (const d of w.within(name)) d.mounted = d.kind === 'filesystem' && (d.local.canmount ?? 'on') === 'on';
  w.event(now, name, '', '', 'sysevent.fs.zfs.pool_import');
  return done();
};

const exportPool: Tool = (w, args, now) => {
  const o = getopt(args, 'af');
  if (typeof o === 'string') return usage('export', o);
  const name = o.rest[0];
  const pool = name === undefined ? undefined : w.pool(name);
  if (name === undefined) return usage('export', 'missing pool argument');
  if (!pool) return noPool(name);
  if (poolHealth(pool) === 'SUSPENDED') return failed(`cannot export '${name}': pool I/O is currently suspended\n`);
  const datasets = w.within(name);
  for (const d of datasets) w.remove(d);
  w.model.pools = w.model.pools.filter((p) => p !== pool);
  for (const l of pool.vdevs.flatMap((v) => v.leaves)) {
    const disk = w.diskByPath(l.disk);
    if (disk)
      disk.parts = [
        { size: disk.size - 10 * 1024 ** 2, fstype: 'zfs_member', type: 'Solaris /usr & Apple ZFS', label: name, mountpoints: [] },
      ];
  }
  w.model.away = [...(w.model.away ?? []), { pool, datasets: datasets.map((d) => ({ ...d, mounted: false })), lastHost: null }];
  w.event(now, name, '', '', 'sysevent.fs.zfs.pool_export');
  return done();
};

const checkpoint: Tool = (w, args, now) => {
  const o = getopt(args, 'dw');
  if (typeof o === 'string') return usage('checkpoint', o);
  const name = o.rest[0] ?? '';
  const pool = w.pool(name);
  if (!pool) return noPool(name);
  if (o.has('d')) {
    if (!pool.checkpoint) return failed(`cannot discard checkpoint of '${name}': checkpoint does not exist\n`);
    delete pool.checkpoint;
  } else if (pool.checkpoint) return failed(`cannot checkpoint '${name}': checkpoint exists\n`);
  else pool.checkpoint = { at: now, space: 319_488 };
  return done();
};

const upgrade: Tool = (w, args) => {
  const name = args.at(-1) ?? '';
  return w.pool(name) ? done() : noPool(name);
};

export const zdb: Tool = (w, args) => {
  const disk = args[0] === '-l' ? w.diskByPath(args[1] ?? '') : undefined;
  const a = (w.model.away ?? []).find((x) => x.pool.vdevs.some((v) => v.leaves.some((l) => w.diskByPath(l.disk) === disk)));
  if (!disk || !a) return failed('failed to unpack label 0\n', 2);
  const host = a.lastHost ?? { name: 'nas', id: '007f0100' };
  return said(
    `------------------------------------\nLABEL 0 \n------------------------------------\n    version: 5000\n    name: '${a.pool.name}'\n    state: 1\n    pool_guid: ${a.pool.guid}\n    hostid: ${Number.parseInt(host.id, 16)}\n    hostname: '${host.name}'\n`,
  );
};

export const zpoolMoves: Readonly<Record<string, Tool>> = { import: importPool, export: exportPool, checkpoint, upgrade };
