/** For tests: the engine over a simulated host with a mirror `tank` of disks 0 and 1; 2 to 5 are free. */
import type { Run } from '../domain/job.ts';
import type { Plan } from '../domain/plan/types.ts';
import type { PoolChange, PoolMove } from '../domain/plan/pool-change.ts';
import { orThrow } from '../domain/refusal.ts';
import { emptyModel } from '../host/sim/seeds.ts';
import { ADA, engineOn } from './stage.testing.ts';

export { ADA };

export const stage = async () => {
  const model = emptyModel(6);
  const path = (n: number): string => `/dev/disk/by-id/${model.disks[n + 1]?.links[0]}`; // 0 is the system's
  const label = (n: number): string => path(n).split('/').at(-1) ?? '';
  const { engine, scheduler, store, host, sh, skip } = await engineOn(model, {
    before: async (run) =>
      void (await run('zpool', 'create', '-o', 'ashift=12', '-O', 'mountpoint=/mnt/tank', 'tank', 'mirror', path(0), path(1))),
  });
  await engine.observe(0);
  const later = async (ms: number): Promise<void> => {
    skip(ms);
    await scheduler.runDue();
  };
  const plan = async (...changes: PoolChange[]): Promise<Plan> => orThrow(await engine.planChange(ADA, changes));
  const move = async (...changes: PoolMove[]): Promise<Plan> => orThrow(await engine.planChange(ADA, changes));
  const why = async (...changes: PoolChange[]): Promise<string> => {
    const r = await engine.planChange(ADA, changes);
    return r.ok ? `planned: ${r.value.actions.map((a) => `${a.id} ${a.approval}`).join(', ')}` : r.refusal.why;
  };
  const apply = async (p: Plan): Promise<Run> => await orThrow(await engine.apply(ADA, p.digest)).settled;
  const approve = async (p: Plan): Promise<void> => {
    for (const a of p.actions.filter((x) => x.approval === 'required')) orThrow(await engine.approve(ADA, p.digest, a.id, a.name));
  };
  const pool = async (name = 'tank') => (await engine.observe(0)).observed.pools.find((p) => p.name === name);
  const open = (): string[] => engine.alerts().map((a) => `${a.kind} ${a.subject}`);
  const told = (): string[] => store.events.before(null, 50).map((e) => e.kind);
  return { engine, scheduler, store, host, sh, path, label, later, plan, move, why, apply, approve, pool, open, told };
};
