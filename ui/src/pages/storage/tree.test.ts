import { expect, it } from 'vitest';
import { rowsOf } from './tree.ts';

type Args = Parameters<typeof rowsOf>;
// Only what the tree reads of them.
const pools = ['fast', 'tank'].map((name) => ({
  name,
  vdevs: [{ guid: `${name}0`, name: 'mirror-0', disks: [{ guid: `${name}1` }, { guid: `${name}2` }] }],
})) as unknown as Args[0];
const datasets = ['tank/a/b', 'tank', 'tank/a', 'tank/ab', 'fast'].map((name) => ({ name })) as unknown as Args[1];
const ids = (closed: string[] = []): string[] =>
  rowsOf(pools, datasets, new Set(closed)).map((n) => `${'.'.repeat(n.level)}${n.id}${n.parent ? '+' : ''}`);

it('has each pool with its disks and its datasets below it', () => {
  expect(ids()).toEqual([
    'pool fast+',
    '.vdev fast0+',
    '..disk fast1',
    '..disk fast2',
    '.dataset fast',
    'pool tank+',
    '.vdev tank0+',
    '..disk tank1',
    '..disk tank2',
    '.dataset tank+',
    '..dataset tank/a+',
    '...dataset tank/a/b',
    '..dataset tank/ab',
  ]);
});
it('hides what is below a closed one, and no neighbour with the same beginning', () => {
  expect(ids(['pool fast', 'vdev tank0', 'dataset tank/a'])).toEqual([
    'pool fast+',
    'pool tank+',
    '.vdev tank0+',
    '.dataset tank+',
    '..dataset tank/a+',
    '..dataset tank/ab',
  ]);
});
