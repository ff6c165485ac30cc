/** What guards a pool: whether it answers, how full it is and what is held back, what its disks do right now. */
import { z } from 'zod';
import { Bytes, PoolName } from '../../domain/names.ts';
import { PoolCapacity, Thresholds } from '../../domain/pool/capacity.ts';
import { Heartbeat, HeartbeatSettings } from '../../domain/pool/heartbeat.ts';
import { type IoSample, IoSample as Sample } from '../../domain/pool/io.ts';
import { meaningOfHealth, PoolHealth, Scan } from '../../domain/pool/pool.ts';
import { orThrow } from '../../domain/refusal.ts';
import type { Context } from '../context.ts';
import { refusal } from '../errors.ts';
import { drained } from '../follow.ts';
import { authorize, nothing, on } from '../trpc.ts';

const PoolHeartbeat = Heartbeat.extend({ pool: z.string(), guid: z.string(), since: z.number(), settings: HeartbeatSettings });
const DiskHealth = z.object({
  path: z.string(),
  vdev: z.string(),
  state: PoolHealth,
  readErrors: z.number(),
  writeErrors: z.number(),
  checksumErrors: z.number(),
  note: z.string().nullable(),
  /** What SMART and ZFS hold against it, 0 to 100. */
  risk: z.object({ score: z.number(), word: z.string(), reasons: z.array(z.string()) }).nullable(),
});
const PoolHealthReport = z.object({
  pool: z.string(),
  guid: z.string().nullable(),
  /** Null when it does not answer. */
  health: PoolHealth.nullable(),
  meaning: z.string(),
  heartbeat: PoolHeartbeat.nullable(),
  dataErrors: z.number().nullable(),
  scan: Scan.nullable(),
  disks: z.array(DiskHealth),
});

const MAX_WAITING = 60;
/** Each sample, from those of the last minutes on. A reader that is behind gets the newest. */
async function* live(ctx: Context, signal: AbortSignal): AsyncGenerator<IoSample, void, void> {
  const { io } = ctx.services.engine;
  const waiting: IoSample[] = [...io.history()];
  let wake = (): void => {};
  const forget = io.watch((s) => {
    waiting.push(s);
    if (waiting.length > MAX_WAITING + io.history().length) waiting.shift();
    wake();
  });
  const end = (): void => wake();
  signal.addEventListener('abort', end);
  try {
    while (!signal.aborted) {
      const next = waiting.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      authorize(ctx.who(), { permission: 'storage.read' }); // the session may have ended meanwhile
      if (!(await drained(ctx, signal))) throw refusal('busy', 'The connection ends', 'what is sent is not read', 'Connect again.');
      yield next;
    }
  } finally {
    forget();
    signal.removeEventListener('abort', end);
  }
}

export const guardProcedures = {
  health: on({
    permission: 'storage.read',
    about: 'Each pool: its state and what that means, its heartbeat, and its disks with their errors. Also of pools that do not answer.',
    rest: { method: 'GET', path: '/api/zfs/health' },
    answer: z.object({ at: z.number(), pools: z.array(PoolHealthReport) }),
  })
    .input(nothing)
    .query(async ({ ctx }) => {
      const { engine } = ctx.services;
      const [{ at, pools, stuck }, { disks }] = await Promise.all([engine.pools(), engine.diskHealth()]);
      const beats = new Map(engine.heartbeats.list().map((h) => [h.pool, h]));
      const risks = new Map(disks.map(({ path, score, word, reasons }) => [path, { score, word, reasons }]));
      const silent = stuck.filter((s) => !pools.some((p) => p.name === s.pool));
      return {
        at,
        pools: [
          ...pools.map((p) => ({
            pool: p.name,
            guid: p.guid as string | null,
            health: p.health as PoolHealth | null,
            meaning: meaningOfHealth(p),
            heartbeat: beats.get(p.name) ?? null,
            dataErrors: p.dataErrors as number | null,
            scan: p.scan as Scan | null,
            disks: p.vdevs.flatMap((v) =>
              v.disks.map((d) => ({
                path: d.path,
                vdev: v.name,
                state: d.state,
                readErrors: d.readErrors,
                writeErrors: d.writeErrors,
                checksumErrors: d.checksumErrors,
                note: d.note ?? null,
                risk: risks.get(d.path) ?? null,
              })),
            ),
          })),
          ...silent.map((s) => ({
            pool: s.pool,
            guid: s.guid ?? beats.get(s.pool)?.guid ?? null,
            health: null,
            meaning: s.problem.why,
            heartbeat: beats.get(s.pool) ?? null,
            dataErrors: null,
            scan: null,
            disks: [],
          })),
        ],
      };
    }),
  setHeartbeat: on({
    permission: 'storage.write',
    about:
      'Switches the heartbeat of a pool on or off (each beat is a write, so its disks do not sleep), and sets how long a beat may take.',
    rest: { method: 'PUT', path: '/api/zfs/pools/{name}/heartbeat' },
    answer: PoolHeartbeat,
  })
    .input(z.strictObject({ name: PoolName, heartbeat: HeartbeatSettings }))
    .mutation(({ ctx, input }) => orThrow(ctx.services.engine.heartbeats.set(input.name, input.heartbeat, ctx.who().actor))),
  iostat: on({
    permission: 'storage.read',
    about:
      'What pools and their disks read and write, a second, and how long it takes. A pool is its disks together: a mirror counts what each of its disks writes. Takes a second when nobody else watches.',
    rest: { method: 'GET', path: '/api/zfs/iostat' },
    answer: Sample,
  })
    .input(z.strictObject({ pool: PoolName.optional() }).prefault({}))
    .query(async ({ ctx, input }) => {
      const now = await ctx.services.engine.io.now();
      if (now === null)
        throw refusal('unavailable', 'What the disks do is not known', '/proc/diskstats says nothing yet', 'Ask again in a second.');
      return { ...now, pools: now.pools.filter((p) => input.pool === undefined || p.pool === input.pool) };
    }),
  live: on({ permission: 'storage.read', about: 'The same once a second, from the last minutes on, while somebody watches.' })
    .input(nothing)
    .subscription(({ ctx, signal }) => live(ctx, signal ?? new AbortController().signal)),
  capacity: on({
    permission: 'storage.read',
    about: 'How full each pool is by what can be used, what that means, and its reserve.',
    rest: { method: 'GET', path: '/api/zfs/capacity' },
    answer: z.object({ pools: z.array(PoolCapacity) }),
  })
    .input(nothing)
    .query(({ ctx }) => ({ pools: ctx.services.engine.guardian.list() })),
  setCapacity: on({
    permission: 'storage.write',
    about: 'Sets at which percentages a pool is told to be filling, nearly full, and full (where its reserve is given free).',
    rest: { method: 'PUT', path: '/api/zfs/capacity/{pool}' },
    answer: PoolCapacity,
  })
    .input(z.strictObject({ pool: PoolName, thresholds: Thresholds }))
    .mutation(({ ctx, input }) => orThrow(ctx.services.engine.guardian.setThresholds(input.pool, input.thresholds, ctx.who().actor))),
  reserve: on({
    permission: 'storage.write',
    about:
      'Holds back a part of a pool for when it is full (without a size: 2%, at most 32 GiB). At the full threshold it is given free by itself.',
    rest: { method: 'POST', path: '/api/zfs/capacity/reserve' },
    answer: PoolCapacity,
  })
    .input(z.strictObject({ pool: PoolName, size: Bytes.optional() }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.guardian.reserve(input.pool, input.size, ctx.who().actor))),
  release: on({
    permission: 'storage.write',
    about: 'Gives the reserve of a pool free.',
    rest: { method: 'POST', path: '/api/zfs/capacity/release' },
    answer: PoolCapacity,
  })
    .input(z.strictObject({ pool: PoolName }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.guardian.release(input.pool, ctx.who().actor))),
};
