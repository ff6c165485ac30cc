/**
 * Rows of a list too long to have at once: pages around what is looked at, asked for as the view moves. While a newer answer is on its
 * way the old rows stay; a fast scroll asks only for where it ends up.
 */
import { createEffect, createSignal, on, onCleanup } from 'solid-js';
import { onTopics } from './live.ts';
import { type Problem, problemOf } from './problem.ts';
import { denied } from './session.ts';
import type { Topic } from './topics.ts';

const SIZE = 200;
const KEPT = 12;
const SETTLE = 40;

export const usePages = <I, R>(
  input: () => I,
  fetch: (input: I, offset: number, limit: number) => Promise<{ total: number; rows: R[] }>,
  topic: Topic,
): {
  total: () => number | undefined;
  row: (i: number) => R | undefined;
  look: (from: number, to: number) => void;
  problem: () => Problem | null;
} => {
  const [total, setTotal] = createSignal<number | undefined>(undefined);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  // One signal a page: rows of other pages are not drawn again when one arrives.
  const pages = new Map<number, { rows: () => readonly R[]; set: (rows: readonly R[]) => void; at: number; fresh: number }>();
  const running = new Set<number>();
  let range: [number, number] = [0, 0];
  let generation = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let uses = 0;

  const pageAt = (n: number) => {
    let page = pages.get(n);
    if (!page) {
      const [rows, set] = createSignal<readonly R[]>([]);
      page = { rows, set: (r) => void set(() => r), at: 0, fresh: -1 };
      pages.set(n, page);
    }
    return page;
  };
  const load = async (n: number): Promise<void> => {
    if (running.has(n)) return;
    running.add(n);
    const mine = generation;
    try {
      const answer = await fetch(input(), n * SIZE, SIZE);
      if (mine === generation) {
        setTotal(answer.total);
        const page = pageAt(n);
        page.fresh = mine;
        page.set(answer.rows);
        setProblem(null);
      }
    } catch (error) {
      const p = problemOf(error);
      if (p.code === 'unauthenticated') denied();
      else setProblem(p);
    }
    running.delete(n);
    if (mine !== generation) want();
  };
  const forget = (): void => {
    if (pages.size <= KEPT) return;
    const [from, to] = [Math.floor(range[0] / SIZE), Math.floor(range[1] / SIZE)];
    const far = [...pages].filter(([n]) => n < from || n > to).sort(([, a], [, b]) => a.at - b.at);
    for (const [n] of far.slice(0, pages.size - KEPT)) pages.delete(n);
  };
  const want = (): void => {
    const last = Math.max(0, (total() ?? 1) - 1);
    for (let n = Math.floor(range[0] / SIZE); n <= Math.floor(Math.min(range[1] + SIZE / 4, last) / SIZE); n += 1) {
      const page = pageAt(n);
      uses += 1;
      page.at = uses;
      if (page.fresh !== generation) void load(n);
    }
    forget();
  };
  const again = (): void => {
    generation += 1;
    want();
  };
  createEffect(
    on(
      () => JSON.stringify(input()),
      () => {
        range = [0, range[1] - range[0]];
        again();
      },
    ),
  );
  let pause: ReturnType<typeof setTimeout> | undefined;
  const off = onTopics((topics) => {
    if (topics !== 'all' && !topics.includes(topic)) return;
    pause ??= setTimeout(() => {
      pause = undefined;
      again();
    }, 400);
  });
  onCleanup(() => {
    off();
    clearTimeout(timer);
    clearTimeout(pause);
  });
  return {
    total,
    problem,
    row: (i) => pageAt(Math.floor(i / SIZE)).rows()[i % SIZE],
    look: (from, to) => {
      range = [from, to];
      clearTimeout(timer);
      timer = setTimeout(want, SETTLE);
    },
  };
};
