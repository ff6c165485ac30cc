/** Two texts line by line: the shortest way from one to the other. Enough for files of some thousand lines, and says so beyond. */
import type { DiffLine } from './stateLines.ts';

const MOST = 4_000_000;
export const diffOf = (before: string, after: string): DiffLine[] => {
  const a = before.replace(/\n$/, '').split('\n');
  const b = after.replace(/\n$/, '').split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const middleA = a.slice(head, a.length - tail);
  const middleB = b.slice(head, b.length - tail);
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ sign: ' ', text }));
  return [...same(a.slice(0, head)), ...middle(middleA, middleB), ...same(a.slice(a.length - tail))];
};

const middle = (a: readonly string[], b: readonly string[]): DiffLine[] => {
  const all = (lines: readonly string[], sign: '+' | '-'): DiffLine[] => lines.map((text) => ({ sign, text }));
  if (a.length * b.length > MOST) return [...all(a, '-'), ...all(b, '+')];
  const width = b.length + 1;
  // Length of the longest common part of what is left from (i, j) on.
  const common = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i] ?? '' });
      i += 1;
      j += 1;
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ sign: '-', text: a[i] ?? '' });
      i += 1;
    } else {
      lines.push({ sign: '+', text: b[j] ?? '' });
      j += 1;
    }
  }
  return lines;
};

/** Only what differs, with some lines around it; a gap is a line that says how many were left out. */
export const hunksOf = (lines: readonly DiffLine[], around = 3): (DiffLine | { gap: number })[] => {
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - around), i + around + 1).some((l) => l.sign !== ' '));
  const shown: (DiffLine | { gap: number })[] = [];
  let gap = 0;
  for (const [i, line] of lines.entries()) {
    if (near[i]) {
      if (gap > 0) shown.push({ gap });
      gap = 0;
      shown.push(line);
    } else gap += 1;
  }
  if (gap > 0) shown.push({ gap });
  return shown;
};
