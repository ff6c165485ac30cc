/** What one asks before and while a pool's disks are changed: which disk may stand where, and how far the work is. */
import { z } from 'zod';
import { Candidate, candidateFor, inOrderOfUse } from '../../domain/disk/candidate.ts';
import { PoolName } from '../../domain/names.ts';
import { placeIn } from '../../domain/plan/pool-deeds.ts';
import { PoolCare } from '../../domain/pool/settings.ts';
import { Importable } from '../../domain/pool/importable.ts';
import { ObservedPool, ObservedVdev, PoolHealth, Scan } from '../../domain/pool/pool.ts';
import { findDisk, findVdev } from '../../domain/pool/redundancy.ts';
import { orThrow } from '../../domain/refusal.ts';
import { refusal } from '../errors.ts';
import { nothing, on } from '../trpc.ts';

const Care = z.object({ pool: PoolName, care: PoolCare, next: z.object({ scrub: z.number().nullable(), trim: z.number().nullable() }) });
const ZfsEvent = z.object({
  id: z.number(),
  at: z.number(),
  class: z.string(),
  pool: z.string().nullable(),
  fields: z.record(z.string(), z.string()),
});
const DiskRef = z.string().min(1).max(512);

export const poolProcedures = {
  importable: on({
    permission: 'storage.read',
    about:
      'Pools that lie on the disks of this machine and are not in use, and which machine had each last. Reads every disk: not for polling.',
    rest: { method: 'GET', path: '/api/zfs/importable' },
    answer: z.object({ pools: z.array(Importable) }),
  })
    .input(nothing)
    .query(async ({ ctx }) => ({ pools: orThrow(await ctx.services.engine.importable()) })),
  events: on({
    permission: 'storage.read',
    about: 'What the ZFS of the kernel noted lately, newest first: errors, changes of state, resilvers. It forgets them at a restart.',
    rest: { method: 'GET', path: '/api/zfs/events' },
    answer: z.object({ events: z.array(ZfsEvent) }),
  })
    .input(z.strictObject({ pool: PoolName.optional(), limit: z.number().int().min(1).max(500).default(100) }).prefault({}))
    .query(async ({ ctx, input }) => {
      const all = orThrow(await ctx.services.engine.zfsEvents());
      const some = input.pool === undefined ? all : all.filter((e) => e.pool === input.pool);
      return { events: some.toReversed().slice(0, input.limit) };
    }),
  care: on({
    permission: 'storage.read',
    about: 'When a pool is scrubbed and trimmed by itself.',
    rest: { method: 'GET', path: '/api/zfs/pools/{name}/care' },
    answer: Care,
  })
    .input(z.strictObject({ name: PoolName }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.poolCare(input.name))),
  setCare: on({
    permission: 'storage.write',
    about: 'Sets when a pool is scrubbed and trimmed by itself: cron in a time zone, or null for never.',
    rest: { method: 'PUT', path: '/api/zfs/pools/{name}/care' },
    answer: Care,
  })
    .input(z.strictObject({ name: PoolName, care: PoolCare }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.setPoolCare(input.name, input.care, ctx.who().actor))),
  candidates: on({
    permission: 'storage.read',
    about: 'Which disks may take the place of one (or stand beside it), the best first; each that may not, with every reason.',
    rest: { method: 'GET', path: '/api/zfs/pools/{name}/candidates' },
    answer: z.object({
      at: z.number(),
      pool: PoolName,
      for: z.string(),
      /** Bytes that a disk has to have room for; null when it is not known. */
      minSize: z.number().nullable(),
      sector: z.number().nullable(),
      candidates: z.array(Candidate),
    }),
  })
    .input(
      z.strictObject({
        name: PoolName,
        /** A disk of the pool, or one of its vdevs: guid, path or name. */
        for: DiskRef,
      }),
    )
    .query(async ({ ctx, input }) => {
      const { observed } = await ctx.services.engine.observe();
      const pool = observed.pools.find((p) => p.name === input.name);
      if (!pool)
        throw refusal(
          'not-found',
          `There is no pool ${input.name}`,
          'it was not there at the last look',
          '`dplane pool list` shows what there is.',
        );
      const found = findDisk(pool, input.for);
      const vdev = found?.vdev ?? findVdev(pool, input.for);
      if (!vdev)
        throw refusal(
          'not-found',
          `There is no disk ${input.for}`,
          `pool ${pool.name} has none of this name`,
          '`dplane pool show` lists its disks.',
        );
      const place = placeIn(vdev, observed.disks, pool, found?.disk);
      const others = observed.disks.filter((d) => !d.system && d.pool !== pool.name);
      const candidates = inOrderOfUse(others.map((d) => candidateFor(d, place)));
      return {
        at: observed.at,
        pool: pool.name,
        for: found?.disk.path ?? vdev.name,
        minSize: place.minSize,
        sector: place.sector,
        candidates,
      };
    }),
  progress: on({
    permission: 'storage.read',
    about: 'How far a scrub, a resilver, a trim or an expansion is, now: asked of the pool itself.',
    rest: { method: 'GET', path: '/api/zfs/pools/{name}/progress' },
    answer: z.object({
      at: z.number(),
      name: PoolName,
      guid: z.string(),
      health: PoolHealth,
      scan: Scan,
      expansion: ObservedPool.shape.expansion,
      trim: ObservedPool.shape.trim,
      vdevs: z.array(ObservedVdev),
    }),
  })
    .input(z.strictObject({ name: PoolName }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.poolProgress(input.name))),
};
