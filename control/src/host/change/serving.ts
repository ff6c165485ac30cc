/**
 * How a share protocol is made to serve what its file says: the file rendered whole, checked before it goes live, loaded without cutting
 * anybody off, looked at again; what the server refuses is taken back. A share whose dataset is not mounted is left out of what is served
 * and keeps its place in the file. What was written last is kept where only root looks: by it a file that something else spoilt is mended.
 */
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import type { NfsShare, ShareSpec, SmbShare } from '../../domain/share/share.ts';
import type { Host } from '../host.ts';
import type { ManagedFile } from '../managed.ts';
import { EXPORTS_FILE, NFS_UNIT, exportfsArgv, exportsListArgv, parseExports, renderExports } from '../nfs/exports.ts';
import { SMB_FILE, SMB_UNIT, parseSmb, reloadSmbArgv, renderSmb, testparmArgv } from '../samba/conf.ts';
import { type Changed, read, unverified } from './host.ts';

export type Mountpoints = Map<string, string | null>;

/** Where a candidate is checked: the service's own folder, gone when it exits. */
const SMB_CANDIDATE = '/run/dplane-exec/smb.conf';

/** What is different between the two files; everything else about them is the same. */
export type Kind<S extends ShareSpec> = {
  file: string;
  parse: (text: string) => ManagedFile<S>;
  render: (shares: readonly S[], mountpoints: Mountpoints, withheld: ReadonlySet<string>) => string;
  /** May this text go live? */
  check: (host: Host, text: string) => Promise<Result<unknown>>;
  /** Makes the server take the file, and asks the server whether it did: every `wanted` path is served. */
  load: (host: Host, wanted: readonly string[]) => Promise<Result<{ note: string | null }>>;
};

/**
 * Nothing serves before there is something to serve. A start that fails is no reason to refuse the share: shares stay down while a pool
 * is missing, on purpose. What is declared is served as soon as the service runs.
 */
const started = async (host: Host, unit: string): Promise<string | null> => {
  const r = await host.run(['systemctl', 'start', unit], { timeoutMs: 90_000 });
  if (r.exit === 0 && r.failure === null) return null;
  return `${unit} does not start, and serves the share when it does: ${(r.failure ?? r.stderr.trim()).slice(0, 300)}`;
};

export const SMB: Kind<SmbShare> = {
  file: SMB_FILE,
  parse: parseSmb,
  render: renderSmb,
  check: async (host, text) => {
    await host.writeText(SMB_CANDIDATE, text, 0o600);
    const r = await host.run(testparmArgv(SMB_CANDIDATE), { timeoutMs: 20_000 });
    // unknown parameters are only warned about: ours are known, so one is a mistake
    const bad = /^(Unknown parameter|Ignoring|.*Badly formed|.*not boolean|Error loading).*$/m.exec(r.stderr)?.[0];
    if (r.failure === 'missing') return refuse('unavailable', 'checking the SMB shares', 'Samba is not installed', 'install samba');
    return r.exit === 0 && r.failure === null && bad === undefined
      ? ok(null)
      : refuse(
          'failed',
          'checking the SMB shares',
          `testparm refuses them: ${(bad ?? r.stderr.trim()).slice(0, 300)}`,
          'this is a fault of D-PlaneOS: please report it; nothing was changed',
        );
  },
  load: async (host, wanted) => {
    const r = await host.run(reloadSmbArgv(), { timeoutMs: 20_000 });
    if (r.exit === 0 && r.failure === null) return ok({ note: null });
    if (/can't find pid/i.test(r.stderr + r.stdout)) return ok({ note: wanted.length === 0 ? null : await started(host, SMB_UNIT) });
    return refuse(
      'failed',
      'loading the SMB shares',
      `smbcontrol says ${(r.failure ?? (r.stderr.trim() || r.stdout.trim())).slice(0, 300)}`,
      'look at `systemctl status smbd`; nothing was changed',
    );
  },
};

export const NFS: Kind<NfsShare> = {
  file: EXPORTS_FILE,
  parse: parseExports,
  render: renderExports,
  check: async () => ok(null), // exportfs has no dry run: what it refuses is taken back
  load: async (host, wanted) => {
    const r = await host.run(exportfsArgv(), { timeoutMs: 60_000 });
    if (r.failure === 'missing')
      return refuse('unavailable', 'loading the NFS shares', 'the NFS server is not installed', 'install nfs-kernel-server');
    const list = await read(host, exportsListArgv());
    if (!list.ok) return list;
    const served = new Set(list.value.split('\n').map((line) => line.replace(/^"|"$/g, '').replace(/\s+\S+\(.*$/, '')));
    const lost = wanted.find((path) => !served.has(path));
    const said = r.failure ?? r.stderr.trim().slice(0, 300);
    if (lost !== undefined)
      return refuse(
        'failed',
        'loading the NFS shares',
        `${lost} is not exported: ${said}`,
        'check the hosts and that the dataset is mounted; nothing was changed',
      );
    const idle = wanted.length === 0 ? null : await started(host, NFS_UNIT);
    // one that can't be served (its folder is missing) is no reason to refuse another
    return ok({ note: said === '' ? idle : said });
  },
};

/** Mount points as the file has them, so that rewriting it asks no other pool. */
const mountpointsIn = (file: ManagedFile): Mountpoints => {
  const found: Mountpoints = new Map();
  for (const { spec, path } of file.shares) {
    const below = spec.folder === '/' ? '' : spec.folder;
    // one of a dataset may be withheld, and another served
    if (path === null) found.set(spec.dataset, found.get(spec.dataset) ?? null);
    else found.set(spec.dataset, path.slice(0, path.length - below.length) || '/');
  }
  return found;
};

/** The shares as they were last written by us; a start after an update finds them. Root's own folder. */
const keptAt = (kind: Pick<Kind<ShareSpec>, 'file'>): string => `/var/lib/dplane-exec/kept-${kind.file.split('/').at(-1)}`;

/** One at a time: both files are read, changed and written, by operations that know nothing of each other. */
let tail: Promise<unknown> = Promise.resolve();
export const oneAtATime = <T>(work: () => Promise<T>): Promise<T> => {
  const mine = tail.then(work);
  tail = mine.catch(() => undefined);
  return mine;
};

/** What there is now. A file that something else changed says nothing any more: what was kept counts then. */
export const current = async <S extends ShareSpec>(
  host: Host,
  kind: Kind<S>,
): Promise<{
  text: string;
  shares: S[];
  mountpoints: Mountpoints;
  spoilt: string[] /** Not served as the file has it, whatever is mounted. */;
  withheld: Set<string>;
}> => {
  const text = (await host.readText(kind.file)) ?? '';
  const file = kind.parse(text);
  const kept = text === '' || file.problems.length > 0 ? ((await host.readText(keptAt(kind))) ?? '') : '';
  const lost = text === '' && kind.parse(kept).shares.length > 0;
  const spoilt = lost ? [`${kind.file} is gone`] : file.problems.map((p) => p.why);
  const good = spoilt.length > 0 && kept !== '' ? kind.parse(kept) : file;
  const withheld = new Set(good.shares.filter((s) => s.path === null).map((s) => s.spec.name));
  return { text, shares: good.shares.map((s) => s.spec), mountpoints: mountpointsIn(good), spoilt, withheld };
};

/** Written, loaded and seen, or as it was before. */
export const goLive = async <S extends ShareSpec>(
  host: Host,
  kind: Kind<S>,
  text: string,
  before: string,
  wanted: readonly string[],
): Promise<Result<{ note: string | null }>> => {
  const fit = await kind.check(host, text);
  if (!fit.ok) return fit;
  await host.writeText(kind.file, text, 0o644);
  const loaded = await kind.load(host, wanted);
  if (!loaded.ok) {
    await host.writeText(kind.file, before, 0o644);
    await kind.load(host, []);
    return loaded;
  }
  await host.writeText(keptAt(kind), text, 0o600);
  return loaded;
};

export const rewrite = <S extends ShareSpec>(
  host: Host,
  kind: Kind<S>,
  edit: (shares: S[]) => S[],
  fresh: Mountpoints,
  wanted: readonly string[],
  done: (after: S[]) => boolean,
  /** Looked at by who asks: may be served again. */
  checked: string | null = null,
): Promise<Changed> =>
  oneAtATime(async () => {
    const now = await current(host, kind);
    // what the gate holds back it lets go, not a change to another share
    const withheld = new Set([...now.withheld].filter((name) => name !== checked));
    const text = kind.render(edit(now.shares), new Map([...now.mountpoints, ...fresh]), withheld);
    const loaded = await goLive(host, kind, text, now.text, wanted);
    if (!loaded.ok) return loaded;
    const after = kind.parse((await host.readText(kind.file)) ?? '');
    if (!done(after.shares.map((s) => s.spec))) return unverified(`writing ${kind.file}`, 'the file does not show it');
    return ok({ note: loaded.value.note, ...(now.spoilt.length > 0 ? { replaced: now.spoilt } : {}) });
  });
