import { expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import { ACCOUNTS_FILE } from '../accounts/record.ts';
import { ntHash } from '../accounts/nt-hash.ts';
import { execute } from './execute.ts';
import { clock, type Machine, machine, must, NOW } from './testing.ts';

const PASSWORD = 'a sentence for shares';
const run = (host: Machine, operation: Operation) => execute({ host, clock, approval: null, id: 'test-0001' }, operation);
const seal = async (host: Machine, password = PASSWORD): Promise<string> => {
  const r = await run(host, { kind: 'secret.seal', password });
  if (!r.ok) throw new Error(r.refusal.why);
  return String(r.value.sealed);
};
const user = (name: string, more: Partial<Extract<Operation, { kind: 'share-user.put' }>> = {}): Operation => ({
  kind: 'share-user.put',
  isNew: true,
  name,
  id: null,
  fullName: '',
  disabled: false,
  groups: [],
  password: null,
  ...more,
});
const passdb = async (host: Machine): Promise<string[]> => (await must(host, 'pdbedit', '-L', '-w')).split('\n').filter((l) => l !== '');
const hashOf = (password: string): string => ntHash(password).toString('hex').toUpperCase();

test('a user is made with the password in one step: the system and Samba know it, and no argv has seen the password or its hash', async () => {
  const host = await machine();
  expect(await run(host, { kind: 'share-group.put', name: 'family', id: null })).toMatchObject({ ok: true, value: { number: 20_001 } });
  const done = await run(host, user('ada', { groups: ['family'], password: await seal(host) }));
  expect(done).toMatchObject({ ok: true, value: { number: 20_002 } });
  expect(await must(host, 'getent', 'passwd', 'ada')).toContain(':20002:20002:');
  expect(await passdb(host)).toEqual([expect.stringMatching(`^ada:20002:X{32}:${hashOf(PASSWORD)}:\\[U {10}\\]:`)]);
  expect(await host.list('/etc/userdb')).toContain('ada:family.membership');
  const all = JSON.stringify(host.ran);
  for (const secret of [PASSWORD, hashOf(PASSWORD), hashOf(PASSWORD).toLowerCase()]) {
    expect(all).not.toContain(secret);
    expect(JSON.stringify(done)).not.toContain(secret);
    expect(await host.readText(ACCOUNTS_FILE)).not.toContain(secret);
  }
  expect(await host.readText('/run/dplane-exec/smbpasswd')).toBeNull();
});

test('without a password, disabled, with a new one', async () => {
  const host = await machine();
  await run(host, user('ben'));
  expect(await passdb(host)).toEqual([expect.stringContaining('[UD')]);
  const ben = (more: object) => user('ben', { isNew: false, id: 20_001, ...more });
  expect(await run(host, ben({ password: await seal(host, 'the second sentence') }))).toMatchObject({ ok: true });
  expect(await passdb(host)).toEqual([expect.stringContaining(`${hashOf('the second sentence')}:[U  `)]);
  host.happen({
    kind: 'connect',
    session: { user: 'ben', machine: 'desk', address: '192.168.1.9', share: 'docs', files: [], connectedAt: NOW },
  });
  expect(await run(host, ben({ disabled: true }))).toMatchObject({ ok: true, value: { sessionsEnded: 1 } });
  expect(host.world.model.sessions).toEqual([]);
  // disabling keeps the password
  expect(await passdb(host)).toEqual([expect.stringContaining(`${hashOf('the second sentence')}:[UD`)]);
});

test('a password that was changed from Windows stays, whatever else is changed', async () => {
  const host = await machine();
  await run(host, user('ben', { password: await seal(host) }));
  await host.writeText('/tmp/own', `ben:20001:${'X'.repeat(32)}:${hashOf('chosen on my own')}:[U          ]:LCT-00000001:\n`, 0o600);
  await must(host, 'pdbedit', '-i', 'smbpasswd:/tmp/own');
  await run(host, user('ben', { isNew: false, id: 20_001, fullName: 'Ben' }));
  await run(host, { kind: 'share-user.rename', name: 'ben', id: 20_001, to: 'benno' });
  expect(await passdb(host)).toEqual([expect.stringMatching(`^benno:20001:.*${hashOf('chosen on my own')}`)]);
});

test('a number is never given twice; what another machine sealed, what the system has, and another number are refused', async () => {
  const host = await machine();
  await run(host, user('ada'));
  await run(host, { kind: 'share-user.remove', name: 'ada', id: 20_001 });
  expect(await passdb(host)).toEqual([]);
  expect(await host.list('/etc/userdb')).toBeNull();
  expect(await run(host, user('ada'))).toMatchObject({ ok: true, value: { number: 20_002 } });
  expect(await run(host, user('eve', { id: 20_001 }))).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('someone else') },
  });
  expect(await run(host, user('eve', { id: 20_002 }))).toMatchObject({ ok: false, refusal: { code: 'conflict' } });
  expect(await run(host, user('messagebus'))).toMatchObject({ ok: false, refusal: { why: 'the system has a user of this name' } });
  const other = await seal(await machine());
  await seal(host);
  expect(await run(host, user('eve', { password: other }))).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('another machine') },
  });
  const broken = `${(await seal(host)).slice(0, -4)}AAAA`;
  expect(await run(host, user('eve', { password: broken }))).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('changed') },
  });
  expect(await run(host, user('eve', { groups: ['nosuch'] }))).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
  expect(await run(host, { kind: 'share-user.remove', name: 'ada', id: 20_009 })).toMatchObject({
    ok: false,
    refusal: { code: 'conflict' },
  });
});

test('what is not ours in /etc/userdb stays; what broke off is completed by the next change', async () => {
  const host = await machine();
  await host.writeText('/etc/userdb/kim.user', '{"userName":"kim","uid":4711,"gid":4711}', 0o644);
  await run(host, user('ada', { password: await seal(host) }));
  // as after a power cut between the record and what follows it
  for (const file of ['ada.user', '20001.user']) await must(host, 'unlink', `/etc/userdb/${file}`);
  await must(host, 'pdbedit', '-x', '-u', 'ada');
  await run(host, user('ben'));
  expect(await must(host, 'getent', 'passwd', 'ada')).toContain(':20001:');
  expect(await passdb(host)).toEqual([
    expect.stringContaining(`ada:20001:${'X'.repeat(32)}:${hashOf(PASSWORD)}`),
    expect.stringContaining('ben:'),
  ]);
  expect(await host.readText('/etc/userdb/kim.user')).toContain('4711');
});

test('a record that is not understood stops every change, and is left as it is', async () => {
  const host = await machine();
  await host.writeText(ACCOUNTS_FILE, '{"v":2}', 0o644);
  expect(await run(host, user('ada'))).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
  expect(await host.readText(ACCOUNTS_FILE)).toBe('{"v":2}');
});

test('where the system does not read the drop-ins, it is said what to install', async () => {
  const host = await machine();
  host.fault({ match: ['getent', 'passwd', 'ada'], kind: 'exit', exit: 2 });
  expect(await run(host, user('ada'))).toMatchObject({ ok: false, refusal: { todo: expect.stringContaining('libnss-systemd') } });
});
