/** What a command of `dplane-ota` is. Its file is loaded when it is called. */
import type { ParseArgsConfig } from 'node:util';
import type { Result } from '../../../control/src/domain/refusal.ts';
import type { Host } from '../../../control/src/host/host.ts';
import type { Places } from '../slots/places.ts';
import type { Streams, Terminal } from './terminal.ts';

export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
export type Context = {
  values: Values;
  positionals: readonly string[];
  /** What stands behind `--`. */
  after: readonly string[];
  places: Places;
  host: Host;
  signal: AbortSignal;
  streams: Streams;
  terminal: Terminal;
  json: boolean;
};
/** The value for `--json`, and the same for people. */
export type Said = { value: unknown; text: readonly string[] };
export type Run = (c: Context) => Promise<Result<Said>>;
export type Command = {
  /** Behind the name. */
  usage: string;
  what: string;
  help?: readonly string[];
  options: NonNullable<ParseArgsConfig['options']>;
  /** How many words it takes. */
  words: readonly [number, number];
  load: () => Promise<Run>;
};

export const text = (c: Context, name: string): string | undefined => {
  const value = c.values[name];
  return typeof value === 'string' ? value : undefined;
};
export const flag = (c: Context, name: string): boolean => c.values[name] === true;
export const list = (c: Context, name: string): string[] => {
  const value = c.values[name];
  return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
};
