/**
 * Keeps the snapshot index in step with the host. `follow` asks each pool which of its datasets gained or lost a snapshot (`snapshots_changed`, cheap), what those
 * have now by name, and reads what is new; `refresh` lists a pool as a whole and so verifies all of it. Each pool has a flow of its own: one that hangs holds up no other, and asking
 * often can't pile listings up.
 */
import type { Observed } from '../domain/observed/observed.ts';
import type { Host } from '../host/host.ts';
import type { Snapshot } from '../domain/snapshot/snapshot.ts';
import {
  type Changed,
  changedArgv,
  type Named,
  namesArgv,
  parseChanged,
  parseNames,
  streamNamed,
  streamOwn,
  streamSnapshots,
} from '../host/zfs/snapshots.ts';
import type { Clock, Store } from '../store/types.ts';

/** A first listing of a great many snapshots takes its time; it holds up nothing else. */
const LISTING_TIMEOUT = 15 * 60_000;

/** One that hangs is asked again at the next turn. */
const CHANGED_TIMEOUT = 20_000;
const READ_TIMEOUT = 60_000;
/** Names in one argv. */
const BATCH = 300;

/** What came and went behind our back. */
export type Followed = { added: number; removed: number; datasets: string[] };
export type SnapshotKeeper = {
  /** When each pool was last listed. */
  times(): Record<string, number>;
  refresh(pools: readonly string[]): Promise<void>;
  /** Looks which datasets changed, and reads what is new in those. One look at a pool at a time; resolves when all of these ended. */
  follow(pools: readonly string[]): Promise<Followed[]>;
  /** Reads just these, which are new or changed. */
  read(names: readonly string[]): Promise<void>;
  /** Drops what is known of pools that are gone. */
  forgetAllBut(o: Observed): void;
  idle(): Promise<unknown>;
};

const isSame = (a: Changed | undefined, b: Changed | undefined): boolean =>
  a?.guid === b?.guid && a?.at === b?.at && a?.origin === b?.origin;

export const createSnapshotKeeper = (deps: { host: Host; store: Store; clock: Clock; log: (line: string) => void }): SnapshotKeeper => {
  const { host, store, clock, log } = deps;
  const times = new Map<string, number>();
  const flows = new Map<string, Promise<unknown>>();
  const following = new Set<string>();
  /** Why the last listing of a pool failed. */
  const failing = new Map<string, string>();
  /** What each dataset's time of change was when its snapshots were listed. */
  const seen = new Map<string, Map<string, Changed>>();

  const inFlow = (pool: string, work: () => Promise<void>): Promise<void> => {
    const mine = (flows.get(pool) ?? Promise.resolve()).then(work);
    const kept = mine
      .catch(() => undefined)
      .finally(() => {
        if (flows.get(pool) === kept) flows.delete(pool);
      });
    flows.set(pool, kept);
    return mine;
  };

  /** A time has whole seconds: one within the second in which we asked may hide a later change, so it is not believed yet. */
  const timesOf = async (pool: string): Promise<{ times: Map<string, Changed>; sure: (c: Changed) => boolean }> => {
    const begun = Math.floor(clock() / 1000);
    const r = await host.run(changedArgv(pool), { timeoutMs: CHANGED_TIMEOUT });
    if (r.failure !== null || r.exit !== 0) throw new Error(`zfs list did not answer for ${pool}`);
    const parsed = parseChanged(r.stdout);
    if (!parsed.ok) throw new Error(parsed.refusal.why);
    return { times: parsed.value, sure: ({ at }) => at === null || at < begun - 1 };
  };

  const namesOf = async (datasets: readonly string[]): Promise<Map<string, Named[]>> => {
    const r = await host.run(namesArgv(datasets), { timeoutMs: READ_TIMEOUT });
    if (r.failure !== null || r.exit !== 0) throw new Error(`zfs list did not answer for ${datasets.length} datasets`);
    const parsed = parseNames(r.stdout);
    if (!parsed.ok) throw new Error(parsed.refusal.why);
    return Map.groupBy(parsed.value, (s) => s.dataset);
  };

  const readNamed = async (names: readonly string[]): Promise<Snapshot[]> => {
    const found: Snapshot[] = [];
    for (let i = 0; i < names.length; i += BATCH)
      for await (const s of streamNamed(host, names.slice(i, i + BATCH), { timeoutMs: READ_TIMEOUT })) found.push(s);
    return found;
  };

  /** Reads what is new, and what stands beside a change: how much a snapshot alone holds depends on its neighbours. */
  const patch = async (dataset: string, now: readonly Named[]): Promise<{ added: number; removed: number }> => {
    const had = store.snapshots.namesOf(dataset);
    const tags = new Map(had.map((s) => [s.guid, s.tag]));
    const there = new Set(now.map((s) => s.guid));
    const anew = new Set<string>();
    now.forEach((s, i) => {
      if (tags.get(s.guid) !== s.tag) for (const near of now.slice(Math.max(0, i - 1), i + 2)) anew.add(near.guid);
    });
    had.forEach((s, i) => {
      if (!there.has(s.guid)) for (const near of [had[i - 1], had[i + 1]]) if (near && there.has(near.guid)) anew.add(near.guid);
    });
    const wanted = now.filter((s) => anew.has(s.guid));
    // most of it: one listing is cheaper than naming them
    if (wanted.length > now.length / 2) {
      const rows = await Array.fromAsync(streamOwn(host, dataset, { timeoutMs: LISTING_TIMEOUT }));
      return store.snapshots.patchDataset(
        dataset,
        rows.map((s) => s.guid),
        rows,
      );
    }
    return store.snapshots.patchDataset(
      dataset,
      now.map((s) => s.guid),
      await readNamed(wanted.map((s) => `${dataset}@${s.tag}`)),
    );
  };

  const follow = async (pool: string): Promise<Followed> => {
    const before = seen.get(pool);
    const total: Followed = { added: 0, removed: 0, datasets: [] };
    // a pool that is new here, or whose listing failed: all of it is new, and none of it news
    if (before === undefined || !times.has(pool)) {
      await list(pool);
      return total;
    }
    const { times: now, sure } = await timesOf(pool);
    const settle = (dataset: string, { added, removed }: { added: number; removed: number }): void => {
      if (added + removed > 0) total.datasets.push(dataset);
      total.added += added;
      total.removed += removed;
      const change = now.get(dataset);
      if (change !== undefined && sure(change)) before.set(dataset, change);
      else before.delete(dataset);
    };
    for (const dataset of store.snapshots.datasetsOf(pool).filter((d) => !now.has(d)))
      settle(dataset, store.snapshots.patchDataset(dataset, [], []));
    const others = [...now.keys()].filter((d) => !isSame(before.get(d), now.get(d)));
    for (let n = 0; n < others.length; n += BATCH) {
      const batch = others.slice(n, n + BATCH);
      const named = await namesOf(batch);
      for (const dataset of batch) settle(dataset, await patch(dataset, named.get(dataset) ?? []));
    }
    times.set(pool, clock());
    return total;
  };

  const list = async (pool: string): Promise<void> => {
    const began = clock();
    try {
      const { times: changed, sure } = await timesOf(pool);
      const { total } = await store.snapshots.replacePool(pool, streamSnapshots(host, pool, { timeoutMs: LISTING_TIMEOUT }));
      if (!times.has(pool)) log(`snapshots of ${pool}: ${total} listed in ${(clock() - began) / 1000} s`);
      seen.set(pool, new Map([...changed].filter(([, change]) => sure(change))));
      times.set(pool, clock());
      failing.delete(pool);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // it is tried again every few seconds, and said once
      if (failing.get(pool) !== why) log(`snapshots of ${pool} could not be listed: ${why}`);
      failing.set(pool, why);
    }
  };

  return {
    times: () => Object.fromEntries(times),
    refresh: async (pools) => void (await Promise.all(pools.map((pool) => inFlow(pool, () => list(pool))))),
    follow: async (pools) => {
      const found = await Promise.all(
        pools
          .filter((pool) => !following.has(pool))
          .map(async (pool): Promise<Followed[]> => {
            following.add(pool);
            let one: Followed | null = null;
            await inFlow(pool, async () => {
              one = await follow(pool);
            })
              .catch((error: unknown) => log(`snapshots of ${pool}: ${error instanceof Error ? error.message : String(error)}`))
              .finally(() => following.delete(pool));
            return one === null ? [] : [one];
          }),
      );
      return found.flat().filter((f) => f.added + f.removed > 0);
    },
    read: async (names) => store.snapshots.upsert(await readNamed(names)),
    forgetAllBut: (o) => {
      const there = new Set([...o.pools.map((p) => p.name), ...o.stuck.map((s) => s.pool)]);
      for (const pool of times.keys())
        if (!there.has(pool)) {
          store.snapshots.forgetPool(pool);
          times.delete(pool);
          seen.delete(pool);
        }
    },
    idle: () => Promise.all(flows.values()),
  };
};
