/**
 * The questions of a verdict (docs/adr/0006-slots.md), each on its own: null is yes, words are why not. They are asked again and again
 * until all say yes or the time is over, so each must be harmless, and end by itself.
 */
import { open, readFile, unlink } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../../control/src/host/host.ts';
import type { CheckName, SlotName, SystemInfo } from '../../../control/src/domain/slot/slot.ts';
import { type Baseline, networkNow, type PoolFact, poolsNow, sharesDeclared, type ShareKind, whyNotWritable } from './facts.ts';
import { httpsAnswers, nfsAnswers, smbAnswers } from './probe.ts';

export type Subject = {
  host: Host;
  /** On the kernel command line. */
  slot: SlotName;
  /** Why this can't be the slot the boot loader says it took; null when it is. */
  misled: string | null;
  /** Null when the image does not say what it is. */
  system: SystemInfo | null;
  baseline: Baseline | null;
  persist: string;
  port: number;
};
export type Check = (s: Subject) => Promise<string | null>;
type Name = (typeof CheckName.options)[number];

const slot: Check = (s) => Promise.resolve(s.misled);

/** Mounted read-write, and a file written there is really there. */
const persist: Check = async (s) => {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' '));
  const mount = mounts.findLast((words) => words[4] === s.persist);
  if (mount === undefined) return `${s.persist} is not mounted`;
  if (!mount[5]?.split(',').includes('rw')) return `${s.persist} is mounted read-only`;
  const path = join(s.persist, '.dplane-verdict');
  try {
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile('written by the verdict\n');
      await file.sync();
    } finally {
      await file.close();
    }
    await unlink(path);
    return null;
  } catch (error) {
    return `${s.persist} can't be written to: ${error instanceof Error ? error.message : String(error)}`;
  }
};

const kernel: Check = async (s) => {
  if (s.system === null) return 'the image does not say which kernel belongs to it';
  return release() === s.system.kernel ? null : `kernel ${release()} runs, but the image was made for ${s.system.kernel}`;
};

/** Module and tools, both of the pinned version. */
const zfs: Check = async (s) => {
  if (s.system === null) return 'the image does not say which OpenZFS belongs to it';
  const loaded = (await s.host.readText('/sys/module/zfs/version'))?.trim();
  if (loaded === undefined) return 'the kernel module zfs is not loaded';
  if (loaded !== s.system.zfs) return `OpenZFS ${loaded} is loaded, but the image was made for ${s.system.zfs}`;
  const r = await s.host.run(['zfs', 'version'], { timeoutMs: 15_000 });
  const tools = /^zfs-(\S+)$/m.exec(r.stdout)?.[1];
  return tools === s.system.zfs ? null : `the zfs tools are ${tools ?? 'not there'}, but the image was made for ${s.system.zfs}`;
};

/** From best to worst; what is not in the list is worse than all. */
const HEALTH = ['ONLINE', 'DEGRADED'];
const rank = (health: string): number => (HEALTH.includes(health) ? HEALTH.indexOf(health) : HEALTH.length);

/** Pure: which of the pools that were there is not there as it was. */
export const whyPoolsDiffer = (before: readonly PoolFact[], now: readonly PoolFact[]): string | null => {
  const wrong = before.flatMap((was) => {
    const is = now.find((p) => p.guid === was.guid);
    if (is === undefined) return [`pool ${was.name} missing`];
    if (is.readonly && !was.readonly) return [`pool ${is.name} is read-only`];
    if (rank(is.health) > rank(was.health)) return [`pool ${is.name} is ${is.health}, it was ${was.health}`];
    return [];
  });
  return wrong.length === 0 ? null : wrong.join('; ');
};

/** What the gate before the shares found missing, and did not find since. */
const gateMissing = async (host: Host): Promise<string[]> =>
  ((await host.readText('/var/lib/dplane-pools/missing')) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `pool ${line.split(' ')[1] ?? '?'} missing`);

const pools: Check = async (s) => {
  const now = await poolsNow(s.host);
  if ('why' in now) return now.why;
  const differ = whyPoolsDiffer(s.baseline?.pools ?? [], now.pools);
  if (differ !== null) return differ;
  const missing = s.baseline === null ? await gateMissing(s.host) : [];
  if (missing.length > 0) return missing.join('; ');
  const wanted = now.pools.filter((p) => !p.readonly && rank(p.health) < HEALTH.length);
  const why = await Promise.all(wanted.map(async (p) => ({ name: p.name, why: await whyNotWritable(s.host, p.name) })));
  const bad = why.filter((w) => w.why !== null).map((w) => `pool ${w.name} is not writable: ${w.why}`);
  return bad.length === 0 ? null : bad.join('; ');
};

const controlPlane: Check = async (s) => {
  const why = await httpsAnswers(s.port, '/health');
  return why === null ? null : `dplaned does not answer: ${why}`;
};

const SERVERS: Readonly<Record<ShareKind, { name: string; answers: () => Promise<string | null> }>> = {
  smb: { name: 'SMB', answers: () => smbAnswers() },
  nfs: { name: 'NFS', answers: () => nfsAnswers() },
};
const shares: Check = async (s) => {
  const why = await Promise.all(
    (await sharesDeclared(s.host)).map(async (kind) => ({ name: SERVERS[kind].name, why: await SERVERS[kind].answers() })),
  );
  const bad = why.filter((w) => w.why !== null).map((w) => `the ${w.name} server does not answer: ${w.why}`);
  return bad.length === 0 ? null : bad.join('; ');
};

const network: Check = async (s) => {
  const now = await networkNow();
  if (s.baseline?.network.address && !now.address) return 'no network address, there was one before';
  if (s.baseline?.network.route && !now.route) return 'no way out of the local network, there was one before';
  return null;
};

export const CHECKS: readonly (readonly [Name, Check])[] = [
  ['slot', slot],
  ['persist', persist],
  ['kernel', kernel],
  ['zfs', zfs],
  ['pools', pools],
  ['control-plane', controlPlane],
  ['shares', shares],
  ['network', network],
];
