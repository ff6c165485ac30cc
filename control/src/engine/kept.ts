/** Operations on what the control plane keeps itself: carried out here, so that they are steps of plans like all others. The rest goes on to the executor. */
import { refuse } from '../domain/refusal.ts';
import type { ExecAnswer, Executor } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';
import { keepPoolSettings } from './pool-settings.ts';

const HOUR = 3_600_000;
const done = (result: Record<string, unknown> = {}): ExecAnswer => ({ ok: true, result, replayed: false });

export const keepingOwn = (
  executor: Executor,
  deps: {
    store: Store;
    clock: Clock;
    chooseArc: (limit: number | null) => Promise<ExecAnswer>;
    /** Of a pool that was just made. */
    guidOf: (pool: string) => Promise<string | undefined>;
  },
): Executor => {
  const { store, clock } = deps;
  return {
    execute: async (request, signal) => {
      const op = request.operation;
      switch (op.kind) {
        case 'schedule.put':
          store.schedules.put(op.schedule, clock());
          return done();
        case 'schedule.remove':
          store.schedules.remove(op.name);
          return done();
        case 'memory.arc':
          return await deps.chooseArc(op.limit);
        case 'pool.keep': {
          const guid = op.guid ?? (await deps.guidOf(op.name));
          if (guid === undefined)
            return refuse('not-found', `pool ${op.name}`, 'there is nothing of this name', 'look at what is there now');
          keepPoolSettings(store, guid, op.settings, clock);
          return done({ guid });
        }
        case 'clone.watch': {
          const { clone: name, dataset, tag, guid, share } = op;
          const now = clock();
          const by = request.actor.name;
          const snapshot = { dataset, tag, guid };
          store.clones.put({ name, guid: null, snapshot, share, by, madeAt: now, expiresAt: now + op.hours * HOUR, note: null });
          return done();
        }
        case 'clone.extend': {
          const clone = store.clones.get(op.clone);
          if (clone) store.clones.put({ ...clone, expiresAt: clock() + op.hours * HOUR, note: null });
          return done();
        }
        case 'snapshot.clone': {
          const answer = await executor.execute(request, signal);
          const clone = op.temporary === true && answer.ok ? store.clones.get(op.to) : null;
          if (clone && answer.ok && typeof answer.result.guid === 'string') store.clones.put({ ...clone, guid: answer.result.guid });
          return answer;
        }
        case 'clone.keep':
        case 'clone.expire': {
          const answer = await executor.execute(request, signal);
          if (answer.ok) store.clones.remove(op.clone);
          return answer;
        }
        default:
          return executor.execute(request, signal);
      }
    },
    // of its own it remembers nothing: doing them twice is doing them once
    outcome: (id) => executor.outcome(id),
    read: (request, signal) => executor.read(request, signal),
  };
};
