/** Accounts for sharing, as the engine offers them: the list, a password's sealed form, and who owns what. Changes are plans like any other. */
import { isWithin } from '../domain/names.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import type { ObservedAccounts, Owned, SealedPassword } from '../domain/share-user/share-user.ts';
import type { Actor } from '../domain/user/user.ts';
import type { Executor } from '../host/executor.ts';
import type { Observer } from './observer.ts';

const READ_AGE = 10_000;
/** Each is one question to ZFS. */
const MAX_DATASETS = 1_000;
export type ShareAccounts = {
  list(): Promise<ObservedAccounts & { at: number; known: boolean }>;
  seal(actor: Actor, password: string): Promise<Result<SealedPassword>>;
  /** In the datasets that are shared, and those below them. */
  owned(actor: Actor, name: string): Promise<Result<{ id: number; owned: Owned[]; lookedAt: number; complete: boolean }>>;
};

export const createShareAccounts = (deps: { executor: Executor; observer: Observer; random: (bytes: number) => Buffer }): ShareAccounts => {
  const ask = async (actor: Actor, operation: Operation) =>
    deps.executor.execute({ v: 1, id: `read-${deps.random(12).toString('hex')}`, actor, operation, approval: null });
  const list: ShareAccounts['list'] = async () => {
    const { observed } = await deps.observer.get(READ_AGE);
    return { at: observed.at, known: observed.accounts !== undefined, ...(observed.accounts ?? { key: null, users: [], groups: [] }) };
  };
  return {
    list,
    seal: async (actor, password) => {
      const answer = await ask(actor, { kind: 'secret.seal', password });
      return answer.ok ? ok(answer.result.sealed as SealedPassword) : answer; // the executor's own typed answer
    },
    owned: async (actor, name) => {
      const { observed } = await deps.observer.get(READ_AGE);
      const user = observed.accounts?.users.find((u) => u.name === name);
      if (!user) return refuse('not-found', `user ${name}`, 'there is no such account for sharing', 'see `dplane share-user list`');
      const shared = observed.shares.map((s) => s.spec.dataset);
      const all = observed.datasets.filter((d) => d.kind === 'filesystem' && shared.some((s) => isWithin(d.name, s))).map((d) => d.name);
      const datasets = all.slice(0, MAX_DATASETS);
      const answer = await ask(actor, { kind: 'share-user.owned', id: user.id, datasets });
      if (!answer.ok) return answer;
      // the executor's own typed answer
      return ok({
        id: user.id,
        owned: answer.result.owned as Owned[],
        lookedAt: datasets.length,
        complete: datasets.length === all.length,
      });
    },
  };
};
