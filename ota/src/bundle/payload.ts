/** What follows the manifest: kernel, initrd, and the image chunk by chunk. Each is compared with the manifest as it comes. */
import { createHash } from 'node:crypto';
import type { Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import type { RefusalError } from '../../../control/src/domain/refusal.ts';
import { nextMember, type Opened, readEnd, skipPadding } from './open.ts';
import { unreadable } from './reader.ts';
import type { Expected } from './unpack.ts';

const DAMAGED = 'The file was damaged or changed after it was signed: copy or download it again.';

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

/** One chunk: where it belongs in the image, what it has to be, how many bytes it has here. */
export type ChunkPlace = Expected & { index: number; offset: number; packed: number };

export const chunkAt = (m: Manifest, index: number): { offset: number; size: number } => {
  const offset = index * m.slot.chunkSize;
  return { offset, size: Math.min(m.slot.chunkSize, m.slot.size - offset) };
};

/** Who asks for the next one has read this one: `opened.reader` stands at its first byte. */
export async function* chunks({ manifest, reader }: Opened): AsyncGenerator<ChunkPlace, void, void> {
  const { slot } = manifest;
  await nextMember(reader, 'slot.img.zst', { exact: slot.packed });
  for (const [index, chunk] of slot.chunks.entries()) yield { index, ...chunkAt(manifest, index), ...chunk };
  await skipPadding(reader, slot.packed, 'slot.img.zst');
  await readEnd(reader);
}

export const wrongChunk = ({ reader }: Pick<Opened, 'reader'>, index: number, why: string): RefusalError =>
  unreadable(reader.source.name, `chunk ${index} of the image ${why}`, DAMAGED);
