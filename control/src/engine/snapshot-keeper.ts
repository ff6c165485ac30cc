/** Keeps the snapshot index in step with the host: one listing at a time, so that asking often can't pile them up. */
import type { Observed } from '../domain/observed/observed.ts';
import type { Host } from '../host/host.ts';
import type { Snapshot } from '../domain/snapshot/snapshot.ts';
import { streamNamed, streamSnapshots } from '../host/zfs/snapshots.ts';
import type { Clock, Store } from '../store/types.ts';

/** A first listing of a great many snapshots takes its time; it holds up nothing else. */
const LISTING_TIMEOUT = 15 * 60_000;

const READ_TIMEOUT = 60_000;
/** Names in one argv. */
const BATCH = 300;

export type SnapshotKeeper = {
  /** When each pool was last listed. */
  times(): Record<string, number>;
  refresh(pools: readonly string[]): Promise<void>;
  /** Reads just these, which are new or changed. */
  read(names: readonly string[]): Promise<void>;
  /** Drops what is known of pools that are gone. */
  forgetAllBut(o: Observed): void;
  idle(): Promise<unknown>;
};

export const createSnapshotKeeper = (deps: { host: Host; store: Store; clock: Clock; log: (line: string) => void }): SnapshotKeeper => {
  const { host, store, clock, log } = deps;
  const times = new Map<string, number>();
  let flow: Promise<unknown> = Promise.resolve();

  const list = async (pool: string): Promise<void> => {
    try {
      await store.snapshots.replacePool(pool, streamSnapshots(host, pool, { timeoutMs: LISTING_TIMEOUT }));
      times.set(pool, clock());
    } catch (error) {
      log(`snapshots of ${pool} could not be listed: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  return {
    times: () => Object.fromEntries(times),
    refresh: (pools) => {
      const next = flow.then(async () => {
        for (const pool of pools) await list(pool);
      });
      flow = next;
      return next;
    },
    read: async (names) => {
      const found: Snapshot[] = [];
      for (let i = 0; i < names.length; i += BATCH)
        for await (const s of streamNamed(host, names.slice(i, i + BATCH), { timeoutMs: READ_TIMEOUT })) found.push(s);
      store.snapshots.upsert(found);
    },
    forgetAllBut: (o) => {
      const there = new Set([...o.pools.map((p) => p.name), ...o.stuck.map((s) => s.pool)]);
      for (const pool of times.keys())
        if (!there.has(pool)) {
          store.snapshots.forgetPool(pool);
          times.delete(pool);
        }
    },
    idle: () => flow,
  };
};
