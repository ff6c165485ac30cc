/**
 * The end of a clone that was made for a while, without anybody's approval: so nothing is taken on trust. It goes if it carries the mark as a property of
 * its own, is who the record says and of the snapshot that the record says, and holds nothing that was not in that snapshot.
 */
import type { CloneOperation } from '../../domain/snapshot/clone-operation.ts';
import { CLONE_PROPERTY } from '../../domain/snapshot/clone.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { zfsError } from '../zfs/error.ts';
import { some } from './destroy.ts';
import {
  type ChangeContext,
  type Changed,
  change,
  identify,
  isGone,
  properties,
  ran,
  read,
  rows,
  type SeenProperties,
  shown,
  unverified,
} from './host.ts';

type Op<K extends CloneOperation['kind']> = Extract<CloneOperation, { kind: K }>;
const DIFF_MS = 120_000;
/** Enough to name. */
const NAMED = 5;

const marked = async (
  host: Host,
  what: string,
  op: Op<'clone.expire' | 'clone.keep'>,
  more: readonly string[],
): Promise<Result<SeenProperties>> => {
  const seen = await identify(host, op.name, op.guid, [CLONE_PROPERTY, ...more]);
  if (!seen.ok) return seen;
  const mark = seen.value.get(CLONE_PROPERTY);
  return mark?.source === 'local' && mark.value === op.clone
    ? seen
    : refuse(
        'conflict',
        what,
        'it does not carry the mark of a clone that was made for a while',
        'look at it; destroy it by its name if it has to go',
      );
};

export const keepClone = async ({ host }: ChangeContext, op: Op<'clone.keep'>): Promise<Changed> => {
  const what = `keeping ${op.name}`;
  const seen = await marked(host, what, op, []);
  if (!seen.ok) return seen;
  const done = await change(host, ['zfs', 'inherit', CLONE_PROPERTY, op.name]);
  if (!done.ok) return done;
  const after = await identify(host, op.name, op.guid, [CLONE_PROPERTY]);
  if (!after.ok) return after;
  return after.value.get(CLONE_PROPERTY)?.source === 'local' ? unverified(what, 'it still carries its mark') : ok({ guid: op.guid });
};

/** Null when it is as it was made. Reading and access times are no change: `zfs diff` compares what files are. */
const whatChanged = async (host: Host, name: string, origin: string, seen: SeenProperties): Promise<Result<string | null>> => {
  const below = await read(host, ['zfs', 'list', '-H', '-o', 'name', '-t', 'all', '-d', '1', name]);
  if (!below.ok) return below;
  const own = rows(below.value).flatMap(([n = '']) => (n === name ? [] : [n]));
  if (own.length > 0) return ok(`it has datasets or snapshots of its own: ${some(own)}`);
  if (shown(seen, 'written') === '0') return ok(null);
  if (shown(seen, 'type') !== 'filesystem') return ok('it was written to');
  if (shown(seen, 'mounted') !== 'yes') return ok('it was written to, and is not mounted to be looked into');
  const found: string[] = [];
  const lines = host.lines(['zfs', 'diff', '-H', origin, name], { timeoutMs: DIFF_MS });
  for (let next = await lines.next(); ; next = await lines.next()) {
    if (next.done) {
      if (!ran(next.value)) return { ok: false, refusal: zfsError(next.value) };
      return ok(found.length === 0 ? null : `changed in it: ${found.join(', ')}`);
    }
    const path = next.value.split('\t')[1] ?? next.value;
    found.push(path);
    if (found.length < NAMED) continue;
    await lines.return({ argv: [], exit: 0, failure: null, stdout: '', stderr: '', durationMs: 0 });
    return ok(`changed in it: ${found.join(', ')} and maybe more`);
  }
};

export const expireClone = async ({ host }: ChangeContext, op: Op<'clone.expire'>): Promise<Changed> => {
  const what = `ending ${op.name}`;
  const seen = await marked(host, what, op, ['origin', 'type', 'readonly']);
  if (!seen.ok) return seen;
  const origin = shown(seen.value, 'origin');
  const from = origin === '-' ? null : await properties(host, origin, ['guid']);
  if (from !== null && !from.ok) return from;
  if (from === null || shown(from.value, 'guid') !== op.snapshot)
    return refuse(
      'conflict',
      what,
      'it is no clone of the snapshot that it was made from',
      'look at it; destroy it by its name if it has to go',
    );
  // what is looked at is what is destroyed: nobody writes meanwhile
  const before = seen.value.get('readonly');
  const wasReadonly = before?.value === 'on';
  if (!wasReadonly) {
    const set = await change(host, ['zfs', 'set', 'readonly=on', op.name]);
    if (!set.ok) return set;
  }
  const now = await identify(host, op.name, op.guid, ['type', 'mounted', 'written']);
  const changed = now.ok ? await whatChanged(host, op.name, origin, now.value) : now;
  const done: Result<unknown> = !changed.ok
    ? changed
    : changed.value === null
      ? await change(host, ['zfs', 'destroy', op.name])
      : refuse(
          'needs-approval',
          what,
          changed.value,
          `keep it (dplane clone keep), extend it, or destroy it by its name: dplane dataset destroy ${op.name}`,
        );
  if (!done.ok) {
    if (!wasReadonly)
      await change(host, before?.source === 'local' ? ['zfs', 'set', 'readonly=off', op.name] : ['zfs', 'inherit', 'readonly', op.name]);
    return done;
  }
  const gone = await isGone(host, op.name);
  if (!gone.ok) return gone;
  return gone.value ? ok({ guid: op.guid }) : unverified(what, 'it is still there');
};
