/** The control plane itself: what it is, how it is, and the overview a worried person reads first. */
import { readdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ArcView } from '../../domain/memory/arc.ts';
import { meaningOfHealth } from '../../domain/pool/pool.ts';
import { orThrow } from '../../domain/refusal.ts';
import { RestartPreview } from '../../domain/update/update.ts';
import { refusal } from '../errors.ts';
import { nothing, on, router } from '../trpc.ts';

const sizeOf = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const sizes = await Promise.all(
    entries
      .filter((e) => e.isFile())
      .map((e) =>
        stat(join(folder, e.name)).then(
          (s) => s.size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((a, b) => a + b, 0);
};

export const system = router({
  info: on({
    permission: 'system.read',
    about: 'Name, version, the name of the machine, and whether this is a simulation.',
    rest: { method: 'GET', path: '/api/system/info' },
  })
    .input(nothing)
    .query(({ ctx: { services: s } }) => ({
      name: 'D-PlaneOS' as const,
      host: hostname(),
      version: s.config.version,
      simulated: s.config.simulated,
      startedAt: s.engine.startedAt,
      now: s.clock(),
      node: process.version,
    })),

  overview: on({
    permission: 'storage.read',
    about: 'Pools and what their state means, alerts, drift, what waits for somebody.',
    rest: { method: 'GET', path: '/api/overview' },
  })
    .input(nothing)
    .query(async ({ ctx: { services: s } }) => {
      const [p, d, sh] = await Promise.all([s.engine.pools(), s.engine.datasets(), s.engine.shares()]);
      const now = s.clock();
      const runs = s.engine.runs(100);
      return {
        simulated: s.config.simulated,
        version: s.config.version,
        at: p.at,
        now,
        pools: p.pools.map((pool) => ({
          name: pool.name,
          guid: pool.guid,
          health: pool.health,
          meaning: meaningOfHealth(pool),
          size: pool.size,
          allocated: pool.allocated,
          free: pool.free,
          scan: pool.scan,
        })),
        stuck: p.stuck,
        alerts: s.engine.alerts(),
        drift: s.engine.drift(),
        problems: s.engine.problems(),
        // Made, with something to do, and not yet applied.
        pendingPlans: s.engine
          .plans(20)
          .filter(
            (plan) =>
              plan.expiresAt > now &&
              plan.summary.create + plan.summary.modify + plan.summary.delete + plan.summary.blocked > 0 &&
              !runs.some((run) => run.planDigest === plan.digest),
          ),
        running: runs.filter((run) => run.state === 'running'),
        counts: {
          pools: p.pools.length,
          datasets: d.datasets.length,
          snapshots: d.datasets.reduce((n, x) => n + x.snapshots, 0),
          shares: sh.shares.length,
        },
      };
    }),

  resources: on({
    permission: 'system.read',
    about: 'What the control plane itself uses.',
    rest: { method: 'GET', path: '/api/system/health' },
  })
    .input(nothing)
    .query(async ({ ctx: { services: s } }) => {
      const memory = process.memoryUsage();
      return {
        simulated: s.config.simulated,
        version: s.config.version,
        versions: { node: process.version, schema: s.store.schemaVersion() },
        uptimeMs: s.clock() - s.engine.startedAt,
        memory: { resident: memory.rss, heap: memory.heapUsed, external: memory.external },
        stateBytes: await sizeOf(s.config.stateFolder),
        answersBytes: s.answers.bytes(),
        followers: s.counters.followers,
        lastSeq: s.store.events.lastSeq(),
        auditEntries: s.store.audit.count(),
      };
    }),

  arc: on({
    permission: 'system.read',
    about: "How much memory ZFS's cache may take and why, how much it takes, and how many reads it answers.",
    rest: { method: 'GET', path: '/api/system/memory/arc' },
    answer: ArcView,
  })
    .input(nothing)
    .query(({ ctx }) => ctx.services.engine.arc()),

  restartPreview: on({
    permission: 'system.restart',
    about: 'Who is connected and what is under way, before a restart, and what starts next.',
    rest: { method: 'GET', path: '/api/system/restart' },
    answer: RestartPreview,
  })
    .input(nothing)
    .query(({ ctx }) => ctx.services.engine.updates.restartPreview(hostname())),
  restart: on({
    permission: 'system.restart',
    about: 'Restarts the machine; `confirm` is its name, or the word restart.',
    rest: { method: 'POST', path: '/api/system/restart' },
    answer: z.object({ id: z.string() }),
  })
    .input(z.strictObject({ confirm: z.string().max(255) }))
    .mutation(async ({ ctx, input }) => {
      if (input.confirm !== 'restart' && input.confirm.toLowerCase() !== hostname().toLowerCase())
        throw refusal('invalid', 'The machine does not restart', 'what was typed is not its name', `Type ${hostname()}, or restart.`);
      return orThrow(await ctx.services.engine.updates.restart(ctx.who().actor));
    }),
});

export const alerts = router({
  list: on({ permission: 'events.read', about: 'Open alerts, or their history.', rest: { method: 'GET', path: '/api/alerts' } })
    .input(z.strictObject({ history: z.boolean().default(false), limit: z.number().int().min(1).max(1000).default(100) }).prefault({}))
    .query(({ ctx, input }) => ({
      alerts: input.history ? ctx.services.engine.alertHistory(input.limit) : ctx.services.engine.alerts().slice(0, input.limit),
    })),
});
