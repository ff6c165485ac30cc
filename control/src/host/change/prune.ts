/**
 * Retention, carried out. It runs without anybody's approval, so nothing is taken on trust: every snapshot is read again, and only what carries the
 * schedule's mark, is who it was said to be, is not held and has no clone is destroyed. The newest with the mark always stays, whatever was asked.
 * What does not qualify is left alone and named in the answer.
 */
import type { Operation } from '../../domain/operation/operation.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import { SCHEDULE_PROPERTY } from '../../domain/schedule/schedule.ts';
import type { Host } from '../host.ts';
import { type ChangeContext, type Changed, change, identify, read, rows, shown, unverified } from './host.ts';

type Prune = Extract<Operation, { kind: 'snapshot.prune' }>;
/** Names in one argv: far below what the kernel takes in one argument. */
const BATCH = 300;
const COLUMNS = `name,guid,createtxg,userrefs,clones,${SCHEDULE_PROPERTY}`;

type Seen = { tag: string; guid: string; txg: number; held: boolean; cloned: boolean; mark: string };

const snapshotsOf = async (host: Host, dataset: string): Promise<Result<Seen[]>> => {
  const out = await read(host, ['zfs', 'list', '-Hp', '-o', COLUMNS, '-t', 'snapshot', '-d', '1', dataset]);
  if (!out.ok) return out;
  return ok(
    rows(out.value).map(([name = '', guid = '', txg = '', userrefs = '', clones = '', mark = '']) => ({
      tag: name.slice(name.indexOf('@') + 1),
      guid,
      txg: Number(txg),
      held: userrefs !== '0',
      cloned: clones !== '' && clones !== '-',
      mark,
    })),
  );
};

export const pruneSnapshots = async ({ host }: ChangeContext, op: Prune): Promise<Changed> => {
  const what = `pruning ${op.dataset}`;
  const dataset = await identify(host, op.dataset, op.guid, [SCHEDULE_PROPERTY]);
  if (!dataset.ok) return dataset;
  // snapshots inherit what their dataset carries: then the mark tells nothing
  if (shown(dataset.value, SCHEDULE_PROPERTY) !== '-')
    return refuse(
      'blocked',
      what,
      `${op.dataset} itself carries ${SCHEDULE_PROPERTY}`,
      `take it away: zfs inherit ${SCHEDULE_PROPERTY} ${op.dataset}`,
    );
  const seen = await snapshotsOf(host, op.dataset);
  if (!seen.ok) return seen;
  const newest = seen.value.filter((s) => s.mark === op.mark).reduce<Seen | null>((a, b) => (a === null || b.txg > a.txg ? b : a), null);
  const there = new Map(seen.value.map((s) => [s.tag, s]));
  const left: Record<string, string> = {};
  const doomed: string[] = [];
  for (const { tag, guid } of op.snapshots) {
    const s = there.get(tag);
    if (s === undefined) continue; // gone already, which is what was wanted
    if (s.guid !== guid) left[tag] = 'another snapshot has this name now';
    else if (s.mark !== op.mark) left[tag] = 'this schedule did not make it';
    else if (s === newest) left[tag] = 'it is the newest of its schedule';
    else if (s.held) left[tag] = 'it is held';
    else if (s.cloned) left[tag] = 'a clone depends on it';
    else doomed.push(tag);
  }
  for (let i = 0; i < doomed.length; i += BATCH) {
    // without -r, -R and -d: these snapshots, now, or none of them
    const done = await change(host, ['zfs', 'destroy', `${op.dataset}@${doomed.slice(i, i + BATCH).join(',')}`]);
    if (!done.ok)
      return i === 0 ? done : refuse(done.refusal.code, what, `${i} were destroyed, then: ${done.refusal.why}`, done.refusal.todo);
  }
  const after = await snapshotsOf(host, op.dataset);
  if (!after.ok) return after;
  const still = new Set(after.value.map((s) => s.tag));
  const survivors = doomed.filter((t) => still.has(t));
  if (survivors.length > 0) return unverified(what, `${survivors.length} of them are still there`);
  return ok({ destroyed: doomed.length, left });
};
