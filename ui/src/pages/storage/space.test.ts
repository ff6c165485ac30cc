import { expect, it } from 'vitest';
import { forecastText, fullIn } from './space.ts';

const NOW = new Date(2026, 10, 20, 12).getTime();
const DAY = 86_400_000;
const GiB = 1024 ** 3;
it('says what is known of the future, and no more', () => {
  expect(forecastText(null, NOW)).toContain('Two weeks');
  expect(forecastText({ perDay: 0, overDays: 30, fullAt: null }, NOW)).toBe('It does not grow: over the last 30 days it stayed as it is.');
  expect(forecastText({ perDay: -2 * GiB, overDays: 30, fullAt: null }, NOW)).toContain('empties by about 2 GiB a day');
  expect(forecastText({ perDay: GiB, overDays: 90, fullAt: null }, NOW)).toContain('not full within ten years');
  expect(forecastText({ perDay: GiB, overDays: 90, fullAt: NOW + 30 * DAY }, NOW)).toBe(
    'It grows by about 1 GiB a day (the median over the last 90 days). At this pace it is full in 30 days, on 20 December.',
  );
  expect(forecastText({ perDay: GiB, overDays: 90, fullAt: NOW + 420 * DAY }, NOW)).toContain('in 14 months, in January 2028');
  expect(fullIn({ perDay: GiB, overDays: 90, fullAt: NOW + 420 * DAY }, NOW)).toBe('full in 14 months at this pace');
  expect(fullIn(null, NOW)).toBe('');
});
