/**
 * What a benchmark is. A file `tests/bench/<group>.ts` that exports `benches` is found by itself (`main.ts`).
 * `ratio` is value / baseline, so whether it should be small or large follows from the unit.
 */
export type Figure = { name: string; value: number; unit: string; baseline: number | null; ratio: number | null; note?: string };
export type Bench = { name: string; run: () => Promise<Figure[]> };

export const figure = (name: string, value: number, unit: string, baseline: number | null = null, note?: string): Figure => ({
  name,
  value: round(value),
  unit,
  baseline: baseline === null ? null : round(baseline),
  ratio: baseline === null || baseline === 0 ? null : round(value / baseline),
  ...(note === undefined ? {} : { note }),
});

/** Three digits that mean something. */
const round = (n: number): number => (Number.isFinite(n) ? Number(n.toPrecision(n >= 1000 ? 4 : 3)) : n);

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
};

/** Median milliseconds of `times` calls, after `warm` that don't count. */
export const timed = (work: () => unknown, times: number, warm: number): number => {
  const took: number[] = [];
  for (let i = -warm; i < times; i += 1) {
    const began = performance.now();
    work();
    if (i >= 0) took.push(performance.now() - began);
  }
  return median(took);
};
