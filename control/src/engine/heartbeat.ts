/**
 * Listens to the heartbeats of the pools, in a lane of its own: files in memory only, so nothing here ever waits for a pool. Sees to it that each writable pool has one,
 * tells when one changes, and has what runs on a pool stopped (`dplane-pool-failed@POOL.target`) when the pool does not answer.
 */
import type { NewEvent } from '../domain/event/event.ts';
import { alertOf, type Heartbeat, heartbeatOf, type HeartbeatSettings, isFailed, type Signs, type Told } from '../domain/pool/heartbeat.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import type { Actor } from '../domain/user/user.ts';
import { readTold, readUptime } from '../host/beat/beat.ts';
import type { ExecAnswer } from '../host/executor.ts';
import type { Host } from '../host/host.ts';
import { readPulse } from '../host/pulse.ts';
import { kernelNames, readDiskCounters } from '../host/disks/counters.ts';
import type { Clock, Store } from '../store/types.ts';
import { keepPoolSettings, poolSetting } from './pool-settings.ts';
import { settleAlerts } from './conditions.ts';

export const LISTEN_EVERY = 2_000;
/** Between two attempts to begin one, growing with each. */
const RETRY = 60_000;
const RETRY_AT_MOST = 3_600_000;
/** Disks that finished a write within this time are at work. */
const MOVED_WITHIN = 20_000;

export type PoolHeartbeat = Heartbeat & { pool: string; guid: string; since: number; settings: HeartbeatSettings };
export type Heartbeats = {
  look(): Promise<void>;
  list(): PoolHeartbeat[];
  set(pool: string, settings: HeartbeatSettings, actor: Actor): Result<PoolHeartbeat>;
  /** Does this pool stand still, as far as is known? */
  isFailed(pool: string): boolean;
  idle(): Promise<unknown>;
};

type Known = {
  guid: string;
  paths: readonly string[];
  told: Told | null;
  shown: PoolHeartbeat | null;
  refused: Signs['refused'];
  attempts: number;
  nextAttempt: number;
  /** Something of it is asked of the executor right now. */
  asking: boolean;
  writes: { at: number; done: number; kernels: readonly string[] } | null;
  movedAt: number;
};

const guidKey = (name: string): string => `pool.guid ${name}`;
const failedKey = (guid: string): string => `pool.failed ${guid}`;

export const createHeartbeats = (deps: {
  host: Host;
  store: Store;
  clock: Clock;
  last: () => Observed | null;
  execute: (operation: Operation) => Promise<ExecAnswer>;
  tell: (event: NewEvent) => void;
}): Heartbeats => {
  const { host, store, clock } = deps;
  const known = new Map<string, Known>();
  const asked = new Set<Promise<unknown>>();
  let alerts = '';

  const settingsOf = (guid: string): HeartbeatSettings => poolSetting(store, guid, 'heartbeat');

  /** Those that were seen, and those that the kernel has and that never answered while this process runs. */
  const meet = (o: Observed, kernel: ReadonlyMap<string, string>): void => {
    for (const name of new Set([...o.pools.map((p) => p.name), ...kernel.keys()])) {
      const seen = o.pools.find((p) => p.name === name);
      const guid = seen?.guid ?? known.get(name)?.guid ?? store.settings.get(guidKey(name));
      if (guid === null || !kernel.has(name)) continue;
      const before = known.get(name);
      if (seen !== undefined && store.settings.get(guidKey(name)) !== guid) store.settings.set(guidKey(name), guid);
      const paths = seen?.vdevs.flatMap((v) => v.disks.map((d) => d.path)) ?? before?.paths ?? [];
      if (before !== undefined && before.guid === guid) before.paths = paths;
      else
        known.set(name, {
          guid,
          paths,
          told: null,
          shown: null,
          refused: null,
          attempts: 0,
          nextAttempt: 0,
          asking: false,
          writes: null,
          movedAt: Number.NEGATIVE_INFINITY,
        });
    }
    for (const [name, k] of known) {
      if (kernel.has(name)) continue;
      known.delete(name);
      if (store.settings.get(failedKey(k.guid)) !== null) fail(name, k, false);
    }
  };

  const ask = (k: Known, operation: Operation, then: (answer: ExecAnswer) => void): void => {
    if (k.asking) return;
    k.asking = true;
    const mine = deps
      .execute(operation)
      .then(then)
      .catch(() => undefined)
      .finally(() => {
        k.asking = false;
        asked.delete(mine);
      });
    asked.add(mine);
  };

  const fail = (name: string, k: Known, failed: boolean): void =>
    ask(k, { kind: 'pool.fail', name, guid: k.guid, failed }, (answer) => {
      if (!answer.ok) return; // once more at the next look
      if (failed) store.settings.set(failedKey(k.guid), String(clock()));
      else store.settings.remove(failedKey(k.guid));
    });

  /** Begins what should beat, and ends what should not. */
  const manage = (name: string, k: Known, kernel: string | undefined, settings: HeartbeatSettings): void => {
    const now = clock();
    const state = k.shown?.state;
    if (!settings.on) {
      if (k.told !== null && now >= k.nextAttempt) {
        k.nextAttempt = now + RETRY;
        ask(k, { kind: 'pool.beat', name, guid: k.guid, on: false }, () => undefined);
      }
      return;
    }
    const alive = kernel === 'ONLINE' || kernel === 'DEGRADED';
    const silent = state === 'unknown' && k.told?.now == null;
    if (!alive || !(silent || k.refused !== null) || now < k.nextAttempt) return;
    k.attempts += 1;
    k.nextAttempt = now + Math.min(RETRY_AT_MOST, RETRY * 2 ** (k.attempts - 1));
    ask(k, { kind: 'pool.beat', name, guid: k.guid, on: true }, (answer) => {
      k.refused = answer.ok
        ? null
        : { state: answer.refusal.code === 'blocked' ? 'read-only' : 'unknown', why: `it can't be begun: ${answer.refusal.why}` };
    });
  };

  /** Looked at only while a beat is late: do its disks still finish writes? */
  const watchDisks = async (k: Known): Promise<void> => {
    const all = await readDiskCounters(host);
    if (all === null) return;
    const kernels = k.writes?.kernels ?? [...(await kernelNames(host, k.paths)).values()];
    const done = kernels.reduce((n, x) => n + (all.get(x)?.writes ?? 0), 0);
    if (k.writes !== null && done > k.writes.done) k.movedAt = clock();
    k.writes = { at: clock(), done, kernels };
  };

  const change = (name: string, before: PoolHeartbeat | null, now: PoolHeartbeat): void => {
    if (before?.state === now.state || (before === null && (now.state === 'unknown' || now.state === 'beating'))) return;
    if (before?.state === 'unknown' && (now.state === 'beating' || now.state === 'off')) return;
    const bad = alertOf(name, now, now.settings.limit);
    deps.tell({
      kind: 'pool.heartbeat-changed',
      severity: bad?.severity ?? (now.state === 'unknown' ? 'warning' : 'info'),
      subject: `pool:${name}`,
      message: now.state === 'beating' ? `pool ${name} answers: ${now.why}` : `heartbeat of pool ${name}: ${now.state}: ${now.why}`,
      actor: 'dplaned',
      data: { from: before?.state ?? null, to: now.state, latency: now.latency },
    });
  };

  const one = async (name: string, k: Known, kernel: string | undefined, uptime: number): Promise<void> => {
    const settings = settingsOf(k.guid);
    k.told = await readTold(host, name, k.told);
    const late = k.told?.now != null && uptime - k.told.now.began >= settings.limit / 2;
    if (late) await watchDisks(k);
    else k.writes = null;
    const signs: Signs = {
      settings,
      kernel: kernel ?? null,
      told: k.told,
      uptime,
      moving: clock() - k.movedAt <= MOVED_WITHIN,
      refused: k.refused,
    };
    const h = heartbeatOf(signs);
    const before = k.shown;
    k.shown = { ...h, pool: name, guid: k.guid, settings, since: before?.state === h.state ? before.since : clock() };
    if (h.state === 'beating') k.attempts = 0;
    change(name, before, k.shown);
    manage(name, k, kernel, settings);
    const isToldToStop = store.settings.get(failedKey(k.guid)) !== null;
    if (isFailed(h.state) !== isToldToStop && h.state !== 'unknown') fail(name, k, isFailed(h.state));
  };

  const settle = (): void => {
    const holding = [...known].flatMap(([name, k]) => {
      const a = k.shown === null ? null : alertOf(name, k.shown, k.shown.settings.limit);
      return a === null ? [] : [{ kind: 'pool.heartbeat' as const, subject: `pool:${name}`, ...a }];
    });
    const signature = JSON.stringify(holding);
    if (signature === alerts) return;
    alerts = signature;
    settleAlerts(store, holding, new Set(['pool.heartbeat']), clock());
  };

  return {
    look: async () => {
      const o = deps.last();
      const uptime = await readUptime(host);
      if (o === null || uptime === null) return;
      const pulse = await readPulse(host);
      meet(o, pulse.pools);
      await Promise.all([...known].map(([name, k]) => one(name, k, pulse.pools.get(name), uptime)));
      settle();
    },
    list: () => [...known.values()].flatMap((k) => (k.shown === null ? [] : [k.shown])).sort((a, b) => (a.pool < b.pool ? -1 : 1)),
    set: (pool, settings, actor) => {
      const k = known.get(pool);
      if (k?.shown == null)
        return refuse('not-found', `pool ${pool}`, 'there is nothing of this name', '`dplane pool list` shows what there is');
      store.transact(() => {
        keepPoolSettings(store, k.guid, { heartbeat: settings }, clock);
        deps.tell({
          kind: 'pool.changed',
          severity: 'info',
          subject: `pool:${pool}`,
          message: `heartbeat of pool ${pool}: ${settings.on ? `on, it may take ${settings.limit / 1000} s` : 'off'}`,
          actor: actor.name,
          data: { heartbeat: settings },
        });
      });
      k.nextAttempt = 0;
      k.attempts = 0;
      return ok({ ...k.shown, settings });
    },
    isFailed: (pool) => {
      const state = known.get(pool)?.shown?.state;
      return state !== undefined && isFailed(state);
    },
    idle: () => Promise.all(asked),
  };
};
