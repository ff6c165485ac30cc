/** Bytes on the executor's socket after an answer: pieces, each behind its length; a length of 0 says that all are there. What breaks off before is not whole. */
import { once } from 'node:events';
import { Transform, type Readable, type Writable } from 'node:stream';

const MAX_PIECE = 1024 * 1024;

export const sendFrames = async (from: Readable, to: Writable): Promise<void> => {
  const gone = new Promise<never>((_, reject) => to.once('close', () => reject(new Error('hung up'))));
  gone.catch(() => undefined);
  const write = async (bytes: Buffer): Promise<void> => {
    if (!to.write(bytes)) await Promise.race([once(to, 'drain'), gone]);
  };
  const head = (n: number): Buffer => {
    const b = Buffer.alloc(4);
    b.writeUInt32BE(n);
    return b;
  };
  for await (const chunk of from as AsyncIterable<Buffer>)
    for (let i = 0; i < chunk.length; i += MAX_PIECE) {
      const piece = chunk.subarray(i, i + MAX_PIECE);
      await write(Buffer.concat([head(piece.length), piece]));
    }
  await write(head(0));
};

/** What comes in with frames goes out without; it errs when the end did not come. */
export const unframed = (): Transform => {
  let left = 0;
  let head = Buffer.alloc(0);
  let whole = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let at = 0;
      while (at < chunk.length && !whole) {
        if (left === 0) {
          const need = Math.min(4 - head.length, chunk.length - at);
          head = Buffer.concat([head, chunk.subarray(at, at + need)]);
          at += need;
          if (head.length < 4) break;
          left = head.readUInt32BE();
          head = Buffer.alloc(0);
          whole = left === 0;
          if (left > MAX_PIECE) return done(new Error('these are no frames'));
          continue;
        }
        const take = Math.min(left, chunk.length - at);
        this.push(chunk.subarray(at, at + take));
        at += take;
        left -= take;
      }
      done();
    },
    flush(done) {
      done(whole ? null : new Error('it broke off'));
    },
  });
};
