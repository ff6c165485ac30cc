/** The planner alone, in this process: 10,000 datasets and 2,000 shares, and whether time grows with size or faster. */
import type { ObservedDataset } from '../../control/src/domain/dataset/dataset.ts';
import type { Observed } from '../../control/src/domain/observed/observed.ts';
import { plan } from '../../control/src/domain/plan/plan.ts';
import { ShareSpec } from '../../control/src/domain/share/share.ts';
import { DesiredState } from '../../control/src/domain/state/state.ts';
import { type Bench, figure, timed } from './bench.ts';

const DISK = '/dev/disk/by-id/ata-BENCH_1';

const dataset = (name: string, i: number): ObservedDataset => ({
  name,
  guid: String(1_000_000 + i),
  kind: 'filesystem',
  createdAt: 1_700_000_000_000 + i,
  used: 1e9,
  available: 1e12,
  referenced: 1e9,
  usedBySnapshots: 0,
  compressRatio: 1.5,
  mounted: true,
  mountpoint: `/mnt/${name}`,
  origin: null,
  encryption: 'off',
  keyStatus: 'none',
  snapshots: 3,
  properties: {
    compression: { value: 'lz4', source: 'inherited', from: 'tank' },
    recordsize: { value: '131072', source: 'default' },
    atime: { value: 'off', source: 'local' },
    quota: { value: '107374182400', source: 'local' },
  },
});

/** As the wire case: of the whole, 0.5% to create, 1% to change, 1% gone from the declaration while they hold data. */
const world = (datasets: number, shares: number): { desired: DesiredState; observed: Observed } => {
  const folders = Math.ceil(datasets / 100);
  const names = Array.from({ length: datasets }, (_, i) => (i < folders ? `tank/d${i}` : `tank/d${i % folders}/x${i}`));
  const specs = Array.from({ length: shares }, (_, i) =>
    ShareSpec.parse({
      kind: i % 2 === 0 ? 'smb' : 'nfs',
      name: `share${i}`,
      dataset: names[i % folders],
      ...(i % 2 === 0 ? {} : { clients: [{ host: '*' }] }),
    }),
  );
  const declared = names
    .map((name, i) => ({ name, properties: { atime: 'off', quota: i % 100 === 99 ? '200G' : '100G' } }))
    .filter((_, i) => i < folders || i % 100 !== 98);
  const added = Array.from({ length: datasets / 200 }, (_, i) => ({
    name: `tank/d${i % folders}/new${i}`,
    properties: { compression: 'zstd' },
  }));
  const pool = { name: 'tank', vdevs: [{ kind: 'stripe', disks: [DISK] }] };
  const disk = { path: DISK, guid: '9', state: 'ONLINE' as const, readErrors: 0, writeErrors: 0, checksumErrors: 0 };
  return {
    desired: DesiredState.parse({ version: 1, pools: [pool], datasets: [...declared, ...added], shares: specs }),
    observed: {
      at: 1_700_000_000_000,
      pools: [
        {
          name: 'tank',
          guid: '7',
          health: 'ONLINE',
          size: 1e15,
          allocated: 1e14,
          free: 9e14,
          fragmentation: 1,
          dataErrors: 0,
          status: null,
          vdevs: [{ name: 'disk-0', kind: 'stripe', role: 'data', guid: '8', state: 'ONLINE', disks: [disk] }],
          scan: { kind: 'none', state: 'none', startedAt: null, endedAt: null, progress: 0, errors: 0 },
          options: {},
        },
      ],
      datasets: [dataset('tank', 0), ...names.map((name, i) => dataset(name, i + 1))],
      shares: specs.map((spec) => ({ spec, serving: true, note: null, clients: [] })),
      disks: [],
      stuck: [],
      problems: [],
    },
  };
};

const run = async () => {
  const measure = (datasets: number, shares: number, times: number, warm: number): number => {
    const { desired, observed } = world(datasets, shares);
    const { summary } = plan({ desired, observed, identities: new Map() });
    if (summary.create === 0 || summary.modify === 0 || summary.blocked === 0)
      throw new Error(`not the case it should be: ${JSON.stringify(summary)}`);
    return timed(() => plan({ desired, observed, identities: new Map() }), times, warm);
  };
  const small = measure(1_000, 200, 41, 200);
  const large = measure(10_000, 2_000, 15, 10);
  return [
    figure('plan, 1,000 datasets + 200 shares', small, 'ms'),
    figure('plan, 10,000 datasets + 2,000 shares', large, 'ms', 300, 'the goal as baseline'),
    figure('plan, time of 10 x the input', large / small, 'x', 12, 'the goal as baseline'),
  ];
};

export const benches: Bench[] = [{ name: 'plan', run }];
