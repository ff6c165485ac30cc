/**
 * Carries schedules out: takes the snapshot that is due, then destroys what the rules no longer keep. What was missed is caught up once. A pool is served
 * by a lane of its own, so one that hangs holds up no other. The intent (operation id, name) is on disk before the executor is asked; after a crash the
 * executor says what became of it. A run that fails is tried again, with an alert, until it succeeds or the next one is due.
 */
import type { ObservedDataset } from '../domain/dataset/dataset.ts';
import { poolOf } from '../domain/names.ts';
import { MAX_PRUNED, type Operation } from '../domain/operation/operation.ts';
import { lastDue, nextDue } from '../domain/schedule/cron.ts';
import { type Preview, preview } from '../domain/schedule/preview.ts';
import { type Dated, retain } from '../domain/schedule/retention.ts';
import { covers, markOf, type ScheduleRun, type SnapshotSchedule } from '../domain/schedule/schedule.ts';
import { zone } from '../domain/schedule/zone.ts';
import { gmtTag, type Snapshot } from '../domain/snapshot/snapshot.ts';
import type { Actor } from '../domain/user/user.ts';
import type { ExecAnswer, Executor } from '../host/executor.ts';
import type { Clock, ScheduleRow, Store } from '../store/types.ts';
import { settleAlerts } from './conditions.ts';
import type { Observer } from './observer.ts';
import type { SnapshotKeeper } from './snapshot-keeper.ts';

const OBSERVATION_AGE = 10_000;
const RETRY_MS = 60_000;
/** Two schedules of one dataset may be due in the same second: the later takes the next free one. */
const TAGS_TRIED = 30;

export type ScheduleStatus = {
  schedule: SnapshotSchedule;
  nextAt: number | null;
  running: boolean;
  last: ScheduleRun | null;
  /** Snapshots that carry its mark now. */
  snapshots: number;
};
export type SchedulesEngine = {
  /** Begins what is due; resolves when it has begun, not when it has ended. */
  look(): Promise<void>;
  /** Takes up what a crash left. */
  recover(): Promise<void>;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  stop(): Promise<void>;
  list(): Promise<ScheduleStatus[]>;
  preview(schedule: SnapshotSchedule, days?: number): Promise<Preview>;
};

type Deps = {
  store: Store;
  executor: Executor;
  observer: Observer;
  snapshots: SnapshotKeeper;
  clock: Clock;
  random: (bytes: number) => Buffer;
  log: (line: string) => void;
  /** Guids that a replication needs. */
  needed?: () => ReadonlySet<string>;
};
type Place = { poolGuid: string; root: ObservedDataset; datasets: ObservedDataset[] };

const toDated = (s: Snapshot): Dated & { dataset: string; tag: string } => ({
  guid: s.guid,
  at: s.createdAt,
  order: s.createTxg,
  held: s.holds > 0,
  dataset: s.dataset,
  tag: s.tag,
});
const byDataset = (list: readonly Snapshot[]): Map<string, ReturnType<typeof toDated>[]> => {
  const groups = new Map<string, ReturnType<typeof toDated>[]>();
  for (const s of list) {
    const group = groups.get(s.dataset);
    if (group) group.push(toDated(s));
    else groups.set(s.dataset, [toDated(s)]);
  }
  return groups;
};
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const createSchedules = (deps: Deps): SchedulesEngine => {
  const { store, executor, observer, clock } = deps;
  const needed = deps.needed ?? ((): ReadonlySet<string> => new Set());
  const lanes = new Map<string, Promise<void>>();
  const waiting = new Set<string>();
  /** When each schedule is due, or tried again; with what it was computed from. */
  const next = new Map<string, { of: string; at: number | null }>();
  let stopped = false;

  const actorOf = (name: string): Actor => ({ kind: 'system', name: `schedule ${name}`, via: 'schedule' });

  const place = async (s: SnapshotSchedule): Promise<Place> => {
    const { observed } = await observer.get(OBSERVATION_AGE);
    const stuck = observed.stuck.find((x) => x.pool === poolOf(s.dataset));
    if (stuck) throw new Error(`pool ${stuck.pool} does not answer: ${stuck.problem.why}`);
    const pool = observed.pools.find((p) => p.name === poolOf(s.dataset));
    const root = observed.datasets.find((d) => d.name === s.dataset);
    if (!pool || !root) throw new Error(`there is no dataset ${s.dataset}`);
    return { poolGuid: pool.guid, root, datasets: observed.datasets.filter((d) => covers(s, d.name)) };
  };

  const ask = async (name: string, operation: Operation, id: string): Promise<ExecAnswer> => {
    const actor = actorOf(name);
    const answer = await executor.execute({ v: 1, id, actor, operation, approval: null });
    const subject = 'dataset' in operation ? `dataset:${operation.dataset}` : name;
    store.audit.append({
      actor,
      action: operation.kind,
      subject,
      outcome: answer.ok ? 'succeeded' : 'failed',
      reason: `schedule ${name}`,
      detail: answer.ok
        ? { ...answer.result, ...(operation.kind === 'snapshot.prune' ? { snapshots: operation.snapshots } : {}) }
        : { problem: answer.refusal.why },
    });
    return answer;
  };

  const take = async (row: ScheduleRow, dueAt: number, at: Place): Promise<{ tag: string; names: string[] }> => {
    const { name, dataset, recursive } = row.schedule;
    const names = (tag: string): string[] => at.datasets.map((d) => `${d.name}@${tag}`);
    if (row.begun !== null) {
      const known = await executor.outcome(row.begun.operationId).catch(() => null);
      // still at it, or an executor that can't be asked: asking again later is all that is safe
      if (known === null || known.state === 'running') throw new Error('an earlier attempt has not ended yet');
      if (known.state === 'ended' && known.answer.ok) return { tag: row.begun.tag, names: names(row.begun.tag) };
      // begun without an end: when its snapshot is there, it was done
      if (known.state === 'begun' && (await isThere(`${dataset}@${row.begun.tag}`)))
        return { tag: row.begun.tag, names: names(row.begun.tag) };
    }
    let problem = '';
    const second = Math.floor(clock() / 1000) * 1000;
    for (let i = 0; i < TAGS_TRIED; i += 1) {
      const tag = gmtTag(new Date(second + i * 1000));
      const operationId = `op-${deps.random(12).toString('hex')}`;
      store.schedules.begin(name, { dueAt, tag, operationId });
      const operation = { kind: 'snapshot.create', dataset, guid: at.root.guid, tag, recursive, mark: markOf(name, at.poolGuid) } as const;
      const answer = await ask(name, operation, operationId);
      if (answer.ok) return { tag, names: names(tag) };
      problem = answer.refusal.why;
      if (answer.refusal.code !== 'conflict' || !/already/.test(problem)) break;
    }
    throw new Error(problem);
  };
  const isThere = async (snapshot: string): Promise<boolean> =>
    await deps.snapshots.read([snapshot]).then(
      () => true,
      () => false,
    );

  /** How many were destroyed. Goes on where a dataset refuses, and says so at the end. */
  const prune = async (s: SnapshotSchedule, at: Place): Promise<{ destroyed: number; problem: string | null }> => {
    const mark = markOf(s.name, at.poolGuid);
    const there = new Map(at.datasets.map((d) => [d.name, d.guid]));
    const z = zone(s.timezone);
    let destroyed = 0;
    let problem: string | null = null;
    for (const [dataset, list] of byDataset(store.snapshots.marked(mark))) {
      const guid = there.get(dataset);
      if (guid === undefined) continue; // not its business any more
      const { doomed } = retain(list, s.keep, z, clock(), needed());
      doomed.reverse(); // oldest first
      for (let i = 0; i < doomed.length; i += MAX_PRUNED) {
        const part = doomed.slice(i, i + MAX_PRUNED);
        const answer = await ask(
          s.name,
          { kind: 'snapshot.prune', dataset, guid, mark, snapshots: part.map((d) => ({ tag: d.tag, guid: d.guid })) },
          `op-${deps.random(12).toString('hex')}`,
        );
        if (!answer.ok) {
          problem ??= `${dataset}: ${answer.refusal.why}`;
          break;
        }
        const left = (answer.result.left ?? {}) as Record<string, string>; // the executor's own typed answer
        destroyed += Number(answer.result.destroyed ?? 0);
        for (const d of part) if (left[d.tag] === undefined) store.snapshots.remove(d.guid, dataset);
        // what it saw otherwise than the index, the index has to see
        const others = Object.keys(left).map((tag) => `${dataset}@${tag}`);
        if (others.length > 0) await deps.snapshots.read(others).catch(() => undefined);
      }
    }
    return { destroyed, problem };
  };

  const run = async (name: string, dueAt: number): Promise<void> => {
    const row = store.schedules.get(name);
    if (row === null || !row.schedule.enabled || stopped) return;
    const startedAt = clock();
    const s = row.schedule;
    let tag: string | null = null;
    let taken = 0;
    let destroyed = 0;
    let problem: string | null = null;
    try {
      const at = await place(s);
      try {
        const made = await take(row, dueAt, at);
        tag = made.tag;
        taken = made.names.length;
        // one that went since the last look is no failure: then all of the pool is listed again
        await deps.snapshots.read(made.names).catch(() => deps.snapshots.refresh([poolOf(s.dataset)]));
      } catch (error) {
        problem = reasonOf(error);
      }
      // also when none could be taken: on a full pool this is what makes room
      const pruned = await prune(s, at);
      destroyed = pruned.destroyed;
      problem ??= pruned.problem;
    } catch (error) {
      problem = reasonOf(error);
    }
    // removed meanwhile: what it did is in the audit
    if (store.schedules.get(name) === null) return;
    finish(row, { dueAt, startedAt, endedAt: clock(), tag, taken, destroyed, problem });
  };

  const finish = (row: ScheduleRow, r: ScheduleRun): void => {
    const { name, dataset } = row.schedule;
    const repeated = r.problem !== null && row.last?.problem === r.problem && row.last.dueAt === r.dueAt;
    store.transact(() => {
      if (r.tag === null) store.schedules.note(name, r);
      else store.schedules.end(name, r, r.dueAt);
      if (!repeated)
        store.events.append({
          kind: r.problem === null ? 'schedule.ran' : 'schedule.failed',
          severity: r.problem === null ? 'info' : 'warning',
          subject: `schedule:${name}`,
          message:
            r.problem === null
              ? `${name}: ${dataset}@${r.tag} was taken${r.destroyed > 0 ? `, ${r.destroyed} that it no longer keeps destroyed` : ''}`
              : `${name}: ${r.problem}`,
          actor: `schedule ${name}`,
          data: { ...r },
        });
    });
    if (r.problem !== null) next.set(name, { of: keyOf(store.schedules.get(name) ?? row), at: clock() + RETRY_MS });
    tellFailing();
  };

  /** An alert for each schedule whose last run went wrong. */
  const tellFailing = (): void =>
    settleAlerts(
      store,
      store.schedules
        .list()
        .filter((r) => r.schedule.enabled && r.last !== null && r.last.problem !== null)
        .map((r) => ({
          kind: 'schedule.failed' as const,
          subject: `schedule:${r.schedule.name}`,
          severity: 'warning' as const,
          message: `schedule ${r.schedule.name}: ${r.last?.problem ?? ''}`,
        })),
      new Set(['schedule.failed']),
      clock(),
    );

  const keyOf = (r: ScheduleRow): string => `${r.handledAt} ${r.schedule.cron} ${r.schedule.timezone} ${r.schedule.enabled}`;
  const dueOf = (r: ScheduleRow): number | null => {
    if (!r.schedule.enabled) return null;
    const known = next.get(r.schedule.name);
    const of = keyOf(r);
    if (known?.of === of) return known.at;
    const at = nextDue(r.schedule.cron, zone(r.schedule.timezone), r.handledAt);
    next.set(r.schedule.name, { of, at });
    return at;
  };

  const begin = (name: string, pool: string, dueAt: number): void => {
    if (waiting.has(name)) return;
    waiting.add(name);
    const lane = (lanes.get(pool) ?? Promise.resolve())
      .then(() => run(name, dueAt))
      .catch((error: unknown) => deps.log(`schedule ${name}: ${reasonOf(error)}`))
      .finally(() => {
        waiting.delete(name);
        if (lanes.get(pool) === lane) lanes.delete(pool);
      });
    lanes.set(pool, lane);
  };

  const idle = async (): Promise<void> => {
    while (lanes.size > 0) await Promise.all(lanes.values());
  };

  return {
    look: () => {
      const now = clock();
      for (const row of stopped ? [] : store.schedules.list()) {
        const at = dueOf(row);
        if (at === null || at > now) continue;
        const { name, cron, timezone, dataset } = row.schedule;
        begin(name, poolOf(dataset), lastDue(cron, zone(timezone), row.handledAt, now) ?? at);
      }
      return Promise.resolve();
    },
    recover: () => {
      for (const row of store.schedules.list())
        if (row.begun !== null && row.schedule.enabled) begin(row.schedule.name, poolOf(row.schedule.dataset), row.begun.dueAt);
      return Promise.resolve();
    },
    idle,
    stop: async () => {
      stopped = true;
      await idle();
    },
    list: async () => {
      const { observed } = await observer.get(OBSERVATION_AGE);
      const guids = new Map(observed.pools.map((p) => [p.name, p.guid]));
      const counts = store.snapshots.countByMark();
      return store.schedules.list().map((r) => ({
        schedule: r.schedule,
        nextAt: r.schedule.enabled ? nextDue(r.schedule.cron, zone(r.schedule.timezone), Math.max(r.handledAt, clock())) : null,
        running: waiting.has(r.schedule.name),
        last: r.last,
        snapshots: counts.get(markOf(r.schedule.name, guids.get(poolOf(r.schedule.dataset)) ?? '')) ?? 0,
      }));
    },
    preview: async (schedule, days) => {
      const { observed } = await observer.get(OBSERVATION_AGE);
      const pool = observed.pools.find((p) => p.name === poolOf(schedule.dataset));
      const marked = pool === undefined ? [] : store.snapshots.marked(markOf(schedule.name, pool.guid));
      return preview(schedule, marked.filter((s) => s.dataset === schedule.dataset).map(toDated), clock(), days);
    },
  };
};
