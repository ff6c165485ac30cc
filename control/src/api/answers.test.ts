import { expect, test } from 'vitest';
import { createAnswers } from './answers.ts';

test('made once, kept while there is room, the least recently used goes first', () => {
  const a = createAnswers(1_000);
  let made = 0;
  const take = (key: string) =>
    a.take(key, '1', () => {
      made += 1;
      return `${made}`.padEnd(300, '.');
    });
  const first = take('a');
  expect(take('a')).toBe(first);
  take('b');
  take('c');
  take('a');
  take('d'); // drops b
  expect(a.bytes()).toBeLessThanOrEqual(1_000);
  expect(take('a')).toBe(first);
  expect(made).toBe(4);
  take('b');
  expect(made).toBe(5);
});

test('what would push everything else out is not kept', () => {
  const a = createAnswers(1_000);
  a.take('big', '1', () => '.'.repeat(900));
  expect(a.bytes()).toBe(0);
});

test('a newer version takes the place of the older one', () => {
  const a = createAnswers(1_000);
  for (let version = 1; version <= 50; version += 1) {
    expect(a.take('datasets', String(version), () => `${version}`.padEnd(100, '.')).toString()).toContain(String(version));
    expect(a.bytes()).toBe(108);
  }
});
