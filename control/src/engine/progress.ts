/** How far the work of a pool is, asked for while someone watches: one process for all who ask within a second, and none when nobody does. */
import type { ObservedPool } from '../domain/pool/pool.ts';
import { type Result, refuse } from '../domain/refusal.ts';
import type { Host } from '../host/host.ts';
import { parseStatus, statusArgv } from '../host/zfs/pools.ts';
import { zfsError } from '../host/zfs/error.ts';
import type { Clock } from '../store/types.ts';

const FRESH = 1_000;
const TIMEOUT = 10_000;

export type PoolProgress = Pick<ObservedPool, 'name' | 'guid' | 'health' | 'scan' | 'expansion' | 'trim' | 'vdevs'> & { at: number };
export type ProgressReader = (pool: string) => Promise<Result<PoolProgress>>;

export const createProgress = (host: Host, clock: Clock): ProgressReader => {
  const last = new Map<string, { at: number; answer: Promise<Result<PoolProgress>> }>();
  const ask = async (pool: string): Promise<Result<PoolProgress>> => {
    const r = await host.run(statusArgv(pool), { timeoutMs: TIMEOUT });
    if (r.failure !== null || r.exit !== 0) return { ok: false, refusal: zfsError(r) };
    const all = parseStatus(r.stdout);
    if (!all.ok) return all;
    const p = all.value.find((x) => x.name === pool);
    if (!p) return refuse('not-found', `pool ${pool}`, 'there is nothing of this name', '`dplane pool list` shows what there is');
    const { name, guid, health, scan, expansion, trim, vdevs } = p;
    return {
      ok: true,
      value: { name, guid, health, scan, ...(expansion ? { expansion } : {}), ...(trim ? { trim } : {}), vdevs, at: clock() },
    };
  };
  return (pool) => {
    const now = clock();
    const known = last.get(pool);
    if (known && now - known.at < FRESH) return known.answer;
    const answer = ask(pool);
    last.set(pool, { at: now, answer });
    return answer;
  };
};
