/**
 * Rolling back, destroying several snapshots at once, clones. What dies was named to a person, who approved it: the list is read again, and if it is not
 * exactly that, nothing is done. Never -R: what is cloned or held stays, and so does everything.
 */
import { parentOf, poolOf } from '../../domain/names.ts';
import type { Operation, OwnSnapshot } from '../../domain/operation/operation.ts';
import { CLONE_PROPERTY } from '../../domain/snapshot/clone.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { zfsError } from '../zfs/error.ts';
import { type Kept, keptOf } from '../zfs/newer.ts';
import { type Named, namesArgv, parseNames } from '../zfs/snapshots.ts';
import { some } from './destroy.ts';
import { type ChangeContext, type Changed, change, identify, isGone, properties, shown, unverified } from './host.ts';
import { inheritedMountpoint, mayTake } from './mountpoint.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
const LIST_MS = 60_000;
/** Thousands of snapshots on slow disks. */
const MANY_MS = 600_000;
/** Names in one argv, when they do not follow each other. */
const BATCH = 300;

/** What nobody may take along, approved or not. */
const free = (what: string, dataset: string, doomed: readonly Kept[]): Result<true> => {
  const held = doomed.filter((s) => s.holds > 0).map((s) => `${dataset}@${s.tag}`);
  if (held.length > 0) return refuse('blocked', what, `held: ${some(held)}`, 'release the holds first; a hold is there for a reason');
  const cloned = doomed.filter((s) => s.clones.length > 0).map((s) => `${s.clones.join(', ')} (from ${dataset}@${s.tag})`);
  if (cloned.length > 0) return refuse('blocked', what, `clones depend on it: ${some(cloned)}`, 'destroy or promote the clones first');
  return ok(true);
};

const keyOf = (s: OwnSnapshot): string => `${s.tag} ${s.guid}`;

export const rollBack = async ({ host }: ChangeContext, op: Op<'snapshot.rollback'>): Promise<Changed> => {
  const name = `${op.dataset}@${op.tag}`;
  const what = `rolling back to ${name}`;
  const dataset = await identify(host, op.dataset, op.guid);
  if (!dataset.ok) return dataset;
  const snapshot = await identify(host, name, op.snapshot, ['createtxg']);
  if (!snapshot.ok) return snapshot;
  const kept = await keptOf(host, op.dataset, LIST_MS);
  if (!kept.ok) return kept;
  const txg = Number(shown(snapshot.value, 'createtxg'));
  const newer = kept.value.filter((s) => s.txg > txg);
  const doomed = newer.filter((s) => !s.bookmark);
  const told = new Set(op.loses.map(keyOf));
  const untold = doomed.filter((s) => !told.has(keyOf(s)));
  const bookmarks = newer.filter((s) => s.bookmark && !op.bookmarks.includes(s.tag));
  if (untold.length + bookmarks.length > 0)
    return refuse(
      'stale',
      what,
      `it would also destroy ${some([...untold.map((s) => `${op.dataset}@${s.tag}`), ...bookmarks.map((s) => `${op.dataset}#${s.tag}`)])}, which nobody approved`,
      'look at what is newer now, and approve that',
    );
  const may = free(what, op.dataset, doomed);
  if (!may.ok) return may;
  const done = await change(host, ['zfs', 'rollback', ...(newer.length > 0 ? ['-r'] : []), name], MANY_MS);
  if (!done.ok) return done;
  const after = await keptOf(host, op.dataset, LIST_MS);
  if (!after.ok) return after;
  const left = after.value.filter((s) => s.txg > txg && doomed.some((d) => d.guid === s.guid));
  if (left.length > 0) return unverified(what, `${some(left.map((s) => s.tag))} are still there`);
  return ok({ guid: op.guid, destroyed: doomed.length });
};

export const destroySnapshots = async ({ host }: ChangeContext, op: Op<'snapshot.destroyMany'>): Promise<Changed> => {
  const what = `destroying ${op.snapshots.length} snapshots of ${op.dataset}`;
  const dataset = await identify(host, op.dataset, op.guid);
  if (!dataset.ok) return dataset;
  // by name and guid, which ZFS has at hand: what is held or cloned it refuses by itself, all of a range or nothing
  const named = await namesOf(host, op.dataset);
  if (!named.ok) return named;
  const all = named.value;
  const wanted = new Set(op.snapshots.map(keyOf));
  const doomed = all.filter((s) => wanted.has(keyOf(s)));
  if (doomed.length !== wanted.size) {
    const there = new Set(doomed.map(keyOf));
    const lost = op.snapshots.filter((s) => !there.has(keyOf(s))).map((s) => `${op.dataset}@${s.tag}`);
    return refuse('conflict', what, `not there, or another of that name: ${some(lost)}`, 'look at what is there now and make a new plan');
  }
  const why = async (): Promise<Result<true>> => {
    const kept = await keptOf(host, op.dataset, LIST_MS);
    return kept.ok
      ? free(
          what,
          op.dataset,
          kept.value.filter((s) => !s.bookmark && wanted.has(keyOf(s))),
        )
      : kept;
  };
  const first = all.findIndex((s) => wanted.has(keyOf(s)));
  const isRange = all.slice(first, first + doomed.length).every((s) => wanted.has(keyOf(s)));
  const specs = isRange ? [`${doomed[0]?.tag}%${doomed.at(-1)?.tag}`] : batches(doomed.map((s) => s.tag));
  if (specs.length > 1) {
    const may = await why();
    if (!may.ok) return may;
  }
  for (const [i, spec] of specs.entries()) {
    // without -r, -R and -d: these snapshots, now, or none of them
    const done = await change(host, ['zfs', 'destroy', `${op.dataset}@${spec}`], MANY_MS);
    if (done.ok) continue;
    if (i > 0) return refuse(done.refusal.code, what, `${i * BATCH} were destroyed, then: ${done.refusal.why}`, done.refusal.todo);
    const may = await why();
    return may.ok ? done : may;
  }
  const after = await namesOf(host, op.dataset);
  if (!after.ok) return after;
  const left = after.value.filter((s) => wanted.has(keyOf(s)));
  return left.length === 0 ? ok({ destroyed: doomed.length }) : unverified(what, `${some(left.map((s) => s.tag))} are still there`);
};
const namesOf = async (host: Host, dataset: string): Promise<Result<Named[]>> => {
  const r = await host.run(namesArgv([dataset]), { timeoutMs: LIST_MS });
  return r.failure === null && r.exit === 0 ? parseNames(r.stdout) : { ok: false, refusal: zfsError(r) };
};
const batches = (tags: readonly string[]): string[] =>
  Array.from({ length: Math.ceil(tags.length / BATCH) }, (_, i) => tags.slice(i * BATCH, (i + 1) * BATCH).join(','));

export const cloneSnapshot = async ({ host }: ChangeContext, op: Op<'snapshot.clone'>): Promise<Changed> => {
  const name = `${op.dataset}@${op.tag}`;
  const what = `cloning ${name} to ${op.to}`;
  if (parentOf(op.to) === null || poolOf(op.to) !== poolOf(op.dataset))
    return refuse('invalid', what, 'a clone lives in the pool of its snapshot', `choose a name in ${poolOf(op.dataset)}`);
  const snapshot = await identify(host, name, op.guid);
  if (!snapshot.ok) return snapshot;
  const gone = await isGone(host, op.to);
  if (!gone.ok) return gone;
  if (!gone.value) return refuse('conflict', what, `${op.to} exists already`, 'choose another name');
  const dataset = await properties(host, op.dataset, ['type']);
  if (!dataset.ok) return dataset;
  if (shown(dataset.value, 'type') === 'filesystem') {
    const there = await inheritedMountpoint(host, op.to);
    if (!there.ok) return there;
    const mount = await mayTake(host, op.to, there.value, null);
    if (!mount.ok) return mount;
  }
  const mark = op.temporary === true ? ['-o', `${CLONE_PROPERTY}=${op.to}`] : [];
  const done = await change(host, ['zfs', 'clone', ...mark, name, op.to]);
  if (!done.ok) return done;
  const seen = await properties(host, op.to, ['guid', 'origin']);
  if (!seen.ok) return seen;
  return shown(seen.value, 'origin') === name
    ? ok({ guid: shown(seen.value, 'guid'), name: op.to })
    : unverified(what, `its origin is ${shown(seen.value, 'origin')}`);
};

export const promoteDataset = async ({ host }: ChangeContext, op: Op<'dataset.promote'>): Promise<Changed> => {
  const what = `promoting ${op.name}`;
  const before = await identify(host, op.name, op.guid, ['origin']);
  if (!before.ok) return before;
  if (shown(before.value, 'origin') === '-') return refuse('conflict', what, 'it is no clone any more', 'look at what is there now');
  const done = await change(host, ['zfs', 'promote', op.name]);
  if (!done.ok) return done;
  const after = await identify(host, op.name, op.guid, ['origin']);
  if (!after.ok) return after;
  return shown(after.value, 'origin') === '-' ? ok({ guid: op.guid }) : unverified(what, 'it is still a clone');
};
