/** What guards pools, on real ones: a disk that hangs, disks that are pulled, a pool that is full. Each is told, and nothing else waits for it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pull, putBack } from '../../packages/lab/src/disks.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim } from './api.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

let lab: Lab;
let nas: Vm;
let call: Call;

const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;
const LIMIT = 240_000;

type Health = { pools: { pool: string; health: string | null; heartbeat: { state: string; why: string; latency: unknown } | null }[] };
const beat = async (pool: string): Promise<string> => {
  const { pools } = (await call('GET', '/api/zfs/health')) as unknown as Health; // the API's own answer
  return pools.find((p) => p.pool === pool)?.heartbeat?.state ?? 'none';
};
type Capacity = { pools: { pool: string; level: string; free: number; reserve: { bytes: number; released: unknown; offered: boolean } }[] };
const capacity = async (pool: string) =>
  ((await call('GET', '/api/zfs/capacity')) as unknown as Capacity).pools.find((p) => p.pool === pool);
const alerts = async (): Promise<string[]> =>
  ((await call('GET', '/api/alerts')) as unknown as { alerts: { kind: string; subject: string }[] }).alerts.map(
    (a) => `${a.kind} ${a.subject}`,
  );
const isActive = async (unit: string): Promise<boolean> => (await nas.run(['systemctl', 'is-active', unit])).stdout.trim() === 'active';
const datasets = async (): Promise<string[]> =>
  ((await call('GET', '/api/zfs/datasets')) as unknown as { datasets: { name: string }[] }).datasets.map((d) => d.name);

const measured = async (what: string, seen: () => Promise<boolean>): Promise<number> => {
  const began = performance.now();
  await nas.until(what, LIMIT, seen);
  const took = performance.now() - began;
  console.log(`${what}: ${(took / 1000).toFixed(1)} s`);
  return took;
};
/** What is done to `tank` behind everybody's back is seen, whatever another pool does. */
const changesAreSeen = async (pool: string, name: string): Promise<void> => {
  await nas.must(['zfs', 'create', '-o', 'canmount=off', `${pool}/${name}`]);
  await measured(`${pool}/${name} is seen`, async () => (await datasets()).includes(`${pool}/${name}`));
};
/** All that the disk is asked to write from now on takes for ever, and no error comes. */
const hang = (n: number, on: boolean) =>
  nas.qmp('block_set_io_throttle', {
    id: `dev-d${n}/virtio-backend`,
    bps: 0,
    bps_rd: 0,
    bps_wr: on ? 1 : 0,
    iops: 0,
    iops_rd: 0,
    iops_wr: 0,
  });

beforeAll(async () => {
  lab = await openLab('guard');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  const pool = (name: string, disks: number[]) => ({
    kind: 'pool.create',
    pool: {
      name,
      vdevs: [{ kind: disks.length > 1 ? 'mirror' : 'stripe', disks: disks.map(disk) }],
      options: { ashift: 12 },
      properties: { mountpoint: `/mnt/${name}` },
    },
  });
  await change(nas, call, [pool('tank', [1, 2])]);
  await change(nas, call, [pool('other', [3])]);
});
afterAll(() => lab?.close(hasFailed()));
inOrder();

test('each pool has a heartbeat, in a dataset that nobody sees', async () => {
  for (const pool of ['tank', 'other']) await measured(`${pool} beats`, async () => (await beat(pool)) === 'beating');
  expect(await isActive('dplane-heartbeat@tank.service')).toBe(true);
  expect((await nas.must(['stat', '-c', '%s', '/run/dplane-own/tank/beat'])).trim()).toBe('4096');
  const seen = (
    await nas.must(['zfs', 'get', '-H', '-o', 'property,value', 'mounted,refreservation,primarycache,logbias', 'tank/.dplane'])
  ).split('\n');
  expect(seen).toEqual(expect.arrayContaining(['mounted\tyes', 'refreservation\t1M', 'primarycache\tnone', 'logbias\tthroughput']));
  expect((await datasets()).filter((d) => d.includes('.dplane'))).toEqual([]);
  await change(nas, call, [{ kind: 'snapshot.create', dataset: 'tank', tag: 'whole', recursive: true }]);
  expect(await nas.must(['zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', '-r', 'tank'])).toBe('tank@whole\n');
  await expect(call('POST', '/api/plans', { changes: [{ kind: 'dataset.destroy', name: 'tank/.dplane' }] })).rejects.toThrow('400');
  // nothing of it is written into the history of the pool, which has no end
  expect(await nas.must(['zpool', 'history', 'tank'])).not.toContain('zpool sync');
  await call('PUT', '/api/zfs/pools/other/heartbeat', { heartbeat: { on: true, limit: 15_000 } });
});

test('what its disks do is known', async () => {
  const { pools } = (await call('GET', '/api/zfs/iostat')) as unknown as {
    pools: { pool: string; disks: { path: string; rates: { busy: number } }[] }[];
  };
  expect(pools.map((p) => [p.pool, p.disks.map((d) => d.path)])).toEqual([
    ['other', [disk(3)]],
    ['tank', [disk(1), disk(2)]],
  ]);
});

test('a disk hangs without an error: its pool is stuck, what runs on it is stopped, the other one lives; all is over when it answers', async () => {
  await nas.sh(
    'printf "[Unit]\\nConflicts=dplane-pool-failed@other.target\\nAfter=dplane-pool-failed@other.target\\n[Service]\\nExecStart=/bin/sleep infinity\\n" > /run/systemd/system/on-other.service; systemctl daemon-reload; systemctl start on-other.service',
  );
  expect(await isActive('on-other.service')).toBe(true);
  await hang(3, true);
  await measured('other is stuck', async () => (await beat('other')) === 'stuck');
  expect(await beat('tank')).toBe('beating');
  await nas.until('the alert is open', LIMIT, async () => (await alerts()).includes('pool.heartbeat pool:other'));
  await nas.until('what runs on it was stopped', LIMIT, async () => !(await isActive('on-other.service')));
  expect(await isActive('dplane-pool-failed@other.target')).toBe(true);
  await changesAreSeen('tank', 'meanwhile');
  // one beat is outstanding, and stays the only one
  const helpers = async () =>
    (
      await nas.sh('cat /sys/fs/cgroup/system.slice/system-dplane*heartbeat.slice/dplane-heartbeat@other.service/cgroup.procs | wc -l')
    ).trim();
  const before = await helpers();
  await nas.until('another beat of tank has ended', LIMIT, async () => {
    const told = await nas.must(['cat', '/run/dplane-beat/tank']);
    const up = Number((await nas.must(['cat', '/proc/uptime'])).split(' ')[0]);
    const ended = Number(/^last \d+ \S+ (\S+) ok/m.exec(told)?.[1]);
    return up - ended < 5;
  });
  expect(await helpers()).toBe(before);
  await hang(3, false);
  await measured('other beats again', async () => (await beat('other')) === 'beating');
  await nas.until('the alert is over', LIMIT, async () => !(await alerts()).includes('pool.heartbeat pool:other'));
  await nas.until('what runs on it may start', LIMIT, async () => !(await isActive('dplane-pool-failed@other.target')));
  await nas.must(['systemctl', 'start', 'on-other.service']);
});

test('all disks of a pool are pulled: told as suspended, the daemon answers, the other pool is as live as ever', async () => {
  const began = performance.now();
  await pull(nas, 1);
  await pull(nas, 2);
  await nas.run(['zpool', 'reopen', '-n', 'tank'], { timeoutMs: 20_000 });
  await nas.until('tank is told', LIMIT, async () => ['suspended', 'stuck'].includes(await beat('tank')));
  console.log(`tank is ${await beat('tank')}: ${((performance.now() - began) / 1000).toFixed(1)} s after the first disk was pulled`);
  await nas.until('the alert is open', LIMIT, async () => (await alerts()).includes('pool.heartbeat pool:tank'));
  expect(await beat('other')).toBe('beating');
  await changesAreSeen('other', 'meanwhile');
  const asked = performance.now();
  await call('GET', '/api/zfs/pools');
  console.log(`the list of pools: ${Math.round(performance.now() - asked)} ms`);
  await putBack(nas, 1);
  await putBack(nas, 2);
  await nas.until('tank works again', LIMIT, async () => {
    await nas.run(['zpool', 'clear', 'tank'], { timeoutMs: 20_000 });
    return (await beat('tank')) === 'beating';
  });
});

test('a pool is full: told, the reserve is given free, and what could not be changed or deleted can be', async () => {
  await call('POST', '/api/zfs/capacity/reserve', { pool: 'other', size: '128M' });
  expect(await capacity('other')).toMatchObject({ level: 'fine', reserve: { bytes: 128 * 1024 ** 2 } });
  await nas.sh('head -c 8000000 /dev/urandom > /mnt/other/kept; zpool sync other; zfs snapshot other@kept');
  // most of it without writing all of it
  const free = (await capacity('other'))?.free ?? 0;
  await nas.must(['zfs', 'create', '-o', 'canmount=off', '-o', `refreservation=${Math.floor(free / 1024 ** 2) - 120}M`, 'other/ballast']);
  const full = await nas.run(['dd', 'if=/dev/urandom', 'of=/mnt/other/rest', 'bs=1M', 'count=200', 'conv=fsync'], { timeoutMs: LIMIT });
  expect(full.stderr).toContain('No space left');
  // with the reserve it is not quite full any more
  await measured('its reserve is free', async () => {
    const { reserve } = (await capacity('other')) ?? {};
    return reserve?.bytes === 0 && reserve.released !== null;
  });
  const { events } = (await call('GET', '/api/events?limit=50')) as unknown as { events: { kind: string; message: string }[] };
  expect(events.map((e) => e.message)).toContainEqual(expect.stringMatching(/^pool other is full: its reserve of .* was given free/));
  // levels are those after the release: it is looked at again for that
  await nas.until('the alert is open', LIMIT, async () => (await alerts()).includes('pool.capacity pool:other'));
  // needs room, because a snapshot keeps what it replaces
  await nas.must(['dd', 'if=/dev/urandom', 'of=/mnt/other/kept', 'bs=1M', 'count=7', 'conv=notrunc,fsync']);
  await nas.must(['rm', '/mnt/other/rest']);
  await nas.must(['zfs', 'destroy', 'other/ballast']);
  await measured('there is room again', async () => (await capacity('other'))?.reserve.offered === true);
  await nas.until('the alert is over', LIMIT, async () => !(await alerts()).includes('pool.capacity pool:other'));
  expect(await beat('other')).toBe('beating');
});

test('exporting a pool ends its heartbeat, by hand as well', async () => {
  await change(nas, call, [{ kind: 'pool.export', name: 'other' }]);
  expect(await isActive('dplane-heartbeat@other.service')).toBe(false);
  await nas.must(['zpool', 'export', 'tank']);
  await nas.until('it has ended', LIMIT, async () => !(await isActive('dplane-heartbeat@tank.service')));
});
