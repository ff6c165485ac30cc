import { expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import type { NfsShare } from '../../domain/share/share.ts';
import { EXPORTS_FILE } from '../nfs/exports.ts';
import { parseSmb, SMB_FILE } from '../samba/conf.ts';
import { execute } from './execute.ts';
import type { Changed } from './host.ts';
import { approve, clock, guidOf, type Machine, machine, must, NOW, smbShare } from './testing.ts';

const run = (host: Machine, operation: Operation, approved = false): Promise<Changed> =>
  execute({ host, clock, approval: approved ? approve(operation) : null, id: 'operation-1' }, operation);
const put = (host: Machine, share: Extract<Operation, { kind: 'share.put' }>['share']): Promise<Changed> =>
  run(host, { kind: 'share.put', share });
const nfsShare = (name: string, dataset: string): NfsShare => ({
  kind: 'nfs',
  name,
  dataset,
  folder: '',
  comment: '',
  clients: [{ host: '192.168.1.0/24', access: 'rw', squash: 'root', sync: true }],
});
const ran = (host: Machine, tool: string): string[] => host.ran.filter((argv) => argv[0] === tool).map((argv) => argv.join(' '));

test('an SMB share is checked, written, loaded and seen; the others stay as they are', async () => {
  const host = await machine();
  expect(await put(host, smbShare('docs', 'tank/docs'))).toMatchObject({ ok: true });
  const one = await host.readText(SMB_FILE);
  expect(one).toContain('path = /mnt/tank/docs');
  expect(await put(host, smbShare('other', 'tank/empty', { readOnly: true }))).toMatchObject({ ok: true });
  const two = (await host.readText(SMB_FILE)) ?? '';
  expect(two.startsWith(one ?? '-')).toBe(true);
  // the same name in another case is the same share
  expect(await put(host, smbShare('DOCS', 'tank/docs', { comment: 'papers' }))).toMatchObject({ ok: true });
  expect(((await host.readText(SMB_FILE)) ?? '').match(/^\[/gm)).toHaveLength(2);
  expect(ran(host, 'testparm')).toHaveLength(3);
  expect(ran(host, 'smbcontrol')).toEqual(Array.from({ length: 3 }, () => 'smbcontrol smbd reload-config'));
});

test('what testparm refuses never goes live', async () => {
  const host = await machine();
  await put(host, smbShare('docs', 'tank/docs'));
  const before = await host.readText(SMB_FILE);
  host.fault({
    match: ['testparm'],
    kind: 'exit',
    exit: 1,
    stderr: 'set_variable_helper(perhaps): value is not boolean!\nError loading services.\n',
  });
  expect(await put(host, smbShare('other', 'tank/empty'))).toMatchObject({
    ok: false,
    refusal: { code: 'failed', why: expect.stringContaining('not boolean') },
  });
  expect(await host.readText(SMB_FILE)).toBe(before);
});

test('an unknown parameter is only a warning to testparm, and a refusal here', async () => {
  const host = await machine();
  host.fault({ match: ['testparm'], kind: 'exit', exit: 0, stderr: 'Unknown parameter encountered: "nosuch option"\n' });
  expect(await put(host, smbShare('docs', 'tank/docs'))).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('nosuch option') },
  });
  expect(await host.readText(SMB_FILE)).toBeNull();
});

test('what smbd does not load is taken back; a smbd that does not run is started', async () => {
  const host = await machine();
  await put(host, smbShare('docs', 'tank/docs'));
  const before = await host.readText(SMB_FILE);
  const mend = host.fault({ match: ['smbcontrol'], kind: 'exit', exit: 1, stderr: 'smbcontrol: connection refused\n' });
  expect(await put(host, smbShare('other', 'tank/empty'))).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('connection refused') },
  });
  expect(await host.readText(SMB_FILE)).toBe(before);
  mend();
  host.happen({ kind: 'unit', unit: 'smbd.service', active: false });
  expect(await put(host, smbShare('other', 'tank/empty'))).toMatchObject({ ok: true, value: { note: null } });
  expect(await must(host, 'systemctl', 'is-active', 'smbd.service')).toBe('active\n');
  host.happen({ kind: 'unit', unit: 'smbd.service', active: false });
  // nothing to serve: nothing to start
  expect(await run(host, { kind: 'share.remove', share: 'smb', name: 'other' })).toMatchObject({ ok: true });
  expect((await host.run(['systemctl', 'is-active', 'smbd.service'], { timeoutMs: 1000 })).stdout).toBe('inactive\n');
});

test('a service that may not start yet, because a pool is missing, is no reason to refuse the share', async () => {
  const host = await machine();
  host.happen({ kind: 'unit', unit: 'smbd.service', active: false });
  const stderr = "A dependency job for smbd.service failed. See 'journalctl -xe' for details.\n";
  host.fault({ match: ['systemctl', 'start'], kind: 'exit', exit: 1, stderr });
  expect(await put(host, smbShare('docs', 'tank/docs'))).toMatchObject({
    ok: true,
    value: { note: expect.stringContaining('dependency job') },
  });
  expect(await host.readText(SMB_FILE)).toContain('[docs]');
});

test('a share of what can not be served is refused', async () => {
  const host = await machine();
  await must(host, 'zfs', 'create', '-o', 'mountpoint=none', 'tank/hidden');
  await must(host, 'zfs', 'create', '-V', '1073741824', 'tank/vol');
  expect(await put(host, smbShare('x', 'tank/hidden'))).toMatchObject({
    ok: false,
    refusal: { code: 'conflict', why: expect.stringContaining('none') },
  });
  expect(await put(host, smbShare('x', 'tank/vol'))).toMatchObject({ ok: false, refusal: { code: 'invalid' } });
  expect(await put(host, smbShare('x', 'tank/nosuch'))).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
  expect(await host.readText(SMB_FILE)).toBeNull();
});

test('a folder is shared when it is one, in this dataset', async () => {
  const host = await machine();
  host.happen({ kind: 'file', path: '/mnt/tank/docs/letters/one', size: 10 });
  for (const folder of ['/gone', '/letters/one'])
    expect(await put(host, smbShare('x', 'tank/docs', { folder }))).toMatchObject({
      ok: false,
      refusal: { code: 'not-found', why: expect.stringContaining('links are not followed') },
    });
  expect(await put(host, smbShare('x', 'tank/docs', { folder: '/letters' }))).toMatchObject({ ok: true });
  expect(await host.readText(SMB_FILE)).toContain('path = /mnt/tank/docs/letters');
});

test('a share is removed; while people are connected only by an approval', async () => {
  const host = await machine();
  await put(host, smbShare('docs', 'tank/docs'));
  await put(host, smbShare('other', 'tank/empty'));
  const remove: Operation = { kind: 'share.remove', share: 'smb', name: 'docs' };
  host.happen({
    kind: 'connect',
    session: { user: 'ben', machine: 'desk', address: '192.168.1.9', share: 'docs', files: [], connectedAt: NOW },
  });
  expect(await run(host, remove)).toMatchObject({ ok: false, refusal: { code: 'needs-approval', why: '1 connected: ben' } });
  expect(await run(host, remove, true)).toMatchObject({ ok: true });
  expect(ran(host, 'smbcontrol').at(-1)).toBe('smbcontrol smbd close-share docs');
  const left = await host.readText(SMB_FILE);
  expect(left).not.toContain('[docs]');
  expect(left).toContain('[other]');
  expect(await run(host, remove)).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
});

test('a name that nobody has becomes a guest only while a share takes guests', async () => {
  const host = await machine();
  await put(host, smbShare('docs', 'tank/docs'));
  expect(await host.readText(SMB_FILE)).not.toContain('map to guest');
  await put(host, smbShare('open', 'tank/empty', { guests: true, sign: 'required' }));
  const text = (await host.readText(SMB_FILE)) ?? '';
  expect(text).toContain('[global]\n\tserver signing = mandatory\n\tmap to guest = Bad User\n');
  expect(parseSmb(text)).toMatchObject({ problems: [], shares: [{ spec: { name: 'docs' } }, { spec: { name: 'open' } }] });
  expect(await run(host, { kind: 'share.remove', share: 'smb', name: 'open' })).toMatchObject({ ok: true });
  expect(await host.readText(SMB_FILE)).not.toContain('[global]');
});

test('an NFS share is written, loaded and seen in what the kernel serves', async () => {
  const host = await machine();
  expect(await put(host, nfsShare('docs', 'tank/docs'))).toMatchObject({ ok: true });
  expect(await put(host, nfsShare('other', 'tank/empty'))).toMatchObject({ ok: true });
  expect(await host.readText(EXPORTS_FILE)).toContain('"/mnt/tank/docs" 192.168.1.0/24(rw');
  expect(await run(host, { kind: 'share.remove', share: 'nfs', name: 'docs' })).toMatchObject({ ok: true });
  expect(await host.readText(EXPORTS_FILE)).not.toContain('/mnt/tank/docs');
});

test('an export that the kernel does not show is taken back', async () => {
  const host = await machine();
  await put(host, nfsShare('docs', 'tank/docs'));
  const before = await host.readText(EXPORTS_FILE);
  host.fault({ match: ['exportfs', '-v'], kind: 'exit', exit: 0 });
  expect(await put(host, nfsShare('other', 'tank/empty'))).toMatchObject({
    ok: false,
    refusal: { code: 'failed', why: expect.stringContaining('/mnt/tank/empty is not exported') },
  });
  expect(await host.readText(EXPORTS_FILE)).toBe(before);
});

test('an export that fails for another share does not stop this one', async () => {
  const host = await machine();
  const seen = '/mnt/tank/docs\n\t\t<world>(sync,ro)\n/mnt/tank/empty\n\t\t192.168.1.0/24(sync,rw)\n';
  const run = host.run;
  const stubborn: Machine = {
    ...host,
    run: async (argv, o) => {
      const r = await run(argv, o);
      if (argv[0] !== 'exportfs') return r;
      return argv[1] === '-v'
        ? { ...r, stdout: seen }
        : { ...r, exit: 1, stderr: 'exportfs: Failed to stat /mnt/tank/gone: No such file or directory\n' };
    },
  };
  expect(await put(stubborn, nfsShare('docs', 'tank/docs'))).toMatchObject({
    ok: true,
    value: { note: expect.stringContaining('/mnt/tank/gone') },
  });
});

test('clients are listed, those of NFS by address', async () => {
  const host = await machine();
  host.happen({
    kind: 'connect',
    session: {
      user: 'ben',
      machine: 'desk',
      address: '192.168.1.9',
      share: 'docs',
      files: ['/mnt/tank/docs/letter.txt'],
      connectedAt: NOW,
    },
  });
  await put(host, smbShare('docs', 'tank/docs'));
  await put(host, nfsShare('docs', 'tank/docs'));
  await put(host, { ...nfsShare('far', 'tank/empty'), clients: [{ host: '10.0.0.0/8', access: 'rw', squash: 'root', sync: true }] });
  const counted = nfsd(host);
  const more = '0 0 192.168.1.10:2049 192.168.1.20:851 bytes_acked:7 bytes_received:9\n0 0 192.168.1.10:2049 10.1.1.1:900 bytes_acked:3\n';
  const traffic: Machine = {
    ...counted,
    run: async (argv, o) => {
      const r = await host.run(argv, o);
      return argv[0] === 'ss' ? { ...r, stdout: r.stdout + more } : r;
    },
  };
  expect(await run(traffic, { kind: 'share.clients' })).toMatchObject({
    ok: true,
    value: {
      clients: [
        { share: 'docs', user: 'ben', openFiles: 1 },
        { kind: 'nfs', share: 'docs', machine: 'pc7', openFiles: 1 },
        { kind: 'nfs', share: 'far', machine: '10.1.1.1', openFiles: 0 },
      ],
      sessions: [
        {
          id: expect.stringMatching(/^smb:[0-9]+$/),
          user: 'ben',
          address: '192.168.1.9',
          dialect: 'SMB 3.1.1',
          openFiles: 1,
          signed: true,
          traffic: { sent: expect.any(Number), received: expect.any(Number) },
        },
        {
          id: 'nfs:12',
          user: null,
          dialect: 'NFS 4.2',
          openFiles: 1,
          files: [{ path: 'docs/letter', access: 'both' }, { access: 'lock' }],
          traffic: { sent: 7, received: 9 },
        },
        { id: 'nfs3:10.1.1.1', dialect: 'NFS 3', traffic: { sent: 3, received: 0 }, note: expect.stringContaining('does not tell') },
      ],
    },
  });
});

/** As the kernel and mountd write them. */
const nfsd = (host: Machine): Machine => {
  const files: Record<string, string> = {
    '/proc/fs/nfsd/clients/12/info':
      'clientid: 0x1\naddress: "192.168.1.20:851"\nstatus: confirmed\nseconds from last renew: 3\nname: "Linux NFSv4.2 pc7"\nminor version: 2\n',
    '/proc/fs/nfsd/clients/12/states': [
      '- 0x01: { type: open, access: rw, deny: --, superblock: "00:2f:34", filename: "docs/letter", owner: "open id:\\x00" }',
      '- 0x02: { type: lock, superblock: "00:2f:34", filename: "docs/letter", owner: "lock id:\\x00" }',
      '- 0x03: { type: deleg, access: r, superblock: "00:2f:35", filename: "docs/other" }',
      '',
    ].join('\n'),
    '/proc/self/mountinfo':
      '90 1 0:46 / /mnt/tank rw - zfs tank rw\n91 90 0:47 / /mnt/tank/docs rw,relatime shared:1 - zfs tank/docs rw,xattr\n',
    '/var/lib/nfs/rmtab': '10.1.1.1:/mnt/tank/empty:0x00000001\n10.1.1.2:/mnt/gone:0x00000001\n',
  };
  return {
    ...host,
    list: async (path) => (path === '/proc/fs/nfsd/clients' ? ['12'] : host.list(path)),
    readText: async (path) => files[path] ?? host.readText(path),
  };
};

test('an NFS share with somebody on it is removed with an approval only', async () => {
  const host = nfsd(await machine());
  await put(host, nfsShare('docs', 'tank/docs'));
  const remove: Operation = { kind: 'share.remove', share: 'nfs', name: 'docs' };
  expect(await run(host, remove)).toMatchObject({ ok: false, refusal: { code: 'needs-approval', why: '1 connected: pc7' } });
  expect(await run(host, remove, true)).toMatchObject({ ok: true });
});

test('a connection is ended when it is still the one that was meant', async () => {
  const host = await machine();
  await put(host, smbShare('docs', 'tank/docs'));
  host.happen({
    kind: 'connect',
    session: { user: 'ben', machine: 'desk', address: '192.168.1.9', share: 'docs', files: [], connectedAt: NOW },
  });
  const seen = await run(host, { kind: 'share.clients' });
  const mine = seen.ok ? (seen.value.sessions as { id: string }[])[0]?.id : undefined; // the operation's own typed answer
  const end = (user: string, id = mine ?? ''): Promise<Changed> => run(host, { kind: 'session.end', id, user, address: '192.168.1.9' });
  expect(await end('ada')).toMatchObject({ ok: false, refusal: { code: 'conflict', why: expect.stringContaining('ben at desk') } });
  expect(await end('ben', 'smb:7')).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
  expect(await end('ben')).toMatchObject({ ok: true });
  expect(ran(host, 'smbcontrol').at(-1)).toMatch(/^smbcontrol [0-9]+ shutdown$/);
  expect(await end('ben')).toMatchObject({ ok: false, refusal: { code: 'not-found' } });
  const old = nfsd(host);
  await put(old, nfsShare('far', 'tank/empty'));
  expect(await run(old, { kind: 'session.end', id: 'nfs3:10.1.1.1', user: null, address: '10.1.1.1' })).toMatchObject({
    ok: false,
    refusal: { why: expect.stringContaining('NFS 3 has no sessions') },
  });
});

test('a mount does not go from under open files: who has them open is said', async () => {
  const host = nfsd(await machine());
  await put(host, nfsShare('docs', 'tank/docs'));
  const set: Operation = {
    kind: 'dataset.set',
    name: 'tank/docs',
    guid: await guidOf(host, 'tank/docs'),
    set: { canmount: 'off' },
    inherit: [],
  };
  expect(await run(host, set)).toMatchObject({ ok: false, refusal: { code: 'busy', why: expect.stringContaining('pc7 (docs/letter') } });
  expect(await must(host, 'zfs', 'get', '-H', '-o', 'value', 'mounted', 'tank/docs')).toBe('yes\n');
});

test('busy by SMB is busy with names; what was exported is exported again', async () => {
  const host = await machine();
  await put(host, smbShare('docs', 'tank/docs'));
  await put(host, nfsShare('docs', 'tank/docs'));
  const files = ['/mnt/tank/docs/letter.txt'];
  host.happen({
    kind: 'connect',
    session: { user: 'ben', machine: 'desk', address: '192.168.1.9', share: 'docs', files, connectedAt: NOW },
  });
  host.fault({ match: ['zfs', 'rename'], kind: 'exit', exit: 1, stderr: "cannot unmount '/mnt/tank/docs': pool or dataset is busy\n" });
  const rename: Operation = { kind: 'dataset.rename', name: 'tank/docs', guid: await guidOf(host, 'tank/docs'), to: 'tank/papers' };
  expect(await run(host, rename)).toMatchObject({
    ok: false,
    refusal: { code: 'busy', why: expect.stringContaining('ben at desk (docs/letter.txt) over SMB') },
  });
  expect(ran(host, 'exportfs')).toContain('exportfs -f');
  expect(await host.readText(EXPORTS_FILE)).toContain('"/mnt/tank/docs" 192');
});
