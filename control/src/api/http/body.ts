/** Reading a request's body within a limit that is enforced while it streams: what is too long is refused before it is here. */
import type { IncomingMessage } from 'node:http';
import { refusal } from '../errors.ts';

const tooLarge = (limit: number) =>
  refusal('too-large', 'The request is too large', `at most ${Math.round(limit / 1024 / 1024)} MiB are taken here`, 'Send less at once.');

export const readBody = (req: IncomingMessage, limit: number): Promise<string> => {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (finish: () => void): void => {
      req.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      finish();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) done(() => reject(tooLarge(limit)));
      else chunks.push(chunk);
    };
    const onEnd = (): void =>
      done(() => {
        try {
          resolve(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks, size)));
        } catch {
          reject(refusal('invalid', 'The request was not understood', 'its body is not UTF-8 text', 'Send UTF-8.'));
        }
      });
    const onGone = (): void => done(() => reject(refusal('invalid', 'The request was not understood', 'it broke off', 'Send it again.')));
    req.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
};

/** After a refusal, what still comes is read and thrown away for a moment, so that the client gets to read the answer; then it ends. */
export const discardRest = (req: IncomingMessage): void => {
  if (req.complete || req.destroyed) return;
  let left = 16 * 1024 * 1024;
  const timer = setTimeout(() => req.destroy(), 3_000);
  timer.unref();
  req.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) req.destroy();
  });
  req.once('close', () => clearTimeout(timer));
  req.resume();
};
