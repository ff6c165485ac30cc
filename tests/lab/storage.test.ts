/** From a fresh machine of 1 GiB to files that outlive its restarts, through the API; and a start without the data disks. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/lab/src/exec.ts';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim, logIn } from './api.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

interface Alert {
  readonly kind: string;
  readonly subject: string;
  readonly severity: string;
  readonly message: string;
}

let lab: Lab;
let nas: Vm;
let letter = '';
const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;
const active = async (unit: string, vm = nas) => (await vm.run(['systemctl', 'is-active', unit])).stdout.trim();
const booted = async (vm: Vm): Promise<Call> => {
  await vm.start();
  await vm.sshReady();
  await uiAnswers(vm);
  return logIn(vm);
};
const smb = (...command: string[]) =>
  run(['smbclient', '//127.0.0.1/docs', '-N', '-p', String(nas.spec.ports.smb), '-m', 'SMB3', '-c', command.join('; ')], {
    timeoutMs: 120_000,
  });

beforeAll(async () => {
  lab = await openLab('storage');
  nas = await lab.machine({ memory: '1G' });
});
afterAll(() => lab?.close(hasFailed()));

test('claimed with its code, it makes a mirror, a dataset and a share of it, and takes a file', async () => {
  const code = (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim();
  expect(await nas.console(/claim [A-Z0-9-]{10,}/)).toContain(code);
  const call = await claim(nas, code);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks: [disk(1), disk(2)] }] } }]);
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/docs', properties: { compression: 'zstd' } } }]);
  await change(nas, call, [{ kind: 'share.put', share: { kind: 'smb', name: 'docs', dataset: 'tank/docs', guests: true } }]);
  expect(await nas.must(['zpool', 'status', '-P', 'tank'])).toMatch(/mirror-0[\s\S]*virtio-test-disk1-part1[\s\S]*virtio-test-disk2-part1/);
  const at = (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', 'tank/docs'])).trim();
  letter = join(at, 'letter');
  await nas.sh(`head -c 300000 /dev/urandom > ${letter}; chmod 644 ${letter}; sync ${letter}`);
  expect(await active('smbd')).toBe('active');
  expect(await smb('ls')).toMatchObject({ exit: 0, stdout: expect.stringContaining('letter') });
  // pool imported, share served: a quarter of the memory is still to be had
  const meminfo = await nas.must(['cat', '/proc/meminfo']);
  console.log(meminfo.split('\n').slice(0, 3).join('\n'));
  const kB = (what: string) => Number(new RegExp(`^${what}: +([0-9]+) kB`, 'm').exec(meminfo)?.[1]);
  expect(kB('MemAvailable')).toBeGreaterThan(kB('MemTotal') / 4);
});

test('a start without the data disks: the interface is there and names the missing pool, nothing is served; with the disks all is back', async () => {
  const sum = await nas.must(['sha256sum', letter]);
  await nas.stop();

  const without = new Vm({ ...nas.spec, disks: nas.spec.disks.slice(2) });
  const call = await booted(without);
  await without.until('an alert names the pool', 240_000, async () => {
    const { alerts } = (await call('GET', '/api/alerts')) as { alerts: Alert[] };
    return alerts.some(({ kind, subject, severity, message }) => {
      const told = kind === 'pool.stuck' && subject === 'pool:tank' && severity === 'critical';
      return told && message.includes('disks may be missing');
    });
  });
  await without.until('the gate is shut', 240_000, async () => (await active('dplane-pools', without)) === 'failed');
  // Samba may run, for what is there; of this pool it serves nothing
  expect((await smb('ls')).exit).not.toBe(0);
  // it is not gone, and nobody may make another in its place
  const changes = [{ kind: 'dataset.create', dataset: { name: 'tank/new' } }];
  await expect(call('POST', '/api/plans', { changes })).rejects.toThrow('disks may be missing');
  await without.stop();

  const again = await booted(nas);
  await nas.until('the share is served', 240_000, async () => (await active('smbd')) === 'active');
  expect(await nas.must(['sha256sum', letter])).toBe(sum);
  expect(await smb('ls')).toMatchObject({ exit: 0, stdout: expect.stringContaining('letter') });
  await nas.until('the alert is over', 240_000, async () => {
    const now = (await again('GET', '/api/alerts')) as { alerts: Alert[] };
    return !now.alerts.some((alert) => alert.kind === 'pool.stuck');
  });
  const { datasets } = (await again('GET', '/api/zfs/datasets?under=tank')) as { datasets: { name: string }[] };
  expect(datasets.map(({ name }) => name)).toContain('tank/docs');
});
