/**
 * Text for a terminal. Contract: whatever a server, a file or an argument holds, `clean` leaves nothing in it that a
 * terminal would obey (escape sequences, carriage returns, direction overrides); widths are terminal columns.
 */

/** Controls (C0, DEL, C1), direction marks and overrides, line separators, zero-width and tag characters. */
const UNSAFE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|\p{Cs}/gu;
const PLAIN = /^[\x20-\x7e]*$/;

const shown = (c: string): string => {
  const code = c.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
};

/** What a terminal would obey is shown as its code instead. */
export const clean = (text: string): string => (PLAIN.test(text) ? text : text.replace(UNSAFE, shown));

/** One JSON document that is as safe to look at: `JSON.stringify` leaves DEL, C1 and direction overrides as they are. */
export const safeJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(UNSAFE, (c) =>
    c === '\n' ? c : [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );

/** East Asian wide and fullwidth blocks, as terminals draw them. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
let segmenter: Intl.Segmenter | undefined;
const graphemes = (text: string): string[] => {
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), (s) => s.segment);
};
const columns = (grapheme: string): number =>
  WIDE.test(grapheme) || grapheme.includes('\ufe0f') ? 2 : /^[\p{Mn}\p{Me}]/u.test(grapheme) ? 0 : 1;

export const widthOf = (text: string): number => (PLAIN.test(text) ? text.length : graphemes(text).reduce((sum, g) => sum + columns(g), 0));

/** At most `max` columns; what is cut is marked. `middle` keeps both ends, for paths and names that differ at the end. */
export const shorten = (text: string, max: number, cut: 'end' | 'middle' = 'end', mark = '…'): string => {
  if (widthOf(text) <= max) return text;
  const room = max - widthOf(mark);
  if (room <= 0) return mark.slice(0, Math.max(0, max));
  const all = PLAIN.test(text) ? [...text] : graphemes(text);
  const take = (list: readonly string[], columnsLeft: number): string[] => {
    const out: string[] = [];
    let left = columnsLeft;
    for (const g of list) {
      left -= columns(g);
      if (left < 0) break;
      out.push(g);
    }
    return out;
  };
  if (cut === 'end') return take(all, room).join('') + mark;
  const tail = take(all.toReversed(), Math.floor(room / 2))
    .toReversed()
    .join('');
  return take(all, room - widthOf(tail)).join('') + mark + tail;
};

export const pad = (text: string, width: number, align: 'left' | 'right' = 'left'): string => {
  const gap = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + gap : gap + text;
};

/** Broken at spaces; a word longer than the line stands alone (so that it can be copied). */
export const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
};

/** How many letters differ: insert, drop, change, or swap neighbours. */
export const distance = (a: string, b: string): number => {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const above = rows[i - 1] ?? [];
      let best = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
};

/** The candidate someone probably meant. */
export const nearest = (word: string, candidates: readonly string[]): string | undefined => {
  const ranked = candidates
    .map((c) => ({ c, d: c.startsWith(word) && word.length > 1 ? 0 : distance(word, c) }))
    .sort((x, y) => x.d - y.d || x.c.length - y.c.length);
  const best = ranked[0];
  return best && best.d <= Math.max(1, Math.floor(word.length / 3)) ? best.c : undefined;
};
