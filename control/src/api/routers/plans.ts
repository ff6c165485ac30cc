/** Plan, approve, apply, and what became of it. (`apply` is a reserved word in tRPC: there it is `execute`.) */
import { z } from 'zod';
import { Run } from '../../domain/job.ts';
import { Digest } from '../../domain/names.ts';
import { Approval } from '../../domain/operation/operation.ts';
import { ChangeRequest } from '../../domain/plan/change.ts';
import { Plan } from '../../domain/plan/types.ts';
import { orThrow } from '../../domain/refusal.ts';
import type { Caller } from '../context.ts';
import { refusal } from '../errors.ts';
import { demand, nothing, on, router } from '../trpc.ts';

export const MAX_STATE = 4 * 1024 * 1024;
export const StateText = z.string().max(MAX_STATE, 'a state file has at most 4 MiB');
const Limit = z.strictObject({ limit: z.number().int().min(1).max(1000).default(50) }).prefault({});

/** A plan touches shares, storage or both: whoever makes or applies it needs the permission for each. */
const demandFor = (caller: Caller, kinds: Iterable<string>): void => {
  for (const permission of new Set(
    Array.from(kinds, (k) => (k.startsWith('share') ? ('share.write' as const) : ('storage.write' as const))),
  ))
    demand(caller, permission);
};
const noPlan = (digest: string) =>
  refusal(
    'not-found',
    'There is no such plan',
    `no plan has the digest ${digest.slice(0, 12)}…, or it has expired`,
    'Make the plan again.',
  );

export const plans = router({
  state: on({
    permission: 'plan.read',
    about: 'Plans the saved state against what is there now.',
    rest: { method: 'GET', path: '/api/gitops/plan' },
    answer: Plan,
  })
    .input(nothing)
    .query(async ({ ctx }) => orThrow(await ctx.services.engine.planState(ctx.who().actor))),
  draft: on({
    permission: 'plan.read',
    about: 'Plans a state file that is sent with the request, or the saved one when none is.',
    rest: { method: 'POST', path: '/api/gitops/plan' },
    answer: Plan,
    large: true,
  })
    .input(z.strictObject({ yaml: StateText.optional() }).prefault({}))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.planState(ctx.who().actor, input.yaml))),
  change: on({
    permission: 'plan.apply',
    about: 'Plans changes such as `dataset.create`.',
    rest: { method: 'POST', path: '/api/plans' },
    answer: Plan,
  })
    .input(z.strictObject({ changes: z.array(ChangeRequest).min(1).max(1000) }))
    .mutation(async ({ ctx, input }) => {
      demandFor(
        ctx.who(),
        input.changes.flatMap((c) => (c.kind === 'clone.make' && c.share !== null ? [c.kind, 'share.put'] : [c.kind])),
      );
      return orThrow(await ctx.services.engine.planChange(ctx.who().actor, input.changes));
    }),
  get: on({
    permission: 'plan.read',
    about: 'One plan, with the approvals it has.',
    rest: { method: 'GET', path: '/api/plans/{digest}' },
    answer: z.object({ plan: Plan, approvals: z.array(Approval) }),
  })
    .input(z.strictObject({ digest: Digest }))
    .query(({ ctx, input }) => {
      const plan = ctx.services.engine.plan(input.digest);
      if (!plan) throw noPlan(input.digest);
      return { plan, approvals: ctx.services.engine.approvals(input.digest) };
    }),
  list: on({ permission: 'plan.read', about: 'The newest plans.', rest: { method: 'GET', path: '/api/plans' } })
    .input(Limit)
    .query(({ ctx, input }) => ({ plans: ctx.services.engine.plans(input.limit) })),
  approve: on({
    permission: 'plan.approve',
    about: 'Approves one destructive action of one plan, once; `typed` is the exact name of its target.',
    rest: { method: 'POST', path: '/api/gitops/approve' },
    answer: Approval,
  })
    .input(z.strictObject({ digest: Digest, actionId: z.string().min(1).max(1024), typed: z.string().max(1024) }))
    .mutation(async ({ ctx, input }) =>
      orThrow(await ctx.services.engine.approve(ctx.who().actor, input.digest, input.actionId, input.typed)),
    ),
  execute: on({
    permission: 'plan.apply',
    about: 'Starts a plan; the answer is the run, which goes on.',
    rest: { method: 'POST', path: '/api/gitops/apply' },
    answer: Run,
  })
    .input(z.strictObject({ digest: Digest }))
    .mutation(async ({ ctx, input }) => {
      const { engine, log } = ctx.services;
      const plan = engine.plan(input.digest);
      if (!plan) throw noPlan(input.digest);
      demandFor(
        ctx.who(),
        plan.actions.map((a) => a.noun),
      );
      const { run, settled } = orThrow(await engine.apply(ctx.who().actor, input.digest));
      settled.catch((error: unknown) => log('error', 'a run broke off', { run: run.id, error }));
      return run;
    }),
});

export const runs = router({
  get: on({ permission: 'plan.read', about: 'One run, step by step.', rest: { method: 'GET', path: '/api/runs/{id}' }, answer: Run })
    .input(z.strictObject({ id: z.string().min(1).max(100) }))
    .query(({ ctx, input }) => {
      const run = ctx.services.engine.run(input.id);
      if (!run) throw refusal('not-found', 'There is no such run', 'no run has this id', '`dplane run list` shows the newest.');
      return run;
    }),
  list: on({ permission: 'plan.read', about: 'The newest runs.', rest: { method: 'GET', path: '/api/runs' } })
    .input(Limit)
    .query(({ ctx, input }) => ({ runs: ctx.services.engine.runs(input.limit) })),
});
