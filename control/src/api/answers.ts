/**
 * Large answers as bytes, kept under the version of what they were made from: one JSON text per observation or state of the snapshot
 * index, however many ask. Bounded by bytes; the least recently used goes first.
 */
export type Answers = {
  /** The bytes under `key`, made by `make` when they are not there. */
  take(key: string, make: () => string): Buffer;
  bytes(): number;
};

export const createAnswers = (limit = 8 * 1024 * 1024): Answers => {
  const kept = new Map<string, Buffer>();
  let total = 0;
  const drop = (key: string, value: Buffer): void => {
    kept.delete(key);
    total -= value.length + key.length;
  };
  return {
    take(key, make) {
      const hit = kept.get(key);
      if (hit) {
        kept.delete(key);
        kept.set(key, hit);
        return hit;
      }
      const made = Buffer.from(make());
      if (made.length + key.length > limit / 2) return made;
      kept.set(key, made);
      total += made.length + key.length;
      for (const [oldKey, old] of kept) {
        if (total <= limit) break;
        drop(oldKey, old);
      }
      return made;
    },
    bytes: () => total,
  };
};
