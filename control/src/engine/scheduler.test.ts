import { describe, expect, it } from 'vitest';
import { createScheduler } from './scheduler.ts';

describe('scheduler', () => {
  it('runs what is due, catches a missed run up once, and survives a failing task', async () => {
    let now = 0;
    const ran: string[] = [];
    const errors: string[] = [];
    const s = createScheduler(
      () => now,
      (task, error) => void errors.push(`${task}: ${String(error)}`),
    );
    s.add({ name: 'often', everyMs: 10, run: () => Promise.resolve(void ran.push(`often@${now}`)) });
    s.add({ name: 'bad', everyMs: 25, run: () => Promise.reject(new Error('no')) });
    expect(await s.runDue()).toEqual([]);
    now = 10;
    expect(await s.runDue()).toEqual(['often']);
    now = 95;
    expect(await s.runDue()).toEqual(['often', 'bad']);
    expect(ran).toEqual(['often@10', 'often@95']);
    expect(errors).toEqual(['bad: Error: no']);
    expect(s.nextAt()).toBe(105);
  });

  it('never runs a task beside itself', async () => {
    let now = 0;
    let inside = 0;
    let most = 0;
    const done = Promise.withResolvers<void>();
    const s = createScheduler(
      () => now,
      () => undefined,
    );
    s.add({
      name: 'slow',
      everyMs: 1,
      run: async () => {
        inside += 1;
        most = Math.max(most, inside);
        await done.promise;
        inside -= 1;
      },
    });
    now = 5;
    const a = s.runDue();
    now = 50;
    const b = s.runDue();
    done.resolve();
    await Promise.all([a, b]);
    expect(most).toBe(1);
  });
});
