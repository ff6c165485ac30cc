import { expect, test } from 'vitest';
import { md4, ntHash } from './nt-hash.ts';

test('MD4 as its RFC lists it', () => {
  const vectors: readonly [string, string][] = [
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
    ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ];
  for (const [text, hash] of vectors) expect(md4(Buffer.from(text)).toString('hex')).toBe(hash);
});

test('the hash of a password is what Samba keeps of it', () => {
  // `pdbedit -L -w` of Samba 4.22 after smbpasswd
  expect(ntHash('lab-only-pw').toString('hex')).toBe('a763d20e531936ee716a5aaef88b1bff');
});
