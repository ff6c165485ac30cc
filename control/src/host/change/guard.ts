/**
 * What guards a pool: its heartbeat, the target that stops what runs on it, the reserve for when it is full. All of it lies in one dataset of the control plane's
 * own. The heartbeat itself is a unit of its own, one a pool: whatever hangs in it hangs there, and neither here nor anywhere else.
 */
import type { Operation } from '../../domain/operation/operation.ts';
import { OWN_PROPERTIES, OWN_ROOM, ownMountpoint, ownOf } from '../../domain/pool/own.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import { beatUnit, failedUnit } from '../beat/beat.ts';
import type { Host } from '../host.ts';
import { type ChangeContext, type Changed, change, identifyPool, properties, ran, shown, type SeenProperties, unverified } from './host.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
const UNIT_MS = 30_000;

const READ = ['guid', 'type', 'mountpoint', 'mounted', 'refreservation'] as const;
const room = (bytes: number): string => String(OWN_ROOM + bytes);

/** Made if it is not there; `reserve` is what is held back beyond its own room when it is made. */
const ownDataset = async (host: Host, pool: string): Promise<Result<SeenProperties>> => {
  const name = ownOf(pool);
  const before = await properties(host, name, READ);
  if (before.ok || before.refusal.code !== 'not-found') return before;
  const wanted = { ...OWN_PROPERTIES, mountpoint: ownMountpoint(pool), refreservation: room(0) };
  const flags = Object.entries(wanted).flatMap(([k, v]) => ['-o', `${k}=${v}`]);
  // mounted in a step of its own, below
  const made = await change(host, ['zfs', 'create', '-u', ...flags, name]);
  return made.ok ? properties(host, name, READ) : made;
};

const isActive = async (host: Host, unit: string): Promise<boolean> =>
  (await host.run(['systemctl', 'is-active', unit], { timeoutMs: UNIT_MS })).stdout.trim() === 'active';
const starting = async (host: Host, unit: string, start: boolean): Promise<Changed> => {
  const r = await host.run(['systemctl', start ? 'start' : 'stop', unit], { timeoutMs: UNIT_MS });
  const what = `${start ? 'starting' : 'stopping'} ${unit}`;
  if (!ran(r))
    return refuse('failed', what, (r.failure ?? r.stderr.trim()).slice(0, 300) || 'systemctl failed', `look at: systemctl status ${unit}`);
  return (await isActive(host, unit)) === start ? ok({ unit }) : unverified(what, `it is ${start ? 'not ' : 'still '}active`);
};

/** What still hangs in it is left behind; systemd says so, and nothing waits for it. */
export const endBeat = async (host: Host, pool: string): Promise<void> => {
  await host.run(['systemctl', 'stop', beatUnit(pool)], { timeoutMs: UNIT_MS });
};

export const beatPool = async ({ host }: ChangeContext, op: Op<'pool.beat'>): Promise<Changed> => {
  const what = `the heartbeat of pool ${op.name}`;
  if (!op.on) return starting(host, beatUnit(op.name), false);
  const pool = await identifyPool(host, op.name, op.guid, ['readonly']);
  if (!pool.ok) return pool;
  if (shown(pool.value, 'readonly') === 'on')
    return refuse('blocked', what, 'the pool is imported read-only', 'import it writable to have one');
  const own = await ownDataset(host, op.name);
  if (!own.ok) return own;
  const name = ownOf(op.name);
  if (shown(own.value, 'type') !== 'filesystem')
    return refuse('conflict', what, `${name} is a ${shown(own.value, 'type')} that somebody else made`, 'rename it with zfs on the host');
  if (shown(own.value, 'mountpoint') !== ownMountpoint(op.name)) {
    const moved = await change(host, ['zfs', 'set', `mountpoint=${ownMountpoint(op.name)}`, name]);
    if (!moved.ok) return moved;
  }
  const now = await properties(host, name, ['mounted']);
  if (!now.ok) return now;
  if (shown(now.value, 'mounted') !== 'yes') {
    const mounted = await change(host, ['zfs', 'mount', name]);
    if (!mounted.ok) return mounted;
  }
  return starting(host, beatUnit(op.name), true);
};

/** The pool is not asked: it is the one that does not answer. */
export const failPool = ({ host }: ChangeContext, op: Op<'pool.fail'>): Promise<Changed> => starting(host, failedUnit(op.name), op.failed);

export const reservePool = async ({ host }: ChangeContext, op: Op<'pool.reserve'>): Promise<Changed> => {
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  const own = await ownDataset(host, op.name);
  if (!own.ok) return own;
  const name = ownOf(op.name);
  const wanted = room(op.bytes);
  // works in a full pool: ZFS keeps room for it
  const done = await change(host, ['zfs', 'set', `refreservation=${wanted}`, name]);
  if (!done.ok) return done;
  const after = await properties(host, name, ['refreservation']);
  if (!after.ok) return after;
  return shown(after.value, 'refreservation') === wanted
    ? ok({ reserve: op.bytes })
    : unverified(`the reserve of pool ${op.name}`, `refreservation is ${shown(after.value, 'refreservation')}`);
};
