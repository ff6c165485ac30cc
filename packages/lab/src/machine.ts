/** The machine as QEMU arguments. Pure: everything that exists or is chosen at run time comes in. */

export interface Disk {
  readonly file: string;
  readonly format: 'raw' | 'qcow2';
  /** Becomes /dev/disk/by-id/virtio-<serial> (virtio), ata-QEMU_HARDDISK_<serial>, nvme-QEMU_NVMe_Ctrl_<serial>. */
  readonly serial: string;
  readonly bus?: 'virtio' | 'ata' | 'nvme' | 'scsi';
  /** The system disk's: every write and flush goes into this file as well, in order (dm-log-writes). It has to exist. */
  readonly log?: string;
}

export interface Forward {
  readonly host: number;
  readonly guest: number;
}

export interface Machine {
  readonly name: string;
  readonly kvm: boolean;
  readonly memory: string;
  readonly cpus: number;
  readonly firmware: { readonly code: string; readonly vars: string };
  readonly system: Disk;
  readonly disks: readonly Disk[];
  readonly forwards: readonly Forward[];
  readonly mac: string;
  /** Handed to the guest's systemd through SMBIOS; the image itself holds no key. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly qmpSocket: string;
  readonly consoleSocket: string;
  readonly serialLog: string;
  readonly pidFile: string;
  /** A file to resume from instead of powering on. */
  readonly resumeFrom?: string;
}

const EMULATED = [
  // as Debian has it, without bpf: systemd would have its program for RestrictFileSystems= checked and compiled on each start
  'lsm=landlock,lockdown,yama,loadpin,safesetid,integrity,apparmor',
  // no_timer_check: the kernel panics when the timer is late in its first moments
  'mitigations=off rcupdate.rcu_expedited=1 nowatchdog dis_ucode_ldr no_timer_check',
  // an emulated processor on a busy host needs several times as long for everything
  'dplane.deadline=360 dplane.watchdog=600 systemd.watchdog_sec=600',
].join(' ');

export function qemuArgv(machine: Machine): string[] {
  const accelerator = machine.kvm
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max,la57=off,svm=off'];
  return [
    'qemu-system-x86_64',
    ...['-name', machine.name, '-machine', 'q35,smm=off,vmport=off,hpet=off', ...accelerator],
    ...['-smp', String(machine.cpus), '-m', machine.memory],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-pidfile', machine.pidFile],
    ...['-qmp', `unix:${machine.qmpSocket},server=on,wait=off`],
    ...['-chardev', `socket,id=console,path=${machine.consoleSocket},server=on,wait=off,logfile=${machine.serialLog}`],
    ...['-serial', 'chardev:console', '-device', 'virtio-rng-pci', '-device', 'i6300esb', '-action', 'watchdog=reset'],
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${machine.firmware.code}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${machine.firmware.vars}`],
    ...drive(machine.system, 'system', ',bootindex=0'),
    ...(machine.disks.some((disk) => disk.bus === 'scsi') ? ['-device', 'virtio-scsi-pci,id=scsi0'] : []),
    ...slots(machine),
    ...machine.disks.flatMap((disk, index) => dataDisk(disk, index + 1)),
    ...network(machine),
    ...Object.entries(machine.credentials).flatMap(([name, value]) => [
      '-smbios',
      `type=11,value=io.systemd.credential.binary:${name}=${Buffer.from(value).toString('base64')}`,
    ]),
    // the lab's own haste, not the product's: systemd-boot adds this to the kernel command line
    ...(machine.kvm ? [] : ['-smbios', `type=11,value=io.systemd.boot.kernel-cmdline-extra=${EMULATED.replaceAll(',', ',,')}`]),
    ...(machine.resumeFrom === undefined ? [] : ['-incoming', `exec:cat ${machine.resumeFrom}`]),
  ];
}

// the guest's flushes are not handed on to the host's disk: a cut of the guest keeps what it wrote, a cut of the host may not
function drive(disk: Disk, id: string, more: string): string[] {
  const plain = `file=${disk.file},format=${disk.format},cache=unsafe`;
  // not unsafe: the flushes have to arrive to be written down
  const file = `file.driver=${disk.format},file.file.driver=file,file.file.filename=${disk.file}`;
  const logged = `driver=blklogwrites,${file},log.driver=file,log.filename=${disk.log},log-sector-size=512,cache=writeback`;
  const backend = `if=none,id=${id},${disk.log === undefined ? plain : logged},discard=unmap`;
  return ['-drive', backend, '-device', `virtio-blk-pci,id=dev-${id},drive=${id},serial=${disk.serial}${more}`];
}

/** A data disk's contents, as a node that outlives the device: a pulled disk can be put back. */
export function blockNode(disk: Disk, n: number): Record<string, unknown> {
  const cache = { direct: false, 'no-flush': true };
  const file = { driver: 'file', filename: disk.file, cache };
  return { driver: disk.format, 'node-name': `d${n}`, discard: 'unmap', cache, file };
}

/** A data disk's device on node `drive`; for the command line and for plugging it in while the machine runs. */
export function blockDevice(disk: Disk, n: number, drive = `d${n}`): Record<string, string> {
  const devices: Record<NonNullable<Disk['bus']>, Record<string, string>> = {
    virtio: { driver: 'virtio-blk-pci', bus: `slot${n}` },
    ata: { driver: 'ide-hd' },
    nvme: { driver: 'nvme' },
    scsi: { driver: 'scsi-hd', bus: 'scsi0.0' },
  };
  return { ...devices[disk.bus ?? 'virtio'], id: `dev-d${n}`, drive, serial: disk.serial };
}

function dataDisk(disk: Disk, n: number): string[] {
  return ['-blockdev', JSON.stringify(blockNode(disk, n)), '-device', option(blockDevice(disk, n))];
}

const option = ({ driver, ...rest }: Record<string, string>): string =>
  [driver, ...Object.entries(rest).map(([key, value]) => `${key}=${value}`)].join(',');

/** Where a card for a wire between two machines is plugged in. */
export const WIRE_SLOT = 'slot0';

/** Ports that take and give away a device while the machine runs: one for each virtio data disk, one for a network card. */
function slots(machine: Machine): string[] {
  const virtio = machine.disks.flatMap((disk, index) => ((disk.bus ?? 'virtio') === 'virtio' ? [index + 1] : []));
  return [0, ...virtio].flatMap((n, index) => {
    const place = `addr=0x${(0x10 + Math.floor(index / 8)).toString(16)}.${index % 8}${index % 8 === 0 ? ',multifunction=on' : ''}`;
    return ['-device', `pcie-root-port,id=slot${n},chassis=${n + 1},slot=${n},io-reserve=0,${place}`];
  });
}

function network(machine: Machine): string[] {
  const forwards = machine.forwards.map(({ host, guest }) => `,hostfwd=tcp:127.0.0.1:${host}-:${guest}`).join('');
  return ['-netdev', `user,id=lan${forwards}`, '-device', `virtio-net-pci,netdev=lan,romfile=,mac=${machine.mac}`];
}
