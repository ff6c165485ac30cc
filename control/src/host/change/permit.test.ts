import { expect, test } from 'vitest';
import type { Access } from '../../domain/permission/permission.ts';
import { execute } from './execute.ts';
import { PROGRESS_FILE } from './permit.ts';
import { clock, exists, guidOf, type Machine, machine, must, NOW } from './testing.ts';

const permit = async (host: Machine, more: { access?: Access; recursive?: boolean; guid?: string } = {}) =>
  execute(
    { host, clock, approval: null, id: 'test-0001' },
    {
      kind: 'dataset.permit',
      name: 'tank/docs',
      guid: await guidOf(host, 'tank/docs'),
      owner: 20_002,
      group: 20_001,
      access: 'group',
      recursive: false,
      snapshot: more.recursive === true ? 'before-permissions-2026-11-20' : null,
      ...more,
    },
  );
const now = async (host: Machine): Promise<string> => (await must(host, 'stat', '-c', '%u %g %a', '--', '/mnt/tank/docs')).trim();

test('the top folder alone: nothing is taken or searched', async () => {
  const host = await machine();
  expect(await permit(host)).toMatchObject({ ok: true });
  expect(await now(host)).toBe('20002 20001 2770');
  expect(host.ran.some((argv) => argv[0] === 'find' || argv[1] === 'snapshot')).toBe(false);
});

test('everything in it: after a snapshot, by one walk that follows no link and leaves no file system', async () => {
  const host = await machine();
  expect(await permit(host, { recursive: true, access: 'group-read' })).toMatchObject({ ok: true, value: { files: 12 } });
  expect(await exists(host, `tank/docs@before-permissions-2026-11-20-${Math.trunc(NOW / 1000)}`)).toBe(true);
  const walk = host.ran.find((argv) => argv[0] === 'find') ?? [];
  expect(walk.slice(0, 3)).toEqual(['find', '/mnt/tank/docs', '-xdev']);
  expect(walk.join(' ')).not.toMatch(/-L|-follow|chmod -R/);
  expect(host.ran.findIndex((argv) => argv[1] === 'snapshot')).toBeLessThan(host.ran.indexOf(walk));
  expect(await host.readText(PROGRESS_FILE)).toBeNull();
});

test('datasets below are left out, mounted or not, whatever characters their folders have', async () => {
  const host = await machine();
  await must(host, 'zfs', 'create', 'tank/docs/below');
  await must(host, 'zfs', 'create', '-o', 'mountpoint=/mnt/tank/docs/odd [x]*', 'tank/docs/odd');
  await must(host, 'zfs', 'create', '-o', 'mountpoint=/mnt/elsewhere', 'tank/docs/away');
  await must(host, 'zfs', 'unmount', 'tank/docs/below');
  expect(await permit(host, { recursive: true })).toMatchObject({ ok: true });
  const walk = host.ran.find((argv) => argv[0] === 'find') ?? [];
  const until = walk.indexOf('-printf');
  const odd = '/mnt/tank/docs/odd \\[x\\]\\*';
  expect(walk.slice(3, until)).toEqual(['(', '-path', '/mnt/tank/docs/below', '-o', '-path', odd, ')', '-prune', '-o']);
});

test('one that breaks off says how to go back; another dataset of the name, or one that is not mounted, is left alone', async () => {
  const host = await machine();
  host.fault({ match: ['find'], kind: 'exit', exit: 1, stderr: 'find: input/output error\n', times: 1 });
  expect(await permit(host, { recursive: true })).toMatchObject({
    ok: false,
    refusal: {
      why: expect.stringContaining('input/output'),
      todo: expect.stringContaining('snapshot rollback tank/docs@before-permissions'),
    },
  });
  expect(await permit(host, { guid: '1' })).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
  await must(host, 'zfs', 'unmount', 'tank/docs');
  expect(await permit(host)).toMatchObject({ ok: false, refusal: { why: expect.stringContaining('not mounted') } });
  expect(await now(host)).toBe('0 0 755');
});

test('an access list from before would give what was just taken: it goes, and that is looked at', async () => {
  const host = await machine();
  await must(host, 'zfs', 'set', 'acltype=posix', 'tank/docs');
  expect(await permit(host)).toMatchObject({ ok: true });
  const ran = host.ran.map((argv) => argv.join(' '));
  expect(ran.indexOf('setfacl -b -- /mnt/tank/docs')).toBeGreaterThan(ran.findIndex((line) => line.startsWith('chown ')));
  expect(ran.indexOf('setfacl -b -- /mnt/tank/docs')).toBeLessThan(ran.findIndex((line) => line.startsWith('chmod ')));
  expect(await permit(host, { recursive: true })).toMatchObject({ ok: true });
  expect((host.ran.find((argv) => argv[0] === 'find') ?? []).join(' ').match(/-exec setfacl -b -- {} \+ -exec chmod/g)).toHaveLength(2);
  const run = host.run;
  const stubborn: Machine = {
    ...host,
    run: async (argv, o) => ({ ...(await run(argv, o)), ...(argv[0] === 'getfacl' ? { stdout: 'user:mallory:rwx\n' } : {}) }),
  };
  expect(await permit(stubborn)).toMatchObject({ ok: false, refusal: { why: expect.stringContaining('access list') } });
});
