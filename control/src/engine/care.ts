/** Scrubs and trims begin by themselves when they are due: remembered by the pool's guid, once for each time, and not while something else is at work on it. */
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { careDue, type CareKind, careNext, type Seen, whyNotNow } from '../domain/pool/care.ts';
import type { PoolCare } from '../domain/pool/settings.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import type { Actor } from '../domain/user/user.ts';
import type { ExecAnswer } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';
import { careSeenKey, keepPoolSettings, poolSetting } from './pool-settings.ts';

export type CareStatus = { pool: string; care: PoolCare; next: Record<CareKind, number | null> };
export type CareKeeper = {
  look(o: Observed): Promise<void>;
  status(o: Observed, pool: string): Result<CareStatus>;
  put(o: Observed, pool: string, care: PoolCare, actor: Actor): Result<CareStatus>;
};

export const createCare = (deps: {
  store: Store;
  clock: Clock;
  execute: (operation: Operation) => Promise<ExecAnswer>;
  tell: (event: NewEvent) => void;
}): CareKeeper => {
  const { store, clock } = deps;
  const careOf = (guid: string): PoolCare => poolSetting(store, guid, 'care');
  /** A pool that is met for the first time owes nothing. */
  const seenOf = (guid: string): Seen => {
    const text = store.settings.get(careSeenKey(guid));
    if (text !== null) return JSON.parse(text) as Seen; // written here alone
    const fresh: Seen = { scrub: clock(), trim: clock() };
    store.settings.set(careSeenKey(guid), JSON.stringify(fresh));
    return fresh;
  };
  const find = (o: Observed, name: string) => {
    const pool = o.pools.find((p) => p.name === name);
    return pool ? ok(pool) : refuse('not-found', `pool ${name}`, 'there is nothing of this name', '`dplane pool list` shows what there is');
  };
  const statusOf = (name: string, care: PoolCare): CareStatus => ({
    pool: name,
    care,
    next: { scrub: careNext(care, 'scrub', clock()), trim: careNext(care, 'trim', clock()) },
  });

  return {
    look: async (o) => {
      for (const pool of o.pools) {
        const seen = seenOf(pool.guid);
        for (const kind of careDue(careOf(pool.guid), seen, clock())) {
          // it is due still when that has ended
          if (whyNotNow(pool, kind) !== null) continue;
          const answer = await deps.execute({ kind: `pool.${kind}`, name: pool.name, guid: pool.guid, action: 'start' });
          if (!answer.ok && (answer.refusal.code === 'busy' || answer.refusal.code === 'unavailable')) continue;
          seen[kind] = clock();
          store.settings.set(careSeenKey(pool.guid), JSON.stringify(seen));
          deps.tell({
            kind: 'pool.changed',
            severity: answer.ok ? 'info' : 'warning',
            subject: `pool:${pool.name}`,
            message: answer.ok
              ? `the ${kind} of pool ${pool.name} began, as scheduled`
              : `the ${kind} of pool ${pool.name} did not begin: ${answer.refusal.why}`,
            actor: 'dplaned',
            data: { kind },
          });
        }
      }
    },
    status: (o, name) => {
      const pool = find(o, name);
      return pool.ok ? ok(statusOf(name, careOf(pool.value.guid))) : pool;
    },
    put: (o, name, care, actor) => {
      const pool = find(o, name);
      if (!pool.ok) return pool;
      const { guid } = pool.value;
      store.transact(() => {
        keepPoolSettings(store, guid, { care }, clock);
        deps.tell({
          kind: 'pool.changed',
          severity: 'info',
          subject: `pool:${name}`,
          message: `pool ${name}: scrub ${care.scrub ?? 'never'}, trim ${care.trim ?? 'never'} (${care.timezone})`,
          actor: actor.name,
          data: { care },
        });
      });
      return ok(statusOf(name, care));
    },
  };
};
