/** Clones that were made for a while. Making, extending, keeping and ending them are plans (`clone.make`, ...). */
import { z } from 'zod';
import { TemporaryClone } from '../../domain/snapshot/clone.ts';
import { nothing, on, router } from '../trpc.ts';

const View = TemporaryClone.extend({ dataset: z.string().nullable(), mountpoint: z.string().nullable(), left: z.number() });
export const clones = router({
  list: on({
    permission: 'storage.read',
    about: 'Clones that were made for a while: where they are, their share, and how many milliseconds are left.',
    rest: { method: 'GET', path: '/api/zfs/clones' },
    answer: z.object({ clones: z.array(View) }),
  })
    .input(nothing)
    .query(async ({ ctx }) => ({ clones: await ctx.services.engine.clones.list() })),
});
