/** Reading pools, disks, datasets, snapshots and shares: from the last observation and the snapshot index, never from the host itself. */
import { z } from 'zod';
import { ObservedDataset } from '../../domain/dataset/dataset.ts';
import { DatasetName, isWithin, PoolName, poolOf } from '../../domain/names.ts';
import { forecastOf, HISTORY_STEPS, SpaceForecast, SpacePoint, stepFor } from '../../domain/pool/history.ts';
import { meaningOfHealth, ObservedPool } from '../../domain/pool/pool.ts';
import { orThrow } from '../../domain/refusal.ts';
import { Session, SessionId } from '../../domain/share/session.ts';
import { ObservedShare } from '../../domain/share/share.ts';
import { Snapshot } from '../../domain/snapshot/snapshot.ts';
import type { Engine } from '../../engine/engine.ts';
import type { SnapshotQuery } from '../../store/types.ts';
import { refusal } from '../errors.ts';
import { snapshotViews } from './snapshots.ts';
import { guardProcedures } from './guard.ts';
import { poolProcedures } from './pools.ts';
import { nothing, on, router } from '../trpc.ts';

const Text = z.string().max(200);

const WithMeaning = ObservedPool.extend({ meaning: z.string() });
const withMeaning = (p: ObservedPool): z.infer<typeof WithMeaning> => ({ ...p, meaning: meaningOfHealth(p) });

type Pools = Awaited<ReturnType<Engine['pools']>>;
const known = (name: string, list: Pools['pools'], stuck: Pools['stuck']): ObservedPool => {
  const pool = list.find((p) => p.name === name);
  if (pool) return pool;
  const silent = stuck.find((x) => x.pool === name);
  if (silent) throw refusal('unavailable', `Pool ${name} does not answer`, silent.problem.why, silent.problem.todo);
  throw refusal('not-found', `There is no pool ${name}`, 'it was not there at the last look', '`dplane pool list` shows what there is.');
};

const DAY = 86_400_000;
const DAILY = HISTORY_STEPS.at(-1)?.ms ?? DAY;
const SHOWN_DAYS = 60;
/** More than the forecast looks at. */
const LEARNT_FROM = 120 * DAY;

export const pools = router({
  ...poolProcedures,
  ...guardProcedures,
  list: on({
    permission: 'storage.read',
    about: 'All pools, and those that do not answer.',
    rest: { method: 'GET', path: '/api/zfs/pools' },
    answer: z.object({
      at: z.number(),
      pools: z.array(WithMeaning),
      stuck: z.array(z.object({ pool: z.string(), since: z.number() }).loose()),
    }),
  })
    .input(nothing)
    .query(async ({ ctx }) => {
      const { at, pools: list, stuck } = await ctx.services.engine.pools();
      return { at, pools: list.map(withMeaning), stuck };
    }),
  get: on({
    permission: 'storage.read',
    about: 'One pool, with its datasets counted.',
    rest: { method: 'GET', path: '/api/zfs/pools/{name}' },
  })
    .input(z.strictObject({ name: PoolName }))
    .query(async ({ ctx, input }) => {
      const [{ at, pools: list, stuck }, d] = await Promise.all([ctx.services.engine.pools(), ctx.services.engine.datasets()]);
      const pool = known(input.name, list, stuck);
      return { at, pool: withMeaning(pool), datasets: d.datasets.filter((x) => poolOf(x.name) === pool.name).length };
    }),
  history: on({
    permission: 'storage.read',
    about: 'How full a pool was, in steps of 5 minutes (2 days), hours (60 days) or days (5 years), and when it will be full at this pace.',
    rest: { method: 'GET', path: '/api/zfs/pools/{name}/history' },
    answer: z.object({
      pool: PoolName,
      since: z.number(),
      now: z.number(),
      /** Milliseconds between two points; where more lies between them, nothing was recorded. */
      step: z.number(),
      points: z.array(SpacePoint),
      forecast: SpaceForecast.nullable(),
    }),
  })
    .input(
      z.strictObject({
        name: PoolName,
        /** Days back from now. */
        days: z.number().min(0.01).max(1_826).default(SHOWN_DAYS),
      }),
    )
    .query(async ({ ctx, input }) => {
      const { pools: list, stuck } = await ctx.services.engine.pools();
      const pool = known(input.name, list, stuck);
      const now = ctx.services.clock();
      const since = Math.round(now - input.days * DAY);
      const { ms } = stepFor(since, now);
      const { poolSpace } = ctx.services.store;
      return {
        pool: pool.name,
        since,
        now,
        step: ms,
        points: poolSpace.since(pool.guid, ms, since),
        forecast: forecastOf(poolSpace.since(pool.guid, DAILY, now - LEARNT_FROM), now),
      };
    }),
});

const DatasetQuery = z
  .strictObject({
    pool: PoolName.optional(),
    /** This dataset and what is below it. */
    under: DatasetName.optional(),
    text: Text.optional(),
    offset: z.number().int().min(0).max(10_000_000).default(0),
    limit: z.number().int().min(1).max(100_000).default(100_000),
  })
  .prefault({});
const DatasetPage = z.object({ at: z.number(), version: z.number(), total: z.number(), datasets: z.array(ObservedDataset) });

const datasetPage = (
  { at, version, datasets: all }: { at: number; version: number; datasets: ObservedDataset[] },
  q: z.infer<typeof DatasetQuery>,
): z.infer<typeof DatasetPage> => {
  const text = q.text?.toLowerCase();
  const some = all.filter(
    (d) =>
      (q.pool === undefined || poolOf(d.name) === q.pool) &&
      (q.under === undefined || isWithin(d.name, q.under)) &&
      (text === undefined || d.name.toLowerCase().includes(text)),
  );
  return { at, version, total: some.length, datasets: some.slice(q.offset, q.offset + q.limit) };
};

export const datasets = router({
  list: on({
    permission: 'storage.read',
    about: 'Datasets: all, of one pool, below one dataset, or whose name holds a text.',
    rest: { method: 'GET', path: '/api/zfs/datasets' },
    answer: DatasetPage,
    bytes: async (s, raw) => {
      const q = DatasetQuery.parse(raw);
      const seen = await s.engine.datasets();
      return s.answers.take(`datasets ${JSON.stringify(q)}`, `${seen.version} ${seen.at}`, () => JSON.stringify(datasetPage(seen, q)));
    },
  })
    .input(DatasetQuery)
    .query(async ({ ctx, input }) => datasetPage(await ctx.services.engine.datasets(), input)),
  get: on({
    permission: 'storage.read',
    about: 'One dataset; the name is URL-encoded (tank%2Fmedia).',
    rest: { method: 'GET', path: '/api/zfs/datasets/{name}' },
    answer: z.object({ at: z.number(), dataset: ObservedDataset }),
  })
    .input(z.strictObject({ name: DatasetName }))
    .query(async ({ ctx, input }) => {
      const { at, datasets: all } = await ctx.services.engine.datasets();
      const dataset = all.find((d) => d.name === input.name);
      if (!dataset)
        throw refusal(
          'not-found',
          `There is no dataset ${input.name}`,
          'it was not there at the last look',
          '`dplane dataset list` shows what there is.',
        );
      return { at, dataset };
    }),
});

const SnapshotsInput = z
  .strictObject({
    dataset: DatasetName.optional(),
    /** Also the datasets below it. */
    recursive: z.boolean().optional(),
    text: Text.optional(),
    heldOnly: z.boolean().optional(),
    sort: z.enum(['createdAt', 'name', 'used', 'referenced']).optional(),
    descending: z.boolean().optional(),
    offset: z.number().int().min(0).max(10_000_000).default(0),
    limit: z.number().int().min(1).max(10_000).default(100),
  })
  .prefault({});
/** Leaves out what was not asked for, as the index wants it. */
const toQuery = (q: z.infer<typeof SnapshotsInput>): SnapshotQuery => q;

export const snapshots = router({
  ...snapshotViews,
  list: on({
    permission: 'storage.read',
    about: 'A page of snapshots, sorted and filtered; `at` says when each pool was last indexed.',
    rest: { method: 'GET', path: '/api/zfs/snapshots' },
    answer: z.object({ at: z.record(z.string(), z.number()), total: z.number(), rows: z.array(Snapshot) }),
    bytes: async (s, raw) => {
      const q = SnapshotsInput.parse(raw);
      const at = JSON.stringify(s.engine.snapshotsAt());
      return s.answers.take(
        `snapshots ${JSON.stringify(q)}`,
        `${s.store.snapshots.version()} ${at}`,
        () => `{"at":${at},${s.store.snapshots.pageJson(toQuery(q)).slice(1)}`,
      );
    },
  })
    .input(SnapshotsInput)
    .query(({ ctx, input }) => ({ at: ctx.services.engine.snapshotsAt(), ...ctx.services.store.snapshots.page(toQuery(input)) })),
  days: on({
    permission: 'storage.read',
    about: 'How many of the snapshots that are there were taken on each day; days without one are left out.',
    rest: { method: 'GET', path: '/api/zfs/snapshots/days' },
    answer: z.object({ now: z.number(), today: z.number(), days: z.array(z.object({ day: z.number(), count: z.number() })) }),
  })
    .input(
      z
        .strictObject({
          /** This dataset and those below it. */
          dataset: DatasetName.optional(),
          days: z.number().int().min(1).max(1_826).default(182),
          /** Where a day begins: minutes east of UTC. */
          offsetMinutes: z.number().int().min(-840).max(840).default(0),
        })
        .prefault({}),
    )
    .query(({ ctx: { services: s }, input }) => {
      const now = s.clock();
      const offset = input.offsetMinutes * 60_000;
      const today = Math.floor((now + offset) / DAY);
      const since = (today - input.days + 1) * DAY - offset;
      return { now, today, days: s.store.snapshots.perDay(since, offset, input.dataset) };
    }),
});

export const shares = router({
  list: on({
    permission: 'share.read',
    about: 'All shares, whether they are served, and who is connected.',
    rest: { method: 'GET', path: '/api/shares' },
    answer: z.object({ at: z.number(), shares: z.array(ObservedShare) }),
  })
    .input(nothing)
    .query(({ ctx }) => ctx.services.engine.shares()),
  sessions: on({
    permission: 'share.read',
    about: 'Who is connected, over SMB and NFS, and what they have open. Of NFS 3 only who once mounted what is known.',
    rest: { method: 'GET', path: '/api/shares/sessions' },
    answer: z.object({ at: z.number(), sessions: z.array(Session) }),
  })
    .input(nothing)
    .query(async ({ ctx }) => orThrow(await ctx.services.engine.sessions.list())),
  endSession: on({
    permission: 'share.write',
    about: 'Ends one connection: what it has open is lost. It is named by its id and by who it was seen to be, so that no other is meant.',
    rest: { method: 'POST', path: '/api/shares/sessions/end' },
  })
    .input(z.strictObject({ id: SessionId, user: z.string().max(256).nullable(), address: z.string().max(256) }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.sessions.end(ctx.who().actor, input))),
});
