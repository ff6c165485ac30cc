import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemInfo } from '../testing/box.ts';
import { type BootEntry, entryFileName, entryOfVariable, parseEntry, parseEntryName, renderEntry } from './entry.ts';

const entry: BootEntry = {
  slot: 'b',
  number: 12,
  system: systemInfo(7),
  title: 'D-PlaneOS 1.7.0 (slot b)',
  kernel: '0123456789abcdef-vmlinuz',
  initrd: 'fedcba9876543210-initrd',
  options: ['panic=10', 'quiet'],
};

describe('the name of an entry', () => {
  test.each([
    ['dplane-a-1.conf', { slot: 'a', number: 1, tries: null }],
    ['dplane-b-12+3.conf', { slot: 'b', number: 12, tries: { left: 3, done: 0 } }],
    ['dplane-b-12+2-1.conf', { slot: 'b', number: 12, tries: { left: 2, done: 1 } }],
    ['dplane-b-12+0-3.conf', { slot: 'b', number: 12, tries: { left: 0, done: 3 } }],
  ])('%s', (file, expected) => {
    expect(parseEntryName(file)).toEqual(expected);
    expect(parseEntryName(file) && entryFileName(expected as never)).toBe(file);
  });
  test.each([
    'dplane-c-1.conf',
    'dplane-a-0.conf',
    'dplane-a-01.conf',
    'dplane-a-1.conf.tmp',
    'DPLANE-A-1.CONF',
    'dplane-a-1+.conf',
    'dplane-a-1+3-.conf',
    'nixos.conf',
    '',
  ])('not %j', (file) => expect(parseEntryName(file)).toBeNull());
  test('in EFI variables it may come with folders, and in capitals', () => {
    expect(entryOfVariable('\\loader\\entries\\DPLANE-B-12+2-1.CONF')?.number).toBe(12);
    expect(entryOfVariable('auto-windows')).toBeNull();
  });
});

describe('the text of an entry', () => {
  test('is read back to what was written', () => {
    const text = renderEntry(entry);
    expect(text).toContain('\noptions dplane.slot=b panic=10 quiet\n');
    expect(text).toContain('\nsort-key dplane\nversion 12\nlinux /dplane/b/0123456789abcdef-vmlinuz\n');
    expect(parseEntry(text)).toEqual({ ok: true, value: entry });
  });
  test('without options of its own', () => {
    const bare = { ...entry, options: [] };
    expect(parseEntry(renderEntry(bare))).toEqual({ ok: true, value: bare });
  });
  test.each([
    ['an added line', (t: string) => `${t}devicetree /x\n`],
    ['a second initrd', (t: string) => t.replace('initrd /', 'initrd /evil\ninitrd /')],
    ['no slot on the command line', (t: string) => t.replace('dplane.slot=b ', '')],
    ['two slots on the command line', (t: string) => t.replace('quiet', 'dplane.slot=a')],
    ["the other slot's kernel", (t: string) => t.replace('/dplane/b/0123', '/dplane/a/0123')],
    ['another slot in the comment', (t: string) => t.replace('"slot":"b"', '"slot":"a"')],
    ['an unknown key in the comment', (t: string) => t.replace('{"product"', '{"x":1,"product"')],
    ['a kernel that leaves its folder', (t: string) => t.replace('0123456789abcdef-vmlinuz', '../a/0123456789abcdef-vmlinuz')],
    ['two spaces', (t: string) => t.replace('panic=10 quiet', 'panic=10  quiet')],
    ['the end missing', (t: string) => t.slice(0, -1)],
    ['carriage returns', (t: string) => t.replaceAll('\n', '\r\n')],
    ['nothing', () => ''],
  ])('%s is refused', (_, change) => expect(parseEntry(change(renderEntry(entry))).ok).toBe(false));
  test('any single changed byte is refused, or was free to choose', () => {
    const text = renderEntry(entry);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1);
        const parsed = parseEntry(changed);
        if (parsed.ok) expect(renderEntry(parsed.value)).toBe(changed);
      }),
      { numRuns: 500 },
    );
  });
});
