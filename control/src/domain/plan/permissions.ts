/**
 * Permissions that `state.yaml` declares: owner, group and mode of a dataset's top folder. What is in it is not looked at, and not changed: that is a
 * deed of its own (`dplane dataset permit --recursive`). A dataset that is made gets them as it is made.
 */
import type { DatasetSpec } from '../dataset/dataset.ts';
import { MODES, modeIs, type DeclaredPermissions } from '../permission/permission.ts';
import { gateOf } from './datasets.ts';
import type { Moved } from './renames.ts';
import type { Change } from './types.ts';
import { add, impossible, runnable, type World } from './world.ts';

type Number = { id: number; after: string[] } | { why: string };

/** Root has none; a user has a group of its own, of the same name. */
const numberOf = (w: World, name: string | undefined, kinds: readonly ('user' | 'group')[]): Number => {
  if (name === undefined) return { id: 0, after: [] };
  const { users = [], groups = [] } = w.observed.accounts ?? {};
  for (const kind of kinds) {
    const seen = (kind === 'user' ? users : groups).find((a) => a.name === name);
    const wanted = (kind === 'user' ? w.desired.share_users : w.desired.share_groups)?.find((a) => a.name === name);
    const id = wanted?.id ?? seen?.id;
    const put = `share-${kind}.put ${name}`;
    if (id !== undefined) return { id, after: w.actions.has(put) ? [put] : [] };
    if (wanted) return { why: `${name} has no number before it is made: write one down (id:), or apply once more` };
  }
  return { why: `there is no ${kinds.length === 1 ? 'user' : 'group'} for sharing named ${name}` };
};

/** How they are seen, by name where there is one. */
const nameOf = (w: World, id: number): string =>
  id === 0
    ? 'root'
    : ([...(w.observed.accounts?.users ?? []), ...(w.observed.accounts?.groups ?? [])].find((a) => a.id === id)?.name ?? String(id));

const one = (w: World, moved: Moved, spec: DatasetSpec, wanted: DeclaredPermissions, i: number): void => {
  const { name } = spec;
  // said already, with all that is in it
  if (gateOf(w, name)) return;
  const owner = numberOf(w, wanted.owner, ['user']);
  const group = numberOf(w, wanted.group, ['group', 'user']);
  const to: Change[] = [
    { property: 'owner', from: null, to: wanted.owner ?? 'root' },
    { property: 'group', from: null, to: wanted.group ?? 'root' },
    { property: 'access', from: null, to: MODES[wanted.access].words },
  ];
  const id = `dataset.permit ${name}`;
  const reason = `permissions of its folder: ${w.words.differs}`;
  const no = (why: string): void => {
    add(w, impossible({ id, noun: 'dataset', name, reason, why, changes: to }));
  };
  const seen = moved.any ? moved.at().get(name) : w.standing[i];
  // what is there stays as it is when its owner can't be named, also on something new
  if ('why' in owner || 'why' in group) {
    no('why' in owner ? owner.why : 'why' in group ? group.why : '');
    return;
  }
  const permit = { owner: owner.id, group: group.id, access: wanted.access };
  const after = [...owner.after, ...group.after];
  if (!seen) {
    const made = w.actions.get(`dataset.create ${name}`);
    if (made?.operation?.kind !== 'dataset.create') return;
    made.operation = { ...made.operation, permit };
    made.changes.push(...to);
    made.after.push(...after);
    return;
  }
  const now = seen.permissions;
  if (now && now.owner === permit.owner && now.group === permit.group && modeIs(now.mode, wanted.access)) return;
  if (!seen.mounted || !now) {
    no(seen.mounted ? 'how it is now could not be read' : 'it is not mounted, so its folder is out of reach');
    return;
  }
  const set = `dataset.set ${name}`;
  const carrier = moved.carrierOf(seen);
  add(
    w,
    runnable({
      verb: 'MODIFY',
      noun: 'dataset',
      name,
      risk: w.observed.shares.some((s) => s.spec.dataset === seen.name) ? 'disruptive' : 'safe',
      reason,
      changes: [
        { property: 'owner', from: nameOf(w, now.owner), to: wanted.owner ?? 'root' },
        { property: 'group', from: nameOf(w, now.group), to: wanted.group ?? 'root' },
        { property: 'access', from: now.mode, to: MODES[wanted.access].words },
      ].filter((c) => c.from !== c.to),
      after: [...after, ...(w.actions.has(set) ? [set] : []), ...(carrier === undefined ? [] : [carrier])],
      operation: { kind: 'dataset.permit', name, guid: seen.guid, ...permit, recursive: false, snapshot: null },
    }),
  );
};

export const planPermissions = (w: World, moved: Moved): void => {
  for (const [i, spec] of w.desired.datasets.entries()) if (spec.permissions) one(w, moved, spec, spec.permissions, i);
};
