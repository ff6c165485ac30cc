/**
 * What happens to disks: pulled out of a running machine, put back, damaged, failing. Disks are counted from 1, as in their serials.
 * A pulled disk keeps what it held; while it is out, its contents can be damaged. Needs virtio disks, which sit in slots of their own.
 */
import { must } from './exec.ts';
import { blockDevice, blockNode, type Disk } from './machine.ts';
import type { Vm } from './vm.ts';

/** Reads or writes that touch this sector (of 512 bytes) of the disk are answered with an error. */
export interface Fault {
  readonly iotype: 'read' | 'write';
  readonly sector: number;
}

const diskOf = (vm: Vm, n: number): Disk => {
  const disk = vm.spec.disks[n - 1];
  if (disk === undefined) throw new RangeError(`the VM ${vm.spec.name} has no disk ${n}`);
  return disk;
};

/** Waits until the guest has let go of it. */
export async function pull(vm: Vm, n: number): Promise<void> {
  const device = `dev-d${n}`;
  diskOf(vm, n);
  await vm.qmp('device_del', { id: device });
  await vm.until(`disk ${n} is out`, 60_000, async () => {
    // QMP's own words
    const devices = (await vm.qmp('qom-list', { path: '/machine/peripheral' })) as { name: string }[];
    return devices.every(({ name }) => name !== device);
  });
  const nodes = (await vm.qmp('query-named-block-nodes', { flat: true })) as { 'node-name': string }[];
  for (const node of [`d${n}-failing`, `d${n}`])
    if (nodes.some((known) => known['node-name'] === node)) await vm.qmp('blockdev-del', { 'node-name': node });
}

/** Plugs the disk in again; with `faults` it fails at those places from now on, until it is pulled. */
export async function putBack(vm: Vm, n: number, faults: readonly Fault[] = []): Promise<void> {
  const disk = diskOf(vm, n);
  await vm.qmp('blockdev-add', blockNode(disk, n));
  if (faults.length > 0) {
    const errors = faults.map((fault) => ({ event: 'none', errno: 5, once: false, immediately: false, ...fault }));
    await vm.qmp('blockdev-add', { driver: 'blkdebug', 'node-name': `d${n}-failing`, image: `d${n}`, 'inject-error': errors });
  }
  await vm.qmp('device_add', blockDevice(disk, n, faults.length > 0 ? `d${n}-failing` : `d${n}`));
  await vm.until(`disk ${n} is in`, 60_000, async () => (await vm.run(['test', '-e', `/dev/disk/by-id/virtio-${disk.serial}`])).exit === 0);
  // its partitions have names a moment after it has one
  await vm.must(['udevadm', 'settle', '--timeout=120']);
}

/** Overwrites bytes of a disk that is pulled, or of a machine that is off, behind everybody's back. */
export async function damage(vm: Vm, n: number, offset: number, bytes: number): Promise<void> {
  const { file, format } = diskOf(vm, n);
  await must(['qemu-io', '-f', format, '-c', `write -q -P 0xa5 ${offset} ${bytes}`, file], { timeoutMs: 120_000 });
}
