/** The live system as declared state: planning it against the same observation gives an empty plan. */
import { canonical } from '../canonical.ts';
import type { DatasetSpec, ObservedDataset } from '../dataset/dataset.ts';
import { Cipher } from '../key/key.ts';
import { poolOf } from '../names.ts';
import { accessOf, type DeclaredPermissions } from '../permission/permission.ts';
import type { ObservedAccounts } from '../share-user/share-user.ts';
import { temporaryOf } from './clone-change.ts';
import type { Observed } from '../observed/observed.ts';
import { type ObservedPool, PoolOptions, type PoolSpec } from '../pool/pool.ts';
import { type PoolSettings, USUAL_SETTINGS } from '../pool/settings.ts';
import { type Properties, PROPERTIES, type PropertyName } from '../property/property.ts';
import { type DesiredState, EMPTY_STATE } from '../state/state.ts';
import { isOwn } from './values.ts';

/**
 * Pools that do not answer are left out, with all that is in them: whoever keeps a captured state has to refuse while
 * `observed.stuck` is not empty. Shares of datasets that are not there are left out too, as no state may declare them.
 */
export const capture = (observed: Observed, { temporary = false }: { temporary?: boolean } = {}): DesiredState => {
  // what was made for a while is no part of what is declared
  const passing = temporary ? new Set<string>() : temporaryOf(observed);
  const stuck = new Set(observed.stuck.map((s) => s.pool));
  const own = ownProperties();
  const roots = new Map<string, Properties>();
  const datasets: DatasetSpec[] = [];
  const filesystems = new Set<string>();
  const nameIt = permissionsOf(observed.accounts);
  for (const d of observed.datasets) {
    if (stuck.has(poolOf(d.name)) || passing.has(d.name)) continue;
    if (d.kind === 'filesystem') filesystems.add(d.name);
    const permissions = nameIt(d);
    if (d.name.includes('/'))
      datasets.push({
        name: d.name,
        kind: d.kind,
        guid: d.guid,
        properties: own(d),
        ...encryptionOf(d),
        ...(permissions && { permissions }),
      });
    else roots.set(d.name, own(d));
  }
  const pools = observed.pools.filter((p) => !stuck.has(p.name));
  for (const p of pools) filesystems.add(p.name);
  return {
    ...EMPTY_STATE,
    pools: pools.map((p) => capturePool(p, roots.get(p.name) ?? {})),
    datasets,
    shares: observed.shares.map((s) => s.spec).filter((s) => filesystems.has(s.dataset)),
    schedules: observed.schedules ?? [],
    ...(observed.arc?.limit != null && { memory: { arc: observed.arc.limit } }),
    ...(observed.accounts && captureAccounts(observed.accounts)),
  };
};

/** Of a root, with a key of a kind that could be made again. */
const encryptionOf = (d: ObservedDataset): Pick<DatasetSpec, 'encryption'> => {
  const algorithm = Cipher.safeParse(d.encryption);
  return d.encryptionRoot === d.name && d.keyKind && d.keyKind !== 'other' && algorithm.success
    ? { encryption: { algorithm: algorithm.data, key: d.keyKind } }
    : {};
};

/** Those that people gave it: one of the ways that can be declared, and accounts that have a name. */
const permissionsOf = (accounts: ObservedAccounts | undefined): ((d: ObservedDataset) => DeclaredPermissions | undefined) => {
  const users = new Map((accounts?.users ?? []).map((u) => [u.id, u.name]));
  const groups = new Map([...users, ...(accounts?.groups ?? []).map((g) => [g.id, g.name] as const)]);
  return ({ permissions: p }) => {
    const access = p === undefined ? null : accessOf(p.mode);
    if (p === undefined || access === null) return undefined;
    const [owner, group] = [users.get(p.owner), groups.get(p.group)];
    if ((p.owner !== 0 && owner === undefined) || (p.group !== 0 && group === undefined)) return undefined;
    return { ...(owner === undefined ? {} : { owner }), ...(group === undefined ? {} : { group }), access };
  };
};

/** Lists that are empty are left out: a file that says nothing of accounts leaves them alone. */
const captureAccounts = ({ users, groups }: ObservedAccounts): Pick<DesiredState, 'share_users' | 'share_groups'> => ({
  ...(groups.length > 0 || users.length > 0 ? { share_groups: groups, share_users: users.map(({ note: _note, ...u }) => u) } : {}),
});

/** What somebody decided: as usual is what is left out. */
const ownSettings = ({ settings }: ObservedPool): Partial<PoolSettings> => {
  if (settings === undefined) return {};
  const own = (['care', 'capacity', 'heartbeat'] as const).filter((k) => canonical(settings[k]) !== canonical(USUAL_SETTINGS[k]));
  return Object.fromEntries(own.map((k) => [k, settings[k]]));
};

const capturePool = (p: ObservedPool, properties: Properties): PoolSpec => {
  const options: PoolOptions = {};
  for (const [name, value] of Object.entries(p.options)) {
    const one = PoolOptions.safeParse({ [name]: value });
    if (one.success && value !== '' && value !== '-') Object.assign(options, one.data);
  }
  return {
    name: p.name,
    guid: p.guid,
    vdevs: p.vdevs.map((v) => ({ kind: v.kind, role: v.role, disks: v.disks.map((d) => d.path) })),
    options,
    properties,
    ...ownSettings(p),
  };
};

/** What makes a dataset this one when it is made anew: its own values, and what was fixed at its making. */
const isKept = (name: PropertyName, seen: ObservedDataset): boolean => {
  const p = seen.properties[name];
  if (isOwn(p) || name === 'volsize') return true;
  return p?.source === 'none' && (name === 'volblocksize' || (name === 'casesensitivity' && p.value !== 'sensitive'));
};

/** Values that a state file can't hold (set by hand, or by a newer ZFS) are left out: what isn't declared isn't touched. */
const ownProperties = (): ((seen: ObservedDataset) => Properties) => {
  const known = new Map<string, boolean>();
  const accepts = (name: PropertyName, value: string): boolean => {
    const key = `${name}=${value}`;
    let good = known.get(key);
    if (good === undefined) {
      good = PROPERTIES[name].schema.safeParse(value).success;
      known.set(key, good);
    }
    return good;
  };
  return (seen) => {
    const out: Properties = {};
    // the keys of the record are PropertyNames; Object.keys forgets it
    for (const name of Object.keys(seen.properties) as PropertyName[]) {
      const value = seen.properties[name]?.value;
      const { on } = PROPERTIES[name];
      if (value !== undefined && (on === 'both' || on === seen.kind) && isKept(name, seen) && accepts(name, value)) out[name] = value;
    }
    return out;
  };
};

/** Which guid each name has now: kept after an apply, so that a rename behind our back is told from a deletion. */
export const identitiesOf = (observed: Observed): Map<string, string> => {
  const map = new Map<string, string>();
  for (const p of observed.pools) map.set(`pool ${p.name}`, p.guid);
  for (const d of observed.datasets) map.set(`dataset ${d.name}`, d.guid);
  return map;
};
