/**
 * The API rows of the published comparison, on the same work: 1,000 datasets, 10,000 snapshots, a state file of 109 kB, a plan of 5 to
 * create, 10 to change and 10 blocked. HTTP on loopback with keep-alive, a Bearer token on every request, wrk.
 */
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { type Bench, type Figure, figure, median } from './bench.ts';
import { load } from './load.ts';
import { ask, claim, type Daemon, drop, must, scratch, startDaemon } from './processes.ts';

type Row = {
  name: string;
  path: string;
  /** The original, two versions: p50 at 1 connection, and requests/s at 32. */
  v3: readonly [number, number];
  v11: readonly [number, number];
  /** Which of them (or which number) the goal names. */
  against: 'v3' | 'v11';
  goal: string;
};

const ROWS: readonly Row[] = [
  { name: '/health', path: '/health', v3: [0.028, 50_000], v11: [0.024, 34_000], against: 'v11', goal: '>= 10k/s' },
  { name: 'session check', path: '/api/session', v3: [0.069, 18_000], v11: [0.16, 2_100], against: 'v11', goal: '>= v11.5' },
  { name: 'my permissions', path: '/api/session/permissions', v3: [0.31, 2_600], v11: [0.47, 692], against: 'v11', goal: '>= v11.5' },
  {
    name: 'state file of 109 kB',
    path: '/api/gitops/state',
    v3: [0.65, 1_600],
    v11: [0.87, 472],
    against: 'v3',
    goal: 'better than the original',
  },
  {
    name: '1,000 datasets',
    path: '/api/zfs/datasets',
    v3: [5.9, 187],
    v11: [9.1, 117],
    against: 'v3',
    goal: 'p50 <= 3 ms at 1, >= 2 x at 32',
  },
  {
    name: '10,000 snapshots',
    path: '/api/zfs/snapshots?limit=10000',
    v3: [20, 61],
    v11: [20, 30],
    against: 'v3',
    goal: 'p50 <= 10 ms at 1, >= 2 x at 32',
  },
  {
    name: 'plan (5 create, 10 modify, 10 blocked)',
    path: '/api/gitops/plan',
    v3: [36, 26],
    v11: [48, 19],
    against: 'v3',
    goal: 'p50 <= 12 ms at 1, >= 4 x at 32',
  },
];
const ROUNDS = 3;
const SECONDS = 3;
const STATE_BYTES = 109_000;

const State = z.looseObject({
  datasets: z.array(z.looseObject({ name: z.string(), properties: z.record(z.string(), z.string()).optional() })),
});

/** The captured state with 10 leaf datasets left out, 10 changed and 5 added. */
const stateOf = (captured: string): string => {
  const state = State.parse(parse(captured));
  const parents = new Set(state.datasets.map((d) => d.name.slice(0, d.name.lastIndexOf('/'))));
  const shared = JSON.stringify(state.shares ?? []) + JSON.stringify(state.schedules ?? []) + JSON.stringify(state.replication ?? []);
  const leaves = state.datasets.filter((d) => d.kind !== 'volume' && !parents.has(d.name) && !shared.includes(JSON.stringify(d.name)));
  const [gone, changed] = [new Set(leaves.slice(0, 10)), leaves.slice(10, 20)];
  // a value that no dataset of the seed has or inherits
  for (const d of changed) d.properties = { ...d.properties, compression: 'gzip-7' };
  const pool = state.datasets[0]?.name.split('/')[0];
  const added = Array.from({ length: 5 }, (_, i) => ({ name: `${pool}/bench-new-${i}`, properties: {} }));
  return stringify(
    { ...state, ignore_extraneous: false, datasets: [...state.datasets.filter((d) => !gone.has(d)), ...added] },
    { lineWidth: 0 },
  );
};

/** Comments are part of the file, and are kept: they bring it to the size that was measured elsewhere. */
const sized = (yaml: string): string => yaml + `# ${'-'.repeat(76)}\n`.repeat(Math.max(0, Math.floor((STATE_BYTES - yaml.length) / 79)));

const prepare = async (daemon: Daemon, token: Record<string, string>): Promise<string> => {
  const captured = z
    .looseObject({ yaml: z.string() })
    .parse(JSON.parse(await must(`${daemon.http}/api/gitops/capture`, { method: 'POST', headers: token })));
  const yaml = sized(stateOf(captured.yaml));
  const saved = await ask(`${daemon.http}/api/gitops/state`, { method: 'PUT', headers: token, body: { yaml, basedOn: null } });
  if (saved.status !== 200) throw new Error(`saving the state: ${saved.status} ${saved.text.slice(0, 800)}`);
  return yaml;
};

const Plan = z.looseObject({ summary: z.looseObject({ create: z.number(), modify: z.number(), blocked: z.number(), delete: z.number() }) });

/** A fast wrong answer is no figure. */
const verify = async (daemon: Daemon, token: Record<string, string>): Promise<Map<string, number>> => {
  const sizes = new Map<string, number>();
  for (const row of ROWS) sizes.set(row.path, Buffer.byteLength(await must(daemon.http + row.path, { headers: token })));
  const datasets = z
    .looseObject({ datasets: z.array(z.unknown()) })
    .parse(JSON.parse(await must(`${daemon.http}/api/zfs/datasets`, { headers: token })));
  const snapshots = z
    .looseObject({ rows: z.array(z.unknown()) })
    .parse(JSON.parse(await must(`${daemon.http}/api/zfs/snapshots?limit=10000`, { headers: token })));
  const { summary } = Plan.parse(JSON.parse(await must(`${daemon.http}/api/gitops/plan`, { headers: token })));
  const { create, modify, blocked } = summary;
  if (datasets.datasets.length < 1000) throw new Error(`only ${datasets.datasets.length} datasets in the answer`);
  if (snapshots.rows.length !== 10_000) throw new Error(`${snapshots.rows.length} snapshots in the answer`);
  if (create !== 5 || modify !== 10 || blocked !== 10) throw new Error(`not the plan it should be: ${JSON.stringify(summary)}`);
  return sizes;
};

const run = async (): Promise<Figure[]> => {
  const folder = scratch();
  const daemon = await startDaemon('big', folder);
  try {
    const token = await claim(daemon);
    await prepare(daemon, token);
    const sizes = await verify(daemon, token);
    const figures: Figure[] = [];
    for (const row of ROWS) {
      const url = daemon.http + row.path;
      await load(url, 4, 2, token); // warm
      const single: number[] = [];
      const rate: number[] = [];
      for (let i = 0; i < ROUNDS; i += 1) {
        single.push((await load(url, 1, SECONDS, token)).p50);
        rate.push((await load(url, 32, SECONDS, token)).requestsPerSecond);
      }
      const base = row[row.against];
      const note = `goal: ${row.goal}; v3.2.1 ${row.v3.join(' ms, ')}/s; v11.5 ${row.v11.join(' ms, ')}/s; ${((sizes.get(row.path) ?? 0) / 1000).toFixed(1)} kB`;
      figures.push(figure(`${row.name}, p50 at 1 connection`, median(single), 'ms', base[0], note));
      figures.push(figure(`${row.name}, at 32 connections`, median(rate), 'requests/s', base[1], note));
    }
    return figures;
  } finally {
    await daemon.stop();
    drop(folder);
  }
};

export const benches: Bench[] = [{ name: 'api', run }];
