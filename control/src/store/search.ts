/** What people type into a search box, made into FTS5 queries that cannot be wrong: every word is a quoted prefix, all have to match. */
const MAX_TEXT = 256;
const MAX_WORDS = 16;

/** FTS5 reads its query as a C string, so a NUL would end it inside the quotes. */
const clean = (text: string): string => text.replaceAll('\0', ' ').toWellFormed().slice(0, MAX_TEXT);
const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** Null when there is nothing to look for. A word of punctuation alone has no token, and finds nothing. */
export const wordQuery = (text: string): string | null => {
  const words = clean(text)
    .split(/\s+/u)
    .filter((w) => w !== '')
    .slice(0, MAX_WORDS);
  return words.length === 0 ? null : words.map((w) => `${quoted(w)}*`).join(' AND ');
};

/** For trigram indexes, which know no piece shorter than three characters: null then, and the caller scans. */
export const pieceQuery = (text: string): string | null => ([...text].length < 3 ? null : quoted(text));

export const searchText = (text: string | undefined): string => (text === undefined ? '' : clean(text).trim());
