import { expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import { SCHEDULE_PROPERTY } from '../../domain/schedule/schedule.ts';
import { execute } from './execute.ts';
import type { Changed } from './host.ts';
import { clock, exists, guidOf, type Machine, machine, must } from './testing.ts';

const MARK = 'hourly@17';
const take = async (host: Machine, tag: string, mark: string | null = MARK): Promise<{ tag: string; guid: string }> => {
  await must(host, 'zfs', 'snapshot', ...(mark === null ? [] : ['-o', `${SCHEDULE_PROPERTY}=${mark}`]), `tank/docs@${tag}`);
  return { tag, guid: await guidOf(host, `tank/docs@${tag}`) };
};
const prune = async (
  host: Machine,
  snapshots: { tag: string; guid: string }[],
  more: Partial<Extract<Operation, { kind: 'snapshot.prune' }>> = {},
): Promise<Changed> =>
  execute(
    { host, clock, approval: null, id: 'operation-1' },
    { kind: 'snapshot.prune', dataset: 'tank/docs', guid: await guidOf(host, 'tank/docs'), mark: MARK, snapshots, ...more },
  );
const left = async (host: Machine): Promise<string[]> =>
  (await must(host, 'zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', '-d', '1', 'tank/docs')).split('\n').filter((l) => l !== '');

test('retention destroys what the schedule made, by guid, and leaves what is held, cloned, another or somebody else’s', async () => {
  const host = await machine();
  const all: { tag: string; guid: string }[] = [];
  for (const tag of ['a', 'b', 'held', 'cloned', 'renamed']) all.push(await take(host, tag));
  const foreign = await take(host, 'foreign', null);
  const other = await take(host, 'other', 'daily@17');
  const newest = await take(host, 'newest');
  await must(host, 'zfs', 'hold', 'keep', 'tank/docs@held');
  await must(host, 'zfs', 'clone', 'tank/docs@cloned', 'tank/clone');
  await must(host, 'zfs', 'rename', 'tank/docs@renamed', 'tank/docs@elsewhere');
  await must(host, 'zfs', 'snapshot', '-o', `${SCHEDULE_PROPERTY}=${MARK}`, 'tank/docs@renamed');
  const latest = { tag: 'renamed', guid: await guidOf(host, 'tank/docs@renamed') };
  expect(await prune(host, [...all, foreign, other, newest, { tag: 'gone', guid: '5' }])).toEqual({
    ok: true,
    value: {
      destroyed: 3,
      left: {
        held: 'it is held',
        cloned: 'a clone depends on it',
        renamed: 'another snapshot has this name now',
        foreign: 'this schedule did not make it',
        other: 'this schedule did not make it',
      },
    },
  });
  expect(await left(host)).toEqual(['held', 'cloned', 'elsewhere', 'foreign', 'other', 'renamed'].map((t) => `tank/docs@${t}`));
  // never the newest, and never by a mark that the dataset hands down
  expect(await prune(host, [latest])).toEqual({ ok: true, value: { destroyed: 0, left: { renamed: 'it is the newest of its schedule' } } });
  await must(host, 'zfs', 'set', `${SCHEDULE_PROPERTY}=${MARK}`, 'tank/docs');
  expect(await prune(host, [foreign])).toMatchObject({ ok: false, refusal: { code: 'blocked' } });
  expect(await exists(host, 'tank/docs@foreign')).toBe(true);
  await must(host, 'zfs', 'inherit', SCHEDULE_PROPERTY, 'tank/docs');
  expect(await prune(host, [latest], { guid: '1' })).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
});
