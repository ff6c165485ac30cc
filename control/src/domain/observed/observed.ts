/** One observation of the host: what a plan is computed from. */
import { z } from 'zod';
import { ObservedDataset } from '../dataset/dataset.ts';
import { Disk } from '../disk/disk.ts';
import { ObservedPool } from '../pool/pool.ts';
import { Refusal } from '../refusal.ts';
import { ObservedShare } from '../share/share.ts';

export const Observed = z.object({
  at: z.number(),
  pools: z.array(ObservedPool),
  datasets: z.array(ObservedDataset),
  shares: z.array(ObservedShare),
  disks: z.array(Disk),
  /** Pools that did not answer in time: the rest of the observation stands without them. */
  stuck: z.array(z.object({ pool: z.string(), since: z.number(), problem: Refusal })),
  /** Anything else that could not be read (a missing tool, an answer that could not be parsed). */
  problems: z.array(Refusal),
});
export type Observed = z.infer<typeof Observed>;

/**
 * The part of an observation that a plan depends on. Counters that move by themselves (used, free, scan progress)
 * are left out, so that a plan stays valid while data is written; whether a dataset holds data stays in.
 */
export const planBasis = (o: Observed, holdsData: (d: ObservedDataset) => boolean): unknown => ({
  pools: o.pools.map((p) => ({
    name: p.name,
    guid: p.guid,
    health: p.health,
    options: p.options,
    vdevs: p.vdevs.map((v) => ({ kind: v.kind, role: v.role, guid: v.guid, disks: v.disks.map((d) => ({ path: d.path, guid: d.guid, state: d.state })) })),
  })),
  datasets: o.datasets.map((d) => ({
    name: d.name,
    guid: d.guid,
    kind: d.kind,
    holdsData: holdsData(d),
    properties: d.properties,
  })),
  shares: o.shares.map((s) => ({ spec: s.spec, clients: s.clients.length > 0 })),
  disks: o.disks.map((d) => ({ path: d.path, pool: d.pool, foreign: d.foreign, system: d.system })),
  stuck: o.stuck.map((s) => s.pool),
});
