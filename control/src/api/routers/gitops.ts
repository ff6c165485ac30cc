/** The declared state: reading, checking, saving, capturing it, and whether the host still is as declared. */
import { z } from 'zod';
import { Digest } from '../../domain/names.ts';
import { orThrow } from '../../domain/refusal.ts';
import { DesiredState } from '../../domain/state/state.ts';
import { nothing, on, router } from '../trpc.ts';
import { StateText } from './plans.ts';

export const gitops = router({
  status: on({
    permission: 'plan.read',
    about: 'Drift, and which state is saved and applied.',
    rest: { method: 'GET', path: '/api/gitops/status' },
  })
    .input(nothing)
    .query(({ ctx: { services: s } }) => {
      const head = (kind?: 'applied') => {
        const record = s.store.states.latest(kind);
        return record && { id: record.id, digest: record.digest, at: record.at, actor: record.actor, kind: record.kind };
      };
      const saved = s.engine.savedState();
      return {
        simulated: s.config.simulated,
        drift: s.engine.drift(),
        saved: saved && { id: saved.id, digest: saved.digest, at: saved.at, actor: saved.actor, kind: saved.kind },
        applied: head('applied'),
      };
    }),
  check: on({ permission: 'plan.read', about: 'Looks for drift now.', rest: { method: 'POST', path: '/api/gitops/check' } })
    .input(nothing)
    .mutation(({ ctx }) => ctx.services.engine.checkDrift()),
  state: on({
    permission: 'state.read',
    about: 'The saved state file; null when none was saved.',
    rest: { method: 'GET', path: '/api/gitops/state' },
    bytes: (s) => {
      const state = s.engine.savedState();
      return Promise.resolve(s.answers.take('state', String(state?.id ?? 0), () => JSON.stringify({ state })));
    },
  })
    .input(nothing)
    .query(({ ctx }) => ({ state: ctx.services.engine.savedState() })),
  saveState: on({
    permission: 'state.write',
    about: 'Saves a state file; `basedOn` is the digest of the one it was made from, so that nobody overwrites what they have not seen.',
    rest: { method: 'PUT', path: '/api/gitops/state' },
    large: true,
  })
    .input(z.strictObject({ yaml: StateText, basedOn: Digest.nullable() }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.saveState(input.yaml, ctx.who().actor, input.basedOn))),
  validate: on({
    permission: 'state.read',
    about: 'Checks a state file: every problem with line and column.',
    rest: { method: 'POST', path: '/api/gitops/validate' },
    large: true,
  })
    .input(z.strictObject({ yaml: StateText }))
    .mutation(async ({ ctx, input }) => {
      const check = await ctx.services.engine.checkState(input.yaml);
      return check.ok ? { ok: true as const, problems: [] } : { ok: false as const, problems: check.problems };
    }),
  capture: on({
    permission: 'state.write',
    about: 'Writes what is there now as a state file.',
    rest: { method: 'POST', path: '/api/gitops/capture' },
  })
    .input(nothing)
    .mutation(async ({ ctx }) => orThrow(await ctx.services.engine.captureState(ctx.who().actor))),
  history: on({ permission: 'state.read', about: 'Earlier states, newest first.', rest: { method: 'GET', path: '/api/gitops/history' } })
    .input(z.strictObject({ limit: z.number().int().min(1).max(200).default(20) }).prefault({}))
    .query(({ ctx, input }) => ({ states: ctx.services.engine.stateHistory(input.limit) })),
  schema: on({
    permission: 'system.read',
    about: 'JSON Schema of state.yaml, for editors.',
    rest: { method: 'GET', path: '/api/gitops/schema' },
  })
    .input(nothing)
    .query((): Record<string, unknown> => z.toJSONSchema(DesiredState, { io: 'input', unrepresentable: 'any' })),
});
