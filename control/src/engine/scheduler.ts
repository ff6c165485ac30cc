/**
 * Work that recurs. One task runs at a time and never overlaps itself; a missed run is caught up once. Time comes from
 * the clock that is passed in, so a day of schedules can be driven in a moment.
 */
import type { Clock } from '../store/types.ts';

export type Task = { name: string; everyMs: number; run: (now: number) => Promise<void> };
export type Scheduler = {
  add(task: Task): void;
  /** Runs what is due, in order; returns the names. */
  runDue(): Promise<string[]>;
  /** When the next task is due. */
  nextAt(): number;
  start(): void;
  stop(): Promise<void>;
};

export const createScheduler = (clock: Clock, onError: (task: string, error: unknown) => void): Scheduler => {
  const tasks: { task: Task; dueAt: number }[] = [];
  let timer: NodeJS.Timeout | null = null;
  let working: Promise<string[]> | null = null;
  let stopped = true;

  const nextAt = (): number => Math.min(...tasks.map((t) => t.dueAt));
  const work = async (): Promise<string[]> => {
    const ran: string[] = [];
    const now = clock();
    for (const t of tasks.filter((x) => x.dueAt <= now).sort((a, b) => a.dueAt - b.dueAt)) {
      t.dueAt = now + t.task.everyMs;
      try {
        await t.task.run(now);
      } catch (error) {
        onError(t.task.name, error);
      }
      ran.push(t.task.name);
    }
    return ran;
  };
  const runDue = (): Promise<string[]> => {
    working ??= work().finally(() => {
      working = null;
    });
    return working;
  };
  const arm = (): void => {
    if (stopped || tasks.length === 0) return;
    timer = setTimeout(() => void runDue().finally(arm), Math.min(60_000, Math.max(50, nextAt() - clock())));
    timer.unref();
  };
  return {
    add: (task) => void tasks.push({ task, dueAt: clock() + task.everyMs }),
    runDue,
    nextAt,
    start: () => {
      stopped = false;
      arm();
    },
    stop: async () => {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await working;
    },
  };
};
