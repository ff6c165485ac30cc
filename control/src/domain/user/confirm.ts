/** Typing the exact name is what approves a destructive action; the same predicate on both sides. */
import type { Target } from '../operation/operation.ts';
export const confirms = (typed: string, target: Target): boolean => typed === target.name;
