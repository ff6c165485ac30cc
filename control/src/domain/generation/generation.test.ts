import { expect, test } from 'vitest';
import {
  beforeCurrent,
  comparePackages,
  type Generation,
  isPassedOver,
  packageOf,
  StorePath,
  whyNoActivate,
  whyNoDelete,
  whyPassedOver,
} from './generation.ts';

const store = (name: string): string => `/nix/store/${'a'.repeat(32)}-${name}`;
const generation = (number: number, more: Partial<Generation> = {}): Generation => ({
  ...{ number, path: store(`nixos-${number}`), createdAt: number, label: null, kernel: null, zfs: null },
  ...{ current: false, running: false, booted: false, next: more.current ?? false, entry: false },
  ...more,
});

test('a package is told from its version as Nix does', () => {
  expect(packageOf(store('zfs-user-2.3.7'))).toEqual({ name: 'zfs-user', version: '2.3.7' });
  expect(packageOf(store('linux-6.12.57-modules'))).toEqual({ name: 'linux', version: '6.12.57-modules' });
  expect(packageOf(store('unit-dplaned.service'))).toEqual({ name: 'unit-dplaned.service', version: '' });
});

test('what differs is told by package; another build of the same version does not count', () => {
  const before = [store('zfs-2.3.6'), store('samba-4.22.5'), store('etc')];
  const after = [store('zfs-2.3.7'), `/nix/store/${'b'.repeat(32)}-samba-4.22.5`, store('etc'), store('podman-5.7.0')];
  expect(comparePackages(before, after)).toEqual([
    { name: 'podman', before: [], after: ['5.7.0'] },
    { name: 'zfs', before: ['2.3.6'], after: ['2.3.7'] },
  ]);
  expect(comparePackages(after, before)).toContainEqual({ name: 'podman', before: ['5.7.0'], after: [] });
  expect(comparePackages(before, before)).toEqual([]);
});

test('the one before is the nearest older one that is left', () => {
  const all = [generation(9), generation(7, { current: true }), generation(2), generation(5)];
  expect(beforeCurrent(all)?.number).toBe(5);
  expect(beforeCurrent([generation(3, { current: true })])).toBeNull();
  // what starts next is what one goes back from, whatever was chosen last
  expect(beforeCurrent([generation(9, { current: true, next: false }), generation(7, { next: true }), generation(5)])?.number).toBe(5);
  expect(beforeCurrent([])).toBeNull();
});

test('what may be activated and deleted', () => {
  expect(whyNoActivate(generation(1, { current: true }))).toMatch(/starts next already/);
  expect(whyNoActivate(generation(1, { running: true }))).toBeNull();
  // chosen, but what starts is another one: it may be tried again, and is what the profile needs
  expect(whyNoActivate(generation(1, { current: true, next: false }))).toBeNull();
  const ways = [{ current: true }, { current: true, next: false }, { running: true }, { booted: true }, { next: true }, { entry: true }];
  for (const needed of ways) expect(whyNoDelete(generation(1, needed))).not.toBeNull();
  expect(whyNoDelete(generation(1))).toBeNull();
});

test('chosen and passed over: said with what starts instead', () => {
  const [three, two] = [generation(3, { current: true, next: false }), generation(2, { next: true, running: true })];
  expect([three, two, generation(1)].filter(isPassedOver)).toEqual([three]);
  expect(whyPassedOver(three, [three, two])).toMatch(/^Generation 3 was chosen, but generation 2 starts next: 3 did not come up/);
  expect(whyPassedOver(three, [three])).toMatch(/but another system starts next/);
});

test('a store path is nothing else', () => {
  expect(StorePath.safeParse(store('nixos-system-nas-26.05')).success).toBe(true);
  for (const bad of ['/nix/store/../../etc', store('a/b'), `${store('a')} -x`, '/etc/passwd', store('')])
    expect(StorePath.safeParse(bad).success, bad).toBe(false);
});
