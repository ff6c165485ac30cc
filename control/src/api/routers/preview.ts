/** What a destruction or a new name would take with it: looked at on the host when it is asked, and nothing is changed by asking. */
import { z } from 'zod';
import { DatasetName, SnapshotTag } from '../../domain/names.ts';
import { DestroyPreview, RenamePreview } from '../../domain/plan/preview.ts';
import { orThrow } from '../../domain/refusal.ts';
import { on, router } from '../trpc.ts';

export const preview = router({
  destroy: on({
    permission: 'storage.read',
    about:
      'What goes when a dataset is destroyed with all below it, or some of its snapshots (`tags`, separated by commas), and what stands in the way.',
    rest: { method: 'GET', path: '/api/zfs/preview/destroy' },
    answer: DestroyPreview,
  })
    .input(
      z.strictObject({
        dataset: DatasetName,
        tags: z
          .string()
          .max(100_000)
          .transform((text) => text.split(','))
          .pipe(z.array(SnapshotTag).min(1).max(1000))
          .optional(),
      }),
    )
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.previews.destroy(input.dataset, input.tags ?? null))),
  rename: on({
    permission: 'storage.read',
    about: 'What moves along when a dataset gets another name: datasets, paths, shares with who is connected, schedules.',
    rest: { method: 'GET', path: '/api/zfs/preview/rename' },
    answer: RenamePreview,
  })
    .input(z.strictObject({ dataset: DatasetName, to: DatasetName }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.previews.rename(input.dataset, input.to))),
});
