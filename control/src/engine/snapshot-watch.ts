/**
 * Looks for snapshots made, renamed or destroyed by others twice a second, and asks `zfs` only when a pool has written anything since: at rest no
 * process is started. A pool that writes all the time is asked for a tenth of the time. Each pool for itself: one that hangs
 * holds up no other.
 */
import type { NewEvent } from '../domain/event/event.ts';
import type { Host } from '../host/host.ts';
import { lastCommit } from '../host/pulse.ts';
import type { Clock } from '../store/types.ts';
import type { Followed, SnapshotKeeper } from './snapshot-keeper.ts';

export const WATCH_EVERY = 500;
/** Also when nothing was written as far as the kernel says, or when it does not say. */
const AT_LEAST_EVERY = 60_000;
const UNTOLD_EVERY = 5_000;
/** Asking takes at most this part of the time, but for a while of it that is always to be had after a rest. */
const SHARE = 10;
const SAVED = 20_000;

/** `saved`: how long may be asked, as of `at`. Below zero it is a debt, never so deep that a rest is longer than `AT_LEAST_EVERY`: clocks jump, and pools hang. */
type Watched = { commit: string | null; begun: number; saved: number; at: number; asking: boolean };

const snapshotCount = (n: number): string => `${n} ${n === 1 ? 'snapshot' : 'snapshots'}`;
const eventOf = ({ added, removed, datasets }: Followed): NewEvent => ({
  kind: 'snapshot.changed',
  severity: 'info',
  subject: `dataset:${datasets[0]}`,
  message: `${snapshotCount(added)} appeared and ${removed} went in ${datasets.slice(0, 3).join(', ')}${datasets.length > 3 ? ` and ${datasets.length - 3} more datasets` : ''}`,
  actor: 'outside D-PlaneOS',
  data: { added, removed, datasets: datasets.slice(0, 100) },
});

export const createSnapshotWatch = (deps: {
  host: Host;
  clock: Clock;
  snapshots: SnapshotKeeper;
  pools: () => string[];
  tell: (event: NewEvent) => void;
}): { look: () => Promise<void>; idle: () => Promise<unknown> } => {
  const { clock } = deps;
  const watched = new Map<string, Watched>();
  const asking = new Set<Promise<void>>();

  const save = (w: Watched, spent: number): void => {
    const now = clock();
    w.saved = Math.max(-AT_LEAST_EVERY / SHARE, Math.min(SAVED, w.saved + (now - w.at) / SHARE) - spent);
    w.at = now;
  };

  const look = async (pool: string): Promise<void> => {
    const w = watched.get(pool) ?? { commit: null, begun: Number.NEGATIVE_INFINITY, saved: SAVED, at: clock(), asking: false };
    watched.set(pool, w);
    save(w, 0);
    if (w.asking || w.saved <= 0) return;
    // read before asking: what is written meanwhile is seen the next time
    const commit = await lastCommit(deps.host, pool);
    const now = clock();
    const passed = now - w.begun;
    const due = commit === null ? passed >= UNTOLD_EVERY : commit !== w.commit || passed >= AT_LEAST_EVERY;
    if (!due || w.asking) return;
    Object.assign(w, { commit, begun: now, asking: true });
    const mine = deps.snapshots
      .follow([pool])
      .then((found) => found.forEach((f) => void deps.tell(eventOf(f))))
      .finally(() => {
        asking.delete(mine);
        w.asking = false;
        save(w, clock() - now);
      });
    asking.add(mine);
  };

  return {
    look: async () => {
      const pools = deps.pools();
      for (const pool of watched.keys()) if (!pools.includes(pool)) watched.delete(pool);
      await Promise.all(pools.map(look));
    },
    idle: () => Promise.all(asking),
  };
};
