/** Over the simulated host; the kernel's part is tested in the VM (tests/lab/snapshots.test.ts). */
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import { mayRunWithoutApproval } from '../../domain/plan/guard.ts';
import { execute } from './execute.ts';
import { openToRead } from './files.ts';
import type { Changed } from './host.ts';
import { approve, clock, guidOf, type Machine, machine, must } from './testing.ts';

const run = (host: Machine, op: Operation): Promise<Changed> =>
  execute({ host, clock, approval: mayRunWithoutApproval(op) ? null : approve(op), id: 'operation-1' }, op);
const refused = (done: Changed): string => (done.ok ? 'done' : `${done.refusal.code}: ${done.refusal.why}`);
const stage = async () => {
  const host = await machine();
  for (const [path, size] of [
    ['a/one.txt', 10],
    ['a/b/two.txt', 20],
    ['z.txt', 5],
  ] as const)
    host.happen({ kind: 'file', path: `/mnt/tank/docs/${path}`, size });
  await must(host, 'zfs', 'snapshot', 'tank/docs@one');
  host.happen({ kind: 'file', path: '/mnt/tank/docs/a/one.txt', size: 77 });
  await must(host, 'zfs', 'snapshot', 'tank/docs@two');
  const at = { dataset: 'tank/docs', tag: 'one', guid: await guidOf(host, 'tank/docs@one') };
  return { host, at, guid: await guidOf(host, 'tank/docs') };
};

test('a snapshot is browsed, searched and read, by guid', async () => {
  const { host, at } = await stage();
  expect(await run(host, { kind: 'snapshot.browse', ...at, path: '', offset: 0 })).toMatchObject({
    ok: true,
    value: { total: 3, entries: [{ name: 'a', type: 'folder' }, { name: 'letter.txt' }, { name: 'z.txt', size: 5 }] },
  });
  expect(refused(await run(host, { kind: 'snapshot.browse', ...at, path: 'z.txt', offset: 0 }))).toMatch(/not-found/);
  expect(refused(await run(host, { kind: 'snapshot.browse', ...at, guid: '1', path: '', offset: 0 }))).toMatch(/conflict/);
  expect(await run(host, { kind: 'snapshot.search', ...at, path: '', text: 'TWO' })).toMatchObject({
    ok: true,
    value: { complete: true, found: [{ path: 'a/b/two.txt' }] },
  });
  const two = { tag: 'two', guid: await guidOf(host, 'tank/docs@two') };
  expect(
    await run(host, {
      kind: 'snapshot.versions',
      dataset: 'tank/docs',
      path: 'a/one.txt',
      snapshots: [two, { tag: 'one', guid: at.guid }],
    }),
  ).toMatchObject({
    ok: true,
    value: {
      versions: [
        { entry: { size: 10 }, tags: ['one'] },
        { entry: { size: 77 }, tags: ['two'] },
      ],
    },
  });
  const read = await openToRead(host, { kind: 'snapshot.read', ...at, path: 'a/one.txt' });
  expect(read.ok && (await buffer(read.value.stream)).length).toBe(10);
  await must(host, 'zfs', 'unmount', 'tank/docs').catch(() => undefined);
});

test('what is restored lands where it was meant, over nothing that was not approved', async () => {
  const { host, at, guid } = await stage();
  const restore = (path: string, folder: string, name: string, replace = false): Promise<Changed> =>
    run(host, { kind: 'snapshot.restore', ...at, path, to: { dataset: 'tank/docs', guid, folder, name }, replace });
  expect(refused(await restore('a/one.txt', 'a', 'one.txt'))).toMatch(/conflict/);
  expect(host.world.dataset('tank/docs')?.files['a/one.txt']).toBe(77);
  expect(await restore('a/one.txt', 'a', 'one.txt', true)).toEqual({ ok: true, value: { guid, path: 'a/one.txt', replaced: true } });
  expect(host.world.dataset('tank/docs')?.files['a/one.txt']).toBe(10);
  expect(await restore('a', '', 'again')).toMatchObject({ ok: true });
  expect(host.world.dataset('tank/docs')?.files['again/b/two.txt']).toBe(20);
  expect(refused(await restore('a', '', 'again', true))).toMatch(/blocked/);
  expect(refused(await restore('nothing', '', 'x'))).toMatch(/not-found/);
  expect(refused(await restore('a', 'nowhere', 'x'))).toMatch(/not-found/);
  // replacing takes an approval even when the plan had none
  const op: Operation = {
    kind: 'snapshot.restore',
    ...at,
    path: 'z.txt',
    to: { dataset: 'tank/docs', guid, folder: '', name: 'z.txt' },
    replace: true,
  };
  expect(mayRunWithoutApproval(op)).toBe(false);
  expect(refused(await execute({ host, clock, approval: null, id: 'x' }, op))).toMatch(/conflict/);
});
