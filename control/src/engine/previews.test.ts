import { expect, test } from 'vitest';
import { clock, machine, must } from '../host/change/testing.ts';
import { observe } from '../host/observe.ts';
import { ok } from '../domain/refusal.ts';
import { createObserver } from './observer.ts';
import { createPreviews } from './previews.ts';

const stage = async () => {
  const host = await machine();
  const observer = createObserver(() => observe(host, { clients: async () => ok([]), counts: new Map(), clock, timeoutMs: 10_000 }), clock);
  return { host, previews: createPreviews({ host, observer, state: async () => null }) };
};
const value = <T>(r: { ok: true; value: T } | { ok: false; refusal: { why: string } }): T => {
  if (!r.ok) throw new Error(r.refusal.why);
  return r.value;
};

test('what goes with a dataset, in the order in which it goes, and how much space comes back', async () => {
  const { host, previews } = await stage();
  for (const name of ['tank/docs/a b', 'tank/docs/a b/c']) await must(host, 'zfs', 'create', name);
  await must(host, 'zfs', 'snapshot', '-r', 'tank/docs@one');
  const seen = value(await previews.destroy('tank/docs', null));
  expect(seen.datasets.map((d) => d.name)).toEqual(['tank/docs/a b/c', 'tank/docs/a b', 'tank/docs']);
  expect([seen.snapshots, seen.obstacles]).toEqual([3, []]);
  expect(seen.reclaims).toBe(Number((await must(host, 'zfs', 'get', '-Hp', '-o', 'value', 'used', 'tank/docs')).trim()));
  expect((await must(host, 'zfs', 'list', '-H', '-o', 'name')).split('\n')).toContain('tank/docs/a b/c');
});

test('holds by name, clones elsewhere and inside, shares: each is said, and what stands in the way', async () => {
  const { host, previews } = await stage();
  await must(host, 'zfs', 'create', 'tank/docs/below');
  await must(host, 'zfs', 'snapshot', '-r', 'tank/docs@one');
  await must(host, 'zfs', 'clone', 'tank/docs@one', 'tank/docs/inside');
  expect(value(await previews.destroy('tank/docs', null)).clones).toEqual([]);
  await must(host, 'zfs', 'clone', 'tank/docs/below@one', 'tank/outside');
  await must(host, 'zfs', 'hold', 'audit', 'tank/docs@one');
  const seen = value(await previews.destroy('tank/docs', null));
  expect(seen.holds).toEqual([{ snapshot: 'tank/docs@one', tags: ['audit'] }]);
  expect(seen.clones).toEqual([{ clone: 'tank/outside', of: 'tank/docs/below@one' }]);
  expect(seen.obstacles).toEqual([
    'tank/docs@one is held by audit: release it first',
    'tank/outside is a clone of tank/docs/below@one: destroy or promote it first',
  ]);
  const snapshots = value(await previews.destroy('tank/docs', ['one']));
  expect([snapshots.datasets, snapshots.snapshots, snapshots.clones.map((c) => c.clone)]).toEqual([[], 1, ['tank/docs/inside']]);
  expect(value(await previews.destroy('tank', null)).obstacles[0]).toContain('root of its pool');
  expect(await previews.destroy('tank/no', null)).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
});

test('a new name: what moves, where files are then, and why it can not be', async () => {
  const { host, previews } = await stage();
  for (const name of ['tank/docs/below', 'tank/docs/own']) await must(host, 'zfs', 'create', name);
  await must(host, 'zfs', 'set', 'mountpoint=/mnt/own', 'tank/docs/own');
  const seen = value(await previews.rename('tank/docs', 'tank/papers'));
  expect(seen.datasets.map((d) => d.to)).toEqual(['tank/papers', 'tank/papers/below', 'tank/papers/own']);
  expect(seen.mountpoints).toEqual([
    { from: '/mnt/tank/docs', to: '/mnt/tank/papers' },
    { from: '/mnt/tank/docs/below', to: '/mnt/tank/papers/below' },
  ]);
  expect(seen.obstacles).toEqual([]);
  for (const [to, why] of [
    ['tank/empty', 'there is a dataset tank/empty already'],
    ['tank/docs/in/it', 'moved into itself'],
    ['tank/no/where', 'there is no dataset tank/no'],
    ['other/docs', 'stays in its pool'],
    [`tank/${'x'.repeat(248)}`, 'ZFS takes 255'],
  ] as const)
    expect(value(await previews.rename('tank/docs', to)).obstacles.join('; ')).toContain(why);
});
