/** A pool's disks on real ZFS, through the API: pulled, missed within seconds, replaced, back again, guarded, grown; and daemons killed in between. */
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { pull, putBack } from '../../packages/lab/src/disks.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Body, type Call, change, claim } from './api.ts';
import { type Lab, openLab } from './lab.ts';

interface Alert {
  readonly kind: string;
  readonly subject: string;
}
interface Leaf {
  readonly path: string;
  readonly guid: string;
  readonly state: string;
  readonly standIns?: readonly { readonly path: string; readonly kind: string }[];
}
interface Pool {
  readonly health: string;
  readonly guid: string;
  readonly vdevs: readonly { readonly name: string; readonly role: string; readonly disks: readonly Leaf[] }[];
  readonly scan: { readonly kind: string; readonly state: string; readonly progress: number; readonly errors: number };
  readonly expansion?: { readonly state: string; readonly progress: number };
}
interface Candidate {
  readonly disk: { readonly path: string };
  readonly refused: readonly string[];
  readonly erase: string | null;
}

const LIMIT = 240_000;
let lab: Lab;
let nas: Vm;
let call: Call;
let failed = false;
let sum = '';
const watch = () =>
  onTestFailed(() => {
    failed = true;
  });
const label = (n: number) => `virtio-test-disk${n}`;
const disk = (n: number) => `/dev/disk/by-id/${label(n)}`;
// the API's own answers, whose shapes its contract tests hold
const pool = async (name = 'tank'): Promise<Pool> => (await call('GET', `/api/zfs/pools/${name}`)).pool as Pool;
const alerts = async (): Promise<string[]> => ((await call('GET', '/api/alerts')).alerts as Alert[]).map((a) => `${a.kind} ${a.subject}`);
const progress = async (name = 'tank'): Promise<Pool> => (await call('GET', `/api/zfs/pools/${name}/progress`)) as unknown as Pool;
const candidates = async (n: number): Promise<Map<string, Candidate>> => {
  const answer = await call('GET', `/api/zfs/pools/tank/candidates?for=${label(n)}`);
  return new Map((answer.candidates as Candidate[]).map((c) => [c.disk.path.split('/').at(-1) ?? '', c]));
};
const plan = async (...changes: unknown[]): Promise<Body> => call('POST', '/api/plans', { changes });
const suspendScans = (on: boolean) => nas.sh(`echo ${on ? 1 : 0} > /sys/module/zfs/parameters/zfs_scan_suspend_progress`);
const healthy = (name = 'tank') =>
  nas.until(`${name} is healthy`, LIMIT, async () => {
    const p = await progress(name);
    return p.health === 'ONLINE' && p.scan.state !== 'scanning';
  });
/** By the machine's own clock: from the pull to what the API says. */
const since = async (began: number, what: string, seen: () => Promise<boolean>): Promise<void> => {
  await nas.until(what, LIMIT, seen);
  console.log(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s after the pull`);
};

beforeAll(async () => {
  lab = await openLab('pools');
  const usual = [1, 2, 3, 4, 5, 6].map((n) => ({ serial: `test-disk${n}`, size: '2G' }));
  nas = await lab.machine({ disks: [...usual, { serial: 'test-disk7', size: '1G' }] });
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  await change(nas, call, [
    {
      kind: 'pool.create',
      pool: {
        name: 'tank',
        vdevs: [{ kind: 'mirror', disks: [disk(1), disk(2)] }],
        options: { ashift: 12 },
        properties: { mountpoint: '/mnt/tank' },
      },
    },
  ]);
  sum = await nas.sh('head -c 150000000 /dev/urandom > /mnt/tank/film; zpool sync tank; sha256sum /mnt/tank/film');
});
afterAll(() => lab?.close(failed));

test('a disk is pulled: an alert and the degraded pool within seconds', async () => {
  watch();
  const began = performance.now();
  await pull(nas, 2);
  await since(began, 'the alert names the disk', async () => (await alerts()).includes(`disk.missing disk:${disk(2)}`));
  await since(began, 'the pool is degraded', async () => (await pool()).health === 'DEGRADED');
  expect(await alerts()).toContain('pool.health pool:tank');
});

test('what may take its place is checked first, and each refusal has its reason', async () => {
  watch();
  await nas.must(['mkfs.ext4', '-q', '-F', '-L', 'photos', disk(4)]);
  await nas.must(['udevadm', 'settle']);
  await nas.until('the filesystem is seen', LIMIT, async () => (await candidates(2)).get(label(4))?.erase !== null);
  const all = await candidates(2);
  expect(all.get(label(3))).toMatchObject({ refused: [], erase: null });
  expect(all.get(label(4))?.erase).toContain('ext4');
  expect(all.get(label(7))?.refused.join()).toContain('too small');
  await expect(plan({ kind: 'pool.replace', name: 'tank', disk: label(2), with: disk(7) })).rejects.toThrow('too small');
  await expect(plan({ kind: 'pool.replace', name: 'tank', disk: label(2), with: disk(4) })).rejects.toThrow('photos');
  await expect(plan({ kind: 'pool.replace', name: 'tank', disk: label(2), with: disk(1) })).rejects.toThrow('belongs to pool tank');
});

test('it is replaced, the daemon is killed meanwhile, the resilver is watched, and all is well', async () => {
  watch();
  await suspendScans(true);
  const { digest } = await plan({ kind: 'pool.replace', name: 'tank', disk: label(2), with: disk(3) });
  const { id } = await call('POST', '/api/gitops/apply', { digest });
  await nas.must(['systemctl', 'kill', '--signal=KILL', 'dplaned.service']);
  await nas.until('the run has an end', LIMIT, async () => {
    try {
      return (await call('GET', `/api/runs/${String(id)}`)).state !== 'running';
    } catch {
      return false; // it is starting again
    }
  });
  expect(await call('GET', `/api/runs/${String(id)}`)).toMatchObject({ state: 'succeeded' });
  await nas.until('the resilver is seen', LIMIT, async () => (await progress()).scan.state === 'scanning');
  expect((await pool()).vdevs[0]?.disks[1]?.standIns).toMatchObject([{ path: disk(3), kind: 'replacing' }]);
  // a second admin who wants something else is told what is going on
  await expect(plan({ kind: 'pool.replace', name: 'tank', disk: label(2), with: disk(5) })).rejects.toThrow('being replaced');
  await suspendScans(false);
  await healthy();
  const after = await progress();
  expect(after.vdevs[0]?.disks.map((d) => d.path)).toEqual([disk(1), disk(3)]);
  expect(after.scan).toMatchObject({ kind: 'resilver', state: 'finished', errors: 0 });
  await nas.until('the alerts are over', LIMIT, async () => !(await alerts()).some((a) => a.includes('tank') || a.includes(label(2))));
  // what it holds is on the new disk: the old one goes away
  expect(await nas.must(['sha256sum', '/mnt/tank/film'])).toBe(sum);
});

test('the old disk is back: whose it was is seen, it is erased only when it was named, and joins as a third', async () => {
  watch();
  await putBack(nas, 2);
  const join = { kind: 'pool.attach', name: 'tank', to: label(1), with: disk(2) };
  await nas.until('it is refused for what it holds', LIMIT, () =>
    plan(join).then(
      () => false,
      (error: Error) => error.message.includes('a ZFS pool'),
    ),
  );
  await change(nas, call, [{ ...join, erase: [disk(2)] }]);
  await healthy();
  expect((await pool()).vdevs[0]?.disks).toHaveLength(3);
  // an approval names the disk; then it leaves again
  await change(nas, call, [{ kind: 'pool.detach', name: 'tank', disk: label(2) }]);
  expect((await pool()).vdevs[0]?.disks).toHaveLength(2);
});

test('a disk that is pulled and comes back is known, and used again by itself', async () => {
  watch();
  const began = performance.now();
  await pull(nas, 3);
  await since(began, 'the pool is degraded, the second time', async () => (await pool()).health === 'DEGRADED');
  await nas.sh('head -c 5000000 /dev/urandom > /mnt/tank/meanwhile; zpool sync tank');
  await putBack(nas, 3);
  await healthy();
  await nas.until('no alert is left', LIMIT, async () => !(await alerts()).some((a) => a.includes(label(3))));
  expect(await nas.must(['zpool', 'status', '-x', 'tank'])).toContain('is healthy');
});

test('redundancy is lowered by approval only; the executor looks for itself', async () => {
  watch();
  const off = { kind: 'pool.offline', name: 'tank', disk: label(3) };
  const { digest } = await plan(off);
  await expect(call('POST', '/api/gitops/apply', { digest })).rejects.toThrow('approval');
  await change(nas, call, [off]);
  expect((await pool()).vdevs[0]?.disks[1]?.state).toBe('OFFLINE');
  await expect(plan({ ...off, disk: label(1) })).rejects.toThrow('nothing else holds');
  await change(nas, call, [{ kind: 'pool.online', name: 'tank', disk: label(3) }]);
  await healthy();
  const weak = await plan({ kind: 'pool.add', name: 'tank', vdevs: [{ kind: 'stripe', disks: [disk(5)] }] });
  expect(weak.actions).toMatchObject([{ approval: 'required', target: { kind: 'pool', name: 'tank' } }]);
});

test('a spare is added and removed, a raidz grows by a disk', async () => {
  watch();
  await change(nas, call, [{ kind: 'pool.add', name: 'tank', vdevs: [{ kind: 'stripe', role: 'spare', disks: [disk(5)] }] }]);
  expect((await pool()).vdevs.map((v) => v.role)).toEqual(['data', 'spare']);
  await change(nas, call, [{ kind: 'pool.remove', name: 'tank', disk: label(5) }]);
  expect((await pool()).vdevs.map((v) => v.role)).toEqual(['data']);
  for (const n of [2, 4, 5]) await change(nas, call, [{ kind: 'disk.erase', path: disk(n) }]);
  await change(nas, call, [
    {
      kind: 'pool.create',
      pool: {
        name: 'wide',
        vdevs: [{ kind: 'raidz1', disks: [disk(4), disk(5), disk(6)] }],
        options: { ashift: 12 },
        properties: { mountpoint: '/mnt/wide' },
      },
    },
  ]);
  await nas.sh('head -c 60000000 /dev/urandom > /mnt/wide/a; zpool sync wide');
  await change(nas, call, [{ kind: 'pool.attach', name: 'wide', to: 'raidz1-0', with: disk(2) }]);
  await nas.until('it has grown', LIMIT, async () => (await progress('wide')).expansion?.state === 'finished');
  expect((await pool('wide')).vdevs[0]?.disks).toHaveLength(4);
  await healthy('wide');
});

test('the executor is killed in the middle of a replacement: nothing is repeated, and what happened is told', async () => {
  watch();
  const { digest } = await plan({ kind: 'pool.replace', name: 'wide', disk: label(6), with: disk(6) }).catch(() => ({ digest: null }));
  expect(digest).toBeNull(); // a disk does not replace itself
  await change(nas, call, [{ kind: 'pool.offline', name: 'wide', disk: label(6) }]);
  await change(nas, call, [{ kind: 'pool.online', name: 'wide', disk: label(6) }]);
  await healthy('wide');
  const off = await plan({ kind: 'pool.detach', name: 'wide', disk: label(6) }).catch((error: Error) => error.message);
  expect(off).toContain('only disks of a mirror');
  const begun = await plan({ kind: 'pool.online', name: 'wide', disk: label(6) });
  const { id } = await call('POST', '/api/gitops/apply', { digest: begun.digest });
  await nas.run(['systemctl', 'kill', '--signal=KILL', 'dplane-exec.service']);
  await nas.until('the run has an end', LIMIT, async () => (await call('GET', `/api/runs/${String(id)}`)).state !== 'running');
  const run = await call('GET', `/api/runs/${String(id)}`);
  expect(['succeeded', 'interrupted']).toContain(run.state);
  await healthy('wide');
});

test('a pool whose only disk is pulled is suspended, the others go on, and it goes on when the disk is back', async () => {
  watch();
  await change(nas, call, [
    {
      kind: 'pool.create',
      pool: {
        name: 'solo',
        vdevs: [{ kind: 'stripe', disks: [disk(7)] }],
        options: { ashift: 12 },
        properties: { mountpoint: '/mnt/solo' },
      },
    },
  ]);
  const began = performance.now();
  await pull(nas, 7);
  await since(began, 'an alert says that solo can not be used', async () =>
    (await alerts()).some((a) => /^(pool\.health|pool\.stuck|disk\.missing) .*(solo|disk7)/.test(a)),
  );
  expect((await pool()).health).toBe('ONLINE');
  await nas.must(['sha256sum', '/mnt/tank/film']);
  await putBack(nas, 7);
  await nas.until('solo is well again', LIMIT, async () => {
    const seen = await pool('solo').catch(() => null);
    if (seen?.health === 'ONLINE') return true;
    await change(nas, call, [{ kind: 'pool.clear', name: 'solo' }]).catch(() => undefined);
    return false;
  });
  await nas.sh('echo on > /mnt/solo/again; zpool sync solo');
});
