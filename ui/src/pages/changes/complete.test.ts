import { expect, test } from 'vitest';
import { z } from 'zod';
import { DesiredState } from '../../../../control/src/domain/state/state.ts';
import { completionsAt, pathAt } from './complete.ts';

const schema = z.toJSONSchema(DesiredState, { io: 'input', unrepresentable: 'any' }) as object;
const at = (text: string): string[] => completionsAt(text, text.length, schema)?.items.map((i) => i.text) ?? [];

test('the way to a line', () => {
  const lines = ['version: 1', 'datasets:', '  - name: tank/a', '    properties:', '      qu'];
  expect(pathAt(lines, 4)).toEqual(['datasets', '[]', 'properties']);
  expect(pathAt(lines, 3)).toEqual(['datasets', '[]']);
  expect(pathAt(['pools:', '- name: tank', '  vdevs:', '  - kind: mirror', '    di'], 4)).toEqual(['pools', '[]', 'vdevs', '[]']);
});

test('keys of the top, without those that are there', () => {
  expect(at('version: 1\nda')).toEqual(['datasets:']);
  expect(at('version: 1\nve')).toEqual([]);
});

test('keys within an item and its properties', () => {
  expect(at('datasets:\n  - na')).toEqual(['name: ']);
  expect(at('datasets:\n  - name: tank/a\n    pro')).toEqual(['properties:']);
  expect(at('datasets:\n  - name: tank/a\n    properties:\n      compr')).toEqual(['compression: ']);
});

test('values of a key', () => {
  expect(at('datasets:\n  - name: tank/a\n    kind: ')).toEqual(['filesystem', 'volume']);
  expect(at('datasets:\n  - name: tank/a\n    properties:\n      atime: o')).toEqual(['"on"', '"off"']);
});

test('every place of any text is answered without a fault', () => {
  const text =
    'version: 1\npools:\n  - name: tank\n    vdevs:\n      - kind: mirror\n        disks:\n          - /dev/disk/by-id/x\nshares:\n  - kind: smb\n    na';
  for (let i = 0; i <= text.length; i += 1) completionsAt(text, i, schema);
  expect(at(text)).toEqual(['name: ']);
});
