/** Held to what the real tool printed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { orThrow } from '../../domain/refusal.ts';
import { parseImportable, parseLabel } from './importable.ts';

const recorded = (name: string): string =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures', `zpool-import-list-${name}.json`), 'utf8')).stdout;

it('pools, their state, what may be done, and whose they were', () => {
  expect(orThrow(parseImportable(recorded('exported')))).toEqual([
    {
      name: 'oldpool',
      guid: '153470566546644742',
      state: 'ONLINE',
      status: null,
      action: 'The pool can be imported using its name or numeric identifier.',
      importable: true,
      foreign: false,
      lastHost: null,
      config: [{ name: 'virtio-nas-d10', state: 'ONLINE', depth: 0, note: '' }],
    },
  ]);
  expect(orThrow(parseImportable(recorded('other-host')))).toMatchObject([{ name: 'away', foreign: true, importable: true }]);
  const two = orThrow(parseImportable(recorded('degraded')));
  expect(two.map((p) => [p.name, p.state, p.importable])).toEqual([
    ['pair', 'UNAVAIL', false],
    ['half', 'DEGRADED', true],
  ]);
  expect(two[0]?.config.map((c) => `${c.depth} ${c.name} ${c.state} ${c.note}`)).toContain('1 virtio-nas-d8 FAULTED corrupted data');
});
it('nothing is guessed', () => {
  expect(parseImportable('Segmentation fault\n').ok).toBe(false);
  expect(parseImportable('   pool: x\n    id: y\n').ok).toBe(false);
  expect(parseLabel('failed to unpack label 0\n')).toBeNull();
});
