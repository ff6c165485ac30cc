/**
 * The signature of a file that is no bundle, such as the image that is flashed: Ed25519 over `dplane-file-v1\0` and the SHA-512 of its bytes. It is 64
 * bytes in a file of its own, so that OpenSSL can check it, too. Whatever the file is called, it is the same signature.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { replaceFile } from '../slots/files.ts';
import { keyId } from './public.ts';
import { SIGNATURE_BYTES, verifyBytes } from './signature.ts';
import { type Signer, signChecked } from './signer.ts';
import type { Trust } from './trust.ts';

const DOMAIN = Buffer.from('dplane-file-v1\0', 'latin1');

const messageOf = async (path: string): Promise<Uint8Array> => {
  const hash = createHash('sha512');
  for await (const part of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(part as Buffer);
  return Buffer.concat([DOMAIN, hash.digest()]);
};

export const signFile = async (path: string, output: string, signer: Signer): Promise<Result<{ keyId: string; signature: string }>> => {
  const signature = await signChecked(`signing ${path}`, await messageOf(path), signer);
  if (!signature.ok) return signature;
  await replaceFile(output, signature.value);
  return ok({ keyId: keyId(signer.publicKey), signature: output });
};

export const verifyFile = async (path: string, signaturePath: string, trust: Trust): Promise<Result<{ keyId: string }>> => {
  const what = `verifying ${path}`;
  const usable = trust.keys.filter((k) => !k.revoked);
  if (usable.length === 0)
    return refuse('blocked', what, 'no key is trusted here', 'Give the public key of whoever made it: --public-key FILE');
  const found = await stat(signaturePath).catch(() => null);
  if (found === null) return refuse('not-found', what, `there is no signature: ${signaturePath}`, 'Give it with --signature FILE.');
  if (found.size !== SIGNATURE_BYTES)
    return refuse('invalid', what, `${signaturePath} has ${found.size} bytes, a signature has ${SIGNATURE_BYTES}`, 'Download it again.');
  const [message, signature] = [await messageOf(path), new Uint8Array(await readFile(signaturePath))];
  const by = usable.find((k) => verifyBytes(message, signature, k.bytes));
  return by === undefined
    ? refuse(
        'blocked',
        what,
        'it is not what was signed by a key that is trusted here',
        'Do not use it. Download it and its signature again, from where the key came from.',
      )
    : ok({ keyId: by.id });
};
