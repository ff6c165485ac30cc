/**
 * The two system slots, as the updater tells them (`/run/dplane-ota/status.json`). Docs: docs/adr/0006-slots.md.
 * A slot is never changed by looking at it: `dplane-ota` writes the status, everybody else reads it.
 */
import { z } from 'zod';
import { Millis } from '../names.ts';

export const SlotName = z.enum(['a', 'b']);
export type SlotName = z.infer<typeof SlotName>;
export const otherSlot = (slot: SlotName): SlotName => (slot === 'a' ? 'b' : 'a');

export const Architecture = z.enum(['x86_64', 'aarch64']);
export const Version = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.+~-]{0,63}$/, 'a version holds letters, digits and . + ~ -');
/** Grows with every release; what keeps an old, once valid bundle from being installed again. */
export const ReleaseIndex = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
/** The first 16 hex digits of the SHA-512 of the 32 key bytes. */
export const KeyId = z.string().regex(/^[0-9a-f]{16}$/, 'a key id is 16 hex digits');
export const BootId = z.string().regex(/^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/);

/** What an image says of itself, in `/usr/lib/dplaneos/system.json` and in its boot entry. */
export const SystemInfo = z.object({
  product: z.literal('dplaneos'),
  version: Version,
  index: ReleaseIndex,
  arch: Architecture,
  kernel: z.string().min(1).max(64),
  zfs: z.string().min(1).max(64),
});
export type SystemInfo = z.infer<typeof SystemInfo>;

/**
 * `empty`: nothing that could be started. `staged`: complete, not started yet. `trying`: started, not confirmed. `confirmed`: came up well once.
 * `failed`: no tries left, the boot loader passes it over.
 */
export const SlotState = z.enum(['empty', 'staged', 'trying', 'confirmed', 'failed']);
export type SlotState = z.infer<typeof SlotState>;

export const Slot = z.object({
  name: SlotName,
  running: z.boolean(),
  /** What the boot loader takes at the next start, if nobody chooses otherwise at the console. */
  next: z.boolean(),
  state: SlotState,
  triesLeft: z.number().int().nonnegative().nullable(),
  triesDone: z.number().int().nonnegative().nullable(),
  /** Null when the slot is empty. */
  system: SystemInfo.nullable(),
});
export type Slot = z.infer<typeof Slot>;

export const CheckName = z.enum(['slot', 'persist', 'kernel', 'zfs', 'pools', 'control-plane', 'shares', 'network']);
export const VerdictCheck = z.object({ name: CheckName, ok: z.boolean(), why: z.string().max(2000) });
export type VerdictCheck = z.infer<typeof VerdictCheck>;
export const Verdict = z.object({
  bootId: BootId,
  slot: SlotName,
  /** On trial: a no restarts the machine. Otherwise it is only told. */
  trial: z.boolean(),
  outcome: z.enum(['waiting', 'passed', 'failed']),
  at: Millis,
  /** Since the kernel started. */
  uptimeMs: z.number().nonnegative(),
  checks: z.array(VerdictCheck).max(16),
});
export type Verdict = z.infer<typeof Verdict>;

export const TrustedKey = z.object({
  id: KeyId,
  comment: z.string().max(200),
  source: z.enum(['image', 'enrolled']),
  revoked: z.boolean(),
});
export type TrustedKey = z.infer<typeof TrustedKey>;

export const SlotStatus = z.discriminatedUnion('available', [
  /** Not a machine with slots, or one whose boot partition is not as it has to be: nothing can be updated, and why. */
  z.object({ available: z.literal(false), at: Millis, why: z.string(), todo: z.string() }),
  z.object({
    available: z.literal(true),
    at: Millis,
    bootId: BootId,
    running: SlotName,
    /** Somebody chose this slot in the boot menu: the next start takes another one. */
    chosenByHand: z.boolean(),
    slots: z.tuple([Slot, Slot]),
    /** What each boot entry hands over to (`init=`), in the order in which the boot loader tries them; null where an entry leaves it to its slot. */
    starts: z.array(z.string().nullable()).default([]),
    /** Another system of the running slot starts next, a generation of NixOS: what its entry is called. */
    instead: z.string().nullable().default(null),
    /** Of every system that was ever confirmed on this machine. */
    highestIndex: z.number().int().nonnegative(),
    keys: z.array(TrustedKey),
    verdict: Verdict.nullable(),
  }),
]);
export type SlotStatus = z.infer<typeof SlotStatus>;
export type Slots = Extract<SlotStatus, { available: true }>;

export const runningSlot = (s: Slots): Slot => (s.slots[0].running ? s.slots[0] : s.slots[1]);
export const idleSlot = (s: Slots): Slot => (s.slots[0].running ? s.slots[1] : s.slots[0]);

/** One line of the history: a fact, in the past tense. */
export const UpdateEvent = z.object({
  at: Millis,
  kind: z.enum([
    'staged', // a bundle was installed into the slot
    'apply-failed',
    'rolled-back', // somebody asked for the other slot
    'verdict-failed',
    'confirmed',
    'reverted', // what was staged did not become confirmed; another slot runs again
    'key-enrolled',
    'key-revoked',
  ]),
  slot: SlotName.nullable(),
  system: SystemInfo.nullable(),
  /** Of a generation, which is tried in the slot that runs: the number of its boot entry. Not there where a whole slot was written. */
  entry: z.number().int().positive().optional(),
  /** Of the start in which it happened. */
  bootId: BootId.nullable(),
  /** In words: why it failed, was reverted; the key's id. Empty when there is nothing to say. */
  reason: z.string().max(4000),
});
export type UpdateEvent = z.infer<typeof UpdateEvent>;

/** Why an update can't be installed now; null when it can. Shown beside the disabled button, and refused by the updater in the same words. */
export const whyNoUpdate = (s: SlotStatus): string | null => {
  if (!s.available) return s.why;
  const now = runningSlot(s);
  if (now.state !== 'confirmed') return `the running system in slot ${now.name} is not confirmed yet`;
  return null;
};

/** Why one can't go back to the other slot now; null when one can. */
export const whyNoRollback = (s: SlotStatus): string | null => {
  if (!s.available) return s.why;
  const other = idleSlot(s);
  if (other.state === 'confirmed') return null;
  if (other.state === 'empty') return `slot ${other.name} is empty`;
  if (other.state === 'failed') return `slot ${other.name} did not come up when it was tried`;
  return `slot ${other.name} was never confirmed`;
};
