import { describe, expect, test } from 'vitest';
import type { Operation, OwnSnapshot } from '../../domain/operation/operation.ts';
import { mayRunWithoutApproval } from '../../domain/plan/guard.ts';
import { parseDiff } from './diff.ts';
import { execute } from './execute.ts';
import type { Changed } from './host.ts';
import { approve, clock, exists, guidOf, type Machine, machine, must } from './testing.ts';

const run = (host: Machine, op: Operation): Promise<Changed> =>
  execute({ host, clock, approval: mayRunWithoutApproval(op) ? null : approve(op), id: 'operation-1' }, op);
const take = async (host: Machine, tag: string): Promise<OwnSnapshot> => {
  await must(host, 'zfs', 'snapshot', `tank/docs@${tag}`);
  return { tag, guid: await guidOf(host, `tank/docs@${tag}`) };
};
const refused = (done: Changed): string => (done.ok ? 'done' : `${done.refusal.code}: ${done.refusal.why}`);

describe('a rollback', () => {
  const back = async (host: Machine, to: OwnSnapshot, loses: OwnSnapshot[]): Promise<Changed> =>
    run(host, {
      kind: 'snapshot.rollback',
      dataset: 'tank/docs',
      guid: await guidOf(host, 'tank/docs'),
      tag: to.tag,
      snapshot: to.guid,
      loses,
      bookmarks: [],
    });

  test('takes with it exactly what was named, and brings the files back', async () => {
    const host = await machine();
    const one = await take(host, 'one');
    host.happen({ kind: 'file', path: '/mnt/tank/docs/letter.txt', size: null });
    const two = await take(host, 'two');
    const three = await take(host, 'three');
    expect(refused(await back(host, one, [two]))).toMatch(/stale: it would also destroy tank\/docs@three/);
    expect(refused(await back(host, one, [two, { ...three, guid: '7' }]))).toMatch(/stale/);
    expect(await host.list('/mnt/tank/docs')).toEqual([]);
    expect(await back(host, one, [two, three])).toMatchObject({ ok: true, value: { destroyed: 2 } });
    expect(await host.list('/mnt/tank/docs')).toEqual(['letter.txt']);
    expect(await exists(host, 'tank/docs@two')).toBe(false);
    // named ones that went meanwhile hinder nobody
    expect(await back(host, one, [two, three])).toMatchObject({ ok: true, value: { destroyed: 0 } });
    expect(refused(await back(host, { ...one, guid: '9' }, []))).toMatch(/conflict/);
  });

  test('is refused while what is newer is held or cloned', async () => {
    const host = await machine();
    const one = await take(host, 'one');
    const two = await take(host, 'two');
    await must(host, 'zfs', 'hold', 'keep', 'tank/docs@two');
    expect(refused(await back(host, one, [two]))).toMatch(/blocked: held: tank\/docs@two/);
    await must(host, 'zfs', 'release', 'keep', 'tank/docs@two');
    await must(host, 'zfs', 'clone', 'tank/docs@two', 'tank/clone');
    expect(refused(await back(host, one, [two]))).toMatch(/blocked: clones depend on it: tank\/clone/);
    expect(await exists(host, 'tank/docs@two')).toBe(true);
  });
});

describe('several at once', () => {
  const destroy = async (host: Machine, snapshots: OwnSnapshot[]): Promise<Changed> =>
    run(host, { kind: 'snapshot.destroyMany', dataset: 'tank/docs', guid: await guidOf(host, 'tank/docs'), snapshots });

  test('go as a range when they follow each other, by name when not, and not at all when one is another, held or cloned', async () => {
    const host = await machine();
    const all: OwnSnapshot[] = [];
    for (const tag of ['a', 'b', 'c', 'd', 'e', 'f']) all.push(await take(host, tag));
    const [a, b, c, d, e, f] = all as [OwnSnapshot, OwnSnapshot, OwnSnapshot, OwnSnapshot, OwnSnapshot, OwnSnapshot];
    expect(refused(await destroy(host, [a, { ...b, guid: '5' }]))).toMatch(/conflict: .*tank\/docs@b/);
    await must(host, 'zfs', 'hold', 'keep', 'tank/docs@c');
    expect(refused(await destroy(host, [a, b, c]))).toMatch(/blocked: held/);
    await must(host, 'zfs', 'release', 'keep', 'tank/docs@c');
    expect(await destroy(host, [a, b, c])).toEqual({ ok: true, value: { destroyed: 3 } });
    expect(host.ran.at(-2)).toEqual(['zfs', 'destroy', 'tank/docs@a%c']);
    expect(await destroy(host, [d, f])).toEqual({ ok: true, value: { destroyed: 2 } });
    expect(await exists(host, `tank/docs@${e.tag}`)).toBe(true);
  });
});

test('a clone is made of the snapshot that was meant, in its pool, over nothing, and promoted', async () => {
  const host = await machine();
  const one = await take(host, 'one');
  const clone = (to: string, guid = one.guid): Promise<Changed> =>
    run(host, { kind: 'snapshot.clone', dataset: 'tank/docs', tag: 'one', guid, to });
  expect(refused(await clone('tank/empty'))).toMatch(/conflict/);
  expect(refused(await clone('other/x'))).toMatch(/invalid/);
  expect(refused(await clone('tank/x', '3'))).toMatch(/conflict/);
  const made = await clone('tank/again');
  expect(made).toEqual({ ok: true, value: { guid: await guidOf(host, 'tank/again'), name: 'tank/again' } });
  const promote = async (name: string): Promise<Changed> => run(host, { kind: 'dataset.promote', name, guid: await guidOf(host, name) });
  expect(await promote('tank/again')).toMatchObject({ ok: true });
  expect(await exists(host, 'tank/again@one')).toBe(true);
  expect(refused(await promote('tank/again'))).toMatch(/conflict/);
});

test('what zfs diff says is read, with blanks and letters as they were typed', () => {
  expect(parseDiff('1795201845.032094908\t+\tF\t/mnt/tank/docs/d\\0040\\0303\\0244', '/mnt/tank/docs')).toEqual({
    at: 1795201845032,
    change: 'added',
    type: 'file',
    path: 'd ä',
    to: null,
  });
  expect(parseDiff('1.0\tR\t/\t/mnt/a\t/mnt/b', '/mnt')).toMatchObject({ change: 'renamed', type: 'folder', path: 'a', to: 'b' });
  expect(parseDiff('1.0\tM\t/\t/mnt/', '/mnt')).toMatchObject({ path: '/' });
  for (const bad of ['', 'x', '1.0\t?\tF\t/x', 'no\t+\tF\t/x']) expect(parseDiff(bad, '/mnt')).toBeNull();
});
