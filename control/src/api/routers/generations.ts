/** Generations of NixOS: which there are, what changed between two, which one starts next. Taken by the next restart (`system.restart`), under the verdict. */
import { z } from 'zod';
import { GenerationDiff, GenerationNumber, Generations, MAX_DELETED } from '../../domain/generation/generation.ts';
import { orThrow } from '../../domain/refusal.ts';
import { nothing, on, router } from '../trpc.ts';

const Activated = z.object({ number: GenerationNumber, /** Taken of every pool before. */ snapshots: z.array(z.string()) });

export const generations = router({
  list: on({
    permission: 'system.read',
    about: 'The generations of NixOS, newest first; on another system, that there are none.',
    rest: { method: 'GET', path: '/api/generations' },
    answer: Generations,
  })
    .input(nothing)
    .query(async ({ ctx }) => orThrow(await ctx.services.engine.generations.list())),
  compare: on({
    permission: 'system.read',
    about: 'Which packages differ between two generations, with their versions in each.',
    rest: { method: 'GET', path: '/api/generations/compare' },
    answer: GenerationDiff,
  })
    .input(z.strictObject({ from: GenerationNumber, to: GenerationNumber }))
    .query(async ({ ctx, input }) => orThrow(await ctx.services.engine.generations.compare(input.from, input.to))),
  activate: on({
    permission: 'system.update',
    about: 'Makes a generation the one that starts next, counted and judged like an update. Snapshots of all pools are taken before.',
    rest: { method: 'POST', path: '/api/generations/activate' },
    answer: Activated,
  })
    .input(z.strictObject({ number: GenerationNumber }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.generations.activate(ctx.who().actor, input.number))),
  rollback: on({
    permission: 'system.update',
    about: 'The same with the generation before the one that starts next.',
    rest: { method: 'POST', path: '/api/generations/rollback' },
    answer: Activated,
  })
    .input(nothing)
    .mutation(async ({ ctx }) => orThrow(await ctx.services.engine.generations.rollback(ctx.who().actor))),
  remove: on({
    permission: 'system.update',
    about: 'Deletes generations, and lets go of what only they needed. Never one that runs or starts next.',
    rest: { method: 'POST', path: '/api/generations/delete' },
    answer: z.object({ deleted: z.array(GenerationNumber), /** The store is being cleaned up. */ collecting: z.boolean() }),
  })
    .input(z.strictObject({ numbers: z.array(GenerationNumber).min(1).max(MAX_DELETED) }))
    .mutation(async ({ ctx, input }) => orThrow(await ctx.services.engine.generations.remove(ctx.who().actor, input.numbers))),
});
