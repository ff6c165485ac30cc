/**
 * A signing key at rest: its 32-byte seed in a secretbox (XSalsa20-Poly1305) whose key is scrypt of a passphrase. It never lies
 * unencrypted in a file, and no passphrase is ever an argument.
 */
import { randomBytes, scrypt } from 'node:crypto';
import nacl from 'tweetnacl';
import { z } from 'zod';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { KeyId } from '../../../control/src/domain/slot/slot.ts';
import { keyId } from './public.ts';
import { publicOf } from './signature.ts';

const base64 = (bytes: number) =>
  z
    .string()
    .refine(
      (t) => Buffer.from(t, 'base64').length === bytes && Buffer.from(t, 'base64').toString('base64') === t,
      `expected ${bytes} bytes in base64`,
    );

const PrivateKeyFile = z.strictObject({
  kind: z.literal('dplaneos signing key'),
  format: z.literal(1),
  id: KeyId,
  comment: z.string().max(200),
  public: base64(32),
  // bounded, so that a file of somebody else can't ask for all memory there is
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    N: z.union([z.literal(2 ** 14), z.literal(2 ** 15), z.literal(2 ** 16), z.literal(2 ** 17), z.literal(2 ** 18)]),
    r: z.literal(8),
    p: z.literal(1),
    salt: base64(32),
  }),
  nonce: base64(24),
  box: base64(48),
});

export const MIN_PASSPHRASE = 12;
/** 128 MiB and half a second for each guess. */
const DEFAULT_N = 2 ** 17;

const stretch = (passphrase: string, salt: Uint8Array, N: number): Promise<Uint8Array> =>
  new Promise((resolve, reject) =>
    scrypt(passphrase.normalize('NFKC'), salt, 32, { N, r: 8, p: 1, maxmem: 256 * N * 8 }, (error, key) =>
      error ? reject(error) : resolve(new Uint8Array(key)),
    ),
  );

const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

export const encryptSeed = async (seed: Uint8Array, passphrase: string, comment: string, N = DEFAULT_N): Promise<string> => {
  const [salt, nonce] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(24))];
  const box = nacl.secretbox(seed, nonce, await stretch(passphrase, salt, N));
  const publicKey = publicOf(seed);
  const file = {
    kind: 'dplaneos signing key',
    format: 1,
    id: keyId(publicKey),
    comment,
    public: b64(publicKey),
    kdf: { name: 'scrypt', N, r: 8, p: 1, salt: b64(salt) },
    nonce: b64(nonce),
    box: b64(box),
  };
  return `${JSON.stringify(PrivateKeyFile.parse(file), null, 2)}\n`;
};

export type SigningKey = { id: string; comment: string; publicKey: Uint8Array; seed: Uint8Array };

const WHAT = 'opening the signing key';
export const decryptSeed = async (text: string, passphrase: string): Promise<Result<SigningKey>> => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse('invalid', WHAT, 'the file is not a signing key (no JSON)', 'Make one with: dplane-ota keygen');
  }
  const file = PrivateKeyFile.safeParse(json);
  if (!file.success)
    return refuse('invalid', WHAT, `the file is not a signing key (${file.error.issues[0]?.message})`, 'Make one with: dplane-ota keygen');
  const { kdf, nonce, box, comment, id } = file.data;
  const seed = nacl.secretbox.open(bytesOf(box), bytesOf(nonce), await stretch(passphrase, bytesOf(kdf.salt), kdf.N));
  if (seed === null)
    return refuse('forbidden', WHAT, 'the passphrase does not open it', 'Try again; after a typing error nothing is lost.');
  const publicKey = publicOf(seed);
  if (keyId(publicKey) !== id || b64(publicKey) !== file.data.public)
    return refuse('conflict', WHAT, 'its public half does not belong to its private one');
  return ok({ id, comment, publicKey, seed });
};

export const newSeed = (): Uint8Array => new Uint8Array(randomBytes(32));
