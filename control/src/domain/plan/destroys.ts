/** What is on the host but not declared. Nothing that may hold data goes without an approval of its own. */
import { holdsData, type ObservedDataset } from '../dataset/dataset.ts';
import { formatBytes, parentOf, poolOf } from '../names.ts';
import { shareKey, type ShareSpec } from '../share/share.ts';
import { temporaryOf } from './clone-change.ts';
import { gateOf } from './datasets.ts';
import type { Moved } from './renames.ts';
import type { Action } from './types.ts';
import { add, byText, DECLARED, impossible, makeImpossible, runnable, type World } from './world.ts';

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

const amount = (d: ObservedDataset): string =>
  d.kind === 'volume'
    ? `a volume with ${formatBytes(d.used)} in use and ${plural(d.snapshots, 'snapshot')}`
    : `${formatBytes(d.used)} in use and ${plural(d.snapshots, 'snapshot')}`;

const destroy = (w: World, seen: ObservedDataset, name: string): Action => {
  const risky = holdsData(seen);
  const operation = { kind: 'dataset.destroy', name, guid: seen.guid, withSnapshots: risky } as const;
  if (risky)
    return runnable({
      verb: 'BLOCKED',
      noun: 'dataset',
      name,
      risk: 'destructive',
      approval: 'required',
      reason: `${w.words.extra}: ${amount(seen)}`,
      blocked: `it may hold data (${amount(seen)}): destroying it needs an approval that names ${name}`,
      operation,
    });
  return runnable({
    verb: 'DELETE',
    noun: 'dataset',
    name,
    risk: 'disruptive',
    reason: `${w.words.extra}; it looks empty; the executor proves it before it destroys it`,
    operation,
  });
};

const group = <T>(list: Iterable<T>, key: (item: T) => string): Map<string, T[]> => {
  const map = new Map<string, T[]>();
  for (const item of list) {
    const k = key(item);
    const old = map.get(k);
    if (old) old.push(item);
    else map.set(k, [item]);
  }
  return map;
};

/** Every dataset that is there, pool roots aside, stands under a declared name: the usual case, told by counting. */
const isAllDeclared = (w: World): boolean => {
  let rest = 0;
  for (const d of w.observed.datasets) if (d.name.includes('/')) rest += 1;
  for (const d of w.standing) if (d) rest -= 1;
  return rest === 0;
};

export const planDestroys = (w: World, moved: Moved): void => {
  if (w.desired.ignore_extraneous) return;
  const ours = new Set(w.desired.pools.map((p) => p.name));
  if (!moved.any && isAllDeclared(w)) return;
  const wanted = w.wanted();
  const at = moved.at();
  const passing = w.words === DECLARED ? temporaryOf(w.observed) : new Set<string>();
  const extra = new Map<string, ObservedDataset>();
  for (const seen of w.observed.datasets) {
    const name = moved.nameOf(seen);
    if (passing.has(seen.name)) continue;
    if (wanted.has(name) || !name.includes('/') || !ours.has(poolOf(name)) || at.get(name) !== seen) continue;
    if (gateOf(w, name)?.readable === false || moved.isProtected(seen)) continue;
    extra.set(name, seen);
  }
  if (extra.size === 0) return;

  const clones = group(
    w.observed.datasets.filter((d) => d.origin !== null),
    (d) => d.origin?.split('@', 1)[0] ?? '',
  );
  const serving = group(w.desired.shares, (s) => s.dataset);
  const served = group(w.observed.shares, (s) => s.spec.dataset);
  const destroys = new Map<string, Action>();
  for (const [name, seen] of extra) {
    const gate = gateOf(w, name);
    const action = destroy(w, seen, name);
    const carrier = moved.carrierOf(seen);
    if (carrier !== undefined) action.after.push(carrier);
    action.after.push(...(moved.outOf.get(seen.name) ?? []));
    for (const { spec } of served.get(seen.name) ?? []) action.after.push(...actionsOfShare(w, spec));
    const cloned = clones.get(seen.name);
    const declared = serving.get(name);
    if (gate) makeImpossible(action, gate.why);
    else if (declared)
      makeImpossible(
        action,
        `declared shares serve it: ${declared
          .map((s) => `${s.kind}:${s.name}`)
          .sort(byText)
          .join(', ')}`,
      );
    else if (cloned)
      makeImpossible(
        action,
        `other datasets are clones of its snapshots: ${cloned
          .map((d) => d.name)
          .sort(byText)
          .join(', ')}`,
      );
    destroys.set(name, action);
    add(w, action);
  }
  // children first; one that stays keeps its parent
  for (const [name, action] of destroys) destroys.get(parentOf(name) ?? '')?.after.push(action.id);
  for (const [name, seen] of at) {
    const parent = destroys.get(parentOf(name) ?? '');
    if (parent && parent.approval !== 'impossible' && !destroys.has(name)) makeImpossible(parent, `${moved.nameOf(seen)} below it stays`);
  }
  for (const spec of w.desired.datasets) {
    const parent = at.has(spec.name) ? undefined : destroys.get(parentOf(spec.name) ?? '');
    if (parent) makeImpossible(parent, `${spec.name} is declared below it`);
  }
};

/** Whatever takes an observed share off its dataset. */
const actionsOfShare = (w: World, spec: ShareSpec): string[] => {
  const key = shareKey(spec);
  return [`share.put ${key}`, `share.remove ${key}`, `BLOCKED share ${key}`].filter((id) => w.actions.has(id));
};

export const planUnsupported = (w: World): void => {
  const why = (what: string): string => `this version has no engine for ${what} yet`;
  for (const r of w.desired.replication)
    add(w, impossible({ noun: 'replication', name: r.name, reason: 'it is declared', why: why('replication') }));
};
