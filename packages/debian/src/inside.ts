/**
 * The part of the image build that must be root of its own user namespace: unpack, install our package, configure, pack.
 * Started by slot.ts through unshare(1); argument: a JSON file with a Job. Touches nothing outside `job.work`.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import type { SystemInfo } from '../../../control/src/domain/slot/slot.ts';
import { makeInitrd } from './initrd.ts';
import { repository } from './places.ts';

export interface Job {
  readonly base: string;
  readonly module: string;
  readonly deb: string | null;
  readonly system: SystemInfo;
  readonly work: string;
  readonly out: string;
  readonly epoch: number;
}

/** Neither wanted on an appliance nor silenced by the preset: they rewrite what the image already has, or wait for nothing. */
const MASKED = [
  ...['systemd-firstboot.service', 'systemd-machine-id-commit.service', 'systemd-hwdb-update.service', 'ldconfig.service'],
  ...[
    'systemd-journal-catalog-update.service',
    'systemd-update-done.service',
    'systemd-udev-settle.service',
    'systemd-hibernate-clear.service',
  ],
  ...[
    'zfs-import-scan.service',
    'zfs-import-cache.service',
    'zfs-mount.service',
    'zfs-share.service',
    'nmbd.service',
    'samba-ad-dc.service',
  ],
  // each costs a process or a mount at every start, and nothing here uses it
  ...['systemd-binfmt.service', 'proc-sys-fs-binfmt_misc.automount', 'systemd-network-generator.service', 'dev-hugepages.mount'],
  ...['dev-mqueue.mount', 'sys-kernel-debug.mount', 'sys-kernel-tracing.mount', 'sys-fs-fuse-connections.mount'],
];
const GENERATORS = [
  'systemd-ssh-generator',
  'zfs-mount-generator',
  'systemd-gpt-auto-generator',
  'systemd-sysv-generator',
  'systemd-hibernate-resume-generator',
];
/** Differ from one build to the next, or are of no use in a read-only root. */
const LEFT_OUT = [
  ...['boot', 'dev', 'proc', 'sys', 'run', 'tmp', 'var/tmp', 'var/log', 'var/cache', 'var/lib/apt/lists', 'var/lib/systemd'],
  ...['etc/ssh/host-keys'],
];

async function build(job: Job): Promise<void> {
  const tree = join(job.work, 'tree');
  mkdirSync(tree, { recursive: true });
  await must(['tar', '-C', tree, '--exclude=./dev/*', '-xpf', job.base], { timeoutMs: 300_000 });
  await must(['tar', '-C', tree, '-xpf', job.module]);
  await must(['chroot', tree, 'depmod', '-a', job.system.kernel]);
  cpSync(join(repository, 'packages/debian/image/files'), tree, { recursive: true });
  await must(['mount', '--rbind', '/dev', join(tree, 'dev')]);
  await must(['mount', '-t', 'proc', 'proc', join(tree, 'proc')]);

  await must(['chroot', tree, 'systemd-sysusers']);
  if (job.deb !== null) {
    cpSync(job.deb, join(tree, 'dplaneos.deb'));
    await must(['chroot', tree, 'env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', '-i', '/dplaneos.deb'], { timeoutMs: 300_000 });
    rmSync(join(tree, 'dplaneos.deb'));
  }
  describe(tree, job);
  await must(['chroot', tree, 'systemctl', 'preset-all']);
  const system = join(tree, 'etc/systemd/system');
  for (const unit of MASKED) replaceLink('/dev/null', join(system, unit));
  mkdirSync(join(tree, 'etc/systemd/system-generators'), { recursive: true });
  for (const name of GENERATORS) replaceLink('/dev/null', join(tree, 'etc/systemd/system-generators', name));
  tidy(tree, job.epoch);

  await makeInitrd(tree, job.system.kernel, join(job.out, 'initrd'));
  copyFileSync(join(tree, 'boot', `vmlinuz-${job.system.kernel}`), join(job.out, 'vmlinuz'));
  cpSync(join(tree, 'usr/lib/systemd/boot/efi'), join(job.out, 'efi'), { recursive: true });

  // mkfs.erofs looks into excluded folders too, and not everything in /proc may be looked into
  for (const folder of ['proc', 'dev']) await must(['umount', '-l', join(tree, folder)]);
  mkdirSync(join(tree, 'run/out'), { recursive: true });
  await must(['mount', '--bind', job.out, join(tree, 'run/out')]);
  await packErofs(tree, job.epoch);
}

/** What this system is, for the verdict and for whoever replaces it; and what its OpenZFS knows, for the bundle. */
function describe(tree: string, job: Job): void {
  const home = join(tree, 'usr/lib/dplaneos');
  mkdirSync(join(home, 'keys'), { recursive: true });
  writeFileSync(join(home, 'system.json'), `${JSON.stringify(job.system)}\n`);
  // the release of OpenZFS, without the patch level: the package comes with one list of features for each
  const release = /^\d+\.\d+/.exec(job.system.zfs)?.[0] ?? '';
  const features = readFileSync(join(tree, `usr/share/zfs/compatibility.d/openzfs-${release}-linux`), 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
  writeFileSync(join(job.out, 'pool-features'), `${features.sort().join('\n')}\n`);
}

/** With the erofs-utils of the image itself, so that the host's version does not matter. */
async function packErofs(tree: string, epoch: number): Promise<void> {
  const excluded = LEFT_OUT.map((folder) => `--exclude-regex=^${folder}/.*`);
  const fixed = [`-T${epoch}`, '-U00000000-0000-0000-0000-000000000000', '-zlz4hc,9', '-C65536', '--quiet'];
  await must(['chroot', tree, 'mkfs.erofs', ...fixed, ...excluded, '/run/out/slot.erofs', '/'], { timeoutMs: 600_000 });
}

function replaceLink(target: string, path: string): void {
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function tidy(tree: string, epoch: number): void {
  for (const name of readdirSync(join(tree, 'etc/ssh'))) if (/^ssh_host_/.test(name)) rmSync(join(tree, 'etc/ssh', name));
  for (const name of ['var/lib/dbus/machine-id', 'etc/hostname', 'etc/resolv.conf', 'usr/share/bug'])
    rmSync(join(tree, name), { force: true, recursive: true });
  for (const name of readdirSync(join(tree, 'etc')))
    if (/^(passwd|group|shadow|gshadow|subuid|subgid)-$/.test(name)) rmSync(join(tree, 'etc', name));
  for (const name of readdirSync(join(tree, 'var/lib/dpkg'))) if (/-old$|^lock/.test(name)) rmSync(join(tree, 'var/lib/dpkg', name));
  rmSync(join(tree, 'etc/apt/sources.list'), { force: true });
  rmSync(join(tree, 'etc/apt/sources.list.d'), { force: true, recursive: true });
  writeFileSync(join(tree, 'etc/machine-id'), '');
  writeFileSync(join(tree, 'etc/hostid'), '');
  writeFileSync(join(tree, 'etc/hostname'), 'dplane\n');
  writeFileSync(join(tree, 'etc/hosts'), '127.0.0.1 localhost dplane\n::1 localhost dplane\n');
  symlinkSync('/run/systemd/resolve/resolv.conf', join(tree, 'etc/resolv.conf'));
  for (const folder of ['persist', 'boot', 'etc/ssh/host-keys', 'var/lib/dplane']) mkdirSync(join(tree, folder), { recursive: true });
  const day = Math.floor(epoch / 86_400);
  const shadow = join(tree, 'etc/shadow');
  const lines = readFileSync(shadow, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^([^:]*:[^:]*):\d*:/, `$1:${day}:`));
  writeFileSync(shadow, `${lines.join('\n')}\n`);
}

const [file] = process.argv.slice(2);
if (file === undefined || !existsSync(file)) throw new Error('inside.ts is started by slot.ts');
// Written by slot.ts a moment ago.
await build(JSON.parse(readFileSync(file, 'utf8')) as Job);
