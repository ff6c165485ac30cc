import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SlotStatus } from '../../../control/src/domain/slot/slot.ts';
import { readBooted } from '../slots/booted.ts';
import { readEsp } from '../slots/esp.ts';
import { readHistory } from '../slots/history.ts';
import { nextEntry, slotsOf } from '../slots/plan.ts';
import { type Box, makeBox, systemInfo } from '../testing/box.ts';
import { NOW } from '../testing/release.ts';
import { installHook } from './hook.ts';

let box: Box;
beforeEach(() => {
  box = makeBox();
  box.entry('a', 6, null, 3);
  box.entry('b', 5, null, 2);
  box.booted('a', 6);
});
afterEach(() => box.drop());

const KERNEL = '/nix/store/0c4yr0wbkkmqsl7bqi2bw2w2k3l7cnmk-linux-6.12.57/bzImage';
const INITRD = '/nix/store/9rhj2r0ycnhzd9m1m2pxr0qd4f0v3n2a-initrd-linux-6.12.57/initrd';
const toplevelOf = (n: number): string => `/nix/store/${String(n).repeat(32).slice(0, 32)}-nixos-system-nas-25.11`;
/** As nixpkgs writes it, with what other loaders read besides. */
const bootspec = (n: number, more: object = {}) => ({
  'org.nixos.bootspec.v1': {
    init: `${toplevelOf(n)}/init`,
    initrd: INITRD,
    initrdSecrets: `${toplevelOf(n)}/append-initrd-secrets`,
    kernel: KERNEL,
    kernelParams: ['panic=10', 'loglevel=4', 'lsm=landlock,yama,bpf'],
    label: `NixOS 25.11.${n} (Linux 6.12.57)`,
    system: 'x86_64-linux',
    toplevel: toplevelOf(n),
    ...more,
  },
  'org.nixos.specialisation.v1': {},
  'org.nix-community.lanzaboote': { sort_key: 'lanza' },
});
const build = (n: number, more: object = {}, kernel = `kernel of ${n}`): string => {
  box.write(join(box.root, KERNEL), kernel);
  box.write(join(box.root, INITRD), 'initrd');
  const folder = join(box.root, toplevelOf(n));
  box.write(join(folder, 'boot.json'), JSON.stringify(bootspec(n, more)));
  return folder;
};
const install = (toplevel: string) =>
  installHook(toplevel, { places: box.places, clock: () => NOW, syncAll: async () => {}, root: box.root });
const entries = async (): Promise<string[]> => {
  const esp = await readEsp(box.places);
  if (!esp.ok) throw new Error(esp.refusal.why);
  return esp.value.entries.map((e) => e.file);
};

describe('the install hook of NixOS', () => {
  test('adds a counted entry for the running slot, next to the confirmed one', async () => {
    expect(await install(build(1))).toEqual({ ok: true, value: { slot: 'a', entry: 'dplane-a-7+3.conf' } });
    expect(await entries()).toEqual(['dplane-a-6.conf', 'dplane-a-7+3.conf', 'dplane-b-5.conf']);
    expect((await readHistory(box.places)).at(-1)).toMatchObject({ kind: 'staged', slot: 'a', entry: 7 });
    const text = readFileSync(join(box.places.esp, 'loader/entries/dplane-a-7+3.conf'), 'utf8');
    expect(text).toContain(`options dplane.slot=a init=${toplevelOf(1)}/init panic=10 loglevel=4 lsm=landlock,yama,bpf\n`);
    expect(text).toContain('title D-PlaneOS NixOS 25.11.1 (Linux 6.12.57) (slot a)\n');
    const [esp, booted] = [await readEsp(box.places), await readBooted(box.places)];
    if (!esp.ok || !booted.ok) throw new Error('not read');
    expect(nextEntry(esp.value, booted.value)?.number).toBe(7);
    // what runs is still what was confirmed
    expect(slotsOf(esp.value, booted.value)[0]).toMatchObject({ state: 'confirmed', running: true, next: true });
  });
  test('building again and again keeps what runs, what was confirmed and the newest', async () => {
    for (let n = 1; n <= 6; n += 1) expect((await install(build(n))).ok).toBe(true);
    expect(await entries()).toEqual(['dplane-a-6.conf', 'dplane-a-7+3.conf', 'dplane-b-5.conf']);
    const esp = await readEsp(box.places);
    expect(esp.ok && esp.value.files.filter((f) => f.slot === 'a')).toHaveLength(4);
  });
  test('what the entries start is kept in the store, and no longer than they are there', async () => {
    const roots = join(box.places.gcRoots, 'dplane');
    expect((await install(build(1))).ok).toBe(true);
    // no Nix, no roots
    expect(() => readdirSync(roots)).toThrow();
    mkdirSync(box.places.gcRoots, { recursive: true });
    for (const n of [2, 3]) {
      expect((await install(build(n))).ok).toBe(true);
      expect(readdirSync(roots).map((name) => readlinkSync(join(roots, name)))).toEqual([toplevelOf(n)]);
    }
    const status = SlotStatus.parse(JSON.parse(readFileSync(box.places.status, 'utf8')));
    // the new one first, then what runs and the other slot, which say no more than their slot
    expect(status).toMatchObject({ instead: expect.stringContaining('NixOS 25.11.3'), chosenByHand: false });
    expect(status).toMatchObject({ starts: [`${toplevelOf(3)}/init`, null, null] });
  });
  test('on trial itself: the confirmed one before it stays, too', async () => {
    box.entry('a', 7, { left: 2, done: 1 }, 4);
    box.booted('a', 7, true);
    expect((await install(build(1))).ok).toBe(true);
    expect(await entries()).toEqual(['dplane-a-6.conf', 'dplane-a-7+2-1.conf', 'dplane-a-8+3.conf', 'dplane-b-5.conf']);
  });
  test('the same kernel is not written again, but looked at', async () => {
    box.entry('a', 6, null, 3);
    const same = build(1, {}, 'kernel 3 in a');
    expect((await install(same)).ok).toBe(true);
    const esp = await readEsp(box.places);
    expect(esp.ok && esp.value.files.filter((f) => f.slot === 'a' && f.name.endsWith('vmlinuz'))).toHaveLength(1);
    const name = esp.ok ? (esp.value.files.find((f) => f.slot === 'a' && f.name.endsWith('vmlinuz'))?.name ?? '') : '';
    box.write(join(box.places.esp, 'dplane/a', name), 'kernel 3 in b');
    expect(await install(same)).toMatchObject({
      ok: false,
      refusal: { why: 'it is there already, with another content than its name says' },
    });
  });
  test('a system that says what it is', async () => {
    const toplevel = build(1);
    box.write(join(toplevel, 'etc/dplaneos/system.json'), JSON.stringify(systemInfo(9)));
    await install(toplevel);
    const esp = await readEsp(box.places);
    expect(esp.ok && esp.value.entries.find((e) => e.number === 7)?.entry.system.index).toBe(9);
  });
  test.each<[string, () => string, RegExp]>([
    ['no boot.json', () => join(box.root, 'nowhere'), /no boot\.json/],
    [
      'another version of bootspec',
      () => {
        box.write(join(box.root, 'x/boot.json'), '{"org.nixos.bootspec.v2":{}}');
        return join(box.root, 'x');
      },
      /not understood/,
    ],
    [
      'half a boot.json',
      () => {
        box.write(join(box.root, 'x/boot.json'), '{"org.nixos');
        return join(box.root, 'x');
      },
      /not JSON/,
    ],
    ['a kernel outside of the store', () => build(1, { kernel: '/etc/shadow' }), /kernel/],
    ['a kernel that leaves the store', () => build(1, { kernel: '/nix/store/../../etc/shadow' }), /ENOENT|kernel/],
    ['another architecture', () => build(1, { system: 'aarch64-linux' }), /is for aarch64-linux/],
    ['a parameter of two words', () => build(1, { kernelParams: ['a b'] }), /one word/],
  ])('%s is refused, and nothing changes', async (_, make, words) => {
    const toplevel = make();
    const before = await entries();
    const r = await install(toplevel).catch((e: unknown) => ({ ok: false as const, refusal: { why: String(e) } }));
    expect(r.ok ? 'installed' : r.refusal.why).toMatch(words);
    expect(await entries()).toEqual(before);
  });
});
