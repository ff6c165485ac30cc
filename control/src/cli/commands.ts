/**
 * Every command, once. Contract: parsing, help, completion and docs are made from this table; a command's code is loaded
 * only when it runs.
 */
import type { Handler } from './cli.ts';
import { accessCommands } from './commands/access.ts';
import { accountCommands } from './commands/accounts.ts';
import { activityCommands } from './commands/activity.ts';
import { cloneCommands } from './commands/clones.ts';
import { keyCommands } from './commands/keys.ts';
import { poolCommands } from './commands/pools.ts';
import { selfCommands } from './commands/self.ts';
import { shareCommands } from './commands/shares.ts';
import { snapshotCommands } from './commands/snapshots.ts';
import { stateCommands } from './commands/state.ts';
import { storageCommands } from './commands/storage.ts';
import { systemCommands } from './commands/system.ts';
import type { Command, Option } from './parse.ts';

export const GLOBALS: readonly Option[] = [
  { name: 'json', help: 'one JSON document instead of text (one a line with --follow); problems as JSON on stderr' },
  { name: 'host', value: 'NAME', offer: 'profile', help: 'the box remembered under this name (env DPLANE_HOST)' },
  { name: 'url', value: 'URL', help: 'the box at this address (env DPLANE_URL)' },
  { name: 'fingerprint', value: 'SHA256', help: 'accept exactly this certificate (env DPLANE_FINGERPRINT)' },
  { name: 'socket', value: 'PATH', offer: 'file', help: 'the local socket, for root on the box itself (env DPLANE_SOCKET)' },
  { name: 'help', short: 'h', help: 'what a command does, with examples' },
];

/** Within a noun they are listed in this order. */
export const COMMANDS: readonly Command<Handler>[] = [
  ...activityCommands,
  ...storageCommands,
  ...poolCommands,
  ...keyCommands,
  ...cloneCommands,
  ...snapshotCommands,
  ...shareCommands,
  ...accountCommands,
  ...stateCommands,
  ...systemCommands,
  ...accessCommands,
  ...selfCommands,
];

/** The order and headings in which `dplane help` lists them. */
export const SECTIONS: readonly (readonly [string, readonly string[]])[] = [
  ['Look', ['status', 'events', 'alerts', 'audit', 'run']],
  ['Storage', ['pool', 'disk', 'dataset', 'key', 'snapshot', 'clone', 'schedule', 'share', 'share-user', 'share-group']],
  ['Declared state', ['plan', 'apply', 'approve', 'state', 'drift']],
  ['System', ['memory', 'update', 'generations', 'restart']],
  ['Access', ['claim', 'login', 'logout', 'whoami', 'password', 'totp', 'user', 'token', 'session', 'host', 'recover']],
  ['This command', ['completion', 'version', 'help']],
];
