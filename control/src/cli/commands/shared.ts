/** What more than one part of the table of commands needs. */
import type { Handler } from '../cli.ts';
import type { Arg, Command, Option } from '../parse.ts';

export const command = (
  path: string,
  summary: string,
  examples: readonly string[],
  load: () => Promise<Handler>,
  more: Partial<Pick<Command<Handler>, 'args' | 'options' | 'details'>> = {},
): Command<Handler> => ({
  path,
  summary,
  examples: examples.map((e) => `dplane ${e}`),
  load,
  ...more,
});
/** Of everything that changes something: it is planned, shown, confirmed, applied, and checked. */
export const CHANGE: readonly Option[] = [
  { name: 'yes', short: 'y', help: "don't ask (what destroys data still needs --approve)" },
  { name: 'approve', value: 'NAME', many: true, help: 'approve destroying exactly this, by its full name; may be repeated' },
  { name: 'plan-only', help: 'show the plan and leave it' },
];
export const DESTROYS = 'Nothing that holds data is destroyed before its exact name has been typed (or given with --approve).';
export const pool: Arg = { name: 'POOL', help: 'name of the pool', offer: 'pool' };
export const dataset: Arg = { name: 'DATASET', help: 'full name, such as tank/media', offer: 'dataset' };
export const snapshot: Arg = { name: 'SNAPSHOT', help: 'full name, such as tank/media@before', offer: 'snapshot' };
export const limit = (what: string): Option => ({ name: 'limit', short: 'n', value: 'N', help: `at most this many ${what}` });
export const secretIn: Option = { name: 'password-stdin', help: 'read the password from standard input (first line)' };
