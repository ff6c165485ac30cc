/** Files of snapshots: looked at, read, restored. What is looked at is the snapshot that was meant, by guid; that a path stays within it is host/files.ts's. */
import type { Readable } from 'node:stream';
import type { Operation } from '../../domain/operation/operation.ts';
import { ok, refuse, type Result } from '../../domain/refusal.ts';
import type { FileEntry, FileVersion, InSnapshot } from '../../domain/snapshot/files.ts';
import type { Host } from '../host.ts';
import type { Mount, Restore, Tree } from '../tree.ts';
import { keptOf } from '../zfs/newer.ts';
import { type ChangeContext, type Changed, identify, properties, shown } from './host.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
/** Of an answer; lines have an end. */
const ANSWER_BYTES = 600_000;
const FOUND = 500;
const VISITED = 100_000;
const SEARCH_MS = 8_000;
const LIST_MS = 60_000;

const mountOf = async (host: Host, dataset: string, guid: string | null, tag: string | null): Promise<Result<Mount>> => {
  const wanted = ['mountpoint', 'mounted'];
  const seen = guid === null ? await properties(host, dataset, wanted) : await identify(host, dataset, guid, wanted);
  if (!seen.ok) return seen;
  if (shown(seen.value, 'mounted') !== 'yes')
    return refuse('conflict', dataset, 'it is not mounted, so its files can not be seen', 'mount it, or load its key first');
  return ok({ mountpoint: shown(seen.value, 'mountpoint'), dataset, tag });
};
const mountOfSnapshot = async (host: Host, { dataset, tag, guid }: InSnapshot): Promise<Result<Mount>> => {
  const seen = await identify(host, `${dataset}@${tag}`, guid);
  return seen.ok ? mountOf(host, dataset, null, tag) : seen;
};

const within = async <T>(host: Host, at: InSnapshot, work: (tree: Tree) => Promise<Result<T>>): Promise<Result<T>> => {
  const mount = await mountOfSnapshot(host, at);
  if (!mount.ok) return mount;
  const tree = await host.files.open(mount.value);
  if (!tree.ok) return tree;
  try {
    return await work(tree.value);
  } finally {
    await tree.value.close();
  }
};
const noFolder = (at: InSnapshot, path: string): Result<never> =>
  refuse(
    'not-found',
    `${at.dataset}@${at.tag}: ${path === '' ? '/' : path}`,
    'there is no such folder in this snapshot',
    'links are shown, not followed',
  );

const byName = (a: FileEntry, b: FileEntry): number =>
  Number(b.type === 'folder') - Number(a.type === 'folder') || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

export const browse = ({ host }: ChangeContext, op: Op<'snapshot.browse'>): Promise<Changed> =>
  within(host, op, async (tree) => {
    const all = await tree.list(op.path);
    if (all === null) return noFolder(op, op.path);
    all.sort(byName);
    const entries: FileEntry[] = [];
    let size = 0;
    for (const e of all.slice(op.offset)) {
      size += 120 + Buffer.byteLength(e.name);
      if (size > ANSWER_BYTES) break;
      entries.push(e);
    }
    return ok({ total: all.length, entries });
  });

export const search = ({ host, clock }: ChangeContext, op: Op<'snapshot.search'>): Promise<Changed> =>
  within(host, op, async (tree) => {
    const text = op.text.toLowerCase();
    const until = clock() + SEARCH_MS;
    const found: { path: string; entry: FileEntry }[] = [];
    const folders = [op.path];
    let visited = 0;
    let size = 0;
    for (let path = folders.shift(); path !== undefined; path = folders.shift()) {
      const all = await tree.list(path);
      if (all === null) {
        if (path === op.path) return noFolder(op, path);
        continue;
      }
      for (const entry of all.sort(byName)) {
        visited += 1;
        const full = path === '' ? entry.name : `${path}/${entry.name}`;
        if (entry.type === 'folder') folders.push(full);
        if (!entry.name.toLowerCase().includes(text)) continue;
        found.push({ path: full, entry });
        size += 240 + 2 * Buffer.byteLength(full);
      }
      if (found.length >= FOUND || size > ANSWER_BYTES || visited > VISITED || clock() > until)
        return ok({ found: found.slice(0, FOUND), complete: false, visited });
    }
    return ok({ found, complete: true, visited });
  });

const isSame = (a: FileEntry, b: FileEntry): boolean =>
  a.type === b.type && a.size === b.size && a.modifiedAt === b.modifiedAt && a.mode === b.mode;

/** States of one path, oldest first; snapshots in a row that show the same are one. */
export const versions = async ({ host }: ChangeContext, op: Op<'snapshot.versions'>): Promise<Changed> => {
  const kept = await keptOf(host, op.dataset, LIST_MS);
  if (!kept.ok) return kept;
  const wanted = new Map(op.snapshots.map((s) => [s.tag, s.guid]));
  const mount = await mountOf(host, op.dataset, null, null);
  if (!mount.ok) return mount;
  const list: FileVersion[] = [];
  for (const s of kept.value) {
    if (s.bookmark || wanted.get(s.tag) !== s.guid) continue;
    const tree = await host.files.open({ ...mount.value, tag: s.tag });
    if (!tree.ok) continue; // destroyed meanwhile
    try {
      const entry = await tree.value.stat(op.path);
      const last = list.at(-1);
      if (entry === null) continue;
      if (last && isSame(last.entry, entry)) last.tags.push(s.tag);
      else list.push({ entry, tags: [s.tag] });
    } finally {
      await tree.value.close();
    }
  }
  return ok({ versions: list });
};

const places = async (
  host: Host,
  id: string,
  op: Op<'snapshot.restore' | 'snapshot.settle'>,
): Promise<Result<Omit<Restore, 'replace'>>> => {
  const from = await mountOfSnapshot(host, op);
  if (!from.ok) return from;
  const to = await mountOf(host, op.to.dataset, op.to.guid, null);
  return to.ok ? ok({ from: from.value, path: op.path, to: to.value, folder: op.to.folder, name: op.to.name, id }) : to;
};
export const restore = async ({ host, approval, id }: ChangeContext, op: Op<'snapshot.restore'>): Promise<Changed> => {
  const r = await places(host, id, op);
  if (!r.ok) return r;
  const done = await host.files.restore({ ...r.value, replace: op.replace && approval !== null });
  return done.ok ? ok({ guid: op.to.guid, ...done.value }) : done;
};
export const settleRestore = async ({ host }: ChangeContext, op: Op<'snapshot.settle'>): Promise<Changed> => {
  const r = await places(host, op.restore, op);
  return r.ok ? host.files.settle(r.value) : r;
};

/** For the server: the bytes themselves go on beside the answers. */
export const openToRead = async (
  host: Host,
  op: Op<'snapshot.read'>,
): Promise<Result<{ size: number | null; stream: Readable; done: () => Promise<void> }>> => {
  const mount = await mountOfSnapshot(host, op);
  if (!mount.ok) return mount;
  const tree = await host.files.open(mount.value);
  if (!tree.ok) return tree;
  const found = await tree.value.read(op.path).catch(() => null);
  if (found !== null) return ok({ ...found, done: tree.value.close });
  await tree.value.close();
  return refuse(
    'not-found',
    `${op.dataset}@${op.tag}: ${op.path}`,
    'there is no such file or folder in this snapshot',
    'look at what is there',
  );
};
