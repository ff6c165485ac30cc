/**
 * The boot partition of a new disk, as a folder: boot loader, kernel and initrd of slot A, and its entry, born confirmed since there is nothing
 * to fall back to yet. The Debian image and the NixOS image are both made from it. Imports nothing from npm but what `ota` does.
 *
 *   node packages/esp.ts --out DIR --kernel FILE --initrd FILE --system FILE --options-file FILE --loader FILE
 */
import { createHash } from 'node:crypto';
import { copyFileSync, createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SystemInfo } from '../control/src/domain/slot/slot.ts';
import { type BootEntry, entryFileName, fileNameOf, renderEntry, titleOf } from '../ota/src/slots/entry.ts';

export type EspParts = {
  readonly kernel: string;
  readonly initrd: string;
  readonly system: SystemInfo;
  readonly options: readonly string[];
  /** systemd-boot for this processor. */
  readonly loader: string;
};

export async function writeEsp(out: string, parts: EspParts): Promise<void> {
  for (const folder of ['EFI/BOOT', 'EFI/systemd', 'loader/entries', 'dplane/a', 'dplane/b'])
    mkdirSync(join(out, folder), { recursive: true });
  copyFileSync(parts.loader, join(out, 'EFI/BOOT', parts.system.arch === 'aarch64' ? 'BOOTAA64.EFI' : 'BOOTX64.EFI'));
  // the menu is there for as long as it takes to press a key: it is the way back when no browser is at hand
  writeFileSync(join(out, 'loader/loader.conf'), 'timeout 2\nconsole-mode keep\neditor no\n');
  const kernel = fileNameOf(await sha512(parts.kernel), 'vmlinuz');
  const initrd = fileNameOf(await sha512(parts.initrd), 'initrd');
  copyFileSync(parts.kernel, join(out, 'dplane/a', kernel));
  copyFileSync(parts.initrd, join(out, 'dplane/a', initrd));
  const entry: BootEntry = {
    ...{ slot: 'a', number: 1, system: parts.system, title: titleOf(parts.system, 'a') },
    ...{ kernel, initrd, options: parts.options },
  };
  writeFileSync(join(out, 'loader/entries', entryFileName({ slot: 'a', number: entry.number, tries: null })), renderEntry(entry));
}

async function sha512(path: string): Promise<string> {
  const hash = createHash('sha512');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}

if (import.meta.main) {
  const option = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { out: option, kernel: option, initrd: option, system: option, 'options-file': option, loader: option },
  });
  const { out, kernel, initrd, system, 'options-file': options, loader } = values;
  if (!out || !kernel || !initrd || !system || !options || !loader)
    throw new Error('usage: node packages/esp.ts --out DIR --kernel FILE --initrd FILE --system FILE --options-file FILE --loader FILE');
  await writeEsp(out, {
    ...{ kernel, initrd, loader },
    system: SystemInfo.parse(JSON.parse(readFileSync(system, 'utf8'))),
    options: readFileSync(options, 'utf8')
      .split(/\s+/)
      .filter((word) => word !== ''),
  });
}
