/** The image itself: what a restart keeps and what it does not, what a power cut leaves, what runs and what does not. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

let lab: Lab;
let nas: Vm;

beforeAll(async () => {
  lab = await openLab('lab');
  nas = await lab.machine();
});
afterAll(() => lab?.close(hasFailed()));

const identity = async () => ({
  machine: await nas.must(['cat', '/etc/machine-id']),
  host: await nas.must(['hostid']),
  key: await nas.must(['cat', '/etc/ssh/host-keys/ssh_host_ed25519_key.pub']),
});

test('the running system is what was built: slot, kernel, OpenZFS, and nothing failed to start', async () => {
  expect(await nas.must(['cat', '/proc/cmdline'])).toContain('dplane.slot=a');
  expect((await nas.must(['uname', '-r'])).trim()).toBe(lab.slot.system.kernel);
  expect(await nas.must(['zfs', 'version'])).toContain(`zfs-kmod-${lab.slot.system.zfs}`);
  expect((await nas.must(['readlink', '-f', '/dev/dplane/slot'])).trim()).toBe(await partition('system-a'));
  expect((await nas.must(['systemctl', 'list-units', '--failed', '--no-legend'])).trim()).toBe('');
});

test('a screen shows where to go, and the claim code', async () => {
  const code = (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim();
  // what stands above the login prompt
  const shown = await nas.sh('agetty --show-issue < /dev/ttyS0');
  expect(shown).toMatch(/https:\/\/10\.0\.2\.15:8443/);
  expect(shown).toContain(`Claim code: ${code}`);
});

test('nobody serves files before there is a pool, and nobody logs in with a password', async () => {
  for (const unit of ['smbd', 'nfs-server']) expect((await nas.run(['systemctl', 'is-active', unit])).exit).not.toBe(0);
  expect(await nas.must(['sshd', '-T'])).toMatch(/passwordauthentication no/);
});

test('a restart forgets what is not on /persist, and keeps the identity', async () => {
  const before = await identity();
  expect(before.machine.trim()).toMatch(/^[0-9a-f]{32}$/);
  expect(before.host.trim()).not.toBe('00000000');
  await nas.sh('echo x > /etc/thrown-away; echo x > /usr/thrown-away; echo x > /persist/kept; echo x > /var/lib/dplane/kept; sync');
  await nas.restart();
  await uiAnswers(nas);
  expect((await nas.run(['ls', '/etc/thrown-away'])).exit).not.toBe(0);
  expect((await nas.run(['ls', '/usr/thrown-away'])).exit).not.toBe(0);
  await nas.must(['ls', '/persist/kept', '/var/lib/dplane/kept']);
  expect(await identity()).toEqual(before);
});

test('the power fails during writes: the pool comes back and no acknowledged file is lost', async () => {
  const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;
  await nas.must(['zpool', 'create', '-o', 'ashift=12', '-O', 'mountpoint=/mnt/tank', 'tank', 'mirror', disk(1), disk(2)]);
  // each name is printed only after its file was synced
  const script = 'for i in $(seq 1000); do head -c 20000 /dev/urandom > /mnt/tank/f$i; sync /mnt/tank/f$i; sha256sum /mnt/tank/f$i; done';
  const acknowledged: string[] = [];
  const writing = nas.run(['sh', '-c', script], { onOutput: (text) => acknowledged.push(text) });
  await nas.until('some files are written', 240_000, () => Promise.resolve(acknowledged.join('').split('\n').length > 12));
  await nas.cut();
  // only now: the connection holds the output open for as long as it lives
  await writing;
  await nas.start();
  await nas.sshReady();
  await nas.until('the gate has looked', 240_000, async () =>
    ['active', 'failed'].includes((await nas.run(['systemctl', 'is-active', 'dplane-pools'])).stdout.trim()),
  );
  // the power may have gone before the note of the new pool was on the disk
  // the gate may be at it as well, and mounts after it has imported
  await nas.until('the pool is mounted', 480_000, async () => {
    await nas.run(['zpool', 'import', '-a', '-d', '/dev/disk/by-id']);
    await nas.run(['zfs', 'mount', '-a']);
    return (await nas.run(['mountpoint', '-q', '/mnt/tank'])).exit === 0;
  });
  const sums = acknowledged
    .join('')
    .split('\n')
    .filter((line) => /^[0-9a-f]{64} {2}\//.test(line));
  expect(sums.length).toBeGreaterThanOrEqual(10);
  await nas.must(['sha256sum', '--quiet', '-c', '-'], { input: `${sums.join('\n')}\n` });
  await nas.must(['zpool', 'scrub', '-w', 'tank']);
  expect(await nas.must(['zpool', 'status', '-x', 'tank'])).toContain('is healthy');
});

async function partition(name: string): Promise<string> {
  return (await nas.must(['readlink', '-f', `/dev/disk/by-partlabel/${name}`])).trim();
}
