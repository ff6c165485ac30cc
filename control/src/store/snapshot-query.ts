/** A SnapshotQuery as SQL over the index. */
import type { Value } from './connection.ts';
import { pieceQuery, searchText } from './search.ts';
import type { SnapshotQuery } from './types.ts';

export type Part = { text: string; values: Value[] };
/** What is left of a query's filter when its words have been looked up: most words name all of the tags or none of them. */
export type Filter = {
  /** Conditions on the table `dataset`, all of which hold. */
  datasets: Part[];
  /** Ids of tags, one of which it has. */
  tags: Part | null;
  /** Ids of datasets and of tags, one of either. */
  either: [Part, Part] | null;
  held: boolean;
  /** Nothing can match. */
  none: boolean;
};

const FILTERED_BY = ['dataset_id', 'tag_id', 'holds', 'id'];
/** All columns of the index, in its order: then the index alone gives the order, and equal values stand the same way every time. */
const ORDERS = {
  createdAt: { index: 'by_created', columns: ['created_at', 'create_txg', ...FILTERED_BY] },
  name: { index: 'by_name', columns: ['dataset', 'tag', ...FILTERED_BY] },
  used: { index: 'by_used', columns: ['used', ...FILTERED_BY] },
  referenced: { index: 'by_referenced', columns: ['referenced', ...FILTERED_BY] },
} as const;
/** Up to this many are fetched by dataset and sorted; more are faster picked out of the order. */
const FEW = 2000;

const join = (parts: readonly Part[]): Part => ({
  text: parts.length === 0 ? 'true' : parts.map((p) => p.text).join(' AND '),
  values: parts.flatMap((p) => p.values),
});
const within = (column: string, ids: Part): Part => ({ text: `${column} IN (${ids.text})`, values: ids.values });

/** "/" is followed by "0": the names below `tank/a` are those from `tank/a/` up to `tank/a0`. */
export const named = (dataset: string, recursive: boolean): Part =>
  recursive
    ? { text: '(name = ? OR (name >= ? AND name < ?))', values: [dataset, `${dataset}/`, `${dataset}0`] }
    : { text: 'name = ?', values: [dataset] };

type Place = 'anywhere' | 'end' | 'start';
const PLACES: Record<Place, string> = {
  anywhere: '',
  end: ' AND substr(lower(name), -length(?)) = lower(?)',
  start: ' AND substr(lower(name), 1, length(?)) = lower(?)',
};
/** Ids of the names that hold a piece of text in its place. */
const holding = (table: 'dataset' | 'tag', piece: string, place: Place): Part => {
  const exact: Value[] = place === 'anywhere' ? [] : [piece, piece];
  const match = pieceQuery(piece);
  if (piece === '') return { text: `SELECT id FROM ${table}`, values: [] };
  if (match === null)
    return { text: `SELECT id FROM ${table} WHERE instr(lower(name), lower(?)) > 0${PLACES[place]}`, values: [piece, ...exact] };
  return { text: `SELECT rowid FROM ${table}_fts WHERE ${table}_fts MATCH ?${PLACES[place]}`, values: [match, ...exact] };
};

/** `ask` runs a query for one number. */
export const resolve = (query: SnapshotQuery, ask: (part: Part) => number): Filter => {
  const filter: Filter = { datasets: [], tags: null, either: null, held: query.heldOnly === true, none: false };
  if (query.dataset !== undefined) filter.datasets.push(named(query.dataset, query.recursive === true));
  const text = searchText(query.text);
  if (text === '') return filter;

  // `media@auto` means what it looks like: the end of a dataset's name, and the beginning of a tag.
  const at = text.indexOf('@');
  const datasets = at < 0 ? holding('dataset', text, 'anywhere') : holding('dataset', text.slice(0, at), 'end');
  const tags = at < 0 ? holding('tag', text, 'anywhere') : holding('tag', text.slice(at + 1), 'start');
  const howMany = (table: 'dataset' | 'tag', ids: Part): 'none' | 'some' | 'all' => {
    const n = ask({ text: `SELECT count(*) FROM (${ids.text})`, values: ids.values });
    if (n === 0) return 'none';
    return n === ask({ text: `SELECT count(*) FROM ${table}`, values: [] }) ? 'all' : 'some';
  };
  const d = howMany('dataset', datasets);
  const t = howMany('tag', tags);
  if (at >= 0) {
    filter.none = d === 'none' || t === 'none';
    if (d === 'some') filter.datasets.push(within('id', datasets));
    if (t === 'some') filter.tags = tags;
  } else if (d === 'none' && t === 'none') filter.none = true;
  else if (d === 'some' && t === 'none') filter.datasets.push(within('id', datasets));
  else if (d === 'none' && t === 'some') filter.tags = tags;
  else if (d === 'some' && t === 'some') filter.either = [datasets, tags];
  return filter;
};

const conditions = (filter: Filter): Part => {
  const parts: Part[] = [];
  if (filter.datasets.length > 0) {
    const names = join(filter.datasets);
    parts.push(within('dataset_id', { text: `SELECT id FROM dataset WHERE ${names.text}`, values: names.values }));
  }
  if (filter.held) parts.push({ text: 'holds > 0', values: [] });
  if (filter.tags !== null) parts.push(within('tag_id', filter.tags));
  if (filter.either !== null) {
    const [d, t] = filter.either;
    parts.push({ text: `(dataset_id IN (${d.text}) OR tag_id IN (${t.text}))`, values: [...d.values, ...t.values] });
  }
  return join(parts);
};

export const totalOf = (filter: Filter): Part => {
  // Each dataset and each tag knows how many it has: only what lies across them has to be counted.
  if (filter.tags === null && filter.either === null) {
    const names = join(filter.datasets);
    return { text: `SELECT coalesce(sum(${filter.held ? 'held' : 'n'}), 0) FROM dataset WHERE ${names.text}`, values: names.values };
  }
  if (filter.tags !== null && filter.datasets.length === 0 && !filter.held)
    return { text: `SELECT coalesce(sum(n), 0) FROM tag WHERE id IN (${filter.tags.text})`, values: filter.tags.values };
  const where = conditions(filter);
  return { text: `SELECT count(*) FROM snapshot INDEXED BY by_created WHERE ${where.text}`, values: where.values };
};

/** With `mayReverse` the rows come in reverse when the page is nearer to the end: `reversed` says so. */
export const pageOf = (
  query: SnapshotQuery,
  filter: Filter,
  total: number,
  columns: string,
  mayReverse: boolean,
): Part & { reversed: boolean } => {
  const order = ORDERS[query.sort ?? 'createdAt'];
  const limit = Math.max(0, Math.min(query.limit, total - query.offset));
  const fromEnd = total - query.offset - limit;
  const reversed = mayReverse && limit > 0 && fromEnd < query.offset;
  const direction = (query.descending === true) !== reversed ? ' DESC' : '';
  const byDataset = total <= FEW && filter.datasets.length > 0 && filter.tags === null && filter.either === null;
  const where = conditions(filter);
  return {
    text: `SELECT ${columns} FROM snapshot INDEXED BY ${byDataset ? 'by_dataset' : order.index} WHERE ${where.text}
      ORDER BY ${order.columns.map((c) => `${c}${direction}`).join(', ')} LIMIT ? OFFSET ?`,
    values: [...where.values, limit, reversed ? fromEnd : query.offset],
    reversed,
  };
};
