/** ReplicationTask is the intent; a ReplicationRun is one execution. */
import { z } from 'zod';
import { DatasetName, SnapshotTag } from '../names.ts';
import { Cron } from '../schedule/schedule.ts';
export const ReplicationTask = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,40}$/),
  source: DatasetName,
  target: z.strictObject({
    host: z
      .string()
      .max(255)
      .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?$/, 'expected a host name or address'),
    port: z.number().int().min(1).max(65535).default(22),
    user: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/),
    dataset: DatasetName,
  }),
  recursive: z.boolean().default(false),
  /** Fixed for the life of the task: mixing raw and non-raw sends damages encrypted targets. */
  raw: z.boolean().default(false),
  rateLimit: z.number().int().positive().nullable().default(null),
  cron: Cron,
  enabled: z.boolean().default(true),
});
export type ReplicationTask = z.infer<typeof ReplicationTask>;
export const ReplicationRun = z.object({
  id: z.string(),
  task: z.string(),
  snapshot: SnapshotTag,
  state: z.enum(['running', 'succeeded', 'failed', 'interrupted']),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  bytes: z.number().nonnegative(),
  reason: z.string().nullable(),
});
export type ReplicationRun = z.infer<typeof ReplicationRun>;
