/**
 * How this start came about: the slot named on the kernel command line, and what the boot loader left in its EFI variables
 * (https://systemd.io/BOOT_LOADER_INTERFACE). What contradicts itself is refused.
 */
import { readFile } from 'node:fs/promises';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { BootId, SlotName } from '../../../control/src/domain/slot/slot.ts';
import { type EntryName, entryOfVariable } from './entry.ts';
import type { Places } from './places.ts';

export type Booted = {
  slot: SlotName;
  bootId: string;
  /** Of the entry that was started; its counter has changed since. Null when no boot loader of this kind started us. */
  number: number | null;
  /** The boot loader took one try from it. */
  counted: boolean;
  /** What somebody told the boot loader to take instead of what it would choose itself: always, or the next time. */
  pinned: { always: string | null; once: string | null };
  /** The partition the boot loader came from. */
  espPartUuid: string | null;
};

const VENDOR = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
const MAX_VARIABLE = 4096;

/** Four bytes of attributes, then UTF-16 that ends with a NUL. Null when there is no such variable. */
export const decodeVariable = (bytes: Uint8Array): string | null => {
  if (bytes.length < 6 || bytes.length > MAX_VARIABLE || bytes.length % 2 !== 0) return null;
  const text = new TextDecoder('utf-16le').decode(bytes.subarray(4));
  return text.replace(/\0+$/, '');
};

const readVariable = async (places: Places, name: string): Promise<string | null> => {
  try {
    return decodeVariable(await readFile(`${places.efivars}/${name}-${VENDOR}`));
  } catch {
    return null; // not an EFI machine, or not this boot loader
  }
};

export const slotOfCommandLine = (cmdline: string): Result<SlotName> => {
  const named = cmdline
    .trim()
    .split(/\s+/)
    .filter((w) => w.startsWith('dplane.slot='));
  if (named.length === 0)
    return refuse(
      'not-implemented',
      'system updates',
      'this machine was not started from a system slot',
      'Install the D-PlaneOS image to have slots. On a plain distribution, its own package manager updates the system.',
    );
  const slot = SlotName.safeParse(named[0]?.slice('dplane.slot='.length));
  if (named.length > 1 || !slot.success)
    return refuse(
      'conflict',
      'system updates',
      `the kernel command line names its slot as ${named.join(' ')}`,
      'Start an entry that dplane-ota wrote.',
    );
  return ok(slot.data);
};

const WHAT = 'finding out what was started';

export const readBooted = async (places: Places): Promise<Result<Booted>> => {
  const slot = slotOfCommandLine(await readFile(places.cmdline, 'utf8'));
  if (!slot.ok) return slot;
  const bootId = BootId.safeParse((await readFile(places.bootId, 'utf8')).trim());
  if (!bootId.success) return refuse('conflict', WHAT, `${places.bootId} holds no boot id`);
  const read = (name: string): Promise<string | null> => readVariable(places, name);
  const selected = await read('LoaderEntrySelected');
  const countPath = await read('LoaderBootCountPath');
  const entry: EntryName | null = selected === null ? null : entryOfVariable(selected);
  if (entry !== null && entry.slot !== slot.value)
    return refuse(
      'conflict',
      WHAT,
      `the boot loader started ${selected}, but the kernel was told slot ${slot.value}`,
      'Restart, and choose an entry without editing it.',
    );
  return ok({
    slot: slot.value,
    bootId: bootId.data,
    number: entry?.number ?? null,
    counted: countPath !== null,
    pinned: {
      always: (await read('LoaderEntryPreferred')) || (await read('LoaderEntryDefault')) || null,
      once: (await read('LoaderEntryOneShot')) || null,
    },
    espPartUuid: (await read('LoaderDevicePartUUID'))?.toLowerCase() ?? null,
  });
};
