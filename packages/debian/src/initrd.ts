/** The initrd of a slot: busybox, e2fsck, the kernel modules a root needs, and `image/init`. About 4 MB, no udev, no systemd. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import { repository } from './places.ts';

const APPLETS = [
  'sh',
  'mount',
  'umount',
  'modprobe',
  'switch_root',
  'sleep',
  'mkdir',
  'rm',
  'mv',
  'cp',
  'cat',
  'grep',
  'sort',
  'head',
  'tr',
  'sync',
  'reboot',
];
const MODULES = [
  ...['crc32c_generic', 'crc32c_intel', 'virtio_blk', 'virtio_pci', 'erofs', 'overlay', 'ext4'],
  ...['nvme', 'ahci', 'ata_piix', 'sd_mod', 'virtio_scsi', 'usb_storage', 'uas', 'xhci_pci', 'ehci_pci', 'mmc_block', 'sdhci_pci'],
  ...['i6300esb', 'iTCO_wdt', 'sp5100_tco'],
  ...['efivarfs', 'vfat', 'nls_cp437', 'nls_ascii'],
];

/** `tree` is the system's root folder; must run as root of a namespace. Writes the initrd to `out`. */
export async function makeInitrd(tree: string, kernel: string, out: string): Promise<void> {
  const build = `${out}.tree`;
  rmSync(build, { recursive: true, force: true });
  for (const folder of ['bin', 'dev', 'proc', 'sys', 'slot', 'layer', 'root', 'usr/lib'])
    mkdirSync(join(build, folder), { recursive: true });
  symlinkSync('usr/lib', join(build, 'lib'));
  symlinkSync('usr/lib64', join(build, 'lib64'));
  copyFileSync(join(repository, 'packages/debian/image/init'), join(build, 'init'));
  chmodSync(join(build, 'init'), 0o755);
  const persist = await must(['grep', '-E', '^[df] /', join(repository, 'packages/persist.list')]);
  writeFileSync(join(build, 'persist.list'), persist);

  await addProgram(tree, build, '/usr/bin/busybox');
  await addProgram(tree, build, '/usr/sbin/e2fsck');
  for (const name of APPLETS) symlinkSync('busybox', join(build, 'bin', name));

  const wanted = await must(['chroot', tree, 'modprobe', '-q', '-S', kernel, '-D', '-a', ...MODULES]);
  const modules = new Set(
    wanted
      .split('\n')
      .filter((line) => line.startsWith('insmod '))
      .map((line) => line.split(' ')[1]?.replace(/^\/(usr\/)?lib\//, 'usr/lib/') ?? ''),
  );
  for (const path of modules) await addModule(tree, build, path);
  const folder = join('usr/lib/modules', kernel);
  for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
    copyFileSync(join(tree, folder, name), join(build, folder, name));
  await must(['depmod', '-b', build, '-a', kernel]);
  for (const name of readdirSync(join(build, folder))) {
    if (/^modules\.(.*\.bin|symbols|builtin\.modinfo|softdep|devname|order)$/.test(name)) rmSync(join(build, folder, name));
  }

  const names = (await must(['find', '.'], { cwd: build })).trim().split('\n').sort();
  await must(['find', '.', '-exec', 'touch', '-h', '-d', '@0', '{}', '+'], { cwd: build });
  const cpio = ['cpio', '--quiet', '-o', '-H', 'newc', '--reproducible', '-R', '0:0', '-F', `${out}.cpio`];
  await must(cpio, { cwd: build, input: `${names.join('\n')}\n` });
  await must(['zstd', '-q', '-f', '-9', `${out}.cpio`, '-o', out]);
  rmSync(`${out}.cpio`);
  rmSync(build, { recursive: true });
}

/** A program and the libraries it is linked with. */
async function addProgram(tree: string, build: string, program: string): Promise<void> {
  copyFileSync(join(tree, program), join(build, 'bin', program.split('/').at(-1) ?? ''));
  const linked = await must(['chroot', tree, 'ldd', program]);
  for (const found of linked.matchAll(/(\/(?:usr\/)?lib\S+)/g)) {
    const library = (found[1] ?? '').replace(/^\/lib/, '/usr/lib');
    const target = join(build, library);
    if (existsSync(target)) continue;
    mkdirSync(dirname(target), { recursive: true });
    const file = (await must(['chroot', tree, 'realpath', library])).trim();
    copyFileSync(join(tree, file), target);
  }
}

/** Modules are stored unpacked: the whole initrd is compressed once, and busybox need not know xz. */
async function addModule(tree: string, build: string, path: string): Promise<void> {
  const target = join(build, path.replace(/\.(xz|zst)$/, ''));
  mkdirSync(dirname(target), { recursive: true });
  const copy = join(build, relative('/', `/${path}`));
  copyFileSync(join(tree, path), copy);
  if (path.endsWith('.xz')) await must(['xz', '-d', '-f', copy]);
  if (path.endsWith('.zst')) await must(['zstd', '-q', '-d', '-f', '--rm', copy]);
}
