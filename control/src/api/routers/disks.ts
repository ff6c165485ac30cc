/** Disks: what they are and who uses them, how healthy each is and was, and their self-tests. */
import { z } from 'zod';
import { Disk } from '../../domain/disk/disk.ts';
import { DiskCare, DiskHealth, DiskPast } from '../../domain/disk/health.ts';
import { TestKind } from '../../domain/disk/smart.ts';
import { DiskLabel } from '../../domain/operation/pool-operations.ts';
import { orThrow } from '../../domain/refusal.ts';
import { nothing, on, router } from '../trpc.ts';

const Care = z.object({ care: DiskCare, next: z.object({ short: z.number().nullable(), long: z.number().nullable() }) });

export const disks = router({
  list: on({
    permission: 'storage.read',
    about: 'All disks by their stable path, and who uses them.',
    rest: { method: 'GET', path: '/api/zfs/disks' },
    answer: z.object({ at: z.number(), disks: z.array(Disk) }),
  })
    .input(nothing)
    .query(({ ctx }) => ctx.services.engine.disks()),
  health: on({
    permission: 'storage.read',
    about: 'The health of all disks: what each said last of itself, its risk, and the reasons for it in words. No disk is asked by this.',
    rest: { method: 'GET', path: '/api/zfs/disks/health' },
    answer: z.object({ at: z.number(), disks: z.array(DiskHealth) }),
  })
    .input(nothing)
    .query(({ ctx }) => ctx.services.engine.diskHealth()),
  care: on({
    permission: 'storage.read',
    about: 'How often disks are asked for their health, and when they test themselves.',
    rest: { method: 'GET', path: '/api/zfs/disks/care' },
    answer: Care,
  })
    .input(nothing)
    .query(({ ctx }) => ctx.services.engine.diskCare()),
  setCare: on({
    permission: 'storage.write',
    about: 'Sets how often disks are asked (10 minutes to a day), and when they test themselves: cron in a time zone, or null for never.',
    rest: { method: 'PUT', path: '/api/zfs/disks/care' },
    answer: Care,
  })
    .input(z.strictObject({ care: DiskCare }))
    .mutation(({ ctx, input }) => ctx.services.engine.setDiskCare(input.care, ctx.who().actor)),
  past: on({
    permission: 'storage.read',
    about: 'The health of one disk and how it became so: each count where it changed, the temperature by the hour.',
    rest: { method: 'GET', path: '/api/zfs/disks/{disk}/health' },
    answer: DiskPast,
  })
    .input(
      z.strictObject({
        /** Its name, such as ata-MODEL_SERIAL. */
        disk: DiskLabel,
        days: z.number().min(0.1).max(400).default(30),
      }),
    )
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.diskPast(input.disk, input.days))),
  read: on({
    permission: 'storage.write',
    about: 'Asks one disk now. One that sleeps is not woken.',
    rest: { method: 'POST', path: '/api/zfs/disks/{disk}/health' },
    answer: DiskHealth,
  })
    .input(z.strictObject({ disk: DiskLabel }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.readDisk(input.disk))),
  test: on({
    permission: 'storage.write',
    about: 'A disk tests itself, in use or not (short: minutes; long: hours), or stops doing so. One that sleeps is woken for it.',
    rest: { method: 'POST', path: '/api/zfs/disks/{disk}/self-test' },
    answer: DiskHealth,
  })
    .input(z.strictObject({ disk: DiskLabel, test: z.union([TestKind, z.literal('stop')]) }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.testDisk(input.disk, input.test, ctx.who().actor))),
});
