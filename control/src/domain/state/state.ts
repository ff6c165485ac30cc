/** `state.yaml`, version 1: what the NAS should be. Strict: what isn't known here is an error, never ignored. */
import { z } from 'zod';
import { DatasetSpec } from '../dataset/dataset.ts';
import { ArcLimit } from '../memory/arc.ts';
import { parentOf, poolOf } from '../names.ts';
import { PoolSpec } from '../pool/pool.ts';
import { ReplicationTask } from '../replication/replication.ts';
import { SnapshotSchedule } from '../schedule/schedule.ts';
import { ShareSpec, shareKey } from '../share/share.ts';
import { ShareGroup, ShareUser } from '../share-user/share-user.ts';

export const STATE_VERSION = 1;

export const DesiredState = z
  .strictObject({
    version: z.literal(STATE_VERSION),
    /** Leave what is on the host but not declared here alone, instead of planning its removal. */
    ignore_extraneous: z.boolean().default(false),
    pools: z.array(PoolSpec).max(256).default([]),
    datasets: z.array(DatasetSpec).max(100_000).default([]),
    shares: z.array(ShareSpec).max(10_000).default([]),
    /** Left out: accounts are not looked at. */
    share_groups: z.array(ShareGroup).max(2_000).optional(),
    share_users: z.array(ShareUser).max(5_000).optional(),
    /** Left out: not looked at. */
    memory: z.strictObject({ arc: ArcLimit }).optional(),
    schedules: z.array(SnapshotSchedule).max(10_000).default([]),
    replication: z.array(ReplicationTask).max(1_000).default([]),
  })
  .superRefine((s, ctx) => {
    const issue = (path: (string | number)[], message: string): void => ctx.addIssue({ code: 'custom', path, message });
    const once = (list: readonly string[], at: (i: number) => (string | number)[], what: string): void => {
      const seen = new Map<string, number>();
      for (const [i, key] of list.entries()) {
        const first = seen.get(key);
        if (first === undefined) seen.set(key, i);
        else issue(at(i), `${what} ${key} is declared twice (first as item ${first + 1})`);
      }
    };
    once(
      s.pools.map((p) => p.name),
      (i) => ['pools', i, 'name'],
      'pool',
    );
    once(
      s.datasets.map((d) => d.name),
      (i) => ['datasets', i, 'name'],
      'dataset',
    );
    once(s.shares.map(shareKey), (i) => ['shares', i, 'name'], 'share');
    once(
      s.schedules.map((d) => d.name),
      (i) => ['schedules', i, 'name'],
      'schedule',
    );
    once(
      s.replication.map((d) => d.name),
      (i) => ['replication', i, 'name'],
      'replication task',
    );
    for (const [list, key] of [
      [s.share_users, 'share_users'],
      [s.share_groups, 'share_groups'],
    ] as const) {
      once(
        (list ?? []).map((u) => u.name),
        (i) => [key, i, 'name'],
        'account',
      );
      once(
        (list ?? []).map((u) => (u.id === undefined ? `of ${u.name} without a number` : String(u.id))),
        (i) => [key, i, 'id'],
        'number',
      );
    }
    const groups = new Set((s.share_groups ?? []).map((g) => g.name));
    for (const [i, u] of (s.share_users ?? []).entries()) {
      if (groups.has(u.name)) issue(['share_users', i, 'name'], `${u.name} is the name of a group, too`);
      for (const [j, g] of u.groups.entries())
        if (s.share_groups !== undefined && !groups.has(g)) issue(['share_users', i, 'groups', j], `group ${g} is not declared`);
    }
    const guids = [...s.pools, ...s.datasets].flatMap((x) => (x.guid === undefined ? [] : [x.guid]));
    if (new Set(guids).size !== guids.length) {
      const seen = new Set<string>();
      for (const [i, d] of s.datasets.entries()) {
        if (d.guid !== undefined && seen.has(d.guid)) issue(['datasets', i, 'guid'], `guid ${d.guid} is declared twice`);
        if (d.guid !== undefined) seen.add(d.guid);
      }
    }
    const disks = new Map<string, string>();
    for (const [i, p] of s.pools.entries())
      for (const [j, v] of p.vdevs.entries())
        for (const [k, d] of v.disks.entries()) {
          const owner = disks.get(d);
          if (owner !== undefined && v.role !== 'spare')
            issue(['pools', i, 'vdevs', j, 'disks', k], `disk ${d} is already in pool ${owner}`);
          disks.set(d, p.name);
        }
    const pools = new Set(s.pools.map((p) => p.name));
    const datasets = new Map(s.datasets.map((d) => [d.name, d.kind]));
    for (const [i, d] of s.datasets.entries()) {
      if (!pools.has(poolOf(d.name))) issue(['datasets', i, 'name'], `pool ${poolOf(d.name)} is not declared`);
      const parent = parentOf(d.name);
      if (parent?.includes('/') && !datasets.has(parent)) issue(['datasets', i, 'name'], `parent dataset ${parent} is not declared`);
      if (parent !== null && datasets.get(parent) === 'volume')
        issue(['datasets', i, 'name'], `parent ${parent} is a volume and can hold no dataset`);
    }
    for (const [i, sh] of s.shares.entries()) {
      if (sh.dataset.includes('/') ? !datasets.has(sh.dataset) : !pools.has(sh.dataset))
        issue(['shares', i, 'dataset'], `dataset ${sh.dataset} is not declared`);
      if (datasets.get(sh.dataset) === 'volume') issue(['shares', i, 'dataset'], `${sh.dataset} is a volume; a share serves a filesystem`);
    }
  });
export type DesiredState = z.infer<typeof DesiredState>;

export const EMPTY_STATE: DesiredState = {
  version: STATE_VERSION,
  ignore_extraneous: false,
  pools: [],
  datasets: [],
  shares: [],
  schedules: [],
  replication: [],
};
