/** Permissions as a deed: who is meant by name becomes a number here, and a recursive one is preceded by a snapshot that it can be undone with. */
import type { Observed } from '../observed/observed.ts';
import { MODES, type PermissionRequest } from '../permission/permission.ts';
import { ok, refuse, type Result } from '../refusal.ts';
import type { Action } from './types.ts';
import { runnable } from './world.ts';

/** The same for the same observation, so that planning again gives the same plan; the guid of a snapshot of that name tells them apart. */
const tagAt = (at: number): string => `before-permissions-${new Date(at).toISOString().slice(0, 10)}`;

export const planPermit = (o: Observed, c: PermissionRequest): Result<Action[]> => {
  const what = `permissions of ${c.name}`;
  const seen = o.datasets.find((d) => d.name === c.name);
  if (!seen) return refuse('not-found', what, 'there is no such dataset', 'look at the list of datasets');
  if (seen.kind !== 'filesystem') return refuse('invalid', what, 'it is a volume, and holds no files', 'choose a filesystem');
  if (!seen.mounted) return refuse('conflict', what, 'it is not mounted, so its files are out of reach', 'mount it first');
  const { users = [], groups = [] } = o.accounts ?? {};
  const owner = c.owner === undefined ? 0 : users.find((u) => u.name === c.owner)?.id;
  // a user has a group of its own, of the same name
  const group = c.group === undefined ? 0 : [...groups, ...users].find((g) => g.name === c.group)?.id;
  if (owner === undefined)
    return refuse('not-found', `user ${c.owner}`, 'there is no such account for sharing', 'see `dplane share-user list`');
  if (group === undefined)
    return refuse('not-found', `group ${c.group}`, 'there is no such group for sharing', 'see `dplane share-group list`');
  return ok([
    runnable({
      verb: 'MODIFY',
      noun: 'dataset',
      name: c.name,
      risk: c.recursive ? 'disruptive' : 'safe',
      reason: c.recursive
        ? `asked for everything in it; a snapshot is taken before, to go back to`
        : 'asked for its top folder; what is in it stays as it is',
      changes: [
        { property: 'owner', from: null, to: c.owner ?? 'root' },
        { property: 'group', from: null, to: c.group ?? 'root' },
        { property: 'access', from: null, to: MODES[c.access].words },
      ],
      operation: {
        kind: 'dataset.permit',
        name: c.name,
        guid: seen.guid,
        owner,
        group,
        access: c.access,
        recursive: c.recursive,
        snapshot: c.recursive ? tagAt(o.at) : null,
      },
    }),
  ]);
};
