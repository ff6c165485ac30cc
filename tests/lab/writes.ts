/**
 * What a disk was told, write by write, and the disk as it was at any moment in between: a power cut wherever one likes, without a machine.
 * The log is QEMU's `blklogwrites` (the format of dm-log-writes). With `lossy`, writes since the last flush may be missing, as they are when
 * a disk loses its cache.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

const SECTOR = 512;
const MAGIC = 0x6a736677736872n;
const [FLUSH, , DISCARD] = [1, 2, 4];

export interface Write {
  /** Where on the disk, in bytes. */
  readonly at: number;
  readonly size: number;
  /** Where its bytes are in the log; null for a discard, which may do nothing. */
  readonly data: number | null;
  /** A flush, not a write: everything before it is on the disk. */
  readonly flush: boolean;
}

export function readLog(path: string): Write[] {
  const fd = openSync(path, 'r');
  try {
    const head = Buffer.alloc(SECTOR);
    readSync(fd, head, 0, SECTOR, 0);
    if (head.readBigUInt64LE(0) !== MAGIC || head.readUInt32LE(24) !== SECTOR) throw new Error(`${path} is not a log of writes`);
    const size = fstatSync(fd).size;
    const writes: Write[] = [];
    let next = SECTOR;
    // the number in the head is behind when the machine was killed; the entries themselves are not
    while (next + SECTOR <= size) {
      readSync(fd, head, 0, SECTOR, next);
      const [sector, sectors, flags] = [0, 8, 16].map((at) => Number(head.readBigUInt64LE(at))) as [number, number, number];
      const discard = (flags & DISCARD) !== 0;
      const bytes = sectors * SECTOR;
      next += SECTOR;
      if (!discard && next + bytes > size) break;
      if (sectors > 0) writes.push({ at: sector * SECTOR, size: bytes, data: discard ? null : next, flush: false });
      if ((flags & FLUSH) !== 0) writes.push({ at: 0, size: 0, data: null, flush: true });
      if (!discard) next += bytes;
    }
    return writes;
  } finally {
    closeSync(fd);
  }
}

/** A raw disk that is moved forward through its writes. */
export class Replay {
  readonly #disk: number;
  readonly #log: number;
  readonly writes: readonly Write[];
  #done = 0;

  constructor(disk: string, log: string) {
    this.#disk = openSync(disk, 'r+');
    this.#log = openSync(log, 'r');
    this.writes = readLog(log);
  }

  #put(write: Write): void {
    if (write.data === null) return;
    const bytes = Buffer.allocUnsafe(write.size);
    readSync(this.#log, bytes, 0, write.size, write.data);
    writeSync(this.#disk, bytes, 0, write.size, write.at);
  }

  /** The disk as it is after the first `count` of the log, in order. Never back. */
  forward(count: number): void {
    for (; this.#done < count; this.#done += 1) {
      const write = this.writes[this.#done];
      if (write !== undefined) this.#put(write);
    }
  }

  /** The first of the log that no flush has put on the disk when `count` have been sent. */
  unflushed(count: number): number {
    let from = 0;
    for (let i = 0; i < count; i += 1) if (this.writes[i]?.flush === true) from = i + 1;
    return from;
  }

  /** Runs `look` on the disk when, of the writes after the last flush, only those that `keeps` says have arrived. Leaves it as it was. */
  async lossy(count: number, keeps: () => boolean, look: () => Promise<void>): Promise<void> {
    const undo: { at: number; bytes: Buffer }[] = [];
    for (const write of this.writes.slice(this.#done, count)) {
      if (write.data === null || !keeps()) continue;
      const bytes = Buffer.alloc(write.size);
      readSync(this.#disk, bytes, 0, write.size, write.at);
      undo.push({ at: write.at, bytes });
      this.#put(write);
    }
    await look();
    for (const { at, bytes } of undo.reverse()) writeSync(this.#disk, bytes, 0, bytes.length, at);
  }

  close(): void {
    closeSync(this.#disk);
    closeSync(this.#log);
  }
}
