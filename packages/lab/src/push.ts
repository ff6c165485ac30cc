/**
 * Puts the present sources into a running VM and starts its services anew: seconds instead of a new image and a boot. They go where the
 * throw-away root keeps them until the next start; only what an image holds anyway is replaced.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from '../../debian/src/places.ts';
import { writePrograms } from '../../programs.ts';
import { writeTree } from '../../tree.ts';
import { must } from './exec.ts';
import type { Vm } from './vm.ts';

const SERVICES = ['dplane-exec.service', 'dplaned.service'];

export async function push(vm: Vm): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'dplaneos-push-'));
  try {
    const usr = join(work, 'usr');
    const [programs, ui] = [join(work, 'programs'), join(repository, 'ui/dist')];
    await writePrograms(programs);
    writeTree({ out: usr, home: '/usr/lib/dplaneos', modules: repository, programs, ui, node: { link: '/nowhere' } });
    rmSync(join(usr, 'lib/dplaneos/bin'), { recursive: true });
    await must(['chmod', '-R', 'u+rwX,go+rX,go-w', work]);
    const file = join(work, 'tree.tar.gz');
    await must(['tar', '--owner=0', '--group=0', '-C', work, '-czf', file, 'usr']);
    await vm.must(['tar', '--no-overwrite-dir', '-C', '/', '-xz'], { input: { file } });
    await vm.must(['systemctl', 'daemon-reload']);
    await vm.must(['systemctl', 'restart', ...SERVICES]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
