/**
 * Large answers as bytes: one JSON text per question, kept while what it was made from stays at that version, however many ask. A newer
 * version takes the place of the older one. Bounded by bytes; the least recently used goes first.
 */
export type Answers = {
  /** The bytes for `question` at `version`, made by `make` when they are not there. */
  take(question: string, version: string, make: () => string): Buffer;
  bytes(): number;
};

export const createAnswers = (limit = 8 * 1024 * 1024): Answers => {
  const kept = new Map<string, { version: string; bytes: Buffer }>();
  let total = 0;
  const drop = (question: string): void => {
    total -= (kept.get(question)?.bytes.length ?? 0) + question.length;
    kept.delete(question);
  };
  return {
    take(question, version, make) {
      const hit = kept.get(question);
      if (hit) {
        if (hit.version === version) {
          kept.delete(question);
          kept.set(question, hit);
          return hit.bytes;
        }
        drop(question);
      }
      const made = Buffer.from(make());
      if (made.length + question.length > limit / 2) return made;
      kept.set(question, { version, bytes: made });
      total += made.length + question.length;
      for (const old of kept.keys()) {
        if (total <= limit) break;
        drop(old);
      }
      return made;
    },
    bytes: () => total,
  };
};
