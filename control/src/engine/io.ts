/**
 * What the disks do, live: their counters are read once a second while somebody watches, and not at all when nobody does. One reading for all who watch; it is a file
 * in memory, so a disk that hangs is seen to do nothing, and holds up nothing.
 */
import type { Observed } from '../domain/observed/observed.ts';
import { type IoSample, ratesBetween, sumOf } from '../domain/pool/io.ts';
import { type DiskCounters, kernelNames, readDiskCounters } from '../host/disks/counters.ts';
import type { Host } from '../host/host.ts';
import type { Clock } from '../store/types.ts';

const EVERY = 1_000;
/** Five minutes. */
const KEPT = 300;
const NAMES_KEPT = 60_000;

export type Io = {
  /** Called at each new sample, until it is given back. The first one who watches starts it. */
  watch(listener: (s: IoSample) => void): () => void;
  /** Of the last minutes in which somebody watched, oldest first. */
  history(): readonly IoSample[];
  /** What is done now: takes a second when nobody watches. */
  now(): Promise<IoSample | null>;
  stop(): void;
};

type Reading = { at: number; disks: ReadonlyMap<string, DiskCounters> };

export const createIo = (deps: { host: Host; clock: Clock; last: () => Observed | null; pause: (ms: number) => Promise<void> }): Io => {
  const { host, clock } = deps;
  const listeners = new Set<(s: IoSample) => void>();
  let samples: IoSample[] = [];
  let timer: NodeJS.Timeout | null = null;
  let before: Reading | null = null;
  let working: Promise<IoSample | null> | null = null;
  let names: { key: string; at: number; kernels: Map<string, string> } | null = null;

  /** Which disks each pool has: what stands in for one is one, too. */
  const disksOf = (): { pool: string; guid: string; paths: string[] }[] =>
    (deps.last()?.pools ?? []).map((p) => ({
      pool: p.name,
      guid: p.guid,
      paths: [...new Set(p.vdevs.flatMap((v) => v.disks.flatMap((d) => [d.path, ...(d.standIns ?? []).map((s) => s.path)])))],
    }));

  const kernelsOf = async (paths: readonly string[]): Promise<Map<string, string>> => {
    const key = paths.join();
    if (names === null || names.key !== key || clock() - names.at > NAMES_KEPT)
      names = { key, at: clock(), kernels: await kernelNames(host, paths) };
    return names.kernels;
  };

  const take = async (): Promise<IoSample | null> => {
    const pools = disksOf();
    const kernels = await kernelsOf(pools.flatMap((p) => p.paths));
    const disks = await readDiskCounters(host);
    if (disks === null) return null;
    const now: Reading = { at: clock(), disks };
    const was = before;
    before = now;
    // after a pause it would be the mean of all of it
    if (was === null || now.at - was.at > 5 * EVERY || now.at <= was.at) return null;
    const sample: IoSample = {
      at: now.at,
      pools: pools.map(({ pool, guid, paths }) => {
        const each = paths.flatMap((path) => {
          const kernel = kernels.get(path);
          const [a, b] = kernel === undefined ? [] : [was.disks.get(kernel), disks.get(kernel)];
          const rates = a && b ? ratesBetween(a, b, now.at - was.at) : null;
          return rates === null ? [] : [{ path, rates }];
        });
        return { pool, guid, rates: sumOf(each.map((d) => d.rates)), disks: each };
      }),
    };
    samples = [...samples.slice(1 - KEPT), sample];
    for (const l of listeners) l(sample);
    return sample;
  };
  const once = (): Promise<IoSample | null> => {
    working ??= take().finally(() => {
      working = null;
    });
    return working;
  };
  const rest = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };

  return {
    watch: (listener) => {
      listeners.add(listener);
      if (timer === null) {
        void once();
        timer = setInterval(() => void once(), EVERY);
        timer.unref();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) rest();
      };
    },
    history: () => samples,
    now: async () => {
      const last = samples.at(-1);
      if (last !== undefined && clock() - last.at < (timer === null ? EVERY / 2 : 2 * EVERY)) return last;
      const first = await once();
      if (first !== null) return first;
      await deps.pause(EVERY);
      return once();
    },
    stop: rest,
  };
};
