import { expect, test } from 'vitest';
import { RULES } from '../../../../control/src/domain/schedule/schedule.ts';
import { byAge, cadenceText, keepText, onAxis } from './cadence.ts';

const DAY = 86_400_000;
test('cron lines in words, when they have simple ones', () => {
  expect(cadenceText('0 * * * *')).toBe('Every hour');
  expect(cadenceText('5 * * * *')).toBe('Every hour at :05');
  expect(cadenceText('0 9 * * *')).toBe('Every day at 9:00');
  expect(cadenceText('0 9 * * 1')).toBe('Every Monday at 9:00');
  expect(cadenceText('0 9 * * 1-5')).toBe('0 9 * * 1-5');
});
test('what is kept in words', () => {
  expect(keepText({ hourly: 24, daily: 0, maxAgeDays: 90, count: 3 }, RULES)).toBe('24 hourly, the last 3, none older than 90 days');
  expect(keepText({}, RULES)).toBe('everything');
});
test('ages are counted once each, and near ones get the room', () => {
  const now = 1000 * DAY;
  const counts = byAge([now, now - DAY / 2, now - 3 * DAY, now - 300 * DAY, now - 900 * DAY], now);
  expect(counts.map((c) => c.count)).toEqual([2, 1, 0, 0, 1, 1]);
  expect(onAxis(DAY) - onAxis(DAY / 24)).toBeGreaterThan(0.3);
  expect(onAxis(0)).toBe(0);
});
