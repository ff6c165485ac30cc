import { describe, expect, test } from 'vitest';
import type { Observed } from '../observed/observed.ts';
import type { Approval, Operation } from '../operation/operation.ts';
import { SmbShare } from '../share/share.ts';
import type { DesiredState } from '../state/state.ts';
import { capture, identitiesOf } from './capture.ts';
import { ChangeRequest } from './change.ts';
import { approvalMatches } from './guard.ts';
import { emptyHost, observedDataset, observedDisk, observedPool } from './model.test-support.ts';
import { plan, sealPlan } from './plan.ts';
import { planChange } from './planChange.ts';
import { renderPlan } from './render.ts';

const DISK = '/dev/disk/by-id/ata-A';
const local = (value: string) => ({ value, source: 'local' }) as const;
const smb = (name: string, dataset: string, more = {}) => SmbShare.parse({ kind: 'smb', name, dataset, ...more });
const client = { share: 's', user: 'eva', machine: 'laptop', openFiles: 1 };

const nas = (): Observed => ({
  ...emptyHost(),
  pools: [observedPool('tank', '1', [DISK])],
  datasets: [
    observedDataset('tank', '10'),
    observedDataset('tank/full', '11', {
      used: 3 * 1024 ** 3,
      referenced: 2 * 1024 ** 3,
      snapshots: 2,
      properties: { quota: local('10737418240'), casesensitivity: { value: 'sensitive', source: 'none' } },
    }),
    observedDataset('tank/full/sub', '12'),
    observedDataset('tank/vol', '13', {
      kind: 'volume',
      mounted: false,
      properties: { volsize: local('10737418240'), volblocksize: { value: '16384', source: 'default' } },
    }),
  ],
});
const wanted = (o: Observed): DesiredState => structuredClone(capture(o));
const run = (desired: DesiredState, observed: Observed, identities = new Map<string, string>()) =>
  plan({ desired, observed, identities }).actions;
const change = (o: Observed, ...changes: unknown[]) =>
  planChange(
    changes.map((c) => ChangeRequest.parse(c)),
    o,
  );

describe('pools', () => {
  test('an undeclared, a changed and a replaced pool are never touched', () => {
    const o = nas();
    expect(run({ ...wanted(o), pools: [], datasets: [] }, o)).toMatchObject([
      { id: 'BLOCKED pool tank', approval: 'impossible', operation: null },
    ]);
    const other = wanted(o);
    if (other.pools[0]) other.pools[0].vdevs = [{ kind: 'stripe', role: 'data', disks: [`${DISK}2`] }];
    expect(run(other, o)).toMatchObject([{ id: 'BLOCKED pool tank', blocked: expect.stringContaining('layout') }]);
    const swapped = nas();
    swapped.pools = [observedPool('tank', '2', [DISK])];
    const blocked = run(wanted(o), swapped);
    expect(blocked.length).toBe(4);
    for (const a of blocked) expect(a.approval).toBe('impossible');
  });
  test('a stuck pool is not taken for a missing one', () => {
    const o = nas();
    const stuck: Observed = {
      ...o,
      pools: [],
      datasets: [],
      stuck: [{ pool: 'tank', since: 0, problem: { code: 'timeout', what: 'zfs list', why: 'no answer in 5 s', todo: '' } }],
    };
    const actions = run(wanted(o), stuck, identitiesOf(o));
    expect(actions.map((a) => a.approval)).toEqual(['impossible', 'impossible', 'impossible', 'impossible']);
    expect(actions[0]?.blocked).toContain('no answer in 5 s');
    expect(change(stuck, { kind: 'dataset.create', dataset: { name: 'tank/x' } })).toMatchObject({
      ok: false,
      refusal: { code: 'unavailable' },
    });
  });
  test.each([
    [512, {}, 12],
    [4096, {}, 12],
    [16_384, {}, 14],
    [4096, { ashift: 9 }, 9],
  ])('a new pool on sectors of %i, with %j declared, gets ashift %i: it can not be changed later', (physicalSector, options, ashift) => {
    const o = nas();
    const path = `${DISK}9`;
    o.disks = [{ ...observedDisk(path, null), physicalSector }];
    const pool = { name: 'two', vdevs: [{ kind: 'stripe', disks: [path] }], options };
    expect(change(o, { kind: 'pool.create', pool })).toMatchObject({
      ok: true,
      value: {
        actions: [
          {
            operation: { kind: 'pool.create', options: { ashift } },
            changes: expect.arrayContaining([{ property: 'ashift', from: null, to: String(ashift) }]),
          },
        ],
      },
    });
  });
  test('a new pool takes free disks only', () => {
    const o = nas();
    const two = { name: 'two', vdevs: [{ kind: 'stripe', role: 'data', disks: [`${DISK}9`] }], options: {}, properties: {} } as const;
    const desired = {
      ...wanted(o),
      pools: [...wanted(o).pools, structuredClone(two) as unknown as DesiredState['pools'][number]],
      datasets: [...wanted(o).datasets, { name: 'two/a', kind: 'filesystem' as const, properties: {} }],
    };
    expect(run(desired, o)).toMatchObject([
      { id: 'pool.create two', approval: 'impossible', blocked: expect.stringContaining('not seen') },
      {
        id: 'BLOCKED dataset two/a',
        approval: 'impossible',
        after: ['pool.create two'],
        blocked: expect.stringContaining('pool.create two'),
      },
    ]);
  });
});

describe('datasets', () => {
  test.each([
    [{ quota: '10G' }, null],
    [{ quota: '1G' }, { approval: 'impossible', blocked: expect.stringContaining('3 GiB in use') }],
    [{ quota: 'none' }, { verb: 'MODIFY', risk: 'safe', operation: { set: { quota: 'none' } } }],
    [{ casesensitivity: 'mixed' }, { approval: 'impossible', blocked: expect.stringContaining('fixed') }],
  ])('%j on what holds data', (properties, expected) => {
    const o = nas();
    const d = wanted(o);
    Object.assign(d.datasets[0]?.properties ?? {}, properties);
    expect(run(d, o)).toMatchObject(expected === null ? [] : [expected]);
  });
  test('shrinking a volume waits for an approval; odd sizes are rounded to blocks', () => {
    const o = nas();
    const d = wanted(o);
    Object.assign(d.datasets[2]?.properties ?? {}, { volsize: '5G' });
    expect(run(d, o)).toMatchObject([
      { verb: 'BLOCKED', risk: 'destructive', approval: 'required', target: { name: 'tank/vol', guid: '13' } },
    ]);
    Object.assign(d.datasets[2]?.properties ?? {}, { volsize: '10737418239' });
    expect(run(d, o)).toEqual([]);
  });
  test('a remembered guid makes a rename, with everything below it, and no deletion', () => {
    const o = nas();
    const d = wanted(o);
    for (const x of d.datasets) {
      x.name = x.name.replace('tank/full', 'tank/moved');
      delete x.guid;
    }
    const before = identitiesOf({ ...o, datasets: o.datasets.map((x) => ({ ...x, name: x.name.replace('tank/full', 'tank/moved') })) });
    expect(run(d, o, before)).toMatchObject([
      { id: 'dataset.rename tank/full', risk: 'disruptive', operation: { guid: '11', to: 'tank/moved' } },
    ]);
  });
  test('what holds data goes only with its own approval, children first', () => {
    const o = nas();
    const actions = run({ ...wanted(o), datasets: [] }, o);
    expect(actions.map((a) => [a.id, a.verb, a.approval])).toEqual([
      ['dataset.destroy tank/vol', 'BLOCKED', 'required'],
      ['dataset.destroy tank/full/sub', 'DELETE', 'none'],
      ['dataset.destroy tank/full', 'BLOCKED', 'required'],
    ]);
    expect(actions[2]).toMatchObject({
      after: ['dataset.destroy tank/full/sub'],
      reason: expect.stringContaining('3 GiB in use and 2 snapshots'),
    });
    expect(run({ ...wanted(o), datasets: [], ignore_extraneous: true }, o)).toEqual([]);
    o.datasets.push(observedDataset('tank/clone', '14', { origin: 'tank/vol@x' }));
    expect(run({ ...wanted(o), datasets: wanted(o).datasets.filter((x) => x.name !== 'tank/vol') }, o)).toMatchObject([
      { approval: 'impossible', blocked: expect.stringContaining('tank/clone') },
    ]);
  });
  test('schedules are made, changed, and kept from keeping less without an approval', () => {
    const o = nas();
    const schedule = {
      name: 'daily',
      dataset: 'tank',
      recursive: false,
      cron: '0 0 * * *',
      timezone: 'UTC',
      keep: { hourly: 0, daily: 1, weekly: 0, monthly: 0, yearly: 0, count: 0, maxAgeDays: 0 },
      enabled: true,
    };
    const put = (s: typeof schedule, now: (typeof schedule)[]) => run({ ...wanted(o), schedules: [s] }, { ...o, schedules: now });
    expect(put(schedule, [])).toMatchObject([{ id: 'schedule.put daily', verb: 'CREATE', approval: 'none' }]);
    expect(put(schedule, [schedule])).toEqual([]);
    expect(put({ ...schedule, cron: '5 0 * * *' }, [schedule])).toMatchObject([
      { verb: 'MODIFY', changes: [{ property: 'cron', from: '0 0 * * *', to: '5 0 * * *' }] },
    ]);
    const two = { ...schedule, keep: { ...schedule.keep, daily: 2 } };
    expect(put(schedule, [two])).toMatchObject([{ verb: 'BLOCKED', approval: 'required', target: { kind: 'schedule', name: 'daily' } }]);
    expect(put({ ...schedule, dataset: 'tank/nowhere' }, [])).toMatchObject([{ noun: 'schedule', approval: 'impossible' }]);
    expect(run(wanted(o), { ...o, schedules: [schedule] })).toMatchObject([{ id: 'schedule.remove daily', verb: 'DELETE' }]);
  });
});

describe('shares', () => {
  const shared = (clients: (typeof client)[]): Observed => ({
    ...nas(),
    shares: [{ spec: smb('s', 'tank/full'), serving: true, note: null, clients }],
  });
  test('clients make removal and felt changes wait for an approval', () => {
    const o = shared([client]);
    expect(run({ ...wanted(o), shares: [] }, o)).toMatchObject([
      {
        id: 'share.remove smb:s',
        verb: 'BLOCKED',
        approval: 'required',
        blocked: '1 client is connected: eva@laptop',
        target: { kind: 'share', name: 'smb:s', guid: null },
      },
    ]);
    expect(run({ ...wanted(o), shares: [smb('s', 'tank/full', { readOnly: true })] }, o)).toMatchObject([
      { id: 'share.put smb:s', verb: 'BLOCKED', approval: 'required' },
    ]);
    expect(run({ ...wanted(o), shares: [smb('s', 'tank/full', { comment: 'x' })] }, o)).toMatchObject([
      { verb: 'MODIFY', risk: 'safe', approval: 'none' },
    ]);
    const quiet = shared([]);
    expect(run({ ...wanted(quiet), shares: [] }, quiet)).toMatchObject([{ verb: 'DELETE', risk: 'disruptive', approval: 'none' }]);
  });
  test('a mount change under a share is noticed', () => {
    const o = shared([]);
    const d = wanted(o);
    Object.assign(d.datasets[0]?.properties ?? {}, { readonly: 'on' });
    expect(run(d, o)).toMatchObject([{ id: 'dataset.set tank/full', risk: 'disruptive' }]);
  });
});

describe('planChange', () => {
  test('destroys a subtree as one action each, its shares first', () => {
    const o = { ...nas(), shares: [{ spec: smb('s', 'tank/full'), serving: true, note: null, clients: [] }] };
    const r = change(o, { kind: 'dataset.destroy', name: 'tank/full' });
    expect(r.ok && r.value.actions.map((a) => a.id)).toEqual([
      'share.remove smb:s',
      'dataset.destroy tank/full/sub',
      'dataset.destroy tank/full',
    ]);
    expect(r.ok && r.value.actions[2]?.reason).toContain('its removal was asked for');
  });
  test('a rename takes its shares along', () => {
    const o = { ...nas(), shares: [{ spec: smb('s', 'tank/full/sub'), serving: true, note: null, clients: [] }] };
    expect(change(o, { kind: 'dataset.rename', name: 'tank/full', to: 'tank/new' })).toMatchObject({
      ok: true,
      value: {
        actions: [
          { id: 'dataset.rename tank/full' },
          { id: 'share.put smb:s', after: ['dataset.rename tank/full'], operation: { share: { dataset: 'tank/new/sub' } } },
        ],
      },
    });
  });
  test.each([
    [{ kind: 'dataset.create', dataset: { name: 'tank/full' } }, 'conflict'],
    [{ kind: 'dataset.create', dataset: { name: 'nope/a' } }, 'not-found'],
    [{ kind: 'dataset.create', dataset: { name: 'tank/no/a' } }, 'not-found'],
    [{ kind: 'dataset.set', name: 'tank/no', properties: {} }, 'not-found'],
    [{ kind: 'dataset.rename', name: 'tank/full', to: 'tank/vol' }, 'conflict'],
    [{ kind: 'dataset.rename', name: 'tank/full', to: 'tank/full/x' }, 'invalid'],
    [{ kind: 'dataset.destroy', name: 'tank' }, 'blocked'],
    [{ kind: 'dataset.destroy', name: 'tank/no' }, 'not-found'],
    [{ kind: 'snapshot.create', dataset: 'tank/no', tag: 'x' }, 'not-found'],
    [{ kind: 'share.remove', share: 'smb', name: 'no' }, 'not-found'],
    [{ kind: 'share.put', share: { kind: 'smb', name: 's', dataset: 'tank/vol' } }, 'invalid'],
    [{ kind: 'pool.scrub', name: 'no', action: 'start' }, 'not-found'],
  ])('refuses %j as %s', (c, code) => expect(change(nas(), c)).toMatchObject({ ok: false, refusal: { code } }));
  test('nothing to do is an empty plan; a snapshot goes only with an approval', () => {
    expect(change(nas(), { kind: 'dataset.set', name: 'tank/full', properties: { quota: '10G' } })).toMatchObject({
      ok: true,
      value: { actions: [] },
    });
    expect(change(nas(), { kind: 'snapshot.destroy', dataset: 'tank/full', tag: 'x', guid: '99' })).toMatchObject({
      ok: true,
      value: {
        actions: [
          { verb: 'BLOCKED', risk: 'destructive', approval: 'required', target: { kind: 'snapshot', name: 'tank/full@x', guid: '99' } },
        ],
      },
    });
  });
});

test('an approval is for one operation on one target, for a while', () => {
  const op: Operation = { kind: 'dataset.destroy', name: 'tank/a', guid: '5', withSnapshots: true };
  const approval: Approval = {
    id: 'a'.repeat(22),
    actor: { kind: 'user', name: 'eva', via: 'web' },
    planDigest: '0'.repeat(64),
    actionId: 'x',
    operation: op.kind,
    target: { kind: 'dataset', name: 'tank/a', guid: '5' },
    issuedAt: 0,
    expiresAt: 1000,
  };
  expect(approvalMatches(op, approval, 999)).toBeNull();
  for (const [other, now] of [
    [{ ...op, name: 'tank/b' }, 0],
    [{ ...op, guid: '6' }, 0],
    [{ kind: 'dataset.rename', name: 'tank/a', guid: '5', to: 'tank/c' }, 0],
    [op, 1000],
    [op, -100_000],
  ] as const)
    expect(approvalMatches(other, approval, now)).not.toBeNull();
});

test('prose does not change the digest, deeds do', () => {
  const o = nas();
  const draft = plan({ desired: { ...wanted(o), datasets: [] }, observed: o, identities: new Map() });
  const seal = { desiredDigest: 'd', observedDigest: 'o', createdAt: 1, sha256: (text: string) => text };
  const reworded = { ...draft, actions: draft.actions.map((a) => ({ ...a, reason: 'other words' })) };
  expect(sealPlan(reworded, seal).digest).toBe(sealPlan(draft, seal).digest);
  expect(sealPlan({ ...draft, actions: draft.actions.slice(1) }, seal).digest).not.toBe(sealPlan(draft, seal).digest);
  const lines = renderPlan(draft).map((l) => l.text);
  expect(lines).toContain('    needs an approval: type tank/full');
  expect(lines).toContain('    same as: dplane dataset destroy tank/full');
  expect(lines.join('')).not.toContain('\u001b');
});
