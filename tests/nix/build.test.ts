/**
 * What packages/*.nix say is really built here, with the machine's own tools in place of nixpkgs' (lib/native.nix): the package, byte for byte beside
 * the .deb; slot, disk image and bundle of a system as small as can be, twice, to the same bytes.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { buildDeb } from '../../packages/debian/src/deb.ts';
import { STANDARD } from '../../packages/debian/src/disk.ts';
import { repository } from '../../packages/debian/src/places.ts';
import { Progress } from '../../packages/debian/src/progress.ts';
import { must, run } from '../../packages/lab/src/exec.ts';
import { hashOfPackages } from '../../packages/npm-hashes.ts';
import { KINDS, lockDigest, writePackages } from '../../packages/npm-tree.ts';
import { LIB, notRun, startNix } from './nix.ts';

const nix = await startNix('packages built with Nix');
const scratch = mkdtempSync(join(tmpdir(), 'dplane-built-'));
afterAll(() => {
  nix?.remove();
  rmSync(scratch, { recursive: true });
});
const withNix = test.skipIf(nix === null);
const start = () => nix as NonNullable<typeof nix>;

const npm = join(scratch, 'npm');
const build = (what: string, ...flags: string[]): Promise<string> =>
  start().build(`(import ${LIB}/native.nix { node = "${process.execPath}"; npm = "${npm}"; }).${what}`, ...flags);
beforeAll(() => writePackages('build', repository, npm));

/** Every file below, by its path: contents, or where a link leads. */
const filesOf = (folder: string, below = ''): [string, string][] =>
  readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry): [string, string][] => {
    const path = join(below, entry.name);
    if (entry.isDirectory()) return filesOf(folder, path);
    return [
      [path, entry.isSymbolicLink() ? `-> ${readlinkSync(join(folder, path))}` : readFileSync(join(folder, path)).toString('base64')],
    ];
  });
const differing = (a: string, b: string): string[] => {
  const [left, right] = [new Map(filesOf(a)), new Map(filesOf(b))];
  return [...new Set([...left.keys(), ...right.keys()])].filter((path) => left.get(path) !== right.get(path)).sort();
};

const ofBoth = test.skipIf(nix === null || !existsSync(join(repository, 'ui/dist')) || !existsSync('/usr/bin/dpkg-deb'));

ofBoth('the Nix package and the .deb hold the same units, byte for byte, and the same everything but Node', async () => {
  const deb = await buildDeb(new Progress(), scratch);
  const debian = join(scratch, 'debian');
  await must(['dpkg-deb', '-x', deb, debian], { timeoutMs: 120_000 });
  const built = await build('control');

  for (const folder of ['systemd', 'tmpfiles.d', 'sysusers.d', 'modules-load.d'])
    expect(differing(join(debian, 'usr/lib', folder), join(built, 'lib', folder)), folder).toEqual([]);
  expect(readdirSync(join(built, 'lib/systemd/system')).length).toBeGreaterThan(12);
  // commands refer to where they lie; Node is the distribution's there, nixpkgs' here; the interface of the test is not the real one
  const others = differing(join(debian, 'usr'), built).filter((path) => !path.startsWith('lib/dplaneos/ui/'));
  expect(others).toEqual(['bin/dplane', 'bin/dplane-ota', 'lib/dplaneos/bin/node']);

  // one byte in one unit is noticed
  const changed = join(scratch, 'changed');
  cpSync(join(debian, 'usr/lib/systemd'), changed, { recursive: true });
  writeFileSync(join(changed, 'system/dplaned.service'), '\n', { flag: 'a' });
  expect(differing(changed, join(built, 'lib/systemd'))).toEqual(['system/dplaned.service']);
});

withNix('commands of the Nix package run where they lie', async () => {
  const built = await build('control');
  const r = await run([join(built, 'bin/dplane'), '--help'], { timeoutMs: 60_000 });
  expect(r.exit, r.stderr).toBe(0);
  expect(r.stdout).toContain('dplane');
  const ota = await run([join(await build('ota'), 'bin/dplane-ota'), '--help'], { timeoutMs: 60_000 });
  expect(ota.exit, ota.stderr).toBe(0);
});

withNix('systemd finds nothing wrong with the units of the package', async ({ skip }) => {
  if ((await run(['systemd-analyze', '--version'])).startError !== undefined) {
    notRun('systemd-analyze verify', 'systemd is not installed');
    skip();
  }
  const built = await build('control');
  const units = join(scratch, 'units');
  mkdirSync(units);
  const names = readdirSync(join(built, 'lib/systemd/system')).filter((name) => /\.(service|socket|timer)$/.test(name));
  for (const name of names)
    writeFileSync(
      join(units, name),
      readFileSync(join(built, 'lib/systemd/system', name), 'utf8').replaceAll('/usr/lib/dplaneos', join(built, 'lib/dplaneos')),
    );
  const verify = async (): Promise<string[]> => {
    const r = await run(['systemd-analyze', 'verify', '--man=no', ...names.map((name) => join(units, name))], { timeoutMs: 120_000 });
    return `${r.stdout}${r.stderr}`
      .split('\n')
      .filter((line) => line.includes('dplane') && !/systemd-bless-boot|dplane-.*\.service: Command \/usr\/lib\/systemd/.test(line));
  };
  expect(await verify()).toEqual([]);
  writeFileSync(join(units, 'dplaned.service'), '[Servise]\n', { flag: 'a' });
  expect((await verify()).join('\n')).toMatch(/Servise/);
});

test('npm packages: the recorded hashes are those of the lock file, and of what npm installed here', async ({ skip }) => {
  const Hashes = z.record(z.enum(KINDS), z.record(z.string(), z.string()));
  const recorded = Hashes.parse(JSON.parse(readFileSync(join(repository, 'packages/npm-hashes.json'), 'utf8')));
  for (const kind of KINDS) expect(recorded[kind]?.lock, 'packages changed: npm run nix:hashes').toBe(lockDigest(kind, repository));
  if (nix === null) skip();
  const system = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux';
  for (const kind of KINDS) expect(await hashOfPackages(kind, repository), kind).toBe(recorded[kind]?.[system]);
  // one byte more in one package is another hash
  writeFileSync(join(npm, 'node_modules/zod/package.json'), ' ', { flag: 'a' });
  expect(await must(['nix', '--extra-experimental-features', 'nix-command', 'hash', 'path', '--store', 'dummy://', npm])).not.toContain(
    recorded.build?.[system] ?? '-',
  );
  writePackages('build', repository, npm);
});

test('the table of the NixOS disk is that of the Debian image', () => {
  const table = readFileSync(join(repository, 'disko/table.nix'), 'utf8');
  const rows = [...table.matchAll(/priority = (\d);\s+label = "([a-z-]+)";\s+type = "([0-9A-F]{4})";\s+mib = (\d+|null);/g)];
  expect(rows.map(([, priority, label, type, mib]) => [Number(priority), label, type, mib])).toEqual([
    [1, 'esp', 'EF00', String(STANDARD.espMiB)],
    [2, 'system-a', '8300', String(STANDARD.systemMiB)],
    [3, 'system-b', '8300', String(STANDARD.systemMiB)],
    [4, 'persist', '8300', 'null'],
  ]);
});

const tools = ['mkfs.ext4', 'mkfs.vfat', 'sgdisk', 'mcopy', 'fakeroot', 'faketime', 'zstd', 'debugfs'];
const lacking = tools.filter((tool) => !['/usr/bin', '/usr/sbin', '/bin', '/sbin'].some((folder) => existsSync(join(folder, tool))));
if (lacking.length > 0) notRun('slot and disk image built with Nix', `not installed: ${lacking.join(', ')}`);
const withTools = test.skipIf(nix === null || lacking.length > 0);

withTools('slot: the store as an ext4, what starts it, what it is; the same bytes twice', async () => {
  const slot = await build('slot { }');
  expect(readdirSync(slot).sort()).toEqual(['initrd', 'kernel', 'kernel-params', 'slot.img', 'system.json']);
  const params = readFileSync(join(slot, 'kernel-params'), 'utf8');
  const toplevel = /^init=(\S+)\/init panic=5 quiet\n$/.exec(params)?.[1] ?? '';
  expect(JSON.parse(readFileSync(join(slot, 'system.json'), 'utf8'))).toMatchObject({
    product: 'dplaneos',
    zfs: '2.3.7',
    poolFeatures: ['async_destroy', 'zstd_compress'],
  });
  const debugfs = (command: string): Promise<string> => must(['debugfs', '-R', command, join(slot, 'slot.img')]);
  expect(await debugfs('ls -p /store')).toContain(toplevel.split('/').at(-1));
  expect(await debugfs('stat /var/nix/profiles/system')).toContain('system-1-link');
  expect(await debugfs('cat /nix-path-registration')).toContain(toplevel);
  await must(['e2fsck', '-fn', join(slot, 'slot.img')]);
  await build('slot { }', '--check');
});

withTools('a system that does not fit into a slot is refused when the image is built', async () => {
  await expect(build('slot { slotMiB = 160; }')).rejects.toThrow(
    /the system has \d+ MiB and takes \d+ MiB as a file system, but a slot has 160 MiB[\s\S]*systemMiB of disko\/ab\.nix/,
  );
  await build('slot { slotMiB = 224; }');
});

withTools('disk image: the table, the labels, a boot partition that dplane-ota takes for its own; the same bytes twice', async () => {
  const image = await build('image');
  const [packed = ''] = readdirSync(image).filter((name) => name.endsWith('.img.zst'));
  await must(['sha256sum', '-c', `${packed}.sha256`], { cwd: image });
  const disk = join(scratch, 'disk.img');
  await must(['zstd', '-dq', '--sparse', join(image, packed), '-o', disk]);
  const table = await must(['sgdisk', '-p', disk]);
  for (const label of ['esp', 'system-a', 'system-b', 'persist']) expect(table).toMatch(new RegExp(`\\s${label}$`, 'm'));
  await must(['sgdisk', '-v', disk]);

  const esp = `${disk}@@1M`;
  expect(await must(['mdir', '-b', '-i', esp, '::/loader/entries'])).toContain('dplane-a-1.conf');
  const entry = await must(['mtype', '-i', esp, '::/loader/entries/dplane-a-1.conf']);
  expect(entry).toMatch(/^options dplane\.slot=a init=\S+\/init panic=5 quiet$/m);
  expect(await must(['mdir', '-b', '-i', esp, '::/EFI/BOOT'])).toMatch(/BOOT(X64|AA64)\.EFI/);
  // slot A begins where the table says
  const superblock = execFileSync('dd', [`if=${disk}`, 'bs=1M', 'skip=65', 'count=1', 'status=none']);
  expect(superblock.subarray(0x438, 0x43a).toString('hex')).toBe('53ef');
  await build('image', '--check');
});

withTools('the bundle of that slot is one that dplane-ota reads, unsigned as it is', async () => {
  const bundle = await build('bundle');
  expect(statSync(bundle).size).toBeGreaterThan(1000);
  const manifest = JSON.parse(await must(['tar', 'xOf', bundle, 'manifest.json']));
  expect(manifest).toMatchObject({ system: { version: '0.1.0', index: 1_767_225_600 } });
});

withTools(
  'the release: image and update beside each other, signed by the key that is given; whoever changes a byte is found out',
  async () => {
    const [release, ota, folder] = [await build('release'), join(await build('ota'), 'bin/dplane-ota'), join(scratch, 'release')];
    const [key, pass] = [join(scratch, 'release.key'), join(scratch, 'passphrase')];
    writeFileSync(pass, 'five random words do well\n');
    await must([ota, 'keygen', key, '--passphrase-file', pass]);
    await must([join(release, 'bin/dplaneos-release'), folder, '--key', key, '--passphrase-file', pass], { timeoutMs: 120_000 });
    const names = readdirSync(folder).sort();
    expect(names).toEqual([
      expect.stringMatching(/^dplaneos-0\.1\.0-\S+\.bundle$/),
      expect.stringMatching(/^dplaneos-0\.1\.0-\S+\.img\.zst$/),
      `${names[1]}.sha256`,
      `${names[1]}.sig`,
    ]);
    const [bundle, image] = [join(folder, names[0] ?? ''), join(folder, names[1] ?? '')];
    const trusted = ['--public-key', `${key}.pem`];
    await must([ota, 'verify', bundle, ...trusted], { timeoutMs: 60_000 });
    await must([ota, 'verify-file', image, ...trusted], { timeoutMs: 60_000 });
    writeFileSync(image, 'x', { flag: 'a' });
    expect((await run([ota, 'verify-file', image, ...trusted], { timeoutMs: 60_000 })).exit).toBe(1);
  },
);
