/** How fast something goes and how long it will take, from what was seen of it lately. Pure: the time is passed in. */
import { formatBytes } from '../domain/units.ts';
import { lasted } from './format.ts';

/** Older than this says little about now. */
const WINDOW_MS = 10_000;

export class Pace {
  readonly #seen: { at: number; done: number }[] = [];

  /** Call it with the time and how much is done by then. */
  see(at: number, done: number): void {
    this.#seen.push({ at, done });
    while ((this.#seen[1]?.at ?? at) < at - WINDOW_MS) this.#seen.shift();
  }
  /** Bytes a second; null while it can't be told. */
  get rate(): number | null {
    const first = this.#seen[0];
    const last = this.#seen.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < 500) return null;
    return ((last.done - first.done) * 1000) / (last.at - first.at);
  }
}

/** `43%  712 MiB of 1.6 GiB  31 MiB/s  about 29 s left` */
export const paceText = (done: number, total: number, rate: number | null): string => {
  const part = total > 0 ? Math.floor((100 * done) / total) : 0;
  const parts = [`${String(part).padStart(3)}%`, `${formatBytes(done)} of ${formatBytes(total)}`];
  if (rate !== null) parts.push(`${formatBytes(Math.round(rate))}/s`);
  if (rate !== null && rate > 0 && done < total) parts.push(`about ${lasted(Math.max(1000, ((total - done) * 1000) / rate))} left`);
  return parts.join('  ');
};
