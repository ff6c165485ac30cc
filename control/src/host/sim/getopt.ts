/** getopt as the real tools use it: options first, values glued or separate, `--` ends them. */
export type Options = { has(flag: string): boolean; get(flag: string): string | undefined; all(flag: string): string[]; rest: string[] };

/** `short` as in getopt(3): "Hpo:"; `long` names without values. A text is what is wrong. */
export const getopt = (args: readonly string[], short: string, long: readonly string[] = []): Options | string => {
  const found = new Map<string, string[]>();
  const put = (flag: string, value: string): void => {
    found.set(flag, [...(found.get(flag) ?? []), value]);
  };
  let i = 0;
  for (; i < args.length; i += 1) {
    const a = args[i] ?? '';
    if (a === '--') {
      i += 1;
      break;
    }
    if (!a.startsWith('-') || a === '-') break;
    if (a.startsWith('--')) {
      if (!long.includes(a.slice(2))) return `invalid option '${a.slice(2)}'`;
      put(a.slice(2), '');
      continue;
    }
    for (let k = 1; k < a.length; k += 1) {
      const flag = a[k] ?? '';
      const at = short.indexOf(flag);
      if (at < 0 || flag === ':') return `invalid option '${flag}'`;
      if (short[at + 1] !== ':') {
        put(flag, '');
        continue;
      }
      const glued = a.slice(k + 1);
      if (glued === '') i += 1;
      const value = glued === '' ? args[i] : glued;
      if (value === undefined) return `missing argument for '${flag}' option`;
      put(flag, value);
      break;
    }
  }
  return { has: (f) => found.has(f), get: (f) => found.get(f)?.at(-1), all: (f) => found.get(f) ?? [], rest: args.slice(i) };
};

/** What a simulated tool says. `lines` instead of `stdout` where the answer may be huge. */
export type Answer = { exit: number; stdout?: string; lines?: () => Iterable<string>; stderr?: string; changed?: true };
export const said = (stdout: string): Answer => ({ exit: 0, stdout });
export const failed = (stderr: string, exit = 1): Answer => ({ exit, stderr });
export const done = (): Answer => ({ exit: 0, changed: true });

const UNITS = ['B', 'K', 'M', 'G', 'T', 'P', 'E'];
/** Numbers as the tools print them for people: at most five characters. */
export const nice = (n: number, plain = false): string => {
  let index = 0;
  let v = n;
  while (v >= 1024 && index < UNITS.length - 1) {
    v /= 1024;
    index += 1;
  }
  const unit = plain && index === 0 ? '' : (UNITS[index] ?? '');
  if (Number.isInteger(v)) return `${v}${unit}`;
  for (let digits = 2; digits > 0; digits -= 1) {
    const text = `${v.toFixed(digits)}${unit}`;
    if (text.length <= 5) return text;
  }
  return `${v.toFixed(0)}${unit}`;
};
/** `10G` -> bytes; null when it is no size. */
export const parseNumber = (text: string): number | null => {
  const m = /^([0-9]+(?:\.[0-9]+)?)([KMGTPE]?)(?:i?B)?$/i.exec(text);
  if (!m) return null;
  return Math.round(Number(m[1]) * 1024 ** Math.max(0, UNITS.indexOf((m[2] ?? '').toUpperCase() || 'B')));
};
