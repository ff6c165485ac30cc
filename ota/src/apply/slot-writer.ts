/**
 * Writes the image into its slot, in batches: unpacked and compared with the manifest, compared with what is there, written when it
 * differs, flushed to the disk, read back from the disk. The batch bounds the memory, however large the slot is.
 *
 * Transfers go past the page cache (O_DIRECT), for which memory has to be aligned: a WebAssembly memory is, by its specification.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import { RefusalError, refuse } from '../../../control/src/domain/refusal.ts';
import type { Opened } from '../bundle/open.ts';
import { chunks, type Packed, unpack } from '../bundle/payload.ts';

/** All of it that is used here; the type check knows no more of it. */
declare const WebAssembly: { Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer } };
const WASM_PAGE = 65_536;
const BATCH_BYTES = 8 * 1024 * 1024;

export const aligned = (bytes: number): Buffer =>
  Buffer.from(new WebAssembly.Memory({ initial: Math.ceil(bytes / WASM_PAGE), maximum: Math.ceil(bytes / WASM_PAGE) }).buffer, 0, bytes);

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

type Room = { raw: Buffer; there: Buffer };

export const writeSlot = async (opened: Opened, o: SlotWriterOptions): Promise<Counted> => {
  const { chunkSize } = opened.manifest.slot;
  const rooms: Room[] = Array.from({ length: Math.max(2, Math.floor(BATCH_BYTES / chunkSize)) }, () => ({
    raw: aligned(chunkSize),
    there: aligned(chunkSize),
  }));
  const count: Counted = { done: 0, written: 0, skipped: 0 };

  /** Unpacks into its room; true when the slot holds something else. */
  const prepare = async (c: Packed, room: Room): Promise<boolean> => {
    const there = room.there.subarray(0, c.size);
    const [raw] = await Promise.all([unpack(opened, c), transfer(o.file, o.path, 'read', there, c.offset)]);
    if (raw.equals(there)) return false;
    raw.copy(room.raw);
    await transfer(o.file, o.path, 'write', room.raw.subarray(0, c.size), c.offset);
    return true;
  };

  /** On the disk, and read from there again. */
  const settle = async (batch: { c: Packed; room: Room; written: boolean }[]): Promise<void> => {
    if (batch.some((b) => b.written)) await o.file.datasync();
    await Promise.all(
      batch
        .filter((b) => b.written)
        .map(async ({ c, room }) => {
          const there = room.there.subarray(0, c.size);
          there.fill(0);
          await transfer(o.file, o.path, 'read', there, c.offset);
          if (!there.equals(room.raw.subarray(0, c.size))) throw broken(o.path, `at ${c.offset} it does not hold what was written there`);
        }),
    );
    for (const { c, written } of batch) {
      count.done += c.size;
      if (written) count.written += c.size;
      else count.skipped += c.size;
    }
    await o.told(count);
  };

  let batch: Promise<{ c: Packed; room: Room; written: boolean }>[] = [];
  const finish = async (): Promise<void> => {
    const all = await Promise.allSettled(batch);
    batch = [];
    const failed = all.find((r) => r.status === 'rejected');
    if (failed) throw failed.reason;
    await settle(all.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : [])));
  };
  try {
    for await (const c of chunks(opened)) {
      if (o.signal.aborted) throw cancelled();
      const room = rooms[batch.length];
      if (room === undefined) throw new Error('a batch without room');
      const prepared = prepare(c, room).then((written) => ({ c, room, written }));
      prepared.catch(() => {}); // heard of when the batch ends; until then nobody waits for it
      batch.push(prepared);
      if (batch.length === rooms.length) await finish();
    }
    await finish();
    await o.file.sync();
  } finally {
    await Promise.allSettled(batch);
  }
  return count;
};

export const cancelled = (): RefusalError =>
  new RefusalError(
    refuse('conflict', 'the update', 'it was cancelled', 'Nothing that runs was changed; start it again to go on where it stopped.')
      .refusal,
  );
export const isComplete = (m: Manifest, c: Counted): boolean => c.done === m.slot.size;
