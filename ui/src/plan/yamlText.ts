/** Plain data as YAML lines: the few shapes `state.yaml` has. Not a general writer, so that no library has to be loaded to show a line. */

const PLAIN = /^[A-Za-z_/][A-Za-z0-9_./@-]*$/;
const WORDS = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off', 'y', 'n']);
const scalar = (v: unknown): string => {
  if (typeof v !== 'string') return JSON.stringify(v);
  return PLAIN.test(v) && !WORDS.has(v.toLowerCase()) ? v : JSON.stringify(v);
};
const isEmpty = (v: unknown): boolean => v === undefined || (typeof v === 'object' && v !== null && Object.keys(v).length === 0);

const linesOf = (value: object, indent: string): string[] =>
  Object.entries(value).flatMap(([k, v]) => {
    if (isEmpty(v)) return [];
    if (Array.isArray(v))
      return [
        `${indent}${k}:`,
        ...v.flatMap((item: unknown) =>
          typeof item === 'object' && item !== null ? itemLines(item, `${indent}  `) : [`${indent}  - ${scalar(item)}`],
        ),
      ];
    if (typeof v === 'object' && v !== null) return [`${indent}${k}:`, ...linesOf(v, `${indent}  `)];
    return [`${indent}${k}: ${scalar(v)}`];
  });
const itemLines = (item: object, indent: string): string[] =>
  linesOf(item, `${indent}  `).map((line, i) => (i === 0 ? `${indent}- ${line.slice(indent.length + 2)}` : line));

/** An object as an item of a list (`- name: …`), or as it is when `bare`. */
export const stringsOf = (value: object, indent: number, bare = false): string[] =>
  bare ? linesOf(value, ' '.repeat(indent)) : itemLines(value, ' '.repeat(indent));
