/**
 * Destroying a dataset: with an approval that names it, or without one when it is proved empty right here. Never its
 * children, never what is held or cloned, and never by force: a dataset in use refuses by itself.
 */
import type { Operation } from '../../domain/operation/operation.ts';
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import type { Host } from '../host.ts';
import { type ChangeContext, type Changed, type SeenProperties, change, identify, isGone, read, rows, unverified, shown } from './host.ts';

type Destroy = Extract<Operation, { kind: 'dataset.destroy' }>;
/** Names in one argv: far below what the kernel takes in one argument. */
const BATCH = 300;

export const some = (names: readonly string[]): string =>
  `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;

type OwnSnapshot = { tag: string; held: boolean; clones: string };
const snapshotsOf = async (host: Host, name: string): Promise<Result<OwnSnapshot[]>> => {
  const out = await read(host, ['zfs', 'list', '-Hp', '-o', 'name,userrefs,clones', '-t', 'snapshot', '-d', '1', name]);
  if (!out.ok) return out;
  return ok(
    rows(out.value)
      .filter(([full = '']) => full.startsWith(`${name}@`))
      .map(([full = '', userrefs = '0', clones = '']) => ({
        tag: full.slice(name.length + 1),
        held: userrefs !== '0' && userrefs !== '-',
        clones: clones === '-' ? '' : clones,
      })),
  );
};

/** What nobody may destroy along with it, approved or not. */
export const obstacles = (name: string, snapshots: readonly OwnSnapshot[]): Result<true> => {
  const held = snapshots.filter((s) => s.held).map((s) => `${name}@${s.tag}`);
  if (held.length > 0)
    return refuse(
      'blocked',
      `destroying ${name}`,
      `held snapshots: ${some(held)}`,
      'release the holds first; a hold is there for a reason',
    );
  const clones = snapshots.filter((s) => s.clones !== '').map((s) => `${s.clones} (from ${name}@${s.tag})`);
  if (clones.length > 0)
    return refuse('blocked', `destroying ${name}`, `clones depend on it: ${some(clones)}`, 'destroy or promote the clones first');
  return ok(true);
};

/** The mount table writes space, tab, newline and backslash in octal. */
const unmasked = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Is this dataset what one sees at its mount point? What was mounted over it, or over a folder above it, would be looked into instead. */
const isOnTop = async (host: Host, name: string, mountpoint: string): Promise<boolean> => {
  const table = ((await host.readText('/proc/self/mounts')) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map(([source = '', at = '', type = '']) => ({ source: unmasked(source), at: unmasked(at), type }));
  const last = table.findLastIndex(({ at }) => at === mountpoint || at === '/' || mountpoint.startsWith(`${at}/`));
  const there = table[last];
  return there?.at === mountpoint && there.source === name && there.type === 'zfs';
};

const looksEmpty = async (host: Host, name: string, seen: SeenProperties): Promise<Result<true>> => {
  const what = `destroying ${name} without an approval`;
  const mountpoint = shown(seen, 'mountpoint');
  const no = (why: string): Result<never> => refuse('needs-approval', what, why, 'approve the action if what it holds may be lost');
  if (!(await isOnTop(host, name, mountpoint))) return no(`${mountpoint} does not show this dataset: something else is mounted there`);
  const entries = await host.list(mountpoint);
  if (entries === null) return no(`${mountpoint} could not be read`);
  // the snapshot folder, when it is shown, is not an entry that anyone made
  const real = shown(seen, 'snapdir') === 'visible' ? entries.filter((e) => e !== '.zfs') : entries;
  return real.length === 0 ? ok(true) : no(`it is not empty: ${real.length} ${real.length === 1 ? 'entry' : 'entries'} in ${mountpoint}`);
};

/** Made read-only first, so that what is looked at is what is destroyed. Whatever stops it puts the property back. */
const destroyEmpty = async (host: Host, op: Destroy, seen: SeenProperties): Promise<Result<true>> => {
  const what = `destroying ${op.name} without an approval`;
  if (shown(seen, 'type') !== 'filesystem') return refuse('needs-approval', what, 'a volume cannot be proved empty', 'approve the action');
  if (shown(seen, 'mounted') !== 'yes')
    return refuse('needs-approval', what, 'it is not mounted, so nobody can look inside', 'mount it, or approve the action');
  const before = seen.get('readonly');
  const wasReadonly = before?.value === 'on';
  if (!wasReadonly) {
    const set = await change(host, ['zfs', 'set', 'readonly=on', op.name]);
    if (!set.ok) return set;
  }
  const empty = await looksEmpty(host, op.name, seen);
  const done = empty.ok ? await change(host, ['zfs', 'destroy', op.name]) : empty;
  if (done.ok) return ok(true);
  if (wasReadonly) return done;
  const back = await change(
    host,
    before?.source === 'local' ? ['zfs', 'set', 'readonly=off', op.name] : ['zfs', 'inherit', 'readonly', op.name],
  );
  if (back.ok) return done;
  return { ok: false, refusal: { ...done.refusal, todo: `${done.refusal.todo}; it was left read-only: zfs inherit readonly ${op.name}` } };
};

const destroyApproved = async (host: Host, op: Destroy, seen: SeenProperties, snapshots: readonly OwnSnapshot[]): Promise<Result<true>> => {
  const mounted = shown(seen, 'mounted') === 'yes';
  if (mounted) {
    // Refused while anyone uses it, and before the first snapshot is lost.
    const off = await change(host, ['zfs', 'unmount', op.name]);
    if (!off.ok) return off;
  }
  const steps: string[][] = [];
  // Each by name: one made after the look is not destroyed, and then stops the last step.
  for (let i = 0; i < snapshots.length; i += BATCH) {
    const tags = snapshots.slice(i, i + BATCH).map((s) => s.tag);
    steps.push(['zfs', 'destroy', `${op.name}@${tags.join(',')}`]);
  }
  steps.push(['zfs', 'destroy', op.name]);
  for (const argv of steps) {
    const done = await change(host, argv);
    if (done.ok) continue;
    if (mounted) await change(host, ['zfs', 'mount', op.name]);
    return done;
  }
  return ok(true);
};

export const destroyDataset = async ({ host, approval }: ChangeContext, op: Destroy): Promise<Changed> => {
  const what = `destroying ${op.name}`;
  if (!op.name.includes('/'))
    return refuse('blocked', what, 'it is the root of a pool, and pools are never destroyed', 'destroy the datasets in it');
  const seen = await identify(host, op.name, op.guid, ['type', 'mounted', 'mountpoint', 'readonly', 'snapdir']);
  if (!seen.ok) return seen;

  const below = await read(host, ['zfs', 'list', '-H', '-o', 'name', '-t', 'filesystem,volume', '-d', '1', op.name]);
  if (!below.ok) return below;
  const children = rows(below.value).flatMap(([n = '']) => (n === op.name ? [] : [n]));
  if (children.length > 0)
    return refuse(
      'blocked',
      what,
      `it has child datasets: ${some(children)}`,
      'destroy each of them first: every one is a decision of its own',
    );

  const snapshots = await snapshotsOf(host, op.name);
  if (!snapshots.ok) return snapshots;
  const free = obstacles(op.name, snapshots.value);
  if (!free.ok) return free;
  const count = snapshots.value.length;
  if (count > 0 && !(op.withSnapshots && approval !== null))
    return refuse(
      'needs-approval',
      what,
      `it has ${count} ${count === 1 ? 'snapshot' : 'snapshots'}`,
      'approve an action that takes its snapshots with it',
    );

  const done = approval === null ? await destroyEmpty(host, op, seen.value) : await destroyApproved(host, op, seen.value, snapshots.value);
  if (!done.ok) return done;
  const gone = await isGone(host, op.name);
  if (!gone.ok) return gone;
  return gone.value ? ok({ guid: op.guid, snapshots: count }) : unverified(what, 'it is still there');
};
