/** SMB from outside of the machine: users with passwords, what becomes of them at a restart, and what clients see. Everything is made through the API. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { run } from '../../packages/lab/src/exec.ts';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim, logIn } from './api.ts';
import { type Lab, openLab } from './lab.ts';

let lab: Lab;
let nas: Vm;
let call: Call;
let failed = false;
const folder = mkdtempSync(join(tmpdir(), 'dplaneos-smb-'));
const watch = () =>
  onTestFailed(() => {
    failed = true;
  });
const PASSWORDS = { ada: 'ada opens the cupboard', ben: 'ben waters the plants' };

/** The password goes through a file, as one gives it to smbclient. */
const smb = (share: string, user: string, password: string, ...commands: string[]) => {
  const file = join(folder, 'auth');
  writeFileSync(file, `username = ${user}\npassword = ${password}\n`, { mode: 0o600 });
  const target = [`//127.0.0.1/${share}`, '-p', String(nas.spec.ports.smb), '-A', file, '-m', 'SMB3'];
  return run(['smbclient', ...target, '-c', commands.join('; ')], { timeoutMs: 240_000 });
};
const said = async (...args: Parameters<typeof smb>): Promise<string> => {
  const r = await smb(...args);
  return `${r.stdout}${r.stderr}`;
};
const seal = async (password: string): Promise<unknown> => (await call('POST', '/api/shares/users/seal', { password })).sealed;

beforeAll(async () => {
  lab = await openLab('shares');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  const disks = [1, 2].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks }] } }]);
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/docs' } }]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await lab?.close(failed);
});

test('a user made with a password logs in, from outside; with a wrong one, disabled or in no group of the share, nobody does', async () => {
  watch();
  await change(nas, call, [{ kind: 'share-group.create', name: 'family' }]);
  await change(nas, call, [
    { kind: 'share-user.create', user: { name: 'ada', fullName: 'Ada', groups: ['family'], password: await seal(PASSWORDS.ada) } },
    { kind: 'share-user.create', user: { name: 'ben', password: await seal(PASSWORDS.ben) } },
  ]);
  await change(nas, call, [{ kind: 'share.put', share: { kind: 'smb', name: 'docs', dataset: 'tank/docs', validUsers: ['@family'] } }]);
  const at = (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', 'tank/docs'])).trim();
  // a new dataset belongs to root: nobody who logs in may write
  expect(await said('docs', 'ada', PASSWORDS.ada, `put ${join(folder, 'auth')} no`)).toContain('NT_STATUS_ACCESS_DENIED');
  await change(nas, call, [{ kind: 'dataset.permit', name: 'tank/docs', owner: 'ada', group: 'family', access: 'group' }]);
  writeFileSync(join(folder, 'letter'), 'dear reader\n');
  expect(await smb('docs', 'ada', PASSWORDS.ada, `put ${join(folder, 'letter')} "löve letter"`, 'ls')).toMatchObject({
    exit: 0,
    stdout: expect.stringContaining('löve letter'),
  });
  expect((await nas.must(['stat', '-c', '%U %u', join(at, 'löve letter')])).trim()).toMatch(/^ada 2[0-9]{4}$/);
  expect(await said('docs', 'ada', 'ada opens the cupboarD', 'ls')).toContain('NT_STATUS_LOGON_FAILURE');
  expect(await said('docs', 'ben', PASSWORDS.ben, 'ls')).toContain('NT_STATUS_ACCESS_DENIED');
  expect(await said('docs', 'nobody', '', 'ls')).toMatch(/NT_STATUS_(ACCESS_DENIED|LOGON_FAILURE)/);
  await change(nas, call, [{ kind: 'share-user.change', name: 'ada', user: { disabled: true } }]);
  expect(await said('docs', 'ada', PASSWORDS.ada, 'ls')).toContain('NT_STATUS_ACCOUNT_DISABLED');
  await change(nas, call, [{ kind: 'share-user.change', name: 'ada', user: { disabled: false } }]);
  expect((await smb('docs', 'ada', PASSWORDS.ada, 'ls')).exit).toBe(0);
});

test('neither the journal, the database nor any file of ours holds the password or its hash', async () => {
  watch();
  // words of it could be anywhere; the whole can't
  const places = '/var/lib/dplane /var/lib/dplane-exec /etc/samba /etc/userdb /run/dplane-exec /persist/etc';
  const found = await nas.run([
    'sh',
    '-c',
    `grep -rlaF "${PASSWORDS.ada}" ${places}; journalctl -b --no-pager | grep -F "${PASSWORDS.ada}"`,
  ]);
  expect(found.stdout).toBe('');
  const hash = /^ada:[0-9]+:[^:]*:([0-9A-F]{32}):/m.exec(await nas.must(['pdbedit', '-L', '-w']))?.[1] ?? '';
  expect(hash).toHaveLength(32);
  const bytes = await nas.run(['sh', '-c', `grep -rlaiF ${hash} ${places}; journalctl -b --no-pager | grep -iF ${hash}`]);
  expect(bytes.stdout).toBe('');
  expect((await nas.must(['stat', '-c', '%a', '/var/lib/samba/private/passdb.tdb', '/var/lib/dplane-exec/accounts.key'])).trim()).toBe(
    '600\n600',
  );
});

test('accounts, numbers and passwords survive a restart; what is captured plans to nothing', async () => {
  watch();
  const before = await nas.must(['id', 'ada']);
  await nas.stop();
  await nas.start();
  await nas.sshReady();
  await uiAnswers(nas);
  call = await logIn(nas);
  expect(await nas.must(['id', 'ada'])).toBe(before);
  await nas.until(
    'the share is served',
    240_000,
    async () => (await nas.run(['systemctl', 'is-active', 'smbd'])).stdout.trim() === 'active',
  );
  expect(await said('docs', 'ada', PASSWORDS.ada, 'ls')).toContain('löve letter');
  const { yaml } = (await call('POST', '/api/gitops/capture', {})) as { yaml: string };
  expect(yaml).toContain('password: sealed1.');
  const plan = (await call('POST', '/api/gitops/plan', { yaml })) as { actions: unknown[] };
  expect(plan.actions).toEqual([]);
});

test('permissions of all that is in it, after a snapshot; a link to elsewhere leads nowhere', async () => {
  watch();
  const at = (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', 'tank/docs'])).trim();
  await nas.sh(`mkdir -p ${at}/deep/er; echo x > ${at}/deep/er/note; chmod -R go= ${at}/deep; ln -s /etc/shadow ${at}/deep/secrets`);
  expect(await said('docs', 'ada', PASSWORDS.ada, 'cd deep', 'ls')).toContain('NT_STATUS_ACCESS_DENIED');
  await change(nas, call, [{ kind: 'dataset.permit', name: 'tank/docs', owner: 'ada', group: 'family', access: 'group', recursive: true }]);
  expect(await said('docs', 'ada', PASSWORDS.ada, 'get deep/er/note /dev/null')).not.toContain('NT_STATUS');
  expect((await nas.must(['stat', '-c', '%U:%G %a', `${at}/deep/er`, `${at}/deep/er/note`])).trim()).toBe(
    'ada:family 2770\nada:family 660',
  );
  expect((await nas.must(['stat', '-c', '%U', '/etc/shadow'])).trim()).toBe('root');
  expect(await nas.must(['zfs', 'list', '-H', '-o', 'name', '-t', 'snapshot', 'tank/docs'])).toContain('@before-permissions-');
  expect(await said('docs', 'ada', PASSWORDS.ada, 'get deep/secrets /dev/null')).toMatch(/NT_STATUS_/);
  // whether a client may make such links or not, they lead nowhere, to files and to folders
  await said('docs', 'ada', PASSWORDS.ada, 'symlink /etc/shadow mine', 'symlink ../../../etc folder', 'symlink /etc whole');
  await nas.sh(`ln -sfn /etc ${at}/whole; ln -sfn ../../../etc ${at}/folder; ln -sfn /etc/hostname ${at}/mine`);
  for (const what of ['more mine', 'more whole/hostname', 'more folder/hostname', 'ls whole/*', 'mkdir whole/made'])
    expect(await said('docs', 'ada', PASSWORDS.ada, what)).toMatch(/NT_STATUS_/);
});

test('Previous Versions: enumerated and brought back by the client, in a dataset below too', async () => {
  watch();
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/docs/below' } }]);
  await change(nas, call, [{ kind: 'dataset.permit', name: 'tank/docs/below', owner: 'ada', group: 'family', access: 'group' }]);
  const put = async (words: string): Promise<void> => {
    writeFileSync(join(folder, 'words'), words);
    const from = join(folder, 'words');
    expect((await smb('docs', 'ada', PASSWORDS.ada, `put ${from} words`, `put ${from} below/words`)).exit).toBe(0);
  };
  await put('the first words');
  const tag = 'GMT-2026.11.20-10.00.00';
  await change(nas, call, [{ kind: 'snapshot.create', dataset: 'tank/docs', tag, recursive: true }]);
  await put('other words');
  for (const file of ['words', 'below/words']) {
    expect(await said('docs', 'ada', PASSWORDS.ada, `allinfo ${file}`)).toContain('@GMT-2026.11.20-10.00.00');
    const to = join(folder, 'restored');
    expect((await smb('docs', 'ada', PASSWORDS.ada, `get @GMT-2026.11.20-10.00.00/${file} ${to}`)).exit).toBe(0);
    expect(readFileSync(to, 'utf8')).toBe('the first words');
  }
});

test('homes: everybody meets a folder of their own, and nobody another one; a server that asks for signing is used as before', async () => {
  watch();
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/homes' } },
    { kind: 'share.put', share: { kind: 'smb', name: 'home', dataset: 'tank/homes', preset: 'homes', sign: 'required' } },
  ]);
  const at = (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', 'tank/homes'])).trim();
  expect((await nas.must(['stat', '-c', '%U %a', join(at, 'ada'), join(at, 'ben')])).trim()).toBe('ada 700\nben 700');
  writeFileSync(join(folder, 'diary'), 'today\n');
  expect((await smb('home', 'ada', PASSWORDS.ada, `put ${join(folder, 'diary')} diary`)).exit).toBe(0);
  expect(await said('home', 'ada', PASSWORDS.ada, 'ls')).toContain('diary');
  expect(await said('home', 'ben', PASSWORDS.ben, 'ls')).not.toContain('diary');
  expect(await said('home', 'ben', PASSWORDS.ben, 'get ../ada/diary /dev/null')).toMatch(/NT_STATUS_/);
  expect(await nas.must(['testparm', '-s', '--parameter-name=server signing'])).toMatch(/required|mandatory/);
});

test('renamed, the files stay theirs; removed, their number belongs to nobody', async () => {
  watch();
  await change(nas, call, [{ kind: 'share-user.rename', name: 'ada', to: 'anne' }]);
  expect((await smb('docs', 'anne', PASSWORDS.ada, 'get "löve letter" /dev/null')).exit).toBe(0);
  expect(await said('home', 'anne', PASSWORDS.ada, 'ls')).toContain('diary');
  const { owned } = (await call('GET', '/api/shares/users/anne/owned')) as { owned: { dataset: string; bytes: number }[] };
  expect(owned.map((o) => o.dataset)).toEqual(['tank/docs', 'tank/docs/below', 'tank/homes']);
  const before = (await nas.must(['id', '-u', 'anne'])).trim();
  await change(nas, call, [{ kind: 'share-user.remove', name: 'anne' }]);
  expect(await said('docs', 'anne', PASSWORDS.ada, 'ls')).toMatch(/NT_STATUS_(ACCESS_DENIED|LOGON_FAILURE)/);
  await change(nas, call, [{ kind: 'share-user.create', user: { name: 'cleo', groups: ['family'], password: await seal(PASSWORDS.ada) } }]);
  expect((await nas.must(['id', '-u', 'cleo'])).trim()).not.toBe(before);
});
