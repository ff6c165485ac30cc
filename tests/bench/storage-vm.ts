/**
 * Snapshots at scale on real OpenZFS, in the lab's VM: each figure beside the plain command, in the same run on the same pool. DPLANE_BENCH_SNAPSHOTS
 * says how many (100,000 take an emulated machine a good while to make).
 */
import { must } from '../../packages/lab/src/exec.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { snapshotsArgv } from '../../control/src/host/zfs/snapshots.ts';
import { type Call, change, claim } from '../lab/api.ts';
import { openLab } from '../lab/lab.ts';
import { type Bench, type Figure, figure, median } from './bench.ts';

const COUNT = Number(process.env.DPLANE_BENCH_SNAPSHOTS ?? 100_000);
const DATASETS = 100;
const EACH = COUNT / DATASETS;
/** Of so many datasets all snapshots are destroyed: a tenth of them. */
const DESTROYED = DATASETS / 10;
const POOL = 'bench';
const REST_S = 120;
const INDEX = '/var/lib/dplane/dplaneos.db.snapshots';

const HOUR = 3_600_000;

/** A dataset takes one snapshot in a transaction group, so one of each is made at a time. */
const make = async (nas: Vm, datasets: readonly string[]): Promise<void> => {
  const program = `args = ...
for _, d in ipairs({${datasets.map((n) => `"${n}"`).join(', ')}}) do assert(zfs.sync.snapshot(d .. "@s" .. args["argv"][1]) == 0) end`;
  await nas.must(['sh', '-c', 'cat > /run/make.lua'], { input: program });
  await nas.must(
    ['sh', '-ec', `i=1; while [ $i -le ${EACH} ]; do zfs program ${POOL} /run/make.lua $i > /dev/null; i=$((i + 1)); done; sync`],
    {
      timeoutMs: 2 * HOUR,
    },
  );
};

/** Seconds in the guest's own clock. */
const seconds = async (nas: Vm, script: string): Promise<number> => {
  const out = await nas.must(['bash', '-c', `s=$(date +%s%N); { ${script}; } > /dev/null; echo $(( $(date +%s%N) - s ))`], {
    timeoutMs: HOUR,
  });
  return Number(out.trim()) / 1e9;
};
const cpu = async (nas: Vm, units: readonly string[]): Promise<number> => {
  let total = 0;
  for (const unit of units) {
    const answer = await nas.run(['grep', 'usage_usec', `/sys/fs/cgroup/system.slice/${unit}/cpu.stat`]);
    total += Number(answer.stdout.split(' ')[1] ?? 0) / 1e6;
  }
  return total;
};
/** Starting a large program is work of the same kind: memory, system calls, compiling. */
const startNode = (node: string): string => `TIMEFORMAT='%U %S'; { time for i in 1 2 3 4 5; do ${node} -e 0; done; } 2>&1`;
const processorTime = (said: string): number =>
  said
    .trim()
    .split(' ')
    .reduce((sum, s) => sum + Number(s), 0);
const totalOf = async (call: Call): Promise<number> => Number((await call('GET', '/api/zfs/snapshots?limit=1')).total);

const run = async (): Promise<Figure[]> => {
  const lab = await openLab('bench-storage');
  const figures: Figure[] = [];
  try {
    const nas = await lab.machine();
    const call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
    const disks = [1, 2].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
    await change(nas, call, [{ kind: 'pool.create', pool: { name: POOL, vdevs: [{ kind: 'stripe', disks }] } }]);
    const datasets = Array.from({ length: DATASETS }, (_, i) => `${POOL}/d${String(i).padStart(3, '0')}`);
    await nas.must(['sh', '-ec', `for d in ${datasets.join(' ')}; do zfs create -o mountpoint=none $d; done`], {
      timeoutMs: HOUR,
    });

    // at rest, before there is much; one percent of a real core is so many of an emulated one
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    const units = ['dplaned.service', 'dplane-exec.service'];
    const before = await cpu(nas, units);
    await new Promise((resolve) => setTimeout(resolve, REST_S * 1000));
    const spent = ((await cpu(nas, units)) - before) / REST_S;
    const emulated = processorTime(await nas.must(['bash', '-c', startNode('/usr/lib/dplaneos/bin/node')]));
    const real = processorTime(await must(['bash', '-c', startNode(process.execPath)]));
    figures.push(
      figure(
        'storage, real ZFS: processor time of the control plane at rest',
        spent * 100,
        '%',
        emulated / real,
        `of one emulated core, over ${REST_S} s; goal: 1 % of a real one, which is the baseline (starting Node takes so many times longer here)`,
      ),
    );

    // nobody looks while they are made
    await nas.must(['systemctl', 'stop', 'dplaned']);
    await make(nas, datasets);
    const list = snapshotsArgv(POOL).join(' ');
    const plain = Math.min(await seconds(nas, list), await seconds(nas, list));
    await nas.must(['sh', '-c', `rm -f ${INDEX}*`]);
    await nas.must(['systemctl', 'start', 'dplaned']);
    // how long the listing took, by the daemon's own account: what it was before is the start of the daemon
    const began = Date.now();
    await nas.until('all snapshots are known', HOUR, async () => (await totalOf(call).catch(() => 0)) >= COUNT);
    const told = await nas.must(['journalctl', '-u', 'dplaned', '-o', 'cat', '--since', `@${Math.floor(began / 1000)}`]);
    const own = /snapshots of bench: [0-9]+ listed in ([0-9.]+) s/.exec(told)?.[1];
    if (own === undefined) throw new Error('the daemon did not say how long its first listing took');
    figures.push(
      figure(
        `storage, real ZFS: first index of ${COUNT.toLocaleString('en')} snapshots`,
        Number(own),
        's',
        plain,
        'beside one `zfs list -Hp -t snapshot` of them; goal: ratio 1.2',
      ),
    );

    const waits: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      const name = `${datasets[i]}@new`;
      await nas.must(['zfs', 'snapshot', name]);
      const made = Date.now();
      for (;;) {
        const page = (await call('GET', `/api/zfs/snapshots?dataset=${datasets[i]}&limit=1`)) as { rows: { tag: string }[] };
        if (page.rows[0]?.tag === 'new') break;
        if (Date.now() - made > 120_000) throw new Error(`${name} was not seen`);
      }
      waits.push((Date.now() - made) / 1000);
      await nas.must(['zfs', 'destroy', name]);
    }
    figures.push(
      figure('storage, real ZFS: a new snapshot is shown', median(waits), 's', 1, 'after `zfs snapshot` has ended; baseline is the goal'),
    );

    const pages: number[] = [];
    for (let i = 0; i < 11; i += 1) {
      const start = performance.now();
      await call('GET', `/api/zfs/snapshots?limit=100&offset=${Math.floor((COUNT / 11) * i)}`);
      pages.push(performance.now() - start);
    }
    figures.push(
      figure(
        'storage, real ZFS: a page of 100 of them',
        median(pages),
        'ms',
        50,
        'over HTTPS into an emulated machine; baseline is the goal',
      ),
    );

    const plainly = datasets.slice(0, DESTROYED).map((d) => `zfs destroy ${d}@s1%s${EACH}`);
    const plainRange = await seconds(nas, plainly.join('; '));
    const changes: unknown[] = [];
    for (const dataset of datasets.slice(DESTROYED, 2 * DESTROYED)) {
      const view = (await call('GET', `/api/zfs/snapshots/range?dataset=${dataset}&from=s1&to=s${EACH}`)) as {
        snapshots: { tag: string; guid: string }[];
      };
      if (view.snapshots.length !== EACH) throw new Error(`${view.snapshots.length} snapshots instead of ${EACH}`);
      changes.push({ kind: 'snapshot.destroyMany', dataset, snapshots: view.snapshots.map(({ tag, guid }) => ({ tag, guid })) });
    }
    await change(nas, call, changes);
    const executed = await nas.must(['journalctl', '-u', 'dplane-exec', '-o', 'cat']);
    const took = [...executed.matchAll(/snapshot\.destroyMany .* outcome=done ms=([0-9]+)/g)].map(([, ms]) => Number(ms));
    if (took.length !== DESTROYED) throw new Error(`the executor told of ${took.length} ranges`);
    figures.push(
      figure(
        `storage, real ZFS: ${(DESTROYED * EACH).toLocaleString('en')} destroyed, in ${DESTROYED} ranges`,
        took.reduce((sum, ms) => sum + ms, 0) / 1000,
        's',
        plainRange,
        'beside `zfs destroy a%b` of as many; goal: ratio 1.2',
      ),
    );
    return figures;
  } finally {
    await lab.close();
  }
};

export const benches: Bench[] = [{ name: 'storage in the VM', run }];
