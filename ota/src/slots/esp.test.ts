import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Box, makeBox } from '../testing/box.ts';
import { decodeVariable, readBooted } from './booted.ts';
import { readEsp } from './esp.ts';
import { parseMounts } from './mounts.ts';

let box: Box;
beforeEach(() => {
  box = makeBox();
  box.entry('a', 4, null, 3);
  box.entry('b', 5, { left: 2, done: 1 }, 4);
  box.booted('a', 4);
});
afterEach(() => box.drop());
const at = (path: string): string => join(box.places.esp, path);
const rename = (from: string, to: string): void => renameSync(at(`loader/entries/${from}`), at(`loader/entries/${to}`));
const copy = (from: string, to: string): void => copyFileSync(at(`loader/entries/${from}`), at(`loader/entries/${to}`));
const why = async (): Promise<string> => {
  const esp = await readEsp(box.places);
  return esp.ok ? 'read' : esp.refusal.why;
};

describe('the boot partition', () => {
  test('is read as it is', async () => {
    const esp = await readEsp(box.places);
    if (!esp.ok) throw new Error(esp.refusal.why);
    expect(esp.value.entries.map((e) => [e.file, e.slot, e.entry.system.index])).toEqual([
      ['dplane-a-4.conf', 'a', 3],
      ['dplane-b-5+2-1.conf', 'b', 4],
    ]);
    expect(esp.value.files).toHaveLength(4);
    expect(esp.value.free).toBeGreaterThan(0);
  });
  test('what firmware, boot loader and other systems leave there is normal', async () => {
    for (const path of [
      'loader/random-seed',
      'loader/entries.srel',
      'loader/keys/auto/db.auth',
      'System Volume Information/x',
      'EFI/Linux/readme.txt',
    ])
      box.write(at(path), 'x');
    expect(await why()).toBe('read');
  });
  test('what a power cut leaves is understood', async () => {
    box.write(at('loader/entries/dplane-b-6+3.conf'), '');
    box.write(at('loader/entries/dplane-b-7+3.conf.tmp'), 'half');
    box.write(at('dplane/b/0000000000000000-vmlinuz'), 'half a ker');
    const esp = await readEsp(box.places);
    if (!esp.ok) throw new Error(esp.refusal.why);
    expect(esp.value.empty).toEqual(['dplane-b-6+3.conf']);
    expect(esp.value.temporary).toEqual(['dplane-b-7+3.conf.tmp']);
  });
  test.each([
    ['an entry of somebody else', () => box.write(at('loader/entries/nixos.conf'), 'title x'), /nixos\.conf, which was not put there/],
    ['an unknown file of ours', () => box.write(at('dplane/a/readme'), ''), /dplane\/a\/readme/],
    ['an unknown folder', () => box.write(at('dplane/c/0123456789abcdef-vmlinuz'), ''), /dplane\/c/],
    ['a folder among the entries', () => mkdirSync(at('loader/entries/dplane-a-9.conf')), /dplane-a-9\.conf/],
    ['a unified kernel image', () => box.write(at('EFI/Linux/other.EFI'), 'x'), /EFI\/Linux\/other\.EFI/],
    [
      'an entry that says another slot',
      () => box.entry('b', 6, null, 5) && rename('dplane-b-6.conf', 'dplane-a-6.conf'),
      /says it is entry 6 of slot b/,
    ],
    ['an entry that says another number', () => rename('dplane-a-4.conf', 'dplane-a-9.conf'), /says it is entry 4/],
    ['one number twice', () => copy('dplane-b-5+2-1.conf', 'dplane-b-5+1-2.conf'), /two entries with the number 5/],
    ['an entry that is damaged', () => box.write(at('loader/entries/dplane-a-4.conf'), 'title x\n'), /can't be understood/],
    ['an entry that is endless', () => box.write(at('loader/entries/dplane-a-4.conf'), 'x'.repeat(9000)), /too long/],
    ['a kernel that is missing', () => rmSync(at('dplane/a'), { recursive: true }), /needs \/dplane\/a\/.*-vmlinuz, which is missing/],
    ['a default', () => box.write(at('loader/loader.conf'), 'timeout 3\ndefault dplane-a*\n'), /default dplane-a/],
    ['a setting nobody knows', () => box.write(at('loader/loader.conf'), 'preferred x\n'), /preferred x/],
  ])('%s is refused', async (_, change, words) => {
    change();
    expect(await why()).toMatch(words);
  });
  test('a link is refused', async () => {
    symlinkSync('/etc/hostname', at('loader/entries/dplane-b-8.conf'));
    expect(await why()).toMatch(/dplane-b-8/);
  });
  test('not mounted, not vfat, read-only, or another partition than the one booted from', async () => {
    const places = { ...box.places, pretend: false };
    const mounted = (line: string): void => box.write(box.places.mountinfo, `22 1 0:21 / / rw - ext4 /dev/x rw\n${line}\n`);
    const said = async (uuid: string | null = null): Promise<string> => {
      const esp = await readEsp(places, uuid);
      return esp.ok ? 'read' : esp.refusal.why;
    };
    mounted('');
    expect(await said()).toMatch(/nothing is mounted/);
    mounted(`30 22 8:1 / ${places.esp} rw - ext4 /dev/sda1 rw`);
    expect(await said()).toMatch(/is ext4, not vfat/);
    mounted(`30 22 8:1 / ${places.esp} rw - vfat /dev/sda1 ro`);
    expect(await said()).toMatch(/read-only/);
    mounted(`29 22 0:30 / ${places.esp} rw - autofs systemd-1 rw\n30 22 8:1 / ${places.esp} rw - vfat /dev/sda1 rw`);
    expect(await said()).toBe('read');
    expect(await said('11111111-2222-3333-4444-555555555555')).toMatch(/not the partition the boot loader came from/);
  });
});

describe('what was started', () => {
  test('slot, entry, boot id', async () => {
    box.variable('LoaderDevicePartUUID', 'AAAA0000-1111-2222-3333-444444444444');
    expect(await readBooted(box.places)).toEqual({
      ok: true,
      value: {
        slot: 'a',
        number: 4,
        counted: false,
        bootId: '0b7d4d5e-1111-4222-8333-444455556666',
        pinned: { always: null, once: null },
        espPartUuid: 'aaaa0000-1111-2222-3333-444444444444',
      },
    });
  });
  test('a machine without slots', async () => {
    box.write(box.places.cmdline, 'root=/dev/sda1 quiet\n');
    const booted = await readBooted(box.places);
    expect(booted.ok ? '' : booted.refusal.why).toBe('this machine was not started from a system slot');
  });
  test.each(['dplane.slot=c', 'dplane.slot=', 'dplane.slot=a dplane.slot=b'])('%s is refused', async (words) => {
    box.write(box.places.cmdline, words);
    expect((await readBooted(box.places)).ok).toBe(false);
  });
  test('boot loader and kernel that disagree are refused', async () => {
    box.variable('LoaderEntrySelected', 'dplane-b-5.conf');
    const booted = await readBooted(box.places);
    expect(booted.ok ? '' : booted.refusal.why).toMatch(/started dplane-b-5\.conf, but the kernel was told slot a/);
  });
  test('no variable of odd length, none without attributes', () => {
    expect(decodeVariable(Buffer.from([7, 0, 0, 0, 0x41, 0, 0x42]))).toBeNull();
    expect(decodeVariable(Buffer.from([7, 0, 0, 0]))).toBeNull();
    expect(decodeVariable(Buffer.from([7, 0, 0, 0, 0x41, 0, 0, 0]))).toBe('A');
  });
  test('mounts with spaces and without optional fields', () => {
    expect(
      parseMounts(
        '36 35 98:0 /mnt1 /mnt\\0402 rw,noatime - ext3 /dev/root ro,errors=continue\n37 35 8:2 / /x rw shared:1 master:2 - xfs /d rw\nbad line',
      ),
    ).toEqual([
      { device: '98:0', root: '/mnt1', at: '/mnt 2', type: 'ext3', readOnly: true },
      { device: '8:2', root: '/', at: '/x', type: 'xfs', readOnly: false },
    ]);
  });
});
