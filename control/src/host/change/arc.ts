/** Sets the limit of ZFS's cache, now and for the next start, and looks whether ZFS took it. */
import type { Operation } from '../../domain/operation/operation.ts';
import { ok, refuse } from '../../domain/refusal.ts';
import { ARC_MAX, readArc } from '../memory.ts';
import { type ChangeContext, type Changed, ran, unverified } from './host.ts';

/** Read by the gate of the pools at each start, before anything fills the cache (packages/debian/deb/lib/pool-gate). */
export const ARC_FILE = '/var/lib/dplane-exec/arc-max';

export const setArc = async ({ host }: ChangeContext, op: Extract<Operation, { kind: 'arc.set' }>): Promise<Changed> => {
  const what = 'setting the limit of the cache';
  const before = await readArc(host);
  if (!before.ok) return before;
  // the kernel takes it in one write; a file made beside it, as others are written, can't be
  const written = await host.run(['tee', ARC_MAX], { timeoutMs: 10_000, input: `${op.max}\n` });
  if (!ran(written))
    return refuse('failed', what, `the kernel does not take ${op.max} bytes: ${written.stderr.trim().slice(-200)}`, 'choose another size');
  const after = await readArc(host);
  if (!after.ok) return after;
  if (after.value.parameter !== op.max || after.value.limit !== op.max)
    return unverified(what, `ZFS says that the limit is ${after.value.limit} bytes, not ${op.max}`);
  await host.writeText(ARC_FILE, `${op.max}\n`, 0o600);
  return ok({ limit: after.value.limit });
};
