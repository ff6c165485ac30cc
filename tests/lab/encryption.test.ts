/** Encrypted datasets on real ZFS, through a start of the machine: what opens by itself, what stays locked with its shares, and where no secret is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/lab/src/exec.ts';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim, logIn, PASSWORD } from './api.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

const LIMIT = 240_000;
const PASS = 'violet hammer lagoon';
const NEXT = 'granite pickle cinema';
const SMB = 'ada opens the cupboard';
const FOLDERS = '/var/lib/dplane /var/lib/dplane-exec /var/log /etc /run/dplane /run/dplane-exec /run/dplaned';
let lab: Lab;
let nas: Vm;
let call: Call;
const folder = mkdtempSync(join(tmpdir(), 'dplaneos-encryption-'));
inOrder();

const smb = (share: string, ...commands: string[]) => {
  const file = join(folder, 'auth');
  writeFileSync(file, `username = ada\npassword = ${SMB}\n`, { mode: 0o600 });
  return run(['smbclient', `//127.0.0.1/${share}`, '-p', String(nas.spec.ports.smb), '-A', file, '-m', 'SMB3', '-c', commands.join('; ')], {
    timeoutMs: LIMIT,
  });
};
const seal = async (secret: string, opens: string | null = null): Promise<unknown> =>
  (await call('POST', '/api/zfs/keys/seal', { secret, opens })).sealed;
const unlock = async (name: string, secret: string | null): Promise<void> =>
  change(nas, call, [{ kind: 'dataset.unlock', name, ...(secret === null ? {} : { secret: await seal(secret, name) }) }]);
const status = async (name: string): Promise<string> =>
  (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'keystatus,mounted', name])).trim().replace('\n', ' ');
const note = async (share: string): Promise<string | null> => {
  const { shares } = (await call('GET', '/api/shares')) as { shares: { spec: { name: string }; note: string | null }[] };
  return shares.find((s) => s.spec.name === share)?.note ?? null;
};
const upAgain = async (): Promise<void> => {
  await nas.sshReady();
  await uiAnswers(nas);
  call = await logIn(nas);
};

beforeAll(async () => {
  lab = await openLab('encryption');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  const disks = [1, 2].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks }] } }]);
  await change(nas, call, [
    {
      kind: 'share-user.create',
      user: { name: 'ada', password: (await call('POST', '/api/shares/users/seal', { password: SMB })).sealed },
    },
  ]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await lab?.close(hasFailed());
});

test('with a passphrase and with key files, filesystems and a volume; each opens with its own key, proved by ZFS', async () => {
  const file = { algorithm: 'on', key: 'hex-file' };
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/secret', encryption: { key: 'passphrase' } }, passphrase: await seal(PASS) },
  ]);
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/secret/below dir' } }]);
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/vault', encryption: file } }]);
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/raw', encryption: { algorithm: 'aes-128-gcm', key: 'raw-file' } } },
  ]);
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/disk', kind: 'volume', properties: { volsize: '64M' }, encryption: file } },
  ]);
  const shown = await nas.must([
    'zfs',
    'get',
    '-H',
    '-o',
    'name,value',
    'encryption,encryptionroot',
    'tank/secret/below dir',
    'tank/raw',
    'tank/disk',
  ]);
  expect(shown.trim().split('\n').sort()).toEqual([
    'tank/disk\taes-256-gcm',
    'tank/disk\ttank/disk',
    'tank/raw\taes-128-gcm',
    'tank/raw\ttank/raw',
    'tank/secret/below dir\taes-256-gcm',
    'tank/secret/below dir\ttank/secret',
  ]);
  for (const name of ['tank/vault', 'tank/raw', 'tank/disk']) await nas.must(['zfs', 'load-key', '-n', name]);
  expect((await nas.must(['sh', '-c', 'stat -c "%a %U" /var/lib/dplane-exec/dataset-*.key'])).trim().split('\n')).toEqual(
    Array(3).fill('600 root'),
  );
  await change(nas, call, [
    { kind: 'dataset.permit', name: 'tank/secret', owner: 'ada', access: 'owner' },
    { kind: 'dataset.permit', name: 'tank/vault', owner: 'ada', access: 'owner' },
    { kind: 'share.put', share: { kind: 'smb', name: 'secret', dataset: 'tank/secret', validUsers: ['ada'] } },
    { kind: 'share.put', share: { kind: 'smb', name: 'vault', dataset: 'tank/vault', validUsers: ['ada'] } },
  ]);
  writeFileSync(join(folder, 'letter'), 'dear reader\n');
  for (const share of ['secret', 'vault']) expect((await smb(share, `put ${join(folder, 'letter')} letter`)).exit).toBe(0);
}, 900_000);

test('a lock is refused while a client is in, names it, and then takes the share down; a wrong passphrase is told at once', async () => {
  const flag = join(folder, 'go');
  const wait = join(folder, 'wait.sh');
  writeFileSync(wait, `while [ ! -e ${flag} ]; do sleep 0.3; done\n`);
  // typed, not given with -c: there smbclient runs no command of the machine
  const client = run(['smbclient', '//127.0.0.1/secret', '-p', String(nas.spec.ports.smb), '-A', join(folder, 'auth'), '-m', 'SMB3'], {
    timeoutMs: LIMIT,
    input: `ls\n!sh ${wait}\nexit\n`,
  });
  await nas.until('the client is connected', LIMIT, async () => (await nas.must(['smbstatus', '-S'])).includes('secret'));
  await expect(change(nas, call, [{ kind: 'dataset.lock', name: 'tank/secret' }])).rejects.toThrow(
    /share secret: 1 client is connected: ada@/,
  );
  writeFileSync(flag, '');
  await client;
  await nas.until('the client is gone', LIMIT, async () => !(await nas.must(['smbstatus', '-S'])).includes('secret'));
  await change(nas, call, [{ kind: 'dataset.lock', name: 'tank/secret' }]);
  expect(await status('tank/secret')).toBe('unavailable no');
  expect(await status('tank/secret/below dir')).toBe('unavailable no');
  expect((await smb('secret', 'ls')).exit).not.toBe(0);
  expect((await smb('vault', 'ls')).exit).toBe(0);
  expect(await note('secret')).toContain('tank/secret is locked');
  await expect(unlock('tank/secret', `${PASS}!`)).rejects.toThrow('this is not its key');
  await unlock('tank/secret', PASS);
  expect(await status('tank/secret/below dir')).toBe('available yes');
  expect((await smb('secret', 'get letter /dev/null')).exit).toBe(0);
}, 900_000);

test('after a start the key files have opened theirs, the passphrase is waited for, and nobody meets an empty folder', async () => {
  await nas.stop();
  await nas.start();
  await upAgain();
  await nas.until('vault is served', LIMIT, async () => (await smb('vault', 'get letter /dev/null')).exit === 0);
  for (const name of ['tank/vault', 'tank/raw']) expect(await status(name)).toBe('available yes');
  expect(await status('tank/disk')).toMatch(/^available/);
  expect(await status('tank/secret')).toBe('unavailable no');
  expect((await smb('secret', 'ls')).exit).not.toBe(0);
  expect(await note('secret')).toContain('tank/secret is locked');
  await unlock('tank/secret', PASS);
  await nas.until('secret is served', LIMIT, async () => (await smb('secret', 'get letter /dev/null')).exit === 0);
  expect((await nas.must(['sh', '-c', 'cat "$(zfs get -H -o value mountpoint tank/secret)/letter"'])).trim()).toBe('dear reader');
}, 1_200_000);

test('a key file that is gone: the copy opens it again; only who types the own password gets one', async () => {
  await expect(call('POST', '/api/zfs/keys/copy', { dataset: 'tank/vault', password: 'something else' })).rejects.toThrow(
    'not your current password',
  );
  const { hex, keyFile } = (await call('POST', '/api/zfs/keys/copy', { dataset: 'tank/vault', password: PASSWORD })) as {
    hex: string;
    keyFile: string;
  };
  const kinds = async (): Promise<string[]> =>
    ((await call('GET', '/api/alerts')).alerts as { kind: string; subject: string }[]).map((a) => `${a.kind} ${a.subject}`);
  await nas.until('nobody keeps a copy', LIMIT, async () => (await kinds()).includes('key.not-copied dataset:tank/vault'));
  await call('POST', '/api/zfs/keys/backed-up', { dataset: 'tank/vault' });
  await nas.until('somebody does', LIMIT, async () => !(await kinds()).includes('key.not-copied dataset:tank/vault'));
  await change(nas, call, [{ kind: 'dataset.lock', name: 'tank/vault' }]);
  await nas.must(['rm', `/var/lib/dplane-exec/dataset-${keyFile}.key`]);
  await expect(unlock('tank/vault', null)).rejects.toThrow('its key file is not on this machine');
  await expect(unlock('tank/vault', '0'.repeat(64))).rejects.toThrow('this is not its key');
  await unlock('tank/vault', hex);
  expect((await smb('vault', 'get letter /dev/null')).exit).toBe(0);
}, 900_000);

test('a key becomes another, while both daemons are killed: what ZFS then says it has, opens it', async () => {
  const seen = nas.long(['sh', '-c', 'while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " >> /run/seen; done']);
  for (const [i, key] of (['hex-file', 'passphrase', 'hex-file', 'passphrase'] as const).entries()) {
    const passphrase = key === 'passphrase' ? await seal(NEXT) : null;
    const plan = (await call('POST', '/api/plans', { changes: [{ kind: 'dataset.changeKey', name: 'tank/secret', key, passphrase }] })) as {
      digest: string;
    };
    const { id } = (await call('POST', '/api/gitops/apply', { digest: plan.digest })) as { id: string };
    // at another moment each time, and the last one in peace
    if (i < 3) await nas.run(['sh', '-c', `sleep 0.${i * 3}; kill -9 $(systemctl show -P MainPID dplane-exec dplaned | grep -v '^0$')`]);
    await uiAnswers(nas);
    call = await logIn(nas);
    await nas.until('the run has an end', LIMIT, async () => (await call('GET', `/api/runs/${id}`)).state !== 'running');
    const run = await call('GET', `/api/runs/${id}`);
    const format = (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'keyformat', 'tank/secret'])).trim();
    console.log(`killed while it became ${key}: ${String(run.state)}, ZFS has ${format}`);
    if (run.state === 'succeeded') expect(format).toBe(key === 'passphrase' ? 'passphrase' : 'hex');
    if (format === 'hex') await nas.must(['zfs', 'load-key', '-n', 'tank/secret']);
    else await nas.sh(`printf '%s\\n' '${PASS}' | zfs load-key -n tank/secret || printf '%s\\n' '${NEXT}' | zfs load-key -n tank/secret`);
  }
  await nas.run(['pkill', '-f', 'run/seen']);
  await seen.ended;
  const { files } = (await call('GET', '/api/zfs/keys')) as { files: { id: string; dataset: string | null }[] };
  const there = (await nas.must(['sh', '-c', 'ls /var/lib/dplane-exec/dataset-*.key'])).trim().split('\n');
  expect(files.length).toBe(there.length);
}, 1_200_000);

test('no secret in any list of processes, in the journal, the database, the ledger, or a file of ours', async () => {
  for (const secret of [PASS, NEXT]) {
    expect((await nas.run(['sh', '-c', `grep -aF '${secret}' /run/seen | grep -v grep`])).stdout).not.toMatch(/zfs|node/);
    expect((await nas.run(['sh', '-c', `grep -rlaF '${secret}' ${FOLDERS}; journalctl --no-pager | grep -F '${secret}'`])).stdout).toBe('');
  }
  const { hex, keyFile } = (await call('POST', '/api/zfs/keys/copy', { dataset: 'tank/disk', password: PASSWORD })) as {
    hex: string;
    keyFile: string;
  };
  expect((await nas.run(['sh', '-c', `grep -rlaF ${hex} ${FOLDERS}; journalctl --no-pager | grep -F ${hex}`])).stdout.trim()).toBe(
    `/var/lib/dplane-exec/dataset-${keyFile}.key`,
  );
  const { yaml } = (await call('POST', '/api/gitops/capture', {})) as { yaml: string };
  expect(yaml).toMatch(/encryption:/);
  expect(yaml).not.toMatch(new RegExp(`sealed-key1|${hex}`));
  const plan = (await call('POST', '/api/gitops/plan', { yaml })) as { actions: unknown[] };
  expect(plan.actions).toEqual([]);
}, 900_000);
