/**
 * What to do with the boot partition, as a list of steps computed from what was read. Pure.
 *
 * Kept by every step, so that the power can go after any of them: the confirmed entry of the running slot and what it needs are
 * untouched, and it is what the boot loader takes, unless a newer entry stands that is complete. An entry is written last and
 * removed first.
 */
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { type Slot, type SlotName, type SystemInfo, otherSlot } from '../../../control/src/domain/slot/slot.ts';
import type { Booted } from './booted.ts';
import {
  type BootEntry,
  MAX_NUMBER,
  entryFileName,
  entryOfVariable,
  fileNameOf,
  parseEntryName,
  renderEntry,
  titleOf,
  whyNoEntry,
} from './entry.ts';
import type { Esp, EspEntry, EspFile } from './esp.ts';

export type Payload = { size: number; sha512: string };
export type Step =
  | { kind: 'remove entry'; file: string }
  | { kind: 'remove file'; slot: SlotName; name: string }
  /** It is there already, and used: its content has to be what its name says. */
  | { kind: 'check file'; slot: SlotName; name: string; payload: Payload }
  | { kind: 'write file'; slot: SlotName; name: string; payload: Payload; from: 'kernel' | 'initrd' }
  | { kind: 'write entry'; file: string; text: string };

/** As systemd-boot sorts: exhausted ones last, then (the sort key is the same for all of ours) the higher version first. */
export const bootOrder = (entries: readonly EspEntry[]): EspEntry[] =>
  entries.toSorted((x, y) => Number(x.tries?.left === 0) - Number(y.tries?.left === 0) || y.number - x.number);

const newest = (entries: readonly EspEntry[]): EspEntry | null => entries.toSorted((x, y) => y.number - x.number)[0] ?? null;
const ofSlot = (esp: Esp, slot: SlotName): EspEntry[] => esp.entries.filter((e) => e.slot === slot);

/** The entry that was started; null when it is gone. */
export const runningEntry = (esp: Esp, booted: Booted): EspEntry | null =>
  esp.entries.find((e) => e.slot === booted.slot && e.number === booted.number) ?? null;

/** What the boot loader takes next. A name that fits nothing is passed over, as it does. */
export const nextEntry = (esp: Esp, booted: Booted): EspEntry | null => {
  for (const pinned of [booted.pinned.once, booted.pinned.always]) {
    const named = pinned === null ? null : entryOfVariable(pinned);
    const found = named && esp.entries.find((e) => e.slot === named.slot && e.number === named.number);
    if (found) return found;
  }
  return bootOrder(esp.entries)[0] ?? null;
};

const initOf = (e: EspEntry): string | null => e.entry.options.find((o) => o.startsWith('init='))?.slice('init='.length) ?? null;
/** What each entry hands over to, the one that is taken next first. */
export const startsOf = (esp: Esp, booted: Booted): (string | null)[] => {
  const next = nextEntry(esp, booted);
  return bootOrder(esp.entries)
    .toSorted((x, y) => Number(y === next) - Number(x === next))
    .map(initOf);
};

const stateOf = (entry: EspEntry, running: boolean): Slot['state'] => {
  if (entry.tries === null) return 'confirmed';
  if (running) return 'trying';
  if (entry.tries.left === 0) return 'failed';
  return entry.tries.done === 0 ? 'staged' : 'trying';
};

/** The running slot is what its started entry says; the other one what was last put there. */
export const slotsOf = (esp: Esp, booted: Booted): [Slot, Slot] => {
  const next = nextEntry(esp, booted);
  const slot = (name: SlotName): Slot => {
    const running = booted.slot === name;
    const entry = (running ? runningEntry(esp, booted) : null) ?? newest(ofSlot(esp, name));
    const common = { name, running, next: next?.slot === name };
    if (entry === null) return { ...common, state: 'empty', triesLeft: null, triesDone: null, system: null };
    const { tries } = entry;
    return {
      ...common,
      state: stateOf(entry, running),
      triesLeft: tries?.left ?? null,
      triesDone: tries?.done ?? null,
      system: entry.entry.system,
    };
  };
  return [slot('a'), slot('b')];
};

const used = (entries: readonly EspEntry[], f: EspFile): boolean =>
  entries.some((e) => e.slot === f.slot && (e.entry.kernel === f.name || e.entry.initrd === f.name));

/** Entries, then what nobody refers to any more. */
const without = (esp: Esp, gone: readonly EspEntry[]): Step[] => {
  const left = esp.entries.filter((e) => !gone.includes(e));
  return [
    ...bootOrder(gone).map((e): Step => ({ kind: 'remove entry', file: e.file })),
    ...esp.empty.map((file): Step => ({ kind: 'remove entry', file })),
    ...esp.files.filter((f) => !used(left, f)).map(({ slot, name }): Step => ({ kind: 'remove file', slot, name })),
  ];
};

const confirmedRunning = (esp: Esp, booted: Booted, what: string): Result<EspEntry> => {
  const entry = runningEntry(esp, booted);
  if (entry === null)
    return refuse(
      'conflict',
      what,
      booted.number === null
        ? 'the boot loader does not say which entry it started'
        : `the entry this system was started from (dplane-${booted.slot}-${booted.number}) is gone`,
      'Restart with systemd-boot, then try again.',
    );
  if (entry.tries !== null)
    return refuse(
      'conflict',
      what,
      `the running system in slot ${booted.slot} is not confirmed yet`,
      'Wait for the verdict; it takes two minutes at most.',
    );
  return ok(entry);
};

/** The boot loader would pass over whatever is written. */
const notPinned = (booted: Booted, what: string): Result<null> => {
  const pinned = booted.pinned.once ?? booted.pinned.always;
  if (pinned === null) return ok(null);
  return refuse(
    'conflict',
    what,
    `the boot loader was told to start ${pinned.slice(0, 80)}, whatever is newer`,
    "Undo it with `bootctl set-default ''` and `bootctl set-oneshot ''`, or by pressing d on that entry in the boot menu.",
  );
};

/** Empties the boot side of the slot that doesn't run, so that nothing can start it while it is written. */
export const beginApply = (esp: Esp, booted: Booted): Result<Step[]> => {
  const what = 'preparing the other slot';
  const running = confirmedRunning(esp, booted, what);
  if (!running.ok) return running;
  const free = notPinned(booted, what);
  if (!free.ok) return free;
  return ok(without(esp, ofSlot(esp, otherSlot(booted.slot))));
};

const nextNumber = (esp: Esp): number => {
  const left = esp.temporary.flatMap((file) => parseEntryName(file.replace(/\.tmp$/, ''))?.number ?? []);
  return Math.max(0, ...esp.entries.map((e) => e.number), ...left) + 1;
};

const newEntry = (esp: Esp, what: string, entry: Omit<BootEntry, 'number'>, tries: number | null): Result<Step> => {
  const numbered = { ...entry, number: nextNumber(esp) };
  const why = numbered.number > MAX_NUMBER ? 'there are no more numbers for entries' : whyNoEntry(numbered);
  if (why !== null) return refuse('invalid', what, why);
  const file = entryFileName({ ...numbered, tries: tries === null ? null : { left: tries, done: 0 } });
  return ok({ kind: 'write entry', file, text: renderEntry(numbered) });
};

export type Staged = {
  slot: SlotName;
  system: SystemInfo;
  kernel: Payload;
  initrd: Payload;
  options: readonly string[];
  /** Shown in the boot menu; by default the version. */
  title?: string;
  /** Null: not counted. Only who installs the very first system writes such a one. */
  tries?: number | null;
};
export const TRIES = 3;

/** Kernel and initrd, and last the entry. */
export const stage = (esp: Esp, s: Staged): Result<Step[]> => {
  const steps: Step[] = [];
  const names = { kernel: fileNameOf(s.kernel.sha512, 'vmlinuz'), initrd: fileNameOf(s.initrd.sha512, 'initrd') };
  for (const from of ['kernel', 'initrd'] as const) {
    const [name, payload] = [names[from], s[from]];
    const there = esp.files.find((f) => f.slot === s.slot && f.name === name);
    if (there && used(esp.entries, there)) steps.push({ kind: 'check file', slot: s.slot, name, payload });
    else {
      if (there) steps.push({ kind: 'remove file', slot: s.slot, name });
      steps.push({ kind: 'write file', slot: s.slot, name, payload, from });
    }
  }
  const { slot, system, options } = s;
  const entry = { slot, system, options, title: s.title ?? titleOf(system, slot), ...names };
  const last = newEntry(esp, `staging version ${system.version}`, entry, s.tries === undefined ? TRIES : s.tries);
  return last.ok ? ok([...steps, last.value]) : last;
};

/** A new counted entry for what the other slot holds: it goes through the same verdict again, and its old entry stays until then. */
export const rollback = (esp: Esp, booted: Booted): Result<Step[]> => {
  const slot = otherSlot(booted.slot);
  const what = `going back to slot ${slot}`;
  const newestThere = newest(ofSlot(esp, slot));
  if (newestThere === null) return refuse('conflict', what, `slot ${slot} is empty`);
  const pinned = notPinned(booted, what);
  if (!pinned.ok) return pinned;
  const confirmed = newest(ofSlot(esp, slot).filter((e) => e.tries === null));
  if (confirmed === null)
    return newestThere.tries?.left === 0
      ? refuse('conflict', what, `slot ${slot} did not come up when it was tried`, 'Install an update into it instead.')
      : refuse('conflict', what, `slot ${slot} was never confirmed`, 'Restart to try it.');
  // asked for already, and not tried yet
  if (newestThere.tries?.done === 0 && newestThere.tries.left > 0 && bootOrder(esp.entries)[0] === newestThere) return ok([]);
  const { number: _, ...same } = confirmed.entry;
  const entry = newEntry(esp, what, same, TRIES);
  return entry.ok ? ok([entry.value]) : entry;
};

/**
 * What a new entry for the running slot makes superfluous: those of that slot, but the one that runs and the newest confirmed one. So there
 * are never more than three, however often somebody builds a system and does not restart.
 */
export const obsolete = (esp: Esp, booted: Booted): Step[] => {
  const own = ofSlot(esp, booted.slot);
  const kept = [runningEntry(esp, booted), newest(own.filter((e) => e.tries === null))];
  return without(
    esp,
    own.filter((e) => !kept.includes(e)),
  );
};

/** After a system was confirmed: older entries of its slot go, and what only they needed. */
export const confirmCleanup = (esp: Esp, slot: SlotName): Step[] => {
  const confirmed = newest(ofSlot(esp, slot).filter((e) => e.tries === null));
  return confirmed === null
    ? []
    : without(
        esp,
        ofSlot(esp, slot).filter((e) => e.number < confirmed.number),
      );
};

const rounded = (esp: Esp, size: number): number => Math.ceil(size / esp.block) * esp.block;
/** For folders and entries. */
const MARGIN = 1024 * 1024;

/** Bytes that would be missing on the boot partition for these steps; 0 when they fit. */
export const missingSpace = (esp: Esp, steps: readonly Step[]): number => {
  const freed = steps.flatMap((s) => {
    const file = s.kind === 'remove file' ? esp.files.find((f) => f.slot === s.slot && f.name === s.name) : undefined;
    return file ? [rounded(esp, file.size)] : [];
  });
  const taken = steps.flatMap((s) => (s.kind === 'write file' ? [rounded(esp, s.payload.size)] : []));
  const sum = (n: readonly number[]): number => n.reduce((x, y) => x + y, 0);
  return Math.max(0, sum(taken) + MARGIN - esp.free - sum(freed));
};

const afterStep = (now: Esp, s: Step): Esp => {
  switch (s.kind) {
    case 'remove entry':
      return { ...now, entries: now.entries.filter((e) => e.file !== s.file), empty: now.empty.filter((f) => f !== s.file) };
    case 'remove file': {
      const gone = now.files.find((f) => f.slot === s.slot && f.name === s.name);
      return { ...now, files: now.files.filter((f) => f !== gone), free: now.free + rounded(now, gone?.size ?? 0) };
    }
    case 'write file': {
      const file = { slot: s.slot, name: s.name, size: s.payload.size };
      return { ...now, files: [...now.files, file], free: now.free - rounded(now, file.size) };
    }
    // an entry is always the last one: nothing is planned on top of it
    case 'check file':
    case 'write entry':
      return now;
  }
  return s;
};

/** What the boot partition will be after these steps; how what follows is planned before any of it is done. */
export const after = (esp: Esp, steps: readonly Step[]): Esp => {
  let now = esp;
  for (const step of steps) now = afterStep(now, step);
  return now;
};
