import { describe, expect, it } from 'vitest';
import type { Approval } from '../domain/operation/operation.ts';
import type { Plan } from '../domain/plan/types.ts';
import { openStore } from './store.ts';
import { storeLab } from './store.testing.ts';
import type { PlanRecord, SessionRow, TokenRow, UserRow } from './types.ts';

const digest = (n: number): string => n.toString(16).padStart(64, '0');
const plan = (n: number): Plan => ({
  digest: digest(n),
  desiredDigest: digest(1),
  observedDigest: digest(2),
  createdAt: n,
  actions: [],
  summary: { create: 0, modify: 0, delete: 0, blocked: 0, nop: 3 },
});
const record = (n: number, expiresAt = 1000): PlanRecord => ({
  plan: plan(n),
  actor: 'alice',
  yaml: null,
  source: 'state',
  createdAt: n,
  expiresAt,
});
const approval = (id: string, expiresAt = 1000): Approval => ({
  id: id.padEnd(22, 'x'),
  actor: { kind: 'user', name: 'alice', via: 'web' },
  planDigest: digest(1),
  actionId: 'dataset.destroy tank/old',
  operation: 'dataset.destroy',
  target: { kind: 'dataset', name: 'tank/old', guid: '18446744073709551615' },
  issuedAt: 1,
  expiresAt,
});

describe('plans and approvals', () => {
  it('keep plans until they expire, and those that are running', () => {
    const { plans, runs } = storeLab().open();
    plans.put(record(1));
    plans.put({ ...record(2), yaml: 'version: 1\n' });
    plans.put(record(3, 9000));
    runs.start({ id: 'r', planDigest: digest(2), actor: 'alice', state: 'running', startedAt: 5, endedAt: null, account: '' }, []);
    expect(plans.get(digest(2))?.yaml).toBe('version: 1\n');
    expect(plans.list(2).map((p) => p.plan.createdAt)).toEqual([3, 2]);
    expect(plans.prune(1000)).toBe(1);
    expect(plans.get(digest(1))).toBeNull();
    plans.put(record(3, 12_000));
    expect(plans.get(digest(3))?.expiresAt).toBe(12_000);
    expect(plans.list(9)).toHaveLength(2);
  });

  it('let an approval be used once, in its time', () => {
    const lab = storeLab();
    const store = openStore(lab.options);
    for (const id of ['a', 'b', 'c']) store.approvals.put(approval(id, id === 'b' ? 10 : 1000));
    expect(() => store.approvals.put(approval('a'))).toThrow();
    expect(store.approvals.open(digest(1), 10)).toEqual([approval('a'), approval('c')]);
    expect(store.approvals.open(digest(2), 10)).toEqual([]);
    expect([store.approvals.use(approval('a').id, 5), store.approvals.use(approval('a').id, 5)]).toEqual([true, false]);
    expect(store.approvals.use(approval('b').id, 10)).toBe(false);
    expect(store.approvals.use('unknown', 5)).toBe(false);
    expect(() =>
      store.transact(() => {
        store.approvals.use(approval('c').id, 5);
        throw new Error('the intent could not be written');
      }),
    ).toThrow();
    store.close();
    const again = lab.open();
    expect(again.approvals.use(approval('a').id, 6)).toBe(false);
    expect(again.approvals.use(approval('c').id, 6)).toBe(true);
  });
});

describe('runs', () => {
  it('journal steps, and show after a start what a crash left', () => {
    const lab = storeLab();
    const store = openStore(lab.options);
    const base = { planDigest: digest(1), actor: 'alice', state: 'running' as const, startedAt: 5, endedAt: null, account: '' };
    store.runs.start({ ...base, id: 'one' }, ['a', 'b']);
    store.runs.start({ ...base, id: 'two' }, ['a', 'b', 'c']);
    const step = { startedAt: 6, endedAt: null, problem: null, note: null };
    store.runs.step('two', { ...step, actionId: 'a', state: 'running' }, 'op-1');
    store.runs.step('two', { ...step, actionId: 'a', state: 'done', endedAt: 7, note: 'made' }, null);
    store.runs.step('two', { ...step, actionId: 'b', state: 'running' }, 'op-2');
    store.runs.finish('one', 'failed', 9, 'nothing was done');
    store.close();
    const { runs } = lab.open();
    expect(runs.list(5).map((r) => [r.id, r.state])).toEqual([
      ['two', 'running'],
      ['one', 'failed'],
    ]);
    const [left, ...rest] = runs.unfinished();
    expect(rest).toEqual([]);
    expect(left?.operationIds).toEqual({ a: 'op-1', b: 'op-2' });
    expect(left?.run.steps.map((s) => [s.actionId, s.state, s.note])).toEqual([
      ['a', 'done', 'made'],
      ['b', 'running', null],
      ['c', 'waiting', null],
    ]);
    const problem = { code: 'failed' as const, what: 'w', why: 'y', todo: '' };
    runs.step('two', { ...step, actionId: 'b', state: 'failed', problem }, null);
    expect(runs.get('two')?.steps[1]?.problem).toEqual(problem);
    expect(() => runs.step('two', { ...step, actionId: 'nope', state: 'done' }, null)).toThrow('no such step');
    expect(() => runs.finish('nope', 'failed', 1, '')).toThrow('no such run');
    expect(() => runs.start({ ...base, id: 'three' }, ['a', 'a'])).toThrow();
    expect(runs.get('three')).toBeNull();
  });
});

describe('states', () => {
  it('are numbered, found by kind, and remember identities', () => {
    const { states } = storeLab().open();
    const put = (kind: 'saved' | 'applied', yaml: string): number =>
      states.put({ yaml, digest: digest(1), at: 1, actor: 'alice', kind }).id;
    put('saved', 'one');
    const applied = put('applied', 'one');
    put('saved', 'two');
    expect(states.latest()?.yaml).toBe('two');
    expect(states.latest('applied')?.id).toBe(applied);
    expect(states.latest('captured')).toBeNull();
    expect(states.get(applied)?.kind).toBe('applied');
    expect(states.list(2).map((s) => s.yaml)).toEqual(['two', 'one']);
    states.setIdentities(
      new Map([
        ['tank/a', '1'],
        ['tank/b', '18446744073709551615'],
      ]),
    );
    states.setIdentities(new Map([['tank/b', '18446744073709551615']]));
    expect([...states.identities()]).toEqual([['tank/b', '18446744073709551615']]);
  });
});

describe('alerts', () => {
  it('are open once per kind and subject, and open anew after they were resolved', () => {
    const { alerts } = storeLab().open();
    const alert = { kind: 'pool.health' as const, subject: 'pool:tank', severity: 'warning' as const, message: 'degraded' };
    expect([alerts.raise(alert, 1), alerts.raise(alert, 2), alerts.raise({ ...alert, subject: 'pool:b' }, 3)]).toEqual([true, false, true]);
    expect(alerts.open().find((a) => a.subject === 'pool:tank')?.updatedAt).toBe(1);
    alerts.raise({ ...alert, severity: 'critical', message: 'faulted' }, 4);
    expect(alerts.open().find((a) => a.subject === 'pool:tank')).toMatchObject({
      message: 'faulted',
      openedAt: 1,
      updatedAt: 4,
      resolvedAt: null,
    });
    expect([alerts.resolve('pool.health', 'pool:tank', 5), alerts.resolve('pool.health', 'pool:tank', 6)]).toEqual([true, false]);
    expect(alerts.raise(alert, 7)).toBe(true);
    expect(alerts.page(9).map((a) => [a.openedAt, a.resolvedAt])).toEqual([
      [7, null],
      [3, null],
      [1, 5],
    ]);
    expect(alerts.open()).toHaveLength(2);
  });
});

describe('access', () => {
  const user = (name: string): Omit<UserRow, 'id'> => ({
    name,
    role: 'operator',
    password: '$argon2id$',
    totpSecret: null,
    totpLastStep: 0,
    recoveryCodes: ['x', 'y'],
    disabled: false,
    createdAt: 1,
    lastLoginAt: null,
  });
  const session = (idHash: string, userId: number, expiresAt = 100): SessionRow => ({
    idHash,
    userId,
    csrf: 'c',
    createdAt: 1,
    lastSeenAt: 1,
    expiresAt,
    from: '192.0.2.1',
    agent: 'x',
  });
  const token = (id: string, userId: number, expiresAt = 100): TokenRow => ({
    id,
    hash: `hash-${id}`,
    name: 'ci',
    userId,
    scopes: ['storage.read', 'plan.read'],
    createdAt: 1,
    expiresAt,
    lastUsedAt: null,
  });

  it('keeps users as they were written, and changes what is told', () => {
    const { access } = storeLab().open();
    const alice = access.addUser(user('alice'));
    expect(access.userByName('alice')).toEqual(alice);
    expect(access.userByName('Alice')).toBeNull();
    expect(() => access.addUser(user('alice'))).toThrow();
    const change = {
      role: 'admin' as const,
      disabled: true,
      totpSecret: 's',
      totpLastStep: 7,
      recoveryCodes: [],
      lastLoginAt: 9,
      password: 'p',
      createdAt: 2,
    };
    access.updateUser(alice.id, change);
    expect(access.user(alice.id)).toEqual({ ...alice, ...change });
    access.updateUser(alice.id, { totpSecret: null, disabled: false });
    expect(access.user(alice.id)).toEqual({ ...alice, ...change, totpSecret: null, disabled: false });
    access.updateUser(alice.id, {});
    access.addUser(user('aaron'));
    expect(access.users().map((u) => u.name)).toEqual(['aaron', 'alice']);
  });

  it('finds sessions and tokens by their hash with the user, and drops them with the user', () => {
    const { access } = storeLab().open();
    const alice = access.addUser(user('alice'));
    const bob = access.addUser(user('bob'));
    for (const [id, owner] of [
      ['s1', alice],
      ['s2', alice],
      ['s3', alice],
      ['s4', bob],
    ] as const)
      access.addSession(session(id, owner.id));
    access.addToken(token('t1', alice.id));
    access.addToken(token('t2', bob.id));
    expect(() => access.addSession(session('s9', 99))).toThrow();
    expect(access.session('s1')).toEqual({ session: session('s1', alice.id), user: alice });
    expect(access.session('bogus')).toBeNull();
    expect(access.tokenByHash('hash-t2')).toEqual({ token: token('t2', bob.id), user: bob });
    expect(access.tokenByHash('t2')).toBeNull();
    access.touchSession('s1', 50);
    access.touchToken('t2', 60);
    expect(access.session('s1')?.session.lastSeenAt).toBe(50);
    expect(access.tokens().find((t) => t.id === 't2')?.lastUsedAt).toBe(60);
    expect(access.removeSessionsOf(alice.id, 's2')).toBe(2);
    expect(
      access
        .sessions()
        .map((s) => s.idHash)
        .sort(),
    ).toEqual(['s2', 's4']);
    expect(access.removeSessionsOf(alice.id)).toBe(1);
    access.removeUser(bob.id);
    expect(access.sessions()).toEqual([]);
    expect(access.tokens().map((t) => t.id)).toEqual(['t1']);
    expect([access.removeToken('t1'), access.removeToken('t1')]).toEqual([true, false]);
  });

  it('prunes what has expired', () => {
    const { access } = storeLab().open();
    const { id } = access.addUser(user('alice'));
    access.addSession(session('old', id, 10));
    access.addSession(session('new', id, 11));
    access.addToken(token('old', id, 10));
    access.addToken(token('new', id, 11));
    expect(access.prune(10)).toBe(2);
    expect([access.session('old'), access.tokenByHash('hash-old')]).toEqual([null, null]);
    expect([access.session('new')?.session.idHash, access.tokens().length]).toEqual(['new', 1]);
    access.removeSession('new');
    expect(access.sessions()).toEqual([]);
  });
});

describe('settings', () => {
  it('are set, replaced and removed', () => {
    const { settings } = storeLab().open();
    settings.set('a', '1');
    settings.set('a', '2');
    expect(settings.get('a')).toBe('2');
    settings.remove('a');
    expect(settings.get('a')).toBeNull();
  });
});
