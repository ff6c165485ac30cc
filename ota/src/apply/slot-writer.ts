/**
 * Writes the image into its slot: unpacked and compared with the manifest, compared with what is there, written where it differs,
 * flushed to the disk, read back from the disk. In batches, two under way at once: one is unpacked while the other is flushed and read
 * back. They bound the memory, however large the slot is. Unpacking, hashing and the disk are the thread pool's, each with its own chunk.
 *
 * Transfers go past the page cache (O_DIRECT), for which memory has to be aligned: a WebAssembly memory is, by its specification.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import { RefusalError, refuse } from '../../../control/src/domain/refusal.ts';
import { collect } from '../bundle/memory.ts';
import type { Opened } from '../bundle/open.ts';
import { type ChunkPlace, chunks, wrongChunk } from '../bundle/payload.ts';
import { maxPacked, startUnpacker, whyNotRaw } from '../bundle/unpack.ts';

/** All of it that is used here; the type check knows no more of it. */
declare const WebAssembly: { Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer } };
const WASM_PAGE = 65_536;
const BATCH_BYTES = 2 * 1024 * 1024;
/** Enough to see that a chunk is another one: then the rest of it needn't be read to be written over. */
const SAMPLE = 65_536;

const aligned = (bytes: number): Buffer<ArrayBuffer> => {
  const pages = Math.ceil(bytes / WASM_PAGE);
  return Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer, 0, bytes);
};

const broken = (path: string, why: string): RefusalError =>
  new RefusalError(
    refuse('failed', `writing ${path}`, why, 'The disk may be failing: look at its SMART values. The running system is untouched.').refusal,
  );

const transfer = async (file: FileHandle, path: string, kind: 'read' | 'write', buffer: Buffer, offset: number): Promise<void> => {
  for (let at = 0; at < buffer.length; ) {
    let n: number;
    try {
      n =
        kind === 'read'
          ? (await file.read(buffer, at, buffer.length - at, offset + at)).bytesRead
          : (await file.write(buffer, at, buffer.length - at, offset + at)).bytesWritten;
    } catch (error) {
      throw broken(path, String(error));
    }
    if (n === 0) throw broken(path, `it ends at ${offset + at}`);
    at += n;
  }
};

export type Counted = { done: number; written: number; skipped: number };
export type SlotWriterOptions = {
  file: FileHandle;
  path: string;
  signal: AbortSignal;
  told: (c: Counted) => Promise<void>;
};

/** What has to be on the disk, for one chunk, until it was seen there. */
type Room = Buffer<ArrayBuffer>;
type Put = { c: ChunkPlace; raw: Room; written: boolean };

/** Memory to read into, for as many at once as the disk is asked for. */
const spares = (count: number, bytes: number): (<T>(use: (spare: Buffer) => Promise<T>) => Promise<T>) => {
  const free = Array.from({ length: count }, () => aligned(bytes));
  const waiting: ((spare: Buffer<ArrayBuffer>) => void)[] = [];
  return async (use) => {
    const spare = free.pop() ?? (await new Promise<Buffer<ArrayBuffer>>((resolve) => waiting.push(resolve)));
    try {
      return await use(spare);
    } finally {
      const next = waiting.shift();
      if (next) next(spare);
      else free.push(spare);
    }
  };
};

export const writeSlot = async (opened: Opened, o: SlotWriterOptions): Promise<Counted> => {
  const { chunkSize } = opened.manifest.slot;
  const atOnce = Math.max(2, Math.floor(BATCH_BYTES / chunkSize));
  const makeRooms = (): Room[] => Array.from({ length: atOnce }, () => aligned(chunkSize));
  const [even, odd] = [makeRooms(), makeRooms()];
  const withSpare = spares(2, chunkSize);
  const packed = Buffer.allocUnsafeSlow(maxPacked(chunkSize));
  const count: Counted = { done: 0, written: 0, skipped: 0 };
  const unpacker = startUnpacker();

  const isThere = (raw: Buffer, offset: number): Promise<boolean> =>
    withSpare(async (spare) => {
      const first = spare.subarray(0, Math.min(SAMPLE, raw.length));
      await transfer(o.file, o.path, 'read', first, offset);
      if (!first.equals(raw.subarray(0, first.length))) return false;
      const rest = spare.subarray(first.length, raw.length);
      await transfer(o.file, o.path, 'read', rest, offset + first.length);
      return rest.equals(raw.subarray(first.length));
    });

  const put = async (c: ChunkPlace, raw: Room): Promise<Put> => {
    const [why, equal] = await Promise.all([whyNotRaw(raw, c), isThere(raw, c.offset)]);
    if (why !== null) throw wrongChunk(opened, c.index, why);
    if (!equal) await transfer(o.file, o.path, 'write', raw, c.offset);
    return { c, raw, written: !equal };
  };

  /** On the disk, and read from there again. */
  const settle = async (batch: readonly Put[]): Promise<void> => {
    const written = batch.filter((b) => b.written);
    if (written.length > 0) await o.file.datasync();
    await Promise.all(
      written.map(({ c, raw }) =>
        withSpare(async (spare) => {
          const there = spare.subarray(0, raw.length);
          await transfer(o.file, o.path, 'read', there, c.offset);
          if (!there.equals(raw)) throw broken(o.path, `at ${c.offset} it does not hold what was written there`);
        }),
      ),
    );
    for (const b of batch) {
      count.done += b.c.size;
      if (b.written) count.written += b.c.size;
      else count.skipped += b.c.size;
    }
    await o.told(count);
  };

  const begin = <T>(work: Promise<T>): Promise<T> => {
    work.catch(() => {}); // heard of when it is waited for
    return work;
  };
  let batch: Promise<Put>[] = [];
  let rooms = even;
  let settling: Promise<void> = Promise.resolve();
  /** The rooms of the batch before are free when this resolves. */
  const turn = async (): Promise<void> => {
    collect('young');
    const done = await Promise.all(batch);
    await settling;
    settling = begin(settle(done));
    batch = [];
    rooms = rooms === even ? odd : even;
  };
  try {
    for await (const c of chunks(opened)) {
      if (o.signal.aborted) throw cancelled();
      const room = rooms[batch.length];
      if (room === undefined) throw new Error('a batch without room');
      const part = packed.subarray(0, c.packed);
      await opened.reader.into(part, `chunk ${c.index} of the image`);
      const raw = room.subarray(0, c.size);
      const why = await unpacker.into(part, raw, c);
      if (why !== null) throw wrongChunk(opened, c.index, why);
      batch.push(begin(put(c, raw)));
      if (batch.length === atOnce) await turn();
    }
    await turn();
    await settling;
    await o.file.sync();
  } finally {
    // before who called closes the file
    await Promise.allSettled([...batch, settling]);
    unpacker.end();
  }
  return count;
};

export const cancelled = (): RefusalError =>
  new RefusalError(
    refuse('conflict', 'the update', 'it was cancelled', 'Nothing that runs was changed; start it again to go on where it stopped.')
      .refusal,
  );
export const isComplete = (m: Manifest, c: Counted): boolean => c.done === m.slot.size;
