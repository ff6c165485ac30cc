import type { ObservedPool } from '../../../../control/src/domain/pool/pool.ts';
import { plural, relative } from '../../parts/words.ts';
import { now } from '../../data/clock.ts';

type Scan = ObservedPool['scan'];
/** The last look at every block, in a sentence. */
export const scanText = (s: Scan): string => {
  if (s.kind === 'none' || s.state === 'none') return 'Never scrubbed';
  const what = s.kind === 'scrub' ? 'Scrub' : 'Resilver';
  if (s.state === 'scanning') return `${what} running, ${(s.progress * 100).toFixed(1)}% done`;
  if (s.state === 'paused') return `${what} paused at ${(s.progress * 100).toFixed(1)}%`;
  if (s.state === 'canceled') return `${what} stopped ${s.endedAt === null ? '' : relative(s.endedAt, now())}`;
  return `${what} ${s.endedAt === null ? 'finished' : relative(s.endedAt, now())}, ${s.errors === 0 ? 'no errors' : plural(s.errors, 'error')}`;
};
/** What is left at the pace so far; null while it is too early to say. */
export const leftOf = (s: Scan, at: number): number | null =>
  s.state !== 'scanning' || s.startedAt === null || s.progress < 0.01 ? null : ((at - s.startedAt) / s.progress) * (1 - s.progress);
