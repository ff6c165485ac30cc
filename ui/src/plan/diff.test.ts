import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffOf, hunksOf } from './diff.ts';

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 30 }).map((l) => l.join('\n'));
const strip = (t: string): string => t.replace(/\n$/, '');

test('a diff holds both texts, whole', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      const lines = diffOf(a, b);
      const side = (skip: string): string =>
        lines
          .filter((l) => l.sign !== skip)
          .map((l) => l.text)
          .join('\n');
      expect(side('+')).toBe(strip(a));
      expect(side('-')).toBe(strip(b));
    }),
  );
});

test('equal texts differ in nothing; one new line is one plus', () => {
  expect(diffOf('a\nb', 'a\nb').every((l) => l.sign === ' ')).toBe(true);
  expect(diffOf('a\nc\n', 'a\nb\nc\n').map((l) => l.sign + l.text)).toEqual([' a', '+b', ' c']);
});

test('far from any difference lines are counted, not shown', () => {
  const a = Array.from({ length: 20 }, (_, i) => String(i)).join('\n');
  expect(hunksOf(diffOf(a, `${a}\nend`))).toEqual([
    { gap: 17 },
    { sign: ' ', text: '17' },
    { sign: ' ', text: '18' },
    { sign: ' ', text: '19' },
    { sign: '+', text: 'end' },
  ]);
});
