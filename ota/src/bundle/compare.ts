/**
 * Is what was published what the source gives? Compares a built image, kernel and initrd with the hashes of a signed manifest, and says
 * where they part.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Result } from '../../../control/src/domain/refusal.ts';
import { formatBytes } from '../../../control/src/domain/units.ts';
import type { Opened } from './open.ts';
import { chunkAt } from './payload.ts';
import { asResult } from './verify.ts';

export type Built = { slot: string; kernel: string; initrd: string };
/** `sums`: as `sha512sum -c` reads it, of what was built. */
export type Compared = { differences: string[]; sums: string[] };

const withFile = async <T>(path: string, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> => {
  const file = await open(path, 'r');
  try {
    return await use(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
};

const sumOf = (path: string): Promise<string> =>
  withFile(path, async (file) => {
    const hash = createHash('sha512');
    for await (const part of file.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 })) hash.update(part);
    return hash.digest('hex');
  });

export const compareRelease = ({ manifest }: Pick<Opened, 'manifest'>, built: Built): Promise<Result<Compared>> =>
  asResult(async () => {
    const differences: string[] = [];
    const sums: string[] = [];
    for (const name of ['kernel', 'initrd'] as const) {
      const sum = await sumOf(built[name]);
      sums.push(`${sum}  ${built[name]}`);
      if (sum !== manifest[name].sha512) differences.push(`the ${name} differs`);
    }
    await withFile(built.slot, async (file, size) => {
      if (size !== manifest.slot.size) differences.push(`the image has ${size} bytes, the published one ${manifest.slot.size}`);
      const whole = createHash('sha512');
      const buffer = Buffer.alloc(manifest.slot.chunkSize);
      for (const [index, chunk] of manifest.slot.chunks.entries()) {
        const { offset, size: wanted } = chunkAt(manifest, index);
        const { bytesRead } = await file.read(buffer, 0, wanted, offset);
        const raw = buffer.subarray(0, bytesRead);
        whole.update(raw);
        if (createHash('sha512').update(raw).digest('hex') !== chunk.raw)
          differences.push(`chunk ${index} of the image differs (from ${formatBytes(offset)}, byte ${offset}, on)`);
      }
      sums.push(`${whole.digest('hex')}  ${built.slot}`);
    });
    return { differences, sums };
  });
