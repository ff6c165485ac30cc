import { expect, test } from 'vitest';
import { addressKey, createBrake } from './attempts.ts';

const at = () => {
  const time = { now: 1_000_000 };
  return { time, brake: createBrake(() => time.now) };
};

test('an address is kept waiting longer with each wrong attempt, whatever account it tries', () => {
  const { time, brake } = at();
  for (let i = 0; i < 10; i += 1) expect(brake.begin('10.0.0.9', `user${i}`)).toBe(0);
  const waits: number[] = [];
  for (let i = 0; i < 4; i += 1) {
    const wait = brake.begin('10.0.0.9', `other${i}`);
    waits.push(wait);
    time.now += wait;
    expect(brake.begin('10.0.0.9', `more${i}`)).toBe(0);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect(brake.begin('10.0.0.8', 'other')).toBe(0);
});

test('an account is kept waiting whatever address tries, but never longer than half a minute', () => {
  const { time, brake } = at();
  let longest = 0;
  for (let i = 0; i < 200; i += 1) {
    const wait = brake.begin(`10.0.${i}.1`, 'ada');
    longest = Math.max(longest, wait);
    time.now += wait;
    if (wait > 0) expect(brake.begin(`10.1.${i}.1`, 'ada')).toBe(0);
  }
  expect(longest).toBe(30_000);
});

test('attempts at the same time count each, before any has ended', () => {
  const { brake } = at();
  const begun = Array.from({ length: 50 }, () => brake.begin('10.0.0.9', 'ada'));
  expect(begun.filter((w) => w === 0)).toHaveLength(5);
});

test('an address that has logged in before is not locked out by what others try', () => {
  const { brake } = at();
  expect(brake.begin('192.168.1.2', 'ada')).toBe(0);
  brake.succeeded('192.168.1.2', 'ada');
  for (let i = 0; i < 20; i += 1) brake.begin(`10.0.${i}.1`, 'ada');
  expect(brake.begin('10.9.9.9', 'ada')).toBeGreaterThan(0);
  expect(brake.begin('192.168.1.2', 'ada')).toBe(0);
});

test('being right does not wipe out what the address got wrong before', () => {
  const { brake } = at();
  for (let i = 0; i < 9; i += 1) brake.begin('10.0.0.9', `victim${i}`);
  brake.begin('10.0.0.9', 'own');
  brake.succeeded('10.0.0.9', 'own');
  brake.begin('10.0.0.9', 'victim');
  expect(brake.begin('10.0.0.9', 'victim2')).toBeGreaterThan(0);
});

test('memory stays bounded, whoever comes', () => {
  const { brake } = at();
  for (let i = 0; i < 12_000; i += 1) brake.begin(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, `user${i}`);
  expect(brake.size()).toBeLessThanOrEqual(15_000);
});

test.each([
  ['192.168.1.7', '192.168.1.7'],
  ['::ffff:192.168.1.7', '192.168.1.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:0db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s counts as %s', (remote, key) => expect(addressKey(remote)).toBe(key));
