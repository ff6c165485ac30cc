/** Bytes of a bundle from wherever it comes, in pieces of a size that is asked for; what the sender sends is never what decides. */
import { RefusalError, refuse } from '../../../control/src/domain/refusal.ts';

export type Source = {
  /** As the messages name it. */
  name: string;
  /** Null when nobody knows. */
  size: number | null;
  /** The next piece, as large as it comes; null at the end. Throws a RefusalError when it can't go on. */
  next: () => Promise<Buffer | null>;
  close: () => Promise<void>;
};

export const unreadable = (source: string, why: string, todo: string): RefusalError =>
  new RefusalError(refuse('invalid', `reading ${source}`, why, todo).refusal);

export class ByteReader {
  readonly source: Source;
  taken = 0;
  /** What came and was not taken yet. A source may use its memory again once all of it is. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: Source) {
    this.source = source;
  }

  /** Up to `n` bytes, at least one; what is returned is only good until the next call. */
  async some(n: number, what: string): Promise<Buffer> {
    if (await this.atEnd())
      throw unreadable(
        this.source.name,
        `it ends after ${this.taken} bytes, in the middle of ${what}`,
        'The file is not complete: copy or download it again.',
      );
    const part = this.#rest.subarray(0, n);
    this.#rest = this.#rest.subarray(part.length);
    this.taken += part.length;
    return part;
  }

  /** Exactly `n` bytes; a stream that ends before is a refusal. */
  async exactly(n: number, what: string): Promise<Buffer> {
    const into = Buffer.allocUnsafeSlow(n);
    await this.into(into, what);
    return into;
  }

  /** As many as there is room for. */
  async into(room: Buffer, what: string): Promise<void> {
    for (let at = 0; at < room.length; ) at += (await this.some(room.length - at, what)).copy(room, at);
  }

  async atEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const piece = await this.source.next();
      if (piece === null) return true;
      this.#rest = piece;
    }
    return false;
  }
}
