/**
 * A change to one of many shares, at this machine's own speed: the control plane on the simulated host, and beside it the one program of Samba's that takes
 * longer the more shares there are, on the file as the control plane writes it. On real Samba in an emulated machine: shares-vm.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SmbShare } from '../../control/src/domain/share/share.ts';
import { renderSmb, testparmArgv } from '../../control/src/host/samba/conf.ts';
import { must, run as start } from '../../packages/lab/src/exec.ts';
import { asAdmin, startDemo, temporaryState } from '../daemon/daemon.ts';
import { type Bench, type Figure, figure, median } from './bench.ts';

const COUNT = 500;
const CHANGES = 15;
const DATASET = 'tank/office';

const share = (n: number, more: object = {}) => SmbShare.parse({ kind: 'smb', name: `s${n}`, dataset: DATASET, ...more });

const testparm = async (): Promise<number | null> => {
  if ((await start(['testparm', '--version'])).exit !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'dplaneos-bench-'));
  try {
    const file = join(folder, 'smb.conf');
    const all = Array.from({ length: COUNT }, (_, n) => share(n));
    writeFileSync(file, renderSmb(all, new Map([[DATASET, '/mnt/tank/office']])));
    const took: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      const began = performance.now();
      await must(testparmArgv(file));
      took.push((performance.now() - began) / 1000);
    }
    return median(took);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const run = async (): Promise<Figure[]> => {
  const state = temporaryState();
  const daemon = await startDemo(state.path);
  try {
    const call = await asAdmin(daemon);
    const apply = async (changes: readonly object[]): Promise<number> => {
      const began = performance.now();
      const { body: plan } = await call('POST', '/api/plans', { changes });
      const { body } = await call('POST', '/api/gitops/apply', { digest: plan.digest });
      for (;;) {
        const answer = await call('GET', `/api/runs/${String(body.id)}`);
        if (answer.body.state === 'succeeded') return (performance.now() - began) / 1000;
        if (answer.body.state !== 'running') throw new Error(`the run ended as ${JSON.stringify(answer.body).slice(0, 500)}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    let made = 0;
    for (let n = 0; n < COUNT; n += 100)
      made += await apply(Array.from({ length: 100 }, (_, i) => ({ kind: 'share.put', share: share(n + i) })));
    const took: number[] = [];
    for (let n = 0; n < CHANGES; n += 1) took.push(await apply([{ kind: 'share.put', share: share(7, { comment: `change ${n}` }) }]));
    const own = await testparm();
    return [
      figure(`shares: a change to one of ${COUNT}, simulated host`, median(took), 's', 1, 'from plan to verified; baseline is the goal'),
      ...(own === null ? [] : [figure(`shares: testparm on ${COUNT} of them`, own, 's', null, "this machine's own Samba")]),
      figure(`shares: ${COUNT} made, simulated host`, made, 's', null, 'in plans of 100'),
    ];
  } finally {
    await daemon.kill('SIGTERM');
    state.remove();
  }
};

export const benches: Bench[] = [{ name: 'shares, simulated', run }];
