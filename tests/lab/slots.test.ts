/**
 * Updates that go well, in the appliance with real firmware and boot loader: installed through the API, confirmed by the verdict; two in
 * a row; gone back from by hand, in the browser and in the boot menu; and what is refused before anything is touched.
 */
import { copyFileSync, openSync, truncateSync, closeSync, writeSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Progress } from '../../packages/debian/src/progress.ts';
import { buildSlot, type Slot } from '../../packages/debian/src/slot.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { launch, login, person } from '../browser/browser.ts';
import { type Call, change, claim, logIn, PASSWORD } from './api.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { enroll, history, inWords, type Key, type Kit, newKey, openKit, restartInto, slots, STALLS, verdictOf } from './slots-kit.ts';

let lab: Lab;
let kit: Kit;
let nas: Vm;
let call: Call;
let key: Key;
/** Another image than the one that runs: its own version inside. */
let next: Slot;
let index: number;
const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;

inOrder();
beforeAll(async () => {
  lab = await openLab('slots');
  index = lab.slot.system.index;
  next = await buildSlot(new Progress(false), { version: '0.2.0', index: index + 1 });
  kit = await openKit();
  key = newKey('test');
  nas = await lab.machine();
}, 3_600_000);
afterAll(async () => {
  await kit?.close();
  await lab?.close(hasFailed());
});

/** Fails with what the program says. */
const apply = (source: string) => nas.run(['dplane-ota', 'apply', source, '--json'], { timeoutMs: 1_200_000 });
/** Through the API, and the unit that it starts. */
const install = async (url: string): Promise<void> => {
  const { id } = await call('POST', '/api/updates/install', { url });
  await nas.until('the update is installed', 1_200_000, async () => {
    const { progress } = (await call('GET', '/api/updates')) as { progress: { id: string; phase: string; refusal: unknown } | null };
    if (progress?.id !== id) return false;
    if (progress?.phase === 'failed') throw new Error(`the update failed: ${JSON.stringify(progress.refusal)}`);
    return progress?.phase === 'staged';
  });
};
const events = async () => history(await nas.must(['cat', '/persist/ota/history.jsonl']));

test('a new machine runs slot a, confirmed; slot b is empty; nobody is trusted but who was enrolled', async () => {
  expect(inWords(await slots(nas))).toBe('a* confirmed 0.1.0 next, b empty');
  const bundle = await kit.bundle('unknown', { slot: next, key, version: '0.2.0', index: index + 1 });
  const refused = await apply(bundle);
  expect(refused.exit).not.toBe(0);
  expect(refused.stdout).toContain('trusts no key at all');
  await enroll(nas, key);
  expect((await slots(nas)).keys).toMatchObject([{ id: key.id, source: 'enrolled', revoked: false }]);
});

test('what is not as it has to be is refused, with nothing written', async () => {
  const before = await nas.must(['sh', '-c', 'find /boot -type f | sort | xargs sha256sum']);
  const good = kit.path('unknown');
  const bad: Record<string, (file: string) => void> = {
    'cut.bundle': (file) => truncateSync(file, 30_000_000),
    'changed.bundle': (file) => {
      const fd = openSync(file, 'r+');
      writeSync(fd, Buffer.from('X'), 0, 1, 700);
      closeSync(fd);
    },
  };
  const said: string[] = [];
  for (const [name, damage] of Object.entries(bad)) {
    copyFileSync(good, kit.path(name));
    damage(kit.path(name));
  }
  const base = (await kit.bundle('old', { slot: next, key, version: '0.0.9', index: index - 1 })).replace(/old$/, '');
  await kit.bundle('expired', {
    slot: next,
    key,
    version: '0.2.0',
    index: index + 1,
    createdAt: Date.now() - 2_000,
    notAfter: Date.now() - 1_000,
  });
  const other = newKey('revoked');
  await enroll(nas, other);
  await nas.must(['dplane-ota', 'revoke-key', other.id]);
  await kit.bundle('revoked', { slot: next, key: other, version: '0.2.0', index: index + 1 });
  const arm: Slot = { ...next, system: { ...next.system, arch: 'aarch64' } };
  await kit.bundle('arm', { slot: arm, key, version: '0.2.0', index: index + 1 });
  for (const name of ['changed.bundle', 'old', 'expired', 'revoked', 'arm', 'nothing-there', STALLS]) {
    const r = await apply(`${base}${name}`);
    expect(r.exit, `${name}: ${r.stdout}`).not.toBe(0);
    said.push(r.stdout);
  }
  expect(said.join('\n')).toMatch(/index[\s\S]*aarch64[\s\S]*nothing came for/);
  expect(await nas.must(['sh', '-c', 'find /boot -type f | sort | xargs sha256sum'])).toBe(before);
  // cut in the middle of the image: found when the stream ends; nothing can start the slot
  expect((await apply(`${base}cut.bundle`)).exit).not.toBe(0);
  expect(inWords(await slots(nas))).toBe('a* confirmed 0.1.0 next, b empty');
});

test('a boot partition without room is left as it is', async () => {
  const left = async (): Promise<number> => Number(await nas.must(['stat', '-f', '-c', '%a', '/boot']));
  await nas.sh(`dd if=/dev/zero of=/boot/fill bs=$(stat -f -c %S /boot) count=$(( ${await left()} - 100 )) status=none; sync`);
  const all = () => nas.must(['sh', '-c', 'find /boot -type f ! -name fill | sort | xargs sha256sum']);
  const before = await all();
  const r = await apply((await kit.bundle('no-room', { slot: next, key, version: '0.2.0', index: index + 1 })).toString());
  expect(r.exit, r.stdout).not.toBe(0);
  expect(r.stdout).toMatch(/boot partition lacks/);
  expect(await all()).toBe(before);
  await nas.must(['rm', '/boot/fill']);
  expect(inWords(await slots(nas))).toBe('a* confirmed 0.1.0 next, b empty');
});

test('a good update, through the API: installed into b, tried, found good, confirmed; pools and shares came along', async () => {
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks: [disk(1), disk(2)] }] } }]);
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/docs' } }]);
  await change(nas, call, [{ kind: 'share.put', share: { kind: 'smb', name: 'docs', dataset: 'tank/docs' } }]);
  const url = await kit.bundle('good', { slot: next, key, version: '0.2.0', index: index + 1 });
  await install(url);
  expect(inWords(await slots(nas))).toBe('a* confirmed 0.1.0, b staged 0.2.0 next');
  expect(await nas.must(['zfs', 'list', '-H', '-t', 'snapshot', '-o', 'name'])).toMatch(/^tank@pre-upgrade-/m);
  await restartInto(nas);
  expect(await verdictOf(nas)).toMatchObject({ kind: 'confirmed', slot: 'b', system: { version: '0.2.0' } });
  const now = await slots(nas);
  expect(inWords(now)).toBe('a confirmed 0.1.0, b* confirmed 0.2.0 next');
  expect(now.verdict).toMatchObject({ outcome: 'passed', trial: true });
  // the image that was written is the one that runs
  expect(JSON.parse(await nas.must(['cat', '/usr/lib/dplaneos/system.json']))).toMatchObject({ version: '0.2.0' });
  const image = await nas.must(['sh', '-c', `head -c ${next.size} /dev/disk/by-partlabel/system-b | sha256sum`], { timeoutMs: 600_000 });
  expect(image).toContain(next.hash);
  call = await logIn(nas);
  expect(await call('GET', '/api/updates')).toMatchObject({ slots: { running: 'b' } });
});

test('a shutdown does not take the new slot with it', async () => {
  await nas.stop();
  await nas.start();
  await nas.sshReady();
  expect(inWords(await slots(nas))).toBe('a confirmed 0.1.0, b* confirmed 0.2.0 next');
  call = await logIn(nas);
});

test('a second update in a row goes into a, and an old one is not taken again', async () => {
  await install(await kit.bundle('second', { slot: next, key, version: '0.3.0', index: index + 2 }));
  await restartInto(nas);
  expect(await verdictOf(nas)).toMatchObject({ kind: 'confirmed', slot: 'a', system: { version: '0.3.0' } });
  expect(inWords(await slots(nas))).toBe('a* confirmed 0.3.0 next, b confirmed 0.2.0');
  const replay = await apply((await kit.bundle('replay', { slot: next, key, version: '0.2.0', index: index + 1 })).toString());
  expect(replay.exit).not.toBe(0);
  call = await logIn(nas);
});

test('gone back from in the browser: the other slot is tried under the same verdict', async () => {
  const { browser, close } = await launch();
  onTestFinished(close);
  const { page, context, errors } = await person(browser);
  // a browser is quick, an emulated machine is not
  context.setDefaultTimeout(480_000);
  const url = `https://127.0.0.1:${nas.spec.ports.https}`;
  await login(page, url, 'ada', PASSWORD);
  await page.goto(`${url}/system/updates`);
  await page.getByRole('button', { name: 'Go back to 0.2.0' }).click();
  await page.getByRole('main').getByText('0.2.0 in slot b waits for a restart').waitFor();
  expect(inWords(await slots(nas))).toContain('b staged 0.2.0 next');
  await page.getByRole('button', { name: 'Restart into it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Restart the machine' });
  await dialog.getByLabel(/^To restart, type/).fill('restart');
  await nas.forgetSsh();
  await dialog.getByRole('button', { name: 'Restart now' }).click();
  // the page stays, and tells the end of it
  await page.getByRole('main').getByText('0.2.0 runs, and came up well').waitFor({ timeout: 1_800_000 });
  await page.screenshot({ path: join(lab.folder, 'rolled-back.png') });
  expect(errors).toEqual([]);
  expect(await verdictOf(nas)).toMatchObject({ kind: 'confirmed', slot: 'b', system: { version: '0.2.0' } });
  expect(inWords(await slots(nas))).toBe('a confirmed 0.3.0, b* confirmed 0.2.0 next');
  expect((await events()).map((e) => e.kind)).toContain('rolled-back');
});

test('gone back from in the boot menu, over the serial console: what was chosen runs, and says that the next start takes another', async () => {
  await restartInto(nas);
  await choose(nas, 1);
  await nas.until('slot a runs', 900_000, async () => (await nas.ask(['cat', '/proc/cmdline']))?.includes('dplane.slot=a') ?? false);
  await nas.forgetSsh();
  const now = await slots(nas);
  expect(now).toMatchObject({ running: 'a', chosenByHand: true });
  expect(inWords(now)).toBe('a* confirmed 0.3.0, b confirmed 0.2.0 next');
});

/** Stands at the console, waits for the menu, and goes `down` so many entries. */
async function choose(vm: Vm, down: number): Promise<void> {
  const seen = vm.serialText().length;
  const console_ = createConnection(vm.consoleSocket);
  try {
    await vm.until('the boot menu is there', 480_000, async () => /Boot in \d s/.test(vm.serialText().slice(seen)));
    console_.write('\x1b[B'.repeat(down));
    console_.write('\r');
    await vm.until('an entry was started', 480_000, async () => /dplane: slot [ab]: starting/.test(vm.serialText().slice(seen)));
  } finally {
    console_.destroy();
  }
}
