/**
 * Accounts for sharing. The record is written first; then the system's drop-ins and Samba's accounts are made to follow it, whatever they
 * were, so that a change that broke off is completed by the next one. Reported is only what getent and pdbedit say afterwards.
 */
import { makeHomes } from './homes.ts';
import { isAccountChange, type AccountOperation } from '../../domain/share-user/operation.ts';
import type { Owned } from '../../domain/share-user/share-user.ts';
import { ok, type Refusal, refuse, type Result } from '../../domain/refusal.ts';
import {
  type Accounts,
  ACCOUNTS_FILE,
  dropIns,
  isOurs,
  nextId,
  parseAccounts,
  renderAccounts,
  type User,
  USERDB,
} from '../accounts/record.ts';
import { ntHash } from '../accounts/nt-hash.ts';
import { openSealer, type Sealer } from '../accounts/seal.ts';
import type { Host } from '../host.ts';
import { deleteArgv, IMPORT_FILE, importArgv, listArgv, parsePassdb, type PassdbEntry, renderPassdb } from '../samba/passdb.ts';
import { endSessionArgv, sessionsOf, smbstatusArgv } from '../samba/status.ts';
import { type ChangeContext, type Changed, change, ran, read, unverified } from './host.ts';

type Op = Extract<AccountOperation, { kind: string }>;
type Kind<K extends Op['kind']> = Extract<Op, { kind: K }>;
type Edit = Result<{
  accounts: Accounts /** Whose password comes from the record. */;
  password?: string /** Whose sessions end. */;
  ends?: string;
}>;

const LOOK = 'look at the accounts that are there and make a new plan';
const no = (code: Refusal['code'], what: string, why: string, todo = LOOK) => refuse(code, what, why, todo);

/** What the system has under this name that is not ours. */
const foreign = async (host: Host, name: string, accounts: Accounts): Promise<Refusal | null> => {
  if ([...accounts.users, ...accounts.groups].some((a) => a.name === name))
    return no('conflict', name, 'an account for sharing has this name').refusal;
  for (const database of ['passwd', 'group']) {
    const r = await host.run(['getent', database, name], { timeoutMs: 20_000 });
    if (r.exit === 2) continue;
    if (r.exit !== 0) return no('failed', name, `getent does not say whether it is free: ${r.failure ?? r.stderr.trim()}`).refusal;
    if (!/^[^:]*:[^:]*:2[0-9]{4}:/.test(r.stdout))
      return no('conflict', name, `the system has a ${database === 'passwd' ? 'user' : 'group'} of this name`, 'choose another name')
        .refusal;
  }
  return null;
};

const newId = (accounts: Accounts, what: string, wanted: number | null): Result<number> => {
  if (wanted === null) {
    const id = nextId(accounts);
    return id === null ? no('conflict', what, 'every number for accounts was given once', 'no account can be added') : ok(id);
  }
  const used = [...accounts.users, ...accounts.groups].find((a) => a.id === wanted);
  if (used) return no('conflict', what, `${used.name} has the number ${wanted}`);
  if (accounts.retired.includes(wanted))
    return no('conflict', what, `the number ${wanted} belonged to someone else, whose files would be taken over`, 'leave the number out');
  return ok(wanted);
};

const unknownGroup = (accounts: Accounts, groups: readonly string[]): string | undefined =>
  groups.find((g) => !accounts.groups.some((x) => x.name === g));

const putUser = async (host: Host, accounts: Accounts, op: Kind<'share-user.put'>, sealer: Sealer | null): Promise<Edit> => {
  const what = `user ${op.name}`;
  const unknown = unknownGroup(accounts, op.groups);
  if (unknown !== undefined) return no('not-found', what, `there is no group ${unknown}`);
  if (op.password !== null && sealer !== null) {
    const opened = sealer.open(op.password);
    if (!opened.ok) return opened;
  }
  const { name, fullName, disabled, groups } = op;
  const password = op.password === null ? {} : { password: op.password };
  const key = sealer?.key ?? accounts.key;
  if (op.isNew) {
    const taken = await foreign(host, name, accounts);
    if (taken) return { ok: false, refusal: taken };
    const id = newId(accounts, what, op.id);
    if (!id.ok) return id;
    const user: User = { name, id: id.value, fullName, disabled, groups, ...password };
    return ok({ accounts: { ...accounts, key, users: [...accounts.users, user] }, password: name });
  }
  const there = accounts.users.find((u) => u.name === name);
  if (!there) return no('not-found', what, 'there is no such user');
  if (there.id !== op.id) return no('conflict', what, `it has number ${there.id}, not ${op.id}`);
  const user: User = { ...there, fullName, disabled, groups, ...password };
  const users = accounts.users.map((u) => (u === there ? user : u));
  const lost = there.groups.some((g) => !groups.includes(g));
  return ok({
    accounts: { ...accounts, key, users },
    ...(op.password === null ? {} : { password: name }),
    // who is in already would stay in
    ...(op.password !== null || (disabled && !there.disabled) || lost ? { ends: name } : {}),
  });
};

const edit = async (host: Host, accounts: Accounts, op: Op, sealer: Sealer | null): Promise<Edit> => {
  const all = (list: 'users' | 'groups') => accounts[list] as readonly { name: string; id: number }[];
  const find = (list: 'users' | 'groups', name: string, id: number): Result<null> => {
    const there = all(list).find((x) => x.name === name);
    if (!there) return no('not-found', name, 'there is no such account for sharing');
    return there.id === id ? ok(null) : no('conflict', name, `it has number ${there.id}, not ${id}`);
  };
  switch (op.kind) {
    case 'share-user.put':
      return putUser(host, accounts, op, sealer);
    case 'share-group.put': {
      const taken = await foreign(host, op.name, accounts);
      if (taken) return { ok: false, refusal: taken };
      const id = newId(accounts, `group ${op.name}`, op.id);
      return id.ok ? ok({ accounts: { ...accounts, groups: [...accounts.groups, { name: op.name, id: id.value }] } }) : id;
    }
    case 'share-user.rename': {
      const there = find('users', op.name, op.id);
      if (!there.ok) return there;
      const taken = await foreign(host, op.to, accounts);
      if (taken) return { ok: false, refusal: taken };
      const users = accounts.users.map((u) => (u.id === op.id ? { ...u, name: op.to } : u));
      return ok({ accounts: { ...accounts, users }, ends: op.name });
    }
    case 'share-group.rename': {
      const there = find('groups', op.name, op.id);
      if (!there.ok) return there;
      const taken = await foreign(host, op.to, accounts);
      if (taken) return { ok: false, refusal: taken };
      const groups = accounts.groups.map((g) => (g.id === op.id ? { ...g, name: op.to } : g));
      const users = accounts.users.map((u) => ({ ...u, groups: u.groups.map((g) => (g === op.name ? op.to : g)) }));
      return ok({ accounts: { ...accounts, groups, users } });
    }
    case 'share-user.remove': {
      const there = find('users', op.name, op.id);
      if (!there.ok) return there;
      const users = accounts.users.filter((u) => u.id !== op.id);
      return ok({ accounts: { ...accounts, users, retired: [...accounts.retired, op.id] }, ends: op.name });
    }
    case 'share-group.remove': {
      const there = find('groups', op.name, op.id);
      if (!there.ok) return there;
      const member = accounts.users.find((u) => u.groups.includes(op.name));
      if (member) return no('conflict', `group ${op.name}`, `${member.name} is a member`);
      const groups = accounts.groups.filter((g) => g.id !== op.id);
      return ok({ accounts: { ...accounts, groups, retired: [...accounts.retired, op.id] } });
    }
    default:
      throw new Error(`${op.kind} changes no account`);
  }
};

/** The drop-ins as the record wants them; what is not ours stays. */
const writeDropIns = async (host: Host, accounts: Accounts): Promise<Result<null>> => {
  const wanted = dropIns(accounts);
  for (const file of (await host.list(USERDB)) ?? []) {
    if (wanted.has(file)) continue;
    const text = await host.readText(`${USERDB}/${file}`);
    if (text === null || !isOurs(file, text)) continue;
    const gone = await change(host, ['unlink', `${USERDB}/${file}`]);
    if (!gone.ok) return gone;
  }
  for (const [file, text] of wanted) {
    const path = `${USERDB}/${file}`;
    if ((await host.readText(path)) !== text) await host.writeText(path, text, 0o644);
  }
  return ok(null);
};

const passdb = async (host: Host): Promise<Result<PassdbEntry[]>> => {
  const listed = await host.run(listArgv(), { timeoutMs: 20_000 });
  if (listed.failure === 'missing') return no('unavailable', "Samba's accounts", 'Samba is not installed', 'install samba');
  // neither its answer nor what it says in between: hashes
  if (!ran(listed))
    return no('failed', "Samba's accounts", `pdbedit failed (${listed.failure ?? listed.exit})`, 'look at `pdbedit -L` on the host');
  return parsePassdb(listed.stdout);
};

/** Samba's accounts follow the record. A hash is taken from it only for `password` and for who is not there: people may change their own from Windows. */
const writePassdb = async (
  host: Host,
  accounts: Accounts,
  sealer: Sealer | null,
  password: string | undefined,
  now: number,
): Promise<Result<null>> => {
  const there = await passdb(host);
  if (!there.ok) return there;
  const byUid = new Map(there.value.map((e) => [e.uid, e]));
  const wanted: PassdbEntry[] = [];
  for (const u of accounts.users) {
    const old = byUid.get(u.id);
    let hash = old?.hash ?? null;
    if (u.password !== undefined && sealer !== null && (u.name === password || hash === null)) {
      const opened = sealer.open(u.password);
      if (!opened.ok) return opened;
      hash = opened.value.toString('hex').toUpperCase();
    }
    const entry = { name: u.name, uid: u.id, hash, disabled: u.disabled || hash === null };
    if (old === undefined || old.name !== entry.name || old.hash !== hash || old.disabled !== entry.disabled) wanted.push(entry);
  }
  const known = new Set(accounts.users.map((u) => u.name));
  // also one whose account the system no longer knows: its number is lost then, and its name is not
  const ours = (e: PassdbEntry): boolean => (e.uid >= 20_000 && e.uid <= 29_999) || e.uid === 0xffff_ffff;
  for (const e of there.value)
    if (ours(e) && !known.has(e.name)) {
      const gone = await host.run(deleteArgv(e.name), { timeoutMs: 20_000 });
      if (!ran(gone)) return no('failed', `Samba's account ${e.name}`, `pdbedit does not remove it: ${gone.stderr.trim().slice(0, 200)}`);
    }
  return wanted.length === 0 ? ok(null) : take(host, wanted, now);
};

const take = async (host: Host, entries: readonly PassdbEntry[], now: number): Promise<Result<null>> => {
  await host.writeText(IMPORT_FILE, renderPassdb(entries, now), 0o600);
  const taken = await host.run(importArgv(), { timeoutMs: 60_000 });
  const wiped = await change(host, ['unlink', IMPORT_FILE]);
  if (!ran(taken))
    return no('failed', "Samba's accounts", `pdbedit does not take them: ${(taken.failure ?? taken.stderr.trim()).slice(0, 200)}`);
  return wiped.ok ? ok(null) : wiped;
};

/** What the system and Samba say now. */
const verify = async (host: Host, accounts: Accounts, name: string): Promise<Result<null>> => {
  for (const u of accounts.users.filter((x) => x.name === name)) {
    const seen = await read(host, ['getent', 'passwd', u.name]);
    if (!seen.ok || seen.value.split(':')[2] !== String(u.id))
      return refuse(
        'unavailable',
        `user ${u.name}`,
        `the system does not read ${USERDB}: the account is written down, and nobody knows it`,
        'install libnss-systemd, or add "systemd" to passwd and group in /etc/nsswitch.conf, then save the user again',
      );
  }
  const entries = await passdb(host);
  if (!entries.ok) return entries;
  for (const u of accounts.users) {
    const e = entries.value.find((x) => x.name === u.name);
    if (e === undefined || e.uid !== u.id || e.disabled !== (u.disabled || e.hash === null))
      return unverified(`user ${u.name}`, 'Samba shows another account');
  }
  return ok(null);
};

/** One process serves one machine: others who share it connect again by themselves. */
const endSessions = async (host: Host, name: string): Promise<number> => {
  const status = await read(host, smbstatusArgv());
  const pids = status.ok ? sessionsOf(status.value, name) : [];
  for (const pid of pids) await host.run(endSessionArgv(pid), { timeoutMs: 20_000 });
  return pids.length;
};

const put = async ({ host, clock }: ChangeContext, op: Op): Promise<Changed> => {
  const before = parseAccounts(await host.readText(ACCOUNTS_FILE));
  if (!before.ok) return before;
  const needsKey = (op.kind === 'share-user.put' && op.password !== null) || before.value.users.some((u) => u.password !== undefined);
  const sealer = needsKey ? await openSealer(host) : ok(null);
  if (!sealer.ok) return sealer;
  const edited = await edit(host, before.value, op, sealer.value);
  if (!edited.ok) return edited;
  const { accounts, password, ends } = edited.value;
  await host.writeText(ACCOUNTS_FILE, renderAccounts(accounts), 0o644);
  const name = 'to' in op ? op.to : 'name' in op ? op.name : '';
  // drop-ins first: Samba takes only whom the system knows
  for (const step of [
    () => writeDropIns(host, accounts),
    () => writePassdb(host, accounts, sealer.value, password, clock()),
    () => verify(host, accounts, name),
  ]) {
    const done = await step();
    if (!done.ok) return done;
  }
  const homes = await makeHomes(host, op.kind === 'share-user.rename' ? { from: op.name, to: op.to } : undefined);
  const ended = ends === undefined ? 0 : await endSessions(host, ends);
  const id = [...accounts.users, ...accounts.groups].find((a) => a.name === name)?.id;
  return ok({
    ...(id === undefined ? {} : { number: id }),
    ...(ended > 0 ? { sessionsEnded: ended } : {}),
    ...(homes.length > 0 ? { note: homes.join('; ') } : {}),
  });
};

/** ZFS keeps count per number: nothing is searched. */
const owned = async (host: Host, op: Kind<'share-user.owned'>): Promise<Changed> => {
  const found: Owned[] = [];
  for (const dataset of op.datasets) {
    const out = await read(host, ['zfs', 'userspace', '-Hpn', '-t', 'posixuser', '-o', 'name,used,objused', dataset]);
    if (!out.ok) {
      if (out.refusal.code === 'not-found') continue;
      return out;
    }
    const line = out.value.split('\n').find((l) => l.startsWith(`${op.id}\t`));
    const [, bytes = '0', files = '0'] = line?.split('\t') ?? [];
    if (line !== undefined) found.push({ dataset, bytes: Number(bytes), files: Number(files) || 0 });
  }
  return ok({ owned: found });
};

export const changeAccounts = async (context: ChangeContext, op: AccountOperation): Promise<Changed> => {
  if (isAccountChange(op)) return put(context, op);
  if (op.kind === 'share-user.owned') return owned(context.host, op);
  const sealer = await openSealer(context.host);
  return sealer.ok ? ok({ sealed: sealer.value.seal(ntHash(op.password)), key: sealer.value.key }) : sealer;
};
