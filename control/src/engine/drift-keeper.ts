/** Keeps the baseline that drift is measured against, and tells of drift when it comes, changes and goes. */
import type { Observed } from '../domain/observed/observed.ts';
import { capture } from '../domain/plan/capture.ts';
import type { DesiredState } from '../domain/state/state.ts';
import { poolsAreKnown } from '../host/observe.ts';
import type { Clock, Store } from '../store/types.ts';
import { driftBetween, nextBaseline, withUnknown } from './drift.ts';
import type { DriftStatus } from './engine.ts';

const BASELINE = 'drift.baseline';
/** An event is for reading: the whole list is in the status. */
const TOLD_ITEMS = 100;

export type DriftKeeper = {
  status(): DriftStatus;
  /** Compares with the baseline, and tells if that changed anything. */
  look(o: Observed): DriftStatus;
  /** What is there now is as it should be. */
  adopt(o: Observed): void;
  /** What is there now is as it should be in what a run touched; the rest keeps its old baseline. */
  adoptTouched(o: Observed, touched: ReadonlySet<string>): void;
};

export const createDriftKeeper = ({ store, clock }: { store: Store; clock: Clock }): DriftKeeper => {
  let status: DriftStatus = { state: 'unknown', checkedAt: null, since: null, against: null, items: [] };

  const baseline = (): DesiredState | null => {
    const text = store.settings.get(BASELINE);
    return text === null ? null : (JSON.parse(text) as DesiredState); // written by put alone
  };
  const put = (state: DesiredState): void =>
    store.transact(() => {
      store.settings.set(BASELINE, JSON.stringify(state));
      const named = (noun: string, list: readonly { name: string; guid?: string | undefined }[]): [string, string][] =>
        list.flatMap((x) => (x.guid === undefined ? [] : [[`${noun} ${x.name}`, x.guid] as [string, string]]));
      // from the baseline, not from what is seen: a name that drifted away keeps the guid it had with us
      store.states.setIdentities(new Map([...named('pool', state.pools), ...named('dataset', state.datasets)]));
    });
  const unknownPools = (o: Observed): Set<string> => new Set(o.stuck.map((s) => s.pool));
  const seenNow = (o: Observed): DesiredState => withUnknown(baseline(), capture(o), unknownPools(o));

  const compare = (o: Observed): DriftStatus => {
    const was = baseline();
    const checkedAt = clock();
    if (was === null) return { state: 'unknown', checkedAt, since: null, against: null, items: [] };
    const items = driftBetween(was, capture(o), unknownPools(o));
    return {
      state: items.length === 0 ? 'in-sync' : 'drifted',
      checkedAt,
      since: items.length === 0 ? null : (status.since ?? checkedAt),
      against: store.states.latest('applied')?.id ?? null,
      items,
    };
  };

  const tell = (before: DriftStatus): void => {
    const told = (d: DriftStatus): string => d.items.map((i) => `${i.what} ${i.noun} ${i.name}`).join('\n');
    if (told(before) === told(status)) return;
    const event = (kind: 'gitops.drift' | 'gitops.in-sync', message: string): void =>
      void store.events.append({
        kind,
        severity: kind === 'gitops.drift' ? 'warning' : 'info',
        subject: 'state',
        message,
        actor: 'dplaned',
        data: { items: status.items.slice(0, TOLD_ITEMS) },
      });
    store.transact(() => {
      if (status.state === 'drifted') {
        const first = status.items.slice(0, 3).map((i) => i.message);
        const n = status.items.length;
        const message = `${n} ${n === 1 ? 'difference' : 'differences'} from what was last applied: ${first.join('; ')}`;
        store.alerts.raise({ kind: 'drift', subject: 'state', severity: 'warning', message }, clock());
        event('gitops.drift', message);
      } else {
        store.alerts.resolve('drift', 'state', clock());
        event('gitops.in-sync', 'the system is as it was last applied');
      }
    });
  };

  return {
    status: () => status,
    look: (o) => {
      if (!poolsAreKnown(o)) return status; // nothing can be told from it
      const before = status;
      status = compare(o);
      tell(before);
      return status;
    },
    adopt: (o) => {
      if (poolsAreKnown(o)) put(seenNow(o));
    },
    adoptTouched: (o, touched) => {
      if (!poolsAreKnown(o)) return;
      const old = baseline();
      const now = seenNow(o);
      put(old === null ? now : nextBaseline(old, driftBetween(old, now, unknownPools(o)), touched, now));
    },
  };
};
