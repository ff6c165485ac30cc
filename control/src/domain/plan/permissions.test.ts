/** Declared permissions: planned, carried out, and then nothing is left to do. */
import { expect, test } from 'vitest';
import type { Observed } from '../observed/observed.ts';
import type { SeenPermissions } from '../permission/permission.ts';
import { DesiredState } from '../state/state.ts';
import { capture } from './capture.ts';
import { observedDataset, observedPool } from './model.test-support.ts';
import { plan } from './plan.ts';

const DISK = '/dev/disk/by-id/ata-A';
const account = { fullName: '', disabled: false, groups: [], note: null };
const host = (permissions: SeenPermissions | null, more: object = {}): Observed => ({
  at: 0,
  pools: [observedPool('tank', '7', [DISK])],
  datasets: [observedDataset('tank', '8'), observedDataset('tank/docs', '9', { ...(permissions && { permissions }), ...more })],
  shares: [],
  disks: [],
  accounts: { key: null, users: [{ name: 'ada', id: 20_001, ...account }], groups: [{ name: 'family', id: 20_002 }] },
  stuck: [],
  problems: [],
});
const declared = (o: Observed, permissions: object, more: object = {}, name = 'tank/docs') =>
  plan({
    desired: DesiredState.parse({
      version: 1,
      ignore_extraneous: true,
      pools: [{ name: 'tank', vdevs: [{ kind: 'stripe', disks: [DISK] }] }],
      datasets: [{ name, permissions }],
      ...more,
    }),
    observed: o,
    identities: new Map(),
  }).actions;
const ROOTS: SeenPermissions = { owner: 0, group: 0, mode: '755' };
const WANTED = { owner: 'ada', group: 'family', access: 'group' };

test('what differs is planned by name, with what it was; what is as declared is not', () => {
  const [action, ...more] = declared(host(ROOTS), WANTED);
  expect(more).toEqual([]);
  expect(action).toMatchObject({
    id: 'dataset.permit tank/docs',
    verb: 'MODIFY',
    risk: 'safe',
    changes: [
      { property: 'owner', from: 'root', to: 'ada' },
      { property: 'group', from: 'root', to: 'family' },
      { property: 'access', from: '755', to: 'owner and group read and write' },
    ],
    operation: { kind: 'dataset.permit', guid: '9', owner: 20_001, group: 20_002, access: 'group', recursive: false, snapshot: null },
  });
  const done = host({ owner: 20_001, group: 20_002, mode: '2770' });
  expect(declared(done, WANTED)).toEqual([]);
  expect(plan({ desired: capture(done), observed: done, identities: new Map() }).actions).toEqual([]);
  expect(capture(done).datasets[0]?.permissions).toEqual(WANTED);
  // somebody's own mode, or a number without a name, is nothing that could be declared
  expect(capture(host({ owner: 20_001, group: 20_002, mode: '777' })).datasets[0]).not.toHaveProperty('permissions');
  expect(capture(host({ owner: 1000, group: 0, mode: '700' })).datasets[0]).not.toHaveProperty('permissions');
});

test('a dataset that is made gets them as it is made', () => {
  const [action] = declared(host(ROOTS), WANTED, {}, 'tank/new');
  expect(action?.operation).toMatchObject({
    kind: 'dataset.create',
    name: 'tank/new',
    permit: { owner: 20_001, group: 20_002, access: 'group' },
  });
  expect(action?.changes.map((c) => c.property)).toEqual(['owner', 'group', 'access']);
});

test('an account of the same file comes first; one without a number, or one that is not there, is said', () => {
  const file = {
    share_users: [{ name: 'ada', id: 20_001 }, { name: 'ben', id: 20_009 }, { name: 'cleo' }],
    share_groups: [{ name: 'family', id: 20_002 }],
  };
  const ids = declared(host(ROOTS), { owner: 'ben', access: 'owner' }, file).map((a) => a.id);
  expect(ids.indexOf('share-user.put ben')).toBeLessThan(ids.indexOf('dataset.permit tank/docs'));
  expect(ids).toContain('dataset.permit tank/docs');
  const blocked = (o: Observed, p: object, more: object = {}) =>
    declared(o, p, more).find((a) => a.id === 'dataset.permit tank/docs')?.blocked;
  expect(blocked(host(ROOTS), { owner: 'cleo', access: 'owner' }, file)).toContain('no number');
  expect(blocked(host(ROOTS), { owner: 'dora', access: 'owner' })).toContain('there is no user for sharing named dora');
  expect(blocked(host(null), WANTED)).toContain('could not be read');
  expect(blocked(host(null, { mounted: false }), WANTED)).toContain('not mounted');
});

test('a volume has none', () => {
  const r = DesiredState.safeParse({
    version: 1,
    pools: [{ name: 'tank', vdevs: [{ kind: 'stripe', disks: [DISK] }] }],
    datasets: [{ name: 'tank/v', kind: 'volume', properties: { volsize: '1G' }, permissions: { access: 'owner' } }],
  });
  expect(r.error?.issues.map((i) => i.message)).toEqual(['a volume holds no files']);
});
