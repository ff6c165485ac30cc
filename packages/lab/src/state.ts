/** The VMs a person has: what each is made of, made on first use and kept until removed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './exec.ts';
import type { Disk } from './machine.ts';
import { stateFolder } from './places.ts';
import { choosePorts, Vm } from './vm.ts';

export function findVm(name: string): Vm {
  return Vm.load(stateFolder(checked(name)));
}

export function listVms(): Vm[] {
  const folder = stateFolder('');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'machine.json')))
    .map((name) => Vm.load(join(folder, name)));
}

export async function removeVm(name: string): Promise<void> {
  const folder = stateFolder(checked(name));
  if (existsSync(join(folder, 'machine.json'))) await Vm.load(folder).cut();
  rmSync(folder, { recursive: true, force: true });
}

function checked(name: string): string {
  if (!/^[a-z][a-z0-9-]{0,15}$/.test(name)) throw new Error(`"${name}" is no name for a VM: small letters, digits and dashes, at most 16`);
  return name;
}

/** `6x4G` */
export function parseDisks(text: string): { count: number; bytes: number } {
  const found = /^(\d{1,2})x(\d+)([MGT])$/.exec(text);
  if (found === null) throw new Error(`--disks ${text}: say how many of which size, as in 6x4G`);
  const unit = { M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }[found[3] ?? 'G'] ?? 2 ** 30;
  return { count: Number(found[1]), bytes: Number(found[2]) * unit };
}

export interface Wanted {
  readonly name: string;
  readonly kvm: boolean;
  readonly memory: string;
  readonly disks: string;
  /** The image to install, and its identity. */
  readonly image: string;
  readonly hash: string;
  /** Installs into the parts of an existing system disk that belong to the slot; what is on persist stays. */
  readonly reinstall: (systemDisk: string) => Promise<void>;
}

/** The VM of that name; made when it is new, its slot renewed when the image has changed, its data kept in any case. */
export async function prepareVm(wanted: Wanted): Promise<Vm> {
  const folder = stateFolder(checked(wanted.name));
  mkdirSync(folder, { recursive: true });
  const disk = join(folder, 'system.img');
  const note = join(folder, 'image');
  if (!existsSync(disk)) {
    await must(['cp', '--reflink=auto', '--sparse=always', wanted.image, `${disk}.new`], { timeoutMs: 300_000 });
    await must(['mv', `${disk}.new`, disk]);
  } else if (!existsSync(note) || readFileSync(note, 'utf8') !== wanted.hash) {
    rmSync(note, { force: true });
    await wanted.reinstall(disk);
  }
  writeFileSync(note, wanted.hash);
  const known = existsSync(join(folder, 'machine.json')) ? Vm.load(folder).spec : undefined;
  const disks = known?.disks ?? makeDisks(folder, wanted);
  const asked = process.env.DPLANE_PORT;
  if (asked && !/^[1-9]\d{0,4}$/.test(asked)) throw new Error(`DPLANE_PORT is not a port: ${asked}`);
  const ports = known && !asked ? known.ports : await choosePorts(Number(asked || 8443));
  const system: Disk = { file: disk, format: 'raw', serial: `${wanted.name}-system` };
  return new Vm({ name: wanted.name, folder, kvm: wanted.kvm, memory: wanted.memory, cpus: 2, system, disks, ports });
}

function makeDisks(folder: string, wanted: Wanted): Disk[] {
  const { count, bytes } = parseDisks(wanted.disks);
  return Array.from({ length: count }, (_, index) => {
    const file = join(folder, `disk${index + 1}.img`);
    writeFileSync(file, '');
    truncateSync(file, bytes);
    return { file, format: 'raw', serial: `${wanted.name}-disk${index + 1}` };
  });
}
