/**
 * One at a time: two builds in one cache would take each other's work folders away. The lock is a process's (flock), so it ends with
 * whoever held it, however that ended. Not to be taken twice by one program: it would wait for itself.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { spawnLong } from '../../lab/src/exec.ts';
import { cacheFolder } from './places.ts';
import type { Progress } from './progress.ts';

/** For whatever is made in the cache's folder itself. */
export const builds = (): string => join(cacheFolder(), 'lock');

export async function alone<T>(file: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  // what it is given comes back when the lock is held
  let held = (): void => {};
  const taken = new Promise<'held'>((resolve) => {
    held = () => resolve('held');
  });
  const holder = spawnLong(['flock', file, 'cat'], { onOutput: held });
  holder.write('held');
  const first = Promise.race([taken, holder.ended]);
  try {
    const soon = await Promise.race([first, setTimeout(1_000, 'waiting', { ref: false })]);
    const got = soon === 'waiting' ? await progress.step('another build has to end first', () => first) : soon;
    if (got !== 'held') throw new Error(`${file} can't be locked: ${JSON.stringify(got)}`);
    return await work();
  } finally {
    holder.closeInput();
    await holder.ended;
  }
}
