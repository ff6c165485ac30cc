import { describe, expect, it } from 'vitest';
import type { Observed } from '../domain/observed/observed.ts';
import { createObserver } from './observer.ts';

const empty = (at: number): Observed => ({ at, pools: [], datasets: [], shares: [], disks: [], stuck: [], problems: [] });

/** A reader whose answers are given by the test. */
const stage = () => {
  let now = 1000;
  const calls: { clients: boolean; answer: (o: Observed) => void; fail: (e: Error) => void }[] = [];
  const observer = createObserver(
    (wants) => new Promise((answer, fail) => void calls.push({ clients: wants.clients, answer, fail })),
    () => now,
  );
  const at = (t: number): void => {
    now = t;
  };
  return { observer, calls, at };
};

describe('observer', () => {
  it('has one refresh in flight however many ask', async () => {
    const { observer, calls } = stage();
    const asked = Promise.all([observer.get(0), observer.get(500), observer.get(0)]);
    expect(calls).toHaveLength(1);
    calls[0]?.answer(empty(1000));
    const got = await asked;
    expect(new Set(got.map((g) => g.version)).size).toBe(1);
  });

  it('does not hand an observation begun before the question to someone who needs a newer one', async () => {
    const { observer, calls, at } = stage();
    const first = observer.get(0);
    at(2000);
    const second = observer.get(0);
    calls[0]?.answer(empty(1000));
    await first;
    await expect.poll(() => calls.length).toBe(2);
    calls[1]?.answer(empty(2000));
    expect((await second).observed.at).toBe(2000);
  });

  it('answers from memory while it is fresh enough, and asks for clients only when wanted', async () => {
    const { observer, calls, at } = stage();
    const first = observer.get(0);
    calls[0]?.answer(empty(1000));
    await first;
    at(3000);
    expect((await observer.get(2000)).observed.at).toBe(1000);
    expect(calls).toHaveLength(1);
    const clients = observer.get(2000, { clients: true });
    expect(calls[1]?.clients).toBe(true);
    calls[1]?.answer(empty(3000));
    expect((await clients).observed.at).toBe(3000);
  });

  it('keeps the old observation when a refresh fails, and says so to who asked', async () => {
    const { observer, calls } = stage();
    const first = observer.get(0);
    calls[0]?.answer(empty(1000));
    await first;
    const failing = observer.get(-1);
    calls[1]?.fail(new Error('no'));
    await expect(failing).rejects.toThrow('no');
    expect(observer.last()?.observed.at).toBe(1000);
  });

  it('tells listeners only of observations that differ', async () => {
    const { observer, calls } = stage();
    const versions: number[] = [];
    observer.onChange((_before, now) => void versions.push(now.version));
    for (const [i, stuck] of [
      [],
      [],
      [{ pool: 'tank', since: 1, problem: { code: 'timeout' as const, what: 'a', why: 'b', todo: '' } }],
    ].entries()) {
      const g = observer.get(-1);
      calls[i]?.answer({ ...empty(1000), stuck });
      await g;
    }
    expect(versions).toEqual([1, 3]);
  });
});
