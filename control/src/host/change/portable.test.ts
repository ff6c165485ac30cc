/** Exporting a pool that somebody holds: for a moment, or for good. The rest of moving pools is tested in the VM (tests/lab/pools-moves.test.ts). */
import { expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import type { Host } from '../host.ts';
import { execute } from './execute.ts';
import { poolProperties, shown } from './host.ts';
import { clock, machine, must } from './testing.ts';

const stage = async (answer: (tries: number) => string | null) => {
  const real = await machine();
  let tries = 0;
  const host: Host = {
    ...real,
    run: async (argv, options) => {
      if (argv[0] !== 'zpool' || argv[1] !== 'export') return real.run(argv, options);
      tries += 1;
      const stderr = answer(tries);
      if (stderr === null) return real.run(argv, options);
      // it has unmounted what it could by then
      await real.run(['zfs', 'unmount', 'tank/docs'], options);
      return { argv, exit: 1, failure: null, stdout: '', stderr, durationMs: 1 };
    },
  };
  const seen = await poolProperties(real, 'tank', ['guid']);
  if (!seen.ok) throw new Error(seen.refusal.why);
  const op: Operation = { kind: 'pool.export', name: 'tank', guid: shown(seen.value, 'guid') };
  return { real, export: () => execute({ host, clock, approval: null, id: 'operation-1' }, op), tries: () => tries };
};

test('held for the moment of a listing, it is tried again', async () => {
  const s = await stage((n) => (n < 3 ? "cannot export 'tank': pool is busy\n" : null));
  expect(await s.export()).toMatchObject({ ok: true });
  expect(s.tries()).toBe(3);
});

test('somebody is in it: it is refused at once, and what was unmounted is mounted again', async () => {
  const s = await stage(() => "cannot unmount '/mnt/tank': pool or dataset is busy\n");
  expect(await s.export()).toMatchObject({ ok: false, refusal: { why: expect.stringContaining('busy') } });
  expect(s.tries()).toBe(1);
  expect(await must(s.real, 'zfs', 'get', '-H', '-o', 'value', 'mounted', 'tank/docs')).toBe('yes\n');
});
