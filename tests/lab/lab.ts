/**
 * Virtual machines for end-to-end tests. Each test file gets machines of its own on copy-on-write disks; they start from a state that
 * was booted once and saved, so that they answer within seconds. Real power-ons are asked for with `cold`.
 *
 *   const lab = await openLab('storage');
 *   const nas = await lab.machine();          // booted, UI answering, unclaimed, six empty disks, no pool
 *   await nas.must(['zpool', 'list']);
 *   afterAll(() => lab.close());
 *
 * While one works on the control plane, DPLANE_LAB_SLOT=<folder of an image built before> and DPLANE_LAB_PUSH=1 save building an image for
 * each attempt: the present sources go into the resumed machine. What counts is a run without them.
 *
 * When a test failed, `close` leaves serial log, journal and state of services in artifacts/lab/<suite>/.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alone } from '../../packages/debian/src/alone.ts';
import { buildDisk } from '../../packages/debian/src/disk.ts';
import { fingerprint, repository } from '../../packages/debian/src/places.ts';
import { Progress } from '../../packages/debian/src/progress.ts';
import { buildSlot, readSlot, type Slot } from '../../packages/debian/src/slot.ts';
import { must } from '../../packages/lab/src/exec.ts';
import { kvmWorks } from '../../packages/lab/src/kvm.ts';
import type { Disk } from '../../packages/lab/src/machine.ts';
import { push } from '../../packages/lab/src/push.ts';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import { choosePorts, Vm } from '../../packages/lab/src/vm.ts';

export const DISKS = 6;
const DISK_SIZE = '2G';
const MEMORY = '1536M';

export interface NewDisk {
  readonly serial: string;
  readonly size: string;
  readonly bus?: NonNullable<Disk['bus']>;
}
const USUAL: readonly NewDisk[] = Array.from({ length: DISKS }, (_, index) => ({ serial: `test-disk${index + 1}`, size: DISK_SIZE }));

export interface MachineOptions {
  /** Power on with the firmware instead of resuming. */
  readonly cold?: boolean;
  readonly name?: string;
  /** Other hardware than the saved machine has: it is powered on. */
  readonly disks?: readonly NewDisk[];
  readonly memory?: string;
  /** As it was saved, and not running: its disks are to be looked at, or another machine is made of it. */
  readonly off?: boolean;
  /** Write down every write to the system disk, in `writes.log` in its folder. */
  readonly log?: boolean;
}

export interface Lab {
  readonly slot: Slot;
  readonly folder: string;
  machine(options?: MachineOptions): Promise<Vm>;
  close(failed?: boolean): Promise<void>;
}

export async function openLab(suite: string): Promise<Lab> {
  const progress = new Progress(false);
  // while one works on the tests alone: an image that is there already
  const given = process.env.DPLANE_LAB_SLOT;
  const slot = given ? readSlot(given) : await buildSlot(progress);
  const image = await buildDisk(slot, progress);
  const kvm = await kvmWorks(join(slot.folder, 'vmlinuz'));
  const folder = mkdtempSync(join(process.env.DPLANE_LAB_TMP ?? tmpdir(), `dplaneos-${suite}-`));
  const machines: Vm[] = [];

  const define = async (name: string, at: string, options: MachineOptions = {}): Promise<Vm> => {
    mkdirSync(at, { recursive: true });
    const disk = (file: string, serial: string): Disk => ({ file: join(at, file), format: 'qcow2', serial });
    const disks = options.disks ?? USUAL;
    return new Vm({
      name,
      identity: 'test',
      folder: at,
      kvm,
      memory: options.memory ?? MEMORY,
      cpus: 2,
      system: { ...disk('system.qcow2', 'test-system'), ...(options.log === true ? { log: join(at, 'writes.log') } : {}) },
      disks: disks.map(({ serial, bus }, index) => ({ ...disk(`d${index + 1}.qcow2`, serial), ...(bus === undefined ? {} : { bus }) })),
      ports: await choosePorts(),
    });
  };
  const blank = async (vm: Vm, disks: readonly NewDisk[] = USUAL): Promise<void> => {
    await must(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', image, '-F', 'raw', vm.spec.system.file]);
    for (const [index, { file }] of vm.spec.disks.entries())
      await must(['qemu-img', 'create', '-q', '-f', 'qcow2', file, disks[index]?.size ?? DISK_SIZE]);
  };

  // a saved state fits only the machine it was saved from
  const hardware = fingerprint(...['machine', 'vm'].map((name) => readFileSync(join(repository, `packages/lab/src/${name}.ts`), 'utf8')), [
    DISKS,
    DISK_SIZE,
    MEMORY,
  ]);
  const booted = join(slot.folder, `booted-${kvm ? 'kvm' : 'tcg'}-${hardware}`);
  const bootOnce = async () => {
    if (!existsSync(join(booted, 'state'))) await alone(`${booted}.lock`, progress, boot);
  };
  const boot = async (): Promise<void> => {
    if (existsSync(join(booted, 'state'))) return;
    const at = `${booted}.new`;
    rmSync(at, { recursive: true, force: true });
    const vm = await define(`boot-${process.pid}`, at);
    await blank(vm);
    await progress.step('first boot, saved for all suites', async () => {
      try {
        await vm.start();
        await vm.sshReady();
        await uiAnswers(vm);
        await vm.sh('modprobe zfs; sync');
        await vm.forgetSsh();
        await vm.save(join(at, 'state'));
      } catch (error) {
        await keep(vm, suite, repository);
        await vm.cut();
        throw error;
      }
    });
    renameSync(at, booted);
  };

  return {
    slot,
    folder,
    async machine(options = {}) {
      const name = `${suite}-${options.name ?? String.fromCharCode(97 + machines.length)}-${process.pid}`;
      const vm = await define(name, join(folder, options.name ?? String.fromCharCode(97 + machines.length)), options);
      machines.push(vm);
      if (options.cold === true || options.disks !== undefined || options.memory !== undefined) {
        await blank(vm, options.disks);
        await vm.start();
        await vm.sshReady();
        await uiAnswers(vm);
        return vm;
      }
      await bootOnce();
      for (const file of readdirSync(booted).filter((entry) => /\.(qcow2|fd)$|^id_/.test(entry))) {
        if (file === 'system.qcow2')
          await must(['cp', '--reflink=auto', '--sparse=always', join(booted, file), join(vm.spec.folder, file)]);
        else copyFileSync(join(booted, file), join(vm.spec.folder, file));
      }
      if (vm.spec.system.log !== undefined) writeFileSync(vm.spec.system.log, '');
      if (options.off === true) return vm;
      await vm.start(join(booted, 'state'));
      if (process.env.DPLANE_LAB_PUSH) {
        await push(vm);
        await uiAnswers(vm);
      }
      return vm;
    },
    async close(failed = false) {
      for (const vm of machines) {
        if (failed) await keep(vm, suite, repository);
        await vm.cut();
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What one wants to read after a failure. */
async function keep(vm: Vm, suite: string, root: string): Promise<void> {
  const folder = join(root, 'artifacts/lab', suite);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${vm.spec.name}.serial.log`), vm.serialText());
  if (vm.pid() === null) return;
  const reports = {
    journal: ['journalctl', '-b', '--no-pager', '-o', 'short-monotonic'],
    units: ['systemctl', 'list-units', '--all', '--no-pager'],
  };
  for (const [name, argv] of Object.entries(reports)) {
    const answer = await vm.run(argv, { timeoutMs: 60_000 });
    writeFileSync(join(folder, `${vm.spec.name}.${name}.log`), `${answer.stdout}${answer.stderr}`);
  }
}
