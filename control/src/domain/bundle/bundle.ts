/** A signed update: available -> staged -> trying -> confirmed | reverted. */
import { z } from 'zod';
import { Millis } from '../names.ts';
export const BundleState = z.enum(['available', 'staged', 'trying', 'confirmed', 'reverted']);
export const Bundle = z.object({
  version: z.string().min(1).max(64),
  index: z.number().int().nonnegative(),
  arch: z.enum(['x86_64', 'aarch64']),
  size: z.number().int().positive(),
  keyId: z.string().regex(/^[0-9a-f]{16}$/),
  notAfter: Millis,
  state: BundleState,
  reason: z.string().nullable(),
});
export type Bundle = z.infer<typeof Bundle>;
/** Which state may follow which; anything else is a bug. */
export const NEXT_BUNDLE_STATE: Record<z.infer<typeof BundleState>, readonly z.infer<typeof BundleState>[]> = {
  available: ['staged'],
  staged: ['trying', 'available'],
  trying: ['confirmed', 'reverted'],
  confirmed: [],
  reverted: ['available'],
};
