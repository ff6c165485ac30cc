/** What this machine has right now, as far as a verdict can be made of it. Each question has a time limit of its own. */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import type { Host } from '../../../control/src/host/host.ts';

export const PoolFact = z.object({ guid: z.string(), name: z.string(), health: z.string(), readonly: z.boolean() });
export type PoolFact = z.infer<typeof PoolFact>;

export const ShareKind = z.enum(['smb', 'nfs']);
export type ShareKind = z.infer<typeof ShareKind>;

/** What was true while the confirmed system ran: a later start has to come up with no less. */
export const Baseline = z.object({
  at: z.number(),
  pools: z.array(PoolFact),
  network: z.object({ address: z.boolean(), route: z.boolean() }),
});
export type Baseline = z.infer<typeof Baseline>;

const POOL_MS = 15_000;

/** Null when they can't be listed: not the same as none. */
export const poolsNow = async (host: Host): Promise<{ pools: PoolFact[] } | { why: string }> => {
  const r = await host.run(['zpool', 'list', '-H', '-p', '-o', 'guid,name,health,readonly'], { timeoutMs: POOL_MS });
  if (r.failure !== null || r.exit !== 0) return { why: `zpool list: ${r.failure ?? r.stderr.trim().slice(0, 300)}` };
  const pools = r.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [guid = '', name = '', health = '', readonly = ''] = line.split('\t');
      return { guid, name, health, readonly: readonly === 'on' };
    });
  return { pools };
};

/** Does the pool take a write? `zpool sync` returns when a transaction group is on its disks. */
export const whyNotWritable = async (host: Host, pool: string): Promise<string | null> => {
  const r = await host.run(['zpool', 'sync', pool], { timeoutMs: POOL_MS });
  if (r.failure === null && r.exit === 0) return null;
  return r.failure === 'timeout' ? 'a write does not come to an end' : (r.stderr.trim() || String(r.failure)).slice(0, 300);
};

const SHARE_FILES: Readonly<Record<ShareKind, string>> = {
  smb: '/etc/samba/dplaneos/shares.conf',
  nfs: '/etc/exports.d/dplaneos.exports',
};

/** Kinds of which there is a share to serve. */
export const sharesDeclared = async (host: Host): Promise<ShareKind[]> => {
  const found: ShareKind[] = [];
  for (const kind of ShareKind.options) if (/^# dplaneos-share: /m.test((await host.readText(SHARE_FILES[kind])) ?? '')) found.push(kind);
  return found;
};

const IPV4_DEFAULT = /^\S+\t00000000\t/m;
const IPV6_DEFAULT = /^0{32} 00 (?!.* lo$)/m;

/** Addresses that others can reach, and a way out. */
export const networkNow = async (): Promise<Baseline['network']> => {
  const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((a) => !a.internal && !a.address.startsWith('fe80:') && !a.address.startsWith('169.254.'));
  const route = IPV4_DEFAULT.test(await text('/proc/net/route')) || IPV6_DEFAULT.test(await text('/proc/net/ipv6_route'));
  return { address: addresses.length > 0, route };
};
