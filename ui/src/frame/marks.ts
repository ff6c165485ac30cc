/** What is asked of somebody, beside the places in the rail: so that it is seen on every page. */
import { createMemo } from 'solid-js';
import { now } from '../data/clock.ts';
import { useQuery } from '../data/query.ts';
import { may } from '../data/session.ts';
import { trpc } from '../data/trpc.ts';
import { useUpdates } from '../data/updates.ts';
import { standingOf } from '../pages/system/words.ts';
import { type Tone, toneOfSeverity } from '../parts/Status.tsx';
import { plural } from '../parts/words.ts';

export type Mark = { tone: Tone; text: string; count?: number };
const WORSE = ['info', 'warning', 'critical'] as const;

export const useMarks = (): ((href: string) => Mark | undefined) => {
  const alerts = useQuery(
    'alerts',
    () => (may('events.read') ? { history: false, limit: 500 } : null),
    (i) => trpc.alerts.list.query(i),
    { topics: ['alert'], by: 'openedAt' },
  );
  const updates = useUpdates();
  const ofAlerts = createMemo((): Mark | undefined => {
    const open = alerts.data()?.alerts.filter((a) => a.resolvedAt === null) ?? [];
    const worst = WORSE.findLast((s) => open.some((a) => a.severity === s));
    return worst && { tone: toneOfSeverity(worst), text: plural(open.length, 'open alert'), count: open.length };
  });
  const ofUpdates = createMemo((): Mark | undefined => {
    const v = updates.data();
    const s = v && standingOf(v, now());
    if (!s || s.kind === 'calm' || s.kind === 'none') return undefined;
    return { tone: s.kind === 'installing' ? 'busy' : s.tone === 'bad' ? 'bad' : 'warn', text: s.title };
  });
  return (href) => (href === '/activity' ? ofAlerts() : href === '/system' ? ofUpdates() : undefined);
};
