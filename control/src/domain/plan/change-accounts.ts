/** Clicks about accounts for sharing: what is there now, with the change in it. Lists of shares follow a new name. */
import { ok, type Refusal, refuse, type Result } from '../refusal.ts';
import type { ShareSpec } from '../share/share.ts';
import type { ObservedAccounts, ShareGroup, ShareUser } from '../share-user/share-user.ts';
import type { ChangeRequest } from './change.ts';

export type Accounts = { readonly users: Map<string, ShareUser>; readonly groups: Map<string, ShareGroup> };
export type AccountChange = Extract<ChangeRequest, { kind: `share-user.${string}` | `share-group.${string}` }>;

export const isAccountRequest = (c: ChangeRequest): c is AccountChange =>
  c.kind.startsWith('share-user.') || c.kind.startsWith('share-group.');

export const accountsOf = (seen: ObservedAccounts): Accounts => ({
  users: new Map(seen.users.map(({ note: _note, ...u }) => [u.name, u])),
  groups: new Map(seen.groups.map((g) => [g.name, g])),
});

const missing = (what: string): Refusal =>
  refuse('not-found', what, 'there is nothing of this name', 'see `dplane share-user list`').refusal;
const taken = (what: string): Refusal =>
  refuse('conflict', what, 'the name is in use, by a user or a group', 'choose another name').refusal;

const withName = (shares: Map<string, ShareSpec>, from: string, to: string): void => {
  const renamed = (list: readonly string[]): string[] => list.map((n) => (n === from ? to : n));
  for (const [key, s] of shares)
    if (s.kind === 'smb' && [...s.validUsers, ...s.writeUsers].includes(from))
      shares.set(key, { ...s, validUsers: renamed(s.validUsers), writeUsers: renamed(s.writeUsers) });
};

const setMembers = ({ users }: Accounts, group: string, members: readonly string[]): Refusal | null => {
  const unknown = members.find((m) => !users.has(m));
  if (unknown !== undefined) return missing(`user ${unknown}`);
  for (const [name, u] of users) {
    const rest = u.groups.filter((g) => g !== group);
    const groups = members.includes(name) ? [...rest, group].sort() : rest;
    if (groups.length !== u.groups.length) users.set(name, { ...u, groups });
  }
  return null;
};

/** Null when the change was taken. */
export const takeAccount = (a: Accounts, shares: Map<string, ShareSpec>, c: AccountChange): Refusal | null => {
  const isTaken = (name: string): boolean => a.users.has(name) || a.groups.has(name);
  const known = (groups: readonly string[]): Result<null> => {
    const unknown = groups.find((g) => !a.groups.has(g));
    return unknown === undefined ? ok(null) : { ok: false, refusal: missing(`group ${unknown}`) };
  };
  switch (c.kind) {
    case 'share-user.create': {
      if (isTaken(c.user.name)) return taken(`user ${c.user.name}`);
      const groups = known(c.user.groups);
      if (!groups.ok) return groups.refusal;
      a.users.set(c.user.name, c.user);
      return null;
    }
    case 'share-user.change': {
      const user = a.users.get(c.name);
      if (!user) return missing(`user ${c.name}`);
      const groups = known(c.user.groups ?? []);
      if (!groups.ok) return groups.refusal;
      const said = Object.fromEntries(Object.entries(c.user).filter(([, v]) => v !== undefined));
      a.users.set(c.name, { ...user, ...said });
      return null;
    }
    case 'share-user.rename': {
      const user = a.users.get(c.name);
      if (!user) return missing(`user ${c.name}`);
      if (c.to === c.name) return null;
      if (isTaken(c.to)) return taken(`user ${c.to}`);
      a.users.delete(c.name);
      a.users.set(c.to, { ...user, name: c.to });
      withName(shares, c.name, c.to);
      return null;
    }
    case 'share-user.remove':
      return a.users.delete(c.name) ? null : missing(`user ${c.name}`);
    case 'share-group.create':
      if (isTaken(c.name)) return taken(`group ${c.name}`);
      a.groups.set(c.name, { name: c.name });
      return setMembers(a, c.name, c.members);
    case 'share-group.members':
      return a.groups.has(c.name) ? setMembers(a, c.name, c.members) : missing(`group ${c.name}`);
    case 'share-group.rename': {
      const group = a.groups.get(c.name);
      if (!group) return missing(`group ${c.name}`);
      if (c.to === c.name) return null;
      if (isTaken(c.to)) return taken(`group ${c.to}`);
      a.groups.delete(c.name);
      a.groups.set(c.to, { ...group, name: c.to });
      for (const [name, u] of a.users)
        if (u.groups.includes(c.name)) a.users.set(name, { ...u, groups: u.groups.map((g) => (g === c.name ? c.to : g)).sort() });
      withName(shares, `@${c.name}`, `@${c.to}`);
      return null;
    }
    case 'share-group.remove':
      return a.groups.delete(c.name) ? setMembers(a, c.name, []) : missing(`group ${c.name}`);
  }
};
