/** A pretended machine below a temporary folder: its boot partition, EFI variables, slots as files. For tests. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SlotName, SystemInfo } from '../../../control/src/domain/slot/slot.ts';
import { type BootEntry, entryFileName, fileNameOf, renderEntry, type Tries, titleOf } from '../slots/entry.ts';
import { type Places, placesAt } from '../slots/places.ts';
import type { Contents } from '../slots/write.ts';

export const BOOT_ID = '0b7d4d5e-1111-4222-8333-444455556666';
const VENDOR = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';

export const systemInfo = (index: number, more: Partial<SystemInfo> = {}): SystemInfo => ({
  product: 'dplaneos',
  version: `1.${index}.0`,
  index,
  arch: 'x86_64',
  kernel: '6.12.57',
  zfs: '2.3.2',
  ...more,
});

export const sha512 = (bytes: Uint8Array | string): string => createHash('sha512').update(bytes).digest('hex');

export type Box = {
  root: string;
  places: Places;
  write: (path: string, content: string | Uint8Array) => void;
  /** An entry with its kernel and initrd; their content is made from the system's index. */
  entry: (slot: SlotName, number: number, tries: Tries, index: number) => BootEntry;
  /** As the boot loader leaves it after starting an entry. */
  booted: (slot: SlotName, number: number, counted?: boolean) => void;
  variable: (name: string, text: string) => void;
  drop: () => void;
};

export const kernelOf = (slot: SlotName, index: number): string => `kernel ${index} in ${slot}`;
export const initrdOf = (slot: SlotName, index: number): string => `initrd ${index} in ${slot}`;

export const makeBox = (slotBytes = 0): Box => {
  const root = mkdtempSync(join(tmpdir(), 'dplane-ota-'));
  const places = placesAt(root);
  const write = (path: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  };
  mkdirSync(join(places.esp, 'loader/entries'), { recursive: true });
  write(join(places.esp, 'loader/loader.conf'), 'timeout 0\neditor no\n');
  write(join(places.esp, 'EFI/BOOT/BOOTX64.EFI'), 'boot loader');
  write(places.bootId, `${BOOT_ID}\n`);
  mkdirSync(places.run, { recursive: true });
  for (const slot of ['a', 'b'] as const) {
    write(places.slot(slot), '');
    truncateSync(places.slot(slot), slotBytes);
  }
  const variable = (name: string, text: string): void =>
    write(join(places.efivars, `${name}-${VENDOR}`), Buffer.concat([Buffer.from([6, 0, 0, 0]), Buffer.from(`${text}\0`, 'utf16le')]));
  return {
    root,
    places,
    write,
    variable,
    entry: (slot, number, tries, index) => {
      const kernel = fileNameOf(sha512(kernelOf(slot, index)), 'vmlinuz');
      const initrd = fileNameOf(sha512(initrdOf(slot, index)), 'initrd');
      write(join(places.esp, 'dplane', slot, kernel), kernelOf(slot, index));
      write(join(places.esp, 'dplane', slot, initrd), initrdOf(slot, index));
      const system = systemInfo(index);
      const entry: BootEntry = { slot, number, system, title: titleOf(system, slot), kernel, initrd, options: ['quiet', 'panic=10'] };
      write(join(places.esp, 'loader/entries', entryFileName({ slot, number, tries })), renderEntry(entry));
      return entry;
    },
    booted: (slot, number, counted = false) => {
      write(places.cmdline, `dplane.slot=${slot} quiet panic=10\n`);
      variable('LoaderEntrySelected', `dplane-${slot}-${number}.conf`);
      if (counted) variable('LoaderBootCountPath', `\\loader\\entries\\dplane-${slot}-${number}+2-1.conf`);
    },
    drop: () => rmSync(root, { recursive: true, force: true }),
  };
};

/** In several parts, so that a cut can come between them. */
export const contentsOf = (kernel: string, initrd: string): Contents =>
  async function* (from) {
    const bytes = Buffer.from(from === 'kernel' ? kernel : initrd);
    yield bytes.subarray(0, 4);
    yield bytes.subarray(4);
  };
