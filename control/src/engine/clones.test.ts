/** Clones for a while, over simulated days: the engine, the executor behind its socket, the simulated host. And that no secret is in what the engine keeps. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ChangeRequest } from '../domain/plan/change.ts';
import { orThrow } from '../domain/refusal.ts';
import { CLONE_PROPERTY } from '../domain/snapshot/clone.ts';
import type { Executor } from '../host/executor.ts';
import { demoModel } from '../host/sim/seeds.ts';
import { ADA, engineOn } from './stage.testing.ts';

const HOUR = 3_600_000;
const stage = async (wrap: (e: Executor) => Executor = (e) => e) => {
  const { folder, host, store, engine, make, sh, skip } = await engineOn(demoModel(), { wrap });
  await sh('zfs', 'create', 'tank/notes');
  host.happen({ kind: 'file', path: '/mnt/tank/notes/one', size: 700_000 });
  await sh('zfs', 'snapshot', 'tank/notes@then');
  const change = async (...asked: unknown[]) => {
    const changes = asked.map((c) => ChangeRequest.parse(c));
    const plan = orThrow(await engine.planChange(ADA, changes));
    for (const a of plan.actions)
      if (a.approval === 'required') orThrow(await engine.approve(ADA, plan.digest, a.id, a.target?.name ?? ''));
    return { plan, run: await orThrow(await engine.apply(ADA, plan.digest)).settled };
  };
  const guid = (await sh('zfs', 'get', '-Hp', '-o', 'value', 'guid', 'tank/notes@then')).trim();
  const clone = (to = 'tank/notes-then', more: object = {}) => ({
    kind: 'clone.make',
    dataset: 'tank/notes',
    tag: 'then',
    guid,
    to,
    hours: 24,
    share: { kind: 'smb', name: 'found', dataset: to, readOnly: true },
    ...more,
  });
  const pass = async (hours: number, e = engine): Promise<void> => {
    skip(hours * HOUR);
    await e.clones.look();
  };
  const there = async (name: string): Promise<boolean> => (await host.run(['zfs', 'list', name], { timeoutMs: 10_000 })).exit === 0;
  const shares = async (): Promise<string[]> => (await engine.observe(0)).observed.shares.map((s) => s.spec.name);
  return { host, store, engine, make, sh, change, clone, pass, there, shares, folder };
};

test('made with a share, listed with the time that is left, and gone with it at its end', async () => {
  const s = await stage();
  expect((await s.change(s.clone())).run.state).toBe('succeeded');
  expect(await s.engine.clones.list()).toMatchObject([
    { name: 'tank/notes-then', dataset: 'tank/notes-then', by: 'ada', share: { name: 'found' } },
  ]);
  expect(await s.shares()).toContain('found');
  expect(await s.sh('zfs', 'get', '-H', '-o', 'value,source', CLONE_PROPERTY, 'tank/notes-then')).toBe('tank/notes-then\tlocal\n');
  await s.pass(23);
  expect(await s.there('tank/notes-then')).toBe(true);
  await s.pass(1);
  expect([await s.there('tank/notes-then'), (await s.shares()).includes('found'), await s.engine.clones.list()]).toEqual([
    false,
    false,
    [],
  ]);
  expect(await s.there('tank/notes@then')).toBe(true);
});

test('what was written to stays: the share ends, and an alert asks; then it can be extended, or destroyed by its name', async () => {
  const s = await stage();
  await s.change(s.clone());
  s.host.happen({ kind: 'file', path: '/mnt/tank/notes-then/new', size: 5 });
  await s.pass(25);
  expect([await s.there('tank/notes-then'), (await s.shares()).includes('found')]).toEqual([true, false]);
  const alert = () => s.engine.alerts().find((a) => a.kind === 'clone.expired');
  expect(alert()?.message).toContain('changed in it: /mnt/tank/notes-then/new');
  expect((await s.sh('zfs', 'get', '-H', '-o', 'value', 'readonly', 'tank/notes-then')).trim()).toBe('off');
  await s.change({ kind: 'clone.extend', clone: 'tank/notes-then', hours: 2 });
  await s.pass(1);
  expect(alert()).toBeUndefined();
  const ended = await s.change({ kind: 'clone.end', clone: 'tank/notes-then' });
  expect(ended.run.state).toBe('failed');
  expect(ended.run.account).toContain('dplane dataset destroy tank/notes-then');
  await s.change({ kind: 'dataset.destroy', name: 'tank/notes-then' });
  await s.pass(0);
  expect(await s.engine.clones.list()).toEqual([]);
});

test('while a client uses its share nothing goes; it is tried again', async () => {
  const s = await stage();
  await s.change(s.clone());
  s.host.happen({
    kind: 'connect',
    session: { user: 'anna', share: 'found', machine: '10.0.0.5', address: '10.0.0.5', files: [], connectedAt: Date.UTC(2026, 10, 20) },
  });
  await s.pass(25);
  expect([await s.there('tank/notes-then'), (await s.shares()).includes('found')]).toEqual([true, true]);
  expect((await s.engine.clones.list())[0]?.note).toContain('anna@10.0.0.5 still uses its share');
  s.host.happen({ kind: 'disconnect', user: 'anna', share: 'found' });
  await s.pass(0);
  expect(await s.there('tank/notes-then')).toBe(false);
});

test('only that clone: renamed it is followed, replaced by another of its name it is left alone, promoted it is kept', async () => {
  const s = await stage();
  await s.change(s.clone('tank/a', { share: null }));
  await s.change(s.clone('tank/b', { share: null }));
  await s.change(s.clone('tank/c', { share: null }));
  await s.change({ kind: 'dataset.rename', name: 'tank/a', to: 'tank/moved' });
  await s.sh('zfs', 'destroy', 'tank/b');
  await s.sh('zfs', 'clone', 'tank/notes@then', 'tank/b');
  await s.sh('zfs', 'promote', 'tank/c');
  await s.pass(30);
  expect([await s.there('tank/moved'), await s.there('tank/b'), await s.there('tank/c')]).toEqual([false, true, true]);
  expect(await s.engine.clones.list()).toEqual([]);
});

test('a mark that was taken off, or a snapshot of its own, stops it', async () => {
  const s = await stage();
  await s.change(s.clone('tank/a', { share: null }));
  await s.change(s.clone('tank/b', { share: null }));
  await s.sh('zfs', 'inherit', CLONE_PROPERTY, 'tank/a');
  await s.sh('zfs', 'snapshot', 'tank/b@mine');
  await s.pass(30);
  expect([await s.there('tank/a'), await s.there('tank/b')]).toEqual([true, true]);
  const notes = (await s.engine.clones.list()).map((c) => c.note);
  expect(notes[0]).toContain('does not carry the mark');
  expect(notes[1]).toContain('tank/b@mine');
});

test('kept: it stands on its own feet, and the end is no more; ended early: gone at once', async () => {
  const s = await stage();
  await s.change(s.clone('tank/a', { share: null }));
  await s.change(s.clone('tank/b'));
  expect((await s.change({ kind: 'clone.keep', clone: 'tank/a' })).run.state).toBe('succeeded');
  expect((await s.sh('zfs', 'get', '-H', '-o', 'value', 'origin', 'tank/a')).trim()).toBe('-');
  await s.sh('zfs', 'promote', 'tank/notes');
  const ended = await s.change({ kind: 'clone.end', clone: 'tank/b' });
  expect(ended.plan.actions.map((a) => a.id)).toEqual(['share.remove smb:found', 'clone.expire tank/b']);
  expect([ended.run.state, await s.there('tank/b'), await s.there('tank/a')]).toEqual(['succeeded', false, true]);
  await s.pass(100);
  expect([await s.there('tank/a'), await s.engine.clones.list()]).toEqual([true, []]);
});

test('a crash between record and clone leaves no record, and one between clone and answer finds it', async () => {
  let lose: 'before' | 'after' | null = null;
  const s = await stage((e) => ({
    ...e,
    execute: async (request, signal) => {
      if (request.operation.kind !== 'snapshot.clone' || lose === null) return e.execute(request, signal);
      if (lose === 'after') await e.execute(request, signal);
      throw new Error('killed');
    },
  }));
  for (const when of ['before', 'after'] as const) {
    lose = when;
    await s.change(s.clone(`tank/${when}`, { share: null })).catch(() => undefined);
    lose = null;
    const again = s.make();
    await again.start();
    await again.stop();
  }
  await s.pass(0);
  const names = (await s.engine.clones.list()).map((c) => [c.name, c.guid !== null]);
  expect(names).toContainEqual(['tank/after', true]);
  for (const [name] of names) expect(await s.there(String(name))).toBe(true);
  await s.pass(25);
  expect([await s.there('tank/after'), await s.there('tank/before'), await s.engine.clones.list()]).toEqual([false, false, []]);
});

test('what is there for a while is no part of what is declared', async () => {
  const s = await stage();
  const { yaml } = orThrow(await s.engine.captureState(ADA));
  await s.change(s.clone());
  const plan = orThrow(await s.engine.planState(ADA, yaml));
  expect(plan.actions).toEqual([]);
  // a share that is put sorts the file of shares
  expect(
    orThrow(await s.engine.captureState(ADA))
      .yaml.split('\n')
      .sort(),
  ).toEqual(yaml.split('\n').sort());
  expect((await s.engine.checkDrift()).items).toEqual([]);
});

test('a passphrase goes through plan, run, audit and database, and stands in none of them', async () => {
  const s = await stage();
  const secret = 'violet hammer lagoon';
  const passphrase = orThrow(await s.engine.keys.seal(ADA, null, secret));
  expect(
    (await s.change({ kind: 'dataset.create', dataset: { name: 'tank/diary', encryption: { key: 'passphrase' } }, passphrase })).run.state,
  ).toBe('succeeded');
  await s.change({ kind: 'dataset.lock', name: 'tank/diary' });
  await s.change({ kind: 'dataset.unlock', name: 'tank/diary', secret: orThrow(await s.engine.keys.seal(ADA, 'tank/diary', secret)) });
  expect(await s.engine.keys.seal(ADA, 'tank/diary', 'something else')).toMatchObject({ ok: false, refusal: { code: 'invalid' } });
  for (const file of readdirSync(s.folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()))
    expect(readFileSync(join(file.parentPath, file.name), 'latin1')).not.toContain(secret);
  const { yaml } = orThrow(await s.engine.captureState(ADA));
  expect(yaml).toMatch(/name: tank\/diary\n(?: +.*\n)*? +encryption:\n +algorithm: aes-256-gcm\n +key: passphrase/);
  expect(yaml).not.toContain('sealed-key');
  const declared = yaml.replace(/name: tank\/diary\n( +kind: .*\n)? +guid: .*\n/, 'name: tank/other\n$1');
  const plan = orThrow(await s.engine.planState(ADA, declared));
  expect(plan.actions.find((a) => a.name === 'tank/other')?.blocked ?? '').toContain('its passphrase is in no file');
});
