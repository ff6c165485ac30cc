/**
 * Watches how full pools are, after each observation: tells it at thresholds, gives the reserve free when the pool is full, and offers to hold it back again when
 * there is room. A pool that does not answer keeps what was known of it.
 */
import type { NewEvent } from '../domain/event/event.ts';
import {
  type CapacityLevel,
  capacityText,
  isRoomAgain,
  levelOf,
  type PoolCapacity,
  shareOf,
  type Space,
  spaceOf,
  suggestedReserve,
  type Thresholds,
  whyNoReserve,
} from '../domain/pool/capacity.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import { formatBytes } from '../domain/units.ts';
import type { Actor } from '../domain/user/user.ts';
import { poolsAreKnown } from '../host/observe.ts';
import type { ExecAnswer } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';
import { keepPoolSettings, poolSetting } from './pool-settings.ts';
import { settleAlerts } from './conditions.ts';

export type Guardian = {
  look(o: Observed): Promise<void>;
  list(): PoolCapacity[];
  /** Without a size, what is suggested. */
  reserve(pool: string, bytes: number | undefined, actor: Actor): Promise<Result<PoolCapacity>>;
  release(pool: string, actor: Actor): Promise<Result<PoolCapacity>>;
  setThresholds(pool: string, thresholds: Thresholds, actor: Actor): Result<PoolCapacity>;
};

type Kept = { name: string; guid: string; space: Space; level: CapacityLevel; offered: boolean };
type Released = { at: number; bytes: number };

const releasedKey = (guid: string): string => `pool.released ${guid}`;
const SEVERITY = { fine: 'info', filling: 'warning', high: 'critical', full: 'critical' } as const;

export const createGuardian = (deps: {
  store: Store;
  clock: Clock;
  /** Asked of the executor, with an entry in the audit. */
  execute: (operation: Operation, actor?: Actor) => Promise<ExecAnswer>;
  tell: (event: NewEvent) => void;
  /** Looks at the host again. */
  observe: () => Promise<Observed>;
}): Guardian => {
  const { store, clock, tell } = deps;
  const pools = new Map<string, Kept>();

  const thresholdsOf = (guid: string): Thresholds => poolSetting(store, guid, 'capacity');
  const releasedOf = (guid: string): Released | null => {
    const text = store.settings.get(releasedKey(guid));
    return text === null ? null : (JSON.parse(text) as Released); // written below alone
  };

  const shown = (k: Kept): PoolCapacity => {
    const thresholds = thresholdsOf(k.guid);
    const released = k.space.reserve > 0 ? null : releasedOf(k.guid);
    return {
      pool: k.name,
      guid: k.guid,
      total: k.space.total,
      used: k.space.used,
      free: k.space.free,
      share: shareOf(k.space),
      level: k.level,
      thresholds,
      reserve: {
        bytes: k.space.reserve,
        suggested: suggestedReserve(k.space),
        released,
        offered: released !== null && isRoomAgain(k.space, released.bytes, thresholds),
      },
      message: capacityText(k.name, k.space, k.level, released?.bytes ?? 0),
    };
  };

  const measure = (o: Observed): void => {
    const roots = new Map(o.datasets.filter((d) => !d.name.includes('/')).map((d) => [d.name, d]));
    for (const p of o.pools) {
      const root = roots.get(p.name);
      if (root === undefined || root.used + root.available === 0) continue;
      const before = pools.get(p.guid);
      const space = spaceOf(root, p.reserve ?? 0);
      const level = levelOf(space, thresholdsOf(p.guid), before?.level ?? 'fine');
      pools.set(p.guid, { name: p.name, guid: p.guid, space, level, offered: before?.offered ?? false });
      if (before !== undefined && before.level !== level) told(p.guid, before.level);
    }
    // gone, not only silent
    if (poolsAreKnown(o))
      for (const [guid, k] of pools)
        if (!o.pools.some((p) => p.guid === guid) && !o.stuck.some((s) => s.pool === k.name)) pools.delete(guid);
  };

  const told = (guid: string, from: CapacityLevel): void => {
    const k = pools.get(guid);
    if (k === undefined) return;
    tell({
      kind: 'pool.capacity-changed',
      severity: SEVERITY[k.level],
      subject: `pool:${k.name}`,
      message: shown(k).message ?? `${k.name} has room again: ${formatBytes(k.space.free)} free`,
      actor: 'dplaned',
      data: { from, to: k.level, share: shareOf(k.space) },
    });
  };

  const put = async (k: Kept, bytes: number, actor: Actor | undefined, message: string): Promise<Result<true>> => {
    const answer = await deps.execute({ kind: 'pool.reserve', name: k.name, guid: k.guid, bytes }, actor);
    if (!answer.ok) return answer;
    const before = k.space.reserve;
    // verified by the executor: known at once, also when the pool is too slow to be observed now
    k.space = { ...k.space, reserve: bytes, free: Math.max(0, k.space.free + before - bytes) };
    store.transact(() => {
      // who gave it free knows, and is not offered it again
      if (bytes > 0 || actor !== undefined) store.settings.remove(releasedKey(k.guid));
      else store.settings.set(releasedKey(k.guid), JSON.stringify({ at: clock(), bytes: before } satisfies Released));
      tell({
        kind: 'pool.reserve-changed',
        severity: actor === undefined ? 'critical' : 'info',
        subject: `pool:${k.name}`,
        message,
        actor: actor?.name ?? 'dplaned',
        data: { bytes, before },
      });
    });
    return ok(true);
  };

  const settle = (): void =>
    settleAlerts(
      store,
      [...pools.values()].flatMap((k) => {
        const { message } = shown(k);
        return message === null
          ? []
          : [{ kind: 'pool.capacity' as const, subject: `pool:${k.name}`, severity: SEVERITY[k.level], message }];
      }),
      new Set(['pool.capacity']),
      clock(),
    );

  const find = (name: string): Result<Kept> => {
    const k = [...pools.values()].find((p) => p.name === name);
    return k === undefined
      ? refuse('not-found', `pool ${name}`, 'there is nothing of this name', '`dplane pool list` shows what there is')
      : ok(k);
  };
  const after = async (name: string): Promise<Result<PoolCapacity>> => {
    measure(await deps.observe());
    settle();
    const k = find(name);
    return k.ok ? ok(shown(k.value)) : k;
  };

  return {
    look: async (o) => {
      measure(o);
      let acted = false;
      for (const k of pools.values()) {
        if (k.level === 'full' && k.space.reserve > 0 && !o.stuck.some((s) => s.pool === k.name)) {
          const message = `pool ${k.name} is full: its reserve of ${formatBytes(k.space.reserve)} was given free, so that things can be deleted`;
          acted = (await put(k, 0, undefined, message)).ok || acted;
        }
        const { offered } = shown(k).reserve;
        if (offered && !k.offered)
          tell({
            kind: 'pool.capacity-changed',
            severity: 'info',
            subject: `pool:${k.name}`,
            message: `there is room again for the reserve of pool ${k.name}: dplane pool reserve ${k.name}`,
            actor: 'dplaned',
            data: { offered: true },
          });
        k.offered = offered;
      }
      if (acted) measure(await deps.observe());
      settle();
    },
    list: () => [...pools.values()].map(shown).sort((a, b) => (a.pool < b.pool ? -1 : 1)),
    reserve: async (name, asked, actor) => {
      const found = find(name);
      if (!found.ok) return found;
      const k = found.value;
      const bytes = asked ?? suggestedReserve(k.space);
      const why = whyNoReserve(k.space, bytes, thresholdsOf(k.guid));
      if (why !== undefined)
        return refuse('blocked', `holding back ${formatBytes(bytes)} of pool ${name}`, why, 'free some space first, or hold back less');
      const done = await put(k, bytes, actor, `${formatBytes(bytes)} of pool ${name} are held back for when it is full`);
      return done.ok ? after(name) : done;
    },
    release: async (name, actor) => {
      const found = find(name);
      if (!found.ok) return found;
      const k = found.value;
      if (k.space.reserve === 0)
        return refuse('conflict', `giving the reserve of pool ${name} free`, 'it has none', `hold one back: dplane pool reserve ${name}`);
      const done = await put(k, 0, actor, `the reserve of pool ${name} (${formatBytes(k.space.reserve)}) was given free`);
      return done.ok ? after(name) : done;
    },
    setThresholds: (name, thresholds, actor) => {
      const found = find(name);
      if (!found.ok) return found;
      const k = found.value;
      store.transact(() => {
        keepPoolSettings(store, k.guid, { capacity: thresholds }, clock);
        tell({
          kind: 'pool.changed',
          severity: 'info',
          subject: `pool:${name}`,
          message: `pool ${name} is told to be filling at ${thresholds.warn}%, nearly full at ${thresholds.high}%, full at ${thresholds.full}%`,
          actor: actor.name,
          data: { thresholds },
        });
      });
      k.level = levelOf(k.space, thresholds, 'fine');
      settle();
      return ok(shown(k));
    },
  };
};
