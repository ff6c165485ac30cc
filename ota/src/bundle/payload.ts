/** What follows the manifest: kernel, initrd, and the image chunk by chunk. Each is compared with the manifest as it comes. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import type { Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import { digest } from './hash.ts';
import { nextMember, type Opened, readEnd, skipPadding } from './open.ts';
import { unreadable } from './reader.ts';

const DAMAGED = 'The file was damaged or changed after it was signed: copy or download it again.';
const decompress = promisify(zstdDecompress);

/** In pieces; throws at the end when it was not what the manifest says. */
export async function* payload({ manifest, reader }: Opened, name: 'kernel' | 'initrd'): AsyncGenerator<Uint8Array, void, void> {
  const { size, sha512 } = manifest[name];
  await nextMember(reader, name, { exact: size });
  const hash = createHash('sha512');
  for (let left = size; left > 0; ) {
    const part = await reader.some(left, name);
    left -= part.length;
    hash.update(part);
    yield part;
  }
  if (hash.digest('hex') !== sha512) throw unreadable(reader.source.name, `${name} is not what its manifest says`, DAMAGED);
  await skipPadding(reader, size, name);
}

export type Packed = { index: number /** Where it belongs in the image. */; offset: number; size: number; packed: Buffer };

export const chunkAt = (m: Manifest, index: number): { offset: number; size: number } => {
  const offset = index * m.slot.chunkSize;
  return { offset, size: Math.min(m.slot.chunkSize, m.slot.size - offset) };
};

/** As they come; not compared with anything yet, that is `unpack`'s first act. */
export async function* chunks({ manifest, reader }: Opened): AsyncGenerator<Packed, void, void> {
  const { slot } = manifest;
  await nextMember(reader, 'slot.img.zst', { exact: slot.packed });
  for (const [index, chunk] of slot.chunks.entries())
    yield { index, ...chunkAt(manifest, index), packed: await reader.exactly(chunk.packed, `chunk ${index} of the image`) };
  await skipPadding(reader, slot.packed, 'slot.img.zst');
  await readEnd(reader);
}

/** Compared packed, unpacked into no more than it may be, compared again. */
export const unpack = async ({ manifest, reader }: Pick<Opened, 'manifest' | 'reader'>, c: Packed): Promise<Buffer> => {
  const chunk = manifest.slot.chunks[c.index];
  const wrong = (why: string) => unreadable(reader.source.name, `chunk ${c.index} of the image ${why}`, DAMAGED);
  if (chunk === undefined || (await digest(c.packed as Buffer<ArrayBuffer>)) !== chunk.sha512) throw wrong('is not what its manifest says');
  const raw = await decompress(c.packed, { chunkSize: Math.max(c.size, 64), maxOutputLength: c.size }).catch((error: unknown) => {
    throw wrong(`can't be unpacked (${error instanceof Error ? error.message : String(error)})`);
  });
  if (raw.length !== c.size) throw wrong(`has ${raw.length} bytes instead of ${c.size}`);
  if ((await digest(raw as Buffer<ArrayBuffer>)) !== chunk.raw) throw wrong('is not what its manifest says, unpacked');
  return raw;
};
