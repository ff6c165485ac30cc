/** A pool's past, asked for again as often as the box takes a sample: no event tells of one. */
import { onCleanup } from 'solid-js';
import { useQuery } from '../../data/query.ts';
import type { Outputs } from '../../data/trpc.ts';
import { trpc } from '../../data/trpc.ts';

export type History = Outputs['pools']['history'];
const RECORD_EVERY = 300_000;

export const useHistory = (input: () => { name: string; days: number }) => {
  const query = useQuery(
    'pool-history',
    input,
    (i) => trpc.pools.history.query(i),
    // No event tells of a sample; there is one every five minutes.
    { topics: [], by: 'at' },
  );
  const timer = setInterval(() => query.refetch(), RECORD_EVERY);
  onCleanup(() => clearInterval(timer));
  return query;
};
