import { describe, expect, it } from 'vitest';
import { forecastOf, HISTORY_STEPS, type SpacePoint, stepFor } from './history.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 20);
const GiB = 1024 ** 3;
const days = (n: number, allocated: (day: number) => number, size = 1000 * GiB): SpacePoint[] =>
  Array.from({ length: n }, (_, i) => ({ at: NOW - (n - 1 - i) * DAY, size, allocated: allocated(i) }));

describe('which series answers', () => {
  it('is the finest that reaches back far enough', () => {
    expect(stepFor(NOW - DAY, NOW).ms).toBe(300_000);
    expect(stepFor(NOW - 2 * DAY, NOW).ms).toBe(300_000);
    expect(stepFor(NOW - 2 * DAY - 1, NOW).ms).toBe(3_600_000);
    expect(stepFor(NOW - 365 * DAY, NOW).ms).toBe(DAY);
    expect(stepFor(0, NOW).ms).toBe(DAY);
  });
  it('keeps a bounded number of points', () => {
    expect(HISTORY_STEPS.reduce((n, s) => n + s.keptMs / s.ms, 0)).toBe(576 + 1440 + 1826);
  });
});

describe('the forecast', () => {
  it('says when a pool is full that grows evenly', () => {
    // 500 GiB, 2 GiB a day, 30 days: 558 GiB now, 442 left
    expect(
      forecastOf(
        days(30, (d) => (500 + 2 * d) * GiB),
        NOW,
      ),
    ).toEqual({
      perDay: 2 * GiB,
      overDays: 29,
      fullAt: NOW + 221 * DAY,
    });
  });
  it('is not turned round by one large deletion', () => {
    const found = forecastOf(
      days(60, (d) => (d < 50 ? 500 + 2 * d : 300 + 2 * d) * GiB),
      NOW,
    );
    expect(found?.perDay).toBe(2 * GiB);
  });
  it('says nothing of a past that is too short, and nothing of the future of a pool that empties', () => {
    expect(forecastOf([], NOW)).toBeNull();
    expect(
      forecastOf(
        days(14, (d) => d * GiB),
        NOW,
      ),
    ).toBeNull();
    expect(
      forecastOf(
        days(15, (d) => (900 - d) * GiB),
        NOW,
      ),
    ).toEqual({ perDay: -GiB, overDays: 14, fullAt: null });
    expect(
      forecastOf(
        days(30, () => 5 * GiB),
        NOW,
      ),
    ).toMatchObject({ perDay: 0, fullAt: null });
  });
  it('does not look further than ten years', () => {
    expect(
      forecastOf(
        days(30, (d) => 5 * GiB + d * 1024),
        NOW,
      )?.fullAt,
    ).toBeNull();
  });
  it('looks at the last 90 days only', () => {
    expect(
      forecastOf(
        days(400, (d) => (d < 310 ? 900 : 100 + (d - 310)) * GiB),
        NOW,
      ),
    ).toMatchObject({ perDay: GiB, overDays: 89 });
  });
});
