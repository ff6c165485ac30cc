/** Private homes: made before they are needed, owned by who they are for, and moved with a new name. */
import { expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import { SMB_FILE } from '../samba/conf.ts';
import { execute } from './execute.ts';
import type { Changed } from './host.ts';
import { clock, type Machine, machine, must, smbShare } from './testing.ts';

const run = (host: Machine, operation: Operation): Promise<Changed> =>
  execute({ host, clock, approval: null, id: 'operation-1' }, operation);
const user = (name: string, more: object = {}): Operation => ({
  kind: 'share-user.put',
  name,
  isNew: true,
  id: null,
  fullName: '',
  groups: [],
  disabled: false,
  password: null,
  ...more,
});
const homes = async (host: Machine): Promise<string[]> => ((await host.list('/mnt/tank/empty')) ?? []).sort();
const ownerOf = async (host: Machine, name: string): Promise<string> =>
  (await must(host, 'stat', '-c', '%u %g %a', '--', `/mnt/tank/empty/${name}`)).trim();

test('homes are made for who may use the share: when it is made, when an account comes, when its dataset is mounted', async () => {
  const host = await machine();
  await run(host, { kind: 'share-group.put', name: 'family', id: null });
  expect(await run(host, user('ada', { groups: ['family'] }))).toMatchObject({ ok: true });
  await run(host, user('ben'));
  const share = smbShare('home', 'tank/empty', { preset: 'homes', validUsers: ['@family', 'cleo'] });
  expect(await run(host, { kind: 'share.put', share })).toMatchObject({ ok: true });
  expect(await host.readText(SMB_FILE)).toContain('path = /mnt/tank/empty/%u');
  expect(await homes(host)).toEqual(['ada']);
  expect(await ownerOf(host, 'ada')).toMatch(/^2[0-9]{4} 2[0-9]{4} /);
  expect(host.ran.map((a) => a.join(' '))).toContain('mkdir --mode=0700 -- /mnt/tank/empty/ada');
  await must(host, 'zfs', 'unmount', 'tank/empty');
  await run(host, { kind: 'share.gate' });
  await run(host, user('cleo'));
  await must(host, 'zfs', 'mount', 'tank/empty');
  await run(host, { kind: 'share.gate' });
  expect(await homes(host)).toEqual(['ada', 'cleo']);
  const id = Number((await ownerOf(host, 'ada')).split(' ')[0]);
  expect(await run(host, { kind: 'share-user.rename', name: 'ada', id, to: 'anne' })).toMatchObject({ ok: true });
  expect(await homes(host)).toEqual(['anne', 'cleo']);
});

test('where others than root may write, no home is made: somebody could have put a link there', async () => {
  const host = await machine();
  await run(host, user('ada'));
  await must(host, 'chown', '-h', '--', '20001:20001', '/mnt/tank/empty');
  const share = smbShare('home', 'tank/empty', { preset: 'homes' });
  expect(await run(host, { kind: 'share.put', share })).toMatchObject({
    ok: true,
    value: { note: expect.stringContaining('others than root may write there') },
  });
  expect(await homes(host)).toEqual([]);
});

test('one share that asks for signing has the server sign, and is read back; without it the file is as it always was', async () => {
  const host = await machine();
  await run(host, { kind: 'share.put', share: smbShare('plain', 'tank/docs') });
  const plain = await host.readText(SMB_FILE);
  expect(plain).not.toContain('sign');
  await run(host, { kind: 'share.put', share: smbShare('strict', 'tank/empty', { sign: 'required' }) });
  expect(await host.readText(SMB_FILE)).toMatch(/^# Made[^\n]*\n\[global\]\n\tserver signing = mandatory\n\n# dplaneos-share/);
  expect(await run(host, { kind: 'share.gate' })).toMatchObject({ ok: true, value: { restored: [] } });
  await run(host, { kind: 'share.remove', share: 'smb', name: 'strict' });
  expect(await host.readText(SMB_FILE)).toBe(plain);
});
