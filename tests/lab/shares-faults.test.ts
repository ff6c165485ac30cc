/** What goes wrong around an SMB share while clients are in it, and what is large: on real ZFS and Samba, from outside of the machine. */
import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must, run, spawnLong } from '../../packages/lab/src/exec.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim } from './api.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { smbClient } from './smb-client.ts';

inOrder();
const LIMIT = 480_000;
const GIB = 2 ** 30;
let lab: Lab;
let nas: Vm;
let call: Call;
const ada = { name: 'ada', password: 'ada opens the cupboard' };
const client = smbClient(() => nas.spec.ports.smb, LIMIT);

type Share = { spec: { kind: string; name: string }; serving: boolean; note: string | null };
const share = async (name: string): Promise<Share | undefined> =>
  ((await call('GET', '/api/shares')) as { shares: Share[] }).shares.find((s) => s.spec.kind === 'smb' && s.spec.name === name);
const isServed = (name: string) => async (): Promise<boolean> => (await share(name))?.serving === true;
const at = async (dataset: string): Promise<string> => (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', dataset])).trim();
const sumOf = async (argv: readonly string[]): Promise<string> => (await must(argv, { timeoutMs: LIMIT })).split(' ')[0] ?? '';

beforeAll(async () => {
  lab = await openLab('shares-faults');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  const disks = [1, 2, 3, 4].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'stripe', disks }] } }]);
  const { sealed } = await call('POST', '/api/shares/users/seal', { password: ada.password });
  await change(nas, call, [{ kind: 'share-user.create', user: { name: 'ada', password: sealed } }]);
  const permissions = { owner: 'ada', access: 'owner' };
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/docs', permissions } },
    { kind: 'dataset.create', dataset: { name: 'tank/large', permissions } },
    { kind: 'dataset.create', dataset: { name: 'tank/small', permissions, properties: { quota: '24M' } } },
  ]);
  await change(nas, call, [
    { kind: 'share.put', share: { kind: 'smb', name: 'docs', dataset: 'tank/docs' } },
    { kind: 'share.put', share: { kind: 'smb', name: 'small', dataset: 'tank/small' } },
    // an emulated processor takes half an hour to encrypt what goes over this one
    { kind: 'share.put', share: { kind: 'smb', name: 'large', dataset: 'tank/large', encrypt: 'off' } },
  ]);
});
afterAll(async () => {
  client.close();
  await lab?.close(hasFailed());
});

test('a name that nobody has is refused as a wrong password is; once a share takes guests, it is a guest there and nowhere else', async () => {
  const nobody = { name: 'mallory', password: 'whatever' };
  expect(await client.said('docs', nobody, 'ls')).toContain('NT_STATUS_LOGON_FAILURE');
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/open' } },
    { kind: 'share.put', share: { kind: 'smb', name: 'open', dataset: 'tank/open', guests: true, readOnly: true } },
  ]);
  expect(await client.said('open', nobody, 'ls')).not.toContain('NT_STATUS');
  expect(await client.said('docs', nobody, 'ls')).toContain('NT_STATUS_ACCESS_DENIED');
  await change(nas, call, [{ kind: 'share.remove', share: 'smb', name: 'open' }]);
  expect(await client.said('docs', nobody, 'ls')).toContain('NT_STATUS_LOGON_FAILURE');
});

test('a full dataset: who writes is told, what is there stays whole, and with room again the same share takes files', async () => {
  const much = client.file('much', randomBytes(40 * 2 ** 20));
  const little = client.file('little', randomBytes(2 ** 20));
  expect((await client.run('small', ada, `put ${little} first`)).exit).toBe(0);
  const told = await client.run('small', ada, `put ${much} much`, 'ls');
  expect(`${told.stdout}${told.stderr}`).toMatch(/NT_STATUS_(DISK_FULL|QUOTA_EXCEEDED)/);
  expect(await isServed('small')()).toBe(true);
  const back = join(client.folder, 'back');
  expect((await client.run('small', ada, `get first ${back}`)).exit).toBe(0);
  expect(readFileSync(back).equals(readFileSync(little))).toBe(true);
  expect(await client.said('docs', ada, `put ${little} little`)).not.toContain('NT_STATUS');
  expect(await client.said('small', ada, 'rm much')).not.toContain('NT_STATUS');
  // what was freed comes back with the transaction group
  await nas.must(['zpool', 'sync', 'tank']);
  await nas.until('there is room', LIMIT, async () => (await client.run('small', ada, `put ${little} second`)).exit === 0);
  expect(await client.said('small', ada, 'ls')).toContain('second');
});

test('the mount goes from under an open file: the client is put out, the share says why, nothing that was written is lost', async () => {
  const path = await at('tank/docs');
  const words = client.file('words', 'written before\n');
  let said = '';
  const open = spawnLong([...client.argv('docs', ada), '--debug-stdout'], { onOutput: (text) => (said += text) });
  // it reads one line when there is something to read, and leaves what came with it lying
  open.write(`put ${words} words\n`);
  await nas.until('the file is there', LIMIT, async () => said.includes('putting file'));
  open.write('open words\n');
  await nas.until('the file is open', LIMIT, async () => (await nas.must(['smbstatus', '--json'])).includes(`"${path}/words"`));
  // what a pool that is exported by force does, or somebody who knows no better
  await nas.must(['umount', '-l', path]);
  await nas.until('it is not served', LIMIT, async () => (await share('docs'))?.note?.includes('not mounted') === true);
  await nas.until('the client is out of it', LIMIT, async () => !(await nas.must(['smbstatus', '--json'])).includes(`"${path}/words"`));
  open.write('ls\n');
  open.closeInput();
  await open.ended;
  expect(said).toMatch(/NT_STATUS_/);
  expect(await client.said('small', ada, 'ls')).not.toContain('NT_STATUS');
  await nas.must(['zfs', 'mount', 'tank/docs']);
  await nas.until('it is served again', LIMIT, isServed('docs'));
  const back = join(client.folder, 'words-back');
  expect((await client.run('docs', ada, `get words ${back}`)).exit).toBe(0);
  expect(readFileSync(back, 'utf8')).toBe('written before\n');
});

test('a link where the folder of a share was: from the next look on it is not served, whatever else of the dataset is; the folder back, it is', async () => {
  const path = await at('tank/docs');
  await nas.sh(`install -d -o ada ${path}/part; echo mine > ${path}/part/mine`);
  await change(nas, call, [{ kind: 'share.put', share: { kind: 'smb', name: 'part', dataset: 'tank/docs', folder: '/part' } }]);
  expect(await client.said('part', ada, 'ls')).toContain('mine');
  await nas.sh(`mv ${path}/part ${path}/kept; ln -s /etc ${path}/part`);
  // every change of the mounts is a look
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/other' } }]);
  await nas.until('it says why', LIMIT, async () => (await share('part'))?.note?.includes('a link stands in its place') === true);
  expect(await client.said('part', ada, 'ls')).toContain('NT_STATUS_BAD_NETWORK_NAME');
  expect(await client.said('docs', ada, 'ls')).toContain('kept');
  await nas.sh(`rm ${path}/part; mv ${path}/kept ${path}/part`);
  await nas.until('it is served again', LIMIT, isServed('part'));
  expect(await client.said('part', ada, 'ls')).toContain('mine');
});

test('what was captured, with one share more, is applied; applied again it is an empty plan', async () => {
  const { yaml } = (await call('POST', '/api/gitops/capture', {})) as { yaml: string };
  const more = yaml.replace(/^shares:\n/m, 'shares:\n  - kind: smb\n    name: declared\n    dataset: tank/other\n');
  expect(more).not.toBe(yaml);
  type Plan = { digest: string; actions: { id: string; verb: string; approval: string; name: string }[] };
  const plan = (await call('POST', '/api/gitops/plan', { yaml: more })) as Plan;
  expect(plan.actions.map((a) => a.verb)).toEqual(['CREATE']);
  const { id } = await call('POST', '/api/gitops/apply', { digest: plan.digest });
  await nas.until('the run has ended', LIMIT, async () => (await call('GET', `/api/runs/${String(id)}`)).state !== 'running');
  expect(await call('GET', `/api/runs/${String(id)}`)).toMatchObject({ state: 'succeeded' });
  expect(((await call('POST', '/api/gitops/plan', { yaml: more })) as Plan).actions).toEqual([]);
  expect(await client.said('declared', ada, 'ls')).not.toContain('NT_STATUS_BAD_NETWORK_NAME');
});

test('4 GiB and some, put and got back, are the same bytes; meanwhile the sessions say what moves', { timeout: 3_600_000 }, async () => {
  const big = join(client.folder, 'big');
  const blocks = Array.from({ length: 16 }, () => randomBytes(2 ** 20));
  const file = openSync(big, 'w');
  // beyond what 32 bits count, and no whole number of blocks
  for (let n = 0; n < 4096; n += 1) writeSync(file, blocks[(n * 7) % blocks.length] ?? Buffer.alloc(0));
  writeSync(file, 'the end');
  closeSync(file);
  const sum = await sumOf(['sha256sum', big]);
  const put = run([...client.argv('large', ada), '-c', `put ${big} big`], { timeoutMs: 1_800_000 });
  type Told = { shares: { share: string }[]; traffic: { received: number } | null; rate: { received: number } | null };
  await nas.until('it is seen coming in', LIMIT, async () => {
    const { sessions } = (await call('GET', '/api/shares/sessions')) as { sessions: Told[] };
    const mine = sessions.find((s) => s.shares.some((x) => x.share === 'large'));
    return (mine?.traffic?.received ?? 0) > 2 ** 20 && (mine?.rate?.received ?? 0) > 0;
  });
  expect((await put).exit).toBe(0);
  expect((await nas.must(['sha256sum', join(await at('tank/large'), 'big')], { timeoutMs: 1_800_000 })).split(' ')[0]).toBe(sum);
  await must(['rm', big]);
  expect((await run([...client.argv('large', ada), '-c', `get big ${big}; rm big`], { timeoutMs: 1_800_000 })).exit).toBe(0);
  expect(statSync(big).size).toBe(4 * GIB + 7);
  expect(await sumOf(['sha256sum', big])).toBe(sum);
  await must(['rm', big]);
});
