/**
 * Work that recurs. One task of a lane runs at a time and never overlaps itself; a missed run is caught up once. Time comes from
 * the clock that is passed in, so a day of schedules can be driven in a moment.
 */
import type { Clock } from '../store/types.ts';

export type Task = {
  name: string;
  everyMs: number;
  run: (now: number) => Promise<void>;
  /** Tasks of one lane wait for each other; those of another are not held up by them. */
  lane?: string;
};
export type Scheduler = {
  add(task: Task): void;
  /** Runs what is due, in order; returns the names. */
  runDue(): Promise<string[]>;
  /** When the next task of the first lane is due: the others go by what happens, not by the calendar. */
  nextAt(): number;
  start(): void;
  stop(): Promise<void>;
};

export const createScheduler = (clock: Clock, onError: (task: string, error: unknown) => void): Scheduler => {
  const tasks: { task: Task; dueAt: number }[] = [];
  let timer: NodeJS.Timeout | null = null;
  const working = new Map<string, Promise<string[]>>();
  let stopped = true;

  const laneOf = (t: { task: Task }): string => t.task.lane ?? '';
  const nextAt = (): number => Math.min(...tasks.filter((t) => t.task.lane === undefined).map((t) => t.dueAt));
  const work = async (lane: string): Promise<string[]> => {
    const ran: string[] = [];
    const now = clock();
    for (const t of tasks.filter((x) => laneOf(x) === lane && x.dueAt <= now).sort((a, b) => a.dueAt - b.dueAt)) {
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
  const runDue = async (): Promise<string[]> => {
    for (const lane of new Set(tasks.map(laneOf)))
      if (!working.has(lane))
        working.set(
          lane,
          work(lane).finally(() => {
            working.delete(lane);
            arm();
          }),
        );
    return (await Promise.all(working.values())).flat();
  };
  /** A lane that works is looked at again when it has ended. */
  const arm = (): void => {
    if (timer !== null) clearTimeout(timer);
    const free = tasks.filter((t) => !working.has(laneOf(t)));
    if (stopped || free.length === 0) return;
    const at = Math.min(...free.map((t) => t.dueAt));
    timer = setTimeout(() => void runDue(), Math.min(60_000, Math.max(50, at - clock())));
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
      await Promise.all(working.values());
    },
  };
};
