/**
 * Drift: what is on the host now against what was there when we last changed it. Compared by guid, over every managed
 * property with its source, so a rename is a rename and a local value that appeared or vanished is seen.
 */
import type { DatasetSpec } from '../domain/dataset/dataset.ts';
import type { PoolSpec } from '../domain/pool/pool.ts';
import { canonical } from '../domain/canonical.ts';
import type { Properties, PropertyName } from '../domain/property/property.ts';
import { shareKey, ShareSpec } from '../domain/share/share.ts';
import type { DesiredState } from '../domain/state/state.ts';
import type { DriftItem } from './engine.ts';

const propertyChanges = (before: Properties, now: Properties): string[] => {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]) as Set<PropertyName>;
  return [...names]
    .sort()
    .filter((n) => before[n] !== now[n])
    .map((n) => `${n} was ${before[n] ?? 'not set here'}, is ${now[n] ?? 'not set here'}`);
};

type Named = { name: string; guid?: string | undefined };

/** Pairs by guid first, then by name; what is left over is missing or extra. */
const compare = <T extends Named>(
  noun: string,
  before: readonly T[],
  now: readonly T[],
  differences: (a: T, b: T) => string[],
): DriftItem[] => {
  const items: DriftItem[] = [];
  const byGuid = new Map(now.flatMap((n) => (n.guid === undefined ? [] : [[n.guid, n] as const])));
  const byName = new Map(now.map((n) => [n.name, n]));
  const met = new Set<T>();
  for (const b of before) {
    const same = b.guid === undefined ? byName.get(b.name) : byGuid.get(b.guid);
    if (same === undefined) {
      const other = byName.get(b.name);
      if (other !== undefined) {
        met.add(other);
        items.push({
          noun,
          name: b.name,
          what: 'changed',
          message: `another ${noun} stands under this name now (guid ${other.guid}, was ${b.guid})`,
        });
      } else items.push({ noun, name: b.name, what: 'missing', message: `${noun} ${b.name} is gone` });
      continue;
    }
    met.add(same);
    if (same.name !== b.name) items.push({ noun, name: b.name, what: 'renamed', message: `${noun} ${b.name} is now named ${same.name}` });
    const changed = differences(b, same);
    if (changed.length > 0) items.push({ noun, name: same.name, what: 'changed', message: changed.join('; ') });
  }
  for (const n of now) if (!met.has(n)) items.push({ noun, name: n.name, what: 'extra', message: `${noun} ${n.name} appeared` });
  return items;
};

const poolDifferences = (a: PoolSpec, b: PoolSpec): string[] => [
  ...(canonical(a.vdevs) === canonical(b.vdevs) ? [] : ['its disks or vdevs changed']),
  ...(canonical(a.options) === canonical(b.options) ? [] : [`its options changed from ${canonical(a.options)} to ${canonical(b.options)}`]),
  ...propertyChanges(a.properties, b.properties),
];
const datasetDifferences = (a: DatasetSpec, b: DatasetSpec): string[] => [
  ...(a.kind === b.kind ? [] : [`it was a ${a.kind}, is a ${b.kind}`]),
  // a baseline from before keys were looked at says nothing about them
  ...(a.encryption === undefined || canonical(a.encryption) === canonical(b.encryption ?? null)
    ? []
    : [`its encryption was ${a.encryption.algorithm} with ${a.encryption.key}, is ${b.encryption?.key ?? 'another'}`]),
  ...propertyChanges(a.properties, b.properties),
  // what was not written down then says nothing
  ...(a.permissions === undefined || canonical(a.permissions) === canonical(b.permissions ?? null)
    ? []
    : [
        `owner, group and access of its folder were ${canonical(a.permissions)}, are ${b.permissions ? canonical(b.permissions) : 'others'}`,
      ]),
];
/** One that was written down by an older version has what was not a choice then. */
const whole = (s: ShareSpec): ShareSpec => ShareSpec.safeParse(s).data ?? s;
const shareDifferences = (was: ShareSpec, is: ShareSpec): string[] => differing(whole(was), whole(is));
const differing = (a: ShareSpec, b: ShareSpec): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((k) => canonical(a[k as keyof ShareSpec]) !== canonical(b[k as keyof ShareSpec]))
    .map((k) => `${k} was ${canonical(a[k as keyof ShareSpec] ?? null)}, is ${canonical(b[k as keyof ShareSpec] ?? null)}`);

/** A baseline from before there were accounts says nothing about them. */
const accountDrift = (noun: string, before: readonly Account[] | undefined, now: readonly Account[] | undefined): DriftItem[] => {
  const named = (list: readonly Account[]): (Named & { account: Account })[] =>
    list.map((a) => ({ name: a.name, guid: a.id === undefined ? undefined : String(a.id), account: a }));
  const bare = ({ name: _name, ...rest }: Account): string => canonical(rest);
  return before === undefined
    ? []
    : compare(noun, named(before), named(now ?? []), (a, b) => (bare(a.account) === bare(b.account) ? [] : ['its record was changed']));
};
type Account = { name: string; id?: number | undefined };

/** Pools in `unknown` did not answer: nothing is said about what is on them. */
export const driftBetween = (baseline: DesiredState, now: DesiredState, unknown: ReadonlySet<string>): DriftItem[] => {
  const poolOf = (name: string): string => name.split('/')[0] ?? name;
  const told = <T extends { name: string }>(list: readonly T[]): T[] => list.filter((x) => !unknown.has(poolOf(x.name)));
  const shares = (s: DesiredState): (Named & { spec: ShareSpec })[] => s.shares.map((spec) => ({ name: shareKey(spec), spec }));
  return [
    ...compare('pool', told(baseline.pools), told(now.pools), poolDifferences),
    ...compare('dataset', told(baseline.datasets), told(now.datasets), datasetDifferences),
    ...compare('share', shares(baseline), shares(now), (a, b) => shareDifferences(a.spec, b.spec)),
    ...accountDrift('share-user', baseline.share_users, now.share_users),
    ...accountDrift('share-group', baseline.share_groups, now.share_groups),
  ];
};

/**
 * The next baseline after a run: what is there now, except that what differs and was not touched by the run keeps its old
 * entry; a run must not make someone else's change look like ours.
 */
export const nextBaseline = (
  old: DesiredState,
  drift: readonly DriftItem[],
  touched: ReadonlySet<string>,
  now: DesiredState,
): DesiredState => {
  const keepOld = new Set(drift.map((i) => `${i.noun} ${i.name}`).filter((k) => !touched.has(k)));
  const merge = <T>(noun: string, was: readonly T[], is: readonly T[], key: (t: T) => string): T[] => {
    const merged = new Map(is.filter((t) => !keepOld.has(`${noun} ${key(t)}`)).map((t) => [key(t), t]));
    for (const t of was) if (keepOld.has(`${noun} ${key(t)}`)) merged.set(key(t), t);
    return [...merged.values()];
  };
  const name = (x: { name: string }): string => x.name;
  return {
    ...now,
    pools: merge('pool', old.pools, now.pools, name),
    datasets: merge('dataset', old.datasets, now.datasets, name),
    shares: merge('share', old.shares, now.shares, shareKey),
    ...(old.share_users && { share_users: merge('share-user', old.share_users, now.share_users ?? [], name) }),
    ...(old.share_groups && { share_groups: merge('share-group', old.share_groups, now.share_groups ?? [], name) }),
  };
};

/** What is there now, with what was known of the pools that don't answer: they are not known to have changed. */
export const withUnknown = (old: DesiredState | null, now: DesiredState, unknown: ReadonlySet<string>): DesiredState => {
  if (old === null || unknown.size === 0) return now;
  const of = (name: string): boolean => unknown.has(name.split('/')[0] ?? name);
  return {
    ...now,
    pools: [...now.pools.filter((p) => !of(p.name)), ...old.pools.filter((p) => of(p.name))],
    datasets: [...now.datasets.filter((d) => !of(d.name)), ...old.datasets.filter((d) => of(d.name))],
  };
};
