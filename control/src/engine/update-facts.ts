/** What the updater's files mean for a person: lines of the history as events, and what holds now as alerts. Pure. */
import type { Alert } from '../domain/alert/alert.ts';
import type { NewEvent } from '../domain/event/event.ts';
import { runningSlot, type SlotStatus, type UpdateEvent } from '../domain/slot/slot.ts';
import { describeSlot, nextSlot } from '../domain/update/update.ts';

export type Condition = Pick<Alert, 'kind' | 'subject' | 'severity' | 'message'>;
/** Those that are told from the status alone. */
export const SLOT_ALERTS: ReadonlySet<string> = new Set(['update.unconfirmed', 'update.chosen-by-hand', 'slots.unreadable']);
export const UPDATE_ALERTS: ReadonlySet<string> = new Set([
  'update.reverted',
  'update.unconfirmed',
  'update.chosen-by-hand',
  'slots.unreadable',
]);

/** A start that has not been judged after this long never will be. */
const UNCONFIRMED_AFTER = 5 * 60_000;

const when = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
const versionOf = (e: UpdateEvent): string =>
  `${e.entry === undefined ? '' : 'a generation of '}${e.system === null ? 'the system' : `version ${e.system.version}`}`;
const inSlot = (e: UpdateEvent): string => (e.slot === null ? '' : ` in slot ${e.slot}`);
const because = (e: UpdateEvent): string => (e.reason === '' ? '' : `: ${e.reason}`);

const WORDS: Record<UpdateEvent['kind'], { kind: NewEvent['kind']; severity: NewEvent['severity']; say: (e: UpdateEvent) => string }> = {
  staged: {
    kind: 'update.staged',
    severity: 'info',
    say: (e) => `${versionOf(e)} is installed${inSlot(e)} and is tried at the next restart`,
  },
  'apply-failed': { kind: 'update.failed', severity: 'warning', say: (e) => `the update was not installed${because(e)}` },
  'rolled-back': { kind: 'update.rolled-back', severity: 'info', say: (e) => `the next restart goes back to ${versionOf(e)}${inSlot(e)}` },
  'verdict-failed': {
    kind: 'update.failed',
    severity: 'warning',
    say: (e) => `${versionOf(e)}${inSlot(e)} did not come up well${because(e)}`,
  },
  confirmed: { kind: 'update.confirmed', severity: 'info', say: (e) => `${versionOf(e)}${inSlot(e)} came up well and is confirmed` },
  reverted: {
    kind: 'update.reverted',
    severity: 'critical',
    say: (e) => `${versionOf(e)}${inSlot(e)} was given up, the system before it is back${because(e)}`,
  },
  'key-enrolled': { kind: 'update.keys-changed', severity: 'warning', say: (e) => `root enrolled a key for updates${because(e)}` },
  'key-revoked': { kind: 'update.keys-changed', severity: 'warning', say: (e) => `root revoked a key for updates${because(e)}` },
};

export const eventOf = (e: UpdateEvent): NewEvent => {
  const { kind, severity, say } = WORDS[e.kind];
  return {
    kind,
    severity,
    subject: e.slot === null ? 'updates' : `slot:${e.slot}`,
    message: say(e),
    actor: 'dplane-ota',
    data: { at: e.at, version: e.system?.version ?? null, reason: e.reason },
  };
};

/** The last revert that nothing has followed: a later update that was confirmed, or somebody who installed or went back since. */
export const openRevert = (history: readonly UpdateEvent[]): UpdateEvent | null => {
  const at = history.findLastIndex((e) => e.kind === 'reverted');
  const revert = history[at];
  if (revert === undefined) return null;
  return history.slice(at + 1).some((e) => e.kind === 'confirmed' || e.kind === 'staged' || e.kind === 'rolled-back') ? null : revert;
};

export type SlotFacts = {
  slots: SlotStatus;
  history: readonly UpdateEvent[];
  /** Why the files can't be read on a machine that has slots; null when they can. */
  unreadable: string | null;
};

/** Every condition that holds now. What was open and isn't here has resolved itself. */
export const updateConditions = ({ slots, history, unreadable }: SlotFacts, now: number): Condition[] => {
  const found: Condition[] = [];
  const say = (kind: Condition['kind'], subject: string, severity: Condition['severity'], message: string): void =>
    void found.push({ kind, subject, severity, message });
  if (unreadable !== null)
    say('slots.unreadable', 'slots', 'warning', `the system slots can't be read, so nothing can be updated: ${unreadable}`);
  const revert = openRevert(history);
  if (revert !== null) {
    const back = slots.available
      ? `; back on ${describeSlot(runningSlot(slots))} since ${when(revert.at)}`
      : `; the system before it is back since ${when(revert.at)}`;
    say('update.reverted', 'updates', 'warning', `${versionOf(revert)}${inSlot(revert)} did not come up${because(revert)}${back}`);
  }
  if (!slots.available) return found;
  const running = runningSlot(slots);
  const failed = slots.verdict?.outcome === 'failed' ? slots.verdict.checks.filter((c) => !c.ok) : [];
  if (running.state !== 'confirmed' && (failed.length > 0 || now - slots.at > UNCONFIRMED_AFTER))
    say(
      'update.unconfirmed',
      `slot:${running.name}`,
      'warning',
      `${describeSlot(running)} runs and is not confirmed${failed.length > 0 ? `: ${failed.map((c) => c.why || c.name).join('; ')}` : ''}; nothing can be updated before it is`,
    );
  const next = nextSlot(slots);
  if (slots.chosenByHand && next !== null && next.name !== running.name)
    say(
      'update.chosen-by-hand',
      'slots',
      'info',
      `${describeSlot(running)} was chosen in the boot menu; the next start takes ${describeSlot(next)} again`,
    );
  return found;
};
