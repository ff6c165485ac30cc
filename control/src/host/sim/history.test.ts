import { expect, it } from 'vitest';
import { forecastOf } from '../../domain/pool/history.ts';
import { pastOf } from './history.ts';

const NOW = Date.UTC(2026, 10, 20, 18);
const tank = { guid: '18221607', size: 48e12, allocated: 28e12 };

it('is the same every time, ends at what there is, and has a trend that can be read', () => {
  const past = pastOf(tank, NOW);
  expect(past).toEqual(pastOf(tank, NOW));
  expect(past.at(-1)).toMatchObject({ allocated: tank.allocated, size: tank.size });
  expect(past.every((p, i) => p.at <= NOW && p.allocated > 0 && p.allocated <= p.size && p.at > (past[i - 1]?.at ?? 0))).toBe(true);
  const daily = past.filter((p) => p.at % 86_400_000 === 0);
  const forecast = forecastOf(daily, NOW);
  expect(forecast?.perDay).toBeGreaterThan(0);
  expect(forecast?.fullAt).toBeGreaterThan(NOW);
});
