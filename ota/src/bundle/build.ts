/**
 * Makes a bundle of a slot image, a kernel and an initrd. The same input gives the same bytes: no time, no owner, no chance is in it;
 * signing puts in a key id and a signature. Streams: memory does not grow with the image.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants as zlib, zstdCompress } from 'node:zlib';
import { canonical } from '../../../control/src/domain/canonical.ts';
import { Manifest, MAX_MANIFEST } from '../../../control/src/domain/bundle/bundle.ts';
import { RefusalError, type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import type { SystemInfo } from '../../../control/src/domain/slot/slot.ts';
import { digest } from './hash.ts';
import { archiveSize, END, header, type Member, padded } from './tar.ts';
import { SIGNATURE_BYTES } from '../keys/signature.ts';

export type BuildInput = {
  slot: string;
  kernel: string;
  initrd: string;
  system: SystemInfo;
  minIndex: number;
  poolFeatures: readonly string[];
  options: readonly string[];
  createdAt: number;
  notAfter: number;
  chunkSize?: number;
  level?: number;
};
export const CHUNK = 1024 * 1024;
const LEVEL = 12;
/** What a disk reads and writes at once; an image that ends elsewhere could not be read back from the device alone. */
export const SECTOR = 4096;
/** Until it is signed. */
export const NO_KEY = '0000000000000000';

const compress = promisify(zstdCompress);
const no = (why: string, todo = ''): RefusalError => new RefusalError(refuse('invalid', 'building a bundle', why, todo).refusal);

const opened = async <T>(path: string, use: (file: FileHandle, size: number) => Promise<T>): Promise<T> => {
  const file = await open(path, constants.O_RDONLY).catch(() => {
    throw no(`${path} can't be opened`, 'Give the path of a file that exists.');
  });
  try {
    return await use(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
};

const PIECE = 1024 * 1024;
const copyInto = async (out: FileHandle, path: string, size: number): Promise<void> =>
  opened(path, async (file) => {
    const piece = Buffer.allocUnsafeSlow(PIECE);
    let left = size;
    while (left > 0) {
      const { bytesRead } = await file.read(piece, 0, Math.min(left, PIECE), null);
      if (bytesRead === 0) throw no(`${path} became shorter while it was read`);
      await out.writeFile(piece.subarray(0, bytesRead));
      left -= bytesRead;
    }
  });

const describe = (path: string): Promise<{ size: number; sha512: string }> =>
  opened(path, async (file, size) => {
    const hash = createHash('sha512');
    for await (const part of file.createReadStream({ autoClose: false, highWaterMark: PIECE })) hash.update(part);
    return { size, sha512: hash.digest('hex') };
  });

const readChunk = async (file: FileHandle, offset: number, size: number): Promise<Buffer> => {
  const into = Buffer.allocUnsafeSlow(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(into, at, size - at, offset + at);
    if (bytesRead === 0) throw no('the image became shorter while it was read');
    at += bytesRead;
  }
  return into;
};

const AT_ONCE = 4;
/** Chunk by chunk, several at once, in order; written to `out`. */
const packSlot = (path: string, out: FileHandle, chunkSize: number, level: number): Promise<Manifest['slot']> =>
  opened(path, async (file, size) => {
    if (size === 0 || size % SECTOR !== 0)
      throw no(`the image ${path} has ${size} bytes, which is not a multiple of ${SECTOR}`, `Pad it with: truncate -s %${SECTOR} FILE`);
    const whole = createHash('sha512');
    const found: Manifest['slot']['chunks'] = [];
    let packedSize = 0;
    const one = async (offset: number): Promise<{ raw: string; sha512: string; packed: Buffer }> => {
      const raw = await readChunk(file, offset, Math.min(chunkSize, size - offset));
      const packed = await compress(raw, { params: { [zlib.ZSTD_c_compressionLevel]: level, [zlib.ZSTD_c_checksumFlag]: 0 } });
      return { raw: await digest(raw as Buffer<ArrayBuffer>), sha512: await digest(packed as Buffer<ArrayBuffer>), packed };
    };
    for (let offset = 0; offset < size; offset += AT_ONCE * chunkSize) {
      const starts = Array.from({ length: AT_ONCE }, (_, i) => offset + i * chunkSize).filter((o) => o < size);
      for (const { raw, sha512, packed } of await Promise.all(starts.map(one))) {
        found.push({ packed: packed.length, sha512, raw });
        whole.update(packed);
        packedSize += packed.length;
        await out.writeFile(packed);
      }
    }
    return { size, packed: packedSize, sha512: whole.digest('hex'), chunkSize, chunks: found };
  });

/** Unsigned: its key id and its signature are zeroes. Replaces `output` when it is complete. */
export const buildBundle = async (input: BuildInput, output: string): Promise<Result<Manifest>> => {
  const [beside, packed] = [`${output}.part`, `${output}.slot.part`];
  try {
    const chunkSize = input.chunkSize ?? CHUNK;
    if (chunkSize % SECTOR !== 0) throw no(`chunks of ${chunkSize} bytes are not a multiple of ${SECTOR}`);
    const slotFile = await open(packed, 'w', 0o644);
    let slot: Manifest['slot'];
    try {
      slot = await packSlot(input.slot, slotFile, chunkSize, input.level ?? LEVEL);
    } finally {
      await slotFile.close();
    }
    const parsed = Manifest.safeParse({
      format: 1,
      system: input.system,
      minIndex: input.minIndex,
      poolFeatures: [...new Set(input.poolFeatures)].sort(),
      createdAt: input.createdAt,
      notAfter: input.notAfter,
      keyId: NO_KEY,
      boot: { options: input.options },
      kernel: await describe(input.kernel),
      initrd: await describe(input.initrd),
      slot,
    });
    if (!parsed.success)
      throw no(
        parsed.error.issues
          .map((i) => `${i.path.join('.')}: ${i.message}`)
          .slice(0, 3)
          .join('; '),
      );
    const manifest = parsed.data;
    const text = Buffer.from(canonical(manifest));
    if (text.length > MAX_MANIFEST)
      throw no(`its manifest would have ${text.length} bytes; ${MAX_MANIFEST} are the most`, 'Use larger chunks.');
    const out = await open(beside, 'w', 0o644);
    try {
      const member = async (name: Member, size: number, write: () => Promise<void>): Promise<void> => {
        await out.writeFile(header(name, size));
        await write();
        await out.writeFile(Buffer.alloc(padded(size) - size));
      };
      await member('manifest.json', text.length, () => out.writeFile(text));
      await member('manifest.sig', SIGNATURE_BYTES, () => out.writeFile(Buffer.alloc(SIGNATURE_BYTES)));
      await member('kernel', manifest.kernel.size, () => copyInto(out, input.kernel, manifest.kernel.size));
      await member('initrd', manifest.initrd.size, () => copyInto(out, input.initrd, manifest.initrd.size));
      await member('slot.img.zst', slot.packed, () => copyInto(out, packed, slot.packed));
      await out.writeFile(END);
      await out.sync();
    } finally {
      await out.close();
    }
    const { size } = await stat(beside);
    const expected = archiveSize([text.length, SIGNATURE_BYTES, manifest.kernel.size, manifest.initrd.size, slot.packed]);
    if (size !== expected) throw no(`it has ${size} bytes instead of ${expected}: something changed while it was made`);
    await rename(beside, output);
    return ok(manifest);
  } catch (error) {
    await unlink(beside).catch(() => {});
    if (error instanceof RefusalError) return { ok: false, refusal: error.refusal };
    if (error instanceof RangeError || (error instanceof Error && 'code' in error))
      return refuse('failed', 'building a bundle', error.message);
    throw error;
  } finally {
    await unlink(packed).catch(() => {});
  }
};
