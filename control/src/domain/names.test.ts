import { describe, expect, test } from 'vitest';
import {
  AbsolutePath,
  DatasetName,
  DiskPath,
  formatBytes,
  isWithin,
  parentOf,
  parseSize,
  PoolName,
  poolOf,
  sameSize,
  SizeText,
  SnapshotName,
  SnapshotTag,
} from './names.ts';
import { Properties } from './property/property.ts';
import { Cron } from './schedule/schedule.ts';
import { NfsShare, SmbShare } from './share/share.ts';
import { can, Permission, ROLES } from './user/role.ts';

const takes = (schema: { safeParse(v: unknown): { success: boolean } }, v: unknown): boolean => schema.safeParse(v).success;

describe('names', () => {
  test.each([
    ['tank', true],
    ['t', true],
    ['Tank-1_a.b:c', true],
    ['', false],
    ['-tank', false],
    ['1tank', false],
    ['mirror0', false],
    ['raidz', false],
    ['draid', false],
    ['spares', false],
    ['logs', false],
    ['c0', false],
    ['tank/a', false],
    ['tänk', false],
    ['ta nk', false],
    ['tank\n', false],
    ['tank\0', false],
    ['a'.repeat(256), false],
  ])('pool %j: %s', (name, good) => expect(takes(PoolName, name)).toBe(good));

  test.each([
    ['tank/a', true],
    ['tank/a b/c', true],
    ['tank/.hidden', true],
    ['tank', true],
    ['tank/', false],
    ['/tank', false],
    ['tank//a', false],
    ['tank/..', false],
    ['tank/../etc', false],
    ['tank/.', false],
    ['tank/-o', false],
    ['-r/tank', false],
    ['tank/a\nb', false],
    ['tank/a\0', false],
    ['tank/a@s', false],
    ['tank/ü', false],
    ['tank/a ', false],
    ['tank/$(id)', false],
    [`tank/${'a'.repeat(250)}`, true],
    [`tank/${'a'.repeat(251)}`, false],
  ])('dataset %j: %s', (name, good) => expect(takes(DatasetName, name)).toBe(good));

  test.each([
    ['tank/a@daily-1', true],
    ['tank@GMT-2026.11.20-18.30.00', true],
    ['tank/a@', false],
    ['@a', false],
    ['tank@-r', false],
    ['tank@a@b', false],
    ['tank@a\n', false],
    ['tank@a/b', false],
  ])('snapshot %j: %s', (name, good) => expect(takes(SnapshotName, name)).toBe(good));
  test('snapshot tags take no option', () => expect(takes(SnapshotTag, '-rf')).toBe(false));

  test.each([
    ['/dev/disk/by-id/ata-WDC_WD40-1_WD-X', true],
    ['/dev/disk/by-id/nvme-eui.0025', true],
    ['/dev/disk/by-id/wwn-0x5-part1', true],
    ['/dev/sda', false],
    ['/dev/nvme0n1', false],
    ['/dev/vdb1', false],
    ['/dev/disk/by-id/../sda', false],
    ['/dev/disk/by-id/', false],
    ['/dev/disk/by-id/-o', false],
    ['/dev/disk/by-path/x', false],
    ['sda', false],
    ['/dev/disk/by-id/a b', false],
    ['/dev/disk/by-id/a\n', false],
  ])('disk %j: %s', (path, good) => expect(takes(DiskPath, path)).toBe(good));
  test('a name that moves is refused with that reason alone', () =>
    expect(DiskPath.safeParse('/dev/sda').error?.issues.map((i) => i.message)).toEqual([expect.stringContaining('move between boots')]));

  test.each([
    ['/mnt/a b', true],
    ['/', true],
    ['/a/../b', false],
    ['/a//b', false],
    ['/a/', false],
    ['a', false],
    ['/a\nb', false],
    ['/a%m', false],
    ['/a$HOME', false],
    ['/a"b', false],
    ['/a\0', false],
  ])('path %j: %s', (path, good) => expect(takes(AbsolutePath, path)).toBe(good));

  test('above and within', () => {
    expect([poolOf('tank/a@b/c'), poolOf('tank@x'), poolOf('tank'), parentOf('tank/a/b'), parentOf('tank')]).toEqual([
      'tank',
      'tank',
      'tank',
      'tank/a',
      null,
    ]);
    expect([isWithin('tank/a', 'tank/a'), isWithin('tank/a/b', 'tank/a'), isWithin('tank/ab', 'tank/a')]).toEqual([true, true, false]);
  });
});

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['1K', 1024],
    ['10G', 10737418240],
    ['10GiB', 10737418240],
    ['10GB', 10737418240],
    ['1.5T', 1649267441664],
    ['1.7K', 1740],
    ['16E', 2 ** 64],
  ])('%s is %d bytes, cut to whole ones as ZFS does it', (text, bytes) => expect(parseSize(text)).toBe(bytes));
  test.each(['', '-1', '1.5', '10iB', '01', '1e9', '10 G', '10X', 'G', '16E', '20E', '18446744073709551616', '1'.repeat(40), '10G\n'])(
    'refuses %j',
    (text) => expect(takes(SizeText, text)).toBe(false),
  );
  test('the largest size is a size', () => expect(takes(SizeText, '18446744073709551615')).toBe(true));
  test('compares to the last byte beyond what a number counts', () => {
    expect(sameSize('10G', '10737418240')).toBe(true);
    expect(sameSize('16P', '18014398509481984')).toBe(true);
    expect(sameSize('18014398509481985', '18014398509481984')).toBe(false);
  });
  test('for people', () =>
    expect([0, 1023, 1536, 10 * 1024, 150 * 1024 ** 2].map(formatBytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '10 KiB', '150 MiB']));
});

test.each([
  ['*/5 * * * *', true],
  ['0 3 1,15 * 1-5', true],
  ['0-30/10 0 * 12 7', true],
  ['60 * * * *', false],
  ['* 24 * * *', false],
  ['* * 0 * *', false],
  ['* * * 13 *', false],
  ['* * * * 8', false],
  ['*/0 * * * *', false],
  ['30-10 * * * *', false],
  ['* * * *', false],
  ['* * * * * *', false],
  ['* * * * *\n', false],
  ['*\n* * * *', false],
  ['@daily', false],
  ['a * * * *', false],
  ['-1 * * * *', false],
])('cron %j: %s', (text, good) => expect(takes(Cron, text)).toBe(good));

describe('properties', () => {
  test.each([
    [{ compression: 'zstd-19' }, true],
    [{ compression: 'zstd-0' }, false],
    [{ compression: 'zstd-20' }, false],
    [{ recordsize: '128K' }, true],
    [{ recordsize: '100K' }, false],
    [{ recordsize: '32M' }, false],
    [{ recordsize: 'abc' }, false],
    [{ dedup: 'sha256,verify' }, true],
    [{ quota: 'inherit' }, false],
    [{ atime: 'inherit' }, true],
    [{ sharesmb: 'on' }, false],
    [{ atime: 'on\n' }, false],
    [{ mountpoint: '/a\nb' }, false],
    [{ mountpoint: '-o' }, false],
  ])('%j: %s', (p, good) => expect(takes(Properties, p)).toBe(good));
});

describe('shares hold nothing that a config file reads as syntax', () => {
  const smb = { kind: 'smb', name: 's', dataset: 'tank/a' };
  const nfs = { kind: 'nfs', name: 's', dataset: 'tank/a', clients: [{ host: '10.0.0.0/8' }] };
  test('takes plain ones', () =>
    expect([takes(SmbShare, { ...smb, comment: "Eva's files – für alle" }), takes(NfsShare, nfs)]).toEqual([true, true]));
  test.each([
    { comment: 'a\n[global]' },
    { comment: 'a\r' },
    { comment: 'a\u2028b' },
    { comment: 'a\u0085b' },
    { comment: '%U' },
    { comment: 'a\\' },
    { comment: 'a\0' },
    { comment: 'x'.repeat(10_000) },
    { name: 's]\n[x' },
    { name: '-s' },
    { name: 'global' },
    { name: 'IPC$' },
    { name: 'CON' },
    { folder: '/../..' },
    { folder: '/a\nroot preexec = x' },
    { validUsers: ['eva\nroot'] },
    { validUsers: ['-x'] },
    { validUsers: ['a, b'] },
    { dataset: '../x' },
    { rootPreexec: 'id' },
  ])('smb refuses %j', (more) => expect(takes(SmbShare, { ...smb, ...more })).toBe(false));
  test.each(['10.0.0.1(rw)', '* *', '-x', '10.0.0.1\n/ *(rw)', '#x', '', 'a b', '@netgroup'])('nfs refuses the client %j', (host) =>
    expect(takes(NfsShare, { ...nfs, clients: [{ host }] })).toBe(false),
  );
});

test('only an admin approves, and nobody is above the table', () => {
  expect(
    Object.entries(ROLES)
      .filter(([, set]) => set.has('plan.approve'))
      .map(([role]) => role),
  ).toEqual(['admin']);
  for (const p of Permission.options) expect(can('admin', p)).toBe(true);
  for (const p of Permission.options)
    if (p.endsWith('.write') || p === 'plan.apply') expect([can('viewer', p), can('auditor', p)]).toEqual([false, false]);
  expect(can('operator', 'access.write')).toBe(false);
});

test('what ZFS does not take is refused with the reason that people need', () => {
  const why = (name: string): string => DatasetName.safeParse(name).error?.issues[0]?.message ?? 'taken';
  for (const name of ['tank/a b', 'tank/a:b_c.d-e', `tank/${'x'.repeat(250)}`]) expect(why(name)).toBe('taken');
  for (const name of ['tank/fotos-für-anna', 'tank/写真', 'tank/a\u0000b', 'tänk/a', 'tank/e\u0301'])
    expect(why(name)).toContain('ZFS takes no other letters');
  for (const name of ['tank/-rf', '-tank/a', 'tank/a/-']) expect(why(name)).toContain('begin with -');
  for (const name of ['tank/ a', 'tank/a ', 'tank/ ']) expect(why(name)).toContain('begin or end with a space');
  expect(why(`tank/${'x'.repeat(251)}`)).toContain('255 bytes');
  for (const name of ['tank/.', 'tank/..']) expect(why(name)).toContain('. or ..');
  for (const name of ['tank/a@b', 'tank/a#b', 'tank//b', '/tank', 'tank/', 'tank/a%b']) expect(why(name)).toContain('pool/part/part');
  expect(SnapshotTag.safeParse('vor-dem-Löschen').error?.issues[0]?.message).toContain('ZFS takes no other letters');
});
