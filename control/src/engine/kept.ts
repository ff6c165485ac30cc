/** Operations on what the control plane keeps itself: carried out here, so that they are steps of plans like all others. The rest goes on to the executor. */
import { ok } from '../domain/refusal.ts';
import type { Executor } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';

export const keepingSchedules = (executor: Executor, store: Store, clock: Clock): Executor => ({
  execute: (request, signal) => {
    const op = request.operation;
    if (op.kind === 'schedule.put') store.schedules.put(op.schedule, clock());
    else if (op.kind === 'schedule.remove') store.schedules.remove(op.name);
    else return executor.execute(request, signal);
    return Promise.resolve({ ...ok({}), result: {}, replayed: false });
  },
  // of its own it remembers nothing: doing them twice is doing them once
  outcome: (id) => executor.outcome(id),
  read: (request, signal) => executor.read(request, signal),
});
