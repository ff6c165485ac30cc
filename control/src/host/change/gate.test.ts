/** The gate over the simulated host: what is served is what is mounted, whoever mounted it or took it away. */
import { expect, test } from 'vitest';
import type { Operation } from '../../domain/operation/operation.ts';
import type { NfsShare } from '../../domain/share/share.ts';
import { EXPORTS_FILE } from '../nfs/exports.ts';
import { SMB_FILE } from '../samba/conf.ts';
import { execute } from './execute.ts';
import { refreshShares } from './gate.ts';
import { beneath, GUARD_REPORT, unguarded } from './mount-guard.ts';
import type { Changed } from './host.ts';
import { clock, type Machine, machine, must, smbShare } from './testing.ts';

const run = (host: Machine, operation: Operation): Promise<Changed> =>
  execute({ host, clock, approval: null, id: 'operation-1' }, operation);
const gate = (host: Machine): Promise<Changed> => run(host, { kind: 'share.gate' });
const nfs = (name: string, dataset: string, folder = ''): NfsShare => ({
  kind: 'nfs',
  name,
  dataset,
  folder,
  comment: '',
  clients: [{ host: '192.168.1.0/24', access: 'rw', squash: 'root', sync: true }],
});
const served = async (): Promise<Machine> => {
  const host = await machine();
  host.happen({ kind: 'file', path: '/mnt/tank/docs/sub/letter', size: 10 });
  for (const share of [smbShare('docs', 'tank/docs'), smbShare('other', 'tank/empty'), nfs('docs', 'tank/docs', '/sub')])
    expect(await run(host, { kind: 'share.put', share })).toMatchObject({ ok: true });
  return host;
};
const smbFile = async (host: Machine): Promise<string> => (await host.readText(SMB_FILE)) ?? '';
const exportsFile = async (host: Machine): Promise<string> => (await host.readText(EXPORTS_FILE)) ?? '';
const commands = (host: Machine): string[] => host.ran.map((argv) => argv.join(' '));

test('unmounted: neither protocol serves it, whoever is in it is put out, the other share stands; mounted: both are as before', async () => {
  const host = await served();
  const [smb, exports] = [await smbFile(host), await exportsFile(host)];
  expect(exports).toContain('"/mnt/tank/docs/sub" 192.168.1.0/24(rw,sync,root_squash,no_subtree_check,mountpoint=/mnt/tank/docs)');
  await must(host, 'zfs', 'unmount', 'tank/docs');
  expect(await gate(host)).toMatchObject({ ok: true, value: { shut: ['smb:docs', 'nfs:docs'], opened: [], restored: [] } });
  expect(await smbFile(host)).not.toContain('[docs]');
  expect(await smbFile(host)).toContain('[other]');
  expect(await exportsFile(host)).not.toMatch(/^"/m);
  expect(commands(host)).toContain('smbcontrol smbd close-share docs');
  expect(commands(host)).not.toContain('smbcontrol smbd close-share other');
  // declared all the while
  expect(await smbFile(host)).toContain('"name":"docs"');
  await must(host, 'zfs', 'mount', 'tank/docs');
  expect(await gate(host)).toMatchObject({ ok: true, value: { opened: ['smb:docs', 'nfs:docs'], shut: [] } });
  expect([await smbFile(host), await exportsFile(host)]).toEqual([smb, exports]);
});

test('before a start serves anything the files are brought up to date, and no server and no tool is asked', async () => {
  const host = await served();
  await must(host, 'zfs', 'unmount', 'tank/docs');
  const before = host.ran.length;
  expect(await refreshShares(host, { running: false })).toMatchObject({ ok: true });
  expect(host.ran.slice(before).filter(([tool]) => ['testparm', 'smbcontrol', 'exportfs', 'systemctl'].includes(tool ?? ''))).toEqual([]);
  expect(await smbFile(host)).not.toContain('[docs]');
  expect(await smbFile(host)).toContain('[other]');
});

test('a share of a dataset that is not mounted is declared, and served when it is', async () => {
  const host = await machine();
  await must(host, 'zfs', 'unmount', 'tank/docs');
  expect(await run(host, { kind: 'share.put', share: smbShare('docs', 'tank/docs') })).toMatchObject({ ok: true });
  expect(await smbFile(host)).not.toContain('[docs]');
  await must(host, 'zfs', 'mount', 'tank/docs');
  expect(await gate(host)).toMatchObject({ ok: true, value: { opened: ['smb:docs'] } });
  expect(await smbFile(host)).toContain('path = /mnt/tank/docs');
});

test('a table of mounts that can not be read shuts nothing', async () => {
  const host = await served();
  const before = await smbFile(host);
  const blind: Machine = {
    ...host,
    readText: async (path) => (path === '/proc/self/mounts' ? Promise.reject(new Error('EMFILE')) : host.readText(path)),
  };
  expect(await gate(blind)).toMatchObject({ ok: false, refusal: { code: 'unavailable' } });
  expect(await smbFile(host)).toBe(before);
});

test('a file that something else replaced, edited or removed is as it was; one of an older version is taken as it is', async () => {
  const host = await served();
  const before = await smbFile(host);
  for (const spoilt of ['\u0000\u0001garbage\n[global]\n\tguest ok = yes\n', before.replace('guest ok = no', 'guest ok = yes'), '']) {
    await host.writeText(SMB_FILE, spoilt, 0o644);
    expect(await gate(host)).toMatchObject({ ok: true, value: { restored: [expect.any(String)] } });
    expect(await smbFile(host)).toBe(before);
  }
  // a share that is changed while the file is spoilt takes the others along
  await host.writeText(SMB_FILE, 'garbage', 0o644);
  expect(await run(host, { kind: 'share.put', share: smbShare('third', 'tank/empty') })).toMatchObject({ ok: true });
  expect((await smbFile(host)).match(/^\[(\w+)\]/gm)).toEqual(['[docs]', '[other]', '[third]']);
});

test('a server that was killed is started; one that does not start is said, and the other protocol is settled all the same', async () => {
  const host = await served();
  host.happen({ kind: 'unit', unit: 'smbd.service', active: false });
  expect(await gate(host)).toMatchObject({ ok: true });
  expect(await must(host, 'systemctl', 'is-active', 'smbd.service')).toBe('active\n');
  host.fault({ match: ['smbcontrol'], kind: 'exit', exit: 1, stderr: 'smbcontrol: connection refused\n' });
  await must(host, 'zfs', 'unmount', 'tank/docs');
  expect(await gate(host)).toMatchObject({ ok: false, refusal: { why: expect.stringContaining('connection refused') } });
  expect(await exportsFile(host)).not.toMatch(/^"/m);
});

test('two at once: a share that is put while the gate settles is not lost', async () => {
  const host = await served();
  await must(host, 'zfs', 'unmount', 'tank/docs');
  const put = (name: string): Promise<Changed> => run(host, { kind: 'share.put', share: smbShare(name, 'tank/empty') });
  for (const done of await Promise.all([gate(host), put('a'), gate(host), put('b')])) expect(done).toMatchObject({ ok: true });
  expect((await smbFile(host)).match(/^\[(\w+)\]/gm)).toEqual(['[a]', '[b]', '[other]']);
});

test('mounts are looked beneath once, and what was found there is told', async () => {
  const host = await served();
  expect(await gate(host)).toMatchObject({ ok: true, value: { notes: [] } });
  const report = (await host.readText(GUARD_REPORT)) ?? '';
  expect(report.split('\n').filter((l) => l.startsWith('guarded ')).length).toBe(3);
  const starts = (): number => commands(host).filter((c) => c === 'systemctl start dplane-guard.service').length;
  const before = starts();
  await gate(host);
  expect(starts()).toBe(before);
  await must(host, 'zfs', 'create', 'tank/new one');
  expect(unguarded(['tank/new\\040one /mnt/tank/new\\040one', 'rpool/var /var'], report)).toEqual([
    'tank/new\\040one /mnt/tank/new\\040one',
  ]);
  await gate(host);
  expect(starts()).toBe(before + 1);
  expect(beneath('guarded 7 tank /mnt/tank\nnot-empty 8 tank/docs /mnt/tank/docs\n')).toMatchObject([
    { what: 'what lies below tank/docs', why: expect.stringContaining('/mnt/tank/docs') },
  ]);
  host.fault({ match: ['systemctl', 'start', 'dplane-guard.service'], kind: 'exit', exit: 1, stderr: 'no\n' });
  await must(host, 'zfs', 'create', 'tank/third');
  expect(await gate(host)).toMatchObject({ ok: true, value: { notes: [expect.stringContaining('tank/third')] } });
});

/** What the kernel would say of a path where somebody put a link. */
const withLinkAt = (host: Machine, path: string): Machine => ({
  ...host,
  files: {
    ...host.files,
    open: async (m) => {
      const tree = await host.files.open(m);
      if (!tree.ok) return tree;
      const stat: typeof tree.value.stat = async (at) => {
        const entry = await tree.value.stat(at);
        return entry && `${m.mountpoint}/${at}` === path ? { ...entry, type: 'link' } : entry;
      };
      return { ok: true, value: { ...tree.value, stat } };
    },
  },
});

test('a link where the folder of a share was: it is not served, the others of the dataset are, and a change to one of them leaves it so', async () => {
  const host = await served();
  const put = (at: Machine, share: ReturnType<typeof smbShare>): Promise<Changed> => run(at, { kind: 'share.put', share });
  expect(await put(host, smbShare('part', 'tank/docs', { folder: '/sub' }))).toMatchObject({ ok: true });
  const [smb, exports] = [await smbFile(host), await exportsFile(host)];
  const bent = withLinkAt(host, '/mnt/tank/docs/sub');
  expect(await gate(bent)).toMatchObject({ ok: true, value: { bent: ['smb:part', 'nfs:docs'], shut: [], opened: [] } });
  expect(await smbFile(host)).not.toContain('[part]');
  expect(await smbFile(host)).toContain('[docs]');
  expect(await exportsFile(host)).not.toMatch(/^"/m);
  expect(commands(host)).toContain('smbcontrol smbd close-share part');
  expect(commands(host)).not.toContain('smbcontrol smbd close-share docs');
  expect(await put(bent, smbShare('docs', 'tank/docs', { comment: 'changed' }))).toMatchObject({ ok: true });
  expect(await smbFile(host)).not.toContain('[part]');
  expect(await put(bent, smbShare('part', 'tank/docs', { folder: '/sub', comment: 'again' }))).toMatchObject({ ok: false });
  expect(await put(host, smbShare('docs', 'tank/docs'))).toMatchObject({ ok: true });
  expect(await gate(host)).toMatchObject({ ok: true, value: { opened: ['smb:part', 'nfs:docs'], bent: [] } });
  expect([await smbFile(host), await exportsFile(host)]).toEqual([smb, exports]);
});

test('of a pool that does not answer no folder is looked at', async () => {
  const host = await served();
  await run(host, { kind: 'share.put', share: smbShare('part', 'tank/docs', { folder: '/sub' }) });
  const before = await smbFile(host);
  const asked: string[] = [];
  const stuck: Machine = {
    ...withLinkAt(host, '/mnt/tank/docs/sub'),
    readText: async (path) => (path === '/proc/spl/kstat/zfs/tank/state' ? 'SUSPENDED\n' : host.readText(path)),
  };
  const open = stuck.files.open;
  stuck.files.open = (m) => {
    asked.push(m.dataset);
    return open(m);
  };
  expect(await gate(stuck)).toMatchObject({ ok: true, value: { bent: [] } });
  expect(asked).toEqual([]);
  expect(await smbFile(host)).toBe(before);
});
