import { describe, expect, it } from 'vitest';
import { HISTORY_STEPS } from '../domain/pool/history.ts';
import { storeLab } from './store.testing.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
const rows = (store: ReturnType<ReturnType<typeof storeLab>['open']>, step: number) => store.poolSpace.since('1', step, 0);

describe('pool space', () => {
  it('keeps the last value of each step, of every pool by itself', () => {
    const store = storeLab().open();
    store.poolSpace.record([{ pool: '1', at: START, size: 10, allocated: 1 }]);
    store.poolSpace.record([
      { pool: '1', at: START + MINUTE, size: 10, allocated: 2 },
      { pool: '2', at: START + MINUTE, size: 99, allocated: 9 },
    ]);
    store.poolSpace.record([{ pool: '1', at: START + 6 * MINUTE, size: 12, allocated: 3 }]);
    expect(rows(store, 5 * MINUTE)).toEqual([
      { at: START + MINUTE, size: 10, allocated: 2 },
      { at: START + 6 * MINUTE, size: 12, allocated: 3 },
    ]);
    expect(rows(store, HOUR)).toEqual([{ at: START + 6 * MINUTE, size: 12, allocated: 3 }]);
    expect(rows(store, DAY)).toEqual([{ at: START + 6 * MINUTE, size: 12, allocated: 3 }]);
    expect(store.poolSpace.since('2', DAY, 0)).toHaveLength(1);
    expect(store.poolSpace.since('1', 5 * MINUTE, START + 2 * MINUTE)).toHaveLength(1);
  });

  it('does not let a clock that was set back overwrite what was newer', () => {
    const store = storeLab().open();
    store.poolSpace.record([{ pool: '1', at: START + 4 * MINUTE, size: 10, allocated: 5 }]);
    store.poolSpace.record([{ pool: '1', at: START, size: 10, allocated: 1 }]);
    expect(rows(store, 5 * MINUTE)).toEqual([{ at: START + 4 * MINUTE, size: 10, allocated: 5 }]);
  });

  it('stays bounded however long it goes on, and survives a restart', () => {
    const lab = storeLab();
    const store = lab.open();
    store.transact(() => {
      for (let at = START; at < START + 63 * DAY; at += 5 * MINUTE)
        store.poolSpace.record([{ pool: '1', at, size: 2 ** 52, allocated: at - START }]);
    });
    const end = START + 63 * DAY;
    expect(store.poolSpace.prune(end)).toBeGreaterThan(0);
    expect(store.poolSpace.prune(end)).toBe(0);
    const counts = HISTORY_STEPS.map((s) => rows(store, s.ms).length);
    expect(counts).toEqual([576, 1440, 63]);
    expect(rows(store, 5 * MINUTE)[0]?.at).toBe(end - 2 * DAY);
    expect(lab.open().poolSpace.since('1', DAY, 0).at(-1)).toEqual({
      at: end - 5 * MINUTE,
      size: 2 ** 52,
      allocated: 63 * DAY - 5 * MINUTE,
    });
  });
});
