/** What an update has to know of the pools, and the snapshots it takes before it begins. */
import { PoolName } from '../../../control/src/domain/names.ts';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { preUpgradeTag } from '../../../control/src/domain/snapshot/pre-upgrade.ts';
import type { Host, RunResult } from '../../../control/src/host/host.ts';
import type { PoolFeatures } from './policy.ts';

/** A pool with dead disks answers never: then it is not the time for an update. */
const LIMIT = { timeoutMs: 60_000 };

const whyFailed = (r: RunResult): string =>
  r.failure === null ? r.stderr.trim().slice(0, 500) : `${r.argv.slice(0, 2).join(' ')} did not answer (${r.failure})`;
const no = (what: string, r: RunResult) => refuse('unavailable', what, whyFailed(r), 'See to the pools first: zpool status');

export const readPools = async (host: Host): Promise<Result<{ name: string; readOnly: boolean }[]>> => {
  const what = 'looking at the pools';
  const r = await host.run(['zpool', 'list', '-H', '-o', 'name,readonly'], LIMIT);
  if (r.exit !== 0) return no(what, r);
  const pools: { name: string; readOnly: boolean }[] = [];
  for (const line of r.stdout.split('\n').filter((l) => l !== '')) {
    const [name, readonly, ...more] = line.split('\t');
    const pool = PoolName.safeParse(name);
    if (!pool.success || (readonly !== 'on' && readonly !== 'off') || more.length > 0)
      return refuse('conflict', what, `zpool says "${line.slice(0, 80)}"`);
    pools.push({ name: pool.data, readOnly: readonly === 'on' });
  }
  return ok(pools);
};

export const readFeatures = async (host: Host, pools: readonly { name: string }[]): Promise<Result<PoolFeatures[]>> => {
  const all: PoolFeatures[] = [];
  for (const { name } of pools) {
    const what = `reading the features of pool ${name}`;
    const r = await host.run(['zpool', 'get', '-H', '-o', 'property,value', 'all', name], LIMIT);
    if (r.exit !== 0) return no(what, r);
    const features: string[] = [];
    for (const line of r.stdout.split('\n').filter((l) => l.startsWith('feature@'))) {
      const [property = '', value] = line.split('\t');
      if (value === 'enabled' || value === 'active') features.push(property.slice('feature@'.length));
      else if (value !== 'disabled') return refuse('conflict', what, `zpool says "${line.slice(0, 80)}"`);
    }
    all.push({ pool: name, features });
  }
  return ok(all);
};

/** Of each pool's root dataset. */
export const takeSnapshots = async (
  host: Host,
  pools: readonly { name: string; readOnly: boolean }[],
  at: number,
): Promise<Result<null>> => {
  for (const { name } of pools.filter((p) => !p.readOnly)) {
    const snapshot = `${name}@${preUpgradeTag(at)}`;
    const r = await host.run(['zfs', 'snapshot', snapshot], LIMIT);
    if (r.exit !== 0) return no(`taking the snapshot ${snapshot}`, r);
  }
  return ok(null);
};
