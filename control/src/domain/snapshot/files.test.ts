import fc from 'fast-check';
import { expect, test } from 'vitest';
import { besideName, bytesOfName, FileName, FilePath, nameOfBytes } from './files.ts';

test('every name can be written, none has two spellings', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 30 }),
        fc.string({ unit: 'grapheme', minLength: 1 }).map((t) => new TextEncoder().encode(t)),
      ),
      (raw) => {
        const bytes = Buffer.from(raw);
        expect(bytesOfName(nameOfBytes(bytes)).equals(bytes)).toBe(true);
      },
    ),
  );
  expect(nameOfBytes(Buffer.from('grün ☂'))).toBe('grün ☂');
  expect(nameOfBytes(Buffer.from([0x61, 0xff, 0x5c, 0xc3]))).toBe('a\\xff\\x5c\\xc3');
});
test('no path leaves its root', () => {
  for (const bad of ['/', '/a', 'a/', 'a//b', '.', '..', 'a/..', '../a', 'a/./b', 'a\0b'])
    expect(FilePath.safeParse(bad).success, bad).toBe(false);
  for (const good of ['', 'a', '-rf', '...', 'a b/ü', '..a/b..']) expect(FilePath.safeParse(good).success, good).toBe(true);
  for (const bad of ['', 'a/b', '..']) expect(FileName.safeParse(bad).success).toBe(false);
  expect(besideName('list.tar.gz', 'x')).toBe('list.tar (x).gz');
  expect(besideName('.profile', 'x')).toBe('.profile (x)');
});
