import { expect, it } from 'vitest';
import { dateOf, shadeOf, weeksOf } from './weeks.ts';

// 2026-11-18, a Wednesday
const TODAY = 20_775;
it('puts days into weeks that begin on Monday and end today', () => {
  expect(dateOf(TODAY)).toBe('2026-11-18');
  const weeks = weeksOf(
    [
      { day: TODAY, count: 3 },
      { day: TODAY - 9, count: 5 },
    ],
    TODAY,
    2,
  );
  expect(weeks.map((w) => w.map((d) => (d === null ? '-' : d.count)).join(''))).toEqual(['5000000', '003----']);
  expect(dateOf(weeks[0]?.[0]?.day ?? 0)).toBe('2026-11-09');
});
it('shades nothing, little and much apart', () => {
  expect([0, 1, 10, 1000].map((n) => shadeOf(n, 1000))).toEqual([0, 1, 2, 4]);
  expect(shadeOf(1, 1)).toBe(4);
});
