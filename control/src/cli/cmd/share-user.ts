/** share-user, share-group: who may log in to shares. A password is asked for or read from a pipe, sent to be sealed, and goes on sealed. */
import type { ChangeRequest } from '../../domain/plan/change.ts';
import type { Cli, Handler } from '../cli.ts';
import type { Input } from '../parse.ts';
import { formatBytes } from '../../domain/units.ts';
import { EXIT, type Exit, usage } from '../problems.ts';
import { bad, dim, good, strong } from '../terminal.ts';

const accounts = async (cli: Cli) => (await cli.api()).shareUsers.list.query();

export const shareUserList: Handler = async (cli) => {
  const { term } = cli;
  const { at, users, groups } = await accounts(cli);
  term.data({ at, users, groups });
  if (users.length === 0) term.line([dim('Nobody can log in to SMB shares yet. For example: '), 'dplane share-user create anna']);
  else
    term.table(users, [
      { title: 'USER', cell: (u) => strong(u.name) },
      { title: 'NUMBER', cell: (u) => String(u.id) },
      { title: 'STATE', cell: (u) => (u.note === null ? good('may log in') : bad(u.note)) },
      { title: 'GROUPS', cell: (u) => (u.groups.length === 0 ? dim('-') : u.groups.join(', ')), shrink: 'end' },
      { title: 'FULL NAME', cell: (u) => u.fullName || dim('-'), shrink: 'end' },
    ]);
  return EXIT.ok;
};

export const shareGroupList: Handler = async (cli) => {
  const { term } = cli;
  const { at, users, groups } = await accounts(cli);
  const members = (name: string): string[] => users.filter((u) => u.groups.includes(name)).map((u) => u.name);
  const listed = groups.map((g) => ({ ...g, members: members(g.name) }));
  term.data({ at, groups: listed });
  if (groups.length === 0) term.line([dim('No group yet. For example: '), 'dplane share-group create family --member anna']);
  else
    term.table(listed, [
      { title: 'GROUP', cell: (g) => strong(`@${g.name}`) },
      { title: 'NUMBER', cell: (g) => String(g.id) },
      { title: 'MEMBERS', cell: (g) => g.members.join(', ') || dim('-'), shrink: 'end' },
    ]);
  return EXIT.ok;
};

/** From the keyboard, twice, or the first line of a pipe; never from the command line, which others on the machine can read. */
const readPassword = async (cli: Cli, input: Input, name: string): Promise<string> => {
  const { askSecret, firstLine } = await import('../ask.ts');
  if (input.flag('password-stdin')) return firstLine(cli.term.streams.stdin);
  const first = await askSecret(
    cli.term,
    `Password of ${name} for shares (12 characters or more): `,
    'Give it on standard input: --password-stdin',
  );
  if ((await askSecret(cli.term, 'The same again: ', '')) !== first) throw usage('the password', 'the two are not the same');
  return first;
};
const sealed = async (cli: Cli, input: Input, name: string): Promise<string> => {
  const password = await readPassword(cli, input, name);
  return (await (await cli.api()).shareUsers.seal.mutate({ password })).sealed;
};

const changing = async (cli: Cli, changes: ChangeRequest[], name: string): Promise<Exit> => {
  const { change } = await import('../changes.ts');
  return change(cli, changes, async () => {
    const { users, groups } = await accounts(cli);
    const user = users.find((u) => u.name === name);
    const group = groups.find((g) => g.name === name);
    if (user) return user.note === null ? `${name} may log in (number ${user.id})` : `${name} is there; ${user.note}`;
    return group ? `@${name} is there (number ${group.id})` : `${name} is gone`;
  });
};

export const shareUserCreate: Handler = async (cli, input) => {
  const name = input.word('NAME');
  const password = input.flag('no-password') ? {} : { password: await sealed(cli, input, name) };
  const user = {
    name,
    fullName: input.text('full-name') ?? '',
    disabled: input.flag('disabled'),
    groups: [...input.all('group')],
    ...password,
  };
  return changing(cli, [{ kind: 'share-user.create', user }], name);
};

export const shareUserPassword: Handler = async (cli, input) => {
  const name = input.word('NAME');
  return changing(cli, [{ kind: 'share-user.change', name, user: { password: await sealed(cli, input, name) } }], name);
};

export const shareUserSet: Handler = async (cli, input) => {
  const name = input.word('NAME');
  if (input.flag('disable') && input.flag('enable')) throw usage('dplane share-user set', '--disable and --enable exclude each other');
  const fullName = input.text('full-name');
  const groups = input.flag('no-groups') ? [] : input.all('group').length > 0 ? [...input.all('group')] : undefined;
  const disabled = input.flag('disable') ? true : input.flag('enable') ? false : undefined;
  if (fullName === undefined && groups === undefined && disabled === undefined)
    throw usage('dplane share-user set', 'what to change was not said', 'See: dplane share-user set --help');
  return changing(cli, [{ kind: 'share-user.change', name, user: { fullName, groups, disabled } }], name);
};

export const shareUserRename: Handler = (cli, input) =>
  changing(cli, [{ kind: 'share-user.rename', name: input.word('NAME'), to: input.word('TO') }], input.word('TO'));

export const shareUserRemove: Handler = async (cli, input) => {
  const name = input.word('NAME');
  const { id, owned } = await (await cli.api()).shareUsers.owned.query({ name });
  for (const o of owned)
    cli.term.line([strong(o.dataset), `: ${formatBytes(o.bytes)} in ${o.files} files belong to ${name}; they stay, as number ${id}`]);
  return changing(cli, [{ kind: 'share-user.remove', name }], name);
};

export const shareGroupCreate: Handler = (cli, input) =>
  changing(cli, [{ kind: 'share-group.create', name: input.word('NAME'), members: [...input.all('member')] }], input.word('NAME'));
export const shareGroupMembers: Handler = (cli, input) =>
  changing(cli, [{ kind: 'share-group.members', name: input.word('NAME'), members: [...input.words('USER')] }], input.word('NAME'));
export const shareGroupRename: Handler = (cli, input) =>
  changing(cli, [{ kind: 'share-group.rename', name: input.word('NAME'), to: input.word('TO') }], input.word('TO'));
export const shareGroupRemove: Handler = (cli, input) =>
  changing(cli, [{ kind: 'share-group.remove', name: input.word('NAME') }], input.word('NAME'));

/** For state.yaml: seals a password and prints it. */
export const shareUserSeal: Handler = async (cli, input) => {
  const text = await sealed(cli, input, 'the account');
  cli.term.data({ sealed: text });
  cli.term.line(text);
  return EXIT.ok;
};

export const datasetPermit: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  const owner = input.text('owner');
  const group = input.text('group');
  const access = input.choice('access', ['owner', 'group', 'group-read', 'all-read']) ?? 'group';
  const request: ChangeRequest = { kind: 'dataset.permit', name, owner, group, access, recursive: input.flag('recursive') };
  return change(cli, [request], async () => {
    const seen = await (await cli.api()).shareUsers.permissions.query({ dataset: name });
    return `${name}: owner ${seen.owner === 0 ? 'root' : (owner ?? seen.owner)}, group ${seen.group === 0 ? 'root' : (group ?? seen.group)}, mode ${seen.mode}`;
  });
};
