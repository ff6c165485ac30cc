/** Snapshots on real ZFS: schedules over simulated days. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { retain } from '../../control/src/domain/schedule/retention.ts';
import { SCHEDULE_PROPERTY, SnapshotSchedule } from '../../control/src/domain/schedule/schedule.ts';
import { zone } from '../../control/src/domain/schedule/zone.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim, logIn } from './api.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

let lab: Lab;
let nas: Vm;
let call: Call;
const disk = (n: number) => `/dev/disk/by-id/virtio-test-disk${n}`;
/** What `zfs` itself says. */
const listed = async (dataset: string, columns = 'name'): Promise<string[][]> =>
  (await nas.must(['zfs', 'list', '-Hp', '-t', 'snapshot', '-d', '1', '-s', 'createtxg', '-o', columns, dataset]))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
const cli = (...words: string[]) => nas.must(['dplane', ...words]);

beforeAll(async () => {
  lab = await openLab('snapshots');
  nas = await lab.machine();
  const code = (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim();
  call = await claim(nas, code);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks: [disk(1), disk(2)] }] } }]);
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/docs' } },
    { kind: 'dataset.create', dataset: { name: 'tank/docs/My Letters' } },
  ]);
});
afterAll(() => lab?.close(hasFailed()));

const KEEP = { hourly: 3, daily: 2 };
const HOURS = 8;
const STEPS = 9;
const SECOND = 1000;

test('a schedule runs over simulated days: real snapshots, the rules, and nothing else destroyed', async () => {
  await nas.must(['zfs', 'snapshot', '-r', 'tank/docs@by-hand']);
  const schedule = { name: 'often', dataset: 'tank/docs', recursive: true, cron: '0 * * * *', timezone: 'Europe/Berlin', keep: KEEP };
  await change(nas, call, [{ kind: 'schedule.put', schedule }]);
  const taken: { guid: string; at: number; order: number; held: boolean }[] = [];
  let held = '';
  for (let step = 0; step < STEPS; step += 1) {
    // a little past the hour: on a slow machine a step must not reach the next one
    await nas.sh(`date -s @$(( ($(date +%s) / 3600 + ${HOURS}) * 3600 + 60 ))`);
    // a session does not outlive days
    call = await logIn(nas);
    const before = taken.length;
    await nas.until('the snapshot is taken and the run has ended', 120_000, async () => {
      const rows = await listed('tank/docs', `name,guid,creation,createtxg,${SCHEDULE_PROPERTY}`);
      for (const [name = '', guid = '', at = '', order = '', mark = ''] of rows)
        if (mark.startsWith('often@') && !taken.some((t) => t.guid === guid)) {
          expect(name).toMatch(/^tank\/docs@GMT-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d$/);
          taken.push({ guid, at: Number(at) * SECOND, order: Number(order), held: false });
        }
      // asked after the snapshots: a run that had not begun yet is not taken for one that has ended
      const { schedules } = (await call('GET', '/api/schedules')) as {
        schedules: { running: boolean; last: { problem: string | null } | null }[];
      };
      expect(schedules[0]?.last?.problem ?? null).toBeNull();
      return taken.length > before && schedules[0]?.running === false;
    });
    // eight hours were missed each time, and caught up by one
    expect(taken.length).toBe(before + 1);
    if (step === 0) {
      held = (await listed('tank/docs')).at(-1)?.[0] ?? '';
      await nas.must(['zfs', 'hold', 'keep', held]);
      const [first] = taken;
      if (first) first.held = true;
    }
  }
  const now = Number((await nas.must(['date', '+%s'])).trim()) * SECOND;
  const rules = SnapshotSchedule.parse(schedule).keep;
  const wanted = new Set(retain(taken, rules, zone('Europe/Berlin'), now).kept.map((k) => k.snapshot.guid));
  const marked = (await listed('tank/docs', `guid,${SCHEDULE_PROPERTY}`))
    .filter(([, mark]) => mark?.startsWith('often@'))
    .map(([guid]) => guid);
  expect(new Set(marked)).toEqual(wanted);
  expect(marked.length).toBeLessThan(taken.length);
  // below it the same moments, but for the one that is held above alone
  const tags = (rows: string[][]) => rows.map(([name = '']) => name.split('@')[1]);
  expect(tags(await listed('tank/docs/My Letters'))).toEqual(tags(await listed('tank/docs')).filter((t) => t !== held.split('@')[1]));
  expect(tags(await listed('tank/docs'))).toContain('by-hand');
  // the same from the index, the command line and a captured state
  const page = (await call('GET', '/api/zfs/snapshots?dataset=tank/docs&limit=100')) as { rows: { guid: string }[] };
  expect(new Set(page.rows.map((r) => r.guid))).toEqual(new Set((await listed('tank/docs', 'guid')).map(([guid]) => guid)));
  expect(await cli('schedule', 'list')).toMatch(/often\s+tank\/docs and below/);
  const preview = JSON.parse(await cli('schedule', 'preview', 'often', '--json')) as { preview: { made: number; aliveAtEnd: number } };
  expect(preview.preview.made).toBeGreaterThan(8700);
  const { yaml } = await call('POST', '/api/gitops/capture', {});
  expect(((await call('POST', '/api/gitops/plan', { yaml })) as { actions: unknown[] }).actions).toEqual([]);
}, 1_200_000);

interface Kept {
  readonly tag: string;
  readonly guid: string;
}
interface View {
  readonly guid: string;
  readonly loses: Kept[];
  readonly snapshots: Kept[];
  readonly bookmarks: string[];
  readonly obstacles: string[];
  readonly reclaims: number;
}
const named = ({ tag, guid }: Kept): Kept => ({ tag, guid });
const view = (what: string, query: Record<string, string>): Promise<View> =>
  call('GET', `/api/zfs/snapshots/${what}?${new URLSearchParams(query)}`) as Promise<unknown> as Promise<View>;

test('a rollback takes what was named and nothing else; a range gives back what was told; clones, promotion, differences', async () => {
  const dataset = 'tank/play';
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: dataset } }]);
  const at = (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', dataset])).trim();
  await nas.sh(`cd ${at}; echo first > letter; zfs snapshot ${dataset}@one; head -c 3000000 /dev/urandom > 'big ä'; zfs snapshot ${dataset}@two;
    zfs bookmark ${dataset}@two ${dataset}#mark; rm 'big ä'; echo second > letter; zfs snapshot ${dataset}@three; zfs snapshot ${dataset}@four; sync`);
  const diff = (await call('GET', `/api/zfs/snapshots/diff?dataset=${dataset}&tag=one&to=two`)) as {
    entries: { change: string; path: string }[];
  };
  expect(diff.entries).toContainEqual(expect.objectContaining({ change: 'added', path: 'big ä' }));

  const seen = await view('rollback', { dataset, tag: 'one' });
  expect(seen.loses.map((s) => s.tag)).toEqual(['two', 'three', 'four']);
  expect(seen.bookmarks).toEqual(['mark']);
  const back = { kind: 'snapshot.rollback', dataset, tag: 'one', guid: seen.guid, loses: seen.loses.map(named), bookmarks: seen.bookmarks };
  // one more than was shown: the executor refuses, and all is as it was
  await nas.must(['zfs', 'snapshot', `${dataset}@five`]);
  await expect(change(nas, call, [back])).rejects.toThrow(/would also destroy tank\/play@five/);
  expect((await listed(dataset)).length).toBe(5);
  await nas.must(['zfs', 'destroy', `${dataset}@five`]);

  const range = await view('range', { dataset, from: 'two', to: 'three' });
  expect(range.reclaims).toBeGreaterThan(2_900_000);
  await nas.must(['zfs', 'hold', 'keep', `${dataset}@two`]);
  expect((await view('range', { dataset, from: 'two', to: 'three' })).obstacles).toEqual(['two is held']);
  await expect(change(nas, call, [{ kind: 'snapshot.destroyMany', dataset, snapshots: range.snapshots.map(named) }])).rejects.toThrow(
    /held/,
  );
  await nas.must(['zfs', 'release', 'keep', `${dataset}@two`]);
  await change(nas, call, [{ kind: 'snapshot.destroyMany', dataset, snapshots: range.snapshots.map(named) }]);
  expect((await listed(dataset)).map(([name]) => name)).toEqual([`${dataset}@one`, `${dataset}@four`]);

  await change(nas, call, [{ ...back, loses: back.loses.filter((s) => s.tag === 'four') }]);
  expect(await nas.must(['cat', `${at}/letter`])).toBe('first\n');
  expect((await listed(dataset)).map(([name]) => name)).toEqual([`${dataset}@one`]);
  expect((await nas.must(['zfs', 'list', '-H', '-t', 'bookmark', '-o', 'name', '-r', dataset])).trim()).toBe('');

  await change(nas, call, [{ kind: 'snapshot.clone', dataset, tag: 'one', guid: seen.guid, to: 'tank/played again' }]);
  expect(await nas.must(['cat', `${at} again/letter`.replace('play again', 'played again')])).toBe('first\n');
  await change(nas, call, [{ kind: 'dataset.promote', name: 'tank/played again' }]);
  expect((await listed('tank/played again')).map(([name]) => name)).toEqual(['tank/played again@one']);
  expect(await cli('snapshot', 'list', 'tank/played again')).toMatch(/played again@one/);
}, 600_000);

const files = (what: string, query: Record<string, string>): Promise<Record<string, unknown>> =>
  call('GET', `/api/zfs/snapshots/${what}?${new URLSearchParams(query)}`);

test('files come back byte by byte with all that they are; links lead nowhere; nothing is overwritten unasked', async () => {
  const dataset = 'tank/files';
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: dataset, properties: { acltype: 'posix', xattr: 'sa' } } }]);
  const at = (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', dataset])).trim();
  const odd = `-rf ü ${'x'.repeat(240)}`;
  await nas.sh(`cd ${at}; umask 022; mkdir -p 'My Letters/deep' shared; chmod 2770 shared; chown 1234:2345 shared
    head -c 5000000 /dev/urandom > 'My Letters/deep/big'; truncate -s 300M 'My Letters/sparse'; echo end >> 'My Letters/sparse'
    echo one > 'My Letters/letter'; chown 1000:1000 'My Letters/letter'; chmod 640 'My Letters/letter'; touch -d 2020-01-02T03:04:05Z 'My Letters/letter'
    echo odd > './${odd}'; ln -s /etc leads-out; ln -s ../../../../etc/shadow 'My Letters/shadow'; echo in > shared/in; ln 'My Letters/letter' 'My Letters/second'
    command -v setfattr >/dev/null && setfattr -n user.note -v kept 'My Letters/letter' || python3 -c 'import os; os.setxattr("My Letters/letter","user.note",b"kept")' || true
    command -v setfacl >/dev/null && setfacl -m u:4321:rw 'My Letters/letter' || true
    sync; zfs snapshot ${dataset}@one; echo two > 'My Letters/letter'; rm -r shared; zfs snapshot ${dataset}@two`);
  const guid = async (tag: string) => (await nas.must(['zfs', 'get', '-Hp', '-o', 'value', 'guid', `${dataset}@${tag}`])).trim();
  const one = { dataset, tag: 'one', guid: await guid('one') };
  const { entries } = (await files('browse', one)) as { entries: { name: string; type: string; mode: number; uid: number }[] };
  expect(entries.map((e) => e.name)).toEqual(['My Letters', 'shared', odd, 'leads-out']);
  expect(entries.find((e) => e.name === 'shared')).toMatchObject({ type: 'folder', mode: 0o2770, uid: 1234 });
  // a link is shown, and never followed: not in the middle of a path, not at its end, not by name tricks
  for (const path of ['leads-out', 'leads-out/ssh', 'My Letters/shadow'])
    await expect(files('browse', { ...one, path })).rejects.toThrow(/no such folder/);
  for (const path of ['leads-out/passwd', 'My Letters/shadow', 'leads-out'])
    await expect(files('file', { ...one, path })).rejects.toThrow(/404/);
  for (const path of ['../x', '/etc/passwd', 'a//b', './x', 'a/..']) await expect(files('browse', { ...one, path })).rejects.toThrow(/400/);
  await expect(files('browse', { ...one, guid: '1' })).rejects.toThrow(/another/);
  const found = (await files('search', { ...one, text: 'LETTER' })) as { found: { path: string }[]; complete: boolean };
  expect(found.found.map((f) => f.path).sort()).toEqual(['My Letters', 'My Letters/letter']);
  type States = { versions: { tags: string[]; entry: { size: number } }[]; of: number };
  let states: States = { versions: [], of: 0 };
  // the snapshots were made behind the control plane's back: it follows within seconds
  await nas.until('both snapshots are known', 240_000, async () => {
    states = (await files('versions', { dataset, path: 'My Letters/letter' })) as States;
    return states.of === 2;
  });
  expect(states.versions.map((v) => v.tags)).toEqual([['one'], ['two']]);

  // as it was: to its place only when that is approved, beside it, elsewhere
  const restore = (path: string, folder: string, name: string, more: object = {}) =>
    change(nas, call, [{ kind: 'snapshot.restore', ...one, path, to: { dataset, folder, name }, ...more }]);
  await expect(restore('My Letters/letter', 'My Letters', 'letter')).rejects.toThrow(/something of this name is there/);
  expect(await nas.must(['cat', `${at}/My Letters/letter`])).toBe('two\n');
  await restore('My Letters/letter', 'My Letters', 'letter', { replace: true });
  const said = (path: string) =>
    nas.sh(`cd ${at}; stat -c '%a %u %g %s %Y' '${path}'; sha256sum < '${path}'
      getfattr -d -m - --absolute-names '${path}' 2>/dev/null | grep -v '^#' || true; getfacl -cn '${path}' 2>/dev/null || true`);
  expect(await said('My Letters/letter')).toBe(await said('.zfs/snapshot/one/My Letters/letter'));
  await restore('My Letters', '', 'Letters again');
  expect((await nas.run(['diff', '-r', '--no-dereference', `${at}/Letters again`, `${at}/.zfs/snapshot/one/My Letters`])).exit).toBe(0);
  // holes stay holes, and two names of one file stay two names of one file
  expect(Number((await nas.must(['du', '-k', `${at}/Letters again/sparse`])).split('\t')[0])).toBeLessThan(1000);
  expect((await nas.must(['stat', '-c', '%h', `${at}/Letters again/second`])).trim()).toBe('2');
  await restore('shared', '', 'shared');
  expect((await nas.must(['stat', '-c', '%a %u %g', `${at}/shared`])).trim()).toBe('2770 1234 2345');
  await restore(odd, 'shared', odd);
  // into what looks like a folder and leads out of the dataset: refused, and nothing written there
  await expect(restore('My Letters/letter', 'leads-out', 'dplane-escaped')).rejects.toThrow(/no folder/);
  await nas.sh(`mkdir -p ${at}/trap; ln -sfn /etc ${at}/trap/inner`);
  await expect(restore('My Letters/letter', 'trap/inner', 'dplane-escaped')).rejects.toThrow(/no folder/);
  expect((await nas.run(['test', '-e', '/etc/dplane-escaped'])).exit).toBe(1);
  // a folder is never replaced, and no room is said so: nothing half is left
  await expect(restore('My Letters', '', 'shared', { replace: true })).rejects.toThrow(/only files are replaced/);
  // room for a fifth of it
  await nas.sh(`sync; zfs set quota=$(( $(zfs get -Hpo value used ${dataset}) + 1000000 )) ${dataset}`);
  await expect(restore('My Letters/deep/big', 'trap', 'big')).rejects.toThrow(/cp: |no room|space|quota/i);
  expect((await nas.must(['ls', '-A', `${at}/trap`])).trim()).toBe('inner');
  await nas.must(['zfs', 'set', 'quota=none', dataset]);
  expect(await cli('snapshot', 'ls', `${dataset}@one`, 'My Letters')).toMatch(/sparse/);
  await cli('snapshot', 'get', `${dataset}@one`, 'My Letters/deep/big', '--out', '/run/got');
  await nas.must(['cmp', '/run/got', `${at}/.zfs/snapshot/one/My Letters/deep/big`]);
  await cli('snapshot', 'get', `${dataset}@one`, 'My Letters/deep', '--out', '/run/folder.tar');
  expect(await nas.must(['tar', '-tf', '/run/folder.tar'])).toMatch(/deep\/big/);
  const audit = (await call('GET', '/api/audit?limit=200')) as Record<string, unknown>;
  const actions = JSON.stringify(audit);
  expect(actions).toContain('snapshots.download');
  expect(actions).toContain('snapshot.restore');
}, 900_000);
