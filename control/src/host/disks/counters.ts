/**
 * What each disk has read and written since the start, as the kernel counts it: /proc/diskstats, a file in memory. No process, no root, and it answers however many
 * disks hang. (Fields: Documentation/admin-guide/iostats.rst of the kernel.)
 */
import type { Host } from '../host.ts';
import { readlinkArgv } from './disks.ts';

const SECTOR = 512;
const READLINK_MS = 10_000;

export type DiskCounters = {
  reads: number;
  readBytes: number;
  /** Milliseconds that all of them took, together. */
  readMs: number;
  writes: number;
  writtenBytes: number;
  writeMs: number;
  /** Begun, and not ended. */
  inFlight: number;
  /** Milliseconds in which it had anything to do. */
  busyMs: number;
};

/** Kernel name (`sda`, `nvme0n1p3`) -> counters. Null when it can't be read. */
export const parseDiskstats = (text: string): ReadonlyMap<string, DiskCounters> => {
  const all = new Map<string, DiskCounters>();
  for (const line of text.split('\n')) {
    const f = line.trim().split(/\s+/);
    const name = f[2];
    const n = f.slice(3, 14).map(Number);
    if (name === undefined || n.length < 11 || n.some((x) => !Number.isFinite(x))) continue;
    const [reads = 0, , sectorsRead = 0, readMs = 0, writes = 0, , sectorsWritten = 0, writeMs = 0, inFlight = 0, busyMs = 0] = n;
    all.set(name, {
      reads,
      readBytes: sectorsRead * SECTOR,
      readMs,
      writes,
      writtenBytes: sectorsWritten * SECTOR,
      writeMs,
      inFlight,
      busyMs,
    });
  }
  return all;
};
export const readDiskCounters = async (host: Host): Promise<ReadonlyMap<string, DiskCounters> | null> => {
  const text = await host.readText('/proc/diskstats').catch(() => null);
  return text === null ? null : parseDiskstats(text);
};

/** Path -> the kernel's name for it. One process for all of them: kept by whoever asks often. */
export const kernelNames = async (host: Host, paths: readonly string[]): Promise<Map<string, string>> => {
  const stable = paths.filter((p) => p.startsWith('/dev/'));
  if (stable.length === 0) return new Map();
  const r = await host.run(readlinkArgv(stable), { timeoutMs: READLINK_MS });
  const lines = r.stdout.split('\n');
  if (r.failure !== null || lines.length !== stable.length + 1) return new Map();
  return new Map(
    stable.flatMap((p, i) => {
      const target = lines[i] ?? '';
      return target.startsWith('/dev/') && !target.startsWith('/dev/disk/') ? [[p, target.slice('/dev/'.length)] as const] : [];
    }),
  );
};
