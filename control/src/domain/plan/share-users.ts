/**
 * Accounts for sharing: compared by number, then by name. Nothing that a share names goes away: an empty list of users would open the
 * share to everyone with an account.
 */
import type { ShareSpec } from '../share/share.ts';
import { keyOf, type ObservedShareGroup, type ObservedShareUser, type ShareGroup, type ShareUser } from '../share-user/share-user.ts';
import type { Change } from './types.ts';
import { add, byText, impossible, runnable, type World } from './world.ts';

type Noun = 'share-user' | 'share-group';
type Wanted = ShareUser | ShareGroup;
type Seen = ObservedShareUser | ObservedShareGroup;

export const namesOf = (s: ShareSpec): readonly string[] => (s.kind === 'smb' ? [...s.validUsers, ...s.writeUsers] : []);
const inShares = (noun: Noun, name: string): string => (noun === 'share-user' ? name : `@${name}`);
const listed = (names: readonly string[]): string => [...names].sort(byText).join(', ');

/** Pairs what is wanted with what is there; what has the number is meant, whatever its name. */
const pair = <W extends Wanted, S extends Seen>(wanted: readonly W[], seen: readonly S[]): { pairs: [W, S | undefined][]; left: S[] } => {
  const byId = new Map(seen.map((s) => [s.id, s]));
  const byName = new Map(seen.map((s) => [s.name, s]));
  const met = new Set<S>();
  const pairs = wanted.map((w): [W, S | undefined] => {
    const named = byName.get(w.name);
    const s = w.id === undefined ? named : (byId.get(w.id) ?? named);
    if (s) met.add(s);
    return [w, s];
  });
  return { pairs, left: seen.filter((s) => !met.has(s)) };
};

/** The name it has in the end, and the action that gives it, when it is another. Null when it can't have it. */
const settle = (w: World, noun: Noun, wanted: Wanted, seen: Seen, taken: ReadonlySet<string>): string | null | undefined => {
  const reason = `it ${w.words.differs}`;
  if (wanted.id !== undefined && wanted.id !== seen.id) {
    const why = `the ${noun} ${wanted.name} that is there has number ${seen.id}: files of number ${wanted.id} would become someone else's`;
    add(w, impossible({ noun, name: wanted.name, reason, why }));
    return null;
  }
  if (wanted.name === seen.name) return undefined;
  const changes = [{ property: 'name', from: seen.name, to: wanted.name }];
  if (taken.has(wanted.name)) {
    add(
      w,
      impossible({ noun, name: seen.name, reason, why: `the name ${wanted.name} is taken: rename or remove that one first`, changes }),
    );
    return null;
  }
  const operation = { kind: `${noun}.rename` as const, name: seen.name, id: seen.id, to: wanted.name };
  return add(w, runnable({ verb: 'MODIFY', noun, name: seen.name, risk: 'disruptive', reason, changes, operation }));
};

const removal = (w: World, noun: Noun, seen: Seen, users: readonly ShareUser[]): void => {
  const { name, id } = seen;
  const naming = w.desired.shares.filter((s) => namesOf(s).includes(inShares(noun, name))).map((s) => s.name);
  const members = noun === 'share-group' ? users.filter((u) => u.groups.includes(name)).map((u) => u.name) : [];
  const reason = w.words.extra;
  const operation = { kind: `${noun}.remove` as const, name, id };
  const after = [...w.actions.values()]
    .filter((a) => a.noun === 'share' || (noun === 'share-group' && a.noun === 'share-user'))
    .map((a) => a.id);
  if (naming.length > 0)
    add(w, impossible({ noun, name, reason, why: `shares name it: ${listed(naming)}. Take it from their lists first` }));
  else if (members.length > 0) add(w, impossible({ noun, name, reason, why: `it has members: ${listed(members)}` }));
  else if (noun === 'share-group') add(w, runnable({ verb: 'DELETE', noun, name, risk: 'disruptive', reason, operation, after }));
  else
    add(
      w,
      runnable({
        verb: 'BLOCKED',
        noun,
        name,
        risk: 'disruptive',
        approval: 'required',
        reason,
        blocked: `its password is lost, and files it owns keep the number ${id}, which no other account gets: removing it needs an approval that names ${name}`,
        operation,
        after,
      }),
    );
};

const differences = (wanted: ShareUser, seen: ObservedShareUser): Change[] => {
  const changes: Change[] = [];
  const put = (property: string, from: string, to: string): void => {
    if (from !== to) changes.push({ property, from, to });
  };
  put('disabled', String(seen.disabled), String(wanted.disabled));
  put('fullName', seen.fullName, wanted.fullName);
  put('groups', listed(seen.groups), listed(wanted.groups));
  // the sealed text itself says nothing to anyone
  if (wanted.password !== undefined && wanted.password !== seen.password)
    changes.push({ property: 'password', from: seen.password === undefined ? null : 'set', to: 'set anew' });
  return changes;
};

const planGroups = (w: World, wanted: readonly ShareGroup[], seen: readonly ObservedShareGroup[]): ObservedShareGroup[] => {
  const taken = new Set(seen.map((s) => s.name));
  const { pairs, left } = pair(wanted, seen);
  for (const [group, s] of pairs) {
    if (s !== undefined) {
      if (settle(w, 'share-group', group, s, taken) === undefined) w.nop += 1;
      continue;
    }
    const operation = { kind: 'share-group.put', name: group.name, id: group.id ?? null } as const;
    add(w, runnable({ verb: 'CREATE', noun: 'share-group', name: group.name, risk: 'safe', reason: w.words.missing, operation }));
  }
  return left;
};

const planUsers = (w: World, wanted: readonly ShareUser[], seen: readonly ObservedShareUser[], key: string | null): ObservedShareUser[] => {
  const taken = new Set(seen.map((s) => s.name));
  const { pairs, left } = pair(wanted, seen);
  const groups = [...w.actions.values()].filter((a) => a.noun === 'share-group').map((a) => a.id);
  for (const [user, s] of pairs) {
    const renamed = s === undefined ? undefined : settle(w, 'share-user', user, s, taken);
    if (renamed === null) continue;
    const changes = s === undefined ? [] : differences(user, s);
    if (s !== undefined && changes.length === 0) {
      if (renamed === undefined) w.nop += 1;
      continue;
    }
    const isNew = s === undefined;
    const base = { noun: 'share-user', name: user.name, reason: isNew ? w.words.missing : `it ${w.words.differs}`, changes } as const;
    const fresh = user.password !== undefined && user.password !== s?.password;
    // a machine that sealed nothing yet is asked by the executor
    if (fresh && user.password !== undefined && key !== null && keyOf(user.password) !== key) {
      const why = 'its password was sealed by another machine: leave it out here, and set one with dplane share-user password';
      add(w, impossible({ ...base, why }));
      continue;
    }
    const felt = s !== undefined && changes.some((c) => c.property !== 'fullName');
    add(
      w,
      runnable({
        ...base,
        verb: isNew ? 'CREATE' : 'MODIFY',
        risk: felt ? 'disruptive' : 'safe',
        after: [...groups, ...(renamed === undefined ? [] : [renamed])],
        operation: {
          kind: 'share-user.put',
          isNew,
          name: user.name,
          id: s?.id ?? user.id ?? null,
          fullName: user.fullName,
          disabled: user.disabled,
          groups: [...user.groups].sort(byText),
          password: fresh ? (user.password ?? null) : null,
        },
      }),
    );
  }
  return left;
};

/** Before the shares, which may name them. What a file does not mention (an older one) is left alone. */
export const planShareUsers = (w: World): (() => void) => {
  const { accounts } = w.observed;
  const { share_users: users, share_groups: groups } = w.desired;
  const seen = accounts ?? { key: null, users: [], groups: [] };
  const lostGroups = groups === undefined ? [] : planGroups(w, groups, seen.groups);
  const lostUsers = users === undefined ? [] : planUsers(w, users, seen.users, seen.key);
  // after the shares are planned: what leaves a list leaves it before it goes
  return () => {
    if (w.desired.ignore_extraneous) return;
    for (const s of lostUsers) removal(w, 'share-user', s, []);
    for (const s of lostGroups) removal(w, 'share-group', s, users ?? seen.users);
  };
};
