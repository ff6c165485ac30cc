/**
 * The two Debian trees the image is made from, both built without root in a user namespace and kept in the cache:
 * the base system (a tar) and the OpenZFS kernel module (a tar), the latter compiled natively in a throw-away tree.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import { cacheFolder, debianMirror, fingerprint } from './places.ts';
import type { Progress } from './progress.ts';

export const SUITE = 'trixie';
const MINUTE = 60_000;

/** What the appliance consists of, besides our own package (whose dependencies are the same names). */
export const BASE_PACKAGES = [
  ...['systemd', 'systemd-sysv', 'systemd-boot', 'systemd-boot-efi', 'udev', 'dbus', 'kmod', 'busybox', 'zstd'],
  ...['linux-image-amd64', 'zfsutils-linux', 'zfs-zed', 'e2fsprogs', 'dosfstools', 'erofs-utils', 'cryptsetup-bin'],
  ...[
    'samba',
    'samba-vfs-modules',
    'libnss-systemd',
    'avahi-daemon',
    'wsdd2',
    'nfs-kernel-server',
    'openssh-server',
    'smartmontools',
    'iproute2',
    'attr',
    'acl',
  ],
  ...['ca-certificates', 'systemd-timesyncd', 'systemd-resolved', 'initramfs-tools', 'libcap2-bin'],
];

const APT = [
  ...['Acquire::Check-Valid-Until', 'Acquire::Check-Date', 'APT::Install-Recommends'].map((key) => `${key} "false"`),
  'Acquire::Languages "none"',
  'Acquire::Retries "3"',
].map((option) => `--aptopt=${option}`);
const DPKG = [
  ...['man', 'locale', 'info', 'doc', 'lintian', 'bug'].map((folder) => `path-exclude=/usr/share/${folder}/*`),
  'path-include=/usr/share/doc/*/copyright',
  'force-unsafe-io',
  'force-confold',
].map((option) => `--dpkgopt=${option}`);

export interface Base {
  readonly tar: string;
  readonly kernel: string;
  readonly zfs: string;
  /** name=version of every package, sorted: what an image's contents depend on besides the repository. */
  readonly packages: readonly string[];
  readonly fingerprint: string;
}

export function mmdebstrap(extra: readonly string[]): string[] {
  const keyring = '--keyring=/usr/share/keyrings';
  return ['mmdebstrap', '--mode=unshare', '--variant=apt', keyring, ...APT, ...DPKG, ...extra];
}

export function source(suite = SUITE): string {
  return `deb ${debianMirror()} ${suite} main contrib`;
}

/** The base system; built when the recipe has changed or `refresh` asks for newer packages. */
export async function baseSystem(progress: Progress, refresh = false): Promise<Base> {
  const recipe = fingerprint(SUITE, BASE_PACKAGES, APT, DPKG, 1);
  const tar = join(cacheFolder(), `base-${recipe}.tar`);
  const described = `${tar}.json`;
  if (refresh || !existsSync(described)) {
    mkdirSync(cacheFolder(), { recursive: true });
    const work = `${tar}.new`;
    await progress.step('Debian base system (once)', async (tell) => {
      const noInitrd =
        'mkdir -p "$1/etc/initramfs-tools/conf.d"; echo update_initramfs=no > "$1/etc/initramfs-tools/update-initramfs.conf"';
      const list = `dpkg-query --root="$1" -W -f='\${Package}=\${Version}\\n' > "$1/packages.txt"; ls "$1/usr/lib/modules" > "$1/kernel.txt"`;
      const argv = mmdebstrap([
        `--include=${BASE_PACKAGES.join(',')}`,
        `--essential-hook=${noInitrd}`,
        `--customize-hook=${list}`,
        `--customize-hook=download /packages.txt ${work}.packages`,
        `--customize-hook=download /kernel.txt ${work}.kernel`,
        '--customize-hook=rm "$1/packages.txt" "$1/kernel.txt"',
        '--format=tar',
        SUITE,
        work,
        source(),
      ]);
      await must(argv, { timeoutMs: 20 * MINUTE, onOutput: tell });
    });
    const packages = readFileSync(`${work}.packages`, 'utf8').trim().split('\n').sort();
    const kernel = readFileSync(`${work}.kernel`, 'utf8').trim().split('\n').at(-1) ?? '';
    const zfs = packages.find((entry) => entry.startsWith('zfsutils-linux='))?.split('=')[1] ?? '';
    const base: Base = { tar, kernel, zfs, packages, fingerprint: fingerprint(recipe, packages) };
    rmSync(`${work}.packages`);
    rmSync(`${work}.kernel`);
    renameSync(work, tar);
    writeFileSync(`${described}.new`, `${JSON.stringify(base, null, 1)}\n`);
    renameSync(`${described}.new`, described);
  }
  // Ours, written by the lines above and renamed into place whole.
  return { ...(JSON.parse(readFileSync(described, 'utf8')) as Base), tar };
}

/** A tar of zfs.ko and spl.ko for exactly this kernel and this OpenZFS. */
export async function zfsModule(base: Base, progress: Progress): Promise<string> {
  const tar = join(cacheFolder(), `zfs-module-${base.kernel}-${base.zfs}.tar`);
  if (existsSync(tar)) return tar;
  await progress.step(`OpenZFS ${base.zfs} for ${base.kernel} (once)`, async (tell) => {
    const install = `chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends zfs-dkms=${base.zfs}`;
    const pack = `tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1 -cf "$1/module.tar" usr/lib/modules/${base.kernel}/updates`;
    const argv = mmdebstrap([
      `--include=linux-headers-${base.kernel},build-essential,dkms`,
      `--customize-hook=${install}`,
      `--customize-hook=${pack}`,
      `--customize-hook=download /module.tar ${tar}.new`,
      '--format=null',
      SUITE,
      '-',
      source(),
    ]);
    await must(argv, { timeoutMs: 60 * MINUTE, onOutput: tell });
  });
  renameSync(`${tar}.new`, tar);
  return tar;
}
