import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../domain/event/event.ts';
import { anEvent, storeLab } from '../store/store.testing.ts';
import { follow, type Gap } from './follow.ts';

const seqOf = (item: Event | Gap | undefined): number | string =>
  item === undefined ? 'end' : 'gap' in item ? `gap ${item.from}` : item.seq;
const take = async (stream: AsyncGenerator<Event | Gap>, n: number): Promise<(number | string)[]> => {
  const got: (number | string)[] = [];
  while (got.length < n) {
    const next = await stream.next();
    if (next.done === true) return [...got, 'end'];
    got.push(seqOf(next.value));
  }
  return got;
};
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('follow', () => {
  it('reads what there is, then what comes', async () => {
    const { events } = storeLab().open();
    for (let i = 0; i < 5; i += 1) events.append(anEvent());
    const stream = follow(events, { after: 2 });
    expect(await take(stream, 3)).toEqual([3, 4, 5]);
    const next = take(stream, 2);
    events.append(anEvent());
    events.append(anEvent());
    expect(await next).toEqual([6, 7]);
    await stream.return();
  });

  it('begins now when no number is given', async () => {
    const { events } = storeLab().open();
    events.append(anEvent());
    const stream = follow(events, { after: null });
    const next = take(stream, 1);
    await turn();
    events.append(anEvent());
    expect(await next).toEqual([2]);
    await stream.return();
  });

  it('ends when it is told to, waiting or not, and leaves no subscription behind', async () => {
    const { events } = storeLab().open();
    const listening = new Set<unknown>();
    const counted = {
      ...events,
      subscribe: (listener: (event: Event) => void) => {
        listening.add(listener);
        const leave = events.subscribe(listener);
        return () => {
          listening.delete(listener);
          leave();
        };
      },
    };
    const stop = new AbortController();
    const waiting = take(follow(counted, { after: 0, signal: stop.signal }), 1);
    await turn();
    expect(listening.size).toBe(1);
    stop.abort();
    expect(await waiting).toEqual(['end']);
    expect(await take(follow(counted, { after: 0, signal: stop.signal }), 1)).toEqual(['end']);
    events.append(anEvent());
    for await (const _ of follow(counted, { after: 0 })) break;
    expect(listening.size).toBe(0);
  });

  it('tells of a gap when what comes next is no longer kept, also in the middle', async () => {
    const { events } = storeLab().open();
    for (let i = 0; i < 10; i += 1) events.append(anEvent());
    events.prune(4);
    const stream = follow(events, { after: 2, highWater: 2 });
    expect(await take(stream, 3)).toEqual(['gap 7', 7, 8]);
    for (let i = 0; i < 3; i += 1) events.append(anEvent());
    events.prune(1);
    expect(await take(stream, 2)).toEqual(['gap 13', 13]);
    expect(await take(follow(events, { after: 12 }), 1)).toEqual([13]);
    events.prune(0);
    expect(await take(follow(events, { after: 12 }), 1)).toEqual(['gap 14']);
  });

  it('tells of a gap when it was already further than the database is now', async () => {
    const { events } = storeLab().open();
    events.append(anEvent());
    const stream = follow(events, { after: 500 });
    expect(await take(stream, 1)).toEqual(['gap 2']);
    const next = take(stream, 1);
    events.append(anEvent());
    expect(await next).toEqual([2]);
    await stream.return();
  });

  it('holds no more than it was asked to read, however many are waiting', async () => {
    const { events } = storeLab().open();
    const limits: number[] = [];
    const watched = {
      ...events,
      after: (...args: Parameters<typeof events.after>) => {
        limits.push(args[1]);
        return events.after(...args);
      },
    };
    const stream = follow(watched, { after: 0, highWater: 10 });
    for (let i = 0; i < 300; i += 1) events.append(anEvent());
    expect(await take(stream, 300)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    expect(Math.max(...limits)).toBe(10);
    await stream.return();
  });

  it('misses nothing and doubles nothing, in whatever order writing, reading and waiting happen', async () => {
    const { events } = storeLab().open();
    const step = fc.oneof(
      fc.record({ do: fc.constant('append' as const), n: fc.integer({ min: 1, max: 7 }), pool: fc.boolean() }),
      fc.record({ do: fc.constant('read' as const), n: fc.integer({ min: 1, max: 7 }), pool: fc.boolean() }),
      fc.record({ do: fc.constant('turn' as const), n: fc.constant(1), pool: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 25 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (steps, highWater, filtered) => {
          const start = events.lastSeq();
          const stop = new AbortController();
          const filter = filtered ? { kinds: ['pool.changed'] } : {};
          const stream = follow(events, { after: start, filter, signal: stop.signal, highWater });
          const got: (number | string)[] = [];
          let wanted = 0;
          let reading = Promise.resolve();
          const read = async (): Promise<void> => {
            const next = await stream.next();
            if (next.done !== true) got.push(seqOf(next.value));
          };
          for (const s of steps) {
            if (s.do === 'append')
              for (let i = 0; i < s.n; i += 1) events.append(anEvent({ kind: s.pool ? 'pool.changed' : 'dataset.changed' }));
            else if (s.do === 'turn') await turn();
            else {
              wanted += s.n;
              for (let i = 0; i < s.n; i += 1) reading = reading.then(read);
            }
          }
          const expected = events.after(start, 10_000, filtered ? filter : undefined).map((e) => e.seq);
          while (got.length < Math.min(wanted, expected.length)) await turn();
          stop.abort();
          await reading;
          expect(got).toEqual(expected.slice(0, wanted));
        },
      ),
      { numRuns: 100 },
    );
  });
});
