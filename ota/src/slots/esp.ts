/**
 * The boot partition as a value. Reading it changes nothing; one that is not entirely understood is refused, never repaired by guess.
 * What a power cut can leave behind is understood: temporary and empty entries, and kernels that no entry names. The boot loader passes
 * over all of these.
 */
import { constants } from 'node:fs';
import { open, readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Refusal, type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { type SlotName, SlotName as SlotNames } from '../../../control/src/domain/slot/slot.ts';
import { type BootEntry, type EntryName, MAX_ENTRY, parseEntry, parseEntryName, parseFileName } from './entry.ts';
import { mountAt, readMounts } from './mounts.ts';
import type { Places } from './places.ts';

export type EspEntry = EntryName & { file: string; entry: BootEntry };
export type EspFile = { slot: SlotName; name: string; size: number };
export type Esp = {
  entries: readonly EspEntry[];
  files: readonly EspFile[];
  /** Entries that a power cut left empty. They own no space, so that removing them is safe. */
  empty: readonly string[];
  /**
   * Entries that were not renamed yet. They stay: FAT has no atomic rename, and one of these may share its space with the entry it became.
   * Removing it would free what that entry holds.
   */
  temporary: readonly string[];
  free: number;
  /** What the file system gives out at once. */
  block: number;
};

const WHAT = 'reading the boot partition';
const FSCK = 'Check it with `fsck.fat -n`, or restore the boot partition from the installation medium. Nothing was changed.';

class Foreign extends Error {
  readonly refusal: Refusal;
  constructor(why: string, todo: string) {
    super(why);
    this.refusal = refuse('conflict', WHAT, why, todo).refusal;
  }
}
const foreign = (path: string): never => {
  throw new Foreign(
    `it holds /${path}, which was not put there by dplane-ota`,
    'Move it away if you know what it is. Nothing was changed.',
  );
};
const damaged = (why: string): never => {
  throw new Foreign(why, FSCK);
};

const names = async (root: string, path: string): Promise<{ name: string; kind: 'file' | 'folder' | 'other' }[]> => {
  try {
    const found = await readdir(join(root, path), { withFileTypes: true });
    return found
      .map((d) => ({ name: d.name, kind: d.isFile() ? ('file' as const) : d.isDirectory() ? ('folder' as const) : ('other' as const) }))
      .sort((x, y) => (x.name < y.name ? -1 : 1));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
};

/** At most `limit` bytes, and nothing but a plain file. Null when it is larger. */
const readSmall = async (path: string, limit: number): Promise<string | null> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    return size > limit ? null : await file.readFile('latin1');
  } finally {
    await file.close();
  }
};

const TEMPORARY = /^dplane-[ab]-[0-9]+(\+[0-9]+)?\.conf\.tmp$/;

const readEntries = async (root: string): Promise<Pick<Esp, 'entries' | 'empty' | 'temporary'>> => {
  const entries: EspEntry[] = [];
  const empty: string[] = [];
  const temporary: string[] = [];
  for (const { name, kind } of await names(root, 'loader/entries')) {
    const path = `loader/entries/${name}`;
    if (kind !== 'file') foreign(path);
    if (TEMPORARY.test(name)) {
      temporary.push(name);
      continue;
    }
    const parts = parseEntryName(name);
    if (parts === null) {
      foreign(path);
      continue;
    }
    const text = await readSmall(join(root, path), MAX_ENTRY);
    if (text === '') {
      empty.push(name);
      continue;
    }
    const entry = parseEntry(text ?? '');
    if (!entry.ok) damaged(`/${path} can't be understood: ${text === null ? 'it is too long' : entry.refusal.why}`);
    else if (entry.value.slot !== parts.slot || entry.value.number !== parts.number)
      damaged(`/${path} says it is entry ${entry.value.number} of slot ${entry.value.slot}`);
    else if (entries.some((e) => e.number === parts.number)) damaged(`there are two entries with the number ${parts.number}`);
    else entries.push({ ...parts, file: name, entry: entry.value });
  }
  return { entries, empty, temporary };
};

const readFiles = async (root: string): Promise<EspFile[]> => {
  const files: EspFile[] = [];
  for (const folder of await names(root, 'dplane')) {
    const slot = SlotNames.safeParse(folder.name);
    if (!slot.success || folder.kind !== 'folder') {
      foreign(`dplane/${folder.name}`);
      continue;
    }
    for (const { name, kind } of await names(root, `dplane/${slot.data}`)) {
      const path = `dplane/${slot.data}/${name}`;
      if (kind !== 'file' || parseFileName(name) === null) foreign(path);
      files.push({ slot: slot.data, name, size: (await stat(join(root, path))).size });
    }
  }
  return files;
};

/** `default` and `preferred` would win over the order that everything here relies on. */
const LOADER_KEYS = new Set([
  ...['timeout', 'console-mode', 'editor', 'auto-entries', 'auto-firmware', 'auto-poweroff', 'auto-reboot', 'beep'],
  ...['random-seed-mode', 'secure-boot-enroll', 'secure-boot-enroll-action', 'secure-boot-enroll-timeout-sec', 'reboot-for-bitlocker'],
]);

const checkLoaderConf = async (root: string): Promise<void> => {
  if (!(await names(root, 'loader')).some((f) => f.name === 'loader.conf')) return; // the boot loader's own settings do
  const text = (await readSmall(join(root, 'loader/loader.conf'), 65_536)) ?? damaged('/loader/loader.conf is too long');
  for (const line of text.split('\n').map((l) => l.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const key = line.split(/\s/)[0] ?? '';
    if (!LOADER_KEYS.has(key))
      throw new Foreign(
        `/loader/loader.conf says "${line.slice(0, 80)}", which can start another system than the one that has to be tried`,
        'Take that line out. Nothing was changed.',
      );
  }
};

/** The partition that has to be mounted there is the one the boot loader came from: with a second disk there may be two of them. */
const checkMount = async (places: Places, espPartUuid: string | null): Promise<void> => {
  await readdir(places.esp); // makes an automount happen
  const mount = mountAt(await readMounts(places.mountinfo), places.esp);
  if (mount === null) throw new Foreign(`nothing is mounted at ${places.esp}`, `Mount the boot partition (mount ${places.esp}).`);
  if (mount.type !== 'vfat') throw new Foreign(`${places.esp} is ${mount.type}, not vfat`, 'The boot partition has to be mounted there.');
  if (mount.readOnly) throw new Foreign(`${places.esp} is mounted read-only, as the kernel does with a damaged one`, FSCK);
  if (espPartUuid === null) return;
  const booted = await stat(`${places.dev}/disk/by-partuuid/${espPartUuid}`).catch(() => null);
  const here = await stat(places.esp);
  if (booted === null || booted.rdev !== here.dev)
    throw new Foreign(
      `${places.esp} is not the partition the boot loader came from (${espPartUuid})`,
      'Unplug other disks that hold a system, or mount the right partition. Nothing was changed.',
    );
};

export const readEsp = async (places: Places, espPartUuid: string | null = null): Promise<Result<Esp>> => {
  try {
    if (!places.pretend) await checkMount(places, espPartUuid);
    const root = places.esp;
    await checkLoaderConf(root);
    // a unified kernel image there is a boot entry, too
    for (const f of await names(root, 'EFI/Linux')) if (f.name.toLowerCase().endsWith('.efi')) foreign(`EFI/Linux/${f.name}`);
    const entries = await readEntries(root);
    const files = await readFiles(root);
    for (const { file, slot, entry } of entries.entries)
      for (const name of [entry.kernel, entry.initrd])
        if (!files.some((f) => f.slot === slot && f.name === name && f.size > 0))
          damaged(`${file} needs /dplane/${slot}/${name}, which is missing`);
    const space = await statfs(root);
    return ok({ ...entries, files, free: space.bavail * space.bsize, block: space.bsize });
  } catch (error) {
    if (error instanceof Foreign) return { ok: false, refusal: error.refusal };
    if (error instanceof Error && 'code' in error) return refuse('unavailable', WHAT, error.message, FSCK);
    throw error;
  }
};
