/**
 * Updates as the control plane shows them: what the updater wrote, and why a button can't be pressed. Docs: docs/adr/0006-slots.md.
 * The predicates are used by the engine to refuse and by the pages to say so beforehand, in the same words.
 */
import { z } from 'zod';
import { type ApplyProgress, ApplyProgress as ApplyProgressSchema, applyEnded } from '../bundle/bundle.ts';
import { Millis } from '../names.ts';
import { Refusal } from '../refusal.ts';
import { ShareClient } from '../share/share.ts';
import {
  runningSlot,
  type Slot,
  type SlotStatus,
  SlotStatus as SlotStatusSchema,
  UpdateEvent,
  whyNoRollback,
  whyNoUpdate,
} from '../slot/slot.ts';

export const UpdateView = z.object({
  /** When the files were read. */
  at: Millis,
  slots: SlotStatusSchema,
  /** Of the newest apply since the machine started, also when it has ended. */
  progress: ApplyProgressSchema.nullable(),
  /** The updater is at work. */
  running: z.boolean(),
  /** The newest lines of the history, newest first. */
  recent: z.array(UpdateEvent),
  /** Why each can't be done now; null when it can. */
  whyNo: z.object({
    install: z.string().nullable(),
    cancel: z.string().nullable(),
    rollback: z.string().nullable(),
    confirm: z.string().nullable(),
    restart: z.string().nullable(),
  }),
  /** What could not be read. */
  problems: z.array(Refusal),
});
export type UpdateView = z.infer<typeof UpdateView>;

export const UpdateHistory = z.object({ total: z.number().int().nonnegative(), events: z.array(UpdateEvent), problems: z.array(Refusal) });
export type UpdateHistory = z.infer<typeof UpdateHistory>;

/** What a restart would interrupt, and what comes up after it. */
export const RestartPreview = z.object({
  at: Millis,
  /** What has to be given back to restart: the name of the machine (the word `restart` will do as well). */
  host: z.string(),
  clients: z.array(ShareClient),
  /** Runs, scrubs and the like, in words. */
  jobs: z.array(z.string()),
  /** In words: what starts next. */
  next: z.string(),
  whyNot: z.string().nullable(),
});
export type RestartPreview = z.infer<typeof RestartPreview>;

/** What the boot loader takes by itself; null when nothing. */
export const nextSlot = (s: Extract<SlotStatus, { available: true }>): Slot | null => s.slots.find((x) => x.next) ?? null;

export const describeSlot = (s: Slot): string => (s.system === null ? `slot ${s.name}` : `${s.system.version} in slot ${s.name}`);

/** What the next start brings, as a sentence. */
export const whatStartsNext = (s: SlotStatus): string => {
  if (!s.available) return 'the same system starts again';
  const next = nextSlot(s);
  const now = runningSlot(s);
  if (next === null) return 'the boot loader finds no entry it would take by itself';
  if (next.name === now.name && s.instead !== null)
    return `${s.instead} is tried; if it does not come up well, the system that runs now comes back`;
  if (next.name === now.name) return `the same system starts again: ${describeSlot(now)}`;
  return next.state === 'staged' || next.state === 'trying'
    ? `${describeSlot(next)} is tried; if it does not come up well, ${describeSlot(now)} comes back`
    : `${describeSlot(next)} starts instead of ${describeSlot(now)}`;
};

const UNDER_WAY = 'an update is being installed';
export const whyNotNow = (slots: SlotStatus, progress: ApplyProgress | null, running: boolean): UpdateView['whyNo'] => {
  const busy = running ? UNDER_WAY : null;
  const cancellable = running && progress !== null && !applyEnded(progress);
  return {
    install: whyNoUpdate(slots) ?? busy,
    cancel: cancellable ? null : 'no update is being installed',
    rollback: whyNoRollback(slots) ?? busy,
    confirm: whyNoConfirm(slots) ?? busy,
    restart: busy,
  };
};

/** Why the running system can't be declared good by hand; null when it can. */
export const whyNoConfirm = (s: SlotStatus): string | null => {
  if (!s.available) return s.why;
  const now = runningSlot(s);
  return now.state === 'confirmed' ? `slot ${now.name} is confirmed already` : null;
};
