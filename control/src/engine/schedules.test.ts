/** Schedules over simulated days: the engine, the executor behind its socket, the simulated host. */
import { describe, expect, it } from 'vitest';
import type { ChangeRequest } from '../domain/plan/change.ts';
import { orThrow } from '../domain/refusal.ts';
import { SCHEDULE_PROPERTY, SnapshotSchedule } from '../domain/schedule/schedule.ts';
import type { Executor } from '../host/executor.ts';
import { demoModel } from '../host/sim/seeds.ts';
import { ADA, engineOn } from './stage.testing.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const stage = async (wrap: (e: Executor) => Executor = (e) => e) => {
  const { host, store, engine, make, sh, skip, now } = await engineOn(demoModel(), {
    wrap,
    before: async (run) => void (await run('zfs', 'create', 'tank/notes')),
  });
  await engine.refreshSnapshots();
  const change = async (...changes: ChangeRequest[]) => {
    const plan = orThrow(await engine.planChange(ADA, changes));
    for (const a of plan.actions)
      if (a.approval === 'required') orThrow(await engine.approve(ADA, plan.digest, a.id, a.target?.name ?? ''));
    return { plan, run: await orThrow(await engine.apply(ADA, plan.digest)).settled };
  };
  const schedule = (more: Omit<Partial<SnapshotSchedule>, 'keep'> & { keep?: Partial<SnapshotSchedule['keep']> } = {}): ChangeRequest => ({
    kind: 'schedule.put',
    schedule: SnapshotSchedule.parse({ name: 'hourly', dataset: 'tank/notes', cron: '0 * * * *', keep: {}, ...more }),
  });
  const pass = async (ms: number, e = engine): Promise<void> => {
    skip(ms);
    await e.schedules.look();
    await e.schedules.idle();
  };
  const mine = async (dataset: string, name = 'hourly'): Promise<string[]> =>
    (await sh('zfs', 'list', '-Hp', '-o', `name,${SCHEDULE_PROPERTY}`, '-t', 'snapshot', '-d', '1', dataset))
      .split('\n')
      .filter((l) => l.split('\t')[1]?.startsWith(`${name}@`))
      .map((l) => l.split('\t')[0] ?? '');
  return { engine, make, store, host, sh, change, schedule, pass, mine, now };
};

describe('a schedule', () => {
  it('is put by a plan, takes its snapshots in the form of Previous Versions, and keeps what its rules keep', async () => {
    const { engine, store, sh, change, schedule, pass, mine } = await stage();
    await sh('zfs', 'snapshot', 'tank/notes@by-hand');
    const { plan, run } = await change(schedule({ keep: { hourly: 3, daily: 2 } }));
    expect(plan.actions.map((a) => [a.verb, a.noun, a.name, a.risk])).toEqual([['CREATE', 'schedule', 'hourly', 'safe']]);
    expect(run.state).toBe('succeeded');
    const before = (await sh('zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', '-d', '1', 'tank/notes')).split('\n').length;
    for (let hour = 0; hour < 50; hour += 1) await pass(HOUR);
    const left = await mine('tank/notes');
    expect(left).toHaveLength(4);
    for (const name of left) expect(name).toMatch(/^tank\/notes@GMT-2026\.11\.2\d-\d\d\.00\.\d\d$/);
    // nothing that it did not make
    expect((await sh('zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', '-d', '1', 'tank/notes')).split('\n').length).toBe(
      before + left.length,
    );
    const [status] = await engine.schedules.list();
    expect(status).toMatchObject({ snapshots: left.length, running: false, last: { problem: null, taken: 1, destroyed: 1 } });
    expect(store.audit.page(null, 2).map((a) => [a.action, a.outcome, a.actor.name])).toEqual([
      ['snapshot.prune', 'succeeded', 'schedule hourly'],
      ['snapshot.create', 'succeeded', 'schedule hourly'],
    ]);
    // the same again is no change, and what is captured plans to nothing
    expect((await change(schedule({ keep: { hourly: 3, daily: 2 } }))).plan.actions).toEqual([]);
    const { yaml } = orThrow(await engine.captureState(ADA));
    expect(yaml).toMatch(/schedules:\n +- name: hourly\n/);
    expect(orThrow(await engine.planState(ADA, yaml)).actions).toEqual([]);
  });

  it('catches up once what was missed, whatever the time it missed', async () => {
    const { change, schedule, pass, mine } = await stage();
    await change(schedule());
    await pass(9 * DAY + 1);
    expect(await mine('tank/notes')).toHaveLength(1);
    await pass(60_000);
    expect(await mine('tank/notes')).toHaveLength(1);
    await pass(HOUR);
    expect(await mine('tank/notes')).toHaveLength(2);
    // switched off for a week and on again: nothing of that was missed
    await change(schedule({ enabled: false }));
    await pass(7 * DAY);
    await change(schedule());
    await pass(1000);
    expect(await mine('tank/notes')).toHaveLength(2);
  });

  it('takes everything below at the same moment when asked to, and gives two schedules of one second two names', async () => {
    const { change, schedule, pass, mine, sh } = await stage();
    await sh('zfs', 'create', 'tank/notes/inner');
    await change(schedule({ recursive: true }), schedule({ name: 'second' }));
    await pass(HOUR);
    const tags = [...(await mine('tank/notes')), ...(await mine('tank/notes/inner'))].map((n) => n.split('@')[1]);
    expect(new Set(tags).size).toBe(1);
    const [other] = await mine('tank/notes', 'second');
    expect(other?.split('@')[1]).not.toBe(tags[0]);
  });

  it('keeps its hands off what is held, cloned, renamed over or marked by somebody else, and never takes the last one', async () => {
    const { engine, change, schedule, pass, mine, sh, store } = await stage();
    await change(schedule({ keep: { count: 1 } }));
    await pass(HOUR);
    const [first = ''] = await mine('tank/notes');
    await sh('zfs', 'hold', 'keep', first);
    await pass(HOUR);
    const second = (await mine('tank/notes')).at(-1) ?? '';
    await sh('zfs', 'clone', second, 'tank/clone');
    await pass(HOUR);
    await pass(HOUR);
    const names = await mine('tank/notes');
    expect(names).toHaveLength(3);
    expect(names).toEqual(expect.arrayContaining([first, second]));
    await sh('zfs', 'destroy', 'tank/clone');
    await sh('zfs', 'release', 'keep', first);
    await engine.refreshSnapshots('tank');
    await pass(HOUR);
    expect(await mine('tank/notes')).toHaveLength(1);
    // a mark that the dataset hands down tells nothing: nothing is destroyed by it, and somebody hears of it
    const mark = store.snapshots.page({ dataset: 'tank/notes', offset: 0, limit: 1, descending: true }).rows[0]?.mark;
    await sh('zfs', 'set', `${SCHEDULE_PROPERTY}=${mark}`, 'tank/notes');
    await engine.refreshSnapshots('tank');
    const before = (await sh('zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', '-d', '1', 'tank/notes')).split('\n').length;
    await pass(HOUR);
    expect((await sh('zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', '-d', '1', 'tank/notes')).split('\n').length).toBe(before + 1);
    expect(engine.alerts().map((a) => a.kind)).toContain('schedule.failed');
  });

  it('waits for an approval by its name before it keeps less, and follows its dataset when that is renamed', async () => {
    const { engine, change, schedule } = await stage();
    await change(schedule({ keep: { daily: 10 } }));
    const { plan } = await change(schedule({ keep: { daily: 9 } }));
    expect(plan.actions[0]).toMatchObject({
      verb: 'BLOCKED',
      risk: 'destructive',
      approval: 'required',
      target: { kind: 'schedule', name: 'hourly', guid: null },
    });
    expect((await change(schedule({ keep: { daily: 20 } }))).plan.actions[0]).toMatchObject({ verb: 'MODIFY', approval: 'none' });
    const { run } = await change({ kind: 'dataset.rename', name: 'tank/notes', to: 'tank/papers' });
    expect(run.state).toBe('succeeded');
    expect((await engine.schedules.list()).map((s) => s.schedule.dataset)).toEqual(['tank/papers']);
    const gone = await change({ kind: 'schedule.remove', name: 'hourly' });
    expect(gone.plan.actions).toMatchObject([{ verb: 'DELETE', noun: 'schedule', risk: 'safe' }]);
    expect(await engine.planChange(ADA, [{ kind: 'schedule.remove', name: 'hourly' }])).toMatchObject({
      ok: false,
      refusal: { code: 'not-found' },
    });
    expect(
      orThrow(
        await engine.planState(
          ADA,
          'version: 1\nignore_extraneous: true\nschedules: [{name: x, dataset: tank/nosuch, cron: "0 0 * * *", keep: {}}]\n',
        ),
      ).actions,
    ).toMatchObject([{ noun: 'schedule', approval: 'impossible' }]);
  });

  it('says when it fails, tries again, and is not held up by another pool that hangs', async () => {
    const { engine, host, change, schedule, pass, mine, store } = await stage();
    await change(schedule(), schedule({ name: 'other', dataset: 'backup' }));
    const clear = host.fault({
      match: (argv) => argv[1] === 'snapshot' && argv.at(-1)?.startsWith('tank/') === true,
      kind: 'exit',
      exit: 1,
      stderr: "cannot create snapshot 'x': out of space\n",
    });
    await pass(HOUR);
    expect(await mine('backup', 'other')).toHaveLength(1);
    expect(await mine('tank/notes')).toHaveLength(0);
    expect(engine.alerts().find((a) => a.kind === 'schedule.failed')?.message).toContain('out of space');
    clear();
    await pass(30_000);
    expect(await mine('tank/notes')).toHaveLength(0);
    await pass(60_000);
    expect(await mine('tank/notes')).toHaveLength(1);
    expect(engine.alerts().some((a) => a.kind === 'schedule.failed')).toBe(false);
    expect(store.events.before(null, 50).filter((e) => e.kind === 'schedule.failed')).toHaveLength(1);
  });

  it('finds after a crash what became of the snapshot it was taking, and takes no second one', async () => {
    const held = Promise.withResolvers<void>();
    let crash = false;
    const s = await stage((e) => ({
      ...e,
      execute: async (request, signal) => {
        const answer = await e.execute(request, signal);
        if (crash && request.operation.kind === 'snapshot.create') await held.promise;
        return answer;
      },
    }));
    await s.change(s.schedule());
    crash = true;
    const lost = s.pass(HOUR);
    while ((await s.mine('tank/notes')).length === 0) await new Promise((r) => setTimeout(r, 5));
    crash = false;
    const again = s.make();
    await again.schedules.recover();
    await again.schedules.idle();
    await s.pass(1000, again);
    expect(await s.mine('tank/notes')).toHaveLength(1);
    expect(s.store.schedules.get('hourly')).toMatchObject({ begun: null, last: { problem: null, taken: 1 } });
    held.resolve();
    await lost;
  });
});
