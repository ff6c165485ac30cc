/** Getting in, and who may. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Command } from '../parse.ts';
import { command, secretIn } from './shared.ts';

export const accessCommands: readonly Command<Handler>[] = [
  command(
    'claim',
    'make a fresh box yours, with the one-time code from its console',
    ['claim --url https://nas.local:8443'],
    async () => (await import('../cmd/session.ts')).claim,
    {
      options: [
        { name: 'user', value: 'NAME', help: 'name of the first admin (asked for if missing)' },
        { name: 'code', value: 'CODE', help: 'the claim code (asked for if missing)' },
        secretIn,
      ],
      details: 'The box prints the code on its console at its first start. It works once.',
    },
  ),
  command(
    'login',
    'start a session',
    ['login --url https://nas.local:8443', 'login --host nas --user anna'],
    async () => (await import('../cmd/session.ts')).login,
    {
      options: [
        { name: 'user', value: 'NAME', help: 'your user name' },
        { name: 'totp', value: 'CODE', help: 'the code of your authenticator, if you use one' },
        secretIn,
      ],
      details: 'For scripts, make an API token (dplane token create) and set DPLANE_TOKEN instead.',
    },
  ),
  command('logout', 'end the session', ['logout'], async () => (await import('../cmd/session.ts')).logout),
  command('whoami', 'who you are to the box, and what you may do', ['whoami'], async () => (await import('../cmd/session.ts')).whoami),
  command('host list', 'the boxes that are remembered', ['host list'], async () => (await import('../cmd/hosts.ts')).hostList),
  command(
    'host use',
    'make one of them the one that commands go to',
    ['host use nas'],
    async () => (await import('../cmd/hosts.ts')).hostUse,
    {
      args: [{ name: 'NAME', help: 'as in host list', offer: 'profile' }],
    },
  ),
  command(
    'host forget',
    'forget a box, its session and its certificate',
    ['host forget nas', 'host forget https://nas.local:8443'],
    async () => (await import('../cmd/hosts.ts')).hostForget,
    {
      args: [{ name: 'NAME', help: 'as in host list, or an address', offer: 'profile' }],
    },
  ),
  command('user list', 'people who may log in', ['user list'], async () => (await import('../cmd/access.ts')).userList),
  command(
    'user create',
    'let someone in',
    ['user create anna --role operator'],
    async () => (await import('../cmd/access.ts')).userCreate,
    {
      args: [{ name: 'NAME', help: 'user name' }],
      options: [
        {
          name: 'role',
          value: 'ROLE',
          offer: ['admin', 'operator', 'auditor', 'viewer'],
          help: 'admin, operator, auditor or viewer (default)',
        },
        secretIn,
      ],
    },
  ),
  command(
    'user set',
    'change role or password, or shut someone out',
    ['user set anna --role admin', 'user set anna --disable', 'user set anna --password'],
    async () => (await import('../cmd/access.ts')).userSet,
    {
      args: [{ name: 'NAME', help: 'user name', offer: 'user' }],
      options: [
        { name: 'role', value: 'ROLE', offer: ['admin', 'operator', 'auditor', 'viewer'], help: 'admin, operator, auditor or viewer' },
        { name: 'disable', help: 'may not log in' },
        { name: 'enable', help: 'may log in again' },
        { name: 'password', help: 'ask for a new password' },
        { name: 'reset-totp', help: 'drop the second factor (lost phone)' },
        secretIn,
      ],
    },
  ),
  command(
    'user remove',
    'remove a user, with sessions and tokens',
    ['user remove anna'],
    async () => (await import('../cmd/access.ts')).userRemove,
    {
      args: [{ name: 'NAME', help: 'user name', offer: 'user' }],
      options: [{ name: 'yes', short: 'y', help: "don't ask" }],
    },
  ),
  command('token list', 'API tokens', ['token list'], async () => (await import('../cmd/access.ts')).tokenList),
  command(
    'token create',
    'make an API token for a script',
    ['token create backup-check --scope storage.read --days 90'],
    async () => (await import('../cmd/access.ts')).tokenCreate,
    {
      args: [{ name: 'NAME', help: 'what it is for' }],
      options: [
        { name: 'scope', value: 'PERMISSION', many: true, help: 'what it may do (see dplane whoami); may be repeated' },
        { name: 'days', value: 'N', help: 'how long it is good (default 90)' },
      ],
      details: 'The token is shown once. Scripts use it as DPLANE_TOKEN.',
    },
  ),
  command('token revoke', 'end a token', ['token revoke 4c1d'], async () => (await import('../cmd/access.ts')).tokenRevoke, {
    args: [{ name: 'TOKEN', help: 'its id, as in token list' }],
  }),
  command('session list', 'who is logged in', ['session list'], async () => (await import('../cmd/access.ts')).sessionList),
  command('session revoke', 'end a session', ['session revoke 9e2b'], async () => (await import('../cmd/access.ts')).sessionRevoke, {
    args: [{ name: 'SESSION', help: 'its id, as in session list' }],
  }),
  command('password', 'change your own password', ['password'], async () => (await import('../cmd/session.ts')).password),
  command(
    'totp enable',
    'ask for a code of your authenticator at every login',
    ['totp enable'],
    async () => (await import('../cmd/session.ts')).totpEnable,
  ),
  command('totp disable', 'stop asking for it', ['totp disable'], async () => (await import('../cmd/session.ts')).totpDisable),
  command(
    'recover',
    'get back in: for root on the box itself',
    ['recover', 'recover --user anna', 'recover --new-admin'],
    async () => (await import('../cmd/recover.ts')).recover,
    {
      options: [
        { name: 'user', value: 'NAME', help: 'whose password is set anew' },
        { name: 'reset-totp', help: 'drop the second factor as well' },
        { name: 'new-admin', help: 'make a new claim code instead, for a new admin' },
        secretIn,
      ],
      details: 'Works over the local socket, without any password. It is written into the audit log.',
    },
  ),
];
