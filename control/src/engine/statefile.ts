/**
 * `state.yaml`: text -> checked state with the place of every problem, and back. Strict: one document of YAML 1.2 core,
 * unique keys, no tags, no anchors (so no alias bombs), nothing unknown. Never throws, whatever the text.
 */
import type { Document, LineCounter, Node, Pair } from 'yaml';
import { z } from 'zod';
import { canonical } from '../domain/canonical.ts';
import { DatasetSpec } from '../domain/dataset/dataset.ts';
import { DeclaredPermissions } from '../domain/permission/permission.ts';
import { Thresholds } from '../domain/pool/capacity.ts';
import { HeartbeatSettings } from '../domain/pool/heartbeat.ts';
import { PoolOptions, PoolSpec, Vdev } from '../domain/pool/pool.ts';
import { PoolCare } from '../domain/pool/settings.ts';
import { PROPERTY_NAMES } from '../domain/property/property.ts';
import { ReplicationTask } from '../domain/replication/replication.ts';
import { Retention, SnapshotSchedule } from '../domain/schedule/schedule.ts';
import { NfsClient, NfsShare, type ShareSpec, SmbShare } from '../domain/share/share.ts';
import { ShareGroup, ShareUser } from '../domain/share-user/share-user.ts';
import { DesiredState } from '../domain/state/state.ts';
import { sizeText } from '../domain/units.ts';
import type { StateCheck, StateProblem } from './engine.ts';

export const MAX_STATE_BYTES = 4 * 1024 * 1024;
const MAX_PROBLEMS = 100;
/** No noun is nested deeper; text that is would only exhaust the stack. */
const MAX_DEPTH = 16;
/** From comma to comma, or on a line, a state file holds about ten. */
const MAX_LEXEMES = 100;

type Yaml = typeof import('yaml');
type Path = readonly PropertyKey[];

const pathText = (path: Path): string =>
  path.reduce<string>((text, p) => (typeof p === 'number' ? `${text}[${p}]` : `${text}${text === '' ? '' : '.'}${String(p)}`), '');

export const parseState = async (text: string): Promise<StateCheck> => {
  const only = (message: string): StateCheck => ({ ok: false, problems: [{ line: 1, column: 1, path: '', message }] });
  if (Buffer.byteLength(text) > MAX_STATE_BYTES) return only(`the file is larger than ${MAX_STATE_BYTES / 1024 / 1024} MiB`);
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const strange = skim(yaml, text);
  if (strange.length > 0) return failed(strange);
  const doc = yaml.parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: true,
    strict: true,
    stringKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: lines,
  });
  const faults = [...doc.errors, ...doc.warnings].map((e) => problem(lines, e.pos[0], [], e.message.split('\n', 1)[0] ?? 'not YAML'));
  if (faults.length > 0) return failed(faults);
  const reader: Reader = { yaml, lines, problems: [] };
  const value = read(reader, doc.contents, []);
  if (reader.problems.length > 0) return failed(reader.problems);
  if (value === null) return only('the file is empty; expected at least "version: 1"');
  const parsed = DesiredState.safeParse(value);
  if (parsed.success) return { ok: true, state: parsed.data };
  return failed(parsed.error.issues.flatMap((issue) => problemsOf(yaml, doc, lines, value, issue)));
};

const failed = (problems: StateProblem[]): StateCheck => {
  const sorted = problems.sort((a, b) => a.line - b.line || a.column - b.column);
  const rest = sorted.length - MAX_PROBLEMS;
  const last = sorted[MAX_PROBLEMS - 1];
  return {
    ok: false,
    problems: rest > 0 && last ? [...sorted.slice(0, MAX_PROBLEMS), { ...last, path: '', message: `and ${rest} more problems` }] : sorted,
  };
};

/**
 * Over the lexemes alone, before anything is built: what is not taken here, and what would take a parser minutes or its
 * whole stack to refuse. Control characters mark what follows; they stand for no text.
 */
const skim = (yaml: Yaml, text: string): StateProblem[] => {
  const found: StateProblem[] = [];
  const not = (offset: number, message: string): void => {
    const before = text.slice(0, offset);
    const line = before.split('\n').length;
    found.push({ line, column: offset - before.lastIndexOf('\n'), path: '', message });
  };
  let offset = 0;
  let depth = 0;
  let onLine = 0;
  let scalar = false;
  for (const lexeme of new yaml.Lexer().lex(text)) {
    const first = lexeme[0] ?? '';
    if (first === '\u001f' || first === '\u0002' || first === '\u0018') {
      scalar = first === '\u001f';
      continue;
    }
    if (!scalar) {
      if (first === '&') not(offset, 'anchors are not taken: write it out');
      else if (first === '*') not(offset, 'aliases are not taken: write it out');
      else if (first === '!') not(offset, 'tags are not taken');
      else if (lexeme === '[' || lexeme === '{') depth += 1;
      else if (lexeme === ']' || lexeme === '}') depth -= 1;
    }
    onLine = lexeme.includes('\n') || (depth > 0 && !scalar && lexeme === ',') ? 0 : onLine + 1;
    if (depth > MAX_DEPTH || onLine > MAX_LEXEMES) not(offset, `it is nested deeper than ${MAX_DEPTH} levels, or is no YAML`);
    if (found.length > 0 && (depth > MAX_DEPTH || onLine > MAX_LEXEMES || found.length >= MAX_PROBLEMS)) return found;
    scalar = false;
    offset += lexeme.length;
  }
  return found;
};

const problem = (lines: LineCounter, offset: number, path: Path, message: string): StateProblem => {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col), path: pathText(path), message };
};

type Reader = { yaml: Yaml; lines: LineCounter; problems: StateProblem[] };

const startOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0; // every node of a parsed document has a range

/** Node -> value. Integers that the schema takes as text keep every digit: a guid is larger than a number holds. */
const read = (r: Reader, node: unknown, path: Path): unknown => {
  const bad = (at: unknown, message: string): null => {
    if (r.problems.length <= MAX_PROBLEMS) r.problems.push(problem(r.lines, startOf(at), path, message));
    return null;
  };
  if (node === null || node === undefined) return null;
  if (path.length > MAX_DEPTH) return bad(node, `it is nested deeper than ${MAX_DEPTH} levels`);
  if (r.yaml.isSeq(node)) return node.items.map((item, i) => read(r, item, [...path, i]));
  if (r.yaml.isMap(node)) {
    const out: Record<string, unknown> = {};
    for (const { key, value } of node.items) {
      const name = r.yaml.isScalar(key) ? key.value : undefined;
      if (typeof name !== 'string' || name === '__proto__') bad(key, 'expected a key of plain text');
      else out[name] = read(r, value, [...path, name]);
    }
    return out;
  }
  if (!r.yaml.isScalar(node)) return bad(node, 'expected a value');
  const asText = path.at(-1) === 'guid' || path.at(-2) === 'properties';
  return asText && typeof node.value === 'number' && /^[0-9]+$/.test(node.source ?? '') ? node.source : node.value;
};

/** The place of what a path leads to; the nearest thing above it when it isn't there. */
const placeOf = (yaml: Yaml, doc: Document, path: Path, ofKey = false): number => {
  let node: unknown = doc.contents;
  let offset = startOf(node);
  for (const [i, step] of path.entries()) {
    let next: unknown;
    if (yaml.isMap(node)) {
      const pair: Pair | undefined = node.items.find((p) => yaml.isScalar(p.key) && p.key.value === step);
      if (!pair) return offset;
      offset = startOf(pair.key);
      if (ofKey && i === path.length - 1) return offset;
      next = pair.value;
    } else if (yaml.isSeq(node)) next = node.items[Number(step)];
    if (next === null || next === undefined) return offset;
    node = next;
    offset = startOf(node);
  }
  return offset;
};

const problemsOf = (yaml: Yaml, doc: Document, lines: LineCounter, value: unknown, issue: z.core.$ZodIssue): StateProblem[] => {
  if (issue.code !== 'unrecognized_keys') return [problem(lines, placeOf(yaml, doc, issue.path), issue.path, messageOf(issue))];
  return issue.keys.map((key) => {
    const path = [...issue.path, key];
    const near = nearest(key, knownKeys(issue.path, value));
    return problem(
      lines,
      placeOf(yaml, doc, path, true),
      path,
      `unknown key "${key.slice(0, 60)}"${near === undefined ? '' : `: did you mean "${near}"?`}`,
    );
  });
};

const messageOf = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_union') {
    if (issue.errors.length === 0) return issue.message === 'Invalid input' ? 'expected a kind that exists: smb or nfs' : issue.message;
    return [...new Set(issue.errors.flatMap((e) => e.map(messageOf)))].join(', or ');
  }
  if (issue.code === 'invalid_type' && /received undefined$/.test(issue.message)) return `it is missing (expected ${issue.expected})`;
  return issue.message.replace(/^Invalid (?:input|option): /, '').replace(/^Invalid input$/, 'not a value that is taken here');
};

const keysOf = (schema: { shape: object }): string[] => Object.keys(schema.shape);

const kindAt = (value: unknown, path: Path): unknown =>
  // only ever compared with a text
  (path.reduce<unknown>((v, step) => (v as Record<PropertyKey, unknown> | undefined)?.[step], value) as { kind?: unknown } | undefined)
    ?.kind;

/** What may stand at a place where something unknown stands. */
const knownKeys = (path: Path, value: unknown): readonly string[] => {
  switch (path.filter((p) => typeof p === 'string').join('.')) {
    case '':
      return keysOf(DesiredState);
    case 'pools':
      return keysOf(PoolSpec);
    case 'pools.vdevs':
      return keysOf(Vdev);
    case 'pools.care':
      return keysOf(PoolCare);
    case 'pools.capacity':
      return keysOf(Thresholds);
    case 'pools.heartbeat':
      return keysOf(HeartbeatSettings);
    case 'pools.options':
      return keysOf(PoolOptions);
    case 'pools.properties':
    case 'datasets.properties':
      return PROPERTY_NAMES;
    case 'datasets':
      return keysOf(DatasetSpec);
    case 'datasets.permissions':
      return keysOf(DeclaredPermissions);
    case 'shares':
      return keysOf(kindAt(value, path) === 'nfs' ? NfsShare : SmbShare);
    case 'shares.clients':
      return keysOf(NfsClient);
    case 'share_users':
      return keysOf(ShareUser);
    case 'share_groups':
      return keysOf(ShareGroup);
    case 'schedules':
      return keysOf(SnapshotSchedule);
    case 'memory':
      return ['arc'];
    case 'schedules.keep':
      return keysOf(Retention);
    case 'replication':
      return keysOf(ReplicationTask);
    case 'replication.target':
      return keysOf(ReplicationTask.shape.target);
    default:
      return [];
  }
};

/** The known word with the fewest letters changed, if it is near enough to be meant. */
const nearest = (word: string, known: readonly string[]): string | undefined => {
  if (word.length > 40) return undefined;
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= Math.max(1, Math.floor(candidate.length / 3)) && (!best || distance < best.distance))
      best = { word: candidate, distance };
  }
  return best?.word;
};

const editDistance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
};

// ---- and back

type Fields = Record<string, unknown>;
const isNothing = (v: unknown): boolean => v === undefined || (typeof v === 'object' && v !== null && Object.keys(v).length === 0);

/** Without what the schema would fill in anyway. */
const lean = (value: Fields, defaults: Fields): Fields => {
  const out: Fields = {};
  for (const [key, v] of Object.entries(value))
    if (v !== undefined && !(key in defaults && canonical(defaults[key]) === canonical(v))) out[key] = v;
  return out;
};

/** The values of a schema's defaults, taken from the schema. */
const defaultsOf = (schema: { shape: Record<string, z.core.$ZodType> }): Fields => {
  const out: Fields = {};
  for (const [key, field] of Object.entries(schema.shape)) {
    const empty = z.safeParse(field, undefined);
    if (empty.success && empty.data !== undefined) out[key] = empty.data;
  }
  return out;
};

const HEADER = ` D-PlaneOS: what this NAS should be.
 Check it with "dplane plan"; nothing happens before "dplane apply".
 guid: keeps a dataset's identity when its name changes here. Leave it out for what is to be made new.
`;

export const renderState = async (state: DesiredState): Promise<string> => {
  const yaml = await import('yaml');
  const [pool, vdev, dataset, smb, nfs, client, schedule, keep, task] = [
    PoolSpec,
    Vdev,
    DatasetSpec,
    SmbShare,
    NfsShare,
    NfsClient,
    SnapshotSchedule,
    Retention,
    ReplicationTask,
  ].map(defaultsOf) as Fields[];
  if (!pool || !vdev || !dataset || !smb || !nfs || !client || !schedule || !keep || !task) throw new Error('a noun has no defaults');
  const share = (s: ShareSpec): Fields =>
    s.kind === 'smb' ? lean(s, smb) : { ...lean(s, nfs), clients: s.clients.map((c) => lean(c, client)) };
  const lists: Fields = {
    memory: state.memory && { arc: state.memory.arc === 'auto' ? 'auto' : sizeText(state.memory.arc) },
    pools: state.pools.map((p) => lean({ ...p, vdevs: p.vdevs.map((v) => lean(v, vdev)) }, pool)),
    datasets: state.datasets.map((d) => lean(d, dataset)),
    shares: state.shares.map(share),
    share_groups: state.share_groups,
    share_users: state.share_users?.map((u) => lean(u, defaultsOf(ShareUser))),
    schedules: state.schedules.map((s) => ({ ...lean(s, schedule), keep: lean(s.keep, keep) })),
    replication: state.replication.map((r) => ({ ...lean(r, task), target: lean(r.target, defaultsOf(ReplicationTask.shape.target)) })),
  };
  const body: Fields = { version: state.version, ...(state.ignore_extraneous ? { ignore_extraneous: true } : {}) };
  for (const [key, list] of Object.entries(lists)) if (!isNothing(list)) body[key] = list;
  const doc = new yaml.Document(body, { version: '1.2', schema: 'core', aliasDuplicateObjects: false });
  doc.commentBefore = HEADER.trimEnd();
  return doc.toString({ lineWidth: 0 });
};

/** JSON Schema 2020-12 of what may be written, for editors. */
export const stateJsonSchema = (): unknown => ({
  title: 'D-PlaneOS state.yaml, version 1',
  ...z.toJSONSchema(DesiredState, { io: 'input', target: 'draft-2020-12' }),
});
