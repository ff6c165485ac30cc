/** Two answers of one tool to one command: the same in meaning, when guids, times and sizes are each run's own. */
import type { Recording } from './recorder.ts';

const UNIT = '(?:[KMGTPB]|[KMGT]i?B|B/s|[KMGT]/s)?';
const DAY = /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b,?|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b/g;
const TIME = /\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]+/g;

/** Numbers, dates and tokens are each run's own; words are not. */
const plain = (text: string): string =>
  text
    .replace(DAY, 'DATE')
    .replace(TIME, 'TIME')
    .replaceAll(/\b1-[0-9a-f]{8,}-[0-9a-f]+-[0-9a-f]+\b/g, 'TOKEN')
    .replaceAll(/\b0x[0-9a-f]+\b/g, 'N')
    .replaceAll(/\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b/gi, 'N')
    .replaceAll(new RegExp(`[0-9]+(?:[.:][0-9]+)*${UNIT}\\b`, 'g'), 'N')
    .replaceAll(/[ \t]+/g, ' ');

/** Which kinds of value stand where; a list is what kinds it holds, in any number. */
const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return [...new Set(value.map((each) => JSON.stringify(shape(each))))].sort();
  if (typeof value === 'number') return 'N';
  // names in a list come in no order
  if (typeof value === 'string') return plain(value.includes(' ') ? value : value.split(',').sort().join(','));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [/^(?:[0-9]{6,}|[0-9]+\/[0-9]+)$/.test(key) ? 'N' : key, shape(each)]),
  );
};

const meaning = (text: string): unknown => {
  if (text.startsWith('{')) {
    try {
      return shape(JSON.parse(text));
    } catch {
      // not JSON after all
    }
  }
  // how many lines of a kind there are depends on the run; which kinds, and their words, does not
  return [...new Set(plain(text).split('\n'))].sort();
};

/** Null when both mean the same. */
export function difference(stored: Recording, now: Recording): string | null {
  const of = ({ exit, stdout, stderr }: Recording) => ({ exit, stderr: meaning(stderr), stdout: meaning(stdout) });
  const [before, after] = [of(stored), of(now)].map((each) => JSON.stringify(each, null, 1).split('\n')) as [string[], string[]];
  if (before.join('\n') === after.join('\n')) return null;
  const versions = stored.version === now.version ? '' : ` (recorded with ${stored.version}, now ${now.version})`;
  const gone = before.filter((line) => !after.includes(line)).map((line) => `  - ${line.trim()}`);
  const come = after.filter((line) => !before.includes(line)).map((line) => `  + ${line.trim()}`);
  return [`${now.argv.join(' ')}${versions}`, ...gone, ...come].join('\n');
}
