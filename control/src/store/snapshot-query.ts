/** A SnapshotQuery as SQL over the index. */
import type { Value } from './connection.ts';
import { pieceQuery, searchText } from './search.ts';
import type { SnapshotQuery } from './types.ts';

export type Part = { text: string; values: Value[] };

const FILTERED_BY = ['dataset_id', 'tag_id', 'holds', 'id'];
/** All columns of the index, in its order: then the index alone gives the order, and equal values stand the same way every time. */
const ORDERS = {
  createdAt: { index: 'by_created', columns: ['created_at', ...FILTERED_BY] },
  name: { index: 'by_name', columns: ['dataset', 'tag', ...FILTERED_BY] },
  used: { index: 'by_used', columns: ['used', ...FILTERED_BY] },
  referenced: { index: 'by_referenced', columns: ['referenced', ...FILTERED_BY] },
} as const;

/** "/" is followed by "0": the names below `tank/a` are those from `tank/a/` up to `tank/a0`. */
const datasets = (query: SnapshotQuery): Part | null => {
  const { dataset } = query;
  if (dataset === undefined) return null;
  return query.recursive === true
    ? { text: '(name = ? OR (name >= ? AND name < ?))', values: [dataset, `${dataset}/`, `${dataset}0`] }
    : { text: 'name = ?', values: [dataset] };
};

/** Ids of the names that hold a piece of text; `where` it has to stand when the text names both sides of an "@". */
const naming = (table: 'dataset' | 'tag', piece: string, where: 'anywhere' | 'end' | 'start'): Part => {
  const at = {
    anywhere: '',
    end: ' AND substr(lower(name), -length(?)) = lower(?)',
    start: ' AND substr(lower(name), 1, length(?)) = lower(?)',
  }[where];
  const exact: Value[] = where === 'anywhere' ? [] : [piece, piece];
  const match = pieceQuery(piece);
  if (match !== null) return { text: `SELECT rowid FROM ${table}_fts WHERE ${table}_fts MATCH ?${at}`, values: [match, ...exact] };
  return { text: `SELECT id FROM ${table} WHERE instr(lower(name), lower(?)) > 0${at}`, values: [piece, ...exact] };
};

const textual = (text: string | undefined): Part | null => {
  const piece = searchText(text);
  if (piece === '') return null;
  const at = piece.indexOf('@');
  const [left, right] = at < 0 ? [piece, piece] : [piece.slice(0, at), piece.slice(at + 1)];
  const dataset = naming('dataset', left, at < 0 ? 'anywhere' : 'end');
  const tag = naming('tag', right, at < 0 ? 'anywhere' : 'start');
  return {
    text: `(dataset_id IN (${dataset.text}) ${at < 0 ? 'OR' : 'AND'} tag_id IN (${tag.text}))`,
    values: [...dataset.values, ...tag.values],
  };
};

export const totalOf = (query: SnapshotQuery): Part => {
  const within = datasets(query);
  const words = textual(query.text);
  // Each dataset knows how many it has; only a text has to be counted.
  if (words === null)
    return {
      text: `SELECT coalesce(sum(${query.heldOnly === true ? 'held' : 'n'}), 0) AS total FROM dataset WHERE ${within?.text ?? 'true'}`,
      values: within?.values ?? [],
    };
  const filter = filterOf(query);
  return { text: `SELECT count(*) AS total FROM snapshot INDEXED BY by_created WHERE ${filter.text}`, values: filter.values };
};

export const filterOf = (query: SnapshotQuery): Part => {
  const within = datasets(query);
  const words = textual(query.text);
  const parts: string[] = [];
  if (within !== null) parts.push(`dataset_id IN (SELECT id FROM dataset WHERE ${within.text})`);
  if (query.heldOnly === true) parts.push('holds > 0');
  if (words !== null) parts.push(words.text);
  return { text: parts.length === 0 ? 'true' : parts.join(' AND '), values: [...(within?.values ?? []), ...(words?.values ?? [])] };
};

/** Everything after SELECT's columns. */
export const pageOf = (query: SnapshotQuery, columns: string): Part => {
  const order = ORDERS[query.sort ?? 'createdAt'];
  const filter = filterOf(query);
  const direction = query.descending === true ? ' DESC' : '';
  const by = order.columns.map((c) => `${c}${direction}`).join(', ');
  return {
    text: `SELECT ${columns} FROM snapshot INDEXED BY ${order.index} WHERE ${filter.text} ORDER BY ${by} LIMIT ? OFFSET ?`,
    values: [...filter.values, query.limit, query.offset],
  };
};
