/**
 * The gate: what is served is what is mounted. Both files are made to say so, from the kernel's own mount table, whatever brought the mount or
 * took it away; who is connected to a share that is not served any more is disconnected, the others notice nothing. Before that, the folders
 * below the mounts are made such that nothing can be written into them: it is they that hold while nobody has looked yet (docs/adr/0015).
 */
import { canonical } from '../../domain/canonical.ts';
import { ok, refuse } from '../../domain/refusal.ts';
import type { ShareSpec } from '../../domain/share/share.ts';
import type { Host } from '../host.ts';
import { pathOf } from '../managed.ts';
import { flushExportsArgv } from '../nfs/exports.ts';
import { closeShareArgv } from '../samba/conf.ts';
import { mountedAt, readMounts } from '../zfs/mounts.ts';
import { makeHomes } from './homes.ts';
import { GUARD_REPORT, GUARD_UNIT, unguarded } from './mount-guard.ts';
import { type ChangeContext, type Changed, change } from './host.ts';
import { withoutFolder } from './real-folder.ts';
import { current, goLive, type Kind, type Mountpoints, NFS, oneAtATime, SMB } from './serving.ts';

type Settled = {
  opened: string[];
  shut: string[];
  restored: string[];
  /** Their folder is gone, or is a link. */
  bent: string[];
  notes: string[] /** Whoever is in these is put out. */;
  ended: string[];
};

const settleKind = async <S extends ShareSpec>(host: Host, kind: Kind<S>, mounts: Mountpoints, seen: Settled): Promise<Changed> => {
  const now = await current(host, kind);
  if (now.shares.length === 0 && now.spoilt.length === 0) return ok({});
  const paths = (at: Mountpoints, without: ReadonlySet<string>): Map<string, string | null> =>
    new Map(now.shares.map((s) => [s.name, without.has(s.name) ? null : pathOf(s, at)]));
  const was = paths(kind.parse(now.text).shares.length === 0 ? new Map() : now.mountpoints, now.withheld);
  const bent = await withoutFolder(host, now.shares, mounts);
  const is = paths(mounts, bent);
  const wanted = [...is.values()].filter((p) => p !== null);
  const text = kind.render(now.shares, mounts, bent);
  if (text === now.text) {
    // a server that was stopped, or killed, while there is something to serve
    const loaded = await kind.load(host, wanted);
    if (loaded.ok && loaded.value.note !== null) seen.notes.push(loaded.value.note);
    return loaded.ok ? ok({}) : loaded;
  }
  const live = await goLive(host, kind, text, now.text, wanted);
  if (!live.ok) return live;
  if (live.value.note !== null) seen.notes.push(live.value.note);
  seen.restored.push(...now.spoilt);
  for (const share of now.shares) {
    const [before, after] = [was.get(share.name) ?? null, is.get(share.name) ?? null];
    const name = `${share.kind}:${share.name}`;
    if (before === after) continue;
    if (after === null) (bent.has(share.name) ? seen.bent : seen.shut).push(name);
    else seen.opened.push(name);
    // what it shows to whoever is in it is not what it served
    if (before !== null && share.kind === 'smb') seen.ended.push(share.name);
  }
  return ok({});
};

/** Beneath every mount: by a service of its own, which sees mounts that nobody else sees. */
const guard = async (host: Host, lines: readonly string[]): Promise<string[]> => {
  const missing = async (): Promise<string[]> => unguarded(lines, await host.readText(GUARD_REPORT));
  // one that ran already when this one was mounted did not see it
  for (let tries = 0; tries < 2 && (await missing()).length > 0; tries += 1)
    await host.run(['systemctl', 'start', GUARD_UNIT], { timeoutMs: 150_000 });
  const left = await missing();
  return left.length === 0 ? [] : [`what is below ${left.slice(0, 5).join(', ')} could not be guarded`];
};

/**
 * The files alone, for what mounts and unmounts by itself: `isHidden` are datasets that are about to be unmounted, which nobody comes into any more.
 * `running`: the servers are told.
 */
export const refreshShares = async (
  host: Host,
  { isHidden = () => false, running = true }: { isHidden?: (dataset: string) => boolean; running?: boolean } = {},
): Promise<Changed> => {
  const lines = await readMounts(host);
  if (lines === null) return noTable;
  const mounts: Mountpoints = new Map([...mountedAt(lines)].filter(([dataset]) => !isHidden(dataset)));
  const seen: Settled = { opened: [], shut: [], restored: [], bent: [], notes: [], ended: [] };
  // before anything runs there is nothing to ask, and what is rendered from shares that were accepted is accepted
  const still = { check: async () => ok(null), load: async () => ok({ note: null }) };
  const answers = await oneAtATime(async () => [
    await settleKind(host, running ? SMB : { ...SMB, ...still }, mounts, seen),
    await settleKind(host, running ? NFS : { ...NFS, ...still }, mounts, seen),
  ]);
  if (running) for (const name of seen.ended) await change(host, closeShareArgv(name));
  // what the kernel remembers of exports holds the mount, too
  if (running && [...seen.shut, ...seen.bent].some((s) => s.startsWith('nfs:'))) await change(host, flushExportsArgv());
  return answers.find((a) => !a.ok) ?? ok({});
};
const noTable = refuse('unavailable', 'the gate of the shares', 'the table of mounts could not be read', 'look at /proc/self/mounts');

export const settleShares = async ({ host }: Pick<ChangeContext, 'host'>): Promise<Changed> => {
  const lines = await readMounts(host);
  if (lines === null) return noTable;
  const mounts: Mountpoints = mountedAt(lines);
  const seen: Settled = { opened: [], shut: [], restored: [], bent: [], notes: [], ended: [] };
  // what is gone first, and each protocol whatever became of the other
  const answers = await oneAtATime(async () => [await settleKind(host, SMB, mounts, seen), await settleKind(host, NFS, mounts, seen)]);
  for (const name of seen.ended) await change(host, closeShareArgv(name));
  if (seen.opened.length > 0) seen.notes.push(...(await makeHomes(host)));
  seen.notes.push(...(await guard(host, lines)));
  const failed = answers.find((a) => !a.ok);
  return failed ?? ok(JSON.parse(canonical(seen)) as Record<string, unknown>); // plain data
};
