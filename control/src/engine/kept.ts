/** Operations on what the control plane keeps itself: carried out here, so that they are steps of plans like all others. The rest goes on to the executor. */
import { ok } from '../domain/refusal.ts';
import type { ExecAnswer, Executor } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';

export const keepingSchedules = (
  executor: Executor,
  store: Store,
  clock: Clock,
  chooseArc: (limit: number | null) => Promise<ExecAnswer>,
): Executor => ({
  execute: async (request, signal) => {
    const op = request.operation;
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
