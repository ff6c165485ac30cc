/**
 * Shares: one entry of a file that belongs to D-PlaneOS is changed, checked before it goes live, written whole, loaded, and
 * looked at again. What the tool refuses is taken back, so that one bad share never stops the others.
 */
import type { Operation } from '../../domain/operation/operation.ts';
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import { type NfsShare, type ShareClient, type ShareSpec, type SmbShare, shareKey } from '../../domain/share/share.ts';
import { canonical } from '../../domain/canonical.ts';
import type { Host } from '../host.ts';
import { type ManagedFile, pathOf } from '../managed.ts';
import { EXPORTS_FILE, NFS_UNIT, exportfsArgv, exportsListArgv, parseExports, renderExports } from '../nfs/exports.ts';
import { SMB_FILE, SMB_UNIT, closeShareArgv, parseSmb, reloadSmbArgv, renderSmb, testparmArgv } from '../samba/conf.ts';
import { parseSmbstatus, smbstatusArgv } from '../samba/status.ts';
import { type ChangeContext, type Changed, change, properties, read, unverified, shown } from './host.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
type Mountpoints = Map<string, string | null>;

/** Where a candidate is checked: the service's own folder, gone when it exits. */
const SMB_CANDIDATE = '/run/dplane-exec/smb.conf';
const NFSD_CLIENTS = '/proc/fs/nfsd/clients';

/** What is different between the two files; everything else about them is the same. */
type Kind<S extends ShareSpec> = {
  file: string;
  parse: (text: string) => ManagedFile<S>;
  render: (shares: readonly S[], mountpoints: Mountpoints) => string;
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

const SMB: Kind<SmbShare> = {
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

const NFS: Kind<NfsShare> = {
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
const mountpointsIn = (file: ManagedFile): Mountpoints =>
  new Map(
    file.shares.map(({ spec, path }) => {
      const below = spec.folder === '/' ? '' : spec.folder;
      return [spec.dataset, path === null ? null : path.slice(0, path.length - below.length) || '/'];
    }),
  );

const rewrite = async <S extends ShareSpec>(
  host: Host,
  kind: Kind<S>,
  edit: (shares: S[]) => S[],
  fresh: Mountpoints,
  wanted: readonly string[],
  done: (after: S[]) => boolean,
): Promise<Changed> => {
  const before = (await host.readText(kind.file)) ?? '';
  const file = kind.parse(before);
  const text = kind.render(edit(file.shares.map((s) => s.spec)), new Map([...mountpointsIn(file), ...fresh]));
  const fit = await kind.check(host, text);
  if (!fit.ok) return fit;
  await host.writeText(kind.file, text, 0o644);
  const loaded = await kind.load(host, wanted);
  if (!loaded.ok) {
    await host.writeText(kind.file, before, 0o644);
    await kind.load(host, []);
    return loaded;
  }
  const after = kind.parse((await host.readText(kind.file)) ?? '');
  if (!done(after.shares.map((s) => s.spec))) return unverified(`writing ${kind.file}`, 'the file does not show it');
  return ok({ note: loaded.value.note, ...(file.problems.length > 0 ? { replaced: file.problems.map((p) => p.why) } : {}) });
};

const put = async <S extends ShareSpec>(host: Host, kind: Kind<S>, spec: S): Promise<Changed> => {
  const what = `sharing ${spec.dataset} as ${spec.name}`;
  const seen = await properties(host, spec.dataset, ['type', 'mountpoint', 'keystatus']);
  if (!seen.ok) return seen;
  if (shown(seen.value, 'type') !== 'filesystem')
    return refuse('invalid', what, 'only filesystems are shared as files', 'choose a filesystem');
  if (shown(seen.value, 'keystatus') === 'unavailable') return refuse('conflict', what, 'it is locked', 'unlock it first');
  const mountpoint = shown(seen.value, 'mountpoint');
  const fresh: Mountpoints = new Map([[spec.dataset, mountpoint.startsWith('/') ? mountpoint : null]]);
  const path = pathOf(spec, fresh);
  if (path === null)
    return refuse(
      'conflict',
      what,
      `its mount point is ${mountpoint}, which can't be served`,
      'give the dataset a mount point of plain characters',
    );
  const edit = (shares: S[]): S[] =>
    [...shares.filter((s) => shareKey(s) !== shareKey(spec)), spec].sort((a, b) => (shareKey(a) < shareKey(b) ? -1 : 1));
  return rewrite(host, kind, edit, fresh, [path], (after) => after.some((s) => canonical(s) === canonical(spec)));
};

export const putShare = async ({ host }: ChangeContext, { share }: Op<'share.put'>): Promise<Changed> =>
  share.kind === 'smb' ? put(host, SMB, share) : put(host, NFS, share);

const remove = async <S extends ShareSpec>(host: Host, kind: Kind<S>, key: string): Promise<Changed> => {
  const there = kind.parse((await host.readText(kind.file)) ?? '').shares.some((s) => shareKey(s.spec) === key);
  if (!there) return refuse('not-found', `removing share ${key}`, 'there is no such share', 'look at the shares that are there');
  return rewrite(
    host,
    kind,
    (shares) => shares.filter((s) => shareKey(s) !== key),
    new Map(),
    [],
    (after) => !after.some((s) => shareKey(s) === key),
  );
};

const refresh = async <S extends ShareSpec>(
  host: Host,
  kind: Kind<S>,
  isHidden: (dataset: string) => boolean,
  running: boolean,
): Promise<Result<null>> => {
  const before = (await host.readText(kind.file)) ?? '';
  const file = kind.parse(before);
  // what was edited by hand is left to whoever saves a share next
  if (file.shares.length === 0 || file.problems.length > 0) return ok(null);
  const at = mountpointsIn(file);
  for (const dataset of new Set(file.shares.map((s) => s.spec.dataset))) {
    const seen = await properties(host, dataset, ['mountpoint', 'keystatus']);
    if (!seen.ok) continue;
    const path = shown(seen.value, 'mountpoint');
    const isOpen = shown(seen.value, 'keystatus') !== 'unavailable' && !isHidden(dataset) && path.startsWith('/');
    // one that is neither locked nor was is not looked at here
    if (shown(seen.value, 'keystatus') !== '-') at.set(dataset, isOpen ? path : null);
  }
  const text = kind.render(
    file.shares.map((s) => s.spec),
    at,
  );
  if (text === before) return ok(null);
  await host.writeText(kind.file, text, 0o644);
  const loaded = running ? await kind.load(host, []) : ok(null);
  return loaded.ok ? ok(null) : loaded;
};

/**
 * Shares of encrypted datasets as these stand now: one that is locked stays declared, and is not served, so that nobody meets the empty folder below it.
 * `hidden`: also those of datasets that are about to be locked. `running`: the servers are told.
 */
export const refreshShares = async (
  host: Host,
  { isHidden = () => false, running = true }: { isHidden?: (dataset: string) => boolean; running?: boolean } = {},
): Promise<Result<null>> => {
  const smb = await refresh(host, SMB, isHidden, running);
  const nfs = await refresh(host, NFS, isHidden, running);
  return smb.ok ? nfs : smb;
};

/** Who is connected to SMB shares of these datasets, in words; and who is connected by NFS, to whatever. */
export const usersOfShares = async (
  host: Host,
  isMeant: (dataset: string) => boolean,
): Promise<Result<{ smb: string[]; nfs: string[] }>> => {
  const mine = SMB.parse((await host.readText(SMB_FILE)) ?? '').shares.filter((s) => isMeant(s.spec.dataset));
  const exported = NFS.parse((await host.readText(EXPORTS_FILE)) ?? '').shares.some((s) => isMeant(s.spec.dataset));
  const keys = new Set(mine.map((s) => shareKey(s.spec)));
  const clients = keys.size === 0 ? ok([]) : await readClients(host);
  if (!clients.ok) return clients;
  const smb = clients.value
    .filter((c) => keys.has(shareKey({ kind: 'smb', name: c.share })))
    .map((c) => `${c.user}@${c.machine} (share ${c.share})`);
  return ok({ smb: [...new Set(smb)], nfs: exported ? await nfsClients(host) : [] });
};

const readClients = async (host: Host): Promise<Result<ShareClient[]>> => {
  const out = await read(host, smbstatusArgv());
  return out.ok ? parseSmbstatus(out.value) : out;
};

/** With clients connected only by an approval: someone would lose what is open. */
export const removeShare = async ({ host, approval }: ChangeContext, op: Op<'share.remove'>): Promise<Changed> => {
  const key = shareKey({ kind: op.share, name: op.name });
  if (op.share === 'nfs') return remove(host, NFS, key);
  const clients = await readClients(host);
  const users = clients.ok ? clients.value.filter((c) => shareKey({ kind: 'smb', name: c.share }) === key).map((c) => c.user) : [];
  if (users.length > 0 && approval === null)
    return refuse(
      'needs-approval',
      `removing share ${op.name}`,
      `${users.length} connected: ${[...new Set(users)].slice(0, 5).join(', ')}`,
      'wait until they are gone, or approve the action',
    );
  const removed = await remove(host, SMB, key);
  if (removed.ok && users.length > 0) await change(host, closeShareArgv(op.name));
  return removed;
};

/** NFS doesn't tell which export a client uses: its clients are listed beside those of the SMB shares. */
const nfsClients = async (host: Host): Promise<string[]> => {
  const found: string[] = [];
  for (const id of (await host.list(NFSD_CLIENTS)) ?? []) {
    const info = await host.readText(`${NFSD_CLIENTS}/${id}/info`);
    const address = /^address: "(.+)"$/m.exec(info ?? '')?.[1];
    if (address !== undefined) found.push(address);
  }
  return found;
};

export const shareClients = async ({ host }: ChangeContext): Promise<Changed> => {
  const clients = await readClients(host);
  return clients.ok ? ok({ clients: clients.value, nfsClients: await nfsClients(host) }) : clients;
};
