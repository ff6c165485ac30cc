/** Snapshots: made, destroyed, held, released. */
import type { Operation } from '../../domain/operation/operation.ts';
import { isOwn, ownOf } from '../../domain/pool/own.ts';
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import { SCHEDULE_PROPERTY } from '../../domain/schedule/schedule.ts';
import type { Host } from '../host.ts';
import { some } from './destroy.ts';
import { type ChangeContext, type Changed, change, identify, isGone, properties, read, rows, unverified, shown } from './host.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
const BATCH = 200;

/** Which of these snapshots are not there. */
const missing = async (host: Host, names: readonly string[]): Promise<Result<string[]>> => {
  const there = new Set<string>();
  for (let i = 0; i < names.length; i += BATCH) {
    const out = await read(host, ['zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', ...names.slice(i, i + BATCH)]);
    if (!out.ok) return out;
    for (const [name = ''] of rows(out.value)) there.add(name);
  }
  return ok(names.filter((n) => !there.has(n)));
};

export const createSnapshot = async ({ host }: ChangeContext, op: Op<'snapshot.create'>): Promise<Changed> => {
  const name = `${op.dataset}@${op.tag}`;
  const what = `taking snapshot ${name}`;
  const dataset = await identify(host, op.dataset, op.guid);
  if (!dataset.ok) return dataset;
  const below = op.recursive
    ? await read(host, ['zfs', 'list', '-H', '-o', 'name', '-t', 'filesystem,volume', '-r', op.dataset])
    : ok(`${op.dataset}\n`);
  if (!below.ok) return below;
  const marked = op.mark === undefined ? [] : ['-o', `${SCHEDULE_PROPERTY}=${op.mark}`];
  const done = await change(host, ['zfs', 'snapshot', ...(op.recursive ? ['-r'] : []), ...marked, name]);
  if (!done.ok) return done;
  // nobody would ever prune it there
  if (op.recursive && rows(below.value).some(([d]) => d === ownOf(op.dataset)))
    await change(host, ['zfs', 'destroy', `${ownOf(op.dataset)}@${op.tag}`]);
  const seen = await properties(host, name, ['guid', 'createtxg']);
  if (!seen.ok) return seen;
  const all = rows(below.value).flatMap(([d = '']) => (isOwn(d) ? [] : [`${d}@${op.tag}`]));
  const lost = await missing(host, all);
  if (!lost.ok) return lost;
  if (lost.value.length > 0) return unverified(what, `there is no ${some(lost.value)}`);
  return ok({ guid: shown(seen.value, 'guid'), createTxg: Number(shown(seen.value, 'createtxg')), count: all.length });
};

const holdsOf = async (host: Host, name: string): Promise<Result<string[]>> => {
  const out = await read(host, ['zfs', 'holds', '-H', name]);
  return out.ok ? ok(rows(out.value).map(([, tag = '']) => tag)) : out;
};

export const destroySnapshot = async ({ host }: ChangeContext, op: Op<'snapshot.destroy'>): Promise<Changed> => {
  const name = `${op.dataset}@${op.tag}`;
  const what = `destroying snapshot ${name}`;
  const seen = await identify(host, name, op.guid, ['userrefs', 'clones']);
  if (!seen.ok) return seen;
  if (shown(seen.value, 'userrefs') !== '0') {
    const holds = await holdsOf(host, name);
    return refuse(
      'blocked',
      what,
      `it is held${holds.ok ? ` by ${some(holds.value)}` : ''}`,
      'release the holds first; a hold is there for a reason',
    );
  }
  const clones = shown(seen.value, 'clones');
  if (clones !== '' && clones !== '-')
    return refuse('blocked', what, `clones depend on it: ${clones}`, 'destroy or promote the clones first');
  // without -r, -R and -d: this snapshot, now, or nothing
  const done = await change(host, ['zfs', 'destroy', name]);
  if (!done.ok) return done;
  const gone = await isGone(host, name);
  if (!gone.ok) return gone;
  return gone.value ? ok({ guid: op.guid }) : unverified(what, 'it is still there');
};

export const holdSnapshot = async ({ host }: ChangeContext, op: Op<'snapshot.hold' | 'snapshot.release'>): Promise<Changed> => {
  const name = `${op.dataset}@${op.tag}`;
  const holding = op.kind === 'snapshot.hold';
  const what = `${holding ? 'holding' : 'releasing'} ${name}`;
  const seen = await identify(host, name, op.guid);
  if (!seen.ok) return seen;
  const done = await change(host, ['zfs', holding ? 'hold' : 'release', op.hold, name]);
  if (!done.ok) return done;
  const holds = await holdsOf(host, name);
  if (!holds.ok) return holds;
  return holds.value.includes(op.hold) === holding
    ? ok({ guid: op.guid, holds: holds.value.length })
    : unverified(what, `its holds are ${some(holds.value) || 'none'}`);
};
