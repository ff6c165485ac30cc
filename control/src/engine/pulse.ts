/**
 * Feels the pulse every two seconds, and looks closely when it changes: a pool whose state is another, a disk that is gone or back, a mount.
 * ZFS may not notice a pulled disk before it writes to it: then it is made to look. A disk that comes back is known by its name (which
 * holds its serial number) and, by ZFS, by its label; it is put online again by itself, in a few tries for each time it comes: its partition has
 * a name a moment after it has, and a change may be under way.
 */
import type { Clock } from '../domain/clock.ts';
import { diskLabel } from '../domain/disk/disk.ts';
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import type { ObservedDisk, ObservedPool } from '../domain/pool/pool.ts';
import { works } from '../domain/pool/redundancy.ts';
import type { ExecAnswer } from '../host/executor.ts';
import type { Host } from '../host/host.ts';
import { type Pulse, readPulse } from '../host/pulse.ts';

export const PULSE_EVERY = 2_000;
const TRIES = 6;
/** After the first; each wait is twice the one before. */
const FIRST_WAIT = PULSE_EVERY;
const BUSY_WAIT = 10_000;
const BY_ID = '/dev/disk/by-id/';
const OUTSIDE = 'outside D-PlaneOS';

type Member = { pool: ObservedPool; disk: ObservedDisk };
/** Disks with a stable name that pools have, by path. */
const members = (o: Observed): Map<string, Member> =>
  new Map(
    o.pools.flatMap((pool) =>
      pool.vdevs.flatMap((v) => v.disks.filter((d) => d.path.startsWith(BY_ID)).map((disk) => [disk.path, { pool, disk }] as const)),
    ),
  );

export type PulseDeps = {
  host: Host;
  clock: Clock;
  /** The last observation; null before the first. */
  last: () => Observed | null;
  /** Observes anew, and opens and closes alerts. */
  look: () => Promise<Observed>;
  execute: (operation: Operation) => Promise<ExecAnswer>;
  tell: (event: NewEvent) => void;
  /** Opens the alert of a disk that is gone. */
  missing: (pool: ObservedPool, path: string) => void;
  /** A change is under way: what it does to disks is not answered by doing more to them. */
  busy: () => boolean;
};

export const createPulse = (deps: PulseDeps): { beat: () => Promise<void> } => {
  let before: string | null = null;
  let seenDisks: string | null = null;
  /** Guids of disks that were made known as gone, so that each loss is acted on once. */
  const gone = new Set<string>();
  const tried = new Map<string, { times: number; again: number }>();
  /** When a disk that is back is tried again; null when none waits for that. */
  let next: number | null = null;

  const signature = (pulse: Pulse, mine: Map<string, Member>): string =>
    JSON.stringify([
      [...pulse.pools].sort(),
      [...mine.keys()].filter((path) => pulse.disks.has(path)).sort(),
      pulse.disks.size,
      pulse.mounts,
    ]);

  const data = ({ pool, disk }: Member): Record<string, unknown> => ({ pool: pool.name, guid: disk.guid });

  /** What is gone is told at once, from the last look: a new one takes its time. */
  const losses = async (pulse: Pulse, o: Observed): Promise<void> => {
    for (const [path, m] of members(o)) {
      if (pulse.disks.has(path) || gone.has(m.disk.guid)) continue;
      gone.add(m.disk.guid);
      tried.delete(m.disk.guid);
      deps.missing(m.pool, path);
      const message = `${diskLabel(path)} of pool ${m.pool.name} is gone`;
      deps.tell({ kind: 'disk.removed', severity: 'critical', subject: `disk:${path}`, message, actor: OUTSIDE, data: data(m) });
      const noticed = pulse.pools.get(m.pool.name) !== m.pool.health;
      if (works(m.disk.state) && !noticed) await deps.execute({ kind: 'pool.reopen', name: m.pool.name, guid: m.pool.guid });
    }
  };

  /** Those that are back, and those that were there all along and could be used: true when anything was done about them. */
  const returns = async (pulse: Pulse, o: Observed): Promise<boolean> => {
    let acted = false;
    next = null;
    const wait = (until: number): void => {
      next = Math.min(next ?? until, until);
    };
    for (const [path, m] of members(o)) {
      if (!pulse.disks.has(path)) continue;
      const { pool, disk } = m;
      const label = diskLabel(path);
      if (gone.delete(disk.guid)) {
        acted = true;
        const message = `${label} of pool ${pool.name} is back`;
        deps.tell({ kind: 'disk.returned', severity: 'info', subject: `disk:${path}`, message, actor: OUTSIDE, data: data(m) });
      }
      const lost = disk.state === 'REMOVED' || disk.state === 'UNAVAIL';
      const { times, again } = tried.get(disk.guid) ?? { times: 0, again: 0 };
      if (!lost || times === TRIES) continue;
      const due = deps.busy() ? deps.clock() + BUSY_WAIT : again;
      if (deps.clock() < due) {
        wait(due);
        continue;
      }
      acted = true;
      const answer = await deps.execute({ kind: 'pool.online', name: pool.name, guid: pool.guid, disk: disk.guid, label, expand: false });
      const over = answer.ok || times + 1 === TRIES;
      const later = deps.clock() + FIRST_WAIT * 2 ** times;
      tried.set(disk.guid, { times: over ? TRIES : times + 1, again: later });
      if (!over) {
        wait(later);
        continue;
      }
      deps.tell({
        kind: 'pool.changed',
        severity: answer.ok ? 'info' : 'warning',
        subject: `pool:${pool.name}`,
        message: answer.ok
          ? `${label} is used by pool ${pool.name} again`
          : `${label} is there, and pool ${pool.name} can't use it: ${answer.refusal.why}`,
        actor: 'dplaned',
        data: data(m),
      });
    }
    return acted;
  };

  return {
    beat: async () => {
      const pulse = await readPulse(deps.host);
      const seen = deps.last();
      if (seen === null) return;
      const changed = before === null || signature(pulse, members(seen)) !== before;
      if (!changed && (next === null || deps.clock() < next)) return;
      await losses(pulse, seen);
      // a pool that the start missed: disks have come, and it may be among them
      const disks = [...pulse.disks].sort().join();
      if (disks !== seenDisks && seenDisks !== null && seen.stuck.some((s) => s.guid !== undefined && s.problem.code !== 'busy'))
        await deps.execute({ kind: 'pool.gate' });
      seenDisks = disks;
      const observed = await deps.look();
      const acted = await returns(pulse, observed);
      before = signature(pulse, members(acted ? await deps.look() : observed));
    },
  };
};
