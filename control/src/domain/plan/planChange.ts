/** A click as a plan: what is there now plus the change, planned by the rules that `state.yaml` goes through. */
import type { DatasetSpec, ObservedDataset } from '../dataset/dataset.ts';
import type { SealedKey } from '../key/key.ts';
import { isWithin, parentOf, poolOf } from '../names.ts';
import type { Observed } from '../observed/observed.ts';
import { placeName, rangeName } from '../operation/operation.ts';
import type { PoolSpec } from '../pool/pool.ts';
import { type Properties, PROPERTIES, type PropertyName } from '../property/property.ts';
import { ok, type Refusal, refuse, type Result } from '../refusal.ts';
import type { SnapshotSchedule } from '../schedule/schedule.ts';
import type { DesiredState } from '../state/state.ts';
import { shareKey, type ShareSpec } from '../share/share.ts';
import { capture } from './capture.ts';
import type { ChangeRequest } from './change.ts';
import { isPoolChange, isPoolMove, type PoolChange } from './pool-change.ts';
import { type CloneChange, endClone, extendClone, isCloneChange, keepClone, makeClone, recorded } from './clone-change.ts';
import { isKeyChange, planKeys } from './key-change.ts';
import { poolMoves } from './pool-moves.ts';
import { planPermit } from './permit.ts';
import { poolDeeds, poolOfChange } from './pool-deeds.ts';
import { type Accounts, accountsOf, isAccountRequest, takeAccount } from './change-accounts.ts';
import { plan, type PlanDraft, summarize } from './plan.ts';
import type { Action } from './types.ts';
import { ASKED, runnable } from './world.ts';

type Now = {
  readonly observed: Observed;
  /** Also with the pools that don't answer: they are what has to be mended. */
  readonly whole: Observed;
  readonly seen: ReadonlyMap<string, ObservedDataset>;
  readonly pools: Map<string, PoolSpec>;
  readonly datasets: Map<string, DatasetSpec>;
  readonly shares: Map<string, ShareSpec>;
  readonly schedules: Map<string, SnapshotSchedule>;
  memory: DesiredState['memory'];
  /** Null when they could not be read. */
  readonly accounts: Accounts | null;
  readonly secrets: Map<string, SealedKey>;
  /** What is no state but a deed: scrubs and snapshots. */
  readonly deeds: Map<string, Action>;
  /** Deeds that come after what is planned as a state. */
  readonly late: Map<string, Action>;
};

/**
 * A click says what it means: names applied earlier don't turn a new dataset into a rename, so `identities` are not
 * asked; whatever is there is meant by its guid.
 */
export const planChange = (
  changes: readonly ChangeRequest[],
  observed: Observed,
  _identities?: ReadonlyMap<string, string>,
): Result<PlanDraft> => {
  const stuck = new Map(observed.stuck.map((s) => [s.pool, s.problem.why]));
  for (const name of changes.flatMap(poolsOf)) {
    const why = stuck.get(name);
    if (why !== undefined)
      return refuse('unavailable', `pool ${name}`, `it does not answer (${why})`, 'wait until it answers, or look at its disks');
  }
  const calm: Observed =
    stuck.size === 0
      ? observed
      : {
          ...observed,
          stuck: [],
          pools: observed.pools.filter((p) => !stuck.has(p.name)),
          datasets: observed.datasets.filter((d) => !stuck.has(poolOf(d.name))),
          shares: observed.shares.filter((s) => !stuck.has(poolOf(s.spec.dataset))),
        };
  const state = capture(calm, { temporary: true });
  const now: Now = {
    observed: calm,
    whole: observed,
    seen: new Map(calm.datasets.map((d) => [d.name, d])),
    pools: new Map(state.pools.map((p) => [p.name, p])),
    datasets: new Map(state.datasets.map((d) => [d.name, d])),
    // also those that a state file could not declare: a click on something else leaves them alone
    shares: new Map(calm.shares.map((s) => [shareKey(s.spec), s.spec])),
    schedules: new Map(state.schedules.map((s) => [s.name, s])),
    memory: state.memory,
    accounts: calm.accounts ? accountsOf(calm.accounts) : null,
    secrets: new Map(),
    deeds: new Map(),
    late: new Map(),
  };
  for (const change of changes) {
    const refusal = take(now, change);
    if (refusal) return { ok: false, refusal };
  }
  const desired = {
    ...state,
    pools: [...now.pools.values()],
    datasets: [...now.datasets.values()],
    shares: [...now.shares.values()],
    schedules: [...now.schedules.values()],
    ...(now.memory && { memory: now.memory }),
    ...(now.accounts && { share_users: [...now.accounts.users.values()], share_groups: [...now.accounts.groups.values()] }),
  };
  const draft = plan({ desired, observed: calm, identities: new Map(), secrets: now.secrets }, ASKED);
  const actions = [...now.deeds.values(), ...draft.actions, ...now.late.values()];
  return ok({ actions, summary: summarize(actions, 0) });
};

const poolsOf = (c: ChangeRequest): string[] => {
  if (isAccountRequest(c)) return [];
  switch (c.kind) {
    case 'pool.create':
      return [c.pool.name];
    case 'dataset.create':
      return [poolOf(c.dataset.name)];
    case 'dataset.rename':
      return [poolOf(c.name), poolOf(c.to)];
    case 'share.put':
      return [poolOf(c.share.dataset)];
    case 'share.remove':
    case 'schedule.remove':
    case 'memory.arc':
      return [];
    case 'snapshot.restore':
      return [poolOf(c.dataset), poolOf(c.to.dataset)];
    case 'schedule.put':
      return [poolOf(c.schedule.dataset)];
    case 'pool.scrub':
    case 'dataset.set':
    case 'dataset.permit':
    case 'dataset.destroy':
    case 'dataset.promote':
    case 'dataset.unlock':
    case 'dataset.lock':
    case 'dataset.changeKey':
      return [poolOf(c.name)];
    case 'clone.make':
      return [poolOf(c.to)];
    case 'clone.extend':
    case 'clone.keep':
    case 'clone.end':
      return [poolOf(c.clone)];
    default:
      return isPoolMove(c)
        ? c.kind === 'pool.import' || c.kind === 'pool.forget'
          ? []
          : [c.name]
        : isPoolChange(c)
          ? poolOfChange(c)
          : [poolOf(c.dataset)];
  }
};

const missing = (what: string, todo: string): Refusal => refuse('not-found', what, 'there is nothing of this name', todo).refusal;
const taken = (what: string, why: string, todo: string): Refusal => refuse('conflict', what, why, todo).refusal;
const wrong = (what: string, why: string, todo = ''): Refusal => refuse('invalid', what, why, todo).refusal;

const LOOK = 'look at the list of datasets; names are case-sensitive';

/** Null when the change was taken. */
const take = (now: Now, c: ChangeRequest): Refusal | null => {
  if (isAccountRequest(c))
    return now.accounts
      ? takeAccount(now.accounts, now.shares, c)
      : refuse('unavailable', 'accounts for sharing', 'they could not be read', 'look at the open alerts').refusal;
  if (c.kind === 'dataset.permit') return deeds(now, planPermit(now.observed, c));
  if (isCloneChange(c)) return takeClone(now, c);
  if (isKeyChange(c)) return deeds(now, planKeys(now.observed, c));
  switch (c.kind) {
    case 'pool.create':
      if (now.pools.has(c.pool.name)) return taken(`pool ${c.pool.name}`, 'a pool of this name exists', 'choose another name');
      now.pools.set(c.pool.name, c.pool);
      return null;
    case 'pool.scrub':
      return scrub(now, c);
    case 'dataset.create': {
      const { name } = c.dataset;
      const refusal = whyNoPlace(now, name);
      if (refusal) return refusal;
      now.datasets.set(name, c.dataset);
      if (c.passphrase !== undefined) now.secrets.set(name, c.passphrase);
      if (c.passphrase !== undefined && c.dataset.encryption?.key !== 'passphrase')
        return wrong(`dataset ${name}`, 'a passphrase was given for something that is not encrypted with one', 'leave it out');
      return null;
    }
    case 'dataset.set':
      return setProperties(now, c.name, c.properties);
    case 'dataset.rename':
      return rename(now, c.name, c.to);
    case 'dataset.destroy': {
      if (now.pools.has(c.name))
        return refuse(
          'blocked',
          `dataset ${c.name}`,
          'it is the root of its pool, and no operation destroys a pool',
          'destroy the datasets in it one by one',
        ).refusal;
      if (!now.datasets.has(c.name)) return missing(`dataset ${c.name}`, LOOK);
      for (const name of now.datasets.keys()) if (isWithin(name, c.name)) now.datasets.delete(name);
      for (const [key, s] of now.shares) if (isWithin(s.dataset, c.name)) now.shares.delete(key);
      for (const [key, s] of now.schedules) if (isWithin(s.dataset, c.name)) now.schedules.delete(key);
      return null;
    }
    case 'share.put': {
      const { dataset } = c.share;
      const kind = now.datasets.get(dataset)?.kind ?? (now.pools.has(dataset) ? 'filesystem' : undefined);
      if (kind === undefined) return missing(`dataset ${dataset}`, 'make the dataset first, or choose one that is there');
      if (kind === 'volume') return wrong(`dataset ${dataset}`, 'it is a volume; a share serves a filesystem');
      now.shares.set(shareKey(c.share), c.share);
      return null;
    }
    case 'share.remove':
      if (!now.shares.delete(shareKey({ kind: c.share, name: c.name })))
        return missing(`share ${c.share}:${c.name}`, 'look at the list of shares');
      return null;
    case 'dataset.promote':
      return promote(now, c.name);
    case 'schedule.put': {
      const { dataset } = c.schedule;
      if (!now.datasets.has(dataset) && !now.pools.has(dataset)) return missing(`dataset ${dataset}`, LOOK);
      now.schedules.set(c.schedule.name, c.schedule);
      return null;
    }
    case 'memory.arc':
      now.memory = { arc: c.limit };
      return null;
    case 'schedule.remove':
      return now.schedules.delete(c.name) ? null : missing(`schedule ${c.name}`, 'look at the list of schedules');
    default:
      return isPoolMove(c) ? allOf(now, poolMoves(now.whole, c)) : isPoolChange(c) ? poolDeed(now, c) : snapshot(now, c);
  }
};

const poolDeed = (now: Now, c: PoolChange): Refusal | null => {
  if (c.kind === 'pool.set') {
    const pool = now.pools.get(c.name);
    if (!pool) return missing(`pool ${c.name}`, 'look at the list of pools');
    now.pools.set(c.name, { ...pool, options: { ...pool.options, ...c.options } });
    return null;
  }
  return allOf(now, poolDeeds(now.whole, c));
};

const allOf = (now: Now, actions: Result<Action[]>): Refusal | null => {
  if (!actions.ok) return actions.refusal;
  for (const a of actions.value) deed(now, a);
  return null;
};

const whyNoPlace = (now: Now, name: string): Refusal | null => {
  if (now.datasets.has(name))
    return taken(`dataset ${name}`, 'a dataset of this name exists', 'choose another name, or change the one that is there');
  if (!now.pools.has(poolOf(name))) return missing(`pool ${poolOf(name)}`, 'look at the list of pools');
  const parent = parentOf(name);
  if (parent === null) return wrong(`dataset ${name}`, 'it is the name of a pool');
  if (!parent.includes('/')) return null;
  const above = now.datasets.get(parent);
  if (!above) return missing(`dataset ${parent}`, 'make the parent dataset first');
  return above.kind === 'volume' ? wrong(`dataset ${name}`, `${parent} is a volume and can hold no dataset`) : null;
};

const setProperties = (now: Now, name: string, properties: Properties): Refusal | null => {
  const dataset = now.datasets.get(name);
  const pool = now.pools.get(name);
  const kind = dataset?.kind ?? (pool ? 'filesystem' : undefined);
  if (kind === undefined) return missing(`dataset ${name}`, LOOK);
  for (const p of Object.keys(properties) as PropertyName[]) {
    const { on } = PROPERTIES[p];
    if (on !== 'both' && on !== kind) return wrong(`dataset ${name}`, `${p} does not apply to a ${kind}`);
  }
  if (dataset) now.datasets.set(name, { ...dataset, properties: { ...dataset.properties, ...properties } });
  else if (pool) now.pools.set(name, { ...pool, properties: { ...pool.properties, ...properties } });
  return null;
};

const rename = (now: Now, from: string, to: string): Refusal | null => {
  if (now.pools.has(from)) return wrong(`dataset ${from}`, 'it is the root of its pool and keeps its name');
  if (!now.datasets.has(from)) return missing(`dataset ${from}`, LOOK);
  if (from === to) return null;
  if (isWithin(to, from)) return wrong(`dataset ${from}`, 'a dataset is not moved into itself', 'choose a name outside of it');
  const refusal = whyNoPlace(now, to);
  if (refusal) return refusal;
  const there = (name: string): string => to + name.slice(from.length);
  for (const [name, d] of [...now.datasets])
    if (isWithin(name, from)) {
      now.datasets.delete(name);
      now.datasets.set(there(name), { ...d, name: there(name) });
    }
  for (const [key, s] of now.shares) if (isWithin(s.dataset, from)) now.shares.set(key, { ...s, dataset: there(s.dataset) });
  for (const [key, s] of now.schedules) if (isWithin(s.dataset, from)) now.schedules.set(key, { ...s, dataset: there(s.dataset) });
  return null;
};

const deeds = (now: Now, planned: Result<Action[]>): Refusal | null => {
  if (!planned.ok) return planned.refusal;
  for (const action of planned.value) now.deeds.set(action.id, action);
  return null;
};

const deed = (now: Now, action: Action): null => {
  now.deeds.set(action.id, action);
  return null;
};

const scrub = (now: Now, c: Extract<ChangeRequest, { kind: 'pool.scrub' }>): Refusal | null => {
  const pool = now.observed.pools.find((p) => p.name === c.name);
  if (!pool) return missing(`pool ${c.name}`, 'look at the list of pools');
  const running = pool.scan.state === 'scanning';
  if (running && pool.scan.kind === 'resilver') return taken(`pool ${c.name}`, 'it is resilvering', 'wait until the resilver has finished');
  const scrubbing = pool.scan.kind === 'scrub' && (running || pool.scan.state === 'paused');
  const done = c.action === 'start' ? scrubbing && running : c.action === 'pause' ? !(scrubbing && running) : !scrubbing;
  if (done) return null;
  const reason = `${c.action} of a scrub was asked for`;
  return deed(
    now,
    runnable({
      verb: 'MODIFY',
      noun: 'pool',
      name: c.name,
      risk: 'safe',
      reason,
      operation: { kind: 'pool.scrub', name: c.name, guid: pool.guid, action: c.action },
    }),
  );
};

const promote = (now: Now, name: string): Refusal | null => {
  const seen = now.seen.get(name);
  if (!seen) return missing(`dataset ${name}`, LOOK);
  if (seen.origin === null) return wrong(`dataset ${name}`, 'it is no clone of anything');
  return deed(
    now,
    runnable({
      verb: 'MODIFY',
      noun: 'dataset',
      name,
      risk: 'disruptive',
      reason: `it no longer depends on ${seen.origin}: the snapshots up to there become its own, and ${seen.origin.split('@')[0]} becomes its clone`,
      changes: [{ property: 'origin', from: seen.origin, to: null }],
      operation: { kind: 'dataset.promote', name, guid: seen.guid },
    }),
  );
};

const some = (tags: readonly string[]): string => `${tags.slice(0, 5).join(', ')}${tags.length > 5 ? ` and ${tags.length - 5} more` : ''}`;

const clone = (now: Now, c: Extract<ChangeRequest, { kind: 'snapshot.clone' }>): Refusal | null => {
  const { dataset, tag, guid, to } = c;
  if (poolOf(to) !== poolOf(dataset))
    return wrong(`clone ${to}`, 'a clone lives in the pool of its snapshot', `choose a name in ${poolOf(dataset)}`);
  const refusal = whyNoPlace(now, to);
  if (refusal) return refusal;
  return deed(
    now,
    runnable({
      id: `${c.kind} ${to}`,
      verb: 'CREATE',
      noun: 'dataset',
      name: to,
      risk: 'safe',
      reason: `it begins as ${dataset}@${tag} was, and takes space only for what changes; while it is there the snapshot cannot be destroyed`,
      operation: { kind: c.kind, dataset, tag, guid, to },
    }),
  );
};

const takeClone = (now: Now, c: CloneChange): Refusal | null => {
  if (c.kind === 'clone.make') {
    if (poolOf(c.to) !== poolOf(c.dataset))
      return wrong(`clone ${c.to}`, 'a clone lives in the pool of its snapshot', `choose a name in ${poolOf(c.dataset)}`);
    const source = now.seen.get(c.dataset);
    if (!source) return missing(`dataset ${c.dataset}`, LOOK);
    const refusal = whyNoPlace(now, c.to);
    if (refusal) return refusal;
    if (now.observed.clones?.some((x) => x.name === c.to))
      return taken(`clone ${c.to}`, 'one of this name was made for a while', 'choose another name');
    if (c.share && c.share.dataset !== c.to) return wrong(`share ${c.share.name}`, 'it serves another dataset', `let it serve ${c.to}`);
    if (c.share && source.kind === 'volume') return wrong(`dataset ${c.dataset}`, 'it is a volume; a share serves a filesystem');
    if (c.share && now.shares.has(shareKey(c.share)))
      return taken(`share ${c.share.name}`, 'a share of this name exists', 'choose another name');
    for (const action of makeClone(c)) now.deeds.set(action.id, action);
    return null;
  }
  const found = recorded(now.observed, c.clone);
  if ('code' in found) return found;
  const { clone: record, dataset } = found;
  if (c.kind === 'clone.extend') return deed(now, extendClone(c.clone, c.hours));
  if (c.kind === 'clone.keep') {
    for (const action of keepClone(record, dataset, c.promote)) now.deeds.set(action.id, action);
    return null;
  }
  const key = record.share && shareKey(record.share);
  // one that serves something else by now is not ours to end
  if (key !== null && now.shares.get(key)?.dataset === dataset.name) now.shares.delete(key);
  now.late.set(`clone.expire ${dataset.name}`, endClone(record, dataset));
  return null;
};

const restore = (now: Now, c: Extract<ChangeRequest, { kind: 'snapshot.restore' }>): Refusal | null => {
  const { kind, dataset, tag, guid, path, replace } = c;
  const target = now.seen.get(c.to.dataset);
  if (!target) return missing(`dataset ${c.to.dataset}`, LOOK);
  if (target.kind === 'volume') return wrong(`dataset ${c.to.dataset}`, 'it is a volume and holds no files');
  const name = placeName(c.to);
  const operation = { kind, dataset, tag, guid, path, replace, to: { ...c.to, guid: target.guid } } as const;
  const reason = `${path === '' ? 'everything' : path} as it was in ${dataset}@${tag}, with owners, permissions and attributes`;
  const base = { noun: 'file', name, reason, operation } as const;
  return deed(
    now,
    replace
      ? runnable({
          ...base,
          verb: 'BLOCKED',
          risk: 'destructive',
          approval: 'required',
          blocked: `a file of this name is replaced, and what it holds now is lost: that needs an approval that names ${name}`,
        })
      : runnable({ ...base, verb: 'CREATE', risk: 'safe' }),
  );
};

const snapshot = (now: Now, c: Extract<ChangeRequest, { kind: `snapshot.${string}` }>): Refusal | null => {
  const { dataset } = c;
  const seen = now.seen.get(dataset);
  if (!seen) return missing(`dataset ${dataset}`, LOOK);
  if (c.kind === 'snapshot.clone') return clone(now, c);
  if (c.kind === 'snapshot.restore') return restore(now, c);
  const name = c.kind === 'snapshot.destroyMany' ? rangeName(c) : `${dataset}@${c.tag}`;
  const tag = c.kind === 'snapshot.destroyMany' ? '' : c.tag;
  const base = { noun: 'snapshot', name, reason: 'it was asked for' } as const;
  switch (c.kind) {
    case 'snapshot.create':
      return deed(
        now,
        runnable({
          ...base,
          verb: 'CREATE',
          risk: 'safe',
          operation: { kind: c.kind, dataset, guid: seen.guid, tag, recursive: c.recursive },
        }),
      );
    case 'snapshot.destroy':
      return deed(
        now,
        runnable({
          ...base,
          verb: 'BLOCKED',
          risk: 'destructive',
          approval: 'required',
          reason: 'its removal was asked for',
          blocked: `what only this snapshot holds is lost with it: destroying it needs an approval that names ${name}`,
          operation: { kind: c.kind, dataset, tag, guid: c.guid },
        }),
      );
    case 'snapshot.destroyMany': {
      const n = c.snapshots.length;
      return deed(
        now,
        runnable({
          ...base,
          verb: 'BLOCKED',
          risk: 'destructive',
          approval: 'required',
          reason: `the removal of ${n} snapshots was asked for: ${some(c.snapshots.map((s) => s.tag))}`,
          blocked: `what only these ${n} snapshots hold is lost with them: destroying them needs an approval that names ${name}`,
          operation: { kind: c.kind, dataset, guid: seen.guid, snapshots: c.snapshots },
        }),
      );
    }
    case 'snapshot.rollback': {
      const lost = [
        ...(c.loses.length === 0
          ? []
          : [`${c.loses.length === 1 ? 'the newer snapshot' : `${c.loses.length} newer snapshots`} ${some(c.loses.map((s) => s.tag))}`]),
        ...(c.bookmarks.length === 0 ? [] : [`the bookmarks ${some(c.bookmarks)}`]),
      ];
      return deed(
        now,
        runnable({
          ...base,
          verb: 'BLOCKED',
          risk: 'destructive',
          approval: 'required',
          reason: `${dataset} becomes what it was; everything written since is lost${lost.length === 0 ? '' : `, and so are ${lost.join(' and ')}`}`,
          blocked: `what was written since is lost${lost.length === 0 ? '' : `, with ${lost.join(' and ')}`}: rolling back needs an approval that names ${name}`,
          operation: { kind: c.kind, dataset, guid: seen.guid, tag, snapshot: c.guid, loses: c.loses, bookmarks: c.bookmarks },
        }),
      );
    }
    default:
      return deed(
        now,
        runnable({
          ...base,
          id: `${c.kind} ${name} ${c.hold}`,
          verb: 'MODIFY',
          risk: 'safe',
          operation: { kind: c.kind, dataset, tag, guid: c.guid, hold: c.hold },
          changes: [
            c.kind === 'snapshot.hold' ? { property: 'hold', from: null, to: c.hold } : { property: 'hold', from: c.hold, to: null },
          ],
        }),
      );
  }
};
