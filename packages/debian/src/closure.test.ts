import { expect, test } from 'vitest';
import { closure } from './closure.ts';

test('nested packages win over hoisted ones, and development packages stay behind', () => {
  const packages = {
    control: { dependencies: { a: '1', '@s/b': '1' } },
    'node_modules/a': { version: '1', dependencies: { c: '2' } },
    'node_modules/a/node_modules/c': { version: '2' },
    'node_modules/c': { version: '1' },
    'node_modules/@s/b': { version: '1', optionalDependencies: { c: '1', gone: '1' } },
    'node_modules/dev': { version: '1' },
  };
  expect(closure(packages, ['control'])).toEqual([
    'node_modules/@s/b',
    'node_modules/a',
    'node_modules/a/node_modules/c',
    'node_modules/c',
  ]);
});

test('a workspace that depends on another is not copied twice', () => {
  const packages = {
    control: { dependencies: { ota: '*' } },
    ota: { dependencies: { a: '1' } },
    'node_modules/ota': { link: true, resolved: 'ota' },
    'node_modules/a': { version: '1' },
  };
  expect(closure(packages, ['control', 'ota'])).toEqual(['node_modules/a']);
});

test('a missing package is an error, not a smaller package', () => {
  expect(() => closure({ control: { dependencies: { a: '1' } } }, ['control'])).toThrow('control needs a');
});
