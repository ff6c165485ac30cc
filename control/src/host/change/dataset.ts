/** Datasets: made, set, renamed. Destroying them is in destroy.ts. */
import { parseSize, poolOf } from '../../domain/names.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { ruleOf } from '../../domain/property/property.ts';
import { ok, refuse } from '../../domain/refusal.ts';
import { type ChangeContext, type Changed, change, identify, isGone, properties, unverified, shown } from './host.ts';
import { encryptionOptions } from './keys.ts';
import { inheritedMountpoint, mayTake } from './mountpoint.ts';
import { topFolder } from './permit.ts';
import { assignment, assignments, set, whatDiffers } from './property.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;

export const createDataset = async (context: ChangeContext, op: Op<'dataset.create'>): Promise<Changed> => {
  const { host } = context;
  const what = `creating dataset ${op.name}`;
  const { volsize, ...rest } = op.properties;
  if (!op.name.includes('/')) return refuse('invalid', what, 'this is the name of a pool', 'name it pool/name');
  if (op.type === 'volume' && volsize === undefined) return refuse('invalid', what, 'a volume needs a volsize', 'say how large it is');
  if (op.type === 'filesystem' && volsize !== undefined)
    return refuse('invalid', what, 'a filesystem has no volsize', 'set a quota instead');
  const gone = await isGone(host, op.name);
  if (!gone.ok) return gone;
  if (!gone.value) return refuse('conflict', what, 'it exists already', 'choose another name, or change the one that is there');
  if (op.type === 'filesystem') {
    const inherited = op.properties.mountpoint === undefined ? await inheritedMountpoint(host, op.name) : ok(op.properties.mountpoint);
    if (!inherited.ok) return inherited;
    const mount = await mayTake(host, op.name, inherited.value, null);
    if (!mount.ok) return mount;
  }
  const size = volsize === undefined ? [] : ['-V', String(parseSize(volsize))];
  const keyed = op.encryption === undefined ? ok(null) : await encryptionOptions(context, op.encryption);
  if (!keyed.ok) return keyed;
  const key = keyed.value;
  const argv = ['zfs', 'create', ...size, ...(key?.options ?? []), ...assignments(rest, '-o'), op.name];
  const made = await change(host, argv, undefined, key?.input);
  if (!made.ok) {
    // one that did not answer may be there, and needs its key file
    if (made.refusal.code !== 'timeout') await key?.undo();
    return made;
  }

  const seen = await properties(host, op.name, ['guid', 'type', ...set(op.properties).map(([k]) => k)]);
  if (!seen.ok) return seen;
  if (shown(seen.value, 'type') !== op.type) return unverified(what, `it is a ${shown(seen.value, 'type')}`);
  const differs = whatDiffers(op.properties, seen.value);
  if (differs !== undefined) return unverified(what, differs);
  if (key) {
    const opens = await key.verify(op.name);
    if (!opens.ok) return unverified(what, `its key does not open it: ${opens.refusal.why}`);
  }
  const guid = shown(seen.value, 'guid');
  if (op.permit === undefined) return ok({ guid });
  const where = await properties(host, op.name, ['mounted', 'mountpoint']);
  if (!where.ok) return where;
  // one that is locked or not to be mounted gets them at the next apply
  if (shown(where.value, 'mounted') !== 'yes') return ok({ guid, note: 'it is not mounted, so its folder still belongs to root' });
  const permitted = await topFolder(host, { name: op.name, ...op.permit }, shown(where.value, 'mountpoint'));
  return permitted.ok ? ok({ guid }) : permitted;
};

export const setDataset = async ({ host, approval }: ChangeContext, op: Op<'dataset.set'>): Promise<Changed> => {
  const what = `changing ${op.name}`;
  const names = set(op.set).map(([k]) => k);
  if (names.length + op.inherit.length === 0) return refuse('invalid', what, 'no property is named', 'name what to set or to inherit');
  const odd = op.inherit.find((p) => !ruleOf(p).inheritable || names.includes(p));
  if (odd !== undefined)
    return refuse(
      'invalid',
      what,
      `${odd} can't be ${names.includes(odd) ? 'set and inherited at once' : 'inherited'}`,
      'set it to a value',
    );
  const fixed = [...names, ...op.inherit].find((p) => ruleOf(p).fixed === true);
  if (fixed !== undefined)
    return refuse('blocked', what, `${fixed} is fixed when a dataset is made`, 'make a new dataset and copy the data');

  const before = await identify(host, op.name, op.guid, ['type', 'volsize', 'mountpoint']);
  if (!before.ok) return before;
  if (op.set.volsize !== undefined && approval === null && parseSize(op.set.volsize) < Number(shown(before.value, 'volsize')))
    return refuse(
      'needs-approval',
      what,
      'a smaller volsize cuts off the end of the volume and what is stored there',
      'approve the action',
    );
  if (op.set.mountpoint !== undefined || op.inherit.includes('mountpoint')) {
    const wanted = op.set.mountpoint === undefined ? await inheritedMountpoint(host, op.name) : ok(op.set.mountpoint);
    if (!wanted.ok) return wanted;
    const mount = await mayTake(host, op.name, wanted.value, shown(before.value, 'mountpoint'));
    if (!mount.ok) return mount;
  }

  if (names.length > 0) {
    const done = await change(host, ['zfs', 'set', ...set(op.set).map(assignment), op.name]);
    if (!done.ok) return done;
  }
  for (const property of op.inherit) {
    const done = await change(host, ['zfs', 'inherit', property, op.name]);
    if (!done.ok) return done;
  }

  const seen = await identify(host, op.name, op.guid, [...names, ...op.inherit]);
  if (!seen.ok) return seen;
  const differs = whatDiffers(op.set, seen.value);
  if (differs !== undefined) return unverified(what, differs);
  const local = op.inherit.find((p) => seen.value.get(p)?.source === 'local');
  if (local !== undefined) return unverified(what, `${local} still has a value of its own`);
  return ok({ guid: op.guid });
};

export const renameDataset = async ({ host }: ChangeContext, op: Op<'dataset.rename'>): Promise<Changed> => {
  const what = `renaming ${op.name} to ${op.to}`;
  if (!op.name.includes('/') || !op.to.includes('/')) return refuse('blocked', what, 'a pool is not renamed', 'rename datasets within it');
  if (poolOf(op.name) !== poolOf(op.to)) return refuse('invalid', what, 'a dataset stays in its pool', 'replicate it to the other pool');
  if (op.to.startsWith(`${op.name}/`)) return refuse('invalid', what, 'a dataset cannot be moved below itself', 'choose another name');
  const before = await identify(host, op.name, op.guid, ['type', 'mountpoint']);
  if (!before.ok) return before;
  if (shown(before.value, 'type') === 'filesystem' && before.value.get('mountpoint')?.source !== 'local') {
    const there = await inheritedMountpoint(host, op.to);
    if (!there.ok) return there;
    const mount = await mayTake(host, op.to, there.value, shown(before.value, 'mountpoint'));
    if (!mount.ok) return mount;
  }
  const done = await change(host, ['zfs', 'rename', op.name, op.to]);
  if (!done.ok) return done;
  const after = await identify(host, op.to, op.guid);
  if (!after.ok) return after;
  const gone = await isGone(host, op.name);
  if (!gone.ok) return gone;
  return gone.value ? ok({ guid: op.guid, name: op.to }) : unverified(what, `${op.name} is still there`);
};
