/** The tools around accounts: getent over the drop-ins of /etc/userdb, Samba's pdbedit, unlink. */
import { failed, done, said } from './getopt.ts';
import type { World } from './model.ts';
import type { Tool } from './words.ts';

const USERDB = '/etc/userdb/';
/** Samba's accounts, one a line in its own old format. */
const PASSDB = '/var/lib/samba/private/passdb.tdb';
const SYSTEM = ['root', 'daemon', 'bin', 'nobody', 'dplane', 'messagebus', 'systemd-network', 'sshd'];

const record = (w: World, file: string): Record<string, unknown> | null => {
  const text = w.model.texts[USERDB + file];
  // written by the executor as JSON
  return text === undefined ? null : (JSON.parse(text) as Record<string, unknown>);
};

export const getent: Tool = (w, args) => {
  const [database = '', key = ''] = args;
  if (args.length !== 2 || (database !== 'passwd' && database !== 'group')) return failed('Usage: getent [OPTION...] database [key ...]\n');
  const user = database === 'passwd' ? record(w, `${key}.user`) : null;
  if (user)
    return said(`${user.userName}:x:${user.uid}:${user.gid}:${user.realName ?? user.userName}:${user.homeDirectory}:${user.shell}\n`);
  const group = database === 'group' ? record(w, `${key}.group`) : null;
  if (group) return said(`${group.groupName}:x:${group.gid}:\n`);
  const at = SYSTEM.indexOf(key);
  if (at < 0) return { exit: 2 };
  return said(database === 'passwd' ? `${key}:x:${at}:${at}:${key}:/:/usr/sbin/nologin\n` : `${key}:x:${at}:\n`);
};

const entries = (w: World): string[] => (w.model.texts[PASSDB] ?? '').split('\n').filter((l) => l !== '');
const nameOf = (line: string): string => line.slice(0, line.indexOf(':'));

export const pdbedit: Tool = (w, args) => {
  const now = entries(w);
  const write = (lines: readonly string[]): void => {
    w.model.texts[PASSDB] = lines.map((l) => `${l}\n`).join('');
  };
  if (args.join(' ') === '-L -w') return said(now.map((l) => `${l}\n`).join(''));
  if (args[0] === '-x' && args[1] === '-u' && args.length === 3) {
    if (!now.some((l) => nameOf(l) === args[2])) return failed(`Username not found!\n`);
    write(now.filter((l) => nameOf(l) !== args[2]));
    return done();
  }
  const file = args[0] === '-i' && args.length === 2 ? /^smbpasswd:(.+)$/.exec(args[1] ?? '')?.[1] : undefined;
  if (file === undefined) return failed('Usage: pdbedit [OPTION...]\n');
  const lines = (w.model.texts[file] ?? '').split('\n').filter((l) => l !== '');
  const strange = lines.find((l) => record(w, `${nameOf(l)}.user`) === null);
  if (strange !== undefined) return failed(`Failed to find a Unix account for ${nameOf(strange)}\n`);
  const taken = new Set(lines.map(nameOf));
  write([...now.filter((l) => !taken.has(nameOf(l))), ...lines].sort());
  return { ...done(), stdout: lines.map((l) => `Importing account for ${nameOf(l)}...ok\n`).join('') };
};

export const unlink: Tool = (w, [path = '', ...more]) => {
  if (more.length > 0 || w.model.texts[path] === undefined) return failed(`unlink: cannot unlink '${path}': No such file or directory\n`);
  delete w.model.texts[path];
  return done();
};

/** Files of the simulated datasets belong to nobody in particular; root owns them. */
export const userspace: Tool = (w, args) => {
  const d = w.dataset(args.at(-1) ?? '');
  if (!d) return failed(`cannot open '${args.at(-1)}': dataset does not exist\n`);
  return said(`0\t${w.account(d).referenced}\t${Object.keys(d.files).length + 1}\n`);
};

/** Owner, group and mode of folders; those that nobody changed belong to root. */
const MODE_OF = '/.permissions';
const modeOf = (w: World, path: string): string => w.model.texts[MODE_OF + path] ?? '0 0 755';
export const stat: Tool = (w, args) => {
  const named = args.includes('%u %g %a %n');
  const paths = args.slice(args.indexOf('--') + 1);
  return said(paths.map((p) => `${modeOf(w, p)}${named ? ` ${p}` : ''}\n`).join(''));
};
const set = (w: World, path: string, change: (now: string[]) => string[]): void => {
  w.model.texts[MODE_OF + path] = change(modeOf(w, path).split(' ')).join(' ');
};
export const chown: Tool = (w, [, , to = '', path = '']) => {
  set(w, path, ([, , mode = '']) => [...to.split(':'), mode]);
  return done();
};
export const chmod: Tool = (w, [, mode = '', path = '']) => {
  set(w, path, ([u = '', g = '']) => [u, g, String(Number(mode))]);
  return done();
};
export const df: Tool = () => said('IUsed\n   12\n');
/** Only what the permissions of a whole dataset are set with. */
export const findAndSet: Tool = (w, args) => {
  const own = args[args.indexOf('chown') + 2];
  const mode = args[args.indexOf('chmod') + 1];
  if (args[1] !== '-xdev' || own === undefined || mode === undefined) return failed('find: unknown predicate\n');
  set(w, args[0] ?? '', () => [...own.split(':'), String(Number(mode))]);
  return { ...done(), stdout: '.\n'.repeat(12) };
};

/** There are no access lists here: there is none to take away, and none to show. */
export const setfacl: Tool = (_w, args) => (args[0] === '-b' && args[1] === '--' ? done() : failed('setfacl: Option incomplete\n'));
export const getfacl: Tool = () => said('');

/** `od -An -v -tx1 FILE` of a file of bytes. */
export const od: Tool = (w, args) => {
  const path = args.at(-1) ?? '';
  const text = w.model.texts[path];
  if (text === undefined || args.slice(0, -1).join(' ') !== '-An -v -tx1') return failed(`od: ${path}: No such file or directory\n`);
  const hex = Buffer.from(text, 'latin1').toString('hex');
  return said(`${(hex.match(/.{1,32}/g) ?? []).map((line) => ` ${line.match(/../g)?.join(' ')}\n`).join('')}`);
};
