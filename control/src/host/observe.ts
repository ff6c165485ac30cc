/**
 * One observation of the host. Pools are listed first; then each pool answers for itself, all at once and each within its own
 * time limit: one that hangs ends up in `stuck`, and the rest is as live as ever. Three processes a pool at most, four for the rest.
 * A pool in `stuck` has no datasets here: it means that they are not known, not that they are gone.
 */
import type { ObservedDataset } from '../domain/dataset/dataset.ts';
import { PoolName } from '../domain/names.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { ObservedDisk, ObservedPool } from '../domain/pool/pool.ts';
import type { Refusal, Result } from '../domain/refusal.ts';
import { type ObservedShare, type ShareClient, shareKey } from '../domain/share/share.ts';
import { readDisks, type SeenDisks } from './disks/disks.ts';
import { ACCOUNTS_FILE, observedAccounts, parseAccounts } from './accounts/record.ts';
import type { Host } from './host.ts';
import { isOwn, OWN_ROOM, ownOf } from '../domain/pool/own.ts';
import { type ManagedFile, type ManagedShare, pathOf } from './managed.ts';
import { EXPORTS_FILE, NFS_UNIT, parseExports } from './nfs/exports.ts';
import { parseSmb, SMB_FILE, SMB_UNIT } from './samba/conf.ts';
import { beneath, GUARD_REPORT, unguarded } from './change/mount-guard.ts';
import { mountedAt, readMounts } from './zfs/mounts.ts';
import { datasetsArgv, parseDatasets } from './zfs/datasets.ts';
import { zfsError } from './zfs/error.ts';
import { type ListedPool, parsePools, parseStatus, poolsArgv, type PoolStatus, statusArgv } from './zfs/pools.ts';

export type ObserveOptions = {
  /** Who is connected to the shares: asked from the executor, because it needs root. */
  clients: () => Promise<Result<ShareClient[]>>;
  /** Snapshots per dataset, from the index. */
  counts: ReadonlyMap<string, number>;
  clock: () => number;
  /** For each pool, and for each of the rest. */
  timeoutMs: number;
  signal?: AbortSignal;
  /** Kept from one observation to the next: a pool that takes its time is not waited for, and answers when it can. */
  lanes?: PoolLanes;
  /** Known to stand still: hardly waited for. */
  isFailed?: (pool: string) => boolean;
  /** A pool that was not waited for has answered after all. */
  answered?: (pool: string) => void;
};

/** By guid and question: what is asked of a pool right now, how long its last answer took, and since when it hangs. */
export type PoolLanes = Map<string, { flight: Promise<unknown> | null; took: number | null; hangsSince: number | null }>;
/** An answer may take this many times as long as the last one, and so long in any case. */
const LONGER = 5;
const PATIENCE_MS = 8_000;
const HANGING_MS = 300;

/** Asked before a plan is made: without a list of pools, a pool that is absent here may well exist. */
export const poolsAreKnown = (o: Pick<Observed, 'problems'>): boolean => !o.problems.some((p) => p.what === LISTING);
const LISTING = 'listing the pools';

/** 10,000 datasets print 40 MB. */
const MAX_DATASETS_OUTPUT = 512 * 1024 ** 2;
const KSTAT = '/proc/spl/kstat/zfs';

const ask = async <T>(
  host: Host,
  argv: readonly string[],
  o: ObserveOptions,
  read: (stdout: string) => Result<T>,
  maxOutput?: number,
): Promise<Result<T>> => {
  const r = await host.run(argv, {
    timeoutMs: o.timeoutMs,
    ...(o.signal ? { signal: o.signal } : {}),
    ...(maxOutput === undefined ? {} : { maxOutput }),
  });
  return r.failure === null && r.exit === 0 ? read(r.stdout) : { ok: false, refusal: zfsError(r) };
};

/** The kernel's own list of pools: it answers even when every tool hangs. */
const poolsInKernel = async (host: Host): Promise<string[]> => {
  const names = (await host.list(KSTAT)) ?? [];
  const states = await Promise.all(names.map((n) => host.readText(`${KSTAT}/${n}/state`)));
  return names.filter((_, i) => states[i] !== null);
};

/** Written by the boot gate (packages/debian/deb/lib/pool-gate): pools this machine had and that could not be imported. */
export const MISSING_FILE = '/var/lib/dplane-pools/missing';
const WHY_MISSING: Readonly<Record<string, string>> = {
  'being-imported': 'it is being imported; its shares wait for it',
  'not-imported': 'this machine had it, and it could not be imported: disks may be missing. What lies in it stays down',
  'not-writable': 'it can not be written to',
  'not-yet': 'its import takes long. What lies in it comes up by itself when it is there',
};
const shutGate = async (host: Host, listed: readonly ListedPool[]): Promise<{ pool: string; guid: string; problem: Refusal }[]> => {
  const text = (await host.readText(MISSING_FILE).catch(() => null)) ?? '';
  return text.split('\n').flatMap((line) => {
    const [guid = '', pool = '', reason = ''] = line.split(' ');
    const name = PoolName.safeParse(pool);
    if (!name.success || (reason !== 'not-writable' && listed.some((p) => p.guid === guid))) return [];
    const why = WHY_MISSING[reason] ?? 'it could not be imported';
    const waiting = reason === 'being-imported';
    const todo = waiting ? 'wait' : 'connect its disks: it is imported by itself then. If it is given up for good: dplane pool forget';
    return [{ pool, guid, problem: { code: waiting ? 'busy' : 'unavailable', what: `pool ${pool}`, why, todo } }];
  });
};

type SeenPool = { listed: ListedPool; status: PoolStatus | null; datasets: ObservedDataset[]; reserve: number; problem: Refusal | null };

/** What is held back, from the dataset of ours; it is no one else's business otherwise. */
const reserveIn = (pool: string, datasets: readonly ObservedDataset[]): number => {
  const reserved = Number(datasets.find((d) => d.name === ownOf(pool))?.properties.refreservation?.value);
  return Number.isFinite(reserved) ? Math.max(0, reserved - OWN_ROOM) : 0;
};
const within = async <T>(work: Promise<T>, ms: number): Promise<T | null> => {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([work, new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), ms)))]);
  } finally {
    clearTimeout(timer);
  }
};

const hangsSince = (o: ObserveOptions, p: ListedPool): number | null =>
  o.lanes?.get(`${p.guid} status`)?.hangsSince ?? o.lanes?.get(`${p.guid} datasets`)?.hangsSince ?? null;

/**
 * One question of a kind to a pool at a time. What is slow to answer is not waited for by the others: as far as this observation goes the pool is stuck, and it has
 * the next one made as soon as it answers. What hung before is hardly waited for at all.
 */
const inLane = async <T>(o: ObserveOptions, pool: ListedPool, kind: string, work: () => Promise<Result<T>>): Promise<Result<T>> => {
  if (o.lanes === undefined) return work();
  const key = `${pool.guid} ${kind}`;
  const lane = o.lanes.get(key) ?? { flight: null, took: null, hangsSince: null };
  o.lanes.set(key, lane);
  const hangs = lane.hangsSince !== null || o.isFailed?.(pool.name) === true;
  const patience = hangs ? HANGING_MS : lane.took === null ? 2 * o.timeoutMs : Math.max(PATIENCE_MS, LONGER * lane.took);
  const ask = async (): Promise<Result<T>> => {
    const begun = performance.now();
    const r = await work();
    lane.flight = null;
    if (!r.ok && r.refusal.code === 'timeout') lane.hangsSince ??= o.clock();
    else {
      lane.took = performance.now() - begun;
      if (lane.hangsSince !== null) o.answered?.(pool.name);
      lane.hangsSince = null;
    }
    return r;
  };
  // an answer to an earlier question is too old for this one
  if (lane.flight !== null) await within(lane.flight, patience);
  let answer: Result<T> | null = null;
  if (lane.flight === null) {
    const flight = ask();
    lane.flight = flight;
    answer = await within(flight, patience);
  }
  if (answer !== null) return answer;
  lane.hangsSince ??= o.clock();
  // busy: nobody is called for what may only be slow
  const slow = o.clock() - lane.hangsSince < o.timeoutMs && o.isFailed?.(pool.name) !== true;
  const why = slow ? 'it takes longer than usual to answer' : `it does not answer since ${new Date(lane.hangsSince).toISOString()}`;
  const todo = slow ? 'wait' : 'look at its disks; everything else goes on without it';
  return { ok: false, refusal: { code: slow ? 'busy' : 'timeout', what: `pool ${pool.name}`, why, todo } };
};

const onePool = async (host: Host, listed: ListedPool, o: ObserveOptions): Promise<SeenPool> => {
  const [status, datasets] = await Promise.all([
    inLane(o, listed, 'status', () => ask(host, statusArgv(listed.name), o, parseStatus)),
    inLane(o, listed, 'datasets', () =>
      ask(host, datasetsArgv(listed.name), o, (text) => parseDatasets(text, o.counts), MAX_DATASETS_OUTPUT),
    ),
  ]);
  const mine = status.ok ? status.value.find((p) => p.name === listed.name) : undefined;
  const problem: Refusal | null = !status.ok
    ? status.refusal
    : !datasets.ok
      ? datasets.refusal
      : mine === undefined || mine.guid !== listed.guid
        ? { code: 'conflict', what: `reading pool ${listed.name}`, why: 'it changed while it was looked at', todo: 'look again' }
        : null;
  const all = problem === null && datasets.ok ? datasets.value : [];
  const shown = all.filter((d) => !isOwn(d.name));
  await readPermissions(host, shown, o);
  return { listed, status: mine ?? null, datasets: shown, reserve: reserveIn(listed.name, all), problem };
};

/** Of thousands of datasets, as many as an argv takes. */
const STATED = 2_000;
/** Owner, group and mode of the top folders. What the daemon can't reach, because of a folder above it, is left out. */
const readPermissions = async (host: Host, datasets: readonly ObservedDataset[], o: ObserveOptions): Promise<void> => {
  const at = new Map(datasets.flatMap((d) => (d.mounted && d.mountpoint?.startsWith('/') ? [[d.mountpoint, d] as const] : [])));
  const paths = [...at.keys()].filter((p) => !p.includes('\n'));
  for (let i = 0; i < paths.length; i += STATED) {
    const r = await host.run(['stat', '-c', '%u %g %a %n', '--', ...paths.slice(i, i + STATED)], { timeoutMs: o.timeoutMs });
    for (const line of r.stdout.split('\n')) {
      const [, owner, group, mode, path] = /^([0-9]+) ([0-9]+) ([0-7]{1,4}) (.+)$/.exec(line) ?? [];
      const d = path === undefined ? undefined : at.get(path);
      if (d && mode !== undefined) d.permissions = { owner: Number(owner), group: Number(group), mode };
    }
  }
};

/** By the name that the disk has now, and so what stands in for it. */
const stable = (d: ObservedDisk, disks: SeenDisks | null): ObservedDisk => {
  const path = (p: string): string => disks?.stable(p) ?? p;
  return { ...d, path: path(d.path), ...(d.standIns ? { standIns: d.standIns.map((s) => ({ ...s, path: path(s.path) })) } : {}) };
};

const poolOf = (
  { listed, status, reserve }: { listed: ListedPool; status: PoolStatus; reserve: number },
  disks: SeenDisks | null,
): ObservedPool => ({
  ...listed,
  health: status.health,
  dataErrors: status.dataErrors,
  status: status.status,
  vdevs: status.vdevs.map((v) => ({ ...v, disks: v.disks.map((d) => stable(d, disks)) })),
  scan: status.scan,
  ...(status.expansion ? { expansion: status.expansion } : {}),
  ...(status.trim ? { trim: status.trim } : {}),
  ...(status.checkpoint ? { checkpoint: status.checkpoint } : {}),
  ...(reserve > 0 ? { reserve } : {}),
});

const active = async (host: Host, unit: string, o: ObserveOptions): Promise<boolean | null> => {
  const r = await host.run(['systemctl', 'is-active', unit], { timeoutMs: o.timeoutMs });
  return r.failure === null ? r.stdout.trim() === 'active' : null;
};

/** Why a dataset that is there is not mounted. */
const whyNotMounted = (d: ObservedDataset): string => {
  if (d.keyStatus === 'unavailable')
    return `${d.encryptionRoot ?? d.name} is locked: unlock it (dplane dataset unlock ${d.encryptionRoot ?? d.name})`;
  const off = d.properties.canmount?.value;
  if (off === 'off') return `dataset ${d.name} is not mounted: its property canmount is off`;
  if (d.mountpoint === null || !d.mountpoint.startsWith('/')) return `dataset ${d.name} is not mounted: it has no mount point`;
  return `dataset ${d.name} is not mounted`;
};

type Seen = {
  datasets: ReadonlyMap<string, ObservedDataset>;
  /** Pool -> why nothing is known of it. */
  stuck: ReadonlyMap<string, Refusal>;
  mounts: ReadonlyMap<string, string>;
};
const shareOf = (
  { spec, path }: ManagedShare,
  { datasets, stuck, mounts }: Seen,
  running: boolean | null,
  clients: readonly ShareClient[],
): ObservedShare => {
  const d = datasets.get(spec.dataset);
  const now = pathOf(spec, mounts);
  const pool = spec.dataset.split('/')[0] ?? '';
  const silent = stuck.get(pool);
  const note = silent
    ? mounts.has(spec.dataset)
      ? 'its pool does not answer'
      : `pool ${pool} is not there: ${silent.why}`
    : d === undefined
      ? `dataset ${spec.dataset} does not exist`
      : !d.mounted
        ? whyNotMounted(d)
        : path === null
          ? spec.folder.length > 1
            ? `its folder ${spec.folder} is gone, or a link stands in its place: links are not followed`
            : 'its dataset has just been mounted: it comes up in a moment'
          : path !== now && mounts.size > 0
            ? `it points to ${path}, and the dataset is at ${now ?? 'no folder'}`
            : running === false
              ? `the ${spec.kind === 'smb' ? 'Samba' : 'NFS'} service is not running`
              : null;
  return {
    spec,
    path: now,
    serving: note === null,
    note,
    clients: clients.filter((c) => shareKey({ kind: c.kind ?? 'smb', name: c.share }) === shareKey(spec)),
  };
};

/** The config files and who is connected; what can't be read is a problem, and the rest stands. */
const readShares = async (
  host: Host,
  o: ObserveOptions,
  problems: Refusal[],
): Promise<{ managed: ManagedShare[]; smb: boolean | null; nfs: boolean | null; clients: ShareClient[]; spoilt: string[] }> => {
  const file = async <T extends ManagedFile>(path: string, parse: (text: string) => T): Promise<T | null> => {
    try {
      return parse((await host.readText(path)) ?? '');
    } catch (error) {
      problems.push({
        code: 'unavailable',
        what: `reading ${path}`,
        why: error instanceof Error ? error.message : String(error),
        todo: 'check its permissions',
      });
      return null;
    }
  };
  const [smbFile, nfsFile] = await Promise.all([file(SMB_FILE, parseSmb), file(EXPORTS_FILE, parseExports)]);
  problems.push(...(smbFile?.problems ?? []), ...(nfsFile?.problems ?? []));
  const hasSmb = (smbFile?.shares.length ?? 0) > 0;
  const hasNfs = (nfsFile?.shares.length ?? 0) > 0;
  const [smb, nfs, clients] = await Promise.all([
    hasSmb ? active(host, SMB_UNIT, o) : null,
    hasNfs ? active(host, NFS_UNIT, o) : null,
    hasSmb || hasNfs ? o.clients() : null,
  ]);
  if (clients !== null && !clients.ok) problems.push(clients.refusal);
  const spoilt = [smbFile, nfsFile].flatMap((f) => (f?.problems ?? []).map((p) => p.what));
  return { managed: [...(smbFile?.shares ?? []), ...(nfsFile?.shares ?? [])], smb, nfs, clients: clients?.ok ? clients.value : [], spoilt };
};

/** From the record alone; whether the system knows them is seen whenever one is changed. */
const readAccounts = async (host: Host, problems: Refusal[]): Promise<Pick<Observed, 'accounts'>> => {
  let text: string | null;
  try {
    text = await host.readText(ACCOUNTS_FILE);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    problems.push({ code: 'unavailable', what: `reading ${ACCOUNTS_FILE}`, why, todo: 'check its permissions' });
    return {};
  }
  const read = parseAccounts(text);
  if (read.ok) return { accounts: observedAccounts(read.value) };
  problems.push(read.refusal);
  return {};
};

export const observe = async (host: Host, o: ObserveOptions): Promise<Observed> => {
  const problems: Refusal[] = [];
  const stuck: Observed['stuck'] = [];
  const shares = readShares(host, o, problems);
  const accounts = readAccounts(host, problems);
  const listed = await ask(host, poolsArgv(), o, parsePools);
  if (!listed.ok) {
    problems.push({ ...listed.refusal, what: LISTING });
    // not "no pools": those the kernel has did not answer
    for (const pool of await poolsInKernel(host)) stuck.push({ pool, since: o.clock(), problem: listed.refusal });
  }
  const seen = await Promise.all((listed.ok ? listed.value : []).map((p) => onePool(host, p, o)));
  for (const s of seen)
    if (s.problem !== null) stuck.push({ pool: s.listed.name, since: hangsSince(o, s.listed) ?? o.clock(), problem: s.problem });

  // another pool has taken its name: that one is known, and this one is told all the same
  for (const { pool, guid, problem } of await shutGate(host, listed.ok ? listed.value : []))
    if (seen.some((s) => s.listed.name === pool)) problems.push(problem);
    else if (!stuck.some((s) => s.pool === pool)) stuck.push({ pool, guid, since: o.clock(), problem });

  const disks = await readDisks(host, new Map(seen.map((s) => [s.listed.name, s.status?.disks ?? []])), {
    timeoutMs: o.timeoutMs,
    ...(o.signal ? { signal: o.signal } : {}),
  });
  if (!disks.ok) problems.push(disks.refusal);
  else
    for (const kernel of disks.value.nameless)
      problems.push({
        code: 'unavailable',
        what: `disk ${kernel}`,
        why: 'it has no name in /dev/disk/by-id, so it can not be told from others after a restart',
        todo: 'give it a serial number (virtual disks), or replace it',
      });

  const datasets = seen.flatMap((s) => s.datasets);
  const byName = new Map(datasets.map((d) => [d.name, d]));
  const mounted = await readMounts(host);
  const around: Seen = { datasets: byName, stuck: new Map(stuck.map((s) => [s.pool, s.problem])), mounts: mountedAt(mounted ?? []) };
  const report = await host.readText(GUARD_REPORT).catch(() => null);
  problems.push(...beneath(report));
  const { managed, smb, nfs, clients, spoilt } = await shares;
  return {
    at: o.clock(),
    // a pool that told its state but not its datasets is shown, and is stuck as well
    pools: seen.flatMap((s) =>
      s.status === null ? [] : [poolOf({ listed: s.listed, status: s.status, reserve: s.reserve }, disks.ok ? disks.value : null)],
    ),
    datasets,
    shares: managed.map((m) => shareOf(m, around, m.spec.kind === 'smb' ? smb : nfs, clients)),
    unsettled: [
      ...spoilt,
      ...managed.flatMap((m) => (mounted === null || m.path === pathOf(m.spec, around.mounts) ? [] : [`share ${m.spec.name}`])),
      ...(smb === false ? [SMB_UNIT] : []),
      ...(nfs === false ? [NFS_UNIT] : []),
      ...unguarded(mounted ?? [], report).map((m) => `mount ${m}`),
    ],
    disks: disks.ok ? disks.value.disks : [],
    ...(await accounts),
    stuck,
    problems,
  };
};
