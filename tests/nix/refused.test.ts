/** What must not become a system: refused at evaluation, in words that say what to do. Each beside the same machine as it should be, which is taken. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { repository } from '../../packages/debian/src/places.ts';
import { startNix } from './nix.ts';

const nix = await startNix('what the modules refuse');
const files = mkdtempSync(join(tmpdir(), 'dplane-nix-files-'));
afterAll(() => {
  nix?.remove();
  rmSync(files, { recursive: true });
});
const withNix = test.skipIf(nix === null);
const start = () => nix as NonNullable<typeof nix>;

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleExam ada@desk';
const machine = (settings: string, base = `networking.hostId = "5c1de0a7"; services.dplaneos.sshKeys = [ "${KEY}" ];`): string =>
  `view (h.nixosSystem { modules = [ h.flake.nixosModules.appliance { nixpkgs.hostPlatform = "x86_64-linux"; ${base} } ({ pkgs, lib, ... }: { ${settings} }) ]; })`;
const pool = (disk: string): string =>
  `services.dplaneos.state.pools = [ { name = "tank"; vdevs = [ { kind = "stripe"; disks = [ "${disk}" ]; } ]; } ];`;
const host = (id: string): string =>
  `{ networking.hostId = "${id}"; nixpkgs.hostPlatform = "x86_64-linux"; services.dplaneos.sshKeys = [ "${KEY}" ]; }`;

withNix('the machine that the others differ from is taken', async () => {
  await start().evaluate(machine(''));
});

const file = (name: string, text: string): string => {
  writeFileSync(join(files, name), text);
  return join(files, name);
};
const kept = readFileSync(join(repository, 'packages/persist.list'), 'utf8');

/** What, why it is refused, the expression, and the same one put right. */
const CASES: readonly (readonly [string, RegExp, string, string])[] = [
  [
    'a pool disk by a name that moves',
    /a disk of a pool in services\.dplaneos\.state is "\/dev\/sda".*\/dev\/disk\/by-id/,
    `(h.nixosSystem { modules = [ h.flake.nixosModules.appliance ${host('5c1de0a7')} { ${pool('/dev/sda')} } ]; }).config.services.dplaneos.state`,
    `(h.nixosSystem { modules = [ h.flake.nixosModules.appliance ${host('5c1de0a7')} { ${pool('/dev/disk/by-id/ata-X_1')} } ]; }).config.services.dplaneos.state`,
  ],
  [
    'a system disk by a name that moves',
    /the disk to install on is "\/dev\/sda".*everything on it is deleted.*\/dev\/disk\/by-id/,
    'h.flake.lib.disk { device = "/dev/sda"; }',
    'h.flake.lib.disk { device = "/dev/disk/by-id/ata-X_1"; }',
  ],
  [
    'a slot that holds no system',
    /a system slot is 512 MiB; it takes 2048 at least/,
    'h.flake.lib.disk { device = "/dev/disk/by-id/ata-X_1"; systemMiB = 512; }',
    'h.flake.lib.disk { device = "/dev/disk/by-id/ata-X_1"; systemMiB = 4096; }',
  ],
  [
    'no host id',
    /networking\.hostId is not set.*head -c4 \/dev\/urandom/,
    machine('', `services.dplaneos.sshKeys = [ "${KEY}" ];`),
    machine('services.dplaneos.storage.hostIdPerMachine = true;', `services.dplaneos.sshKeys = [ "${KEY}" ];`),
  ],
  ['a host id that is none', /00000000, which ZFS takes for none/, machine('networking.hostId = lib.mkForce "00000000";'), machine('')],
  [
    'no key on a machine that nobody looks at',
    /sshKeys is empty.*lock yourself out/,
    machine('', 'networking.hostId = "5c1de0a7";'),
    machine('services.dplaneos.headless = false;', 'networking.hostId = "5c1de0a7";'),
  ],
  ['a key that is none', /sshKeys.*is not of type/, machine('services.dplaneos.sshKeys = [ "hunter2" ];'), machine('')],
  [
    'two machines with one host id',
    /a and b have the same networking\.hostId, 5c1de0a7/,
    `builtins.attrNames (h.flake.lib.hosts { a = ${host('5c1de0a7')}; b = ${host('5c1de0a7')}; })`,
    `builtins.attrNames (h.flake.lib.hosts { a = ${host('5c1de0a7')}; b = ${host('5c1de0a8')}; })`,
  ],
  [
    'a kernel that is not of the pair',
    /would have Linux 6\.18\.12 with OpenZFS 2\.3\.7, but the pair.*services\.dplaneos\.pair/,
    machine('boot.kernelPackages = lib.mkForce pkgs.linuxKernel.packages.linux_6_18;'),
    machine('services.dplaneos.pair = { kernelPackages = pkgs.linuxKernel.packages.linux_6_18; zfs = pkgs.zfs_2_4; };'),
  ],
  [
    'an OpenZFS that is not of the pair',
    /would have Linux 6\.12\.70 with OpenZFS 2\.4\.1, but the pair/,
    machine('boot.zfs.package = lib.mkForce pkgs.zfs_2_4;'),
    machine(''),
  ],
  [
    'a kernel that OpenZFS is not made for',
    /OpenZFS 2\.3\.7 is not made for Linux 7\.9\.1/,
    machine('services.dplaneos.pair = { kernelPackages = pkgs.linuxKernel.packages.linux_7_9; zfs = pkgs.zfs_2_3; };'),
    machine('services.dplaneos.pair = { kernelPackages = pkgs.linuxKernel.packages.linux_6_12; zfs = pkgs.zfs_2_3; };'),
  ],
  [
    'tools of one OpenZFS with the module of another',
    /the tools are of OpenZFS 2\.3\.7, the kernel module of 2\.4\.1/,
    machine('boot.zfs.modulePackage = lib.mkForce pkgs.zfs_2_4;'),
    machine(''),
  ],
  [
    'an OpenZFS that is too old',
    /OpenZFS 2\.2\.9 is too old/,
    machine('services.dplaneos.pair = { kernelPackages = pkgs.linuxKernel.packages.linux_6_12; zfs = pkgs.zfs_2_2; };'),
    machine(''),
  ],
  [
    'ZFS needed to start, but not in the initrd',
    /\/var\/lib is on ZFS and needed to start, but the initrd has no zfs/,
    machine('fileSystems."/var/lib" = { device = "tank/var"; fsType = "zfs"; neededForBoot = true; };'),
    machine(
      'fileSystems."/var/lib" = { device = "tank/var"; fsType = "zfs"; neededForBoot = true; }; boot.initrd.supportedFilesystems.zfs = true;',
    ),
  ],
  [
    'a list of what survives with something missing',
    /does not keep \/var\/lib\/dplane-pools\. With the root thrown away/,
    machine(`services.dplaneos.persist.list = ${file('short.list', kept.replace('d /var/lib/dplane-pools\n', ''))};`),
    machine(`services.dplaneos.persist.list = ${file('whole.list', kept)};`),
  ],
  [
    'a list of what survives without the accounts for sharing',
    /does not keep \/etc\/userdb\. With the root thrown away/,
    machine(`services.dplaneos.persist.list = ${file('accounts.list', kept.replace('d /etc/userdb\n', ''))};`),
    machine(`services.dplaneos.persist.list = ${file('accounts-whole.list', kept)};`),
  ],
  [
    'a list of what survives without what NFS 4 knows of its clients',
    /does not keep \/var\/lib\/nfs\. With the root thrown away/,
    machine(`services.dplaneos.persist.list = ${file('nfs.list', kept.replace('d /var/lib/nfs\n', ''))};`),
    machine(`services.dplaneos.persist.list = ${file('nfs-whole.list', kept)};`),
  ],
  [
    'a list of what survives that is not understood',
    /has a line that is not understood: "keep everything"/,
    machine(`services.dplaneos.persist.list = ${file('odd.list', 'keep everything\n')};`),
    machine('services.dplaneos.persist.extra = [ "/var/lib/tailscale" ];'),
  ],
  [
    'a port that needs root',
    /services\.dplaneos\.port.*is not of type.*between 1024/,
    machine('services.dplaneos.port = 443;'),
    machine('services.dplaneos.port = 9443;'),
  ],
  [
    'a private key in the store',
    /has a private key.*read by everybody/,
    machine(`services.dplaneos.release.keys = [ ${file('release.key', 'dplane PRIVATE key')} ];`),
    machine(`services.dplaneos.release.keys = [ ${file('release.pem', 'a public key')} ];`),
  ],
  // and what the harness itself has to notice, or the evaluations above would prove nothing
  ['an option that NixOS does not have', /`boot\.zfs\.extraPool' does not exist/, machine('boot.zfs.extraPool = [ ];'), machine('')],
  [
    'a value of the wrong type',
    /`networking\.nftables\.enable' is not of type/,
    machine('networking.nftables.enable = lib.mkForce "yes";'),
    machine(''),
  ],
  [
    'a package that nixpkgs does not have',
    /attribute 'zfs_9_9' missing/,
    machine('environment.systemPackages = [ pkgs.zfs_9_9 ];'),
    machine('environment.systemPackages = [ pkgs.zfs_2_4 ];'),
  ],
];

withNix.for(CASES)('refused: %s', async ([, words, wrong, right]) => {
  expect((await start().refusal(wrong)).replace(/\s+/g, ' ')).toMatch(words);
  await start().evaluate(right);
});
