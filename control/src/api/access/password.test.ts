import { argon2Sync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { RefusalError } from '../../domain/refusal.ts';
import { createPasswords } from './password.ts';

test('a password is checked against its own hash only', async () => {
  const p = createPasswords(randomBytes);
  const hash = await p.hash('lantern orchard basalt');
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await p.verify('lantern orchard basalt', hash)).toBe(true);
  expect(await p.verify('lantern orchard basalT', hash)).toBe(false);
  expect(await p.verify('lantern orchard basalt', null)).toBe(false);
  expect(await p.verify('', 'not a hash')).toBe(false);
  expect(await p.hash('lantern orchard basalt')).not.toBe(hash);
});

test('it is the argon2id that others compute', async () => {
  const hash = await createPasswords((n) => Buffer.alloc(n, 3)).hash('pässword of somebody');
  const tag = argon2Sync('argon2id', {
    message: Buffer.from('pässword of somebody'),
    nonce: Buffer.alloc(16, 3),
    parallelism: 1,
    tagLength: 32,
    memory: 19_456,
    passes: 2,
  });
  expect(hash.split('$').at(-1)).toBe(tag.toString('base64').replace(/=+$/, ''));
});

test('a flood is refused instead of queued without end', async () => {
  const p = createPasswords(randomBytes);
  const results = await Promise.allSettled(Array.from({ length: 60 }, () => p.verify('x', null)));
  const refused = results.filter((r) => r.status === 'rejected');
  expect(refused).toHaveLength(60 - 2 - 32);
  for (const r of refused) expect((r.reason as RefusalError).refusal.code).toBe('busy');
  expect(await p.verify('x', null)).toBe(false);
});
