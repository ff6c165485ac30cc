import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  capacityText,
  isRoomAgain,
  levelOf,
  shareOf,
  type Space,
  spaceOf,
  suggestedReserve,
  Thresholds,
  USUAL_THRESHOLDS as T,
  whyNoReserve,
} from './capacity.ts';

const GiB = 1024 ** 3;
const full = (percent: number, reserve = 0): Space => {
  const used = (percent / 100) * 1000 * GiB;
  return { total: 1000 * GiB, used, free: 1000 * GiB - used - reserve, reserve };
};

test('the reserve is neither used nor free', () => {
  const s = spaceOf({ used: 60 * GiB, available: 40 * GiB }, 10 * GiB);
  expect(s).toEqual({ total: 100 * GiB, used: 50 * GiB, free: 40 * GiB, reserve: 10 * GiB });
  expect(shareOf(s)).toBe(0.5);
  expect(shareOf({ total: 0, used: 0, free: 0, reserve: 0 })).toBe(0);
});

test('levels are entered at their thresholds and left two points below', () => {
  let level = levelOf(full(79), T, 'fine');
  const seen = [level];
  for (const p of [80, 79, 78, 77, 90, 89, 95, 94, 92.9, 88, 87.9, 77.9]) {
    level = levelOf(full(p), T, level);
    seen.push(level);
  }
  expect(seen).toEqual([
    'fine',
    'filling',
    'filling',
    'filling',
    'fine',
    'high',
    'high',
    'full',
    'full',
    'high',
    'high',
    'filling',
    'fine',
  ]);
});

test('nothing left beside a large reserve is full, whatever the percentage says', () => {
  expect(levelOf({ total: 1000 * GiB, used: 800 * GiB, free: 0, reserve: 200 * GiB }, T, 'fine')).toBe('full');
});

test('giving the reserve free does not change the level by itself, and it is not taken back at once', () => {
  const before = full(96, 20 * GiB);
  const after = { ...before, free: before.free + before.reserve, reserve: 0 };
  expect(levelOf(after, T, levelOf(before, T, 'high'))).toBe('full');
  expect(isRoomAgain(after, 20 * GiB, T)).toBe(false);
  expect(isRoomAgain(full(60), 20 * GiB, T)).toBe(true);
  expect(isRoomAgain(full(60, 20 * GiB), 20 * GiB, T)).toBe(false);
});

test('what is suggested may be held back, wherever there is room for one', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 89, noNaN: true }), fc.integer({ min: 2, max: 100_000 }), (percent, size) => {
      const total = size * GiB;
      const used = (percent / 100) * total;
      const s: Space = { total, used, free: total - used, reserve: 0 };
      const bytes = suggestedReserve(s);
      expect(whyNoReserve(s, bytes, T)).toBeUndefined();
      expect(bytes).toBeLessThanOrEqual(32 * GiB);
    }),
  );
  expect(whyNoReserve(full(96), 20 * GiB, T)).toContain('given free again at once');
  expect(whyNoReserve(full(10), 300 * GiB, T)).toContain('quarter');
  expect(whyNoReserve(full(94), 50 * GiB, T)).toContain('half of that stays free');
  expect(whyNoReserve(full(10), 5, T)).toContain('helps nobody');
});

test('each level says what to do', () => {
  expect(capacityText('tank', full(10), 'fine', 0)).toBeNull();
  expect(capacityText('tank', full(85), 'filling', 0)).toMatch(/85% full.*more disks/);
  expect(capacityText('tank', full(96), 'full', 20 * GiB)).toMatch(/given free.*dplane pool reserve tank/);
  expect(capacityText('tank', full(96), 'full', 0)).toMatch(/no reserve left/);
  expect(capacityText('tank', full(96, 10 * GiB), 'full', 0)).toMatch(/still in reserve: dplane pool release tank/);
});

test('thresholds rise', () => {
  expect(Thresholds.safeParse({ warn: 80, high: 80, full: 95 }).success).toBe(false);
  expect(Thresholds.safeParse({ warn: 50, high: 60, full: 101 }).success).toBe(false);
  expect(Thresholds.safeParse(T).success).toBe(true);
});
