/**
 * One process at a time changes slots and boot entries. The lock is a file with the holder's process id and the time it started; of a
 * holder that is gone, it is taken over.
 */
import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';

const has = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;

/** Field 22 of /proc/PID/stat; what stands before it may hold anything. Null when there is no such process. */
const startOf = async (pid: number): Promise<string | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
};

const alive = async (holder: string): Promise<boolean> => {
  const m = /^([1-9][0-9]*) ([0-9]+) /.exec(holder);
  return m !== null && (await startOf(Number(m[1]))) === m[2];
};

export type Release = () => Promise<void>;

export const takeLock = async (path: string, doing: string): Promise<Result<Release>> => {
  const own = `${process.pid} ${await startOf(process.pid)} ${doing}\n`;
  const beside = `${path}.${process.pid}`;
  const busy = (holder: string) =>
    refuse(
      'busy',
      doing,
      `it is busy with: ${holder.trim().split(' ').slice(2).join(' ')} (process ${holder.split(' ')[0]})`,
      'Wait until it has ended, or cancel it.',
    );
  await mkdir(dirname(path), { recursive: true });
  await writeFile(beside, own, { mode: 0o644 });
  try {
    for (let i = 0; i < 3; i += 1) {
      try {
        await link(beside, path);
        return ok(() => unlink(path));
      } catch (error) {
        if (!has(error, 'EEXIST')) throw error;
      }
      const holder = await readFile(path, 'utf8').catch(() => null);
      if (holder === null) continue; // just released
      if (await alive(holder)) return busy(holder);
      // moved aside, not removed: whoever took it over in between gets it back
      const aside = `${path}.gone.${process.pid}`;
      await rename(path, aside).catch(() => {});
      const moved = await readFile(aside, 'utf8').catch(() => holder);
      if (moved !== holder) await link(aside, path).catch(() => {});
      await unlink(aside).catch(() => {});
      if (moved !== holder) return busy(moved);
    }
    return refuse('busy', doing, 'another process keeps taking the lock', 'Try again.');
  } finally {
    await unlink(beside).catch(() => {});
  }
};
