/** An alert is an open condition keyed by kind + subject; it resolves itself when the condition ends. */
import { z } from 'zod';
import { Severity } from '../event/event.ts';
export const AlertKind = z.enum([
  'pool.health',
  'pool.stuck',
  'pool.heartbeat',
  'pool.capacity',
  'disk.errors',
  'disk.missing',
  'disk.risk',
  'drift',
  'run.interrupted',
  'audit.broken',
  'store.damaged',
  'host.tool-missing',
  'share.down',
  'update.reverted',
  'update.unconfirmed',
  'update.chosen-by-hand',
  'slots.unreadable',
  'store.stepped-back',
  'schedule.failed',
  'key.not-copied',
  'clone.expired',
]);
export type AlertKind = z.infer<typeof AlertKind>;
export const Alert = z.object({
  kind: AlertKind,
  subject: z.string(),
  severity: Severity,
  message: z.string(),
  openedAt: z.number(),
  updatedAt: z.number(),
  resolvedAt: z.number().nullable(),
});
export type Alert = z.infer<typeof Alert>;
export const alertKey = (a: Pick<Alert, 'kind' | 'subject'>): string => `${a.kind} ${a.subject}`;
