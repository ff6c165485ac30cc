/** Slots and updates in words. Pure: types of the domain only. */
import type { ApplyProgress } from '../../../../control/src/domain/bundle/bundle.ts';
import type { Slot, Slots, UpdateEvent } from '../../../../control/src/domain/slot/slot.ts';
import type { UpdateView } from '../../../../control/src/domain/update/update.ts';
import { clockTime, exact } from '../../parts/words.ts';
import type { Tone } from '../../parts/Status.tsx';

/** Today the time is enough; otherwise the day is said. */
const since = (at: number, now: number): string =>
  exact(at).slice(0, 10) === exact(now).slice(0, 10) ? clockTime(at).slice(0, 5) : exact(at).slice(0, 16);

export const nameOf = (s: Slot): string => (s.system === null ? `slot ${s.name}` : `${s.system.version} in slot ${s.name}`);
export const runningOf = (s: Slots): Slot => (s.slots[0].running ? s.slots[0] : s.slots[1]);
export const otherOf = (s: Slots): Slot => (s.slots[0].running ? s.slots[1] : s.slots[0]);

export const slotWords = (s: Slot): { tone: Tone; text: string } => {
  switch (s.state) {
    case 'empty':
      return { tone: 'never', text: 'empty' };
    case 'staged':
      return { tone: 'busy', text: s.next ? 'installed, tried at the next restart' : 'installed, not started yet' };
    case 'trying':
      return {
        tone: 'warn',
        text: `on trial${s.triesLeft === null ? '' : `, ${s.triesLeft} more ${s.triesLeft === 1 ? 'try' : 'tries'}`}`,
      };
    case 'confirmed':
      return { tone: 'ok', text: 'confirmed: it came up well' };
    case 'failed':
      return { tone: 'bad', text: 'did not come up' };
  }
};

const EVENT_WORDS: Readonly<Record<UpdateEvent['kind'], { tone: Tone; text: string }>> = {
  staged: { tone: 'idle', text: 'Installed' },
  'apply-failed': { tone: 'warn', text: 'Could not be installed' },
  'rolled-back': { tone: 'idle', text: 'Asked to go back to it' },
  'verdict-failed': { tone: 'bad', text: 'Did not come up well' },
  confirmed: { tone: 'ok', text: 'Came up well, confirmed' },
  reverted: { tone: 'bad', text: 'Given up, the system before it came back' },
  'key-enrolled': { tone: 'warn', text: 'Root enrolled a key' },
  'key-revoked': { tone: 'warn', text: 'Root revoked a key' },
};
export const eventWords = (e: UpdateEvent): { tone: Tone; text: string } => EVENT_WORDS[e.kind];

/** The last revert that nothing has followed: no start that went well, nobody who installed or went back since. */
export const openRevert = (recent: readonly UpdateEvent[]): UpdateEvent | null => {
  const at = recent.findIndex((e) => ['reverted', 'confirmed', 'staged', 'rolled-back'].includes(e.kind));
  const e = recent[at];
  return e?.kind === 'reverted' ? e : null;
};

export type Standing = {
  kind: 'none' | 'installing' | 'waiting' | 'trial' | 'reverted' | 'by-hand' | 'calm';
  tone: 'ok' | 'warn' | 'bad' | 'plain';
  title: string;
  meaning: string;
};
/** What has to be known first, most pressing first. */
export const standingOf = (v: UpdateView, now: number): Standing => {
  const { slots: s } = v;
  if (!s.available) return { kind: 'none', tone: 'plain', title: 'The system is not updated from here', meaning: `${s.why}: ${s.todo}.` };
  const run = runningOf(s);
  const other = otherOf(s);
  const back = other.state === 'confirmed' ? ` If it does not come up well, the machine goes back to ${nameOf(other)} by itself.` : '';
  if (run.state === 'trying')
    return {
      kind: 'trial',
      tone: 'warn',
      title: `${nameOf(run)} is on trial`,
      meaning: `It is confirmed by itself as soon as everything below is well.${back}`,
    };
  if (v.running && v.progress !== null)
    return {
      kind: 'installing',
      tone: 'plain',
      title: 'An update is being installed',
      meaning: 'The running system is not touched. You can leave this page; it goes on.',
    };
  const revert = openRevert(v.recent);
  if (revert !== null) {
    const why = revert.reason || 'it never got as far as saying why (it hung, or the power went)';
    const back = `Back on ${nameOf(run)} since ${since(revert.at, now)}.`;
    return revert.entry === undefined
      ? {
          kind: 'reverted',
          tone: 'bad',
          title: `${revert.system === null ? 'The update' : revert.system.version} did not come up`,
          meaning: `Slot ${revert.slot ?? '?'}: ${why}. ${back}`,
        }
      : { kind: 'reverted', tone: 'bad', title: 'A generation did not come up', meaning: `${why}. The one before it is back. ${back}` };
  }
  if (s.chosenByHand)
    return {
      kind: 'by-hand',
      tone: 'warn',
      title: `${nameOf(run)} was chosen in the boot menu`,
      meaning: `The next restart takes ${nameOf(other)} again.`,
    };
  if (other.next)
    return {
      kind: 'waiting',
      tone: 'warn',
      title: `${nameOf(other)} waits for a restart`,
      meaning: `Until then ${nameOf(run)} goes on as it is. The new one is tried; if it does not come up well, this one comes back.`,
    };
  if (run.state !== 'confirmed')
    return {
      kind: 'trial',
      tone: 'warn',
      title: `${nameOf(run)} runs and is not confirmed`,
      meaning: 'Nothing can be updated before it is.',
    };
  return {
    kind: 'calm',
    tone: 'ok',
    title: `${run.system?.version ?? 'This system'} runs, and came up well`,
    meaning: `In slot ${run.name}. The other slot is ${slotWords(other).text}${other.system === null ? '' : `: ${other.system.version}`}.`,
  };
};

export const PHASE_WORDS: Readonly<Record<ApplyProgress['phase'], string>> = {
  waiting: 'Waiting for the bundle',
  verifying: 'Checking the signature',
  preparing: 'Clearing the other slot',
  writing: 'Writing the other slot',
  checking: 'Reading back what was written',
  staging: 'Making the boot entry',
  staged: 'Installed',
  failed: 'Not installed',
  cancelled: 'Cancelled',
};

/** Bytes a second so far, and what is left at that pace; null while it is too early to say. */
export const paceOf = (
  p: Pick<ApplyProgress, 'startedAt' | 'updatedAt' | 'done' | 'total'>,
): { perSecond: number; leftMs: number } | null => {
  const took = p.updatedAt - p.startedAt;
  if (took < 1_000 || p.done < p.total * 0.01 || p.total === 0) return null;
  return { perSecond: (p.done / took) * 1000, leftMs: (took / p.done) * (p.total - p.done) };
};
