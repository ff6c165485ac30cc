/**
 * A boot entry of ours (type #1 of the Boot Loader Specification): its file name, which also counts its tries, and its text. Pure.
 * Reading is the exact reverse of writing: a text that would not be written again to the same bytes is not ours, and is refused.
 */
import type { z } from 'zod';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { SlotName, SystemInfo } from '../../../control/src/domain/slot/slot.ts';

/** Null: not counted, which is what confirmed means. */
export type Tries = { left: number; done: number } | null;
export type EntryName = { slot: SlotName; number: number; tries: Tries };

/** What an entry says. Kernel and initrd are names in `/dplane/<slot>/`. */
export type BootEntry = {
  slot: SlotName;
  number: number;
  system: SystemInfo;
  title: string;
  kernel: string;
  initrd: string;
  /** Without `dplane.slot=`, which is added when it is written. */
  options: readonly string[];
};

/** The boot loader keeps up to ten digits; more than 99 tries would be an endless loop. */
const NAME = /^dplane-([ab])-([1-9][0-9]{0,8})(?:\+([0-9]{1,2})(?:-([0-9]{1,2}))?)?\.conf$/;
export const MAX_NUMBER = 999_999_999;

export const parseEntryName = (file: string): EntryName | null => {
  const m = NAME.exec(file);
  if (m === null) return null;
  const tries = m[3] === undefined ? null : { left: Number(m[3]), done: Number(m[4] ?? 0) };
  return { slot: m[1] === 'a' ? 'a' : 'b', number: Number(m[2]), tries };
};

export const entryFileName = (e: EntryName): string => {
  const tries = e.tries === null ? '' : e.tries.done === 0 ? `+${e.tries.left}` : `+${e.tries.left}-${e.tries.done}`;
  return `dplane-${e.slot}-${e.number}${tries}.conf`;
};

/** Of a name in EFI variables, which may be in capitals or come with a counter that has changed since. */
export const entryOfVariable = (text: string): EntryName | null => parseEntryName(text.replace(/^.*[\\/]/, '').toLowerCase());

const FILE = /^[0-9a-f]{16}-(vmlinuz|initrd)$/;
export const parseFileName = (name: string): 'vmlinuz' | 'initrd' | null => {
  const kind = FILE.exec(name)?.[1];
  return kind === 'vmlinuz' || kind === 'initrd' ? kind : null;
};
/** Named by content: the same bytes are the same file, and other bytes never replace it. */
export const fileNameOf = (sha512: string, kind: 'vmlinuz' | 'initrd'): string => `${sha512.slice(0, 16)}-${kind}`;

const Told = SystemInfo.strict().extend({ slot: SlotName });
const TITLE = /^[\x20-\x7e]{1,120}$/;
export const OPTION = /^[\x21-\x7e]{1,512}$/;
/** The kernel takes 2,048 bytes on x86 and on arm64. */
const MAX_OPTIONS = 2000;
export const MAX_ENTRY = 8192;

export const titleOf = (system: SystemInfo, slot: SlotName): string => `D-PlaneOS ${system.version} (slot ${slot})`;

export const renderEntry = (e: BootEntry): string =>
  [
    `# dplane ${JSON.stringify(Told.parse({ slot: e.slot, ...e.system }))}`,
    `title ${e.title}`,
    'sort-key dplane',
    `version ${e.number}`,
    `linux /dplane/${e.slot}/${e.kernel}`,
    `initrd /dplane/${e.slot}/${e.initrd}`,
    `options ${[`dplane.slot=${e.slot}`, ...e.options].join(' ')}`,
    '',
  ].join('\n');

const told = (line: string): z.infer<typeof Told> | null => {
  if (!line.startsWith('# dplane ')) return null;
  try {
    const parsed = Told.safeParse(JSON.parse(line.slice('# dplane '.length)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};

/** Why this can't be an entry, in words; null when it can. What is checked before an entry is written, too. */
export const whyNoEntry = (e: BootEntry): string | null => {
  if (!TITLE.test(e.title) || e.title.trim() !== e.title) return 'its title is not a line of printable characters';
  if (parseFileName(e.kernel) !== 'vmlinuz') return `its kernel is not named as ours are: ${e.kernel.slice(0, 80)}`;
  if (parseFileName(e.initrd) !== 'initrd') return `its initrd is not named as ours are: ${e.initrd.slice(0, 80)}`;
  const bad = e.options.find((o) => !OPTION.test(o) || o.startsWith('dplane.slot='));
  if (bad !== undefined) return `its kernel option ${JSON.stringify(bad.slice(0, 80))} is not one word, or names a slot`;
  if (e.options.join(' ').length > MAX_OPTIONS) return `its kernel options are longer than ${MAX_OPTIONS} bytes`;
  if (!Number.isInteger(e.number) || e.number < 1 || e.number > MAX_NUMBER) return 'its number is out of range';
  return null;
};

export const parseEntry = (text: string): Result<BootEntry> => {
  const no = (why: string) => refuse('conflict', 'reading a boot entry', why);
  if (text.length > MAX_ENTRY) return no(`it is longer than ${MAX_ENTRY} bytes`);
  const lines = text.split('\n');
  const value = (i: number, key: string): string => {
    const line = lines[i] ?? '';
    return line.startsWith(`${key} `) ? line.slice(key.length + 1) : '';
  };
  const info = told(lines[0] ?? '');
  if (info === null) return no('its first line does not say which system it starts');
  const { slot, ...system } = info;
  const folder = `/dplane/${slot}/`;
  const inFolder = (path: string): string => (path.startsWith(folder) ? path.slice(folder.length) : path);
  const [named, ...options] = value(6, 'options').split(' ');
  if (named !== `dplane.slot=${slot}`) return no('its kernel options do not begin with its slot');
  const entry: BootEntry = {
    slot,
    number: Number(value(3, 'version')),
    system,
    title: value(1, 'title'),
    kernel: inFolder(value(4, 'linux')),
    initrd: inFolder(value(5, 'initrd')),
    options,
  };
  const why = whyNoEntry(entry);
  if (why !== null) return no(why);
  if (renderEntry(entry) !== text) return no('it holds something that was not written by dplane-ota');
  return ok(entry);
};
