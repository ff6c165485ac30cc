/**
 * What became of the last attempt to start another system: read from what is (boot entries, what runs) and what was written down
 * (history). Pure; nothing counts as confirmed before systemd has taken the counter off the boot entry.
 */
import type { Slot, SlotName, UpdateEvent } from '../../../control/src/domain/slot/slot.ts';

export type Facts = {
  at: number;
  bootId: string;
  running: SlotName;
  slots: readonly [Slot, Slot];
  /** Of the entry that was started. */
  entry: number | null;
  /** Tries left, by number of entry; null for a confirmed one. */
  entries: ReadonlyMap<number, number | null>;
  history: readonly UpdateEvent[];
};

/** The last attempt that nothing was heard of since; null when every attempt has its end. */
export const openAttempt = (history: readonly UpdateEvent[]): UpdateEvent | null => {
  const last = history.findLast((e) => e.kind === 'staged' || e.kind === 'rolled-back' || e.kind === 'confirmed' || e.kind === 'reverted');
  return last !== undefined && (last.kind === 'staged' || last.kind === 'rolled-back') ? last : null;
};

const SILENT =
  'it never got as far as a verdict: the kernel panicked, hung, or lost its power, as often as it was tried. The console may have shown why';

const event = (f: Facts, kind: UpdateEvent['kind'], attempt: UpdateEvent, reason: string): UpdateEvent => ({
  at: f.at,
  kind,
  slot: attempt.slot,
  ...(attempt.entry === undefined ? {} : { entry: attempt.entry }),
  system: attempt.system,
  bootId: f.bootId,
  reason,
});

const CUT = 'the power was lost, or another update begun, before it was complete';

/** A generation: its slot runs before, during and after the attempt, so what counts is its entry. */
const settleEntry = (f: Facts, attempt: UpdateEvent, entry: number): UpdateEvent | null => {
  const left = f.entries.get(entry);
  if (left === null) return event(f, 'confirmed', attempt, '');
  if (f.entry === entry) return null;
  if (left === undefined) return event(f, 'apply-failed', attempt, CUT);
  const verdict = f.history.findLast((e) => e.kind === 'verdict-failed' && e.slot === attempt.slot && e.at >= attempt.at);
  return left === 0 || verdict !== undefined ? event(f, 'reverted', attempt, verdict?.reason ?? SILENT) : null;
};

/** What is to be written down now, if anything. */
export const settle = (f: Facts): UpdateEvent | null => {
  const attempt = openAttempt(f.history);
  if (attempt === null || attempt.slot === null) return null;
  if (attempt.entry !== undefined) return settleEntry(f, attempt, attempt.entry);
  const slot = f.slots.find((s) => s.name === attempt.slot);
  if (slot === undefined) return null;
  if (f.running === attempt.slot) return slot.state === 'confirmed' ? event(f, 'confirmed', attempt, '') : null;
  // The other slot runs. Was it tried, and is it over with it? Tries that are left are tried at the next start.
  const verdict = f.history.findLast((e) => e.kind === 'verdict-failed' && e.slot === attempt.slot && e.at >= attempt.at);
  if (slot.state === 'failed' || (verdict !== undefined && slot.state !== 'staged'))
    return event(f, 'reverted', attempt, verdict?.reason ?? SILENT);
  // It was written down just before its entry was written. What ended it has said so, unless it was the power.
  const said = f.history.some((e) => e.kind === 'apply-failed' && e.at >= attempt.at);
  if (slot.state === 'empty' && !said) return event(f, 'apply-failed', attempt, CUT);
  return null;
};
