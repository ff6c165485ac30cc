import { expect, it } from 'vitest';
import { Pace, paceText } from './progress.ts';

const MiB = 1024 ** 2;

it('tells the pace of the last seconds, not of all the time', () => {
  const pace = new Pace();
  pace.see(0, 0);
  expect(pace.rate).toBeNull();
  for (let s = 1; s <= 60; s += 1) pace.see(s * 1000, s < 40 ? 0 : (s - 39) * MiB);
  expect(pace.rate).toBe(MiB);
});

it('says how far it is, how fast, and how long it will take', () => {
  expect(paceText(512 * MiB, 1024 * MiB, 16 * MiB)).toBe(' 50%  512 MiB of 1 GiB  16 MiB/s  about 32 s left');
  expect(paceText(0, 1024 * MiB, null)).toBe('  0%  0 B of 1 GiB');
  expect(paceText(10, 10, 5)).toBe('100%  10 B of 10 B  5 B/s');
  expect(paceText(0, 0, 0)).toBe('  0%  0 B of 0 B  0 B/s');
});
