/**
 * Does KVM work here? /dev/kvm being there proves nothing: nested virtualisation may accept a guest and then hang. So a kernel is
 * started for a few seconds, without a disk; if it says its first line, KVM works. The answer is kept until the host restarts.
 */
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './exec.ts';
import { socketFolder } from './places.ts';

const LIMIT_MS = 10_000;

export async function kvmWorks(kernel: string): Promise<boolean> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const note = join(socketFolder(), 'kvm-probe');
  try {
    const [when, answer] = readFileSync(note, 'utf8').trim().split(' ');
    if (when === boot) return answer === 'works';
  } catch {
    // not probed yet
  }
  const works = await probe(kernel);
  writeFileSync(note, `${boot} ${works ? 'works' : 'hangs'}\n`);
  return works;
}

async function probe(kernel: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'dplaneos-kvm-'));
  const log = join(folder, 'serial');
  const machine = ['-machine', 'q35', '-accel', 'kvm', '-cpu', 'host', '-m', '256M', '-nodefaults', '-display', 'none', '-no-reboot'];
  const boot = ['-kernel', kernel, '-append', 'console=ttyS0 panic=-1', '-serial', `file:${log}`];
  // it ends by itself: no root file system, panic, restart refused
  await run(['qemu-system-x86_64', ...machine, ...boot], { timeoutMs: LIMIT_MS, hardKill: true });
  try {
    return readFileSync(log, 'utf8').includes('Linux version');
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
