/** On real ZFS: clones for a while with a share, their end, and what stops it; what a destruction would take; names that ZFS takes and those it does not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/lab/src/exec.ts';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Body, type Call, change, claim, logIn } from './api.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

const LIMIT = 240_000;
const SMB = 'ada opens the cupboard';
let lab: Lab;
let nas: Vm;
let call: Call;
let guid = '';
const folder = mkdtempSync(join(tmpdir(), 'dplaneos-clones-'));
inOrder();

const smb = (share: string, ...commands: string[]) => {
  const file = join(folder, 'auth');
  writeFileSync(file, `username = ada\npassword = ${SMB}\n`, { mode: 0o600 });
  const target = [`//127.0.0.1/${share}`, '-p', String(nas.spec.ports.smb), '-A', file, '-m', 'SMB3'];
  return run(['smbclient', ...target, '-c', commands.join('; ')], { timeoutMs: LIMIT });
};
const zfs = async (...args: string[]): Promise<string> => (await nas.must(['zfs', ...args])).trim();
const there = async (name: string): Promise<boolean> => (await nas.run(['zfs', 'list', name])).exit === 0;
const clones = async (): Promise<Body[]> => (await call('GET', '/api/zfs/clones')).clones as Body[];
const make = (to: string, share: string | null, more: Body = {}) => ({
  kind: 'clone.make',
  dataset: 'tank/docs',
  tag: 'then',
  guid,
  to,
  hours: 1,
  share: share === null ? null : { kind: 'smb', name: share, dataset: to, readOnly: true, validUsers: ['ada'], ...more },
});
/** The machine's own clock, as it would be then. */
const later = async (hours: number): Promise<void> => {
  await nas.sh(`date -s '+${hours} hours' > /dev/null`);
  call = await logIn(nas);
};

beforeAll(async () => {
  lab = await openLab('clones');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  await nas.run(['systemctl', 'stop', 'systemd-timesyncd']);
  const disks = [1, 2].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks }] } }]);
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/docs' } },
    {
      kind: 'share-user.create',
      user: { name: 'ada', password: (await call('POST', '/api/shares/users/seal', { password: SMB })).sealed },
    },
  ]);
  const at = await zfs('get', '-H', '-o', 'value', 'mountpoint', 'tank/docs');
  await change(nas, call, [{ kind: 'dataset.permit', name: 'tank/docs', owner: 'ada', access: 'owner' }]);
  await nas.sh(`head -c 3000000 /dev/urandom > ${at}/film; chown -R ada ${at}; sync`);
  await change(nas, call, [{ kind: 'snapshot.create', dataset: 'tank/docs', tag: 'then' }]);
  guid = await zfs('get', '-H', '-p', '-o', 'value', 'guid', 'tank/docs@then');
  await nas.sh(`rm ${at}/film`);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await lab?.close(hasFailed());
});

test('a clone with a share gives back what was lost; read but not written, it goes at its end with its share', async () => {
  await change(nas, call, [make('tank/docs-then', 'found')]);
  expect(await clones()).toMatchObject([{ name: 'tank/docs-then', by: 'ada', note: null }]);
  const film = join(folder, 'film');
  expect(await smb('found', `get film ${film}`)).toMatchObject({ exit: 0 });
  const at = await zfs('get', '-H', '-o', 'value', 'mountpoint', 'tank/docs-then');
  expect((await nas.must(['sha256sum', `${at}/film`])).split(' ')[0]).toBe(
    (await run(['sha256sum', film], { timeoutMs: LIMIT })).stdout.split(' ')[0],
  );
  expect(readFileSync(film).length).toBe(3_000_000);
  expect((await smb('found', `put ${film} other`)).stdout).toContain('NT_STATUS');
  console.log(`written after reading: ${await zfs('get', '-Hp', '-o', 'value', 'written', 'tank/docs-then')} bytes`);
  await later(2);
  await nas.until('it is gone', LIMIT, async () => !(await there('tank/docs-then')));
  await nas.until('its record is gone', LIMIT, async () => (await clones()).length === 0);
  expect((await smb('found', 'ls')).stdout).toContain('NT_STATUS');
  expect(await there('tank/docs@then')).toBe(true);
}, 900_000);

test('one that was written to stays, without its share, and says so; destroyed it is by its name alone', async () => {
  await change(nas, call, [make('tank/written', 'writable', { readOnly: false })]);
  writeFileSync(join(folder, 'words'), 'new words\n');
  expect((await smb('writable', `put ${join(folder, 'words')} words`)).exit).toBe(0);
  await later(2);
  await nas.until('it asks', LIMIT, async () => String((await clones())[0]?.note).includes('words'));
  expect(await there('tank/written')).toBe(true);
  expect((await smb('writable', 'ls')).stdout).toContain('NT_STATUS');
  const { alerts } = (await call('GET', '/api/alerts')) as { alerts: { kind: string; subject: string }[] };
  expect(alerts.map((a) => `${a.kind} ${a.subject}`)).toContain('clone.expired dataset:tank/written');
  expect(await zfs('get', '-H', '-o', 'value', 'readonly', 'tank/written')).toBe('off');
  await expect(change(nas, call, [{ kind: 'clone.end', clone: 'tank/written' }])).rejects.toThrow('dplane dataset destroy tank/written');
  await change(nas, call, [{ kind: 'dataset.destroy', name: 'tank/written' }]);
  await nas.until('nothing asks', LIMIT, async () => (await clones()).length === 0);
}, 900_000);

test('both daemons killed while it is made: afterwards there is a clone with an end, or there is none', async () => {
  for (const [i, wait] of [0.1, 0.4, 0.8].entries()) {
    const to = `tank/killed-${i}`;
    const plan = (await call('POST', '/api/plans', { changes: [make(to, null)] })) as { digest: string };
    const { id } = (await call('POST', '/api/gitops/apply', { digest: plan.digest })) as { id: string };
    await nas.run(['sh', '-c', `sleep ${wait}; kill -9 $(systemctl show -P MainPID dplane-exec dplaned | grep -v '^0$')`]);
    await uiAnswers(nas);
    call = await logIn(nas);
    await nas.until('the run has an end', LIMIT, async () => (await call('GET', `/api/runs/${id}`)).state !== 'running');
    await nas.until('record and clone agree', LIMIT, async () => {
      const known = (await clones()).find((c) => c.name === to);
      return known === undefined ? !(await there(to)) : known.guid !== null && (await there(to));
    });
    console.log(`killed after ${wait} s: ${(await there(to)) ? 'it is there, with an end' : 'it is not there'}`);
  }
  await later(2);
  await nas.until('all are gone', LIMIT, async () => (await clones()).length === 0);
  expect((await zfs('list', '-H', '-o', 'name')).split('\n').filter((n) => n.includes('killed'))).toEqual([]);
}, 1_200_000);

test('what a destruction would take is what ZFS then takes', async () => {
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/docs/below it' } }]);
  await nas.sh('zfs snapshot -r tank/docs@all; zfs hold audit "tank/docs/below it@all"; zfs clone tank/docs@all tank/other');
  const ask = async () => call('GET', `/api/zfs/preview/destroy?dataset=${encodeURIComponent('tank/docs')}`);
  const seen = (await ask()) as { datasets: Body[]; obstacles: string[]; snapshots: number; reclaims: number | null };
  expect(seen.datasets.map((d) => d.name)).toEqual(['tank/docs/below it', 'tank/docs']);
  expect(seen.obstacles).toEqual([
    'tank/docs/below it@all is held by audit: release it first',
    'tank/other is a clone of tank/docs@all: destroy or promote it first',
  ]);
  await nas.sh('zfs release audit "tank/docs/below it@all"; zfs destroy tank/other');
  const free = (await ask()) as { obstacles: string[]; snapshots: number; reclaims: number };
  expect([free.obstacles, free.snapshots]).toEqual([[], 3]);
  expect(Math.abs(free.reclaims - Number(await zfs('get', '-Hp', '-o', 'value', 'used', 'tank/docs')))).toBeLessThan(1_000_000);
  const one = (await call('GET', '/api/zfs/preview/destroy?dataset=tank%2Fdocs&tags=then')) as { reclaims: number };
  expect(one.reclaims).toBeGreaterThan(2_500_000);
}, 600_000);

test('names: what ZFS takes is made, with spaces and 255 bytes; what it does not is refused with the reason, by API and command', async () => {
  const long = `tank/${'x'.repeat(250)}`;
  for (const name of ['tank/a b', 'tank/a:b_c.d-e', long])
    await change(nas, call, [{ kind: 'dataset.create', dataset: { name, properties: { mountpoint: 'none' } } }]);
  for (const [name, why] of [
    [`${long}x`, 'at most 255 bytes'],
    ['tank/-rf', 'may begin with -'],
    ['tank/fotos-für-anna', 'ZFS takes no other letters'],
    ['tank/写真', 'ZFS takes no other letters'],
    ['tank/ a', 'begin or end with a space'],
    ['tank/..', 'may be . or ..'],
    ['tank/a@b', 'letters, digits, spaces'],
  ] as const) {
    await expect(call('POST', '/api/plans', { changes: [{ kind: 'dataset.create', dataset: { name } }] })).rejects.toThrow(why);
    const said = await nas.run(['dplane', 'dataset', 'create', '--yes', '--', name]);
    expect(`${said.stdout}${said.stderr}`.replaceAll(/\s+/g, ' ')).toContain(why);
    expect(said.exit).not.toBe(0);
  }
  // what ZFS itself says of them
  for (const name of ['tank/ü', `${long}x`])
    expect((await nas.run(['zfs', 'create', name])).stderr).toMatch(/invalid character|name is too long|too long/);
  for (const name of ['tank/a b', 'tank/a:b_c.d-e', long]) await change(nas, call, [{ kind: 'dataset.destroy', name }]);
  expect((await zfs('list', '-H', '-o', 'name')).split('\n').filter((n) => n.includes('xxx') || n.includes('a b'))).toEqual([]);
}, 900_000);
