import { expect, test } from 'vitest';
import type { Observed } from '../observed/observed.ts';
import type { ObservedShare } from '../share/share.ts';
import { ShareSpec } from '../share/share.ts';
import { DesiredState } from '../state/state.ts';
import { capture } from './capture.ts';
import type { ChangeRequest } from './change.ts';
import { plan } from './plan.ts';
import { planChange } from './planChange.ts';

const sealed = (c: string, key = '00000000') => `sealed1.${key}.${c.repeat(59)}`;
const serving = (more: object): ObservedShare => ({
  spec: ShareSpec.parse({ kind: 'smb', name: 'docs', dataset: 'tank/docs', ...more }),
  serving: true,
  note: null,
  clients: [],
});
const ADA = { name: 'ada', id: 20_001, fullName: '', disabled: false, groups: ['family'], password: sealed('A'), note: null };
const observed = (more: Partial<Observed> = {}): Observed => ({
  at: 0,
  pools: [],
  datasets: [],
  shares: [],
  disks: [],
  accounts: { key: '00000000', users: [ADA], groups: [{ name: 'family', id: 20_002 }] },
  stuck: [],
  problems: [],
  ...more,
});
const planned = (change: ChangeRequest, o = observed()) => {
  const r = planChange([change], o);
  if (!r.ok) throw new Error(r.refusal.why);
  return r.value.actions;
};
const declared = (yaml: object, o = observed()) =>
  plan({ desired: DesiredState.parse({ version: 1, ...yaml }), observed: o, identities: new Map() });

test('what is captured plans to nothing; a file that does not mention accounts leaves them alone; an empty list would remove them', () => {
  const o = observed();
  expect(plan({ desired: capture(o), observed: o, identities: new Map() }).actions).toEqual([]);
  expect(declared({}).actions).toEqual([]);
  expect(declared({ share_users: [], share_groups: [] }).actions.map((a) => [a.id, a.approval])).toEqual([
    ['share-user.remove ada', 'required'],
    ['share-group.remove family', 'none'],
  ]);
});

test('a new password is told as such, without the sealed text', () => {
  const [action] = planned({ kind: 'share-user.change', name: 'ada', user: { password: sealed('B') } });
  expect(action).toMatchObject({ verb: 'MODIFY', risk: 'disruptive', changes: [{ property: 'password', from: 'set', to: 'set anew' }] });
  expect(action?.operation).toMatchObject({ kind: 'share-user.put', isNew: false, id: 20_001, password: sealed('B') });
});

test('what another machine sealed can not be set', () => {
  const [action] = planned({ kind: 'share-user.change', name: 'ada', user: { password: sealed('B', 'ffffffff') } });
  expect(action).toMatchObject({ approval: 'impossible', blocked: expect.stringContaining('another machine') });
});

test('a new name goes into the lists of shares; by its number it is no new account', () => {
  const o = observed({
    pools: [],
    shares: [serving({ validUsers: ['ada', '@family'] })],
  });
  const actions = planned({ kind: 'share-user.rename', name: 'ada', to: 'anne' }, o);
  expect(actions.map((a) => a.id)).toContain('share-user.rename ada');
  expect(actions.find((a) => a.noun === 'share')?.operation).toMatchObject({ share: { validUsers: ['anne', '@family'] } });
  const byFile = declared({
    share_groups: [{ name: 'family', id: 20_002 }],
    share_users: [{ ...ADA, note: undefined, name: 'anne' }].map(({ note: _n, ...u }) => u),
  });
  expect(byFile.actions.map((a) => a.id)).toEqual(['share-user.rename ada']);
});

test('nobody goes whom a share names: an empty list would open it to everyone', () => {
  const o = observed({ shares: [serving({ validUsers: ['ada'] })] });
  expect(planned({ kind: 'share-user.remove', name: 'ada' }, o)).toMatchObject([
    { approval: 'impossible', blocked: expect.stringContaining('docs') },
  ]);
  const group = observed({ shares: [serving({ writeUsers: ['@family'] })] });
  expect(planned({ kind: 'share-group.remove', name: 'family' }, group).find((a) => a.noun === 'share-group')).toMatchObject({
    approval: 'impossible',
  });
});

test('removing a group takes its members out first', () => {
  const actions = planned({ kind: 'share-group.remove', name: 'family' });
  expect(actions.map((a) => a.id)).toEqual(['share-user.put ada', 'share-group.remove family']);
  expect(actions[1]?.after).toEqual(['share-user.put ada']);
});

test('another number under the same name is somebody else', () => {
  expect(declared({ share_groups: [{ name: 'family', id: 20_009 }] }).actions).toMatchObject([{ approval: 'impossible' }]);
});

test('names that are in use, and mistakes in a file, are refused', () => {
  expect(planChange([{ kind: 'share-group.create', name: 'ada', members: [] }], observed())).toMatchObject({
    ok: false,
    refusal: { code: 'conflict' },
  });
  expect(planChange([{ kind: 'share-group.members', name: 'family', members: ['eve'] }], observed())).toMatchObject({
    ok: false,
    refusal: { code: 'not-found' },
  });
  const bad = (yaml: object) => DesiredState.safeParse({ version: 1, ...yaml }).success;
  expect(bad({ share_users: [{ name: 'ada' }, { name: 'ada' }] })).toBe(false);
  expect(
    bad({
      share_users: [
        { name: 'ada', id: 20_001 },
        { name: 'ben', id: 20_001 },
      ],
    }),
  ).toBe(false);
  expect(bad({ share_users: [{ name: 'ada', groups: ['family'] }], share_groups: [] })).toBe(false);
  expect(bad({ share_users: [{ name: 'root' }] })).toBe(false);
  expect(bad({ share_users: [{ name: 'ada', password: 'secret' }] })).toBe(false);
  expect(bad({ share_users: [{ name: 'ada', id: 1000 }] })).toBe(false);
});
