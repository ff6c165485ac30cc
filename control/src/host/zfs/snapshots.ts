/** Snapshots: one line each, read as they come; a pool may have 100,000. */
import { isOwn } from '../../domain/pool/own.ts';
import type { Result } from '../../domain/refusal.ts';
import { RefusalError } from '../../domain/refusal.ts';
import { SCHEDULE_PROPERTY, ScheduleMark } from '../../domain/schedule/schedule.ts';
import { type Snapshot, splitSnapshot } from '../../domain/snapshot/snapshot.ts';
import type { Host } from '../host.ts';
import { count, guid, reading, unreadable } from '../parse.ts';
import { zfsError } from './error.ts';

const COLUMNS = `name,guid,createtxg,creation,used,referenced,userrefs,${SCHEDULE_PROPERTY}`;
export const snapshotsArgv = (pool: string): string[] => ['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', COLUMNS, '-r', pool];

export const parseSnapshot = (line: string): Result<Snapshot> =>
  reading('a snapshot', () => {
    const parts = line.split('\t');
    const [name = '', id, createtxg, creation, used, referenced, userrefs, mark] = parts;
    if (parts.length !== 8) unreadable(`a line has ${parts.length} fields instead of 8`);
    const { dataset, tag } = splitSnapshot(name);
    if (!name.includes('@') || dataset === '' || tag === '') unreadable(`"${name.slice(0, 80)}" is no snapshot's name`);
    return {
      guid: guid(id, `guid of ${name}`),
      dataset,
      tag,
      createTxg: count(createtxg, `createtxg of ${name}`),
      createdAt: count(creation, `creation of ${name}`) * 1000,
      used: count(used, `used of ${name}`),
      referenced: count(referenced, `referenced of ${name}`),
      holds: count(userrefs, `userrefs of ${name}`),
      // what somebody else wrote there is no mark
      mark: ScheduleMark.safeParse(mark).success ? (mark as string) : null,
    };
  });

/** For the index. Throws a RefusalError: a list that broke off must not be taken for a short one. */
export const streamSnapshots = (host: Host, pool: string, options: Options): AsyncGenerator<Snapshot, void, void> =>
  stream(host, snapshotsArgv(pool), options);
/** The same of named ones. One that is missing is an error, after the others were given. */
export const streamNamed = (host: Host, names: readonly string[], options: Options): AsyncGenerator<Snapshot, void, void> =>
  stream(host, ['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', COLUMNS, ...names], options);

/** The same of one dataset alone. */
export const streamOwn = (host: Host, dataset: string, options: Options): AsyncGenerator<Snapshot, void, void> =>
  stream(host, ['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', COLUMNS, '-d', '1', dataset], options);

export type Named = Pick<Snapshot, 'guid' | 'dataset' | 'tag'>;
/** Which ones these datasets have, oldest first: the columns that ZFS has at hand without opening each snapshot, so it is many times cheaper. */
export const namesArgv = (datasets: readonly string[]): string[] => [
  ...['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', 'name,guid', '-s', 'createtxg', '-d', '1'],
  ...datasets,
];
export const parseNames = (stdout: string): Result<Named[]> =>
  reading('names of snapshots', () =>
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [name = '', id] = line.split('\t');
        if (!name.includes('@')) unreadable(`"${name.slice(0, 80)}" is no snapshot's name`);
        return { ...splitSnapshot(name), guid: guid(id, `guid of ${name}`) };
      }),
  );

export const changedArgv = (pool: string): string[] => [
  'zfs',
  'list',
  '-Hp',
  '-t',
  'filesystem,volume',
  '-o',
  'name,guid,snapshots_changed,origin',
  '-r',
  pool,
];
/**
 * Which dataset stands under each name, when it last gained or lost a snapshot, in seconds (null: it never had one made or destroyed), and
 * what it is a clone of: a promotion moves snapshots from one to another, and shows only there.
 */
export type Changed = { guid: string; at: number | null; origin: string };
/** Costs a fraction of a listing. */
export const parseChanged = (stdout: string): Result<Map<string, Changed>> =>
  reading('when snapshots changed', () => {
    const found = new Map<string, Changed>();
    for (const line of stdout.split('\n')) {
      if (line === '' || isOwn(line)) continue;
      const [name = '', id, at, origin = '', ...more] = line.split('\t');
      if (name === '' || at === undefined || origin === '' || more.length > 0)
        unreadable(`"${line.slice(0, 80)}" is no name with a time and an origin`);
      found.set(name, { guid: guid(id, `guid of ${name}`), at: at === '-' ? null : count(at, `snapshots_changed of ${name}`), origin });
    }
    return found;
  });

type Options = { timeoutMs: number; signal?: AbortSignal };

async function* stream(host: Host, argv: readonly string[], options: Options): AsyncGenerator<Snapshot, void, void> {
  const lines = host.lines(argv, options);
  try {
    for (;;) {
      const next = await lines.next();
      if (next.done) {
        if (next.value.failure !== null || next.value.exit !== 0) throw new RefusalError(zfsError(next.value));
        return;
      }
      if (isOwn(next.value)) continue;
      const s = parseSnapshot(next.value);
      if (!s.ok) throw new RefusalError(s.refusal);
      yield s.value;
    }
  } finally {
    // left early, by the consumer or by an unreadable line: the process is stopped
    await lines.return({ argv: [], exit: null, failure: 'aborted', stdout: '', stderr: '', durationMs: 0 });
  }
}
