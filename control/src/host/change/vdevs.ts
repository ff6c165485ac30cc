/**
 * The disks of a pool: replaced, attached, detached, switched on and off, added, removed. Each change finds the pool by name and guid and the disk by its
 * guid, looks for itself whether it would lower redundancy, checks a new disk as the planner did, runs without force, and reports
 * only what `zpool status` then shows.
 */
import { candidateFor } from '../../domain/disk/candidate.ts';
import { diskLabel } from '../../domain/disk/disk.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { placeIn } from '../../domain/plan/pool-deeds.ts';
import type { PoolOptions } from '../../domain/pool/pool.ts';
import { findDisk, findVdev, type Found, mayDetach, mayGoOffline, type Verdict, whyWeaker, works } from '../../domain/pool/redundancy.ts';
import { ok, type Refusal, refuse, type Result } from '../../domain/refusal.ts';
import { observeDisks } from '../disks/disks.ts';
import type { Host } from '../host.ts';
import { parseStatus, type PoolStatus, statusArgv } from '../zfs/pools.ts';
import { type ChangeContext, type Changed, change, identifyPool, labelling, read, shown, unverified } from './host.ts';
import { vdevArgv } from './pool.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
type Pool = PoolStatus & { options: PoolOptions };
type Named = { name: string; guid: string };

/** The pool as it is now, if it is still the one that was meant. */
const poolNow = async (host: Host, op: Named): Promise<Result<Pool>> => {
  const seen = await identifyPool(host, op.name, op.guid, ['ashift']);
  if (!seen.ok) return seen;
  const out = await read(host, statusArgv(op.name));
  if (!out.ok) return out;
  const all = parseStatus(out.value);
  if (!all.ok) return all;
  const mine = all.value.find((p) => p.guid === op.guid);
  const ashift = Number(shown(seen.value, 'ashift'));
  return mine
    ? ok({ ...mine, options: ashift >= 9 ? { ashift } : {} })
    : refuse('conflict', `pool ${op.name}`, 'it changed while it was looked at', 'look at it, and plan again');
};

const gone = (op: Named, label: string): { ok: false; refusal: Refusal } =>
  refuse(
    'conflict',
    `disk ${label}`,
    `pool ${op.name} has no disk with this guid any more`,
    'look at the pool as it is now and make a new plan',
  );

const diskIn = (pool: Pool, op: Named & { disk: string; label: string }): Result<Found> => {
  const found = findDisk(pool, op.disk);
  if (!found) return gone(op, op.label);
  // an approval names the label: the guid has to be that of this disk. One that is not there is known by its path alone
  const label = diskLabel((found.standIn ?? found.disk).path);
  return label === op.label
    ? ok(found)
    : refuse('conflict', `disk ${op.label}`, `the disk with this guid is ${label}`, 'look at the pool and make a new plan');
};

/** Without the approval for it, nothing that lowers redundancy is done: whatever the plan said. */
const guard = (verdict: Verdict, claimed: boolean, what: string): Refusal | null => {
  if ('no' in verdict) return refuse('blocked', what, verdict.no, 'mend what is missing first').refusal;
  return verdict.lowers !== null && !claimed
    ? refuse('needs-approval', what, verdict.lowers, 'make a new plan; it asks for an approval that names the disk').refusal
    : null;
};

/** A new disk, as the planner saw it: free, large enough, not failing. */
const whyNotUsable = async (host: Host, path: string, place: Parameters<typeof candidateFor>[1]): Promise<Refusal | null> => {
  const disks = await observeDisks(host);
  if (!disks.ok) return disks.refusal;
  const what = `disk ${diskLabel(path)}`;
  const disk = disks.value.find((d) => d.path === path);
  if (!disk) return refuse('not-found', what, 'it is not there', 'check its cabling').refusal;
  const c = candidateFor(disk, place);
  const why = [...c.refused, ...(c.erase === null ? [] : [c.erase])];
  return why.length === 0 ? null : refuse('blocked', what, why.join('; '), 'choose another disk, or have this one erased by name').refusal;
};

/** As the pool's sectors are, so that a disk with other habits does not change them. */
const ashiftOf = (pool: Pool): string[] => (pool.options.ashift === undefined ? [] : ['-o', `ashift=${pool.options.ashift}`]);
const inPool = (pool: Pool, path: string): boolean => pool.disks.includes(path);

export const replaceDisk = async ({ host }: ChangeContext, op: Op<'pool.replace'>): Promise<Changed> => {
  const pool = await poolNow(host, op);
  if (!pool.ok) return pool;
  const found = diskIn(pool.value, op);
  if (!found.ok) return found;
  const { vdev, disk } = found.value;
  const disks = await observeDisks(host);
  if (!disks.ok) return disks;
  const no = await whyNotUsable(host, op.with, placeIn(vdev, disks.value, pool.value, disk));
  if (no) return { ok: false, refusal: no };
  // labels are written and the first transaction synced: minutes on a busy pool of slow disks
  const done = await labelling(host, ['zpool', 'replace', ...ashiftOf(pool.value), op.name, op.disk, op.with]);
  if (!done.ok) return done;
  const after = await poolNow(host, op);
  if (!after.ok) return after;
  if (!inPool(after.value, op.with)) return unverified(`replacing ${op.label}`, `${diskLabel(op.with)} is not in pool ${op.name}`);
  return ok({
    guid: op.guid,
    disk: findDisk(after.value, op.with)?.standIn?.guid ?? findDisk(after.value, op.with)?.disk.guid ?? null,
    scan: after.value.scan.state,
  });
};

export const attachDisk = async ({ host }: ChangeContext, op: Op<'pool.attach'>): Promise<Changed> => {
  const pool = await poolNow(host, op);
  if (!pool.ok) return pool;
  const raidz = pool.value.vdevs.find((v) => v.guid === op.to && v.kind.startsWith('raidz'));
  const vdev = raidz ?? findDisk(pool.value, op.to)?.vdev;
  if (!vdev) return gone(op, op.label);
  const disks = await observeDisks(host);
  if (!disks.ok) return disks;
  const no = await whyNotUsable(host, op.with, placeIn(vdev, disks.value, pool.value));
  if (no) return { ok: false, refusal: no };
  // a raidz is attached to by its name: zpool takes no guid there
  const done = await labelling(host, ['zpool', 'attach', ...ashiftOf(pool.value), op.name, raidz?.name ?? op.to, op.with]);
  if (!done.ok) return done;
  const after = await poolNow(host, op);
  if (!after.ok) return after;
  return inPool(after.value, op.with)
    ? ok({ guid: op.guid })
    : unverified(`attaching ${diskLabel(op.with)}`, `it is not in pool ${op.name}`);
};

export const detachDisk = async ({ host }: ChangeContext, op: Op<'pool.detach'>): Promise<Changed> => {
  const pool = await poolNow(host, op);
  if (!pool.ok) return pool;
  const found = diskIn(pool.value, op);
  if (!found.ok) return found;
  const no = guard(mayDetach(found.value), op.lowersRedundancy, `detaching ${op.label}`);
  if (no) return { ok: false, refusal: no };
  const done = await change(host, ['zpool', 'detach', op.name, op.disk]);
  if (!done.ok) return done;
  const after = await poolNow(host, op);
  if (!after.ok) return after;
  return findDisk(after.value, op.disk) ? unverified(`detaching ${op.label}`, 'it is still in the pool') : ok({ guid: op.guid });
};

export const switchDisk = async ({ host }: ChangeContext, op: Op<'pool.online'> | Op<'pool.offline'>): Promise<Changed> => {
  const pool = await poolNow(host, op);
  if (!pool.ok) return pool;
  const found = diskIn(pool.value, op);
  if (!found.ok) return found;
  const offline = op.kind === 'pool.offline';
  if (offline) {
    const no = guard(mayGoOffline(found.value), op.lowersRedundancy, `switching off ${op.label}`);
    if (no) return { ok: false, refusal: no };
  }
  const flags = op.kind === 'pool.online' && op.expand ? ['-e'] : [];
  const done = await change(host, offline ? ['zpool', 'offline', op.name, op.disk] : ['zpool', 'online', ...flags, op.name, op.disk]);
  if (!done.ok) return done;
  const after = await poolNow(host, op);
  if (!after.ok) return after;
  const state = findDisk(after.value, op.disk)?.disk.state;
  const good = state !== undefined && (offline ? state === 'OFFLINE' : works(state));
  if (good) return ok({ guid: op.guid, state });
  return offline
    ? unverified(`switching off ${op.label}`, `its state is ${state ?? 'unknown'}`)
    : refuse(
        'failed',
        `putting ${op.label} online`,
        `its state is ${state ?? 'unknown'}: it could not be opened, or it is another disk than the pool had`,
        'check its cabling, or replace it',
      );
};

export const reopenPool = async ({ host }: ChangeContext, op: Op<'pool.reopen'>): Promise<Changed> => {
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  // -n: a scrub that runs goes on
  const done = await change(host, ['zpool', 'reopen', '-n', op.name]);
  return done.ok ? ok({ guid: op.guid }) : done;
};

export const clearPool = async ({ host }: ChangeContext, op: Op<'pool.clear'>): Promise<Changed> => {
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  const done = await change(host, ['zpool', 'clear', op.name, ...(op.disk === null ? [] : [op.disk])]);
  if (!done.ok) return done;
  const after = await poolNow(host, op);
  if (!after.ok) return after;
  if (after.value.health === 'SUSPENDED')
    return refuse(
      'failed',
      `clearing pool ${op.name}`,
      'it is suspended still: disks that it needs do not answer',
      'connect its disks, then clear it again',
    );
  return ok({ guid: op.guid, health: after.value.health });
};

export const addVdevs = async ({ host }: ChangeContext, op: Op<'pool.add'>): Promise<Changed> => {
  const what = `adding to pool ${op.name}`;
  const pool = await poolNow(host, op);
  if (!pool.ok) return pool;
  const weaker = whyWeaker(pool.value, op.vdevs);
  if (weaker !== null && !op.lowersRedundancy)
    return refuse('needs-approval', what, weaker, 'make a new plan; it asks for an approval that names the pool');
  for (const path of op.vdevs.flatMap((v) => v.disks)) {
    const sector = pool.value.options.ashift === undefined ? null : 2 ** pool.value.options.ashift;
    const no = await whyNotUsable(host, path, { minSize: null, sector, rotational: null });
    if (no) return { ok: false, refusal: no };
  }
  // only what was approved is let through, and nothing else that zpool might find odd
  const allowed = weaker === null ? [] : ['--allow-replication-mismatch'];
  const done = await labelling(host, ['zpool', 'add', ...allowed, ...ashiftOf(pool.value), op.name, ...vdevArgv(op.vdevs)]);
  if (!done.ok) return done;
  const after = await poolNow(host, op);
  if (!after.ok) return after;
  const missing = op.vdevs.flatMap((v) => v.disks).find((path) => !inPool(after.value, path));
  return missing === undefined ? ok({ guid: op.guid }) : unverified(what, `${diskLabel(missing)} is not in it`);
};

export const removeVdev = async ({ host }: ChangeContext, op: Op<'pool.remove'>): Promise<Changed> => {
  const pool = await poolNow(host, op);
  if (!pool.ok) return pool;
  const vdev = findVdev(pool.value, op.vdev);
  if (!vdev) return gone(op, op.label);
  if (vdev.role !== 'spare' && vdev.role !== 'log' && vdev.role !== 'cache')
    return refuse('blocked', `removing ${op.label}`, `it holds data of pool ${op.name}`, 'only spares, logs and caches are removed');
  const done = await change(host, ['zpool', 'remove', op.name, op.vdev]);
  if (!done.ok) return done;
  const after = await poolNow(host, op);
  if (!after.ok) return after;
  return findVdev(after.value, op.vdev) ? unverified(`removing ${op.label}`, 'it is still in the pool') : ok({ guid: op.guid });
};

export const trimPool = async ({ host }: ChangeContext, op: Op<'pool.trim'>): Promise<Changed> => {
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  const flag = { start: [], stop: ['-c'], pause: ['-s'] }[op.action];
  const done = await change(host, ['zpool', 'trim', ...flag, op.name]);
  return done.ok ? ok({ guid: op.guid }) : done;
};
