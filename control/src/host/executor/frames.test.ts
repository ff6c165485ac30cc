import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sendFrames, unframed } from './frames.ts';

const through = async (pieces: Uint8Array[], cut: number | null, chunk: number): Promise<Buffer> => {
  const wire = new PassThrough();
  const sent = sendFrames(Readable.from(pieces.map((p) => Buffer.from(p))), wire).then(() => wire.end());
  const all = await buffer(wire);
  await sent;
  const out = unframed();
  const kept = cut === null ? all : all.subarray(0, Math.min(cut, all.length - 1));
  const got = buffer(out);
  got.catch(() => undefined);
  for (let i = 0; i < kept.length; i += chunk) out.write(kept.subarray(i, i + chunk));
  out.end();
  return got;
};

test('what goes in comes out, however it is cut into chunks; what lacks its end errs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
      fc.nat(200),
      async (pieces, chunk, cut) => {
        expect(await through(pieces, null, chunk)).toEqual(Buffer.concat(pieces));
        await expect(through(pieces, cut, chunk)).rejects.toThrow('broke off');
      },
    ),
  );
});
