/** A bundle in a file. Other sources: `apply/`. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { RefusalError, refuse } from '../../../control/src/domain/refusal.ts';
import type { Source } from './reader.ts';

const PIECE = 256 * 1024;

export const fileSource = async (path: string): Promise<Source> => {
  const cannot = (why: string): RefusalError =>
    new RefusalError(refuse('not-found', `reading ${path}`, why, 'Give the path of a bundle.').refusal);
  // not blocked by a pipe that nobody writes to
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw cannot(error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file' : String(error));
  });
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw cannot('it is not a plain file');
  }
  const piece = Buffer.allocUnsafeSlow(PIECE);
  return {
    name: basename(path),
    size: stat.size,
    next: async () => {
      const { bytesRead } = await file.read(piece, 0, PIECE, null).catch((error: unknown) => {
        throw new RefusalError(
          refuse('failed', `reading ${path}`, String(error), 'The medium may be failing or was pulled out: copy the file again.').refusal,
        );
      });
      // the reader copies what it takes before it asks for more
      return bytesRead === 0 ? null : piece.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
};
