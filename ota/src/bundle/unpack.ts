/**
 * Chunks of an image: compared packed, unpacked into no more than they may be, compared again. One stream unpacks them all: the functions
 * that unpack a buffer leave something behind for each, which is only found when all memory is looked through.
 */
import { hash, webcrypto } from 'node:crypto';
import { createZstdDecompress } from 'node:zlib';

export type Expected = { sha512: string; raw: string; size: number };
export type Unpacker = {
  /** Fills `room`, which has the size that is expected. Null, or why it can't; then it is of no more use. One at a time. */
  into: (packed: Buffer, room: Buffer, e: Expected) => Promise<string | null>;
  end: () => void;
};

const PIECE = 256 * 1024;

export const startUnpacker = (): Unpacker => {
  const stream = createZstdDecompress({ chunkSize: PIECE });
  let room: Buffer = Buffer.alloc(0);
  let came = 0;
  let failed: Error | null = null;
  stream.on('data', (piece: Buffer) => {
    if (came + piece.length <= room.length) piece.copy(room, came);
    came += piece.length;
    // more than it may be: nothing of it is needed
    if (came > room.length) stream.destroy();
  });
  stream.on('error', (error) => {
    failed = error;
  });
  return {
    into: async (packed, into, e) => {
      if (hash('sha512', packed, 'hex') !== e.sha512) return 'is not what its manifest says';
      [room, came] = [into, 0];
      // its callback comes when all of it was taken; what came of that is handed out at the latest one turn later
      await new Promise<void>((resolve) => {
        stream.once('close', resolve);
        stream.write(packed, () => {
          stream.off('close', resolve);
          setImmediate(resolve);
        });
      });
      if (failed !== null) return `can't be unpacked (${failed.message})`;
      return came === e.size ? null : `has ${came > e.size ? 'more than' : `${came} instead of`} ${e.size} bytes`;
    },
    end: () => void stream.destroy(),
  };
};

/** Hashed on another thread. Null when it is right. */
export const whyNotRaw = async (raw: Buffer<ArrayBuffer>, e: Expected): Promise<string | null> =>
  Buffer.from(await webcrypto.subtle.digest('SHA-512', raw)).toString('hex') === e.raw ? null : 'is not what its manifest says, unpacked';

/** The most a chunk can have packed, even when nothing of it can be: what the format adds. */
export const maxPacked = (chunkSize: number): number => chunkSize + (chunkSize >> 7) + 1024;
