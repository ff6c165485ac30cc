/** Alerts that come and go with what is seen: what holds is opened or kept, what held and doesn't is resolved; each change is an event. */
import { type Alert, alertKey } from '../domain/alert/alert.ts';
import type { Store } from '../store/types.ts';

type Condition = Pick<Alert, 'kind' | 'subject' | 'severity' | 'message'>;

const open = (store: Store, c: Condition, now: number): void => {
  if (store.alerts.raise(c, now))
    store.events.append({
      kind: 'alert.opened',
      severity: c.severity,
      subject: c.subject,
      message: c.message,
      actor: 'dplaned',
      data: { alert: c.kind },
    });
};
/** One that is known before the next look finds it. */
export const openAlert = (store: Store, c: Condition, now: number): void => store.transact(() => open(store, c, now));

/** `kinds`: those that belong to whoever asks, and that end when they are not in `holding`. */
export const settleAlerts = (store: Store, holding: readonly Condition[], kinds: ReadonlySet<string>, now: number): void => {
  const keys = new Set(holding.map(alertKey));
  store.transact(() => {
    for (const c of holding) open(store, c, now);
    for (const a of store.alerts.open())
      if (kinds.has(a.kind) && !keys.has(alertKey(a)) && store.alerts.resolve(a.kind, a.subject, now))
        store.events.append({
          kind: 'alert.resolved',
          severity: 'info',
          subject: a.subject,
          message: `resolved: ${a.message}`,
          actor: 'dplaned',
          data: { alert: a.kind },
        });
  });
};
