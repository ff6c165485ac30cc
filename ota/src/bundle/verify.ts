/** Reads a bundle from end to end: its signature, and every byte against its manifest. Writes nothing. */
import { createHash } from 'node:crypto';
import { BundleInfo, type Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import { RefusalError, type Result, ok } from '../../../control/src/domain/refusal.ts';
import type { Trust } from '../keys/trust.ts';
import { bundleSize, type Opened, openBundle } from './open.ts';
import { chunks, payload, wrongChunk } from './payload.ts';
import { startUnpacker, whyNotRaw } from './unpack.ts';
import type { Source } from './reader.ts';

export const asResult = async <T>(work: () => Promise<T>): Promise<Result<T>> => {
  try {
    return ok(await work());
  } catch (error) {
    if (error instanceof RefusalError) return { ok: false, refusal: error.refusal };
    throw error;
  }
};

export const infoOf = ({ manifest, manifestBytes }: Pick<Opened, 'manifest' | 'manifestBytes'>): BundleInfo =>
  BundleInfo.parse({
    system: manifest.system,
    keyId: manifest.keyId,
    createdAt: manifest.createdAt,
    notAfter: manifest.notAfter,
    size: bundleSize(manifest, manifestBytes.length),
    imageSize: manifest.slot.size,
    refusal: null,
  });

export const inspectBundle = (source: Source, trust: Trust): Promise<Result<Opened>> => asResult(() => openBundle(source, trust));

export const verifyBundle = (
  source: Source,
  trust: Trust,
  told: (done: number, total: number) => void = () => {},
): Promise<Result<Manifest>> =>
  asResult(async () => {
    const opened = await openBundle(source, trust);
    for (const name of ['kernel', 'initrd'] as const) for await (const _ of payload(opened, name));
    const whole = createHash('sha512');
    const unpacker = startUnpacker();
    const room = Buffer.allocUnsafeSlow(opened.manifest.slot.chunkSize);
    try {
      for await (const chunk of chunks(opened)) {
        const packed = await opened.reader.exactly(chunk.packed, `chunk ${chunk.index} of the image`);
        whole.update(packed);
        const raw = room.subarray(0, chunk.size);
        const why = (await unpacker.into(packed, raw, chunk)) ?? (await whyNotRaw(raw, chunk));
        if (why !== null) throw wrongChunk(opened, chunk.index, why);
        told(chunk.offset + chunk.size, opened.manifest.slot.size);
      }
    } finally {
      unpacker.end();
    }
    if (whole.digest('hex') !== opened.manifest.slot.sha512)
      throw wrongChunk(opened, 0, 'and all others are right, but not the hash of them together');
    return opened.manifest;
  });
