/** What a change of snapshots would take with it, looked at before it is planned; and what changed between two of them. */
import { z } from 'zod';
import { DatasetName, Guid, SnapshotTag } from '../../domain/names.ts';
import { orThrow } from '../../domain/refusal.ts';
import { FileEntry, FilePath, FileVersion, InSnapshot } from '../../domain/snapshot/files.ts';
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
  browse: on({
    permission: 'data.read',
    about: 'A folder as it was in a snapshot: folders first, then by name; more of it from `offset` on.',
    rest: { method: 'GET', path: '/api/zfs/snapshots/browse' },
    answer: z.object({ total: z.number(), entries: z.array(FileEntry) }),
  })
    .input(InSnapshot.extend({ path: FilePath.default(''), offset: z.number().int().min(0).max(10_000_000).default(0) }))
    .query(async ({ ctx, input: { path, offset, ...at } }) =>
      orThrow(await ctx.services.engine.views.browse(ctx.who().actor, at, path, offset)),
    ),
  search: on({
    permission: 'data.read',
    about: 'Files and folders of a snapshot whose name holds a text: so far as one looks within seconds.',
    rest: { method: 'GET', path: '/api/zfs/snapshots/search' },
    answer: z.object({ found: z.array(z.object({ path: z.string(), entry: FileEntry })), complete: z.boolean() }),
  })
    .input(InSnapshot.extend({ path: FilePath.default(''), text: z.string().min(1).max(255) }))
    .query(async ({ ctx, input: { path, text, ...at } }) =>
      orThrow(await ctx.services.engine.views.search(ctx.who().actor, at, path, text)),
    ),
  versions: on({
    permission: 'data.read',
    about: 'The states of one file or folder across the newest snapshots of its dataset, oldest first.',
    rest: { method: 'GET', path: '/api/zfs/snapshots/versions' },
    answer: z.object({ versions: z.array(FileVersion), looked: z.number(), of: z.number() }),
  })
    .input(z.strictObject({ dataset: DatasetName, path: FilePath }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.views.versions(ctx.who().actor, input.dataset, input.path))),
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
