import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Box, makeBox } from '../testing/box.ts';
import { idOf, NOW, pemOf, seedOf } from '../testing/release.ts';
import { readHistory } from '../slots/history.ts';
import { enrollKey, revokeKey } from './enroll.ts';
import { decryptSeed, encryptSeed, newSeed } from './private.ts';
import { parsePublicKey, publicBytesOfPem, renderPublicKey } from './public.ts';
import { messageOf, publicOf, signBytes, verifyBytes, verifyManifest } from './signature.ts';
import { readTrust } from './trust.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
let folder: string;
let box: Box;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dplane-keys-'));
  box = makeBox();
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  box.drop();
});
const at = (name: string, content: Uint8Array | string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const openssl = (...argv: string[]): string => {
  const r = spawnSync('openssl', argv, { encoding: 'utf8' });
  if (r.status !== 0) throw new Error(`${argv.join(' ')}: ${r.stderr}`);
  return r.stdout;
};

/** RFC 8032, 7.1: secret key, public key, message, signature. */
const VECTORS = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
] as const;

describe('signatures', () => {
  test.each(VECTORS)('RFC 8032: %s', (secret, publicKey, message, signature) => {
    expect(Buffer.from(publicOf(hex(secret))).toString('hex')).toBe(publicKey);
    expect(Buffer.from(signBytes(hex(message), hex(secret))).toString('hex')).toBe(signature);
    expect(verifyBytes(hex(message), hex(signature), hex(publicKey))).toBe(true);
    for (const byte of [0, 31, 32, 63]) {
      const changed = hex(signature);
      changed[byte] = (changed[byte] ?? 0) ^ 1;
      expect(verifyBytes(hex(message), changed, hex(publicKey))).toBe(false);
    }
  });
  test('a signature with the order of the group added to its scalar is another one, and refused', () => {
    const [, publicKey, , signature] = VECTORS[0];
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const scalar = BigInt(`0x${Buffer.from(hex(signature).subarray(32)).reverse().toString('hex')}`);
    const more = Buffer.from((scalar + order).toString(16).padStart(64, '0'), 'hex').reverse();
    expect(verifyBytes(new Uint8Array(0), new Uint8Array(Buffer.concat([hex(signature).subarray(0, 32), more])), hex(publicKey))).toBe(
      false,
    );
  });
  test('OpenSSL verifies ours', () => {
    const manifest = Buffer.from('{"format":1}');
    const seed = seedOf(7);
    const [key, message, signature] = [
      at('k.pem', pemOf(seed)),
      at('m', messageOf(manifest)),
      at('s', signBytes(messageOf(manifest), seed)),
    ];
    expect(openssl('pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin', '-in', message, '-sigfile', signature)).toContain(
      'Signature Verified Successfully',
    );
  });
  test("we verify OpenSSL's, and read its public key", () => {
    const manifest = Buffer.from('{"format":1,"x":"y"}');
    const key = join(folder, 'private.pem');
    openssl('genpkey', '-algorithm', 'ed25519', '-out', key);
    const pem = openssl('pkey', '-in', key, '-pubout');
    const publicKey = parsePublicKey(pem);
    if (!publicKey.ok) throw new Error(publicKey.refusal.why);
    expect(publicBytesOfPem(readFileSync(key, 'utf8'))).toEqual(publicKey.value.bytes);
    openssl('pkeyutl', '-sign', '-inkey', key, '-rawin', '-in', at('m', messageOf(manifest)), '-out', join(folder, 's'));
    const signature = new Uint8Array(readFileSync(join(folder, 's')));
    expect(verifyManifest(manifest, signature, publicKey.value.bytes)).toBe(true);
    // without its prefix it is a signature of something else
    expect(verifyBytes(manifest, signature, publicKey.value.bytes)).toBe(false);
    expect(verifyManifest(Buffer.from('{"format":1,"x":"z"}'), signature, publicKey.value.bytes)).toBe(false);
  });
});

describe('a private key at rest', () => {
  test('opens with its passphrase only, and holds no seed in the open', async () => {
    const seed = newSeed();
    const text = await encryptSeed(seed, 'correct horse battery', 'release', 2 ** 14);
    expect(text).not.toContain(Buffer.from(seed).toString('base64'));
    const opened = await decryptSeed(text, 'correct horse battery');
    expect(opened).toMatchObject({ ok: true, value: { id: idOf(seed), comment: 'release' } });
    expect(opened.ok && Buffer.from(opened.value.seed).equals(seed)).toBe(true);
    expect(await decryptSeed(text, 'correct horse batterz')).toMatchObject({
      ok: false,
      refusal: { why: 'the passphrase does not open it' },
    });
    // the same seed is never sealed to the same bytes
    expect(await encryptSeed(seed, 'correct horse battery', 'release', 2 ** 14)).not.toBe(text);
  });
  test.each([
    ['no JSON', () => 'x'],
    ['memory without end', (t: string) => t.replace('"N": 16384', '"N": 1073741824')],
    ['another nonce', (t: string) => t.replace(/"nonce": ".../, '"nonce": "AAA')],
    [
      "another key's public half",
      (t: string) => t.replace(/"public": "[^"]+"/, `"public": "${Buffer.from(publicOf(seedOf(3))).toString('base64')}"`),
    ],
    ['something added', (t: string) => t.replace('{', '{"x":1,')],
  ])('%s is refused', async (_, change) => {
    const text = await encryptSeed(seedOf(5), 'correct horse battery', '', 2 ** 14);
    expect((await decryptSeed(change(text), 'correct horse battery')).ok).toBe(false);
  });
});

describe('a public key', () => {
  test('is read back', () => {
    const seed = seedOf(1);
    expect(parsePublicKey(pemOf(seed, 'release 2026'))).toMatchObject({ ok: true, value: { id: idOf(seed), comment: 'release 2026' } });
    expect(idOf(seed)).toMatch(/^[0-9a-f]{16}$/);
  });
  test('a comment can not become armour', () => {
    const text = renderPublicKey(publicOf(seedOf(1)), 'x\n-----BEGIN PUBLIC KEY-----\n');
    expect(text.match(/BEGIN/g)).toHaveLength(2);
    expect(parsePublicKey(text).ok).toBe(true);
  });
  test.each(['', 'x', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'])('%j is none', (text) =>
    expect(parsePublicKey(text).ok).toBe(false),
  );
  test('two keys in one file are none: which one is meant?', () =>
    expect(parsePublicKey(pemOf(seedOf(1)) + pemOf(seedOf(2))).ok).toBe(false));
  test('an RSA key is none', () => {
    const key = join(folder, 'rsa.pem');
    openssl('genpkey', '-algorithm', 'rsa', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', key);
    expect(parsePublicKey(openssl('pkey', '-in', key, '-pubout')).ok).toBe(false);
  });
});

describe('changing the key of a machine', () => {
  const ids = async (): Promise<string[]> => {
    const trust = await readTrust(box.places);
    if (!trust.ok) throw new Error(trust.refusal.why);
    return trust.value.keys.filter((k) => !k.revoked).map((k) => k.id);
  };
  test('old and new are valid at once, then only the new one', async () => {
    box.write(join(box.places.imageKeys, 'release.pem'), pemOf(seedOf(1), 'old'));
    expect(await enrollKey(box.places, at('new.pem', pemOf(seedOf(2), 'new')), NOW)).toMatchObject({ ok: true, value: { already: false } });
    expect(await enrollKey(box.places, join(folder, 'new.pem'), NOW)).toMatchObject({ ok: true, value: { already: true } });
    expect(await ids()).toEqual([idOf(seedOf(1)), idOf(seedOf(2))]);
    expect(await revokeKey(box.places, idOf(seedOf(1)), NOW, false)).toMatchObject({ ok: true, value: { left: 1 } });
    expect(await ids()).toEqual([idOf(seedOf(2))]);
    expect((await readHistory(box.places)).map((e) => [e.kind, e.reason])).toEqual([
      ['key-enrolled', `${idOf(seedOf(2))} new`],
      ['key-revoked', `${idOf(seedOf(1))} old`],
    ]);
  });
  test('the last one goes only when it is forced; a revoked one never comes back', async () => {
    const id = idOf(seedOf(2));
    await enrollKey(box.places, at('k.pem', pemOf(seedOf(2))), NOW);
    expect(await revokeKey(box.places, id, NOW, false)).toMatchObject({ ok: false, refusal: { code: 'needs-approval' } });
    expect(await revokeKey(box.places, id, NOW, true)).toMatchObject({ ok: true, value: { left: 0 } });
    expect(await enrollKey(box.places, join(folder, 'k.pem'), NOW)).toMatchObject({
      ok: false,
      refusal: { why: `the key ${id} was revoked` },
    });
  });
  test('a private key is not enrolled', async () => {
    const file = at('private', await encryptSeed(seedOf(4), 'correct horse battery', '', 2 ** 14));
    expect(await enrollKey(box.places, file, NOW)).toMatchObject({ ok: false, refusal: { why: 'this is the private half of a key' } });
  });
});
