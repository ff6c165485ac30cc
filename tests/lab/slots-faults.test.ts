/** Updates that go wrong, each in its own way, and nobody there to help: the old slot comes back, and says why. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim, logIn } from './api.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { enroll, inWords, type Key, type Kit, newKey, openKit, restartInto, slots, verdictOf } from './slots-kit.ts';

let lab: Lab;
let kit: Kit;
let nas: Vm;
let call: Call;
let key: Key;
let index: number;
const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;

inOrder();
beforeAll(async () => {
  lab = await openLab('slots-faults');
  index = lab.slot.system.index;
  kit = await openKit();
  key = newKey('test');
  nas = await lab.machine();
  await enroll(nas, key);
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks: [disk(1), disk(2)] }] } }]);
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/docs' } }]);
  await change(nas, call, [{ kind: 'share.put', share: { kind: 'smb', name: 'docs', dataset: 'tank/docs' } }]);
  // the same image in both slots: an update to it writes nothing but a boot entry
  await nas.must(['sh', '-c', `head -c ${lab.slot.size} /dev/disk/by-partlabel/system-a > /dev/disk/by-partlabel/system-b; sync`], {
    timeoutMs: 600_000,
  });
}, 3_600_000);
afterAll(async () => {
  await kit?.close();
  await lab?.close(hasFailed());
});

let number = 0;
/** Installs the image that runs already, with other words on the kernel's command line. */
const stage = async (options: readonly string[], image?: string): Promise<void> => {
  number += 1;
  const url = await kit.bundle('bundle', {
    slot: lab.slot,
    key,
    version: `9.0.${number}`,
    index: index + number,
    options,
    ...(image === undefined ? {} : { image }),
  });
  await nas.must(['dplane-ota', 'apply', url], { timeoutMs: 1_200_000 });
  expect(inWords(await slots(nas))).toBe(`a* confirmed 0.1.0, b staged 9.0.${number} next`);
};
const reverted = async (why: RegExp): Promise<void> => {
  expect(await verdictOf(nas)).toMatchObject({
    kind: 'reverted',
    slot: 'b',
    system: { version: `9.0.${number}` },
    reason: expect.stringMatching(why),
  });
  expect(inWords(await slots(nas))).toBe(`a* confirmed 0.1.0 next, b failed 9.0.${number}`);
};
/** The verdict need not wait as long for what will not come; yet on a busy machine it has to come to its end before the deadline, at twice this. */
const SOON = 'dplane.deadline=150';

test('the kernel panics: after the tries it has, the old slot runs, with no human', async () => {
  await stage(['init=/usr/bin/false']);
  await restartInto(nas);
  await reverted(/panicked, hung, or lost its power/);
  expect(nas.serialText().match(/Kernel panic/g)?.length).toBe(3);
  call = await logIn(nas);
  await nas.until('an alert says so', 480_000, async () => {
    const { alerts } = (await call('GET', '/api/alerts')) as { alerts: { kind: string; message: string }[] };
    return alerts.some((a) => a.kind === 'update.reverted' && a.message.includes(`9.0.${number}`));
  });
});

test('it hangs before there is a system: the watchdog restarts it, and the old slot comes back', async () => {
  await stage(['init=/usr/bin/cat', 'dplane.watchdog=20']);
  await restartInto(nas);
  await reverted(/panicked, hung, or lost its power/);
});

test('OpenZFS is not there', async () => {
  await stage(['module_blacklist=zfs', SOON]);
  await restartInto(nas);
  await reverted(/module zfs is not loaded/);
  // the pool was not touched, and is there again
  expect(await nas.must(['zpool', 'list', '-H', '-o', 'name,health'])).toBe('tank\tONLINE\n');
});

test('the image holds the modules of another kernel than the bundle does', async () => {
  // its folder of modules under a name of the same length, as it stands in the image
  const image = readFileSync(join(lab.slot.folder, 'slot.erofs'));
  const { kernel } = lab.slot.system;
  const other = kernel.replace(/\d(?=\+|-)/, (d) => String((Number(d) + 1) % 10));
  const at = image.indexOf(`...${kernel}`, 0, 'latin1');
  expect(at).toBeGreaterThan(0);
  expect(image.indexOf(`...${kernel}`, at + 1, 'latin1')).toBe(-1);
  image.write(`...${other}`, at, 'latin1');
  writeFileSync(kit.path('image'), image);
  await stage([SOON], kit.path('image'));
  await restartInto(nas);
  await reverted(/module zfs is not loaded/);
});

test('the control plane, the shares and the network do not come up: all three are named', async () => {
  await stage(['systemd.mask=dplaned.service', 'systemd.mask=smbd.service', 'systemd.mask=systemd-networkd.service', SOON]);
  await restartInto(nas);
  await reverted(/dplaned does not answer[\s\S]*SMB server does not answer[\s\S]*no network address/);
});

test('nobody makes a verdict: the deadline gives the start up', async () => {
  await stage(['systemd.mask=dplane-verdict.service', SOON]);
  await restartInto(nas);
  await reverted(/was not finished/);
});

test('a pool is missing: the disks are pulled while the machine restarts, and the new slot is not to blame, but given up', async () => {
  await stage([SOON]);
  await nas.stop();
  const without = new Vm({ ...nas.spec, disks: nas.spec.disks.slice(2) });
  await without.start();
  await without.sshReady(1_200_000);
  expect(await verdictOf(without)).toMatchObject({ kind: 'reverted', slot: 'b', reason: expect.stringContaining('pool tank missing') });
  // the old slot misses it as well, says so, and does not restart for ever
  const now = await slots(without);
  expect(now).toMatchObject({ running: 'a', verdict: { trial: false } });
  await without.stop();
  await nas.start();
  await nas.sshReady();
  expect(inWords(await slots(nas))).toContain('a* confirmed 0.1.0 next');
});

test('/persist is full: refused before the other slot is touched', async () => {
  await nas.sh(
    'fallocate -l $(( $(stat -f -c "%f * %S" /persist) )) /persist/fill 2> /dev/null || dd if=/dev/zero of=/persist/fill bs=1M 2> /dev/null || true; sync',
  );
  const before = inWords(await slots(nas));
  number += 1;
  const url = await kit.bundle('bundle', { slot: lab.slot, key, version: `9.0.${number}`, index: index + number });
  const r = await nas.run(['dplane-ota', 'apply', url, '--json'], { timeoutMs: 1_200_000 });
  await nas.must(['rm', '/persist/fill']);
  expect(r.exit, r.stdout).not.toBe(0);
  expect(r.stdout).toMatch(/persist/);
  expect(inWords(await slots(nas))).toBe(before);
});
