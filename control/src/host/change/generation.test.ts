/** What the executor does about generations: it looks before and after, and deletes nothing that is needed. */
import { expect, test } from 'vitest';
import type { Generation } from '../../domain/generation/generation.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { readGenerations } from '../nix/generations.ts';
import { OTA_FILES } from '../ota/files.ts';
import { demoModel } from '../sim/seeds.ts';
import { simHost } from '../sim/sim.ts';
import { execute } from './execute.ts';
import type { Changed } from './host.ts';

const NOW = Date.UTC(2026, 10, 21);
type Machine = ReturnType<typeof simHost>;
const machine = (): Machine => simHost({ model: demoModel(), clock: () => NOW });
const run = (host: Machine, op: Operation): Promise<Changed> => execute({ host, clock: () => NOW, approval: null, id: 'generation-1' }, op);
const all = async (host: Machine): Promise<Generation[]> => {
  const found = await readGenerations(host, NOW);
  if (!found.ok || !found.value.available) throw new Error('no generations');
  return found.value.generations;
};
const at = async (host: Machine, number: number): Promise<Generation> => {
  const found = (await all(host)).find((g) => g.number === number);
  if (found === undefined) throw new Error(`no generation ${number}`);
  return found;
};
const changes = (host: Machine): string[] => host.ran.filter((argv) => argv[0] === 'systemd-run').map((argv) => argv.slice(1).join(' '));

test('activate: the profile, then the boot entry, each in a unit of its own; what runs is not touched', async () => {
  const host = machine();
  const { number, path } = await at(host, 2);
  expect(await run(host, { kind: 'generation.activate', number, path })).toEqual({ ok: true, value: { number, path } });
  expect(await at(host, 2)).toMatchObject({ current: true, running: false });
  expect(await at(host, 3)).toMatchObject({ current: false, running: true, booted: true });
  const [first = '', second = '', ...more] = changes(host);
  expect(first).toMatch(/--wait .*nix-env --profile \/nix\/var\/nix\/profiles\/system --switch-generation 2$/);
  expect(second.endsWith(`${path}/bin/switch-to-configuration boot`)).toBe(true);
  expect(more).toEqual([]);
});

test('activate: another system under the number, one that is not there, one that starts next already: refused, nothing run', async () => {
  const host = machine();
  const [two, three] = [await at(host, 2), await at(host, 3)];
  for (const [op, code] of [
    [{ number: 2, path: three.path }, 'conflict'],
    [{ number: 9, path: two.path }, 'not-found'],
    [{ number: 3, path: three.path }, 'conflict'],
  ] as const)
    expect(await run(host, { kind: 'generation.activate', ...op })).toMatchObject({ ok: false, refusal: { code } });
  expect(changes(host)).toEqual([]);
});

test('activate: without its boot entry the profile goes back to what it was, and says so', async () => {
  const host = machine();
  const { number, path } = await at(host, 2);
  host.fault({ match: /switch-to-configuration boot/, kind: 'exit', exit: 1, stderr: 'the boot partition lacks 12 MB' });
  const r = await run(host, { kind: 'generation.activate', number, path });
  expect(r).toMatchObject({ ok: false, refusal: { why: expect.stringMatching(/lacks 12 MB; generation 3 starts next, as before/) } });
  expect(await at(host, 3)).toMatchObject({ current: true });
});

test('activate: a tool that says it did and did not is found out', async () => {
  const host = machine();
  const { number, path } = await at(host, 2);
  host.fault({ match: /switch-generation/, kind: 'exit', exit: 0 });
  expect(await run(host, { kind: 'generation.activate', number, path })).toMatchObject({ ok: false, refusal: { code: 'failed' } });
});

test('activate: an entry that the boot loader does not take is found out, and told as it is', async () => {
  const host = machine();
  const { number, path } = await at(host, 2);
  host.fault({ match: /switch-to-configuration boot/, kind: 'exit', exit: 0, times: 1 });
  expect(await run(host, { kind: 'generation.activate', number, path })).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('the boot loader takes generation 3') },
  });
  // chosen, and not what starts: it can be tried again, and neither may be deleted
  expect(await at(host, 2)).toMatchObject({ current: true, next: false });
  expect(await at(host, 3)).toMatchObject({ current: false, next: true, entry: true });
  for (const ref of [await at(host, 2), await at(host, 3)])
    expect(await run(host, { kind: 'generation.delete', generations: [{ number: ref.number, path: ref.path }] })).toMatchObject({
      ok: false,
    });
  expect(await run(host, { kind: 'generation.activate', number, path })).toMatchObject({ ok: true });
});

test('while nobody knows the boot entries nothing is changed, and the list says why', async () => {
  const host = machine();
  const { number, path } = await at(host, 1);
  const readText = host.readText;
  host.readText = (file) => (file === OTA_FILES.status ? Promise.resolve('torn') : readText(file));
  const found = await readGenerations(host, NOW);
  expect(found.ok && found.value.available && found.value.unknown).toMatch(/not JSON/);
  for (const op of [
    { kind: 'generation.activate', number, path },
    { kind: 'generation.delete', generations: [{ number, path }] },
  ] as Operation[])
    expect(await run(host, op)).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
  expect(changes(host)).toEqual([]);
});

test('on a machine without slots the boot loader follows the profile', async () => {
  const model = demoModel();
  delete model.ota;
  const host = simHost({ model, clock: () => NOW });
  expect(await at(host, 3)).toMatchObject({ current: true, next: true, entry: false });
  const { number, path } = await at(host, 2);
  expect(await run(host, { kind: 'generation.activate', number, path })).toMatchObject({ ok: true });
  expect(await at(host, 2)).toMatchObject({ current: true, next: true });
});

test('delete: those named, and then the store is cleaned up; never one that runs or starts next', async () => {
  const host = machine();
  const [one, two, three] = [await at(host, 1), await at(host, 2), await at(host, 3)];
  const ref = ({ number, path }: Generation) => ({ number, path });
  expect(await run(host, { kind: 'generation.delete', generations: [ref(one), ref(three)] })).toMatchObject({
    ok: false,
    refusal: { code: 'blocked', why: expect.stringContaining('generation 3 is needed') },
  });
  expect(changes(host)).toEqual([]);
  expect(await run(host, { kind: 'generation.delete', generations: [ref(one), ref(two)] })).toEqual({
    ok: true,
    value: { deleted: [1, 2], collecting: true },
  });
  expect((await all(host)).map((g) => g.number)).toEqual([3]);
  expect(changes(host).at(-1)).toMatch(/--no-block .*nix-store --gc$/);
});

test('on another system there is nothing to do, and both say so', async () => {
  const model = demoModel();
  delete model.nix;
  const host = simHost({ model, clock: () => NOW });
  expect(await readGenerations(host, NOW)).toMatchObject({
    ok: true,
    value: { available: false, why: expect.stringContaining('not NixOS') },
  });
  const path = `/nix/store/${'a'.repeat(32)}-x`;
  for (const op of [
    { kind: 'generation.activate', number: 1, path },
    { kind: 'generation.delete', generations: [{ number: 1, path }] },
  ] as Operation[])
    expect(await run(host, op)).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
});
