/** user, token, session: who may get in */
import type { Permission, Role } from '../../domain/user/role.ts';
import type { Handler } from '../cli.ts';
import { ago } from '../format.ts';
import { EXIT, usage } from '../problems.ts';
import { bad, dim, good, strong, tone, warn } from '../terminal.ts';
import { newPassword } from './session.ts';

const ROLES: readonly Role[] = ['admin', 'operator', 'auditor', 'viewer'];

export const userList: Handler = async (cli) => {
  const { users } = await (await cli.api()).access.users.list.query();
  const now = cli.now();
  cli.term.data(users);
  cli.term.table(users, [
    { title: 'USER', cell: (u) => strong(u.name) },
    { title: 'ROLE', cell: (u) => u.role },
    { title: 'STATE', cell: (u) => (u.disabled ? bad('shut out') : good('may log in')) },
    { title: 'SECOND FACTOR', cell: (u) => (u.totp ? good('on') : dim('off')) },
    { title: 'LAST LOGIN', cell: (u) => ago(u.lastLoginAt, now) },
  ]);
  return EXIT.ok;
};

export const userCreate: Handler = async (cli, input) => {
  const api = await cli.api();
  const name = input.word('NAME');
  const role = input.choice('role', ROLES) ?? 'viewer';
  const made = await api.access.users.create.mutate({
    name,
    role,
    password: await newPassword(cli, `Password for ${name} (12 characters or more)`),
  });
  cli.term.data(made);
  cli.term.line([good(`${cli.term.symbols.ok} ${made.name}`), ` may log in as ${made.role}.`]);
  return EXIT.ok;
};

export const userSet: Handler = async (cli, input) => {
  const name = input.word('NAME');
  const role = input.choice('role', ROLES);
  if (input.flag('disable') && input.flag('enable')) throw usage('dplane user set', '--disable and --enable exclude each other');
  const withPassword = input.flag('password') || input.flag('password-stdin');
  const changes = {
    ...(role === undefined ? {} : { role }),
    ...(input.flag('disable') ? { disabled: true } : input.flag('enable') ? { disabled: false } : {}),
    ...(input.flag('reset-totp') ? { totp: false as const } : {}),
    ...(withPassword ? { password: await newPassword(cli, `New password for ${name}`) } : {}),
  };
  if (Object.keys(changes).length === 0) throw usage('dplane user set', 'what to change was not said', 'See: dplane user set --help');
  const user = await (await cli.api()).access.users.update.mutate({ name, ...changes });
  cli.term.data(user);
  cli.term.line([
    good(`${cli.term.symbols.ok} ${user.name}`),
    `: ${user.role}, ${user.disabled ? 'shut out' : 'may log in'}, second factor ${user.totp ? 'on' : 'off'}${withPassword ? '; new password set' : ''}.`,
  ]);
  return EXIT.ok;
};

export const userRemove: Handler = async (cli, input) => {
  const name = input.word('NAME');
  if (!input.flag('yes')) {
    const { confirm } = await import('../ask.ts');
    if (!(await confirm(cli.term, `Remove ${name}, with all sessions and tokens?`, 'Give --yes.'))) return EXIT.failed;
  }
  await (await cli.api()).access.users.remove.mutate({ name });
  cli.term.data({ removed: name });
  cli.term.line(`${name} is removed.`);
  return EXIT.ok;
};

export const tokenList: Handler = async (cli) => {
  const { tokens } = await (await cli.api()).access.tokens.list.query();
  const now = cli.now();
  cli.term.data(tokens);
  if (tokens.length === 0)
    cli.term.line([dim('No token. For a script: '), tone('accent', 'dplane token create NAME --scope storage.read')]);
  else
    cli.term.table(tokens, [
      { title: 'TOKEN', cell: (t) => t.id },
      { title: 'NAME', cell: (t) => strong(t.name), shrink: 'end' },
      { title: 'USER', cell: (t) => t.user },
      { title: 'EXPIRES', cell: (t) => (t.expiresAt > now ? ago(t.expiresAt, now) : warn('expired')) },
      { title: 'LAST USED', cell: (t) => ago(t.lastUsedAt, now), spare: 1 },
      { title: 'MAY', cell: (t) => t.scopes.join(' '), shrink: 'end' },
    ]);
  return EXIT.ok;
};

export const tokenCreate: Handler = async (cli, input) => {
  const { Permission: Permissions } = await import('../../domain/user/role.ts');
  const { notAmong } = await import('../parse.ts');
  const scopes = input.all('scope').map((s): Permission => {
    const found = Permissions.options.find((p) => p === s);
    if (found === undefined) throw notAmong(`--scope ${s}`, s, Permissions.options);
    return found;
  });
  if (scopes.length === 0)
    throw usage('dplane token create', 'what it may do has to be said', 'For example: --scope system.read --scope storage.read');
  const made = await (await cli.api()).access.tokens.create.mutate({
    name: input.word('NAME'),
    scopes,
    days: input.number('days', 1, 365) ?? 90,
  });
  cli.term.data(made);
  if (cli.term.json) return EXIT.ok;
  // The token alone on stdout, so that it can go straight into a file.
  cli.term.note(`Shown this once; good until ${new Date(made.expiresAt).toISOString().slice(0, 10)}. Scripts use it as DPLANE_TOKEN:`);
  cli.term.line(made.token);
  return EXIT.ok;
};

export const tokenRevoke: Handler = async (cli, input) => {
  const id = input.word('TOKEN');
  await (await cli.api()).access.tokens.revoke.mutate({ id });
  cli.term.data({ revoked: id });
  cli.term.line('The token is worth nothing any more.');
  return EXIT.ok;
};

export const sessionList: Handler = async (cli) => {
  const { sessions } = await (await cli.api()).access.sessions.list.query();
  const now = cli.now();
  cli.term.data(sessions);
  cli.term.table(sessions, [
    { title: '', cell: (s) => (s.current ? good('*') : ' ') },
    { title: 'SESSION', cell: (s) => s.id },
    { title: 'USER', cell: (s) => strong(s.user) },
    { title: 'FROM', cell: (s) => s.from },
    { title: 'WITH', cell: (s) => s.agent, shrink: 'end' },
    { title: 'LAST SEEN', cell: (s) => ago(s.lastSeenAt, now) },
    { title: 'EXPIRES', cell: (s) => ago(s.expiresAt, now), spare: 1 },
  ]);
  return EXIT.ok;
};

export const sessionRevoke: Handler = async (cli, input) => {
  const id = input.word('SESSION');
  await (await cli.api()).access.sessions.revoke.mutate({ id });
  cli.term.data({ revoked: id });
  cli.term.line('The session has ended.');
  return EXIT.ok;
};
