import { expect, it } from 'vitest';
import type { VdevRole } from '../../../../control/src/domain/pool/pool.ts';
import { vdevsOf } from './poolForm.ts';

const disk = (n: number, size = 8) => ({ path: `d${n}`, size });
const use = (roles: Record<string, VdevRole>): Map<string, VdevRole> => new Map(Object.entries(roles));
const shape = (...args: Parameters<typeof vdevsOf>): string[] =>
  vdevsOf(...args).map((v) => `${v.role} ${v.kind} ${v.disks.map((d) => d.path).join(' ')}`);

it('puts like sizes together and gives every role its own vdevs', () => {
  const disks = [disk(1), disk(2, 4), disk(3), disk(4, 4), disk(5, 1), disk(6, 1), disk(7, 1), disk(8)];
  const roles = use({ d1: 'data', d2: 'data', d3: 'data', d4: 'data', d5: 'log', d6: 'cache', d7: 'cache', d8: 'spare' });
  expect(shape(disks, roles, { data: 'mirror', log: 'stripe' }, 2)).toEqual([
    'data mirror d1 d3',
    'data mirror d2 d4',
    'log stripe d5',
    'cache stripe d6 d7',
    'spare stripe d8',
  ]);
});
it('does not split what does not divide, and keeps an empty data vdev for the schema to say what is missing', () => {
  expect(shape([disk(1), disk(2), disk(3)], use({ d1: 'data', d2: 'data', d3: 'data' }), { data: 'raidz1' }, 2)).toEqual([
    'data raidz1 d1 d2 d3',
  ]);
  expect(shape([disk(1)], use({}), {}, 1)).toEqual(['data mirror ']);
});
