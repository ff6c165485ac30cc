/** Turning to the other slot, and confirming the running one by hand: what an administrator asks for between updates. */
import type { Clock } from '../../../control/src/domain/clock.ts';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { otherSlot, type SlotName, type UpdateEvent } from '../../../control/src/domain/slot/slot.ts';
import { takeLock } from '../apply/lock.ts';
import type { Places } from './places.ts';
import { appendHistory } from './history.ts';
import { type Machine, readMachine, writeStatus } from './machine.ts';
import { confirmCleanup, rollback, runningEntry } from './plan.ts';
import { noContents, perStep, type Writer } from './write.ts';

export type TurnTools = {
  places: Places;
  clock: Clock;
  syncAll: Writer['syncAll'];
  /** Takes the counter off the entry that was started; words when it can't. */
  bless: () => Promise<string | null>;
};

const locked = async <T>(t: TurnTools, doing: string, work: (m: Machine) => Promise<Result<T>>): Promise<Result<T>> => {
  const lock = await takeLock(t.places.lock, doing);
  if (!lock.ok) return lock;
  try {
    const machine = await readMachine(t.places);
    return machine.ok ? await work(machine.value) : machine;
  } finally {
    await lock.value();
    await writeStatus(t.places, t.clock()).catch(() => {}); // what was done is done; the next look writes it
  }
};

const tell = async (t: TurnTools, m: Machine, kind: UpdateEvent['kind'], slot: SlotName): Promise<void> => {
  const running = runningEntry(m.esp, m.booted);
  const entry = slot === m.booted.slot ? running : m.esp.entries.findLast((e) => e.slot === slot);
  await appendHistory(t.places, { at: t.clock(), kind, slot, system: entry?.entry.system ?? null, bootId: m.booted.bootId, reason: '' });
};

export const turnBack = (t: TurnTools): Promise<Result<{ slot: SlotName; entry: string | null }>> =>
  locked(t, 'going back to the other slot', async (m) => {
    const slot = otherSlot(m.booted.slot);
    const steps = rollback(m.esp, m.booted);
    if (!steps.ok) return steps;
    const [entry] = steps.value;
    if (entry === undefined) return ok({ slot, entry: null });
    const done = await perStep({ places: t.places, syncAll: t.syncAll, contents: noContents }, steps.value);
    if (!done.ok) return done;
    await tell(t, m, 'rolled-back', slot);
    return ok({ slot, entry: entry.kind === 'write entry' ? entry.file : null });
  });

export const markGood = (t: TurnTools): Promise<Result<{ slot: SlotName; already: boolean }>> =>
  locked<{ slot: SlotName; already: boolean }>(t, 'confirming the running slot', async (m) => {
    const what = `confirming slot ${m.booted.slot}`;
    const running = runningEntry(m.esp, m.booted);
    if (running === null) return refuse('conflict', what, 'the boot entry of the running system is gone', 'Restart, then try again.');
    if (running.tries === null) return ok({ slot: m.booted.slot, already: true });
    const why = await t.bless();
    if (why !== null) return refuse('failed', what, why, 'Look at: journalctl -u systemd-bless-boot');
    const after = await readMachine(t.places);
    if (!after.ok) return after;
    if (runningEntry(after.value.esp, after.value.booted)?.tries !== null)
      return refuse('failed', what, 'its entry is still counted, though systemd said it was done', 'Restart, then try again.');
    await tell(t, after.value, 'confirmed', m.booted.slot);
    const clean = await perStep(
      { places: t.places, syncAll: t.syncAll, contents: noContents },
      confirmCleanup(after.value.esp, m.booted.slot),
    );
    return clean.ok ? ok({ slot: m.booted.slot, already: false }) : clean;
  });
