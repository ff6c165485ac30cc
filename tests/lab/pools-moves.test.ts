/** Pools that come and go on real ZFS: exported, imported, of another machine; missing after a start and back while it runs; given up. */
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { pull, putBack } from '../../packages/lab/src/disks.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim } from './api.ts';
import { type Lab, openLab } from './lab.ts';

interface Found {
  readonly name: string;
  readonly guid: string;
  readonly foreign: boolean;
  readonly importable: boolean;
  readonly lastHost: { readonly name: string; readonly id: string } | null;
}

const LIMIT = 240_000;
const HOSTID = '/sys/module/spl/parameters/spl_hostid';
const MISSING = '/var/lib/dplane-pools/missing';
let lab: Lab;
let nas: Vm;
let call: Call;
let failed = false;
const watch = () =>
  onTestFailed(() => {
    failed = true;
  });
const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;
const importable = async (): Promise<Found[]> => (await call('GET', '/api/zfs/importable')).pools as Found[]; // its shape is held by the contract tests
const names = async (): Promise<string[]> => ((await call('GET', '/api/zfs/pools')).pools as { name: string }[]).map((p) => p.name);
const alerts = async (): Promise<string[]> =>
  ((await call('GET', '/api/alerts')).alerts as { kind: string; subject: string }[]).map((a) => `${a.kind} ${a.subject}`);
const create = (name: string, n: number) => ({
  kind: 'pool.create',
  pool: { name, vdevs: [{ kind: 'stripe', disks: [disk(n)] }], options: { ashift: 12 }, properties: { mountpoint: `/mnt/${name}` } },
});

beforeAll(async () => {
  lab = await openLab('pools-moves');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
});
afterAll(() => lab?.close(failed));

test('exported and imported again: its files are where they were; busy it stays, and read-only nothing is written', async () => {
  watch();
  await change(nas, call, [create('tank', 1)]);
  await nas.sh('head -c 1000000 /dev/urandom > /mnt/tank/film; zpool sync tank');
  const sum = await nas.must(['sha256sum', '/mnt/tank/film']);
  const held = nas.long(['sh', '-c', 'cd /mnt/tank && sleep 600']);
  await nas.until(
    'somebody is in it',
    LIMIT,
    async () => (await nas.run(['sh', '-c', 'ls -l /proc/[0-9]*/cwd 2>/dev/null | grep -q " /mnt/tank$"'])).exit === 0,
  );
  await expect(change(nas, call, [{ kind: 'pool.export', name: 'tank' }])).rejects.toThrow('busy');
  await nas.run(['pkill', '-x', 'sleep']);
  await held.ended;
  await change(nas, call, [{ kind: 'pool.export', name: 'tank' }]);
  const [found] = await importable();
  expect(found).toMatchObject({ name: 'tank', foreign: false, importable: true });
  await change(nas, call, [{ kind: 'pool.import', guid: found?.guid, name: 'tank', readonly: true }]);
  expect(await nas.must(['sha256sum', '/mnt/tank/film'])).toBe(sum);
  expect((await nas.run(['touch', '/mnt/tank/new'])).exit).not.toBe(0);
  await change(nas, call, [{ kind: 'pool.export', name: 'tank' }]);
  await change(nas, call, [{ kind: 'pool.import', guid: found?.guid, name: 'tank' }]);
  await change(nas, call, [{ kind: 'pool.checkpoint', name: 'tank', action: 'create' }]);
  expect(await nas.must(['zpool', 'get', '-H', '-o', 'value', 'checkpoint', 'tank'])).not.toBe('-\n');
  await change(nas, call, [{ kind: 'pool.checkpoint', name: 'tank', action: 'discard' }]);
});

test('a pool that another machine had last: it is named, and taken by force only, with an approval', async () => {
  watch();
  const ours = (await nas.must(['cat', HOSTID])).trim();
  await nas.sh(`echo 286331153 > ${HOSTID}`);
  await change(nas, call, [create('away', 2)]);
  // nothing may write to it while it is copied
  await nas.must(['dplane', 'pool', 'heartbeat', 'away', '--off']);
  await nas.until('its heartbeat has ended', 240_000, async () => {
    const state = (await nas.run(['systemctl', 'is-active', 'dplane-heartbeat@away.service'])).stdout.trim();
    return state === 'inactive' || state === 'failed';
  });
  // as it was while that machine used it, and never gave it up
  await nas.sh(`zpool sync away; dd if=${disk(2)} of=/mnt/tank/image bs=1M conv=sparse status=none`);
  await change(nas, call, [{ kind: 'pool.export', name: 'away' }]);
  await nas.sh(`dd if=/mnt/tank/image of=${disk(2)} bs=1M status=none; rm /mnt/tank/image; echo ${ours} > ${HOSTID}; udevadm settle`);
  const away = (await importable()).find((p) => p.name === 'away');
  expect(away).toMatchObject({ foreign: true, lastHost: { id: '11111111' } });
  const wanted = { kind: 'pool.import', guid: away?.guid, name: 'away' };
  await expect(change(nas, call, [wanted])).rejects.toThrow('another machine had it last');
  expect(await names()).toEqual(['tank']);
  await change(nas, call, [{ ...wanted, force: true }]);
  expect(await names()).toEqual(['away', 'tank']);
});

test('a pool that the start missed: its disk comes while the machine runs, it is imported, and the gate opens', async () => {
  watch();
  const guid = (await nas.must(['zpool', 'get', '-H', '-o', 'value', 'guid', 'away'])).trim();
  await change(nas, call, [{ kind: 'pool.export', name: 'away' }]);
  await pull(nas, 2);
  // what a start without this disk leaves behind
  await nas.sh(`echo '${guid} away not-imported' > ${MISSING}; systemctl restart dplane-pools.service || true`);
  await nas.until('it is missed', LIMIT, async () => (await alerts()).includes('pool.stuck pool:away'));
  expect((await nas.run(['systemctl', 'is-active', 'dplane-pools.service'])).stdout.trim()).toBe('failed');
  const began = performance.now();
  await putBack(nas, 2);
  await nas.until('it is imported', LIMIT, async () => (await names()).includes('away'));
  await nas.until('the gate is open', LIMIT, async () => (await nas.run(['systemctl', 'is-active', 'dplane-pools.service'])).exit === 0);
  console.log(`back ${((performance.now() - began) / 1000).toFixed(1)} s after its disk`);
  await nas.until('nothing is missed', LIMIT, async () => !(await alerts()).includes('pool.stuck pool:away'));
});

test('one that will not come back is forgotten: the gate opens without it, and its disk is not touched', async () => {
  watch();
  const guid = (await nas.must(['zpool', 'get', '-H', '-o', 'value', 'guid', 'away'])).trim();
  await change(nas, call, [{ kind: 'pool.export', name: 'away' }]);
  await pull(nas, 2);
  await nas.sh(`echo '${guid} away not-imported' > ${MISSING}; systemctl restart dplane-pools.service || true`);
  await nas.until('it is missed', LIMIT, async () => (await alerts()).includes('pool.stuck pool:away'));
  await change(nas, call, [{ kind: 'pool.forget', name: 'away' }]);
  await nas.until('the gate is open', LIMIT, async () => (await nas.run(['systemctl', 'is-active', 'dplane-pools.service'])).exit === 0);
  await putBack(nas, 2);
  await nas.until('it can be imported', LIMIT, async () => (await importable()).some((p) => p.guid === guid));
  await change(nas, call, [{ kind: 'pool.import', guid, name: 'away' }]);
  expect(await names()).toEqual(['away', 'tank']);
});
