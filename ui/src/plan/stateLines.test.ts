import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Action } from '../../../control/src/domain/plan/types.ts';
import { stateLinesOf } from './stateLines.ts';
import { stringsOf } from './yamlText.ts';

const action = (more: Partial<Action>): Action => ({
  id: 'x',
  verb: 'CREATE',
  noun: 'dataset',
  name: 'tank/new',
  risk: 'safe',
  reason: '',
  blocked: null,
  approval: 'none',
  target: null,
  changes: [],
  operation: null,
  after: [],
  ...more,
});

test('a new dataset is lines to add, which read back as it', () => {
  const lines = stateLinesOf(
    action({ operation: { kind: 'dataset.create', name: 'tank/new', type: 'filesystem', properties: { atime: 'off', quota: '10G' } } }),
  );
  expect(lines?.map((l) => l.sign + l.text)).toEqual([
    ' datasets:',
    '+  - name: tank/new',
    '+    kind: filesystem',
    '+    properties:',
    '+      atime: "off"',
    '+      quota: "10G"',
  ]);
  expect(parse((lines ?? []).map((l) => l.text).join('\n'))).toEqual({
    datasets: [{ name: 'tank/new', kind: 'filesystem', properties: { atime: 'off', quota: '10G' } }],
  });
});

test('a property that changes shows what it was', () => {
  const lines = stateLinesOf(
    action({
      verb: 'MODIFY',
      changes: [{ property: 'quota', from: '10G', to: '20G' }],
      operation: { kind: 'dataset.set', name: 'tank/new', guid: '1', set: { quota: '20G' }, inherit: [] },
    }),
  );
  expect(lines?.slice(-2).map((l) => l.sign + l.text)).toEqual(['-      quota: "10G"', '+      quota: "20G"']);
});

test('a deed is no state', () => {
  expect(stateLinesOf(action({ operation: { kind: 'pool.scrub', name: 'tank', guid: '1', action: 'start' } }))).toBeNull();
});

test('lists of objects and of texts read back', () => {
  const share = { kind: 'nfs', name: 'my films', clients: [{ host: '*', sync: true }], tags: ['a', 'on'] };
  expect(parse(['shares:', ...stringsOf(share, 2)].join('\n'))).toEqual({ shares: [share] });
});
