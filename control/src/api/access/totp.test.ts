import { expect, test } from 'vitest';
import { base32, codeAt, fromBase32, otpauth, STEP_MS, stepOf } from './totp.ts';

const RFC_SECRET = Buffer.from('12345678901234567890');

test.each([
  [59, '94287082'],
  [1111111109, '07081804'],
  [1111111111, '14050471'],
  [1234567890, '89005924'],
  [2000000000, '69279037'],
  [20000000000, '65353130'],
])('RFC 6238 at %i s', (seconds, code) => {
  expect(codeAt(RFC_SECRET, Math.floor(seconds / 30), 8)).toBe(code);
});

test('base32 goes there and back, as RFC 4648 writes it', () => {
  expect(base32(Buffer.from('foobar'))).toBe('MZXW6YTBOI');
  expect(fromBase32('MZXW6YTBOI').toString()).toBe('foobar');
  expect(fromBase32(base32(RFC_SECRET))).toEqual(RFC_SECRET);
});

test('a code is good one step around now, once', () => {
  const secret = base32(RFC_SECRET);
  const now = 1_760_000_000_000;
  const step = Math.floor(now / STEP_MS);
  for (const d of [-1, 0, 1]) expect(stepOf(secret, codeAt(RFC_SECRET, step + d), now, 0)).toBe(step + d);
  for (const d of [-2, 2]) expect(stepOf(secret, codeAt(RFC_SECRET, step + d), now, 0)).toBeNull();
  expect(stepOf(secret, codeAt(RFC_SECRET, step), now, step)).toBeNull();
  expect(stepOf(secret, 'abcdef', now, 0)).toBeNull();
  expect(stepOf(secret, '', now, 0)).toBeNull();
});

test('what an authenticator app scans', () => {
  expect(otpauth('ABC', 'ada', 'D-PlaneOS')).toBe(
    'otpauth://totp/D-PlaneOS:ada?secret=ABC&issuer=D-PlaneOS&algorithm=SHA1&digits=6&period=30',
  );
});
