/** Looks at snapshots that go beyond the index: what a rollback or a destruction would take, what changed. Read from the host when asked for. */
import { ok, type Refusal, refuse, type Result } from '../domain/refusal.ts';
import type { Operation } from '../domain/operation/operation.ts';
import type { FileEntry, FileVersion, InSnapshot } from '../domain/snapshot/files.ts';
import type { DiffEntry } from '../domain/snapshot/snapshot.ts';
import type { Actor } from '../domain/user/user.ts';
import type { ExecStream, Executor } from '../host/executor.ts';
import type { Host } from '../host/host.ts';
import { zfsError } from '../host/zfs/error.ts';
import { type Kept, keptOf } from '../host/zfs/newer.ts';
import type { Store } from '../store/types.ts';

/** Each of them is mounted to be looked into. */
const VERSIONS = 100;
const READ_MS = 30_000;

export type Lost = { tag: string; guid: string; at: number; held: boolean; clones: string[] };
export type RollbackView = { guid: string; at: number; loses: Lost[]; bookmarks: string[]; obstacles: string[] };
export type RangeView = { snapshots: Lost[]; reclaims: number | null; obstacles: string[] };
export type SnapshotViews = {
  rollback(dataset: string, tag: string): Promise<Result<RollbackView>>;
  /** All from one to another, both included; their order does not matter. */
  range(dataset: string, from: string, to: string): Promise<Result<RangeView>>;
  browse(actor: Actor, at: InSnapshot, path: string, offset: number): Promise<Result<{ total: number; entries: FileEntry[] }>>;
  search(
    actor: Actor,
    at: InSnapshot,
    path: string,
    text: string,
  ): Promise<Result<{ found: { path: string; entry: FileEntry }[]; complete: boolean }>>;
  /** Of the newest snapshots, as many as are looked at at once. */
  versions(actor: Actor, dataset: string, path: string): Promise<Result<{ versions: FileVersion[]; looked: number; of: number }>>;
  read(actor: Actor, at: InSnapshot, path: string, signal: AbortSignal): Promise<Result<ExecStream>>;
  diff(
    actor: Actor,
    dataset: string,
    tag: string,
    to: string | null,
    limit: number,
  ): Promise<Result<{ entries: DiffEntry[]; complete: boolean }>>;
};

const lost = ({ tag, guid, at, holds, clones }: Kept): Lost => ({ tag, guid, at, held: holds > 0, clones });
const obstaclesOf = (list: readonly Kept[]): string[] =>
  list.flatMap((s) => [
    ...(s.holds > 0 ? [`${s.tag} is held`] : []),
    ...(s.clones.length > 0 ? [`${s.clones.join(', ')} ${s.clones.length === 1 ? 'is a clone' : 'are clones'} of ${s.tag}`] : []),
  ]);
const noSuch = (name: string): { ok: false; refusal: Refusal } =>
  refuse('not-found', name, 'there is no such snapshot', 'look at the list of snapshots');

export const createViews = (deps: { host: Host; executor: Executor; store: Store; random: (bytes: number) => Buffer }): SnapshotViews => {
  const { host, executor } = deps;
  const snapshotsOf = async (dataset: string): Promise<Result<Kept[]>> => keptOf(host, dataset, READ_MS);
  const ask = async <T>(actor: Actor, operation: Operation): Promise<Result<T>> => {
    const answer = await executor.execute({ v: 1, id: `read-${deps.random(12).toString('hex')}`, actor, operation, approval: null });
    return answer.ok ? ok(answer.result as T) : answer; // the executor's own typed answer
  };
  return {
    browse: (actor, at, path, offset) => ask(actor, { kind: 'snapshot.browse', ...at, path, offset }),
    search: (actor, at, path, text) => ask(actor, { kind: 'snapshot.search', ...at, path, text }),
    versions: async (actor, dataset, path) => {
      const { total, rows } = deps.store.snapshots.page({ dataset, sort: 'createdAt', descending: true, offset: 0, limit: VERSIONS });
      const snapshots = rows.map(({ tag, guid }) => ({ tag, guid }));
      const answer = await ask<{ versions: FileVersion[] }>(actor, { kind: 'snapshot.versions', dataset, path, snapshots });
      return answer.ok ? ok({ ...answer.value, looked: rows.length, of: total }) : answer;
    },
    read: (actor, at, path, signal) =>
      executor.read(
        { v: 1, id: `read-${deps.random(12).toString('hex')}`, actor, operation: { kind: 'snapshot.read', ...at, path }, approval: null },
        signal,
      ),
    rollback: async (dataset, tag) => {
      const kept = await snapshotsOf(dataset);
      if (!kept.ok) return kept;
      const target = kept.value.find((s) => s.tag === tag && !s.bookmark);
      if (!target) return noSuch(`${dataset}@${tag}`);
      const newer = kept.value.filter((s) => s.txg > target.txg);
      const doomed = newer.filter((s) => !s.bookmark);
      return ok({
        guid: target.guid,
        at: target.at,
        loses: doomed.map(lost),
        bookmarks: newer.filter((s) => s.bookmark).map((s) => s.tag),
        obstacles: obstaclesOf(doomed),
      });
    },
    range: async (dataset, from, to) => {
      const kept = await snapshotsOf(dataset);
      if (!kept.ok) return kept;
      const all = kept.value.filter((s) => !s.bookmark);
      const ends = [from, to].map((t) => all.findIndex((s) => s.tag === t));
      const missing = ends.findIndex((i) => i < 0);
      if (missing >= 0) return noSuch(`${dataset}@${[from, to][missing]}`);
      const chosen = all.slice(Math.min(...ends), Math.max(...ends) + 1);
      // a dry run: nothing is destroyed, and it needs no root
      const r = await host.run(['zfs', 'destroy', '-nvp', `${dataset}@${chosen[0]?.tag}%${chosen.at(-1)?.tag}`], { timeoutMs: READ_MS });
      if (r.failure !== null) return { ok: false, refusal: zfsError(r) };
      const reclaims = /^reclaim\t([0-9]+)$/m.exec(r.stdout)?.[1];
      return ok({
        snapshots: chosen.map(lost),
        reclaims: reclaims === undefined ? null : Number(reclaims),
        obstacles: obstaclesOf(chosen),
      });
    },
    diff: async (actor, dataset, tag, to, limit) => {
      const kept = await snapshotsOf(dataset);
      if (!kept.ok) return kept;
      const find = (t: string): Kept | undefined => kept.value.find((s) => s.tag === t && !s.bookmark);
      const first = find(tag);
      const second = to === null ? null : find(to);
      if (!first) return noSuch(`${dataset}@${tag}`);
      if (second === undefined) return noSuch(`${dataset}@${to}`);
      if (second !== null && second.txg <= first.txg)
        return refuse('invalid', `${dataset}@${tag}`, `${second.tag} is not newer`, 'give the older one first');
      const later = second === null ? null : { tag: second.tag, guid: second.guid };
      return ask(actor, { kind: 'snapshot.diff', dataset, tag, guid: first.guid, to: later, limit });
    },
  };
};
