import { expect, it } from 'vitest';
import { careDue, careNext, whyNotNow } from './care.ts';
import { type PoolCare, USUAL_CARE } from './settings.ts';

const at = (text: string): number => Date.parse(`${text}Z`);
const care: PoolCare = { scrub: '0 2 * * 0', trim: '30 3 * * *', timezone: 'UTC' };

it('what is due is due once, also when it was missed for weeks', () => {
  const since = at('2026-11-20T12:00');
  expect(careDue(care, { scrub: since, trim: since }, at('2026-11-20T23:00'))).toEqual([]);
  expect(careDue(care, { scrub: since, trim: since }, at('2026-11-21T03:30'))).toEqual(['trim']);
  expect(careDue(care, { scrub: since, trim: since }, at('2026-12-24T00:00'))).toEqual(['scrub', 'trim']);
  expect(careDue(care, { scrub: at('2026-12-24T00:00'), trim: at('2026-12-24T00:00') }, at('2026-12-24T01:00'))).toEqual([]);
});
it('never means never, and the usual is once a month', () => {
  expect(careDue({ ...care, scrub: null, trim: null }, { scrub: 0, trim: 0 }, at('2026-12-24T00:00'))).toEqual([]);
  expect(careNext(USUAL_CARE, 'scrub', at('2026-11-21T00:00'))).toBe(at('2026-12-01T02:00'));
  expect(careNext(USUAL_CARE, 'trim', at('2026-11-21T00:00'))).toBeNull();
});
it('waits for what is under way', () => {
  const scan = { kind: 'resilver', state: 'scanning', startedAt: 1, endedAt: null, progress: 0.5, errors: 0 } as const;
  expect(whyNotNow({ health: 'DEGRADED', scan }, 'scrub')).toBe('a resilver is under way');
  expect(whyNotNow({ health: 'ONLINE', scan: { ...scan, state: 'finished' } }, 'scrub')).toBeNull();
  expect(whyNotNow({ health: 'SUSPENDED', scan: { ...scan, state: 'finished' } }, 'trim')).toBe('it is SUSPENDED');
});
