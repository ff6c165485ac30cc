/** Daemons killed in the middle of what changes data, two admins at once, and a disk that can not be read: nothing lost, nothing half done, all accounted for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pull, putBack } from '../../packages/lab/src/disks.ts';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Body, type Call, change, claim, logIn } from './api.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

const LIMIT = 240_000;
/** From the start of a whole disk to where ZFS counts from: the partition, then two labels and the boot block. */
const DATA_STARTS = 1024 ** 2 + 4 * 1024 ** 2;
const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;
const label = (n: number) => `virtio-test-disk${n}`;
let lab: Lab;
let nas: Vm;
let call: Call;
const zfs = async (...argv: string[]): Promise<string> => (await nas.must(['zfs', ...argv])).trim();
const guidOf = (name: string) => zfs('get', '-Hp', '-o', 'value', 'guid', name);
const mountOf = (name: string) => zfs('get', '-Hp', '-o', 'value', 'mountpoint', name);
const tags = async (dataset: string): Promise<string[]> =>
  (await zfs('list', '-H', '-t', 'snapshot', '-d', '1', '-s', 'createtxg', '-o', 'name', dataset))
    .split('\n')
    .flatMap((name) => name.split('@')[1] ?? []);

beforeAll(async () => {
  lab = await openLab('kills');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  await change(nas, call, [
    {
      kind: 'pool.create',
      pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks: [disk(1), disk(2)] }], options: { ashift: 12 } },
    },
  ]);
});
afterAll(() => lab?.close(hasFailed()));

type Who = 'dplane-exec' | 'dplaned' | 'dplane-exec dplaned';
const WHO: readonly Who[] = ['dplane-exec', 'dplaned', 'dplane-exec dplaned'];

const approved = async (by: Call, changes: readonly unknown[]): Promise<string> => {
  const plan = (await by('POST', '/api/plans', { changes })) as {
    digest: string;
    actions: { id: string; approval: string; name: string }[];
  };
  for (const { id, approval, name } of plan.actions)
    if (approval === 'required') await by('POST', '/api/gitops/approve', { digest: plan.digest, actionId: id, typed: name });
  return plan.digest;
};

/** Kills them as soon as `seen` (a test in the guest's shell) is true, and gives the run with its end. */
const killed = async (who: Who, seen: string, changes: readonly unknown[]): Promise<Body> => {
  const digest = await approved(call, changes);
  const pids = who.split(' ').map((unit) => `$(head -n 1 /sys/fs/cgroup/system.slice/${unit}.service/cgroup.procs)`);
  const killing = nas.run(['timeout', '120', 'sh', '-c', `echo ready; until ${seen}; do sleep 0.02; done; kill -9 ${pids.join(' ')}`]);
  const { id } = await call('POST', '/api/gitops/apply', { digest });
  const { exit } = await killing;
  await uiAnswers(nas);
  call = await logIn(nas);
  let run: Body = {};
  await nas.until('the run has an end', LIMIT, async () => {
    run = await call('GET', `/api/runs/${String(id)}`);
    return run.state !== 'running';
  });
  console.log(`${who} ${exit === 0 ? 'killed' : 'was not killed in time'}: ${String(run.state)}, ${String(run.account)}`);
  expect(['succeeded', 'interrupted', 'failed']).toContain(run.state);
  return run;
};
/** A process with this word among its arguments; written so that it does not find itself. */
const running = (word: string): string => `grep -qsaz '^[${word[0]}]${word.slice(1)}$' /proc/[0-9]*/cmdline`;

test('a rename: the dataset has the one name or the other, and the run says which', async () => {
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/name-0' } }]);
  const sum = await nas.sh(
    `head -c 3000000 /dev/urandom > ${await mountOf('tank/name-0')}/f; sha256sum < ${await mountOf('tank/name-0')}/f`,
  );
  const guid = await guidOf('tank/name-0');
  let name = 'tank/name-0';
  for (const [i, who] of WHO.entries()) {
    const to = `tank/name-${i + 1}`;
    const run = await killed(who, running('rename'), [{ kind: 'dataset.rename', name, to }]);
    const now = (await zfs('list', '-H', '-o', 'name,guid', '-r', 'tank'))
      .split('\n')
      .find((line) => line.endsWith(guid))
      ?.split('\t')[0];
    expect([name, to]).toContain(now);
    if (run.state === 'succeeded') expect(now).toBe(to);
    name = now ?? '';
    await nas.until('it is mounted there', LIMIT, async () => (await nas.run(['mountpoint', '-q', await mountOf(name)])).exit === 0);
    expect(await nas.sh(`sha256sum < ${await mountOf(name)}/f`)).toBe(sum);
  }
}, 900_000);

test('a rollback: not one byte is between the two states, no snapshot goes that was not named, and it can be finished', async () => {
  for (const [i, who] of WHO.entries()) {
    const dataset = `tank/back-${i}`;
    await change(nas, call, [{ kind: 'dataset.create', dataset: { name: dataset } }]);
    const at = await mountOf(dataset);
    await nas.sh(`cd ${at}; echo first > f; zfs snapshot ${dataset}@zero; zfs snapshot ${dataset}@one; echo second > f
      for t in two three four; do zfs snapshot ${dataset}@$t; done; sync`);
    const view = async (tag: string) => {
      const seen = (await call('GET', `/api/zfs/snapshots/rollback?${new URLSearchParams({ dataset, tag })}`)) as {
        guid: string;
        loses: { tag: string; guid: string }[];
      };
      return {
        kind: 'snapshot.rollback',
        dataset,
        tag,
        guid: seen.guid,
        loses: seen.loses.map((s) => ({ tag: s.tag, guid: s.guid })),
        bookmarks: [],
      };
    };
    await nas.until('all are known', LIMIT, async () => (await view('one')).loses.length === 3);
    const run = await killed(who, running('rollback'), [await view('one')]);
    const left = await tags(dataset);
    expect(left.slice(0, 2)).toEqual(['zero', 'one']);
    // those that go, go one after the other
    expect(['two', 'three', 'four']).toEqual(expect.arrayContaining(left.slice(2)));
    const said = await nas.must(['cat', `${at}/f`]);
    expect(['first\n', 'second\n']).toContain(said);
    if (run.state === 'succeeded') expect([left.length, said]).toEqual([2, 'first\n']);
    else {
      // what is shown follows what ZFS has
      await nas.until('it is shown', LIMIT, async () => (await view('one')).loses.length === left.length - 2);
      await change(nas, call, [await view('one')]);
    }
    expect(await tags(dataset)).toEqual(['zero', 'one']);
    expect(await nas.must(['cat', `${at}/f`])).toBe('first\n');
  }
}, 1_200_000);

test('a restore: the file is there whole or not at all, what was made aside is gone, and the run says which', async () => {
  const dataset = 'tank/files';
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: dataset } }]);
  const at = await mountOf(dataset);
  await nas.sh(`cd ${at}; mkdir deep; head -c 40000000 /dev/urandom > deep/film; zfs snapshot ${dataset}@then; rm deep/film; sync`);
  const sum = await nas.sh(`sha256sum < ${at}/.zfs/snapshot/then/deep/film`);
  const guid = await guidOf(`${dataset}@then`);
  const bring = (name: string) => ({
    kind: 'snapshot.restore',
    dataset,
    tag: 'then',
    guid,
    path: 'deep/film',
    to: { dataset, folder: 'deep', name },
  });
  const moments = ['[ -s "$(echo deep/.dplane-restore-*/copy)" ]', running('cmp'), '[ -e deep/film2 ]'];
  for (const [i, who] of WHO.entries()) {
    const name = `film${i}`;
    const run = await killed(who, `{ cd ${at}; ${moments[i]}; }`, [bring(name)]);
    const there = (await nas.run(['test', '-e', `${at}/deep/${name}`])).exit === 0;
    if (run.state === 'succeeded') expect(there).toBe(true);
    if (there) expect(await nas.sh(`sha256sum < ${at}/deep/${name}`)).toBe(sum);
    else expect(run.state).toBe('interrupted');
    expect(await nas.sh(`ls -A ${at}/deep | grep dplane-restore || echo none`)).toBe('none\n');
    if (!there) await change(nas, call, [bring(name)]);
    expect(await nas.sh(`sha256sum < ${at}/deep/${name}`)).toBe(sum);
  }
}, 1_200_000);

test('a replacement: it goes on or it never began, and the pool ends healthy with all it held', async () => {
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/held' } }]);
  const file = `${await mountOf('tank/held')}/film`;
  const sum = await nas.sh(`head -c 40000000 /dev/urandom > ${file}; sync; sha256sum < ${file}`);
  let from = 2;
  for (const [i, who] of WHO.entries()) {
    const to = i + 3;
    const run = await killed(who, running('replace'), [{ kind: 'pool.replace', name: 'tank', disk: label(from), with: disk(to) }]);
    const seen = await nas.must(['zpool', 'status', '-P', 'tank']);
    if (run.state === 'succeeded') expect(seen).toContain(label(to));
    // partitions may be on it already, which only who names the disk may overwrite
    if (!seen.includes(label(to)))
      await change(nas, call, [{ kind: 'pool.replace', name: 'tank', disk: label(from), with: disk(to), erase: [disk(to)] }]);
    await nas.until('it is healthy', LIMIT, async () => {
      const status = await nas.must(['zpool', 'status', '-P', 'tank']);
      return !status.includes(label(from)) && /state: ONLINE/.test(status) && !status.includes('in progress');
    });
    from = to;
  }
  expect(await nas.sh(`sha256sum < ${file}`)).toBe(sum);
  expect(await nas.must(['zpool', 'status', 'tank'])).toContain('errors: No known data errors');
}, 1_200_000);

test('two admins want opposite things at once: one is done after the other, or is told why not; what is there is what the last one did', async () => {
  const other = await logIn(nas);
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/both' } }]);
  const wants: [Call, string][] = [
    [call, '100M'],
    [other, '200M'],
  ];
  for (let round = 0; round < 4; round += 1) {
    const answers = await Promise.allSettled(
      wants.map(async ([by, quota]) => {
        const digest = await approved(by, [{ kind: 'dataset.set', name: 'tank/both', properties: { quota } }]);
        return { quota, id: String((await by('POST', '/api/gitops/apply', { digest })).id) };
      }),
    );
    const begun: { quota: string; at: number }[] = [];
    for (const answer of answers) {
      if (answer.status === 'rejected') {
        expect(String(answer.reason)).toMatch(/409|423|stale|busy|already|changed since/);
        continue;
      }
      let run: Body = {};
      await nas.until('it has an end', LIMIT, async () => {
        run = await call('GET', `/api/runs/${answer.value.id}`);
        return run.state !== 'running';
      });
      expect(run.state).toBe('succeeded');
      begun.push({ quota: answer.value.quota, at: Number(run.endedAt) });
    }
    expect(begun.length).toBeGreaterThan(0);
    const last = begun.toSorted((a, b) => a.at - b.at).at(-1);
    expect(await zfs('get', '-H', '-o', 'value', 'quota', 'tank/both')).toBe(last?.quota);
    // each round begins where nobody has what both want
    await nas.must(['zfs', 'set', 'quota=none', 'tank/both']);
  }
  // one destroys it while the other takes a snapshot of it
  const destroy = await approved(call, [{ kind: 'dataset.destroy', name: 'tank/both' }]);
  const snapshot = await approved(other, [{ kind: 'snapshot.create', dataset: 'tank/both', tag: 'mine' }]);
  const [gone, kept] = await Promise.allSettled([
    call('POST', '/api/gitops/apply', { digest: destroy }),
    other('POST', '/api/gitops/apply', { digest: snapshot }),
  ]);
  await nas.until('no run goes on', LIMIT, async () => {
    const { runs } = (await call('GET', '/api/runs')) as { runs: { state: string }[] };
    return runs.every((r) => r.state !== 'running');
  });
  const there = (await nas.run(['zfs', 'list', 'tank/both'])).exit === 0;
  console.log(`destroy: ${gone.status}, snapshot: ${kept.status}, the dataset is ${there ? 'there' : 'gone'}`);
  // its approval named a dataset without a snapshot: one that has one meanwhile is not destroyed
  if (there && kept.status === 'fulfilled') expect(await tags('tank/both')).toEqual(['mine']);
}, 900_000);

test('a disk can not be read where a file lies, and there is no other: the restore says so, and leaves nothing', async () => {
  await change(nas, call, [
    { kind: 'pool.create', pool: { name: 'solo', vdevs: [{ kind: 'stripe', disks: [disk(6)] }], options: { ashift: 12 } } },
  ]);
  const at = await mountOf('solo');
  await nas.sh(`head -c 8000000 /dev/urandom > ${at}/film; zpool sync solo; zfs snapshot solo@then`);
  const object = (await nas.must(['stat', '-c', '%i', `${at}/film`])).trim();
  const cache = (await nas.must(['cat', '/sys/module/zfs/parameters/spa_config_path'])).trim();
  const block = / L0 (?:DVA\[0\]=<)?0:([0-9a-f]+):/.exec(await nas.must(['zdb', '-U', cache, '-ddddd', 'solo/', object]))?.[1];
  const sector = (DATA_STARTS + Number.parseInt(block ?? '', 16)) / 512;
  expect(sector).toBeGreaterThan(0);
  const pool = (await nas.must(['zpool', 'get', '-Hp', '-o', 'value', 'guid', 'solo'])).trim();
  await change(nas, call, [{ kind: 'pool.export', name: 'solo' }]);
  await pull(nas, 6);
  await putBack(nas, 6, [{ iotype: 'read', sector }]);
  await change(nas, call, [{ kind: 'pool.import', guid: pool, name: 'solo' }]);
  await nas.until('it is mounted', LIMIT, async () => (await nas.run(['mountpoint', '-q', at])).exit === 0);
  const guid = await guidOf('solo@then');
  const bring = {
    kind: 'snapshot.restore',
    dataset: 'solo',
    tag: 'then',
    guid,
    path: 'film',
    to: { dataset: 'solo', folder: '', name: 'again' },
  };
  await expect(change(nas, call, [bring])).rejects.toThrow(/input\/output error/i);
  expect(await nas.sh(`ls -A ${at} | grep -E 'again|dplane-restore' || echo none`)).toBe('none\n');
  await nas.until('it is told', LIMIT, async () => {
    const { alerts } = (await call('GET', '/api/alerts')) as { alerts: { kind: string; subject: string }[] };
    return alerts.some((a) => /solo|disk6/.test(a.subject));
  });
}, 900_000);
