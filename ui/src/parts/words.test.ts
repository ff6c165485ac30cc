import { expect, test } from 'vitest';
import { duration, pageOf, plural, relative, shortDisk } from './words.ts';

test('relative times are coarse and say which way', () => {
  const now = 1_000_000_000_000;
  expect(relative(now, now)).toBe('just now');
  expect(relative(now - 45_000, now)).toBe('45 s ago');
  expect(relative(now - 26 * 3_600_000, now)).toBe('26 h ago');
  expect(relative(now + 3 * 86_400_000, now)).toBe('in 3 days');
});

test('durations keep two units', () => {
  expect(duration(320)).toBe('320 ms');
  expect(duration(2_500)).toBe('2.5 s');
  expect(duration(3_725_000)).toBe('1 h 2 min');
});

test('a disk is told by its model and the end of its serial', () => {
  expect(shortDisk('/dev/disk/by-id/ata-WDC_WD80EFZZ-68BTXN0_WD-CA12345678')).toBe('WD80EFZZ ·345678');
  expect(shortDisk('/dev/disk/by-id/wwn-0x5000c500')).toBe('wwn-0x5000c500');
});

test('each subject has its page', () => {
  expect(pageOf('dataset:tank/my media')).toBe('/storage/datasets/tank/my%20media');
  expect(pageOf('run:abc')).toBe('/changes/runs/abc');
  expect(pageOf('host:zfs')).toBeNull();
});

test('plural', () => {
  expect(plural(1, 'disk')).toBe('1 disk');
  expect(plural(1200, 'entry', 'entries')).toBe('1,200 entries');
});
