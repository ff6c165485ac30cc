/** What the executor does about updates: it looks before and after, and does nothing else. */
import { afterEach, expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import { OTA_FILES } from '../ota/files.ts';
import { demoModel } from '../sim/seeds.ts';
import { simHost } from '../sim/sim.ts';
import { execute } from './execute.ts';
import type { Changed } from './host.ts';

const URL = { kind: 'url' as const, url: 'https://example.org/dplaneos-0.2.0.bundle' };
let now = 0;
afterEach(() => {
  now = 0;
});
const START = Date.UTC(2026, 10, 21);
type Machine = ReturnType<typeof simHost>;
const machine = (): Machine => simHost({ model: demoModel(), clock: () => START + now });
const run = (host: Machine, op: Operation, id = 'update-1'): Promise<Changed> =>
  execute({ host, clock: () => START + now, approval: null, id }, op);
const apply: Operation = { kind: 'update.apply', source: URL };
const verbs = (host: Machine): string[] =>
  host.ran.filter((argv) => argv[0] !== 'systemctl' || argv[1] !== 'show').map((argv) => argv.slice(0, 2).join(' '));

test('apply: the request is written for root alone, the unit started, and seen to run', async () => {
  const host = machine();
  expect(await run(host, apply)).toMatchObject({ ok: true });
  expect(JSON.parse(host.world.model.texts[OTA_FILES.request] ?? '')).toEqual({ id: 'update-1', source: URL });
  expect(host.ran).toContainEqual(['systemctl', 'start', '--no-block', 'dplane-ota-apply.service']);
  expect(await run(host, apply, 'update-2')).toMatchObject({ ok: false, refusal: { code: 'busy' } });
  expect(JSON.parse(host.world.model.texts[OTA_FILES.request] ?? '')).toMatchObject({ id: 'update-1' });
});

test('apply: a unit that systemd does not start is a refusal, not a hope', async () => {
  const host = machine();
  host.fault({ match: ['systemctl', 'start'], kind: 'exit', exit: 1, stderr: 'Failed to start: Access denied' });
  expect(await run(host, apply)).toMatchObject({ ok: false, refusal: { code: 'failed', why: expect.stringContaining('Access denied') } });
});

test('without slots, without the updater, unconfirmed: nothing is written or started', async () => {
  const bare = demoModel();
  delete bare.ota;
  const none = simHost({ model: bare, clock: () => START });
  for (const op of [apply, { kind: 'update.rollback', slot: 'b', index: 9 }, { kind: 'update.confirm', slot: 'a' }] as Operation[])
    expect(await run(none, op)).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
  const host = machine();
  if (host.world.model.ota) host.world.model.ota.slots.a.state = 'trying';
  expect(await run(host, apply)).toMatchObject({ ok: false, refusal: { code: 'conflict', why: expect.stringContaining('not confirmed') } });
  expect([...verbs(none), ...verbs(host)]).toEqual([]);
  expect(host.world.model.texts[OTA_FILES.request]).toBeUndefined();
});

test('cancel: only the job that is meant', async () => {
  const host = machine();
  await run(host, apply);
  now = 3000;
  expect(await run(host, { kind: 'update.cancel', job: 'update-0' })).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
  expect(verbs(host)).not.toContain('systemctl stop');
  expect(await run(host, { kind: 'update.cancel', job: 'update-1' })).toEqual({ ok: true, value: { phase: 'cancelled' } });
  expect(await run(host, { kind: 'update.cancel', job: 'update-1' })).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
});

test('rollback: to the slot and release that were meant, and looked at afterwards', async () => {
  const host = machine();
  expect(await run(host, { kind: 'update.rollback', slot: 'b', index: 8 })).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
  expect(await run(host, { kind: 'update.rollback', slot: 'a', index: 10 })).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
  expect(verbs(host)).toEqual([]);
  expect(await run(host, { kind: 'update.rollback', slot: 'b', index: 9 })).toEqual({ ok: true, value: { next: 'b' } });
  expect(verbs(host)).toEqual(['dplane-ota rollback']);
});

test('a tool that says yes and did nothing is not believed', async () => {
  const host = machine();
  host.fault({ match: ['dplane-ota'], kind: 'exit', exit: 0, stderr: '' });
  expect(await run(host, { kind: 'update.rollback', slot: 'b', index: 9 })).toMatchObject({ ok: false, refusal: { code: 'failed' } });
  const real = host.run.bind(host);
  host.run = async (argv, o) =>
    argv[0] === 'dplane-ota'
      ? { argv, exit: 0, failure: null, stdout: '{"ok":true,"value":{}}\n', stderr: '', durationMs: 1 }
      : await real(argv, o);
  expect(await run(host, { kind: 'update.rollback', slot: 'b', index: 9 })).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('the next start would take another slot') },
  });
});

test('what the updater refuses is passed on in its words', async () => {
  const host = machine();
  const refusal = { code: 'conflict', what: 'going back', why: 'the boot partition is not ours', todo: 'look at it' };
  const real = host.run.bind(host);
  host.run = async (argv, o) =>
    argv[0] === 'dplane-ota'
      ? { argv, exit: 1, failure: null, stdout: `${JSON.stringify({ ok: false, refusal })}\n`, stderr: '', durationMs: 1 }
      : await real(argv, o);
  expect(await run(host, { kind: 'update.rollback', slot: 'b', index: 9 })).toEqual({ ok: false, refusal });
});

test('confirm: the slot that runs, when it is not confirmed', async () => {
  const host = machine();
  expect(await run(host, { kind: 'update.confirm', slot: 'b' })).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
  expect(await run(host, { kind: 'update.confirm', slot: 'a' })).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
  expect(verbs(host)).toEqual([]);
  if (host.world.model.ota) host.world.model.ota.slots.a.state = 'trying';
  expect(await run(host, { kind: 'update.confirm', slot: 'a' })).toEqual({ ok: true, value: { confirmed: 'a' } });
});

test('restart: not while an update is written; otherwise says what comes up', async () => {
  const host = machine();
  await run(host, apply);
  expect(await run(host, { kind: 'system.restart' })).toMatchObject({ ok: false, refusal: { code: 'busy' } });
  now = 20_000;
  expect(await run(host, { kind: 'system.restart' })).toEqual({ ok: true, value: { slot: 'b' } });
  expect(host.ran).toContainEqual(['systemctl', 'reboot', '--no-block']);
});
