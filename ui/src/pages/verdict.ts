/** The first sentence of the overview: is the data safe, and if not, what does it mean. Pure. */
import type { Tone } from '../parts/Status.tsx';
import { plural } from '../parts/words.ts';

type PoolState = { name: string; health: string; meaning: string };
export type Verdict = { tone: Tone; title: string; meaning: string };

const list = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

export const verdictOf = (o: { pools: readonly PoolState[]; stuck: readonly { pool: string }[] }): Verdict => {
  const gone = [
    ...o.stuck.map((s) => s.pool),
    ...o.pools.filter((p) => p.health !== 'ONLINE' && p.health !== 'DEGRADED').map((p) => p.name),
  ];
  const degraded = o.pools.filter((p) => p.health === 'DEGRADED');
  const odd = o.pools.filter((p) => p.health === 'ONLINE' && p.meaning !== 'healthy');
  if (gone.length > 0)
    return {
      tone: 'bad',
      title: `${list(gone)} cannot be read`,
      meaning: o.pools.find((p) => p.name === gone.at(-1))?.meaning ?? 'the pool does not answer; what is on it is not reachable now',
    };
  if (degraded.length > 0)
    return {
      tone: 'warn',
      title: `All data is readable, ${list(degraded.map((p) => p.name))} ${degraded.length === 1 ? 'is' : 'are'} at risk`,
      meaning: degraded.map((p) => (degraded.length > 1 ? `${p.name}: ${p.meaning}` : p.meaning)).join('. '),
    };
  if (odd.length > 0)
    return { tone: 'warn', title: `${list(odd.map((p) => p.name))} needs a look`, meaning: odd.map((p) => p.meaning).join('. ') };
  if (o.pools.length === 0) return { tone: 'idle', title: 'There is no pool yet', meaning: 'Nothing is stored on this box.' };
  return { tone: 'ok', title: 'Your data is safe', meaning: `${plural(o.pools.length, 'pool is', 'pools are')} healthy.` };
};
