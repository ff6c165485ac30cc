/** Words that several subcommands say. */
import type { Answer } from './getopt.ts';
import { failed } from './getopt.ts';
import type { World } from './model.ts';

export type Tool = (w: World, args: readonly string[], now: number, input: string) => Answer;
export const USAGE: Readonly<Record<string, string>> = {
  list: 'list [-Hp] [-j [--json-int]] [-r|-d max] [-o property[,...]] [-s property]...\n\t    [-S property]... [-t type[,...]] [filesystem|volume|snapshot] ...',
  get: 'get [-rHp] [-j [--json-int]] [-d max] [-o "all" | field[,...]]\n\t    [-t type[,...]] [-s source[,...]]\n\t    <"all" | property[,...]> [filesystem|volume|snapshot|bookmark] ...',
  version: 'version [-j]',
  snapshot: 'snapshot [-r] [-o property=value] ... <filesystem|volume>@<snap> ...',
  holds: 'holds [-rHp] <snapshot> ...',
};
const TAIL =
  '\n\nFor the property list, run: zfs set|get\n\nFor the delegated permission list, run: zfs allow|unallow\n\nFor further help on a command or topic, run: zfs help [<topic>]\n';
export const usage = (command: string, why = ''): Answer =>
  failed(`${why === '' ? '' : `${why}\n`}usage:\n\t${USAGE[command] ?? `${command} ...`}${TAIL}`, 2);

export const noDataset = (name: string): Answer => failed(`cannot open '${name}': dataset does not exist\n`);

/** Why ZFS would not take this name; undefined when it would. */
export const whyBadName = (name: string, kind: 'dataset' | 'snapshot'): string | undefined => {
  if (name.length >= 256) return 'name is too long';
  if (name.startsWith('/')) return 'leading slash in name';
  if (name.endsWith('/')) return 'trailing slash in name';
  if (kind === 'dataset' && name.includes('@')) return "snapshot delimiter '@' is not expected here";
  const [path = '', tag] = name.split('@');
  const parts = [...path.split('/'), ...(tag === undefined ? [] : [tag])];
  if (parts.includes('')) return "empty component or misplaced '@' or '#' delimiter in name";
  if (parts.includes('.')) return "self reference, '.' is found in name";
  if (parts.includes('..')) return "parent reference, '..' is found in name";
  const bad = /[^A-Za-z0-9_.: -]/.exec(parts.join(''));
  return bad ? `invalid character '${bad[0]}' in name` : undefined;
};
export const isSuspended = (w: World, name: string): boolean => w.pool(name.split(/[/@]/)[0] ?? '')?.suspended === true;
