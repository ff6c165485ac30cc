/**
 * Generations, as root. Each is named by number and store path; what stands under the number now is read again before anything is done, and after.
 * The one that runs, the one the machine was started with and the one that starts next are never deleted.
 */
import { type Generation, type GenerationRef, whyNoActivate, whyNoDelete } from '../../domain/generation/generation.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import { bootEntryArgv, collectArgv, deleteArgv, readGenerations, switchProfileArgv } from '../nix/generations.ts';
import { type ChangeContext, type Changed, ran, unverified } from './host.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
const SWITCH_MS = 120_000;
const ENTRY_MS = 300_000;

const all = async (c: ChangeContext, what: string): Promise<Result<Generation[]>> => {
  const found = await readGenerations(c.host, c.clock());
  if (!found.ok) return found;
  if (!found.value.available) return refuse('blocked', what, found.value.why, found.value.todo);
  const { unknown, generations } = found.value;
  return unknown === null
    ? ok(generations)
    : refuse('unavailable', what, `what starts next is not known: ${unknown}`, 'wait until the start is judged, or see: dplane-ota status');
};

const identify = (generations: readonly Generation[], ref: GenerationRef, what: string): Result<Generation> => {
  const found = generations.find((g) => g.number === ref.number);
  if (found === undefined) return refuse('not-found', what, `there is no generation ${ref.number}`, 'list them again');
  return found.path === ref.path
    ? ok(found)
    : refuse('conflict', what, `generation ${ref.number} is another system now (${found.path})`, 'list them again');
};

const words = (r: { failure: string | null; stderr: string }): string =>
  (r.failure ?? (r.stderr.trim() || 'it gave no reason')).slice(-500);

export const activateGeneration = async (c: ChangeContext, op: Op<'generation.activate'>): Promise<Changed> => {
  const what = `activating generation ${op.number}`;
  const before = await all(c, what);
  if (!before.ok) return before;
  const target = identify(before.value, op, what);
  if (!target.ok) return target;
  const why = whyNoActivate(target.value);
  if (why !== null) return refuse('conflict', what, why, 'nothing has to be done');
  const was = before.value.find((g) => g.current);

  const switched = await c.host.run(switchProfileArgv(op.number), { timeoutMs: SWITCH_MS });
  if (!ran(switched)) return refuse('failed', what, `nix-env: ${words(switched)}`, 'look at the machine');
  const entry = await c.host.run(bootEntryArgv(op.path), { timeoutMs: ENTRY_MS });
  if (!ran(entry)) {
    // the profile must not name a system that the boot loader does not know of
    const back = was === undefined ? null : await c.host.run(switchProfileArgv(was.number), { timeoutMs: SWITCH_MS });
    const stands =
      back === null || !ran(back)
        ? 'the profile could not be put back, either'
        : was?.next
          ? `generation ${was.number} starts next, as before`
          : `generation ${was?.number} is the chosen one again`;
    return refuse(
      'failed',
      what,
      `its boot entry was not written: ${words(entry)}; ${stands}`,
      'free space on the boot partition may help',
    );
  }
  const after = await all(c, what);
  if (!after.ok) return after;
  const now = after.value.find((g) => g.current);
  if (now?.path !== op.path) return unverified(what, `the profile stands at generation ${now?.number ?? '?'}`);
  const next = after.value.find((g) => g.next);
  return now.next
    ? ok({ number: op.number, path: op.path })
    : unverified(what, next ? `the boot loader takes generation ${next.number}` : 'the boot loader takes none of the generations');
};

export const deleteGenerations = async (c: ChangeContext, op: Op<'generation.delete'>): Promise<Changed> => {
  const what = `deleting ${op.generations.length === 1 ? 'a generation' : `${op.generations.length} generations`}`;
  const before = await all(c, what);
  if (!before.ok) return before;
  for (const ref of op.generations) {
    const target = identify(before.value, ref, what);
    if (!target.ok) return target;
    const why = whyNoDelete(target.value);
    if (why !== null)
      return refuse('blocked', what, `generation ${ref.number} is needed: ${why}`, 'activate another one and restart first');
  }
  const numbers = op.generations.map((g) => g.number);
  const deleted = await c.host.run(deleteArgv(numbers), { timeoutMs: SWITCH_MS });
  if (!ran(deleted)) return refuse('failed', what, `nix-env: ${words(deleted)}`, 'look at the machine');
  const after = await all(c, what);
  if (!after.ok) return after;
  const left = after.value.filter((g) => numbers.includes(g.number)).map((g) => g.number);
  if (left.length > 0) return unverified(what, `generation ${left.join(', ')} is still there`);
  const collecting = await c.host.run(collectArgv(), { timeoutMs: 20_000 });
  return ok({ deleted: numbers, collecting: ran(collecting) });
};
