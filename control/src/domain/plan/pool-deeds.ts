/**
 * What is done to a pool's disks when it is asked for: replaced, attached, switched off, erased... Deeds, not states: state.yaml has none of
 * them. Refuses what can't work before anything is planned; what lowers redundancy, or erases, waits for an approval that names the disk.
 */
import { candidateFor, type Place } from '../disk/candidate.ts';
import { type Disk, diskLabel } from '../disk/disk.ts';
import type { Observed } from '../observed/observed.ts';
import { previewOf } from '../pool/layout.ts';
import type { ObservedPool, ObservedVdev } from '../pool/pool.ts';
import { findDisk, findVdev, type Found, mayDetach, mayGoOffline, type Verdict, whyWeaker, works } from '../pool/redundancy.ts';
import { ok, type Refusal, refuse, type Result } from '../refusal.ts';
import { formatBytes } from '../units.ts';
import type { PoolChange } from './pool-change.ts';
import { isOutOfReach } from './pools.ts';
import type { Action } from './types.ts';
import { runnable } from './world.ts';

type Deed = Exclude<PoolChange, { kind: 'pool.set' }>;
type Of<K extends Deed['kind']> = Extract<Deed, { kind: K }>;
type Deeds = Result<Action[]>;

/** Pools that have to answer before the change is planned. What mends one that does not answer is not held back by that. */
export const poolOfChange = (c: PoolChange): string[] => {
  switch (c.kind) {
    case 'disk.erase':
    case 'pool.clear':
    case 'pool.online':
      return [];
    default:
      return [c.name];
  }
};

const no = (what: string, why: string, todo: string): { ok: false; refusal: Refusal } => refuse('blocked', what, why, todo);
const LOOK = '`dplane pool show` lists its disks; they are named by guid, path, or the last part of that path';
const noDisk = (pool: ObservedPool, ref: string) => refuse('not-found', `disk ${ref}`, `pool ${pool.name} has none of this name`, LOOK);

/** What a disk must be like to stand where these do. */
export const placeIn = (
  vdev: ObservedVdev,
  disks: readonly Disk[],
  pool: Pick<ObservedPool, 'options'>,
  leaf?: { minSize?: number | undefined },
): Place => {
  const mine = vdev.disks.flatMap((d) => disks.find((x) => x.path === d.path) ?? []);
  const sizes = vdev.disks.flatMap((d) => d.minSize ?? []);
  const minSize = leaf?.minSize ?? (sizes.length > 0 ? Math.min(...sizes) : null);
  const { ashift } = pool.options;
  const sector = ashift !== undefined ? 2 ** ashift : mine.length > 0 ? Math.max(...mine.map((d) => d.physicalSector)) : null;
  return { minSize, sector, rotational: mine[0]?.rotational ?? null };
};

const eraseAction = (disk: Disk): Action =>
  runnable({
    id: `disk.erase ${diskLabel(disk.path)}`,
    verb: 'BLOCKED',
    noun: 'disk',
    name: diskLabel(disk.path),
    risk: 'destructive',
    approval: 'required',
    reason: `it holds ${disk.foreign ?? 'something'}, and is to be used`,
    blocked: `what is on ${diskLabel(disk.path)} (${formatBytes(disk.size)}, serial ${disk.serial || 'unknown'}) is lost: it needs an approval that names the disk`,
    operation: { kind: 'disk.erase', path: disk.path, serial: disk.serial, size: disk.size },
    changes: [{ property: 'contents', from: disk.foreign, to: null }],
  });

/** The disk, checked for its place; erasing it is an action of its own, for a disk that was named for it. */
const taken = (o: Observed, path: string, place: Place, erase: readonly string[]): Result<Action[]> => {
  const disk = o.disks.find((d) => d.path === path);
  const label = diskLabel(path);
  if (!disk) return refuse('not-found', `disk ${label}`, 'it is not seen on this host', 'check its cabling, and `dplane disk list`');
  const c = candidateFor(disk, place);
  if (c.refused.length > 0)
    return no(`disk ${label}`, c.refused.join('; '), 'choose another disk: `dplane disk candidates` says which ones fit');
  if (c.erase === null) return ok([]);
  if (!erase.includes(path))
    return no(
      `disk ${label}`,
      `${c.erase}; nothing is overwritten that was not named for it`,
      `choose another disk, or allow ${label} to be erased by naming it again`,
    );
  return ok([eraseAction(disk)]);
};

const UNKNOWN_PLACE: Place = { minSize: null, sector: null, rotational: null };
const SCAN_BUSY = 'a resilver is under way; wait until it has ended, so that one loss at a time is mended';

const replace = (o: Observed, pool: ObservedPool, c: Of<'pool.replace'>): Deeds => {
  const found = findDisk(pool, c.disk);
  if (!found) return noDisk(pool, c.disk);
  const { vdev, disk, standIn } = found;
  const label = diskLabel((standIn ?? disk).path);
  const what = `replacing ${label}`;
  if (vdev.role === 'spare') return no(what, 'it is a spare: remove it and add another', '');
  const replacing = disk.standIns?.find((s) => s.kind === 'replacing');
  if (replacing !== undefined)
    return refuse(
      'conflict',
      what,
      `it is being replaced by ${diskLabel(replacing.path)} already`,
      'wait until that has ended, or detach the new disk',
    );
  if (isOutOfReach(pool)) return refuse('unavailable', what, `pool ${pool.name} is ${pool.health}`, 'connect its disks and clear it first');
  const first = taken(o, c.with, placeIn(vdev, o.disks, pool, disk), c.erase);
  if (!first.ok) return first;
  return ok([
    ...first.value,
    runnable({
      id: `pool.replace ${pool.name} ${label}`,
      verb: 'MODIFY',
      noun: 'pool',
      name: pool.name,
      risk: 'safe',
      reason: works(disk.state)
        ? `${label} is to be replaced; it stays in use until the new disk holds everything`
        : `${label} is ${disk.state}`,
      operation: { kind: 'pool.replace', name: pool.name, guid: pool.guid, disk: (standIn ?? disk).guid, label, with: c.with },
      changes: [{ property: `disk of ${vdev.name}`, from: label, to: diskLabel(c.with) }],
      after: first.value.map((a) => a.id),
    }),
  ]);
};

const attach = (o: Observed, pool: ObservedPool, c: Of<'pool.attach'>): Deeds => {
  const vdev = findVdev(pool, c.to);
  const raidz = vdev?.kind.startsWith('raidz') ? vdev : undefined;
  const found = raidz === undefined ? findDisk(pool, c.to) : undefined;
  const place = raidz ?? found?.vdev;
  if (place === undefined) return refuse('not-found', c.to, `pool ${pool.name} has no disk and no raidz of this name`, LOOK);
  const label = raidz?.name ?? diskLabel(found?.disk.path ?? '');
  const what = `attaching ${diskLabel(c.with)} to ${label}`;
  if (place.role === 'spare' || place.role === 'cache') return no(what, `a ${place.role} is not mirrored`, 'add another one beside it');
  if (raidz === undefined && place.kind !== 'mirror' && place.kind !== 'stripe')
    return refuse(
      'invalid',
      what,
      `${label} is in ${place.name}, which is no mirror`,
      place.kind.startsWith('raidz') ? `name ${place.name} itself to make it one disk wider` : '',
    );
  if (raidz?.disks.some((d) => !works(d.state)))
    return no(what, `${raidz.name} misses a disk`, 'replace that disk first: a raidz grows when it is whole');
  if (raidz !== undefined && pool.expansion?.state === 'running')
    return refuse('busy', what, 'an expansion is under way', 'wait until it has ended');
  const first = taken(o, c.with, placeIn(place, o.disks, pool), c.erase);
  if (!first.ok) return first;
  const n = place.disks.length;
  return ok([
    ...first.value,
    runnable({
      id: `pool.attach ${pool.name} ${label}`,
      verb: 'MODIFY',
      noun: 'pool',
      name: pool.name,
      risk: 'safe',
      reason:
        raidz === undefined
          ? `${label} gets a mirror: it then survives ${n} ${n === 1 ? 'loss' : 'losses'}`
          : `${raidz.name} grows from ${n} to ${n + 1} disks; what is stored already keeps its old ratio of data to parity. It can't be made smaller again`,
      operation: { kind: 'pool.attach', name: pool.name, guid: pool.guid, to: raidz?.guid ?? found?.disk.guid ?? '', label, with: c.with },
      changes: [{ property: place.name, from: `${n} disks`, to: `${n + 1} disks (${diskLabel(c.with)})` }],
      after: first.value.map((a) => a.id),
    }),
  ]);
};

const guarded = (verdict: Verdict, what: string): Result<Pick<Action, 'verb' | 'risk' | 'approval' | 'blocked'> & { lowers: boolean }> =>
  'no' in verdict
    ? no(what, verdict.no, 'mend what is missing first')
    : verdict.lowers === null
      ? ok({ verb: 'MODIFY', risk: 'safe', approval: 'none', blocked: null, lowers: false })
      : ok({
          verb: 'BLOCKED',
          risk: 'destructive',
          approval: 'required',
          blocked: `${verdict.lowers}: it needs an approval that names the disk`,
          lowers: true,
        });

const without = (pool: ObservedPool, found: Found, kind: 'pool.detach' | 'pool.offline'): Deeds => {
  const { disk, standIn } = found;
  const label = diskLabel((standIn ?? disk).path);
  const detach = kind === 'pool.detach';
  const g = guarded(detach ? mayDetach(found) : mayGoOffline(found), `${detach ? 'detaching' : 'switching off'} ${label}`);
  if (!g.ok) return g;
  const { lowers, ...rest } = g.value;
  return ok([
    runnable({
      id: `${kind} ${pool.name} ${label}`,
      noun: 'disk',
      name: label,
      reason: detach ? `it was asked to leave pool ${pool.name}` : `it was asked to be switched off in pool ${pool.name}`,
      ...rest,
      operation: { kind, name: pool.name, guid: pool.guid, disk: (standIn ?? disk).guid, label, lowersRedundancy: lowers },
      changes: [{ property: 'state', from: (standIn ?? disk).state, to: detach ? null : 'OFFLINE' }],
    }),
  ]);
};

const addVdevs = (o: Observed, pool: ObservedPool, c: Of<'pool.add'>): Deeds => {
  const what = `adding to pool ${pool.name}`;
  const paths = c.vdevs.flatMap((v) => v.disks);
  if (new Set(paths).size !== paths.length) return refuse('invalid', what, 'a disk is named twice', 'name each disk once');
  const erases: Action[] = [];
  for (const path of paths) {
    const { ashift } = pool.options;
    const first = taken(o, path, { ...UNKNOWN_PLACE, sector: ashift === undefined ? null : 2 ** ashift }, c.erase);
    if (!first.ok) return first;
    erases.push(...first.value);
  }
  const weaker = whyWeaker(pool, c.vdevs);
  const bytes = (path: string): number => o.disks.find((d) => d.path === path)?.size ?? 0;
  const { usable } = previewOf(
    c.vdevs.map((v) => ({ kind: v.kind, role: v.role, disks: v.disks.map((p) => ({ path: p, size: bytes(p) })) })),
  );
  const data = c.vdevs.some((v) => v.role === 'data');
  return ok([
    ...erases,
    runnable({
      id: `pool.add ${pool.name}`,
      verb: weaker === null ? 'MODIFY' : 'BLOCKED',
      noun: 'pool',
      name: pool.name,
      risk: weaker === null ? 'safe' : 'destructive',
      approval: weaker === null ? 'none' : 'required',
      blocked: weaker === null ? null : `${weaker}: it needs an approval that names the pool`,
      reason: data ? `it grows by about ${formatBytes(usable)}; what holds data can hardly be taken away again` : 'it was asked for',
      operation: { kind: 'pool.add', name: pool.name, guid: pool.guid, vdevs: c.vdevs, lowersRedundancy: weaker !== null },
      changes: c.vdevs.map((v) => ({ property: `vdev ${v.role}`, from: null, to: `${v.kind} of ${v.disks.map(diskLabel).join(', ')}` })),
      after: erases.map((a) => a.id),
    }),
  ]);
};

const remove = (pool: ObservedPool, ref: string): Deeds => {
  const vdev = findVdev(pool, ref) ?? findDisk(pool, ref)?.vdev;
  if (!vdev) return noDisk(pool, ref);
  const label = vdev.kind === 'stripe' ? diskLabel(vdev.disks[0]?.path ?? vdev.name) : vdev.name;
  const what = `removing ${label}`;
  if (vdev.role !== 'spare' && vdev.role !== 'log' && vdev.role !== 'cache')
    return no(
      what,
      `it holds data of pool ${pool.name}`,
      'replace its disks, or detach one of a mirror; only spares, logs and caches are removed',
    );
  if (vdev.role === 'spare' && vdev.state === 'INUSE')
    return refuse('busy', what, 'it stands in for another disk', 'replace that disk first, or detach the spare from it');
  return ok([
    runnable({
      id: `pool.remove ${pool.name} ${label}`,
      verb: 'MODIFY',
      noun: 'pool',
      name: pool.name,
      risk: vdev.role === 'log' ? 'disruptive' : 'safe',
      reason: `its ${vdev.role} was asked to leave it; no data is on it alone`,
      operation: { kind: 'pool.remove', name: pool.name, guid: pool.guid, vdev: vdev.guid, label },
      changes: [{ property: vdev.role, from: label, to: null }],
    }),
  ]);
};

const online = (pool: ObservedPool, c: Of<'pool.online'>): Deeds => {
  const found = findDisk(pool, c.disk);
  if (!found) return noDisk(pool, c.disk);
  const label = diskLabel(found.disk.path);
  return ok([
    runnable({
      id: `pool.online ${pool.name} ${label}`,
      verb: 'MODIFY',
      noun: 'pool',
      name: pool.name,
      risk: 'safe',
      reason: c.expand
        ? `${label} is to be used to its full size`
        : `${label} is to be used again; it is brought up to date from the others`,
      operation: { kind: 'pool.online', name: pool.name, guid: pool.guid, disk: found.disk.guid, label, expand: c.expand },
      changes: [{ property: label, from: found.disk.state, to: 'ONLINE' }],
    }),
  ]);
};

const simple = (pool: ObservedPool, reason: string, operation: Parameters<typeof runnable>[0]['operation']): Deeds =>
  ok([runnable({ verb: 'MODIFY', noun: 'pool', name: pool.name, risk: 'safe', reason, operation })]);

export const poolDeeds = (o: Observed, c: Deed): Deeds => {
  if (c.kind === 'disk.erase') {
    const disk = o.disks.find((d) => d.path === c.path);
    if (!disk) return refuse('not-found', `disk ${diskLabel(c.path)}`, 'it is not seen on this host', '`dplane disk list` shows what is');
    if (disk.system || disk.pool !== null)
      return no(
        `disk ${diskLabel(c.path)}`,
        disk.system ? 'it holds the running system' : `it belongs to pool ${disk.pool}`,
        'nothing erases it from here',
      );
    return disk.foreign === null ? ok([]) : ok([eraseAction(disk)]);
  }
  const pool = o.pools.find((p) => p.name === c.name);
  if (!pool) return refuse('not-found', `pool ${c.name}`, 'there is nothing of this name', 'look at the list of pools');
  switch (c.kind) {
    case 'pool.replace':
      return replace(o, pool, c);
    case 'pool.attach':
      return attach(o, pool, c);
    case 'pool.detach':
    case 'pool.offline': {
      const found = findDisk(pool, c.disk);
      if (!found) return noDisk(pool, c.disk);
      return pool.scan.kind === 'resilver' &&
        pool.scan.state === 'scanning' &&
        found.standIn === null &&
        (found.disk.standIns ?? []).length === 0
        ? refuse('busy', `disk ${diskLabel(found.disk.path)}`, SCAN_BUSY, 'wait until the resilver has finished')
        : without(pool, found, c.kind);
    }
    case 'pool.online':
      return online(pool, c);
    case 'pool.add':
      return addVdevs(o, pool, c);
    case 'pool.remove':
      return remove(pool, c.disk);
    case 'pool.clear': {
      const found = c.disk === undefined ? undefined : findDisk(pool, c.disk);
      if (c.disk !== undefined && !found) return noDisk(pool, c.disk);
      return simple(
        pool,
        found
          ? `the errors counted on ${diskLabel(found.disk.path)} are to be forgotten`
          : 'its errors are to be forgotten, and its disks tried again',
        {
          kind: 'pool.clear',
          name: pool.name,
          guid: pool.guid,
          disk: found?.disk.guid ?? null,
        },
      );
    }
    case 'pool.trim':
      return simple(pool, `${c.action} of a trim was asked for`, { kind: 'pool.trim', name: pool.name, guid: pool.guid, action: c.action });
  }
};
