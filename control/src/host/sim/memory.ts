/** The memory of the simulated machine, and the cache of its ZFS: what /proc and /sys say of them, and the one file of these that is written. */
import { ARC_MAX } from '../memory.ts';
import { type Answer, done, failed } from './getopt.ts';
import type { World } from './model.ts';
import type { Tool } from './words.ts';

const MEMORY = 8 * 1024 ** 3;
const LEAST = MEMORY / 32;
/** As OpenZFS 2.3 sets it by itself: all but 1 GiB. */
const USUAL = MEMORY - 1024 ** 3;

const parameter = (w: World): number => Number((w.model.texts[ARC_MAX] ?? '0').trim());
/** Null: not one of these files. */
export const memoryText = (w: World, path: string, now: number): string | null => {
  if (path === '/proc/meminfo') return `MemTotal:       ${MEMORY / 1024} kB\nMemFree:         1204512 kB\n`;
  if (path === ARC_MAX) return `${parameter(w)}\n`;
  if (path !== '/proc/spl/kstat/zfs/arcstats') return null;
  const limit = parameter(w) || USUAL;
  const hits = 48_210_000 + Math.floor((now % 86_400_000) / 20);
  const rows = { hits, misses: Math.floor(hits / 31), c: limit, c_min: LEAST, c_max: limit, size: Math.floor(limit * 0.91) };
  return `9 1 0x01 123 33456 2953483823 1063298934872\nname                            type data\n${Object.entries(rows)
    .map(([k, v]) => `${k.padEnd(32)}4    ${v}\n`)
    .join('')}`;
};

/** Writes what it is given; the kernel takes no limit that is too small or too large. */
export const tee: Tool = (w, args, _now, input): Answer => {
  const [path] = args;
  if (args.length !== 1 || path !== ARC_MAX) return failed(`tee: ${path ?? ''}: Permission denied\n`);
  const n = Number(input.trim());
  if (!Number.isSafeInteger(n) || n < 64 * 1024 ** 2 || n <= LEAST || n >= MEMORY) return failed(`tee: ${path}: Invalid argument\n`);
  w.model.texts[path] = `${n}\n`;
  return done();
};
