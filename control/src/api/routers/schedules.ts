/** Snapshot schedules: what there is, how each is doing, and what one would keep. They are changed by plans, as everything is. */
import { z } from 'zod';
import { Preview, PREVIEW_DAYS } from '../../domain/schedule/preview.ts';
import { ScheduleName, ScheduleRun, SnapshotSchedule } from '../../domain/schedule/schedule.ts';
import { refusal } from '../errors.ts';
import { nothing, on, router } from '../trpc.ts';

const Status = z.object({
  schedule: SnapshotSchedule,
  nextAt: z.number().nullable(),
  running: z.boolean(),
  last: ScheduleRun.nullable(),
  /** Snapshots that carry its mark. */
  snapshots: z.number().int(),
});
const Days = z.number().int().min(1).max(PREVIEW_DAYS).default(PREVIEW_DAYS);

export const schedules = router({
  list: on({
    permission: 'storage.read',
    about: 'All snapshot schedules, when each is due, and how its last run ended.',
    rest: { method: 'GET', path: '/api/schedules' },
    answer: z.object({ now: z.number(), schedules: z.array(Status) }),
  })
    .input(nothing)
    .query(async ({ ctx: { services: s } }) => ({ now: s.clock(), schedules: await s.engine.schedules.list() })),
  get: on({
    permission: 'storage.read',
    about: 'One snapshot schedule.',
    rest: { method: 'GET', path: '/api/schedules/{name}' },
    answer: Status,
  })
    .input(z.strictObject({ name: ScheduleName }))
    .query(async ({ ctx, input }) => {
      const found = (await ctx.services.engine.schedules.list()).find((x) => x.schedule.name === input.name);
      if (!found)
        throw refusal(
          'not-found',
          `There is no schedule ${input.name}`,
          'none has this name',
          '`dplane schedule list` shows what there is.',
        );
      return found;
    }),
  preview: on({
    permission: 'storage.read',
    about: 'A dry run: what a schedule, saved or not, would take within a year, what would live and what would die.',
    rest: { method: 'POST', path: '/api/schedules/preview' },
    answer: Preview,
  })
    .input(z.strictObject({ schedule: SnapshotSchedule, days: Days }))
    .mutation(({ ctx, input }) => ctx.services.engine.schedules.preview(input.schedule, input.days)),
});
