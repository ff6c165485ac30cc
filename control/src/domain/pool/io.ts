/** What the disks of a pool do: rates between two readings of their counters. Pure. */
import { z } from 'zod';

/** A second; latency is milliseconds an operation, null when there was none. */
export const IoRates = z.object({
  reads: z.number(),
  readBytes: z.number(),
  readLatency: z.number().nullable(),
  writes: z.number(),
  writtenBytes: z.number(),
  writeLatency: z.number().nullable(),
  /** Operations begun and not ended, now. */
  inFlight: z.number(),
  /** 0..1: how much of the time it had anything to do; of a pool the busiest disk. */
  busy: z.number(),
});
export type IoRates = z.infer<typeof IoRates>;
export const PoolIo = z.object({
  pool: z.string(),
  guid: z.string(),
  rates: IoRates,
  disks: z.array(z.object({ path: z.string(), rates: IoRates })),
});
export type PoolIo = z.infer<typeof PoolIo>;
export const IoSample = z.object({ at: z.number(), pools: z.array(PoolIo) });
export type IoSample = z.infer<typeof IoSample>;

export type IoCounters = {
  reads: number;
  readBytes: number;
  readMs: number;
  writes: number;
  writtenBytes: number;
  writeMs: number;
  inFlight: number;
  busyMs: number;
};

/** Null when it was not the same disk all the time: a counter never falls. */
export const ratesBetween = (a: IoCounters, b: IoCounters, ms: number): IoRates | null => {
  if (ms <= 0 || b.reads < a.reads || b.writes < a.writes || b.readBytes < a.readBytes || b.writtenBytes < a.writtenBytes) return null;
  const second = (n: number): number => (n * 1000) / ms;
  const each = (time: number, count: number): number | null => (count > 0 ? Math.max(0, time) / count : null);
  return {
    reads: second(b.reads - a.reads),
    readBytes: second(b.readBytes - a.readBytes),
    readLatency: each(b.readMs - a.readMs, b.reads - a.reads),
    writes: second(b.writes - a.writes),
    writtenBytes: second(b.writtenBytes - a.writtenBytes),
    writeLatency: each(b.writeMs - a.writeMs, b.writes - a.writes),
    inFlight: b.inFlight,
    busy: Math.min(1, Math.max(0, (b.busyMs - a.busyMs) / ms)),
  };
};

/** Disks of one pool together: what they do adds up, how long it takes is the mean over their operations. */
export const sumOf = (all: readonly IoRates[]): IoRates => {
  const add = (f: (r: IoRates) => number): number => all.reduce((n, r) => n + f(r), 0);
  const mean = (count: (r: IoRates) => number, latency: (r: IoRates) => number | null): number | null => {
    const n = add((r) => (latency(r) === null ? 0 : count(r)));
    return n > 0 ? add((r) => (latency(r) ?? 0) * count(r)) / n : null;
  };
  return {
    reads: add((r) => r.reads),
    readBytes: add((r) => r.readBytes),
    readLatency: mean(
      (r) => r.reads,
      (r) => r.readLatency,
    ),
    writes: add((r) => r.writes),
    writtenBytes: add((r) => r.writtenBytes),
    writeLatency: mean(
      (r) => r.writes,
      (r) => r.writeLatency,
    ),
    inFlight: add((r) => r.inFlight),
    busy: Math.max(0, ...all.map((r) => r.busy)),
  };
};
