/** Snapshots: one line each, read as they come; a pool may have 100,000. */
import type { Result } from '../../domain/refusal.ts';
import { RefusalError } from '../../domain/refusal.ts';
import { type Snapshot, splitSnapshot } from '../../domain/snapshot/snapshot.ts';
import type { Host } from '../host.ts';
import { count, guid, reading, unreadable } from '../parse.ts';
import { zfsError } from './error.ts';

const COLUMNS = 'name,guid,createtxg,creation,used,referenced,userrefs';
export const snapshotsArgv = (pool: string): string[] => ['zfs', 'list', '-Hp', '-t', 'snapshot', '-o', COLUMNS, '-r', pool];

export const parseSnapshot = (line: string): Result<Snapshot> =>
  reading('a snapshot', () => {
    const parts = line.split('\t');
    const [name = '', id, createtxg, creation, used, referenced, userrefs] = parts;
    if (parts.length !== 7) unreadable(`a line has ${parts.length} fields instead of 7`);
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
    };
  });

/** For the index. Throws a RefusalError: a list that broke off must not be taken for a short one. */
export async function* streamSnapshots(
  host: Host,
  pool: string,
  options: { timeoutMs: number; signal?: AbortSignal },
): AsyncGenerator<Snapshot, void, void> {
  const lines = host.lines(snapshotsArgv(pool), options);
  try {
    for (;;) {
      const next = await lines.next();
      if (next.done) {
        if (next.value.failure !== null || next.value.exit !== 0) throw new RefusalError(zfsError(next.value));
        return;
      }
      const s = parseSnapshot(next.value);
      if (!s.ok) throw new RefusalError(s.refusal);
      yield s.value;
    }
  } finally {
    // left early, by the consumer or by an unreadable line: the process is stopped
    await lines.return({ argv: [], exit: null, failure: 'aborted', stdout: '', stderr: '', durationMs: 0 });
  }
}
