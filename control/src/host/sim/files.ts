/** Files of the simulated host: names and sizes are in the model, contents are made from them. */
import { Readable } from 'node:stream';
import { ok, refuse } from '../../domain/refusal.ts';
import type { FileEntry } from '../../domain/snapshot/files.ts';
import type { HostFiles, Mount, Restore, Tree } from '../tree.ts';
import type { World } from './model.ts';

type Files = Readonly<Record<string, number>>;
type Content = { files: Files; at: number };

const contentOf = (w: World, m: Mount): Content | null => {
  if (m.tag === null) {
    const d = w.dataset(m.dataset);
    return d === undefined || !d.mounted ? null : { files: d.files, at: d.created * 1000 };
  }
  const found = w.snapshot(`${m.dataset}@${m.tag}`);
  return found === undefined || !found.dataset.mounted ? null : { files: found.snapshot.files, at: found.snapshot.created * 1000 };
};
const entry = (name: string, type: 'file' | 'folder', size: number, at: number): FileEntry => ({
  name,
  type,
  size,
  modifiedAt: at,
  mode: type === 'folder' ? 0o755 : 0o644,
  uid: 1000,
  gid: 100,
});
/** Some time before the snapshot, the same for the same file in all of them. */
const ageOf = (path: string, size: number): number => {
  let h = size % 9973;
  for (let i = 0; i < path.length; i += 1) h = (h * 31 + path.charCodeAt(i)) % 9973;
  return Date.UTC(2026, 0, 1) + h * 2_700_000;
};

function* bytes(path: string, size: number): Generator<Buffer> {
  const line = Buffer.from(`${path}\n`.repeat(Math.ceil(65_536 / (path.length + 1))));
  for (let left = size; left > 0; left -= line.length) yield line.subarray(0, Math.min(left, line.length));
}

const treeOf = ({ files, at }: Content): Tree => {
  const statOf = (path: string): FileEntry | null => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const size = files[path];
    if (size !== undefined) return entry(name, 'file', size, Math.min(at, ageOf(path, size)));
    return path === '' || Object.keys(files).some((f) => f.startsWith(`${path}/`))
      ? entry(name, 'folder', 0, Math.min(at, ageOf(path, 0)))
      : null;
  };
  return {
    list: async (path) => {
      if (statOf(path)?.type !== 'folder') return null;
      const base = path === '' ? '' : `${path}/`;
      const names = new Set(Object.keys(files).flatMap((f) => (f.startsWith(base) ? [f.slice(base.length).split('/')[0] ?? ''] : [])));
      return [...names].flatMap((n) => statOf(base + n) ?? []);
    },
    stat: async (path) => statOf(path),
    read: async (path) => {
      const found = statOf(path);
      if (found === null) return null;
      if (found.type === 'file') return { size: found.size, stream: Readable.from(bytes(path, found.size), { objectMode: false }) };
      // a list stands for the archive: there is nothing in these files
      const names = Object.keys(files).filter((f) => path === '' || f.startsWith(`${path}/`));
      return { size: null, stream: Readable.from([Buffer.from(names.join('\n'))], { objectMode: false }) };
    },
    close: async () => undefined,
  };
};

export const simFiles = (w: World, put: (path: string, size: number) => void): HostFiles => ({
  open: async (m) => {
    const content = contentOf(w, m);
    return content === null ? refuse('unavailable', m.dataset, 'it is not mounted', 'mount it first') : ok(treeOf(content));
  },
  restore: async (r: Restore) => {
    const from = contentOf(w, r.from);
    const to = contentOf(w, r.to);
    const what = `restoring ${r.path}`;
    if (from === null || to === null) return refuse('unavailable', what, 'it is not mounted', 'mount it first');
    const place = r.folder === '' ? r.name : `${r.folder}/${r.name}`;
    const target = treeOf(to);
    if ((await target.stat(r.folder))?.type !== 'folder')
      return refuse('not-found', what, `there is no folder ${r.folder}`, 'choose one that is there');
    const there = await target.stat(place);
    const item = await treeOf(from).stat(r.path);
    if (item === null) return refuse('not-found', what, 'it is not in this snapshot', 'look at another one');
    if (there !== null && !r.replace)
      return refuse('conflict', what, 'something of this name is there', 'choose another name, or approve that it is replaced');
    if (there !== null && (there.type !== 'file' || item.type !== 'file'))
      return refuse('blocked', what, 'only files are replaced', 'choose another name');
    const chosen = Object.entries(from.files).filter(([f]) => f === r.path || r.path === '' || f.startsWith(`${r.path}/`));
    try {
      for (const [f, size] of chosen) {
        const below = f === r.path ? '' : `/${r.path === '' ? f : f.slice(r.path.length + 1)}`;
        put(`${r.to.mountpoint === '/' ? '' : r.to.mountpoint}/${place}${below}`, size);
      }
    } catch {
      return refuse('failed', what, 'there is no room for it', 'nothing was changed');
    }
    return ok({ path: place, replaced: there !== null });
  },
  // nothing is ever half done here
  settle: async (r) => {
    const from = contentOf(w, r.from);
    const to = contentOf(w, r.to);
    if (from === null || to === null) return refuse('unavailable', `restoring ${r.path}`, 'it is not mounted', 'mount it first');
    const item = await treeOf(from).stat(r.path);
    const there = await treeOf(to).stat(r.folder === '' ? r.name : `${r.folder}/${r.name}`);
    return ok({ there: item !== null && item.type === there?.type && item.size === there.size });
  },
});
