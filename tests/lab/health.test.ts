/** The health of disks on real ones, as far as QEMU's are: SMART of ATA and NVMe through the executor, self-tests, and read errors that raise a disk's risk. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pull, putBack } from '../../packages/lab/src/disks.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim } from './api.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

interface Health {
  readonly path: string;
  readonly state: string;
  readonly why: string | null;
  readonly score: number;
  readonly reasons: readonly string[];
  readonly smart: {
    readonly protocol: string;
    readonly passed: boolean;
    readonly temperature: number;
    readonly tests: { readonly last: readonly { readonly kind: string; readonly result: string }[] } | null;
  } | null;
}
interface Alert {
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
}

const LIMIT = 240_000;
const ATA = 'ata-QEMU_HARDDISK_test-ata';
const NVME = 'nvme-QEMU_NVMe_Ctrl_test-nvme';
const SCSI = 'scsi-0QEMU_QEMU_HARDDISK_test-scsi';
const label = (n: number) => `virtio-test-disk${n}`;
const disk = (n: number) => `/dev/disk/by-id/${label(n)}`;
let lab: Lab;
let nas: Vm;
let call: Call;

// the API's own answers, whose shapes its contract tests hold
const health = async (name: string): Promise<Health | undefined> =>
  ((await call('GET', '/api/zfs/disks/health')).disks as Health[]).find((h) => h.path.endsWith(`/${name}`));
const alerts = async (): Promise<Alert[]> => (await call('GET', '/api/alerts')).alerts as Alert[];

beforeAll(async () => {
  lab = await openLab('health');
  nas = await lab.machine({
    disks: [
      ...[1, 2, 3].map((n) => ({ serial: `test-disk${n}`, size: '2G' })),
      { serial: 'test-ata', size: '1G', bus: 'ata' },
      { serial: 'test-nvme', size: '1G', bus: 'nvme' },
      { serial: 'test-scsi', size: '1G', bus: 'scsi' },
    ],
  });
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
});
afterAll(() => lab?.close(hasFailed()));

test('disks are asked by themselves after the start: ATA and NVMe answer, virtio is not asked', async () => {
  await nas.until('all disks were asked', LIMIT, async () => {
    const all = await Promise.all([ATA, NVME, SCSI, label(1)].map(health));
    return all.every((h) => h !== undefined && h.state !== 'never');
  });
  expect(await health(ATA)).toMatchObject({ state: 'read', score: 0, smart: { protocol: 'ATA', passed: true, temperature: 31 } });
  expect(await health(NVME)).toMatchObject({ state: 'read', smart: { protocol: 'NVMe', passed: true, temperature: 50 } });
  expect(await health(SCSI)).toMatchObject({ state: 'unknown', why: 'it has no SMART, or its bridge does not pass it on' });
  expect(await health(label(1))).toMatchObject({ state: 'unknown', why: 'a disk of this kind has no SMART' });
  expect((await alerts()).filter((a) => a.kind === 'disk.risk')).toEqual([]);
});

test('a disk tests itself, and what has no self-tests says so', async () => {
  const tested = (await call('POST', `/api/zfs/disks/${ATA}/self-test`, { test: 'long' })) as unknown as Health;
  expect(tested.smart?.tests?.last[0]).toMatchObject({ kind: 'long', result: 'passed' });
  await expect(call('POST', `/api/zfs/disks/${NVME}/self-test`, { test: 'short' })).rejects.toThrow('no self-tests');
  // the command line at the box says the same, to a person
  const said = await nas.must(['dplane', 'disk', 'show', ATA]);
  expect(said).toContain('31 °C');
  expect(said).toMatch(/long self-test: passed/);
});

test('a disk whose sectors can not be read becomes a risk, with the reason and an alert', async () => {
  await change(nas, call, [
    {
      kind: 'pool.create',
      pool: {
        name: 'tank',
        vdevs: [{ kind: 'mirror', disks: [disk(1), disk(2)] }],
        options: { ashift: 12 },
        properties: { mountpoint: '/mnt/tank' },
      },
    },
  ]);
  await nas.sh('head -c 20000000 /dev/urandom > /mnt/tank/film; zpool sync tank');
  const object = (await nas.must(['stat', '-c', '%i', '/mnt/tank/film'])).trim();
  const cache = (await nas.must(['cat', '/sys/module/zfs/parameters/spa_config_path'])).trim();
  // "0 L0 0:offset:size", counted from behind the labels and the boot block of the first partition
  const block = / L0 (?:DVA\[0\]=<)?0:([0-9a-f]+):/.exec(await nas.must(['zdb', '-U', cache, '-ddddd', 'tank/', object]))?.[1];
  expect(block).toBeDefined();
  const sector = (5 * 1024 ** 2 + Number.parseInt(block ?? '', 16)) / 512;
  await nas.must(['zpool', 'export', 'tank']);
  await pull(nas, 1);
  await putBack(nas, 1, [{ iotype: 'read', sector }]);
  await nas.must(['zpool', 'import', '-d', '/dev/disk/by-id', 'tank']);
  await nas.must(['zpool', 'scrub', '-w', 'tank']);
  await nas.until('the disk is a risk', LIMIT, async () =>
    ((await health(label(1)))?.reasons ?? []).some((r) => r.includes('of ZFS this week')),
  );
  const bad = await health(label(1));
  expect(bad?.reasons.join('; ')).toMatch(/ZFS met \d+ read errors?/);
  expect(bad?.score).toBeGreaterThan(30);
  expect(await health(label(2))).toMatchObject({ score: 0, reasons: [] });
  await nas.until('the alert names it', LIMIT, async () =>
    (await alerts()).some((a) => a.kind === 'disk.risk' && a.subject === `disk:${disk(1)}` && a.message.includes('ZFS')),
  );
  // cleared, it is still known
  await nas.must(['zpool', 'clear', 'tank']);
  await nas.until('the counters are gone, the week is not', LIMIT, async () => {
    const reasons = (await health(label(1)))?.reasons ?? [];
    return reasons.length > 0 && reasons.every((r) => r.endsWith('this week'));
  });
});

interface Arc {
  readonly whyNot: string | null;
  readonly limit: number;
  readonly advised: number;
  readonly chosen: number | null;
  readonly memory: number;
  readonly ecc: boolean | null;
  readonly size: number;
  readonly ratio: number | null;
}
const arc = async (): Promise<Arc> => (await call('GET', '/api/system/memory/arc')) as unknown as Arc;
/** What ZFS itself says, without us in between. */
const ofZfs = async (): Promise<{ parameter: number; most: number }> => ({
  parameter: Number(await nas.must(['cat', '/sys/module/zfs/parameters/zfs_arc_max'])),
  most: Number(/^c_max\s+\d+\s+(\d+)$/m.exec(await nas.must(['cat', '/proc/spl/kstat/zfs/arcstats']))?.[1]),
});

test('the cache of ZFS has a limit from what the machine has, and ZFS keeps to it', async () => {
  await nas.until('it was set', LIMIT, async () => {
    const a = await arc();
    return a.whyNot === null && a.limit === a.advised && (await ofZfs()).parameter === a.limit;
  });
  const a = await arc();
  expect(await ofZfs()).toEqual({ parameter: a.limit, most: a.limit });
  expect(a.limit).toBeGreaterThan(a.memory / 8);
  expect(a.limit).toBeLessThan(a.memory * 0.7);
  // QEMU's firmware says "Multi-bit ECC"
  expect(a.ecc).toBe(true);
  expect(a.ratio).toBeGreaterThan(0);
  console.log(`${Math.round(a.memory / 1024 ** 2)} MiB memory: ${Math.round(a.limit / 1024 ** 2)} MiB for the cache`);
});

test('another limit is chosen, is in force at once, and still after a restart, before anybody looks', async () => {
  const MiB = 1024 ** 2;
  await change(nas, call, [{ kind: 'memory.arc', limit: '256M' }]);
  expect(await ofZfs()).toEqual({ parameter: 256 * MiB, most: 256 * MiB });
  expect(await arc()).toMatchObject({ chosen: 256 * MiB, limit: 256 * MiB });
  await expect(change(nas, call, [{ kind: 'memory.arc', limit: '64G' }])).rejects.toThrow();
  expect((await ofZfs()).most).toBe(256 * MiB);
  // the control plane is kept out of it: what the gate of the pools does is seen alone
  await nas.must(['systemctl', 'mask', '--runtime', 'dplaned.service']);
  await nas.must(['systemctl', 'stop', 'dplaned.service']);
  await nas.must(['modprobe', 'zfs']);
  await nas.sh('echo 300000000 > /sys/module/zfs/parameters/zfs_arc_max');
  await nas.must(['systemctl', 'restart', 'dplane-pools.service']);
  expect(await ofZfs()).toEqual({ parameter: 256 * MiB, most: 256 * MiB });
  await nas.must(['systemctl', 'unmask', '--runtime', 'dplaned.service']);
  await nas.restart();
  await nas.until('it is back', LIMIT, async () => {
    try {
      return (await arc()).limit === 256 * MiB;
    } catch {
      return false; // it is starting
    }
  });
  expect(await ofZfs()).toEqual({ parameter: 256 * MiB, most: 256 * MiB });
  await change(nas, call, [{ kind: 'memory.arc', limit: 'auto' }]);
  const a = await arc();
  expect(a).toMatchObject({ chosen: null, limit: a.advised });
  expect((await ofZfs()).most).toBe(a.advised);
});
