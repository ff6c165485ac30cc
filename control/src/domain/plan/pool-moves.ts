/** Pools taken, given up, forgotten, checkpointed, upgraded: asked for, never declared. Refuses what can't work; taking one by force waits for its name. */
import type { Observed } from '../observed/observed.ts';
import type { ObservedPool } from '../pool/pool.ts';
import { ok, refuse, type Result } from '../refusal.ts';
import { poolOf } from '../names.ts';
import type { PoolMove } from './pool-change.ts';
import type { Action } from './types.ts';
import { runnable } from './world.ts';

type Of<K extends PoolMove['kind']> = Extract<PoolMove, { kind: K }>;
const LOOK = 'look at the list of pools';

const imported = (o: Observed, c: Of<'pool.import'>): Result<Action[]> => {
  const name = c.as ?? c.name;
  const what = `importing pool ${c.name}`;
  if (o.pools.some((p) => p.guid === c.guid)) return refuse('conflict', what, 'it is imported already', LOOK);
  if (o.pools.some((p) => p.name === name)) return refuse('conflict', what, `another pool is called ${name}`, 'give it another name');
  const way = [c.readonly ? 'read-only' : '', c.as === undefined ? '' : `as ${c.as}`].filter((w) => w !== '').join(', ');
  return ok([
    runnable({
      verb: c.force ? 'BLOCKED' : 'CREATE',
      noun: 'pool',
      name: c.name,
      risk: c.force ? 'destructive' : 'safe',
      approval: c.force ? 'required' : 'none',
      blocked: c.force
        ? 'another machine had it last and did not give it up: if that one still uses it, both destroy it. It needs an approval that names the pool'
        : null,
      reason: `it lies on the disks of this machine, and is to be used${way === '' ? '' : ` (${way})`}`,
      operation: { kind: 'pool.import', name: c.name, guid: c.guid, as: c.as ?? null, readonly: c.readonly, force: c.force },
    }),
  ]);
};

const exported = (o: Observed, pool: ObservedPool): Result<Action[]> => {
  const shares = o.shares.filter((s) => poolOf(s.spec.dataset) === pool.name);
  if (shares.length > 0)
    return refuse(
      'blocked',
      `exporting pool ${pool.name}`,
      `it is shared: ${shares.map((s) => s.spec.name).join(', ')}`,
      'remove these shares first',
    );
  return ok([
    runnable({
      verb: 'MODIFY',
      noun: 'pool',
      name: pool.name,
      risk: 'disruptive',
      reason: 'it is given up cleanly; its disks can be moved to another machine, or imported again here',
      operation: { kind: 'pool.export', name: pool.name, guid: pool.guid },
    }),
  ]);
};

const forgotten = (o: Observed, c: Of<'pool.forget'>): Result<Action[]> => {
  const what = `forgetting pool ${c.name}`;
  const missing = o.stuck.find((s) => s.pool === c.name && s.guid !== undefined);
  if (missing?.guid === undefined)
    return refuse(
      'not-found',
      what,
      o.pools.some((p) => p.name === c.name) ? 'it is imported: nothing waits for it' : 'nothing waits for it',
      LOOK,
    );
  return ok([
    runnable({
      verb: 'MODIFY',
      noun: 'pool',
      name: c.name,
      risk: 'disruptive',
      reason:
        'this machine is not to wait for it any more: shares of other pools come up without it. Its disks are not touched; it can be imported whenever they are back',
      operation: { kind: 'pool.forget', name: c.name, guid: missing.guid },
    }),
  ]);
};

export const poolMoves = (o: Observed, c: PoolMove): Result<Action[]> => {
  if (c.kind === 'pool.import') return imported(o, c);
  if (c.kind === 'pool.forget') return forgotten(o, c);
  const pool = o.pools.find((p) => p.name === c.name);
  if (!pool) return refuse('not-found', `pool ${c.name}`, 'there is nothing of this name', LOOK);
  const base = { verb: 'MODIFY', noun: 'pool', name: pool.name } as const;
  switch (c.kind) {
    case 'pool.export':
      return exported(o, pool);
    case 'pool.checkpoint': {
      const there = pool.checkpoint !== undefined;
      if (there === (c.action === 'create'))
        return refuse('conflict', `checkpoint of pool ${pool.name}`, there ? 'there is one already' : 'there is none', '');
      return ok([
        runnable({
          ...base,
          risk: 'safe',
          reason: there
            ? 'what was freed since the checkpoint becomes free; the way back to it is gone'
            : 'the whole pool as it is now is kept; until it is discarded nothing that is freed becomes free, and no disk can be attached or removed',
          operation: { kind: 'pool.checkpoint', name: pool.name, guid: pool.guid, action: c.action },
        }),
      ]);
    }
    case 'pool.upgrade':
      return ok([
        runnable({
          ...base,
          risk: 'disruptive',
          reason: 'features of the running ZFS are switched on; an older ZFS can not read the pool afterwards, and there is no way back',
          operation: { kind: 'pool.upgrade', name: pool.name, guid: pool.guid },
        }),
      ]);
  }
};
