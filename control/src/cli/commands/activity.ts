/** What happened. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Command } from '../parse.ts';
import { command, limit } from './shared.ts';

export const activityCommands: readonly Command<Handler>[] = [
  command(
    'status',
    'is my data safe, is anything asked of me, what changed',
    ['status', 'status --json'],
    async () => (await import('../cmd/status.ts')).status,
  ),
  command(
    'events',
    'what happened',
    ['events', 'events --follow', 'events --after 1200 --json'],
    async () => (await import('../cmd/activity.ts')).events,
    {
      options: [
        { name: 'follow', help: 'go on as things happen; survives a lost connection without a gap' },
        { name: 'after', value: 'SEQ', help: 'only those after this number' },
        { name: 'kind', value: 'KIND', many: true, help: 'only this kind, such as pool.health-changed; may be repeated' },
        { name: 'subject', value: 'SUBJECT', help: 'only about this, such as pool:tank' },
        { name: 'match', value: 'TEXT', help: 'only those that contain this' },
        limit('events (default 30)'),
      ],
    },
  ),
  command('alerts', 'what needs attention now', ['alerts', 'alerts --all'], async () => (await import('../cmd/activity.ts')).alerts, {
    options: [{ name: 'all', help: 'also those that have resolved' }],
  }),
  command(
    'audit list',
    'who did what, and why it was allowed',
    ['audit list', 'audit list --match destroy'],
    async () => (await import('../cmd/activity.ts')).auditList,
    {
      options: [
        { name: 'match', value: 'TEXT', help: 'only entries that contain this' },
        { name: 'before', value: 'SEQ', help: 'only entries before this number' },
        limit('entries (default 30)'),
      ],
    },
  ),
  command(
    'audit verify',
    'has anyone changed the audit log?',
    ['audit verify'],
    async () => (await import('../cmd/activity.ts')).auditVerify,
    {
      details: 'Checks the chain of all entries and the sealed head. Exit 1 when it is broken.',
    },
  ),
];
