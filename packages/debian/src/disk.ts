/**
 * Puts a slot on a disk image: GPT with esp, system-a, system-b, persist. No loop devices and no root: every file system is made
 * in a file of its own and copied to its place, holes left out. Slot A holds the system and is born confirmed, since there is nothing to
 * fall back to yet; slot B is empty until the first update.
 */
import { existsSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import { writeEsp } from '../../esp.ts';
import { alone } from './alone.ts';
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
  if (!existsSync(disk)) await alone(`${disk}.lock`, progress, () => build(disk, slot, progress, layout));
  return disk;
}

async function build(disk: string, slot: Slot, progress: Progress, layout: Layout): Promise<void> {
  if (existsSync(disk)) return;
  await progress.step('disk image', async () => {
    const work = `${disk}.parts`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    const image = `${disk}.new`;
    const starts = await partition(image, layout);
    const parts = [await makeEsp(work, slot, layout), join(slot.folder, 'slot.erofs'), null, await makePersist(work, layout)];
    for (const [index, part] of parts.entries()) {
      if (part === null) continue;
      await must(['dd', `if=${part}`, `of=${image}`, 'bs=1M', `seek=${starts[index] ?? 0}`, 'conv=notrunc,sparse', 'status=none'], {
        timeoutMs: 300_000,
      });
    }
    rmSync(work, { recursive: true });
    renameSync(image, disk);
  });
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

async function makeEsp(work: string, slot: Slot, layout: Layout): Promise<string> {
  const folder = join(work, 'esp.d');
  await writeEsp(folder, {
    ...{ kernel: join(slot.folder, 'vmlinuz'), initrd: join(slot.folder, 'initrd'), system: slot.system, options: KERNEL_OPTIONS },
    loader: join(slot.folder, 'efi', architecture === 'arm64' ? 'systemd-bootaa64.efi' : 'systemd-bootx64.efi'),
  });
  const esp = join(work, 'esp');
  writeFileSync(esp, '');
  truncateSync(esp, layout.espMiB * MiB);
  await must(['mkfs.vfat', '-F', '32', '-n', 'ESP', '-i', '0d91a9e0', esp]);
  await must(['mcopy', '-s', '-i', esp, ...['EFI', 'loader', 'dplane'].map((name) => join(folder, name)), '::']);
  return esp;
}

async function makePersist(work: string, layout: Layout): Promise<string> {
  const persist = join(work, 'persist');
  writeFileSync(persist, '');
  truncateSync(persist, layout.persistMiB * MiB);
  await must(['mkfs.ext4', '-q', '-L', 'persist', '-E', 'lazy_itable_init=1', persist]);
  return persist;
}
