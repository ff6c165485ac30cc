/** Operations on what the control plane keeps itself: carried out here, so that they are steps of plans like all others. The rest goes on to the executor. */
import { ok, refuse } from '../domain/refusal.ts';
import type { ExecAnswer, Executor } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';
import { keepPoolSettings } from './pool-settings.ts';

export const keepingOwn = (
  executor: Executor,
  store: Store,
  clock: Clock,
  /** Of a pool that was just made. */
  guidOf: (pool: string) => Promise<string | undefined>,
  chooseArc: (limit: number | null) => Promise<ExecAnswer>,
): Executor => ({
  execute: async (request, signal) => {
    const op = request.operation;
    if (op.kind === 'pool.keep') {
      const guid = op.guid ?? (await guidOf(op.name));
      if (guid === undefined) return refuse('not-found', `pool ${op.name}`, 'there is nothing of this name', 'look at what is there now');
      keepPoolSettings(store, guid, op.settings, clock);
      return { ...ok({}), result: { guid }, replayed: false };
    }
    if (op.kind === 'schedule.put') store.schedules.put(op.schedule, clock());
    else if (op.kind === 'schedule.remove') store.schedules.remove(op.name);
    else if (op.kind === 'memory.arc') return await chooseArc(op.limit);
    else return await executor.execute(request, signal);
    return { ...ok({}), result: {}, replayed: false };
  },
  // of its own it remembers nothing: doing them twice is doing them once
  outcome: (id) => executor.outcome(id),
  read: (request, signal) => executor.read(request, signal),
});
