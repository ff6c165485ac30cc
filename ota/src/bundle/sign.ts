/**
 * Signs a bundle in place: its key id and its signature have a fixed size, so that neither moves anything. It can be done where the
 * key is, on another machine than the one that built it.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { canonical } from '../../../control/src/domain/canonical.ts';
import { MAX_MANIFEST } from '../../../control/src/domain/bundle/bundle.ts';
import { RefusalError, type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { messageOf, SIGNATURE_BYTES } from '../keys/signature.ts';
import { type Signer, signChecked } from '../keys/signer.ts';
import { keyId } from '../keys/public.ts';
import { nextMember, parseManifest, skipPadding } from './open.ts';
import { ByteReader } from './reader.ts';
import { fileSource } from './sources.ts';
import { BLOCK, padded } from './tar.ts';

const readManifest = async (path: string): Promise<{ bytes: Buffer; size: number }> => {
  const source = await fileSource(path);
  try {
    const reader = new ByteReader(source);
    const size = await nextMember(reader, 'manifest.json', { max: MAX_MANIFEST });
    const bytes = await reader.exactly(size, 'the manifest');
    await skipPadding(reader, size, 'manifest.json');
    await nextMember(reader, 'manifest.sig', { exact: SIGNATURE_BYTES });
    parseManifest(bytes, source);
    return { bytes, size };
  } finally {
    await source.close();
  }
};

const put = async (file: FileHandle, bytes: Uint8Array, at: number): Promise<void> => {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
};

export const signBundle = async (path: string, signer: Signer): Promise<Result<{ keyId: string }>> => {
  const what = `signing ${path}`;
  try {
    const { bytes, size } = await readManifest(path);
    const id = keyId(signer.publicKey);
    const json: unknown = JSON.parse(bytes.toString('utf8'));
    const manifest = Buffer.from(canonical({ ...(json as Record<string, unknown>), keyId: id }));
    if (manifest.length !== size) return refuse('conflict', what, 'its manifest would change its size', 'Build the bundle again.');
    const signature = await signChecked(what, messageOf(manifest), signer);
    if (!signature.ok) return signature;
    const file = await open(path, 'r+');
    try {
      // unsigned in between: an interruption leaves no signature over another manifest
      const at = BLOCK + padded(size) + BLOCK;
      await put(file, Buffer.alloc(SIGNATURE_BYTES), at);
      await file.sync();
      await put(file, manifest, BLOCK);
      await file.sync();
      await put(file, signature.value, at);
      await file.sync();
    } finally {
      await file.close();
    }
    return ok({ keyId: id });
  } catch (error) {
    if (error instanceof RefusalError) return { ok: false, refusal: error.refusal };
    if (error instanceof Error && 'code' in error) return refuse('failed', what, error.message);
    throw error;
  }
};
