/**
 * What the changes share: run a tool, read the target again, compare it by guid. A change is a function of the host and
 * one operation; it checks, runs, reads the host once more and reports only what it saw.
 */
import type { Approval } from '../../domain/operation/operation.ts';
import { type Refusal, type Result, ok, refuse } from '../../domain/refusal.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Host, RunResult } from '../host.ts';
import { zfsError } from '../zfs/error.ts';

export type ChangeContext = { host: Host; clock: Clock; approval: Approval | null /** Of the request. */; id: string };
export type Changed = Result<Record<string, unknown>>;

/** Reading answers soon or not at all; changing may wait for a transaction group on slow disks. */
const READ_MS = 20_000;
const CHANGE_MS = 120_000;
/** Labels on dozens of disks. */
export const CREATE_POOL_MS = 300_000;
export const SETTLE_MS = 60_000;

export const ran = (r: RunResult): boolean => r.failure === null && r.exit === 0;

const run = async (host: Host, argv: readonly string[], timeoutMs: number, input?: string): Promise<Result<string>> => {
  const r = await host.run(argv, { timeoutMs, ...(input === undefined ? {} : { input }) });
  return ran(r) ? ok(r.stdout) : { ok: false, refusal: zfsError(r) };
};
export const read = (host: Host, argv: readonly string[]): Promise<Result<string>> => run(host, argv, READ_MS);
/** `input`: what no other process may see. */
export const change = (host: Host, argv: readonly string[], timeoutMs = CHANGE_MS, input?: string): Promise<Result<string>> =>
  run(host, argv, timeoutMs, input);

const NOT_YET = /one or more devices is currently unavailable/;
const LABEL_TRIES = 3;
/**
 * For commands that put labels on disks. A partition that was just made may go and come again while udev looks at it; a command that met this
 * moment has done nothing, and is tried again when udev has settled.
 */
export const labelling = async (host: Host, argv: readonly string[]): Promise<Result<string>> => {
  for (let tries = 1; ; tries += 1) {
    const r = await host.run(argv, { timeoutMs: CREATE_POOL_MS });
    if (ran(r)) return ok(r.stdout);
    if (tries === LABEL_TRIES || r.failure !== null || !NOT_YET.test(r.stderr)) return { ok: false, refusal: zfsError(r) };
    await host.run(['udevadm', 'settle', '--timeout=30'], { timeoutMs: SETTLE_MS });
  }
};

export const rows = (stdout: string): string[][] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));

export type Seen = { value: string; source: string };
export type SeenProperties = ReadonlyMap<string, Seen>;

/** Properties of a dataset or snapshot, every one that was asked for or a refusal. */
export const properties = async (host: Host, name: string, wanted: readonly string[]): Promise<Result<SeenProperties>> => {
  const out = await read(host, ['zfs', 'get', '-Hp', '-o', 'property,value,source', wanted.join(','), name]);
  if (!out.ok) return out;
  const seen = new Map(rows(out.value).map(([property = '', value = '', source = '']) => [property, { value, source }]));
  const missing = wanted.filter((p) => !seen.has(p));
  return missing.length === 0
    ? ok(seen)
    : refuse('failed', `reading ${name}`, `zfs get did not answer for ${missing.join(', ')}`, 'look at `zfs get` on the host');
};

export const poolProperties = async (host: Host, name: string, wanted: readonly string[]): Promise<Result<SeenProperties>> => {
  const out = await read(host, ['zpool', 'get', '-Hp', '-o', 'property,value,source', wanted.join(','), name]);
  if (!out.ok) return out;
  const seen = new Map(rows(out.value).map(([property = '', value = '', source = '']) => [property, { value, source }]));
  const missing = wanted.filter((p) => !seen.has(p));
  return missing.length === 0
    ? ok(seen)
    : refuse('failed', `reading pool ${name}`, `zpool get did not answer for ${missing.join(', ')}`, 'look at `zpool get` on the host');
};

export const shown = (seen: SeenProperties, property: string): string => seen.get(property)?.value ?? '-';

const compare = (what: string, wanted: string, seen: SeenProperties): Result<SeenProperties> =>
  shown(seen, 'guid') === wanted
    ? ok(seen)
    : refuse(
        'conflict',
        what,
        `the one that has this name now is another (guid ${shown(seen, 'guid')}, expected ${wanted})`,
        'look at what is there now and make a new plan',
      );

/** The target by name and guid, with more of its properties; anything else of that name is not touched. */
export const identify = async (host: Host, name: string, guid: string, more: readonly string[] = []): Promise<Result<SeenProperties>> => {
  const seen = await properties(host, name, ['guid', ...more]);
  return seen.ok ? compare(name, guid, seen.value) : seen;
};
export const identifyPool = async (
  host: Host,
  name: string,
  guid: string,
  more: readonly string[] = [],
): Promise<Result<SeenProperties>> => {
  const seen = await poolProperties(host, name, ['guid', ...more]);
  return seen.ok ? compare(`pool ${name}`, guid, seen.value) : seen;
};

/** True when there is nothing of this name; a host that doesn't answer proves nothing. */
export const isGone = async (host: Host, name: string): Promise<Result<boolean>> => {
  const seen = await properties(host, name, ['guid']);
  if (seen.ok) return ok(false);
  return seen.refusal.code === 'not-found' ? ok(true) : seen;
};

export const unverified = (what: string, why: string): { ok: false; refusal: Refusal } =>
  refuse('failed', what, `the tool reported success, but ${why}`, 'look at it on the host before you try again');
