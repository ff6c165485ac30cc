/**
 * Keeps the last observation. One refresh is in flight at a time; everyone who asks meanwhile gets that one, unless it
 * began before they asked and they need something newer. A failing refresh leaves the old observation, with its age.
 */
import type { Observed } from '../domain/observed/observed.ts';
import type { Clock } from '../store/types.ts';
import { observationDigest } from './digest.ts';
import type { Snapshotted } from './engine.ts';

export type ObserveWants = {
  /** Ask the executor who is connected to which share: costs a root process, so only when it matters. */
  clients: boolean;
};

export type Observer = {
  last(): Snapshotted | null;
  /** An observation begun at most `maxAgeMs` ago. */
  get(maxAgeMs: number, wants?: Partial<ObserveWants>): Promise<Snapshotted>;
  onChange(listener: (before: Snapshotted | null, now: Snapshotted) => void): void;
};

export const createObserver = (read: (wants: ObserveWants, previous: Observed | null) => Promise<Observed>, clock: Clock): Observer => {
  let current: (Snapshotted & { begun: number; clientsAt: number }) | null = null;
  let flight: { begun: number; clients: boolean; promise: Promise<Snapshotted> } | null = null;
  const listeners: ((before: Snapshotted | null, now: Snapshotted) => void)[] = [];

  const refresh = async (clients: boolean): Promise<Snapshotted> => {
    const begun = clock();
    const observed = await read({ clients }, current?.observed ?? null);
    const digest = observationDigest(observed);
    const before = current;
    const changed = before === null || before.digest !== digest;
    current = {
      observed,
      digest,
      version: (before?.version ?? 0) + 1,
      begun,
      clientsAt: clients ? begun : (before?.clientsAt ?? Number.NEGATIVE_INFINITY),
    };
    if (changed) for (const l of listeners) l(before, current);
    return current;
  };

  const fly = (clients: boolean): Promise<Snapshotted> => {
    const mine = { begun: clock(), clients, promise: Promise.resolve() as unknown as Promise<Snapshotted> };
    // assigned below, before anyone can see it
    mine.promise = refresh(clients).finally(() => {
      if (flight === mine) flight = null;
    });
    flight = mine;
    return mine.promise;
  };

  return {
    last: () => current,
    get: async (maxAgeMs, wants = {}) => {
      const clients = wants.clients === true;
      const asked = clock();
      const fresh = (begun: number): boolean => asked - begun <= maxAgeMs;
      for (;;) {
        if (current !== null && fresh(current.begun) && (!clients || fresh(current.clientsAt))) return current;
        if (flight === null) return await fly(clients);
        const good = fresh(flight.begun) && (!clients || flight.clients);
        const result = await flight.promise.catch((error: unknown) => {
          if (good) throw error;
          return null;
        });
        if (good && result !== null) return result;
      }
    },
    onChange: (l) => void listeners.push(l),
  };
};
