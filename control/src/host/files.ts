/**
 * Files of the real host, read and written as root in folders that others write to. Nothing here ever hands the kernel a path of several parts that somebody
 * else could bend: each part is opened on its own, relative to the folder that is open already (`/proc/self/fd/N/part`), without following a link, which is
 * what openat2 does with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; and after each step the kernel is asked on which mount we are. See docs/adr/0010.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { constants as os } from 'node:os';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { ok, type Refusal, refuse, type Result } from '../domain/refusal.ts';
import { bytesOfName, type FileEntry, nameOfBytes } from '../domain/snapshot/files.ts';
import type { Host } from './host.ts';
import type { HostFiles, Mount, Restore, Tree } from './tree.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
/** Of one operation; more belongs into a clone. */
const COPY_MS = 480_000;
const STAGING = '.dplane-restore-';

type Start = (argv: readonly string[]) => { stdout: Readable; ended: Promise<{ exit: number | null }>; kill: () => void };

const beneath = (folder: FileHandle, name: Buffer | string): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${folder.fd}/`), typeof name === 'string' ? bytesOfName(name) : name]);
/** For another process of ours: it has no descriptors of this one. */
const forTool = (folder: FileHandle, name: string): string => `/proc/${process.pid}/fd/${folder.fd}/${name}`;

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');
/** Node has no name for a quota that is reached. */
const isFull = (error: unknown): boolean =>
  codeOf(error) === 'ENOSPC' || (error instanceof Error && 'errno' in error && error.errno === -os.errno.EDQUOT);
const isNotThere = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(codeOf(error));

const unmasked = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** What is mounted where this descriptor is: asked of the kernel about the descriptor itself, not about a path. */
const mountOf = async (handle: FileHandle): Promise<{ id: string; source: string; type: string }> => {
  const id = /^mnt_id:\s*(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8'))?.[1] ?? '';
  const line = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').find((l) => l.startsWith(`${id} `)) ?? '';
  const [type = '', source = ''] = line.slice(line.indexOf(' - ') + 3).split(' ');
  return { id, source: unmasked(source), type };
};

const entryOf = async (folder: FileHandle, name: Buffer): Promise<FileEntry | null> => {
  try {
    const s = await lstat(beneath(folder, name));
    return {
      name: nameOfBytes(name),
      type: s.isFile() ? 'file' : s.isDirectory() ? 'folder' : s.isSymbolicLink() ? 'link' : 'other',
      size: s.size,
      modifiedAt: Math.floor(s.mtimeMs),
      mode: s.mode & 0o7777,
      uid: s.uid,
      gid: s.gid,
    };
  } catch (error) {
    if (isNotThere(error)) return null;
    throw error;
  }
};

const rootOf = async (mount: Mount): Promise<Result<FileHandle>> => {
  const wanted = mount.tag === null ? mount.dataset : `${mount.dataset}@${mount.tag}`;
  // the /. at the end makes the kernel mount a snapshot that nobody has looked at yet
  const path = mount.tag === null ? mount.mountpoint : `${mount.mountpoint}/.zfs/snapshot/${mount.tag}/.`;
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, O_RDONLY | O_DIRECTORY);
    const there = await mountOf(handle);
    if (there.type === 'zfs' && there.source === wanted) return ok(handle);
    await handle.close();
    return refuse('conflict', wanted, `${path} shows ${there.source || 'something else'}`, 'look at what is mounted there');
  } catch (error) {
    await handle?.close();
    return refuse('unavailable', wanted, `${path} can't be opened (${codeOf(error)})`, 'is the dataset mounted, and its key loaded?');
  }
};

/** The folder at the end of a path, opened part by part. Null when there is none: a link is none, and neither is what lies on another mount. */
const walk = async (root: FileHandle, parts: readonly string[]): Promise<FileHandle | null> => {
  const { id } = await mountOf(root);
  let at = await open(`/proc/self/fd/${root.fd}`, O_RDONLY | O_DIRECTORY);
  for (const part of parts) {
    const before = at;
    try {
      at = await open(beneath(before, part), FOLDER);
    } catch (error) {
      if (!isNotThere(error)) throw error;
      return null;
    } finally {
      await before.close();
    }
    if ((await mountOf(at)).id !== id) {
      await at.close();
      return null;
    }
  }
  return at;
};
const split = (path: string): string[] => (path === '' ? [] : path.split('/'));

/** Work in the folder that holds a path's last part; null when there is no such folder. */
const inFolder = async <T>(root: FileHandle, path: string, work: (folder: FileHandle, name: string) => Promise<T>): Promise<T | null> => {
  const parts = split(path);
  const name = parts.pop();
  const folder = await walk(root, parts);
  if (folder === null) return null;
  try {
    return await work(folder, name ?? '.');
  } finally {
    await folder.close();
  }
};

const treeOf = (root: FileHandle, start: Start): Tree => ({
  list: async (path) => {
    const folder = await walk(root, split(path));
    if (folder === null) return null;
    try {
      const names = await readdir(`/proc/self/fd/${folder.fd}`, { encoding: 'buffer' });
      const entries: FileEntry[] = [];
      for (const name of names) {
        const entry = await entryOf(folder, name);
        if (entry !== null) entries.push(entry);
      }
      return entries;
    } finally {
      await folder.close();
    }
  },
  stat: (path) => inFolder(root, path, async (folder, name) => entryOf(folder, bytesOfName(name))),
  read: (path) =>
    inFolder(root, path, async (folder, name) => {
      const entry = await entryOf(folder, bytesOfName(name));
      if (entry?.type === 'file') {
        const file = await open(beneath(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        const { size } = await file.stat();
        return { size, stream: file.createReadStream({ highWaterMark: 256 * 1024, ...(size > 0 ? { end: size - 1 } : {}) }) };
      }
      if (entry?.type !== 'folder' || nameOfBytes(bytesOfName(name)).includes('\\')) return null;
      const held = await open(`/proc/self/fd/${folder.fd}`, O_RDONLY | O_DIRECTORY);
      const tar = start([
        'tar',
        '-C',
        forTool(held, '.'),
        '--create',
        '--file=-',
        '--format=posix',
        '--acls',
        '--xattrs',
        '--sparse',
        '--',
        `./${name}`,
      ]);
      const stream = new PassThrough({ highWaterMark: 256 * 1024 });
      // what ends well is told by tar, not by its silence
      pipeline(tar.stdout, new PassThrough(), (error) => {
        if (error) stream.destroy(error);
      }).pipe(stream, { end: false });
      void tar.ended.then(async ({ exit }) => {
        await held.close();
        if (exit === 0) stream.end();
        else stream.destroy(new Error(`tar ended with ${exit}`));
      });
      stream.once('close', () => tar.kill());
      return { size: null, stream };
    }),
  close: () => root.close(),
});

type Between = Omit<Restore, 'replace'>;
const no = (code: Refusal['code'], r: Between, why: string, todo: string): { ok: false; refusal: Refusal } =>
  refuse(code, `restoring ${r.path || 'the whole dataset'} to ${r.folder === '' ? '' : `${r.folder}/`}${r.name}`, why, todo);

/** What an earlier attempt left: ours alone, told by name, owner and mode. */
const sweep = async (folder: FileHandle): Promise<void> => {
  for (const name of await readdir(`/proc/self/fd/${folder.fd}`, { encoding: 'buffer' })) {
    if (!name.toString('latin1').startsWith(STAGING)) continue;
    const left = await open(beneath(folder, name), FOLDER).catch(() => null);
    if (left === null) continue;
    try {
      const s = await left.stat();
      if (s.uid !== 0 || (s.mode & 0o777) !== 0o700) continue;
      await rm(beneath(left, 'copy'), { recursive: true, force: true });
      await rmdir(beneath(folder, name)).catch(() => undefined);
    } finally {
      await left.close();
    }
  }
};

/** What is the same, byte by byte, for anything that can be restored. */
const comparison = (kind: FileEntry['type'] | undefined, from: string, to: string): readonly string[] =>
  kind === 'folder'
    ? ['diff', '--recursive', '--brief', '--no-dereference', '--', from, to]
    : kind === 'file'
      ? ['cmp', '--', from, to]
      : ['true'];

const carry = async (
  host: Host,
  r: Restore,
  source: FileHandle,
  item: string,
  target: FileHandle,
): Promise<Result<{ path: string; replaced: boolean }>> => {
  const name = r.name;
  const before = await entryOf(target, bytesOfName(name));
  if (before !== null && !r.replace)
    return no('conflict', r, 'something of this name is there', 'choose another name, or approve that it is replaced');
  if (before !== null && before.type !== 'file')
    return no('blocked', r, `a ${before.type} of this name is there, and only files are replaced`, 'choose another name');
  const kind = (await entryOf(source, bytesOfName(item)))?.type;
  if (before !== null && kind !== 'file') return no('blocked', r, 'a file of this name is there, and this is none', 'choose another name');
  await sweep(target);
  const aside = `${STAGING}${r.id}`;
  await mkdir(beneath(target, aside), { mode: 0o700 });
  const staging = await open(beneath(target, aside), FOLDER);
  try {
    const s = await staging.stat();
    if (s.uid !== 0 || (s.mode & 0o777) !== 0o700) return no('conflict', r, 'the folder made for it is another now', 'try again');
    const [from, to] = [forTool(source, item), forTool(staging, 'copy')];
    const tool = async (argv: readonly string[]): Promise<Refusal | null> => {
      const run = await host.run(argv, { timeoutMs: COPY_MS, maxOutput: 64 * 1024 });
      if (run.failure === null && run.exit === 0) return null;
      const said = (run.stderr || run.stdout)
        .replaceAll(/\/proc\/\d+\/fd\/\d+\//g, '')
        .trim()
        .slice(0, 300);
      if (run.failure === 'timeout') return no('timeout', r, 'it takes longer than a restore may', 'clone the snapshot instead').refusal;
      return no('failed', r, `${argv[0]}: ${said || `ended with ${run.exit}`}`, 'nothing was changed').refusal;
    };
    // a copy with everything that a file is: owner, mode, ACL, attributes, times, links, holes
    const copied = await tool([
      'cp',
      '--archive',
      '--one-file-system',
      '--sparse=auto',
      '--reflink=auto',
      '--no-target-directory',
      '--',
      from,
      to,
    ]);
    if (copied) return { ok: false, refusal: copied };
    const compared = await tool(comparison(kind, from, to));
    if (compared) return { ok: false, refusal: compared };
    const synced = await tool(['sync', '--file-system', '--', forTool(staging, '.')]);
    if (synced) return { ok: false, refusal: synced };
    const made = await lstat(beneath(staging, 'copy'));
    if (before === null) {
      // one step that fails when something of this name came meanwhile
      const moved = await tool(['mv', '--no-clobber', '--no-target-directory', '--', to, forTool(target, name)]);
      if (moved) return { ok: false, refusal: moved };
    } else await rename(beneath(staging, 'copy'), beneath(target, name));
    const there = await lstat(beneath(target, name)).catch(() => null);
    if (there?.ino !== made.ino) return no('conflict', r, 'something else of this name came meanwhile', 'choose another name');
    return ok({ path: r.folder === '' ? name : `${r.folder}/${name}`, replaced: before !== null });
  } finally {
    await rm(beneath(staging, 'copy'), { recursive: true, force: true });
    await staging.close();
    await rmdir(beneath(target, aside)).catch(() => undefined);
  }
};

/** Work between the folder that holds what is restored and the folder that takes it, both held open within their mounts. */
const between = async <T>(
  r: Between,
  work: (source: FileHandle, item: string, target: FileHandle) => Promise<Result<T>>,
): Promise<Result<T>> => {
  if ([r.name, r.path].some((p) => p.includes('\\'))) return no('invalid', r, 'its name is not UTF-8', 'restore the folder it is in');
  const from = await rootOf(r.from);
  if (!from.ok) return from;
  try {
    const to = await rootOf(r.to);
    if (!to.ok) return to;
    try {
      const folder = await walk(to.value, split(r.folder));
      if (folder === null)
        return no('not-found', r, `there is no folder ${r.folder} in ${r.to.dataset}`, 'choose one that is there; links are not followed');
      try {
        const done = await inFolder(from.value, r.path, async (source, item) =>
          (await entryOf(source, bytesOfName(item))) === null ? null : work(source, item, folder),
        );
        return done ?? no('not-found', r, 'it is not in this snapshot', 'look at another one');
      } finally {
        await folder.close();
      }
    } finally {
      await to.value.close();
    }
  } catch (error) {
    if (codeOf(error) === '') throw error;
    return no(
      'failed',
      r,
      isFull(error) ? 'there is no room for it (the pool, or a quota, is full)' : `the system refused (${codeOf(error)})`,
      'nothing was changed',
    );
  } finally {
    await from.value.close();
  }
};

export const realFiles = (host: Host, start: Start): HostFiles => ({
  open: async (mount) => {
    const root = await rootOf(mount);
    return root.ok ? ok(treeOf(root.value, start)) : root;
  },
  restore: (r) => between(r, (source, item, target) => carry(host, r, source, item, target)),
  settle: (r) =>
    between(r, async (source, item, target) => {
      await sweep(target);
      const kind = (await entryOf(source, bytesOfName(item)))?.type;
      // nothing but a file or a folder can be told to be the same
      if ((kind !== 'file' && kind !== 'folder') || (await entryOf(target, bytesOfName(r.name)))?.type !== kind)
        return ok({ there: false });
      const same = await host.run(comparison(kind, forTool(source, item), forTool(target, r.name)), {
        timeoutMs: COPY_MS,
        maxOutput: 64 * 1024,
      });
      return ok({ there: same.failure === null && same.exit === 0 });
    }),
});
