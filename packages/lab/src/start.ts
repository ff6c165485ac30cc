/** `npm start`: build what is missing, boot, wait for the UI, say where it is; Ctrl-C shuts the VM down cleanly. */
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { buildDisk, renewSlot } from '../../debian/src/disk.ts';
import { Progress } from '../../debian/src/progress.ts';
import { buildSlot } from '../../debian/src/slot.ts';
import { kvmWorks } from './kvm.ts';
import { listVms, prepareVm, removeVm } from './state.ts';
import type { Vm } from './vm.ts';

export interface StartOptions {
  readonly name: string;
  readonly fresh: boolean;
  readonly headless: boolean;
  readonly disks: string;
  readonly memory: string;
  readonly refresh: boolean;
}

export async function start(options: StartOptions): Promise<number> {
  const progress = new Progress();
  const slot = await buildSlot(progress, { refresh: options.refresh });
  const image = await buildDisk(slot, progress);
  const kvm = await progress.step('can this machine run guests at full speed (KVM)?', () => kvmWorks(join(slot.folder, 'vmlinuz')));
  if (!kvm) console.log('        no: QEMU emulates the processor; starting takes about a minute');
  if (options.fresh) await removeVm(options.name);
  const running = listVms().find((vm) => vm.spec.name === options.name && vm.pid() !== null);
  const vm =
    running ?? (await prepareVm({ ...options, kvm, image, hash: slot.hash, reinstall: (disk) => renewSlot(slot, disk, progress) }));
  if (running !== undefined) console.log('        it is running already; a newer image is installed at its next start');
  const stop = options.headless ? null : ctrlC();
  if (vm.pid() === null) {
    await progress.step('power on', () => vm.start());
    const up = progress.step('waiting for the UI', (tell) => uiAnswers(vm, tell)).then(() => true);
    up.catch(() => {});
    if (!(await Promise.race([up, ...(stop === null ? [] : [stop.then(() => false)])]))) {
      console.log('\nswitched off before it was up; what it keeps is kept');
      await vm.cut();
      return 130;
    }
  }
  const claim = await vm.run(['cat', '/var/lib/dplane/claim-code'], { timeoutMs: 60_000 });
  console.log(`\nD-PlaneOS answers on https://localhost:${vm.spec.ports.https}   (after ${progress.total()})`);
  if (claim.exit === 0) console.log(`claim code: ${claim.stdout.trim()}`);
  if (stop === null) {
    console.log('The VM stays on. Stop it with: npm run lab -- stop');
    return 0;
  }
  console.log('Ctrl-C shuts it down.');
  await stop;
  await progress.step('shutting down', () => vm.stop());
  return 0;
}

/** Asked about once a second, whether or not the last question was answered: before its network is up the machine answers none, not even with a no. */
export async function uiAnswers(vm: Vm, tell: (detail: string) => void = () => {}): Promise<void> {
  let up = false;
  await vm.until('the UI answers', 480_000, async () => {
    tell(vm.tail(3));
    const answer = httpsAnswers(vm.spec.ports.https).then((yes) => {
      up ||= yes;
    });
    await Promise.race([answer, pause(300)]);
    return up;
  });
}

/** Any answer will do. The certificate is the box's own, made on its first start: nothing vouches for it yet. */
function httpsAnswers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const ask = request({ host: '127.0.0.1', port, path: '/health', rejectUnauthorized: false, timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve((answer.statusCode ?? 500) < 500);
    });
    ask.on('timeout', () => ask.destroy());
    ask.on('error', () => resolve(false));
    ask.end();
  });
}

/** A second Ctrl-C ends this program at once; the VM then goes on shutting down by itself. */
function ctrlC(): Promise<void> {
  return new Promise((resolve) => {
    // without anything else to do, Node would end here
    const idle = setInterval(() => {}, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => {
        clearInterval(idle);
        resolve();
      });
  });
}
