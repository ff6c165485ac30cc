/** Events: facts in the past tense, numbered in one sequence that subscribers resume from. */
import { z } from 'zod';

export const EventKind = z.enum([
  'system.started',
  'system.claimed',
  'system.recovered',
  'pool.created',
  'pool.changed',
  'pool.health-changed',
  'pool.stuck',
  'pool.answered',
  'disk.erased',
  'disk.removed',
  'disk.returned',
  'dataset.created',
  'dataset.changed',
  'dataset.renamed',
  'dataset.destroyed',
  'snapshot.created',
  'snapshot.changed',
  'snapshot.destroyed',
  'file.restored',
  'schedule.changed',
  'schedule.removed',
  'schedule.ran',
  'schedule.failed',
  'share.created',
  'share.changed',
  'share.removed',
  'plan.created',
  'plan.approved',
  'run.started',
  'run.step',
  'run.finished',
  'run.interrupted',
  'update.started',
  'update.staged',
  'update.failed',
  'update.cancelled',
  'update.confirmed',
  'update.reverted',
  'update.rolled-back',
  'update.keys-changed',
  'system.restarting',
  'store.stepped-back',
  'gitops.drift',
  'gitops.in-sync',
  'gitops.state-saved',
  'alert.opened',
  'alert.resolved',
  'access.login',
  'access.login-failed',
  'access.changed',
]);
export type EventKind = z.infer<typeof EventKind>;
export const Severity = z.enum(['info', 'warning', 'critical']);
export type Severity = z.infer<typeof Severity>;

export const Event = z.object({
  seq: z.number().int().positive(),
  at: z.number(),
  kind: EventKind,
  severity: Severity,
  /** `dataset:tank/media`, `pool:tank`, `run:...`. */
  subject: z.string(),
  message: z.string(),
  actor: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export type Event = z.infer<typeof Event>;
export type NewEvent = Omit<Event, 'seq' | 'at'>;
