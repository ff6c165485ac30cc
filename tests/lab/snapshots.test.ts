/** Snapshots on real ZFS: schedules over simulated days. */
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { retain } from '../../control/src/domain/schedule/retention.ts';
import { SCHEDULE_PROPERTY, SnapshotSchedule } from '../../control/src/domain/schedule/schedule.ts';
import { zone } from '../../control/src/domain/schedule/zone.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim, logIn } from './api.ts';
import { type Lab, openLab } from './lab.ts';

let lab: Lab;
let nas: Vm;
let call: Call;
let failed = false;
const watch = () =>
  onTestFailed(() => {
    failed = true;
  });
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
afterAll(() => lab?.close(failed));

const KEEP = { hourly: 3, daily: 2 };
const HOURS = 8;
const STEPS = 9;
const SECOND = 1000;

test('a schedule runs over simulated days: real snapshots, the rules, and nothing else destroyed', async () => {
  watch();
  await nas.must(['zfs', 'snapshot', '-r', 'tank/docs@by-hand']);
  const schedule = { name: 'often', dataset: 'tank/docs', recursive: true, cron: '0 * * * *', timezone: 'Europe/Berlin', keep: KEEP };
  await change(nas, call, [{ kind: 'schedule.put', schedule }]);
  const taken: { guid: string; at: number; order: number; held: boolean }[] = [];
  let held = '';
  for (let step = 0; step < STEPS; step += 1) {
    await nas.sh(`date -s @$(( $(date +%s) + ${HOURS * 3600} ))`);
    // a session does not outlive days
    call = await logIn(nas);
    const before = taken.length;
    await nas.until('the snapshot is taken and the run has ended', 120_000, async () => {
      const { schedules } = (await call('GET', '/api/schedules')) as {
        schedules: { running: boolean; last: { problem: string | null } | null }[];
      };
      const rows = await listed('tank/docs', `name,guid,creation,createtxg,${SCHEDULE_PROPERTY}`);
      for (const [name = '', guid = '', at = '', order = '', mark = ''] of rows)
        if (mark.startsWith('often@') && !taken.some((t) => t.guid === guid)) {
          expect(name).toMatch(/^tank\/docs@GMT-\d{4}\.\d\d\.\d\d-\d\d\.\d\d\.\d\d$/);
          taken.push({ guid, at: Number(at) * SECOND, order: Number(order), held: false });
        }
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
  await call('POST', '/api/gitops/capture', {});
  expect(((await call('GET', '/api/gitops/plan')) as { actions: unknown[] }).actions).toEqual([]);
}, 1_200_000);
