/** Guids of the simulated host: a seed and a counter name one, so that the same history gives the same guids. */
const MASK = (1n << 64n) - 1n;

/** splitmix64: passes every 64-bit value once, so two counters never give the same guid. */
export const guidOf = (seed: number, counter: number): string => {
  let z = (BigInt(seed) * 0x9e3779b97f4a7c15n + BigInt(counter) * 0xbf58476d1ce4e5b9n + 0x94d049bb133111ebn) & MASK;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  z ^= z >> 31n;
  return (z === 0n ? 1n : z).toString();
};

/** A seeded source of numbers in [0, 1) for seeds that should look lived in. */
export const randomOf = (seed: number): (() => number) => {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
};
