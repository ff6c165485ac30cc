/** What a change of snapshots would take with it, looked at before it is planned; and what changed between two of them. */
import { z } from 'zod';
import { DatasetName, Guid, SnapshotTag } from '../../domain/names.ts';
import { orThrow } from '../../domain/refusal.ts';
import { DiffEntry } from '../../domain/snapshot/snapshot.ts';
import { on } from '../trpc.ts';

const Lost = z.object({ tag: SnapshotTag, guid: Guid, at: z.number(), held: z.boolean(), clones: z.array(z.string()) });

export const snapshotViews = {
  rollback: on({
    permission: 'storage.read',
    about: 'What rolling back to a snapshot would destroy, and what stands in its way.',
    rest: { method: 'GET', path: '/api/zfs/snapshots/rollback' },
    answer: z.object({ guid: Guid, at: z.number(), loses: z.array(Lost), bookmarks: z.array(z.string()), obstacles: z.array(z.string()) }),
  })
    .input(z.strictObject({ dataset: DatasetName, tag: SnapshotTag }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.views.rollback(input.dataset, input.tag))),
  range: on({
    permission: 'storage.read',
    about: 'The snapshots of a dataset from one to another, and how much space their destruction would give back.',
    rest: { method: 'GET', path: '/api/zfs/snapshots/range' },
    answer: z.object({ snapshots: z.array(Lost), reclaims: z.number().nullable(), obstacles: z.array(z.string()) }),
  })
    .input(z.strictObject({ dataset: DatasetName, from: SnapshotTag, to: SnapshotTag }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.views.range(input.dataset, input.from, input.to))),
  diff: on({
    permission: 'data.read',
    about: 'What changed from a snapshot to a later one, or to now: names, not contents.',
    rest: { method: 'GET', path: '/api/zfs/snapshots/diff' },
    answer: z.object({ entries: z.array(DiffEntry), complete: z.boolean() }),
  })
    .input(
      z.strictObject({
        dataset: DatasetName,
        tag: SnapshotTag,
        /** A later one; without it, now. */
        to: SnapshotTag.optional(),
        limit: z.number().int().min(1).max(10_000).default(1000),
      }),
    )
    .query(async ({ ctx, input: i }) =>
      orThrow(await ctx.services.engine.views.diff(ctx.who().actor, i.dataset, i.tag, i.to ?? null, i.limit)),
    ),
};
