/**
 * Clones that were made for a while: which there are, and their end. The record is written before the clone is made and gets its guid when the clone is seen
 * with its mark; what has not both is never touched. At its end the share goes first, then the clone, each through its own guards: what has clients waits, what was
 * written to stays, and says so in an alert. All of it is looked at anew every time, so a crash in between only makes it later.
 */
import type { Alert } from '../domain/alert/alert.ts';
import { poolOf } from '../domain/names.ts';
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { shareKey } from '../domain/share/share.ts';
import { CLONE_PROPERTY, type TemporaryClone } from '../domain/snapshot/clone.ts';
import type { ExecAnswer } from '../host/executor.ts';
import type { Host } from '../host/host.ts';
import type { Clock, Store } from '../store/types.ts';
import { settleAlerts } from './conditions.ts';
import type { Observer } from './observer.ts';

const READ_MS = 20_000;
/** One that holds data is asked again so often: a look into it costs. */
const ASK_EVERY = 3_600_000;
const KINDS: ReadonlySet<string> = new Set(['clone.expired']);

export type CloneView = TemporaryClone & {
  /** Where it stands now; null when it is not there (yet). */
  dataset: string | null;
  mountpoint: string | null;
  /** Milliseconds; not below 0. */
  left: number;
};
export type ClonesEngine = {
  list(): Promise<CloneView[]>;
  look(): Promise<void>;
};

export const createClones = (deps: {
  host: Host;
  store: Store;
  observer: Observer;
  clock: Clock;
  /** As the engine itself, with an account of it. */
  execute: (operation: Operation) => Promise<ExecAnswer>;
  tell: (event: NewEvent) => void;
  /** A run is under way: it may be making one. */
  busy: () => boolean;
}): ClonesEngine => {
  const { store, observer, clock } = deps;
  const asked = new Map<string, number>();

  const tell = (clone: TemporaryClone, kind: NewEvent['kind'], severity: NewEvent['severity'], message: string): void =>
    deps.tell({ kind, severity, subject: `dataset:${clone.name}`, message, actor: 'dplaned', data: { clone: clone.name } });
  const forget = (clone: TemporaryClone, kind: NewEvent['kind'], message: string): void =>
    store.transact(() => {
      store.clones.remove(clone.name);
      tell(clone, kind, 'info', message);
    });
  const noted = (clone: TemporaryClone, note: string): void => {
    if (clone.note !== note) store.clones.put({ ...clone, note });
  };

  /** Does the dataset of this name carry the mark? Null when ZFS doesn't say. */
  const carriesMark = async (name: string): Promise<boolean | null> => {
    const r = await deps.host.run(['zfs', 'get', '-H', '-o', 'value,source', CLONE_PROPERTY, name], { timeoutMs: READ_MS });
    return r.failure === null && r.exit === 0 ? r.stdout.trim() === `${name}\tlocal` : null;
  };

  /** Gives a record its guid, or ends one whose clone never came to be. */
  const bind = async (clone: TemporaryClone, o: Observed): Promise<void> => {
    const there = o.datasets.find((d) => d.name === clone.name);
    if (there === undefined) return forget(clone, 'dataset.changed', `clone ${clone.name} was not made`);
    const { dataset, tag } = clone.snapshot;
    const mark = await carriesMark(clone.name);
    if (mark === null) return;
    if (mark && there.origin === `${dataset}@${tag}`) store.clones.put({ ...clone, guid: there.guid });
    else forget(clone, 'dataset.changed', `${clone.name} is not the clone that was to be made: it is left alone`);
  };

  const end = async (clone: TemporaryClone, name: string, o: Observed): Promise<void> => {
    const key = clone.share && shareKey(clone.share);
    const share = o.shares.find((s) => shareKey(s.spec) === key && s.spec.dataset === name);
    if (share && share.clients.length > 0)
      return noted(
        clone,
        `its time is over, and ${[...new Set(share.clients.map((c) => `${c.user}@${c.machine}`))].join(', ')} still uses its share`,
      );
    if (clone.share && share) {
      const removed = await deps.execute({ kind: 'share.remove', share: clone.share.kind, name: clone.share.name });
      if (!removed.ok && removed.refusal.code !== 'not-found') return noted(clone, `its share does not end: ${removed.refusal.why}`);
    }
    // somebody may have given it more time meanwhile
    const now = store.clones.get(clone.name);
    if (now === null || now.guid === null || now.expiresAt > clock()) return;
    if (clock() - (asked.get(clone.name) ?? Number.NEGATIVE_INFINITY) < ASK_EVERY) return;
    const gone = await deps.execute({ kind: 'clone.expire', clone: clone.name, name, guid: now.guid, snapshot: clone.snapshot.guid });
    if (gone.ok) {
      asked.delete(clone.name);
      forget(now, 'dataset.destroyed', `clone ${name} came to its end`);
      return;
    }
    if (gone.refusal.code === 'needs-approval' || gone.refusal.code === 'conflict') asked.set(clone.name, clock());
    noted(now, `its time is over, and it stays: ${gone.refusal.why}`);
  };

  const one = async (clone: TemporaryClone, o: Observed): Promise<void> => {
    const pool = poolOf(clone.name);
    // what can't be seen is not gone
    if (o.stuck.some((s) => s.pool === pool) || !o.pools.some((p) => p.name === pool)) return;
    if (clone.guid === null) return bind(clone, o);
    const there = o.datasets.find((d) => d.guid === clone.guid);
    if (there === undefined) return forget(clone, 'dataset.changed', `clone ${clone.name} is gone`);
    if (there.origin === null) return forget(clone, 'dataset.changed', `${there.name} was promoted: it has no end any more`);
    if (clone.expiresAt > clock()) return;
    await end(clone, there.name, o);
  };

  const alerts = (): Pick<Alert, 'kind' | 'subject' | 'severity' | 'message'>[] =>
    store.clones.list().flatMap((c) =>
      c.note === null
        ? []
        : [
            {
              kind: 'clone.expired' as const,
              subject: `dataset:${c.name}`,
              severity: 'warning' as const,
              message: `clone ${c.name}: ${c.note}. Extend it, keep it, or destroy it by its name`,
            },
          ],
    );

  let looking: Promise<void> | null = null;
  return {
    list: async () => {
      const { observed } = await observer.get(10_000);
      return store.clones.list().map((c) => {
        const d = c.guid === null ? undefined : observed.datasets.find((x) => x.guid === c.guid);
        return { ...c, dataset: d?.name ?? null, mountpoint: d?.mounted ? d.mountpoint : null, left: Math.max(0, c.expiresAt - clock()) };
      });
    },
    look: () => {
      looking ??= (async () => {
        const all = store.clones.list();
        if (all.length > 0 && !deps.busy()) {
          const { observed } = await observer.get(0, { clients: all.some((c) => c.expiresAt <= clock()) });
          for (const clone of all) if (!deps.busy()) await one(clone, observed);
        }
        settleAlerts(store, alerts(), KINDS, clock());
      })().finally(() => {
        looking = null;
      });
      return looking;
    },
  };
};
