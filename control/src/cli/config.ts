/**
 * What the command remembers between calls: boxes, sessions, and the certificates that are trusted. Contract: one file that
 * only its owner can read, written whole or not at all; a file that can't be understood is refused, never overwritten.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { EXIT, Problem } from './problems.ts';

export type Profile = { url: string; user: string | null; cookie: string | null };
export type Config = {
  version: 1;
  current: string | null;
  hosts: Record<string, Profile> /** Fingerprint by origin. */;
  pins: Record<string, string>;
};

const EMPTY: Config = { version: 1, current: null, hosts: {}, pins: {} };

export const folderOf = (env: NodeJS.ProcessEnv): string => join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'dplane');

const isText = (v: unknown): boolean => typeof v === 'string';
const isProfile = (v: unknown): boolean => {
  if (typeof v !== 'object' || v === null) return false;
  const p = v as Record<string, unknown>; // an object was proved above
  return isText(p.url) && [p.user, p.cookie].every((x) => x === null || isText(x));
};
const isConfig = (v: unknown): v is Config => {
  if (typeof v !== 'object' || v === null) return false;
  const c = v as Record<string, unknown>; // an object was proved above
  const record = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);
  return (
    c.version === 1 &&
    (c.current === null || isText(c.current)) &&
    record(c.hosts) &&
    Object.values(c.hosts).every(isProfile) &&
    record(c.pins) &&
    Object.values(c.pins).every(isText)
  );
};

export const loadConfig = (env: NodeJS.ProcessEnv): Config => {
  const file = join(folderOf(env), 'config.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return structuredClone(EMPTY);
    throw new Problem(EXIT.failed, 'config', file, `it can't be read: ${cause instanceof Error ? cause.message : String(cause)}`, '', {
      cause,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (!isConfig(value))
    throw new Problem(
      EXIT.failed,
      'config',
      file,
      'this is not a configuration of this version',
      `Move it away and log in again: mv ${file} ${file}.old`,
    );
  return value;
};

export const saveConfig = (env: NodeJS.ProcessEnv, config: Config): void => {
  const folder = folderOf(env);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'config.json');
  const beside = `${file}.${process.pid}`;
  writeFileSync(beside, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  chmodSync(beside, 0o600);
  renameSync(beside, file);
};
