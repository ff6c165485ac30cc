/** Everything the updater knows of this machine before it does anything, read once; and what of it everybody may see. */
import { type Result, ok } from '../../../control/src/domain/refusal.ts';
import { type Slots, type SlotStatus, type SystemInfo, type UpdateEvent, Verdict } from '../../../control/src/domain/slot/slot.ts';
import { type Trust, readTrust, shown } from '../keys/trust.ts';
import { type Booted, readBooted } from './booted.ts';
import { type Esp, readEsp } from './esp.ts';
import { readOptional, replaceFile } from './files.ts';
import { readHistory } from './history.ts';
import type { Places } from './places.ts';
import { nextEntry, runningEntry, slotsOf, startsOf } from './plan.ts';

export type Machine = { booted: Booted; esp: Esp; history: readonly UpdateEvent[]; trust: Trust };

export const readMachine = async (places: Places): Promise<Result<Machine>> => {
  const booted = await readBooted(places);
  if (!booted.ok) return booted;
  const esp = await readEsp(places, booted.value.espPartUuid);
  if (!esp.ok) return esp;
  const trust = await readTrust(places);
  if (!trust.ok) return trust;
  return ok({ booted: booted.value, esp: esp.value, trust: trust.value, history: await readHistory(places) });
};

/** Of every system that was ever confirmed here: what the history says, and what stands without a counter. */
export const highestIndex = (m: Machine): number =>
  Math.max(
    0,
    ...m.history.flatMap((e) => (e.kind === 'confirmed' && e.system ? [e.system.index] : [])),
    ...m.esp.entries.flatMap((e) => (e.tries === null ? [e.entry.system.index] : [])),
  );

/** Of this start. Null when there is none yet, or none that can be read. */
const readVerdict = async (places: Places): Promise<Verdict | null> => {
  try {
    const found = Verdict.safeParse(JSON.parse((await readOptional(places.verdict)) ?? 'null'));
    return found.success ? found.data : null;
  } catch {
    return null;
  }
};

export const statusOf = (m: Machine, verdict: Verdict | null, at: number): Slots => {
  const running = runningEntry(m.esp, m.booted);
  const slots = slotsOf(m.esp, m.booted);
  const next = nextEntry(m.esp, m.booted);
  return {
    available: true,
    at,
    bootId: m.booted.bootId,
    running: m.booted.slot,
    // what is on trial was chosen by the boot loader, whatever is taken after it
    chosenByHand: running !== null && running.tries === null && next?.slot !== m.booted.slot && !freshlyStaged(m),
    slots,
    starts: startsOf(m.esp, m.booted),
    instead: next?.slot === m.booted.slot && next.number !== m.booted.number ? next.entry.title : null,
    highestIndex: highestIndex(m),
    keys: shown(m.trust),
    verdict,
  };
};

/** The next start takes the other slot because something was put there during this one. */
const freshlyStaged = (m: Machine): boolean => nextEntry(m.esp, m.booted)?.tries?.done === 0;

export const readStatus = async (places: Places, at: number): Promise<SlotStatus> => {
  const machine = await readMachine(places);
  if (!machine.ok) return { available: false, at, why: machine.refusal.why, todo: machine.refusal.todo };
  return statusOf(machine.value, await readVerdict(places), at);
};

export const writeStatus = async (places: Places, at: number): Promise<SlotStatus> => {
  const status = await readStatus(places, at);
  await replaceFile(places.status, `${JSON.stringify(status)}\n`);
  return status;
};

/** Of the system that runs. */
export const runningSystem = (m: Machine): SystemInfo | null => runningEntry(m.esp, m.booted)?.entry.system ?? null;
