/** The engine over the simulated host, the executor behind its real socket, and a real database. */
import { describe, expect, it } from 'vitest';
import type { Run } from '../domain/job.ts';
import type { ChangeRequest } from '../domain/plan/change.ts';
import type { Plan } from '../domain/plan/types.ts';
import { orThrow } from '../domain/refusal.ts';
import type { Executor } from '../host/executor.ts';
import { demoModel } from '../host/sim/seeds.ts';
import { ADA, engineOn } from './stage.testing.ts';

const stage = async (wrap: (e: Executor) => Executor = (e) => e) => {
  const { engine, scheduler, store, host, sh, skip: later } = await engineOn(demoModel(), { wrap });
  const plan = async (...changes: ChangeRequest[]): Promise<Plan> => orThrow(await engine.planChange(ADA, changes));
  const run = async (digest: string): Promise<Run> => await orThrow(await engine.apply(ADA, digest)).settled;
  const names = async (): Promise<string[]> => (await engine.observe(0)).observed.datasets.map((d) => d.name);
  return { engine, scheduler, store, host, sh, plan, run, names, later };
};

const create = (name: string): ChangeRequest => ({ kind: 'dataset.create', dataset: { name, kind: 'filesystem', properties: {} } });

describe('a change', () => {
  it('is planned, applied, verified, told and audited', async () => {
    const { plan, run, names, store, engine } = await stage();
    const p = await plan(create('tank/new'));
    expect(p.actions.map((a) => [a.verb, a.id, a.risk])).toEqual([['CREATE', 'dataset.create tank/new', 'safe']]);
    const done = await run(p.digest);
    expect(done).toMatchObject({ state: 'succeeded', account: '1 step of 1 done' });
    expect(await names()).toContain('tank/new');
    expect(store.events.before(null, 20).map((e) => e.kind)).toEqual(
      expect.arrayContaining(['plan.created', 'run.started', 'dataset.created', 'run.finished']),
    );
    expect(store.audit.page(null, 10).map((e) => `${e.action} ${e.outcome}`)).toEqual(['dataset.create succeeded', 'plan.apply allowed']);
    expect((await engine.checkDrift()).state).toBe('in-sync');
    // the plan was for a world without it
    expect(await engine.apply(ADA, p.digest)).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
  });

  it('is refused as stale when the world moved on, and does nothing', async () => {
    const { plan, engine, sh, names } = await stage();
    const p = await plan({ kind: 'dataset.rename', name: 'tank/media/audiobooks', to: 'tank/media/spoken' });
    await sh('zfs', 'create', 'tank/media/spoken');
    const refused = await engine.apply(ADA, p.digest);
    expect(refused.ok).toBe(false);
    expect(await names()).toContain('tank/media/audiobooks');
  });

  it('goes around a step that fails, skips what depends on it, and accounts for both', async () => {
    const { plan, run, host } = await stage();
    host.fault({
      match: (argv) => argv.includes('tank/bad') && argv[1] === 'create',
      kind: 'exit',
      exit: 1,
      stderr: "cannot create 'tank/bad': out of space\n",
    });
    const done = await run((await plan(create('tank/bad'), create('tank/bad/child'), create('tank/good'))).digest);
    expect(done.state).toBe('failed');
    expect(Object.fromEntries(done.steps.map((s) => [s.actionId, s.state]))).toEqual({
      'dataset.create tank/bad': 'failed',
      'dataset.create tank/bad/child': 'skipped',
      'dataset.create tank/good': 'done',
    });
    expect(done.account).toContain('out of space');
    expect(done.account).toContain('not done: dataset.create tank/bad/child');
  });

  it('whose answer is lost is asked for, never repeated', async () => {
    let executions = 0;
    const { plan, run, names } = await stage((real) => ({
      read: (request, signal) => real.read(request, signal),
      outcome: (id) => real.outcome(id),
      execute: async (request) => {
        const answer = await real.execute(request);
        if (request.operation.kind === 'share.clients' || request.operation.kind === 'share.gate') return answer;
        executions += 1;
        return { ok: false, refusal: { code: 'timeout', what: 'dplane-exec', why: 'the line went dead', todo: '' } };
      },
    }));
    const done = await run((await plan(create('tank/once'))).digest);
    expect(done.state).toBe('succeeded');
    expect(done.steps[0]?.note).toContain('did not answer');
    expect(executions).toBe(1);
    expect(await names()).toContain('tank/once');
  });

  it('a restore that is cut off is looked at byte by byte: done is what is there, and nothing else', async () => {
    let gone = false;
    const { plan, run, host, sh } = await stage((real) => ({
      ...real,
      execute: async (request) => {
        if (request.operation.kind !== 'snapshot.restore') return real.execute(request);
        if (!gone) await real.execute(request);
        return { ok: false, refusal: { code: 'timeout', what: 'dplane-exec', why: 'the line went dead', todo: '' } };
      },
      outcome: async () => ({ state: 'begun' }),
    }));
    host.happen({ kind: 'file', path: '/mnt/tank/media/list.txt', size: 10 });
    await sh('zfs', 'snapshot', 'tank/media@then');
    const guid = (await sh('zfs', 'get', '-H', '-p', '-o', 'value', 'guid', 'tank/media@then')).trim();
    const bring = (name: string): ChangeRequest => ({
      kind: 'snapshot.restore',
      dataset: 'tank/media',
      tag: 'then',
      guid,
      path: 'list.txt',
      to: { dataset: 'tank/media', folder: '', name },
      replace: false,
    });
    const done = await run((await plan(bring('came.txt'))).digest);
    expect(done).toMatchObject({ state: 'succeeded', steps: [{ note: expect.stringContaining('found done') }] });
    gone = true;
    const lost = await run((await plan(bring('did-not.txt'))).digest);
    expect(lost).toMatchObject({ state: 'interrupted', steps: [{ state: 'unknown' }] });
  });
});

describe('what destroys data', () => {
  it('waits for an approval that names it, which is good once', async () => {
    const { plan, run, engine, names, store } = await stage();
    const p = await plan({ kind: 'dataset.destroy', name: 'tank/media/audiobooks' });
    const target = p.actions.find((a) => a.id === 'dataset.destroy tank/media/audiobooks');
    expect(target).toMatchObject({ verb: 'BLOCKED', risk: 'destructive', approval: 'required' });
    expect(await engine.apply(ADA, p.digest)).toMatchObject({ ok: false, refusal: { code: 'needs-approval' } });
    expect(await engine.approve(ADA, p.digest, 'dataset.destroy tank/media/audiobooks', 'tank/media/audiobook')).toMatchObject({
      ok: false,
      refusal: { code: 'invalid' },
    });
    for (const a of p.actions) if (a.approval === 'required') orThrow(await engine.approve(ADA, p.digest, a.id, a.target?.name ?? ''));
    const done = await run(p.digest);
    expect(done.account).toMatch(/ done$/);
    expect(await names()).not.toContain('tank/media/audiobooks');
    expect(engine.approvals(p.digest)).toEqual([]);
    const entry = store.audit.page(null, 20).find((e) => e.action === 'dataset.destroy');
    expect(entry?.reason).toMatch(/^approval \S+ by ada$/);
  });

  it('asks for an approval once what looked empty was found not to be', async () => {
    const { plan, run, engine, host, names } = await stage();
    await run((await plan(create('tank/small'))).digest);
    const at = (await engine.observe(0)).observed.datasets.find((d) => d.name === 'tank/small')?.mountpoint ?? '';
    host.happen({ kind: 'file', path: `${at}/note.txt`, size: 5 });
    const change: ChangeRequest = { kind: 'dataset.destroy', name: 'tank/small' };
    const guess = await plan(change);
    expect(guess.actions).toMatchObject([{ verb: 'DELETE', approval: 'none' }]);
    expect((await run(guess.digest)).account).toContain('not empty');
    const known = await plan(change);
    expect(known.actions).toMatchObject([{ verb: 'BLOCKED', approval: 'required' }]);
    expect(await engine.apply(ADA, known.digest)).toMatchObject({ ok: false, refusal: { code: 'needs-approval' } });
    orThrow(await engine.approve(ADA, known.digest, 'dataset.destroy tank/small', 'tank/small'));
    expect((await run(known.digest)).state).toBe('succeeded');
    expect(await names()).not.toContain('tank/small');
  });

  it('forgets an approval after a quarter of an hour', async () => {
    const { plan, engine, later } = await stage();
    const p = await plan({ kind: 'dataset.destroy', name: 'tank/media/audiobooks' });
    for (const a of p.actions) if (a.approval === 'required') orThrow(await engine.approve(ADA, p.digest, a.id, a.target?.name ?? ''));
    later(16 * 60_000);
    expect(await engine.apply(ADA, p.digest)).toMatchObject({ ok: false, refusal: { code: 'needs-approval' } });
  });
});

describe('state.yaml', () => {
  it('applied twice changes nothing the second time, and a rename behind our back is undone as a rename', async () => {
    const { engine, run, sh, names, store } = await stage();
    const { yaml } = orThrow(await engine.captureState(ADA));
    orThrow(await engine.saveState(yaml, ADA, null));
    expect(orThrow(await engine.planState(ADA)).actions).toEqual([]);

    await sh('zfs', 'rename', 'tank/office', 'tank/papers');
    const drift = await engine.checkDrift();
    expect(drift.state).toBe('drifted');
    expect(drift.items).toContainEqual(expect.objectContaining({ name: 'tank/office', what: 'renamed' }));

    const back = orThrow(await engine.planState(ADA));
    expect(back.actions.map((a) => a.id)).toContain('dataset.rename tank/papers');
    expect(back.actions.some((a) => a.operation?.kind === 'dataset.create' || a.operation?.kind === 'dataset.destroy')).toBe(false);
    expect((await run(back.digest)).state).toBe('succeeded');
    expect(await names()).toContain('tank/office');
    expect(engine.drift().state).toBe('in-sync');
    expect(store.alerts.open().map((a) => a.kind)).not.toContain('drift');
    expect(store.events.before(null, 20).map((e) => e.kind)).toContain('gitops.in-sync');
    expect(orThrow(await engine.planState(ADA)).actions).toEqual([]);
  });

  it('remembers what a renamed dataset was called, even after another change of ours', async () => {
    const { engine, plan, run, sh } = await stage();
    const { yaml } = orThrow(await engine.captureState(ADA));
    await sh('zfs', 'rename', 'tank/office', 'tank/bureau');
    await run((await plan(create('tank/other'))).digest);
    expect((await engine.checkDrift()).items).toContainEqual(expect.objectContaining({ name: 'tank/office', what: 'renamed' }));
    // written by hand, without guids: the name alone has to be enough
    const byHand = yaml.replace(/^ *guid: .*\n/gm, '');
    const ids = orThrow(await engine.planState(ADA, byHand)).actions.map((a) => a.id);
    expect(ids).toContain('dataset.rename tank/bureau');
    expect(ids).not.toContain('dataset.create tank/office');
  });

  it('never destroys a pool, whatever it says, and runs nothing at all then', async () => {
    const { engine, names } = await stage();
    const before = await names();
    const p = orThrow(await engine.planState(ADA, 'version: 1\npools: []\n'));
    expect(p.actions.filter((a) => a.noun === 'pool').map((a) => [a.verb, a.approval, a.operation])).toEqual([
      ['BLOCKED', 'impossible', null],
      ['BLOCKED', 'impossible', null],
      ['BLOCKED', 'impossible', null],
    ]);
    expect(await engine.approve(ADA, p.digest, p.actions[0]?.id ?? '', 'tank')).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
    expect(await engine.apply(ADA, p.digest)).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
    expect(await names()).toEqual(before);
  });

  it('tells the second of two editors', async () => {
    const { engine } = await stage();
    const first = orThrow(await engine.saveState('version: 1\nignore_extraneous: true\n', ADA, null));
    const second = await engine.saveState('version: 1\n', { ...ADA, name: 'ben' }, null);
    expect(second).toMatchObject({ ok: false, refusal: { code: 'conflict', why: expect.stringContaining('ada saved another version') } });
    expect((await engine.saveState('version: 1\n', ADA, first.digest)).ok).toBe(true);
    expect(await engine.saveState('version: 1\nnonsense: 1\n', ADA, null)).toMatchObject({
      ok: false,
      refusal: { code: 'invalid', why: expect.stringContaining('line 2') },
    });
  });

  it('is not planned before there is one', async () => {
    const { engine } = await stage();
    expect(await engine.planState(ADA)).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
  });
});

describe('a host whose pools cannot be listed', () => {
  it('gets no plan, loses no alert, and nothing is called gone', async () => {
    const { engine, scheduler, store, host, later } = await stage();
    orThrow(await engine.captureState(ADA));
    later(31_000);
    await scheduler.runDue();
    const alerts = store.alerts.open().map((a) => a.kind);
    const clear = host.fault({ match: ['zpool', 'list'], kind: 'missing' });
    later(5 * 60_000);
    await scheduler.runDue();
    expect(await engine.planChange(ADA, [create('tank/x')])).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    expect(await engine.planState(ADA, 'version: 1\n')).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
    expect((await engine.captureState(ADA)).ok).toBe(false);
    expect(store.alerts.open().map((a) => a.kind)).toEqual(expect.arrayContaining(alerts));
    expect(store.events.before(null, 100).map((e) => e.kind)).not.toContain('dataset.destroyed');
    clear();
    later(5 * 60_000);
    await scheduler.runDue();
    expect((await engine.planChange(ADA, [create('tank/x')])).ok).toBe(true);
    expect(engine.drift().state).toBe('in-sync');
  });
});

describe('what happens without us', () => {
  it('becomes events, alerts that open and resolve, and drift', async () => {
    const { engine, scheduler, store, host, sh, later } = await stage();
    orThrow(await engine.captureState(ADA));
    later(31_000);
    await scheduler.runDue();
    expect(store.alerts.open().map((a) => `${a.kind} ${a.subject}`)).toContain('pool.health pool:backup');

    host.happen({
      kind: 'disk',
      pool: 'tank',
      disk: (await engine.pools()).pools.find((p) => p.name === 'tank')?.vdevs[0]?.disks[0]?.path ?? '',
      state: 'FAULTED',
    });
    await sh('zfs', 'create', 'tank/surprise');
    later(5 * 60_000);
    await scheduler.runDue();
    const kinds = store.events.before(null, 50).map((e) => `${e.kind} ${e.subject}`);
    expect(kinds).toContain('pool.health-changed pool:tank');
    expect(kinds).toContain('dataset.created dataset:tank/surprise');
    expect(kinds).toContain('alert.opened pool:tank');
    expect(kinds).toContain('gitops.drift state');
    expect(engine.drift().items).toContainEqual(expect.objectContaining({ name: 'tank/surprise', what: 'extra' }));

    await sh('zfs', 'destroy', 'tank/surprise');
    host.happen({
      kind: 'disk',
      pool: 'tank',
      disk: (await engine.pools()).pools.find((p) => p.name === 'tank')?.vdevs[0]?.disks[0]?.path ?? '',
      state: 'ONLINE',
    });
    later(5 * 60_000);
    await scheduler.runDue();
    expect(store.alerts.open().map((a) => `${a.kind} ${a.subject}`)).not.toContain('pool.health pool:tank');
    expect(engine.drift().state).toBe('in-sync');
    expect(store.events.before(null, 50).map((e) => e.kind)).toContain('gitops.in-sync');
  });
});

describe('how full pools are', () => {
  it('is recorded as time goes by', async () => {
    const { engine, scheduler, store, later } = await stage();
    await engine.observe(0);
    for (let i = 0; i < 13; i += 1) {
      later(5 * 60_000);
      await scheduler.runDue();
    }
    const tank = (await engine.pools()).pools.find((p) => p.name === 'tank');
    const points = store.poolSpace.since(tank?.guid ?? '', 5 * 60_000, 0);
    expect(points).toHaveLength(13);
    expect(points.at(-1)).toMatchObject({ size: tank?.size, allocated: tank?.allocated });
    expect(store.poolSpace.since(tank?.guid ?? '', 60 * 60_000, 0).length).toBeLessThan(4);
  });
});
