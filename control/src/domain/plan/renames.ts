/**
 * Renames, told by guid: a dataset that stands under another name than declared is moved, never made anew and
 * deleted. Answers where every observed dataset will stand once the renames have run.
 */
import type { DatasetSpec, ObservedDataset } from '../dataset/dataset.ts';
import { isWithin, parentOf, poolOf } from '../names.ts';
import { add, byText, impossible, makeImpossible, runnable, type World } from './world.ts';

export type Moved = {
  /** False: everything stays where it stands. */
  readonly any: boolean;
  /** What will stand under each name. */
  at(): ReadonlyMap<string, ObservedDataset>;
  /** Where it will stand. */
  nameOf(seen: ObservedDataset): string;
  /** The rename that takes it there, if one does. */
  carrierOf(seen: ObservedDataset): string | undefined;
  /** It belongs to a rename that can't be done: nothing is planned against it. */
  isProtected(seen: ObservedDataset): boolean;
  /** Renames that take something out from under an observed dataset. */
  readonly outOf: ReadonlyMap<string, readonly string[]>;
  /** Renames that free a name. */
  leaves(name: string): string | undefined;
};

type Candidate = { spec: DatasetSpec; seen: ObservedDataset };

const identityOf = (w: World, spec: DatasetSpec): string | undefined =>
  spec.guid ?? (w.identities.size === 0 ? undefined : w.identities.get(`dataset ${spec.name}`));

/** Declared datasets whose own dataset stands elsewhere; parents first. */
const candidates = (w: World): Candidate[] => {
  let byGuid: Map<string, ObservedDataset> | undefined;
  const found = new Map<string, Candidate>();
  for (const [i, spec] of w.desired.datasets.entries()) {
    const guid = identityOf(w, spec);
    if (guid === undefined || w.standing[i]?.guid === guid) continue;
    byGuid ??= new Map(w.observed.datasets.map((d) => [d.guid, d]));
    const seen = byGuid.get(guid);
    if (!seen || w.gates.get(poolOf(spec.name))?.readable === false) continue;
    const other = w.wanted().get(seen.name);
    if (other && identityOf(w, other) === guid) {
      if (spec.guid !== undefined) lose(w, spec, `guid ${guid} is that of ${seen.name}, which is declared as well`);
      continue;
    }
    const rival = found.get(guid);
    // a guid that is written down counts more than one that is remembered
    if (rival && (rival.spec.guid !== undefined || (spec.guid === undefined && rival.spec.name < spec.name))) continue;
    found.set(guid, { spec, seen });
  }
  return [...found.values()].sort((a, b) => byText(a.spec.name, b.spec.name));
};

const lose = (w: World, spec: DatasetSpec, why: string): void => {
  const id = add(w, impossible({ noun: 'dataset', name: spec.name, reason: 'its guid and its name say different things', why }));
  w.lost.set(spec.name, { id, why, readable: false });
  w.makes.set(spec.name, id);
};

const nearest = <T>(name: string, map: { get(name: string): T | undefined }): { at: string; value: T } | undefined => {
  for (let n: string | null = name; n !== null; n = parentOf(n)) {
    const value = map.get(n);
    if (value !== undefined) return { at: n, value };
  }
  return undefined;
};

export const planRenames = (w: World): Moved => {
  const moving = candidates(w);
  if (moving.length === 0)
    return {
      any: false,
      at: w.datasets,
      nameOf: (seen) => seen.name,
      carrierOf: () => undefined,
      isProtected: () => false,
      outOf: new Map(),
      leaves: () => undefined,
    };

  const leaving = new Map(moving.map((c) => [c.seen.name, c]));
  /** Old name of a renamed top -> where it goes. */
  const tops = new Map<string, { to: string; id: string }>();
  const stays = new Map<string, true>();
  const outOf = new Map<string, string[]>();
  /** Renames that have to run before the one of this name, because their source would move with it. */
  const inside = new Map<string, string[]>();

  /** Where something stands between two renames of a plan, and the one that takes it on. */
  const passing = new Map<string, string>();

  const whereNow = (name: string): string => {
    const top = nearest(name, tops);
    return top ? top.value.to + name.slice(top.at.length) : name;
  };

  for (const { spec, seen } of moving) {
    const now = whereNow(seen.name);
    if (now === spec.name) continue;
    const why = whyNot(w, spec, seen, leaving);
    const reason = `the dataset with guid ${seen.guid} is called ${seen.name} on the host`;
    const changes = [{ property: 'name', from: now, to: spec.name }];
    if (why !== null) {
      const id = add(
        w,
        impossible({
          id: `dataset.rename ${now}`,
          noun: 'dataset',
          name: now,
          reason,
          why,
          changes,
          target: { kind: 'dataset', name: now, guid: seen.guid },
        }),
      );
      stays.set(seen.name, true);
      w.lost.set(spec.name, { id, why: `${now} can't be renamed to ${spec.name}: ${why}`, readable: false });
      w.makes.set(spec.name, id);
      continue;
    }
    const operation = { kind: 'dataset.rename', name: now, guid: seen.guid, to: spec.name } as const;
    const id = add(w, runnable({ verb: 'MODIFY', noun: 'dataset', name: now, risk: 'disruptive', reason, operation, changes }));
    // where it stands now is the doing of a rename above it
    const above = nearest(seen.name, tops);
    const after = w.actions.get(id)?.after;
    if (above) after?.push(above.value.id);
    after?.push(...(inside.get(seen.name) ?? []));
    for (let up = parentOf(seen.name); up !== null; up = parentOf(up))
      if (leaving.has(up) && !tops.has(up)) inside.set(up, [...(inside.get(up) ?? []), id]);
    const parent = parentOf(seen.name);
    if (parent !== null) outOf.set(parent, [...(outOf.get(parent) ?? []), id]);
    tops.set(seen.name, { to: spec.name, id });
    if (now !== seen.name) passing.set(now, id);
    w.makes.set(spec.name, id);
  }

  const at = new Map<string, ObservedDataset>();
  for (const seen of w.observed.datasets) at.set(whereNow(seen.name), seen);
  /** It stands where it is declared, and would be taken along by a rename above it. */
  const dragged = (spec: DatasetSpec, i: number): boolean => {
    const guid = w.standing[i]?.guid;
    return guid !== undefined && guid === identityOf(w, spec) && whereNow(spec.name) !== spec.name;
  };
  if (at.size < w.observed.datasets.length || w.desired.datasets.some(dragged)) {
    // rare and never meant: rather than to find the one rename at fault, none is done
    const why = "the renames get in each other's way: do them in several steps";
    for (const [from, { to, id }] of tops) {
      const action = w.actions.get(id);
      if (action) makeImpossible(action, why);
      stays.set(from, true);
      w.lost.set(to, { id, why, readable: false });
    }
    tops.clear();
    at.clear();
    for (const seen of w.observed.datasets) at.set(seen.name, seen);
  }
  const leaves = (name: string): string | undefined =>
    passing.get(name) ?? (w.datasets().has(name) ? nearest(name, tops)?.value.id : undefined);
  for (const { to, id } of tops.values()) {
    const freed = leaves(to);
    if (freed !== undefined && freed !== id) w.actions.get(id)?.after.push(freed);
  }
  return {
    any: true,
    at: () => at,
    nameOf: (seen) => whereNow(seen.name),
    carrierOf: (seen) => nearest(seen.name, tops)?.value.id,
    isProtected: (seen) => stays.size > 0 && nearest(seen.name, stays) !== undefined,
    outOf,
    leaves,
  };
};

const whyNot = (w: World, spec: DatasetSpec, seen: ObservedDataset, leaving: ReadonlyMap<string, Candidate>): string | null => {
  const gate = w.gates.get(poolOf(seen.name));
  if (gate) return gate.why;
  if (!seen.name.includes('/')) return `${seen.name} is the root of its pool and keeps its name`;
  if (poolOf(seen.name) !== poolOf(spec.name)) return 'a dataset is not moved to another pool by renaming it: replicate it there instead';
  if (seen.kind !== spec.kind) return `it is a ${seen.kind} and is declared as a ${spec.kind}`;
  if (isWithin(spec.name, seen.name)) return 'a dataset is not moved into itself';
  const taken = w.datasets().get(spec.name);
  if (taken && !nearest(taken.name, leaving))
    return `${spec.name} is taken by another dataset (guid ${taken.guid}): rename that one first, or declare its guid to keep it`;
  return null;
};
