/** The executor's answers as they are read back: from its ledger, and from its socket. */
import { z } from 'zod';
import { Refusal } from '../../domain/refusal.ts';

export const Answer = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), result: z.record(z.string(), z.unknown()), replayed: z.boolean() }),
  z.object({ ok: z.literal(false), refusal: Refusal }),
]);

export const Outcome = z.discriminatedUnion('state', [
  z.object({ state: z.literal('unknown') }),
  z.object({ state: z.literal('running') }),
  z.object({ state: z.literal('begun') }),
  z.object({ state: z.literal('ended'), answer: Answer }),
]);
