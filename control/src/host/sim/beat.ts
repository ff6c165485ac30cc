/**
 * Heartbeats of the simulated machine: a unit that was started beats every 30 s, and what its helper would have written down follows from the time, and from since when
 * the pool hangs or is slow. /proc/uptime and /proc/diskstats are made up of the time as well.
 */
import { ownMountpoint, ownOf } from '../../domain/pool/own.ts';
import type { Answer } from './getopt.ts';
import { failed } from './getopt.ts';
import type { SimDisk, World } from './model.ts';
import { poolHealth } from './model.ts';
import { mountpointOf } from './properties.ts';

const EVERY = 30_000;
/** The machine has been up for an hour when the program starts. */
const HOUR = 3_600_000;
const BEAT = /^dplane-heartbeat@(.+)\.service$/;
const FAILED = /^dplane-pool-failed@(.+)\.target$/;

/** Null for units that are of no concern here. */
export const systemctlBeat = (w: World, verb: string | undefined, unit: string | undefined, now: number): Answer | null => {
  const beat = BEAT.exec(unit ?? '')?.[1];
  const pool = FAILED.exec(unit ?? '')?.[1];
  if (beat === undefined && pool === undefined) return null;
  w.model.beating ??= {};
  w.model.failed ??= [];
  const { beating } = w.model;
  const on = beat !== undefined ? beating[beat] !== undefined : w.model.failed.includes(pool ?? '');
  if (verb === 'is-active') return { exit: on ? 0 : 3, stdout: on ? 'active\n' : 'inactive\n' };
  if (verb !== 'start' && verb !== 'stop') return failed(`Unknown command verb '${verb ?? ''}'.\n`);
  if (beat !== undefined) {
    if (verb === 'stop') delete beating[beat];
    else beating[beat] ??= now;
  } else w.model.failed = [...w.model.failed.filter((p) => p !== pool), ...(verb === 'start' && pool !== undefined ? [pool] : [])];
  return { exit: 0, changed: true };
};

export type Trouble = { since: number; slow: number | null };
export type BeatClock = { startedAt: number; trouble: (pool: string) => Trouble | null };

const seconds = (c: BeatClock, at: number): string => ((at - c.startedAt + HOUR) / 1000).toFixed(2);
export const uptimeText = (c: BeatClock, now: number): string => `${seconds(c, now)} 0.00\n`;

export const toldText = (w: World, c: BeatClock, name: string, now: number): string | null => {
  const began = w.model.beating?.[name];
  const own = w.dataset(ownOf(name));
  // a pool that was exported, or a program that was started anew and replayed its past
  if (began === undefined || own === undefined || !own.mounted || mountpointOf(w, own) !== ownMountpoint(name)) return null;
  const from = Math.max(began, c.startedAt);
  const last = Math.floor((now - from) / EVERY);
  const trouble = c.trouble(name);
  const at = (n: number): string => seconds(c, from + n * EVERY);
  const ended = (n: number, took: number): string => {
    const flush = Math.round((took - 3) * 1000);
    const outcome = w.pool(name)?.readonly ? 'read-only' : 'ok';
    return `last ${n + 1} ${at(n)} ${seconds(c, from + n * EVERY + took)} ${outcome} 1800 ${flush} 900\n`;
  };
  const usual = 24 + (name.length % 7) * 5;
  if (trouble === null) return ended(last, usual);
  const first = Math.max(0, Math.ceil((trouble.since - from) / EVERY));
  if (first > last) return ended(last, usual);
  // until the one before it has ended, no other begins
  if (trouble.slow === null) return `now ${first + 1} ${at(first)}\n${first > 0 ? ended(first - 1, usual) : ''}`;
  return now - (from + last * EVERY) < trouble.slow
    ? `now ${last + 1} ${at(last)}\n${last > first ? ended(last - 1, trouble.slow) : last > 0 ? ended(last - 1, usual) : ''}`
    : ended(last, trouble.slow);
};

/** Reads and writes of a disk up to now, as the kernel counts them: a tide of its own for each, and still while its pool hangs. */
const counters = (d: SimDisk, index: number, ms: number): string => {
  const t = ms / 1000;
  const wave = (rate: number, period: number): number =>
    rate * (t + 0.8 * (period / (2 * Math.PI)) * (1 - Math.cos((2 * Math.PI * t) / period)));
  const speed = d.rotational ? 1 : 6;
  const reads = wave(40 * speed, 41 + index);
  const writes = wave(25 * speed, 67 + 2 * index);
  const delay = d.rotational ? 6.5 : 0.3;
  const n = (x: number): string => String(Math.floor(x));
  return [
    n(reads),
    '0',
    n(reads * 190),
    n(reads * delay),
    n(writes),
    '0',
    n(writes * 130),
    n(writes * delay * 1.4),
    '0',
    n(t * 180),
    n(t * 300),
  ].join(' ');
};
export const diskstatsText = (w: World, c: BeatClock, now: number): string =>
  w.model.disks
    .flatMap((d, i) => {
      if (d.unplugged) return [];
      const pool = w.poolOfDisk(d)?.pool;
      const trouble = pool === undefined ? null : c.trouble(pool.name);
      const at = (trouble !== null && trouble.slow === null ? trouble.since : now) - c.startedAt + HOUR;
      const mine = counters(d, i, pool === undefined ? HOUR : Math.max(0, at));
      return [`   8 ${String(16 * i).padStart(7)} ${d.name} ${mine}`];
    })
    .map((line) => `${line} 0 0 0 0 0 0\n`)
    .join('');

export const isSilent = (w: World, pool: string): boolean => {
  const p = w.pool(pool);
  return p !== undefined && ['SUSPENDED', 'FAULTED', 'UNAVAIL'].includes(poolHealth(p));
};
