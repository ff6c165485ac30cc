/** Disks that are pulled, damaged and failing: a mirror lives on, says so, and mends itself. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { damage, pull, putBack } from '../../packages/lab/src/disks.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

let lab: Lab;
let nas: Vm;

const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;
/** From the start of a whole disk to where ZFS counts from: the partition, then two labels and the boot block. */
const DATA_STARTS = 1024 ** 2 + 4 * 1024 ** 2;
let sum = '';

interface Status {
  readonly state: string;
  readonly read: number;
  readonly checksum: number;
}
/** What ZFS says about a disk, by the end of its name. */
const said = async (n: number): Promise<Status> => {
  const line = (await nas.must(['zpool', 'status', '-p', 'tank'])).split('\n').find((l) => l.includes(`virtio-test-disk${n} `));
  const [, state = 'gone', read, , checksum] = line?.trim().split(/\s+/) ?? [];
  return { state, read: Number(read), checksum: Number(checksum) };
};
/** A resilver may not have begun right after a disk came back: only a whole scrub shows that both hold everything. */
const mended = async () => {
  await nas.until('everything was read and mended', 240_000, async () => (await nas.run(['zpool', 'scrub', '-w', 'tank'])).exit === 0);
  await nas.must(['zpool', 'clear', 'tank']);
  expect(await nas.must(['zpool', 'status', '-x', 'tank'])).toContain('is healthy');
};
const reread = async (): Promise<string> => {
  await nas.must(['zpool', 'export', 'tank']);
  await nas.must(['zpool', 'import', '-d', '/dev/disk/by-id', 'tank']);
  return nas.must(['sha256sum', '/mnt/tank/film']);
};

beforeAll(async () => {
  lab = await openLab('disks');
  nas = await lab.machine();
  // the tools alone: the control plane would make a dataset of its own in each pool
  await nas.must(['systemctl', 'stop', 'dplaned.service']);
  await nas.must([
    'zpool',
    'create',
    '-o',
    'ashift=12',
    '-O',
    'recordsize=128K',
    '-O',
    'mountpoint=/mnt/tank',
    'tank',
    'mirror',
    disk(1),
    disk(2),
  ]);
  sum = await nas.sh('head -c 20000000 /dev/urandom > /mnt/tank/film; zpool sync tank; sha256sum /mnt/tank/film');
});
afterAll(() => lab?.close(hasFailed()));

test('a disk is pulled while the machine runs: writing goes on, and the disk is filled up when it is back', async () => {
  await pull(nas, 2);
  const written = await nas.sh('head -c 5000000 /dev/urandom > /mnt/tank/meanwhile; zpool sync tank; sha256sum /mnt/tank/meanwhile');
  await nas.until('ZFS says so', 60_000, async () => ['REMOVED', 'UNAVAIL', 'FAULTED'].includes((await said(2)).state));
  expect(await nas.must(['zpool', 'list', '-H', '-o', 'health', 'tank'])).toBe('DEGRADED\n');
  await putBack(nas, 2);
  await nas.must(['zpool', 'online', 'tank', disk(2)]);
  await mended();
  // what was written without it is on it: the other one goes away now
  await pull(nas, 1);
  expect(await nas.must(['sha256sum', '/mnt/tank/meanwhile'])).toBe(written);
  await putBack(nas, 1);
  await nas.must(['zpool', 'online', 'tank', disk(1)]);
  await mended();
});

test('bytes rot on a disk: the file is read whole, the damage is counted and mended', async () => {
  await nas.must(['zpool', 'export', 'tank']);
  await pull(nas, 2);
  await damage(nas, 2, DATA_STARTS + 8 * 1024 ** 2, 60 * 1024 ** 2);
  await putBack(nas, 2);
  await nas.must(['zpool', 'import', '-d', '/dev/disk/by-id', 'tank']);
  expect(await nas.must(['sha256sum', '/mnt/tank/film'])).toBe(sum);
  await nas.must(['zpool', 'scrub', '-w', 'tank']);
  expect((await said(2)).checksum).toBeGreaterThan(0);
  expect(await nas.must(['zpool', 'status', 'tank'])).toContain('errors: No known data errors');
  await mended();
  expect(await said(2)).toEqual({ state: 'ONLINE', read: 0, checksum: 0 });
});

test('a sector can not be read: the file is read whole, the error is counted at the right disk', async () => {
  // where the first data block of the file lies: "0 L0 0:offset:size", the same on both disks of a mirror
  const object = (await nas.must(['stat', '-c', '%i', '/mnt/tank/film'])).trim();
  const cache = (await nas.must(['cat', '/sys/module/zfs/parameters/spa_config_path'])).trim();
  const block = / L0 (?:DVA\[0\]=<)?0:([0-9a-f]+):/.exec(await nas.must(['zdb', '-U', cache, '-ddddd', 'tank/', object]))?.[1];
  expect(block).toBeDefined();
  const sector = (DATA_STARTS + Number.parseInt(block ?? '', 16)) / 512;
  await nas.must(['zpool', 'export', 'tank']);
  for (const n of [1, 2]) await pull(nas, n);
  await putBack(nas, 1, [{ iotype: 'read', sector }]);
  await putBack(nas, 2);
  await nas.must(['zpool', 'import', '-d', '/dev/disk/by-id', 'tank']);
  await nas.must(['zpool', 'scrub', '-w', 'tank']);
  expect(await nas.must(['sha256sum', '/mnt/tank/film'])).toBe(sum);
  expect((await said(1)).read).toBeGreaterThan(0);
  expect(await said(2)).toEqual({ state: 'ONLINE', read: 0, checksum: 0 });
  await pull(nas, 1);
  await putBack(nas, 1);
  await nas.must(['zpool', 'clear', 'tank']);
  expect(await reread()).toBe(sum);
});
