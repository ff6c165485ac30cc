/** What can stand at a place of `state.yaml`, by its JSON Schema: keys that are not there yet, or the values of a key. Pure. */

type Schema = {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  type?: string | string[];
  $ref?: string;
  $defs?: Record<string, Schema>;
};
export type Completion = { text: string; about: string };
export type Completions = { from: number; to: number; items: Completion[] };

/** All forms a schema allows: unions unfolded, references followed. */
const forms = (s: Schema | undefined, root: Schema, depth = 0): Schema[] => {
  if (s === undefined || depth > 8) return [];
  if (s.$ref !== undefined) return forms(root.$defs?.[s.$ref.slice('#/$defs/'.length)], root, depth + 1);
  const inner = [...(s.anyOf ?? []), ...(s.oneOf ?? []), ...(s.allOf ?? [])];
  return inner.length > 0 ? inner.flatMap((i) => forms(i, root, depth + 1)) : [s];
};
const step = (at: readonly Schema[], key: string, root: Schema): Schema[] =>
  at.flatMap((s) => (key === '[]' ? forms(s.items, root) : forms(s.properties?.[key], root)));

const indentOf = (line: string): number => line.length - line.trimStart().length;
const KEY = /^([A-Za-z_][\w.-]*)\s*:/;

/** Keys that lead to a line, outermost first; `[]` for an item of a list. */
export const pathAt = (lines: readonly string[], index: number): string[] => {
  const path: string[] = [];
  const own = lines[index] ?? '';
  let limit = indentOf(own);
  if (own.trimStart().startsWith('-')) path.unshift('[]');
  let item = path.length > 0;
  for (let i = index - 1; i >= 0 && limit >= 0; i -= 1) {
    const line = lines[i] ?? '';
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const indent = indentOf(line);
    if (trimmed.startsWith('- ')) {
      // The keys of an item stand two further in than its dash.
      const inside = KEY.exec(trimmed.slice(2).trimStart());
      if (!item && indent < limit) {
        if (inside?.[1] !== undefined && indent + 2 < limit) path.unshift(inside[1]);
        path.unshift('[]');
        limit = indent;
        item = true;
      }
      continue;
    }
    const key = KEY.exec(trimmed)?.[1];
    if (key !== undefined && (indent < limit || (item && indent <= limit))) {
      path.unshift(key);
      limit = indent;
      item = false;
      if (indent === 0) break;
    }
  }
  return path;
};

export const completionsAt = (text: string, caret: number, schema: Schema): Completions | null => {
  const start = text.lastIndexOf('\n', caret - 1) + 1;
  const before = text.slice(start, caret);
  const lines = text.slice(0, start).split('\n').slice(0, -1);
  const m = /^(\s*)((?:-\s+)?)(?:([A-Za-z_][\w.-]*)\s*:\s+)?([\w./-]*)$/.exec(before);
  if (!m) return null;
  const [, , , key, typed = ''] = m;
  const path = pathAt([...lines, before], lines.length);
  let at = forms(schema, schema);
  for (const part of path) at = step(at, part, schema);
  const from = caret - typed.length;
  if (key !== undefined) {
    const values = step(at, key, schema).flatMap((s) => [
      ...(s.enum ?? []),
      ...(s.const === undefined ? [] : [s.const]),
      ...(s.type === 'boolean' ? [true, false] : []),
    ]);
    const words = [...new Set(values.map((v) => (v === 'on' || v === 'off' ? `"${v}"` : String(v))))];
    const items = words.filter((w) => w.replaceAll('"', '').startsWith(typed) && w !== typed).map((w) => ({ text: w, about: key }));
    return items.length > 0 ? { from, to: caret, items } : null;
  }
  // Keys that the same object has already are not offered again.
  const column = indentOf(before) + (m[2] ?? '').length;
  const there = new Set<string>();
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    const line = lines[i] ?? '';
    if (line.trim() === '') continue;
    const dash = line.trimStart().startsWith('- ');
    const at0 = indentOf(line) + (dash ? 2 : 0);
    if (at0 < column) break;
    if (at0 === column) {
      const k = KEY.exec(line.trimStart().replace(/^-\s+/, ''))?.[1];
      if (k !== undefined) there.add(k);
      if (dash) break;
    }
  }
  const keys = new Map<string, string>();
  for (const s of at)
    for (const [k, sub] of Object.entries(s.properties ?? {})) {
      const kind = forms(sub, schema)[0];
      keys.set(
        k,
        kind?.items ? 'list' : kind?.properties ? 'object' : (kind?.enum?.map(String).slice(0, 4).join(' | ') ?? String(kind?.type ?? '')),
      );
    }
  const items = [...keys]
    .filter(([k]) => k.startsWith(typed) && k !== typed && !there.has(k))
    .map(([k, about]) => ({ text: about === 'list' || about === 'object' ? `${k}:` : `${k}: `, about }));
  return items.length > 0 ? { from, to: caret, items } : null;
};
