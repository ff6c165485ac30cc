/**
 * Updates: how the slots are, installing, cancelling, going back, confirming. An upload comes as `PUT /api/updates/bundle` (api/upload.ts); all
 * of it takes effect with a restart (`system.restart`).
 */
import { z } from 'zod';
import { BundleInfo, type BundleSource, BundleUrl } from '../../domain/bundle/bundle.ts';
import { AbsolutePath } from '../../domain/names.ts';
import { orThrow } from '../../domain/refusal.ts';
import { PRE_UPGRADE } from '../../domain/snapshot/pre-upgrade.ts';
import { Snapshot } from '../../domain/snapshot/snapshot.ts';
import { UpdateHistory, UpdateView } from '../../domain/update/update.ts';
import type { Context } from '../context.ts';
import { refusal } from '../errors.ts';
import { drained } from '../follow.ts';
import { authorize, nothing, on, router } from '../trpc.ts';

/** One of the two. */
const Source = z.strictObject({
  url: BundleUrl.optional(),
  /** On the machine itself, such as a USB stick that is mounted. */
  path: AbsolutePath.optional(),
});
const Begun = z.object({ /** Of the operation; an apply's progress carries it. */ id: z.string() });

const sourceOf = ({ url, path }: z.infer<typeof Source>): Exclude<BundleSource, { kind: 'upload' }> => {
  if (url !== undefined && path === undefined) return { kind: 'url', url };
  if (path !== undefined && url === undefined) return { kind: 'file', path };
  throw refusal('invalid', 'The request was not understood', 'it has to name one bundle', 'Give either url or path.');
};

/** The newest state, then each that differs: only the last counts, so a slow reader skips what was in between. */
async function* watch(ctx: Context, signal: AbortSignal): AsyncGenerator<UpdateView, void, void> {
  const { engine, limits } = ctx.services;
  let news = true;
  let wake = (): void => {};
  const notice = (): void => {
    news = true;
    wake();
  };
  const forget = engine.updates.onChange(notice);
  signal.addEventListener('abort', notice);
  let beat: NodeJS.Timeout | undefined;
  try {
    while (!signal.aborted) {
      if (!news)
        await new Promise<void>((resolve) => {
          wake = resolve;
          beat = setTimeout(resolve, limits.heartbeatMs);
          beat.unref();
        });
      clearTimeout(beat);
      if (signal.aborted) return;
      news = false;
      authorize(ctx.who(), { permission: 'system.read' }); // the session may have ended meanwhile
      if (!(await drained(ctx, signal))) throw refusal('busy', 'The connection ends', 'what is sent is not read', 'Connect again.');
      yield await engine.updates.view();
    }
  } finally {
    clearTimeout(beat);
    forget();
    signal.removeEventListener('abort', notice);
  }
}

export const updates = router({
  status: on({
    permission: 'system.read',
    about: 'The two slots, what starts next, an apply that is under way, and why each thing can or can not be done now.',
    rest: { method: 'GET', path: '/api/updates' },
    answer: UpdateView,
  })
    .input(nothing)
    .query(({ ctx }) => ctx.services.engine.updates.view()),
  watch: on({
    permission: 'system.read',
    about: 'The same, again whenever it differs; twice a second at most while an update is installed.',
  })
    .input(nothing)
    .subscription(({ ctx, signal }) => watch(ctx, signal ?? new AbortController().signal)),
  history: on({
    permission: 'system.read',
    about: 'What became of updates, newest first, with reasons.',
    rest: { method: 'GET', path: '/api/updates/history' },
    answer: UpdateHistory,
  })
    .input(z.strictObject({ limit: z.number().int().min(1).max(1000).default(100) }).prefault({}))
    .query(({ ctx, input }) => ctx.services.engine.updates.history(input.limit)),
  inspect: on({
    permission: 'system.update',
    about: 'What a bundle at an address or in a file is, once its signature is found good, and whether it could be installed.',
    rest: { method: 'POST', path: '/api/updates/inspect' },
    answer: BundleInfo,
  })
    .input(Source)
    .mutation(async ({ ctx, input, signal }) => orThrow(await ctx.services.engine.updates.inspect(sourceOf(input), signal))),
  install: on({
    permission: 'system.update',
    about: 'Installs a signed bundle into the slot that does not run; the answer comes when it has begun.',
    rest: { method: 'POST', path: '/api/updates/install' },
    answer: Begun,
  })
    .input(Source)
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.updates.install(ctx.who().actor, sourceOf(input)))),
  cancel: on({
    permission: 'system.update',
    about: 'Ends the apply that is under way; the running system is not touched by it.',
    rest: { method: 'POST', path: '/api/updates/cancel' },
    answer: Begun,
  })
    .input(nothing)
    .mutation(async ({ ctx }) => orThrow(await ctx.services.engine.updates.cancel(ctx.who().actor))),
  rollback: on({
    permission: 'system.update',
    about: 'Makes the next restart try the other slot, when it was confirmed before.',
    rest: { method: 'POST', path: '/api/updates/rollback' },
    answer: Begun,
  })
    .input(nothing)
    .mutation(async ({ ctx }) => orThrow(await ctx.services.engine.updates.rollback(ctx.who().actor))),
  confirm: on({
    permission: 'system.update',
    about: 'Declares the running system good by hand, when it was not found so by itself.',
    rest: { method: 'POST', path: '/api/updates/confirm' },
    answer: Begun,
  })
    .input(nothing)
    .mutation(async ({ ctx }) => orThrow(await ctx.services.engine.updates.confirm(ctx.who().actor))),
});

export const nixos = router({
  preUpgradeSnapshots: on({
    permission: 'storage.read',
    about: 'The snapshots of the pools that updates took before they began, newest first.',
    rest: { method: 'GET', path: '/api/nixos/pre-upgrade-snapshots' },
    answer: z.object({ at: z.record(z.string(), z.number()), total: z.number(), rows: z.array(Snapshot) }),
  })
    .input(z.strictObject({ limit: z.number().int().min(1).max(10_000).default(1000) }).prefault({}))
    .query(({ ctx: { services: s }, input }) => ({
      at: s.engine.snapshotsAt(),
      ...s.store.snapshots.page({ text: `@${PRE_UPGRADE}`, sort: 'createdAt', descending: true, offset: 0, limit: input.limit }),
    })),
});
