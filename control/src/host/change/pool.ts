/** Pools: made, set, scrubbed. Nothing here, and nothing in this folder, can take one apart. */
import { z } from 'zod';
import { whyNotFree } from '../../domain/disk/disk.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import type { PoolOptions, Vdev } from '../../domain/pool/pool.ts';
import { ok, refuse } from '../../domain/refusal.ts';
import { observeDisks } from '../disks/disks.ts';
import {
  type ChangeContext,
  type Changed,
  change,
  identifyPool,
  labelling,
  poolProperties,
  properties,
  read,
  unverified,
  shown,
} from './host.ts';
import { mayMountAt } from './mountpoint.ts';
import { assignments, set, whatDiffers } from './property.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;

const optionPairs = (options: PoolOptions): [string, string][] =>
  (['ashift', 'autotrim', 'autoexpand', 'comment'] as const).flatMap((k): [string, string][] => {
    const value = options[k];
    return value === undefined ? [] : [[k, String(value)]];
  });

/** Data first: a role word (`log`, `cache`...) holds for everything behind it. */
export const vdevArgv = (vdevs: readonly Vdev[]): string[] => {
  const of = (v: Vdev): string[] => (v.kind === 'stripe' ? v.disks : [v.kind, ...v.disks]);
  const roles = ['special', 'dedup', 'log', 'cache', 'spare'] as const;
  return [
    ...vdevs.filter((v) => v.role === 'data').flatMap(of),
    ...roles.flatMap((role) => vdevs.filter((v) => v.role === role).flatMap((v) => [role, ...of(v)])),
  ];
};

export const createPool = async ({ host }: ChangeContext, op: Op<'pool.create'>): Promise<Changed> => {
  const what = `creating pool ${op.name}`;
  const mount = mayMountAt(op.name, op.properties.mountpoint ?? `/${op.name}`);
  if (!mount.ok) return mount;
  if (!op.vdevs.some((v) => v.role === 'data')) return refuse('invalid', what, 'no vdev holds data', 'name at least one data vdev');
  const wanted = op.vdevs.flatMap((v) => v.disks);
  if (new Set(wanted).size !== wanted.length) return refuse('invalid', what, 'a disk is named twice', 'name each disk once');

  const disks = await observeDisks(host);
  if (!disks.ok) return disks;
  for (const path of wanted) {
    const disk = disks.value.find((d) => d.path === path);
    if (!disk) return refuse('not-found', what, `there is no disk ${path}`, 'check the cabling and the list of disks');
    const why = whyNotFree(disk);
    if (why !== undefined)
      return refuse('blocked', what, `${path} can't be used: ${why}`, 'choose disks that are free; nothing is overwritten by force');
  }

  const argv = ['zpool', 'create', ...optionPairs(op.options).flatMap(([k, v]) => ['-o', `${k}=${v}`])];
  // never -f: what zpool itself finds odd (a label, unequal redundancy) is for a person to look at
  const made = await labelling(host, [...argv, ...assignments(op.properties, '-O'), op.name, ...vdevArgv(op.vdevs)]);
  if (!made.ok) return made;

  const pool = await poolProperties(host, op.name, ['guid', 'health']);
  if (!pool.ok) return pool;
  const root = await properties(host, op.name, ['guid', ...set(op.properties).map(([k]) => k)]);
  if (!root.ok) return root;
  const differs = whatDiffers(op.properties, root.value);
  if (differs !== undefined) return unverified(what, differs);
  return ok({ guid: shown(pool.value, 'guid'), health: shown(pool.value, 'health') });
};

export const setPool = async ({ host }: ChangeContext, op: Op<'pool.set'>): Promise<Changed> => {
  const pairs = optionPairs(op.options);
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  for (const [k, v] of pairs) {
    const done = await change(host, ['zpool', 'set', `${k}=${v}`, op.name]);
    if (!done.ok) return done;
  }
  const seen = await identifyPool(
    host,
    op.name,
    op.guid,
    pairs.map(([k]) => k),
  );
  if (!seen.ok) return seen;
  for (const [k, v] of pairs) {
    const there = shown(seen.value, k);
    if (there !== v && !(v === '' && there === '-'))
      return unverified(`setting ${k} of pool ${op.name}`, `${k} shows ${there} instead of ${v}`);
  }
  return ok({ guid: op.guid });
};

const Status = z.object({
  pools: z.record(
    z.string(),
    z.object({ scan_stats: z.object({ function: z.string(), state: z.string(), scrub_pause: z.string().optional() }).optional() }),
  ),
});
const WANTED = { start: ['SCANNING', 'FINISHED'], stop: ['CANCELED', 'FINISHED'], pause: ['PAUSED', 'FINISHED'] } as const;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The scrub itself takes hours: what is verified is that it was taken up, by the state that `zpool status` shows. */
export const scrubPool = async ({ host }: ChangeContext, op: Op<'pool.scrub'>): Promise<Changed> => {
  const pool = await identifyPool(host, op.name, op.guid);
  if (!pool.ok) return pool;
  const flag = { start: [], stop: ['-s'], pause: ['-p'] }[op.action];
  const done = await change(host, ['zpool', 'scrub', ...flag, op.name]);
  if (!done.ok) return done;
  const out = await read(host, ['zpool', 'status', '-j', op.name]);
  if (!out.ok) return out;
  const scan = Status.safeParse(parseJson(out.value)).data?.pools[op.name]?.scan_stats;
  const paused = scan?.state === 'SCANNING' && !['-', '0', undefined].includes(scan.scrub_pause);
  const state = paused ? 'PAUSED' : (scan?.state ?? 'none');
  // a small pool is done before one can look
  const expected: readonly string[] = WANTED[op.action];
  return scan?.function === 'SCRUB' && expected.includes(state)
    ? ok({ guid: op.guid, state })
    : unverified(`${op.action} of the scrub of ${op.name}`, `its state is ${state}`);
};
