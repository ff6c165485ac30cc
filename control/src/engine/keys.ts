/** Keys of datasets, as the engine offers them: typed secrets sealed, key files copied and accounted for. Changes are plans like any other. */
import type { KeyFileEntry, SealedKey } from '../domain/key/key.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { rootOf } from '../domain/plan/key-change.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import type { Actor } from '../domain/user/user.ts';
import type { ExecAnswer, Executor } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';
import type { Observer } from './observer.ts';

export type Keys = {
  /** The key files of this machine. */
  list(): Promise<Result<KeyFileEntry[]>>;
  /** With a dataset, it is tried on that first. */
  seal(actor: Actor, dataset: string | null, secret: string): Promise<Result<SealedKey>>;
  /** What is in the key file of a dataset. */
  copy(actor: Actor, dataset: string): Promise<Result<{ hex: string; keyFile: string }>>;
  /** Someone says that a copy of its key file is kept elsewhere. */
  backedUp(actor: Actor, dataset: string): Promise<Result<KeyFileEntry>>;
};

export const createKeys = (deps: {
  executor: Executor;
  observer: Observer;
  store: Store;
  clock: Clock;
  random: (bytes: number) => Buffer;
}): Keys => {
  const { store, observer, clock } = deps;
  const ask = (actor: Actor, operation: Operation): Promise<ExecAnswer> =>
    deps.executor.execute({ v: 1, id: `read-${deps.random(12).toString('hex')}`, actor, operation, approval: null });
  const tell = (actor: Actor, dataset: string, action: string, message: string): void =>
    store.transact(() => {
      store.audit.append({
        actor,
        action,
        subject: `dataset:${dataset}`,
        outcome: 'succeeded',
        reason: 'permission key.copy, current password',
        detail: {},
      });
      store.events.append({
        kind: 'dataset.changed',
        severity: 'warning',
        subject: `dataset:${dataset}`,
        message,
        actor: actor.name,
        data: {},
      });
    });
  const root = async (name: string) => rootOf((await observer.get(0)).observed.datasets, name);
  return {
    list: async () => {
      const answer = await ask({ kind: 'system', name: 'dplaned', via: 'list' }, { kind: 'key.list' });
      if (!answer.ok) return answer;
      const files = answer.result.files as { id: string; dataset: string | null }[]; // the executor's own typed answer
      return ok(files.map((f) => ({ ...f, backup: store.keyBackups.get(f.id) })));
    },
    seal: async (actor, dataset, secret) => {
      let opens: { name: string; guid: string } | null = null;
      if (dataset !== null) {
        const seen = await root(dataset);
        if (!seen.ok) return seen;
        opens = { name: dataset, guid: seen.value.guid };
      }
      const answer = await ask(actor, { kind: 'key.seal', opens, secret });
      return answer.ok ? ok(answer.result.sealed as SealedKey) : answer; // as above
    },
    copy: async (actor, dataset) => {
      const seen = await root(dataset);
      if (!seen.ok) return seen;
      const answer = await ask(actor, { kind: 'key.read', name: dataset, guid: seen.value.guid });
      if (!answer.ok) return answer;
      tell(actor, dataset, 'key.copy', `${actor.name} copied the key file of ${dataset}`);
      return ok({ hex: String(answer.result.hex), keyFile: String(answer.result.keyFile) });
    },
    backedUp: async (actor, dataset) => {
      const seen = await root(dataset);
      if (!seen.ok) return seen;
      const id = seen.value.keyFile ?? null;
      if (id === null)
        return refuse('conflict', `the key of ${dataset}`, 'it has no key file on this machine', 'only key files can be copied');
      const at = clock();
      store.transact(() => {
        store.keyBackups.put(id, actor.name, at);
        tell(actor, dataset, 'key.backed-up', `${actor.name} keeps a copy of the key file of ${dataset}`);
      });
      await observer.get(0);
      return ok({ id, dataset, backup: { by: actor.name, at } });
    },
  };
};
