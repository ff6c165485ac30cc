/** Pools: made, never unmade. What can't be reached from declared state is said, and gates what is in the pool. */
import { canonical } from '../canonical.ts';
import { whyNotFree } from '../disk/disk.ts';
import { formatBytes } from '../names.ts';
import { whyUneven } from '../pool/layout.ts';
import type { ObservedPool, PoolOptions, PoolSpec, Vdev } from '../pool/pool.ts';
import { type PoolSettings, USUAL_SETTINGS } from '../pool/settings.ts';
import { settable } from './values.ts';
import type { Change } from './types.ts';
import { add, byText, impossible, runnable, type World } from './world.ts';

/** ZFS names the partition of a disk that it was given whole. */
const wholeDisk = (path: string): string => path.replace(/-part1$/, '');

type Layout = { kind: Vdev['kind']; role: Vdev['role']; disks: readonly string[] };
/** Disks that stand alone are one vdev each to ZFS, however they are grouped in the file. */
const layoutOf = (vdevs: readonly Layout[]): string[] =>
  vdevs
    .flatMap((v) => {
      const disks = v.disks.map(wholeDisk).sort();
      return v.kind === 'stripe' ? disks.map((d) => `${v.role} ${d}`) : [`${v.role} ${v.kind} ${disks.join(' ')}`];
    })
    .sort();

export const sameLayout = (declared: readonly Layout[], seen: ObservedPool): boolean => {
  const a = layoutOf(declared);
  const b = layoutOf(seen.vdevs.map((v) => ({ kind: v.kind, role: v.role, disks: v.disks.map((d) => d.path) })));
  return a.length === b.length && a.every((line, i) => line === b[i]);
};

/** The pool's contents can't be read or changed as it stands. */
export const isOutOfReach = (p: Pick<ObservedPool, 'health'>): boolean =>
  p.health === 'SUSPENDED' || p.health === 'UNAVAIL' || p.health === 'FAULTED';

const OPTIONS = ['ashift', 'autoexpand', 'autotrim', 'comment'] as const satisfies readonly (keyof PoolOptions)[];

const differences = (spec: PoolSpec, seen: ObservedPool): { options: PoolOptions; changes: Change[] } => {
  const options: PoolOptions = {};
  const changes: Change[] = [];
  for (const name of OPTIONS) {
    const to = spec.options[name];
    const from = seen.options[name];
    // zpool prints - for a comment that isn't there
    const same = name === 'comment' ? to === (from === '-' || from === undefined ? '' : from) : to === from;
    if (to === undefined || same) continue;
    Object.assign(options, { [name]: to });
    changes.push({ property: name, from: from === undefined ? null : String(from), to: String(to) });
  }
  return { options, changes };
};

const whyNoDisks = (w: World, spec: PoolSpec): string | null => {
  const disks = new Map(w.observed.disks.map((d) => [d.path, d]));
  const problems: string[] = [];
  for (const path of spec.vdevs.flatMap((v) => v.disks)) {
    const disk = disks.get(path);
    const why = disk ? whyNotFree(disk) : 'it is not seen on this host';
    if (why !== undefined) problems.push(`${path}: ${why}`);
  }
  return problems.length === 0 ? null : problems.sort(byText).join('; ');
};

/**
 * Of the sectors of a new pool, as a power of two. ZFS would take what the disks say, and many say 512 that have 4096 inside: such a pool is slow and
 * refuses the next generation of disks, and it can't be changed any more.
 */
const sectorsFor = (w: World, spec: PoolSpec): number => {
  const mine = new Set(spec.vdevs.flatMap((v) => v.disks));
  const largest = Math.max(4096, ...w.observed.disks.filter((d) => mine.has(d.path)).map((d) => d.physicalSector));
  return spec.options.ashift ?? Math.min(16, Math.ceil(Math.log2(largest)));
};

const flat = (value: object): Map<string, string | null> =>
  new Map(Object.entries(value).map(([k, v]) => [k, v === null ? null : String(v)]));

/** What the control plane keeps of a pool: nothing of it waits for the pool. */
const planSettings = (w: World, spec: PoolSpec, seen: ObservedPool | null, after: string[]): void => {
  const now = seen?.settings ?? USUAL_SETTINGS;
  const settings: Partial<PoolSettings> = {};
  const changes: Change[] = [];
  for (const part of ['care', 'capacity', 'heartbeat'] as const) {
    const wanted = spec[part];
    if (wanted === undefined || canonical(wanted) === canonical(now[part])) continue;
    Object.assign(settings, { [part]: wanted });
    const from = flat(now[part]);
    for (const [name, to] of flat(wanted))
      if (from.get(name) !== to) changes.push({ property: `${part} ${name}`, from: from.get(name) ?? null, to });
  }
  if (changes.length === 0) return;
  const operation = { kind: 'pool.keep', name: spec.name, guid: seen?.guid ?? null, settings } as const;
  const reason = `how it is looked after ${w.words.differs}`;
  add(w, runnable({ verb: 'MODIFY', noun: 'pool', name: spec.name, risk: 'safe', reason, operation, changes, after }));
};

export const planPools = (w: World): void => {
  const stuck = new Map(w.observed.stuck.map((s) => [s.pool, s.problem.why]));
  const byGuid = new Map(w.observed.pools.map((p) => [p.guid, p]));
  const known = new Set<string>();
  const gate = (name: string, id: string | null, why: string, readable = false): void => {
    w.gates.set(name, { id, why, readable });
    if (id !== null) w.makes.set(name, id);
  };
  const block = (spec: PoolSpec, id: string | undefined, reason: string, why: string): void =>
    gate(spec.name, add(w, impossible({ ...(id === undefined ? {} : { id }), noun: 'pool', name: spec.name, reason, why })), why);

  for (const spec of w.desired.pools) {
    known.add(spec.name);
    const silent = stuck.get(spec.name);
    if (silent !== undefined) {
      block(spec, undefined, 'what the pool holds is not known now', `pool ${spec.name} does not answer (${silent})`);
      continue;
    }
    const seen = w.pools.get(spec.name);
    const guid = spec.guid ?? w.identities.get(`pool ${spec.name}`);
    if (!seen) {
      const moved = guid === undefined ? undefined : byGuid.get(guid);
      if (moved && !w.desired.pools.some((p) => p.name === moved.name)) {
        known.add(moved.name);
        block(
          spec,
          undefined,
          'the pool is there under another name',
          `the pool with guid ${moved.guid} is called ${moved.name} on this host; a pool is not renamed from declared state`,
        );
      } else if (spec.guid !== undefined)
        block(
          spec,
          `pool.create ${spec.name}`,
          w.words.missing,
          `no pool with guid ${spec.guid} is imported: import it, or leave the guid out to make a new pool`,
        );
      else {
        const why = whyUneven(spec.vdevs) ?? whyNoDisks(w, spec);
        const ashift = sectorsFor(w, spec);
        if (why !== null) block(spec, `pool.create ${spec.name}`, w.words.missing, why);
        else
          w.makes.set(
            spec.name,
            add(
              w,
              runnable({
                verb: 'CREATE',
                noun: 'pool',
                name: spec.name,
                risk: 'safe',
                reason: w.words.missing,
                operation: {
                  kind: 'pool.create',
                  name: spec.name,
                  vdevs: spec.vdevs,
                  options: { ...spec.options, ashift },
                  properties: settable(spec.properties),
                },
                changes: [
                  ...spec.vdevs.map((v) => ({ property: `vdev ${v.role}`, from: null, to: `${v.kind} of ${v.disks.join(', ')}` })),
                  { property: 'ashift', from: null, to: String(ashift) },
                ],
              }),
            ),
          );
      }
      const made = w.makes.get(spec.name);
      if (made !== undefined && w.actions.get(made)?.operation) planSettings(w, spec, null, [made]);
      continue;
    }
    if (guid !== undefined && guid !== seen.guid) {
      block(
        spec,
        undefined,
        'the pool of this name is another one',
        `pool ${spec.name} on this host has guid ${seen.guid}, not ${guid}${spec.guid === undefined ? ' as when it was last applied; declare its guid if this one is meant' : ''}`,
      );
      continue;
    }
    planExisting(w, spec, seen, gate);
    planSettings(w, spec, seen, []);
  }
  if (w.desired.ignore_extraneous) return;
  for (const name of new Set([...w.pools.keys(), ...stuck.keys()])) {
    if (known.has(name)) continue;
    const seen = w.pools.get(name);
    add(
      w,
      impossible({
        noun: 'pool',
        name,
        reason: `${w.words.extra}${seen ? ` (${formatBytes(seen.allocated)} in use)` : ''}`,
        why: 'a pool is never destroyed from declared state: declare it, or set ignore_extraneous',
      }),
    );
  }
};

const planExisting = (
  w: World,
  spec: PoolSpec,
  seen: ObservedPool,
  gate: (name: string, id: string | null, why: string, readable: boolean) => void,
): void => {
  const { name } = spec;
  const sick = isOutOfReach(seen) ? `pool ${name} is ${seen.health}` : null;
  if (sick !== null) gate(name, null, sick, true);
  if (!sameLayout(spec.vdevs, seen))
    add(
      w,
      impossible({
        noun: 'pool',
        name,
        reason: `its layout ${w.words.differs}`,
        why: 'changing the layout of an existing pool is not done from state.yaml',
      }),
    );
  const { options, changes } = differences(spec, seen);
  if (changes.length > 0) {
    const reason = `an option ${w.words.differs}`;
    const operation = { kind: 'pool.set', name, guid: seen.guid, options } as const;
    add(
      w,
      sick === null
        ? runnable({ verb: 'MODIFY', noun: 'pool', name, risk: 'safe', reason, operation, changes })
        : impossible({ id: `pool.set ${name}`, noun: 'pool', name, reason, why: sick, changes }),
    );
  }
};
