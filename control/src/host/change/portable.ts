/**
 * Pools that come and go: taken from disks, given up cleanly, and what the gate at the start waits for. A pool that another machine had last is
 * taken with an approval only, and this is the one place where zpool is told to. Its datasets are mounted by us, one by one: never over
 * the operating system, whatever mount points they bring along.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Operation } from '../../domain/operation/operation.ts';
import { diskLabel } from '../../domain/disk/disk.ts';
import type { Importable } from '../../domain/pool/importable.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { whyNoUpgrade } from '../ota/upgrade.ts';
import { eventsArgv, parseEvents } from '../zfs/events.ts';
import { zfsError } from '../zfs/error.ts';
import { importableArgv, labelArgv, parseImportable, parseLabel } from '../zfs/importable.ts';
import {
  type ChangeContext,
  type Changed,
  CREATE_POOL_MS,
  change,
  identifyPool,
  poolProperties,
  ran,
  read,
  shown,
  unverified,
} from './host.ts';
import { loadKeyFiles } from './keys.ts';
import { refreshShares } from './gate.ts';
import { endBeat } from './guard.ts';
import { mountables, mountAll } from './mounting.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
const BY_ID = '/dev/disk/by-id/';
const LABEL_MS = 20_000;
const LOOK_MS = 60_000;
const GATE = '/var/lib/dplane-pools';

/** Every disk is read: asked for by a person, never polled. */
const importables = async (host: Host): Promise<Result<Importable[]>> => {
  const r = await host.run(importableArgv(), { timeoutMs: LOOK_MS });
  // without any, it says so on stderr and ends with 1
  if (r.failure === null && r.exit !== 0 && /no pools available to import/.test(r.stderr)) return ok([]);
  if (!ran(r))
    return refuse('failed', 'looking for pools', r.stderr.trim().slice(0, 300) || 'zpool import did not answer', 'look at the disks');
  return parseImportable(r.stdout);
};

export const scanPools = async ({ host }: ChangeContext): Promise<Changed> => {
  const all = await importables(host);
  if (!all.ok) return all;
  const links = new Set(await host.list(BY_ID.slice(0, -1)));
  const pools: Importable[] = [];
  for (const p of all.value) {
    const leaf = p.config.find((c) => c.state === 'ONLINE' && (links.has(c.name) || links.has(`${c.name}-part1`)));
    const device = leaf === undefined ? null : `${BY_ID}${links.has(`${leaf.name}-part1`) ? `${leaf.name}-part1` : leaf.name}`;
    const label = device === null ? null : await host.run(labelArgv(device), { timeoutMs: LABEL_MS });
    pools.push({ ...p, lastHost: label === null || label.failure !== null ? null : parseLabel(label.stdout) });
  }
  return ok({ pools });
};

/** The newest of what the kernel keeps; it forgets them at a restart. */
const EVENTS = 500;
export const zfsEvents = async ({ host }: ChangeContext, op: Op<'pool.events'>): Promise<Changed> => {
  const out = await read(host, eventsArgv());
  if (!out.ok) return out;
  const all = parseEvents(out.value);
  if (!all.ok) return all;
  const some = op.errors ? all.value.filter((e) => e.class.startsWith('ereport.')) : all.value;
  return ok({ events: some.slice(-EVENTS) });
};

export const importPool = async ({ host, approval }: ChangeContext, op: Op<'pool.import'>): Promise<Changed> => {
  const what = `importing pool ${op.name}`;
  const all = await importables(host);
  if (!all.ok) return all;
  const p = all.value.find((x) => x.guid === op.guid);
  if (!p)
    return refuse(
      'not-found',
      what,
      `no pool with guid ${op.guid} lies on the disks of this machine`,
      'connect its disks, and look again: `dplane pool importable`',
    );
  if (p.name !== op.name) return refuse('conflict', what, `the pool with this guid is called ${p.name}`, 'look again, and make a new plan');
  if (!p.importable) return refuse('blocked', what, p.action ?? p.state, 'connect the disks that are missing');
  if (p.foreign && !op.force)
    return refuse(
      'needs-approval',
      what,
      'another machine had it last, and did not give it up',
      'make sure that no other machine uses it, then import it by force; that takes an approval',
    );
  if (op.force && approval === null) return refuse('needs-approval', what, 'it is to be taken by force', 'approve it by its name');
  const now = op.as ?? op.name;
  const flags = [...(op.force ? ['-f'] : []), ...(op.readonly ? ['-o', 'readonly=on'] : [])];
  const done = await change(
    host,
    ['zpool', 'import', '-N', '-d', BY_ID.slice(0, -1), ...flags, op.guid, ...(op.as === null ? [] : [op.as])],
    CREATE_POOL_MS,
  );
  if (!done.ok) return done;
  const seen = await identifyPool(host, now, op.guid, ['health', 'readonly']);
  if (!seen.ok) return seen;
  await loadKeyFiles(host, now);
  const datasets = await mountables(host, now);
  if (!datasets.ok) return datasets;
  const mounts = await mountAll(host, datasets.value, true);
  if (op.readonly && shown(seen.value, 'readonly') !== 'on') return unverified(what, 'it can be written to');
  const forgotten = (await host.readText(`${GATE}/forgotten`)) ?? '';
  if (forgotten.includes(op.guid))
    await host.writeText(
      `${GATE}/forgotten`,
      forgotten
        .split('\n')
        .filter((l) => l !== op.guid)
        .join('\n'),
      0o644,
    );
  await openGate(host);
  return ok({ guid: op.guid, health: shown(seen.value, 'health'), mounted: mounts.mounted, left: mounts.problems });
};

/** Whoever lists something of the pool holds it for that moment, ourselves too: busy in these words it is only for as long. */
const HELD = /cannot export '[^']*': pool is busy/;
const EXPORT_TRIES = 20;
const EXPORT_PAUSE_MS = 500;
const exporting = async (host: Host, name: string): Promise<Result<string>> => {
  for (let tries = 1; ; tries += 1) {
    const r = await host.run(['zpool', 'export', name], { timeoutMs: CREATE_POOL_MS });
    if (ran(r)) return ok(r.stdout);
    if (tries === EXPORT_TRIES || r.failure !== null || !HELD.test(r.stderr)) return { ok: false, refusal: zfsError(r) };
    await pause(EXPORT_PAUSE_MS);
  }
};

export const exportPool = async ({ host }: ChangeContext, op: Op<'pool.export'>): Promise<Changed> => {
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  // it would hold the pool for a moment now and then; the daemon begins it again when the pool stays
  await endBeat(host, op.name);
  // never by force: what is in use stays
  const done = await exporting(host, op.name);
  if (!done.ok) {
    // what it had unmounted by then
    const datasets = await mountables(host, op.name);
    if (datasets.ok) await mountAll(host, datasets.value, true);
    await refreshShares(host);
    return done;
  }
  const after = await poolProperties(host, op.name, ['guid']);
  return after.ok ? unverified(`exporting pool ${op.name}`, 'it is still there') : ok({ guid: op.guid });
};

export const checkpointPool = async ({ host }: ChangeContext, op: Op<'pool.checkpoint'>): Promise<Changed> => {
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  const done = await change(host, op.action === 'create' ? ['zpool', 'checkpoint', op.name] : ['zpool', 'checkpoint', '-d', op.name]);
  return done.ok ? ok({ guid: op.guid }) : done;
};

export const upgradePool = async ({ host }: ChangeContext, op: Op<'pool.upgrade'>): Promise<Changed> => {
  const what = `upgrading pool ${op.name}`;
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  const why = await whyNoUpgrade(host);
  if (why !== null) return refuse('blocked', what, why, 'install the current version into the other slot first, and upgrade then');
  const done = await change(host, ['zpool', 'upgrade', op.name], CREATE_POOL_MS);
  return done.ok ? ok({ guid: op.guid }) : done;
};

/** Looks for missing pools anew; what serves data follows when none is missing any more. Nothing is stopped by it. */
const openGate = async (host: Host): Promise<boolean> => {
  const missing = (await host.readText(`${GATE}/missing`).catch(() => null)) ?? '';
  if (missing.trim() === '') return false;
  await host.run(['systemctl', 'restart', '--no-block', 'dplane-pools.service'], { timeoutMs: LOOK_MS });
  // each has conditions of its own, and waits for the gate; one that is off stays off
  await host.run(['systemctl', 'start', '--no-block', 'smbd.service', 'nfs-server.service'], { timeoutMs: LOOK_MS });
  return true;
};
export const lookAtGate = async ({ host }: ChangeContext): Promise<Changed> => ok({ looked: await openGate(host) });

/** The gate's list, and nothing else: no disk is touched, and the pool can be imported whenever its disks are back. */
export const forgetPool = async ({ host }: ChangeContext, op: Op<'pool.forget'>): Promise<Changed> => {
  const what = `forgetting pool ${op.name}`;
  const there = await poolProperties(host, op.name, ['guid']);
  if (there.ok && shown(there.value, 'guid') === op.guid)
    return refuse('conflict', what, 'it is imported', 'export it, if this machine is to give it up');
  const missing = ((await host.readText(`${GATE}/missing`)) ?? '').split('\n').filter((l) => l !== '');
  if (!missing.some((l) => l.startsWith(`${op.guid} `)))
    return refuse('not-found', what, 'nothing waits for it', 'look at the list of pools');
  const forgotten = ((await host.readText(`${GATE}/forgotten`)) ?? '').split('\n').filter((l) => l !== '' && l !== op.guid);
  await host.writeText(`${GATE}/forgotten`, `${[...forgotten, op.guid].join('\n')}\n`, 0o644);
  await openGate(host);
  return ok({ guid: op.guid, label: diskLabel(op.name) });
};
