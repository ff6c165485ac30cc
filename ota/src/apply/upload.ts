/**
 * A bundle that comes through `dplaned`: a socket of root's that its group may write to, for one connection and as many bytes as were
 * announced. The kernel's buffers hold the sender back when the disk is slower.
 */
import { chmod, chown, mkdir, readFile, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { RefusalError, refuse } from '../../../control/src/domain/refusal.ts';
import type { Source } from '../bundle/reader.ts';
import type { Places } from '../slots/places.ts';
import { cancelled } from './slot-writer.ts';

const GROUP = 'dplane';
const gidOf = async (places: Places): Promise<number | null> => {
  const line = (await readFile(places.groups, 'utf8').catch(() => '')).split('\n').find((l) => l.startsWith(`${GROUP}:`));
  const gid = Number(line?.split(':')[2]);
  return Number.isInteger(gid) && gid > 0 ? gid : null;
};

const no = (name: string, why: string): RefusalError =>
  new RefusalError(refuse('timeout', `receiving ${name}`, why, 'Upload it again.').refusal);

export type UploadOptions = { places: Places; size: number; name: string; signal: AbortSignal; connectMs?: number; idleMs?: number };

export const uploadSource = async ({ places, size, name, signal, connectMs = 60_000, idleMs = 60_000 }: UploadOptions): Promise<Source> => {
  await mkdir(dirname(places.stream), { recursive: true });
  await unlink(places.stream).catch(() => {}); // of one that was killed; the lock says that it is gone
  const server: Server = createServer({ pauseOnConnect: true });
  const connected = new Promise<Socket>((resolve, reject) => {
    server.once('connection', resolve);
    server.once('error', reject);
  });
  connected.catch(() => {});
  server.maxConnections = 1;
  // nobody may connect before the group was set
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(places.stream, resolve);
    });
  } finally {
    process.umask(mask);
  }
  const gid = await gidOf(places);
  if (gid !== null && !places.pretend) await chown(places.stream, 0, gid);
  await chmod(places.stream, 0o660);

  let socket: Socket | null = null;
  let pieces: AsyncIterator<Buffer> | null = null;
  let taken = 0;

  const limited = async <T>(work: Promise<T>, ms: number, why: string): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => {};
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(no(name, why)), ms);
      onAbort = () => reject(cancelled());
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([work, limit]);
    } finally {
      work.catch(() => {});
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  };
  const accept = async (): Promise<AsyncIterator<Buffer>> => {
    socket = await limited(connected, connectMs, `nobody began to send it within ${connectMs / 1000} s`);
    socket.on('error', () => {}); // told by what reads
    server.close();
    await unlink(places.stream).catch(() => {});
    return socket[Symbol.asyncIterator]();
  };
  return {
    name,
    size,
    next: async () => {
      try {
        pieces ??= await accept();
        const next = await limited(pieces.next(), idleMs, `nothing came for ${idleMs / 1000} s`);
        if (next.done === true) return null;
        taken += next.value.length;
        if (taken > size) throw no(name, `more than the ${size} bytes came that were announced`);
        return next.value;
      } catch (error) {
        if (error instanceof RefusalError) throw error;
        throw no(name, `the connection broke after ${taken} of ${size} bytes`);
      }
    },
    close: async () => {
      socket?.destroy();
      server.close();
      await unlink(places.stream).catch(() => {});
    },
  };
};
