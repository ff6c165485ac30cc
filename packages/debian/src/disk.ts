/**
 * Puts a slot on a disk image: GPT with esp, system-a, system-b, persist. No loop devices and no root: every file system is made
 * in a file of its own and copied to its place, holes left out. Both slots hold the same system; slot A is the one that boots.
 */
import { existsSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import { architecture } from './places.ts';
import type { Progress } from './progress.ts';
import type { Slot } from './slot.ts';

const MiB = 1024 * 1024;

export interface Layout {
  readonly espMiB: number;
  readonly systemMiB: number;
  readonly persistMiB: number;
}

/** By the book; the file is sparse, so this costs what is in it. */
export const STANDARD: Layout = { espMiB: 1024, systemMiB: 8192, persistMiB: 8192 };

export const KERNEL_OPTIONS = ['ro', 'quiet', 'panic=5', 'audit=0', 'systemd.show_status=0', 'console=tty0', 'console=ttyS0,115200'];

export async function buildDisk(slot: Slot, progress: Progress, layout: Layout = STANDARD): Promise<string> {
  const disk = join(slot.folder, `disk-${layout.espMiB}-${layout.systemMiB}-${layout.persistMiB}.img`);
  if (existsSync(disk)) return disk;
  await progress.step('disk image', async () => {
    const work = `${disk}.parts`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    const image = `${disk}.new`;
    const starts = await partition(image, layout);
    const parts = [
      await makeEsp(work, slot, layout),
      join(slot.folder, 'slot.erofs'),
      join(slot.folder, 'slot.erofs'),
      await makePersist(work, layout),
    ];
    for (const [index, part] of parts.entries()) {
      await must(['dd', `if=${part}`, `of=${image}`, 'bs=1M', `seek=${starts[index] ?? 0}`, 'conv=notrunc,sparse', 'status=none'], {
        timeoutMs: 300_000,
      });
    }
    rmSync(work, { recursive: true });
    renameSync(image, disk);
  });
  return disk;
}

/** Puts a newer slot on a disk that is in use: slot A and the ESP are written anew, persist is not touched. */
export async function renewSlot(slot: Slot, disk: string, progress: Progress, layout: Layout = STANDARD): Promise<void> {
  await progress.step('newer slot, same data', async () => {
    const work = `${disk}.parts`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    const parts = [await makeEsp(work, slot, layout), join(slot.folder, 'slot.erofs')];
    for (const [index, part] of parts.entries()) {
      const seek = index === 0 ? 1 : 1 + layout.espMiB;
      await must(['dd', `if=${part}`, `of=${disk}`, 'bs=1M', `seek=${seek}`, 'conv=notrunc', 'status=none'], { timeoutMs: 300_000 });
    }
    rmSync(work, { recursive: true });
  });
}

/** Makes the table; gives each partition's start in MiB. */
async function partition(image: string, layout: Layout): Promise<number[]> {
  const sizes = [layout.espMiB, layout.systemMiB, layout.systemMiB, layout.persistMiB];
  const starts: number[] = [];
  let next = 1;
  for (const size of sizes) {
    starts.push(next);
    next += size;
  }
  rmSync(image, { force: true });
  writeFileSync(image, '');
  truncateSync(image, (next + 1) * MiB);
  // not the "root" types of the discoverable partitions specification: nothing but our initrd picks a root
  const types = ['ef00', '8300', '8300', '8300'];
  const names = ['esp', 'system-a', 'system-b', 'persist'];
  const fixed = (n: number) => `0d91a9e0-0000-4000-8000-00000000000${n}`;
  const argv = names.flatMap((name, i) => [
    `--new=${i + 1}:${starts[i]}M:+${sizes[i]}M`,
    `--typecode=${i + 1}:${types[i]}`,
    `--change-name=${i + 1}:${name}`,
    `--partition-guid=${i + 1}:${fixed(i + 1)}`,
  ]);
  await must(['sgdisk', '--set-alignment=2048', ...argv, `--disk-guid=${fixed(0)}`, image]);
  return starts;
}

/** The first entry of slot A is born confirmed: there is nothing to fall back to yet. */
export function bootEntry(slot: 'a' | 'b', version: number): string {
  const lines = [
    `title D-PlaneOS (slot ${slot})`,
    'sort-key dplane',
    `version ${version}`,
    `linux /dplane/${slot}/vmlinuz`,
    `initrd /dplane/${slot}/initrd`,
    `options dplane.slot=${slot} ${KERNEL_OPTIONS.join(' ')}`,
  ];
  return `${lines.join('\n')}\n`;
}

async function makeEsp(work: string, slot: Slot, layout: Layout): Promise<string> {
  const esp = join(work, 'esp');
  writeFileSync(esp, '');
  truncateSync(esp, layout.espMiB * MiB);
  await must(['mkfs.vfat', '-F', '32', '-n', 'ESP', '-i', '0d91a9e0', esp]);
  const put = (from: string, to: string) => must(['mcopy', '-i', esp, from, `::${to}`]);
  for (const folder of ['EFI', 'EFI/BOOT', 'EFI/systemd', 'loader', 'loader/entries', 'dplane', 'dplane/a', 'dplane/b']) {
    await must(['mmd', '-i', esp, `::${folder}`]);
  }
  const loader = architecture === 'arm64' ? ['systemd-bootaa64.efi', 'BOOTAA64.EFI'] : ['systemd-bootx64.efi', 'BOOTX64.EFI'];
  await put(join(slot.folder, 'efi', loader[0] ?? ''), `EFI/BOOT/${loader[1]}`);
  const write = async (to: string, text: string) => {
    const file = join(work, 'text');
    writeFileSync(file, text);
    await put(file, to);
  };
  await write('loader/loader.conf', 'timeout 0\nconsole-mode keep\neditor no\n');
  await write('loader/entries/dplane-a.conf', bootEntry('a', 1));
  for (const name of ['vmlinuz', 'initrd']) await put(join(slot.folder, name), `dplane/a/${name}`);
  return esp;
}

async function makePersist(work: string, layout: Layout): Promise<string> {
  const persist = join(work, 'persist');
  writeFileSync(persist, '');
  truncateSync(persist, layout.persistMiB * MiB);
  await must(['mkfs.ext4', '-q', '-L', 'persist', '-E', 'lazy_itable_init=1', persist]);
  return persist;
}
