/** The gate on real ZFS, Samba and NFS: a share whose dataset is not mounted is not served, nothing can be written in its place, and it comes back by itself. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/lab/src/exec.ts';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import { Vm } from '../../packages/lab/src/vm.ts';
import { type Call, change, claim, logIn } from './api.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

inOrder();
const LIMIT = 240_000;
const PASSWORD = 'ada opens the cupboard';
const folder = mkdtempSync(join(tmpdir(), 'dplaneos-gate-'));
let lab: Lab;
let nas: Vm;
let call: Call;

const smb = (share: string, ...commands: string[]) => {
  const file = join(folder, 'auth');
  writeFileSync(file, `username = ada\npassword = ${PASSWORD}\n`, { mode: 0o600 });
  const target = [`//127.0.0.1/${share}`, '-p', String(nas.spec.ports.smb), '-A', file, '-m', 'SMB3'];
  return run(['smbclient', ...target, '-c', commands.join('; ')], { timeoutMs: LIMIT });
};
const said = async (...args: Parameters<typeof smb>): Promise<string> => {
  const r = await smb(...args);
  return `${r.stdout}${r.stderr}`;
};
type Share = { spec: { kind: string; name: string }; serving: boolean; note: string | null };
const share = async (kind: string, name: string): Promise<Share | undefined> =>
  ((await call('GET', '/api/shares')) as { shares: Share[] }).shares.find((s) => s.spec.kind === kind && s.spec.name === name);
const until = async (what: string, test: () => Promise<boolean>): Promise<void> => {
  const began = performance.now();
  await nas.until(what, LIMIT, test);
  console.log(`${what}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
};
const served = (kind: string, name: string) => async (): Promise<boolean> => (await share(kind, name))?.serving === true;
const downBecause = (kind: string, name: string, why: string) => async (): Promise<boolean> => {
  const s = await share(kind, name);
  return s?.serving === false && s.note?.includes(why) === true;
};
const at = async (dataset: string): Promise<string> => (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', dataset])).trim();
/** A look at what is beneath a mount, in a mount namespace of its own. */
const below = (path: string, script: string) => nas.run(['unshare', '-m', 'sh', '-c', `umount -l '${path}' && ${script}`]);

beforeAll(async () => {
  writeFileSync(join(folder, 'letter'), 'dear reader\n');
  lab = await openLab('gate');
  nas = await lab.machine();
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  const disks = [1, 2, 3].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
  await change(nas, call, [
    { kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks: disks.slice(0, 2) }] } },
    { kind: 'pool.create', pool: { name: 'away', vdevs: [{ kind: 'stripe', disks: disks.slice(2) }] } },
  ]);
  const { sealed } = await call('POST', '/api/shares/users/seal', { password: PASSWORD });
  await change(nas, call, [{ kind: 'share-user.create', user: { name: 'ada', password: sealed } }]);
  await change(
    nas,
    call,
    ['tank/docs', 'tank/docs/deep', 'tank/two words', 'away/far'].map((name) => ({
      kind: 'dataset.create',
      dataset: { name, permissions: { owner: 'ada', access: 'owner' } },
    })),
  );
  await change(nas, call, [
    { kind: 'share.put', share: { kind: 'smb', name: 'docs', dataset: 'tank/docs' } },
    { kind: 'share.put', share: { kind: 'smb', name: 'other', dataset: 'tank/two words' } },
    { kind: 'share.put', share: { kind: 'smb', name: 'far', dataset: 'away/far' } },
    { kind: 'share.put', share: { kind: 'nfs', name: 'docs', dataset: 'tank/docs', clients: [{ host: '*' }] } },
  ]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await lab?.close(hasFailed());
});

test('beneath every mount lies a folder that not even root writes into, and nobody else looks into', async () => {
  await until('all mounts are guarded', async () => {
    const report = (await nas.run(['cat', '/run/dplane/mounts'])).stdout;
    return ['tank', 'tank/docs', 'tank/docs/deep', 'tank/two\\040words', 'away', 'away/far'].every((d) =>
      report.split('\n').some((l) => l.startsWith('guarded ') && l.split(' ')[2] === d),
    );
  });
  for (const dataset of ['tank', 'tank/docs', 'tank/docs/deep', 'tank/two words']) {
    const path = await at(dataset);
    const seen = await below(path, `lsattr -d '${path}'; stat -c %a '${path}'; touch '${path}/x'; ls -A '${path}'; stat -c %n '${path}'`);
    expect(seen.stdout, seen.stderr).toMatch(/^-+i-+ .*\n0\n/);
    expect(seen.stderr).toMatch(/touch: .*Operation not permitted/);
    expect(seen.stdout.trim().split('\n')).toHaveLength(3);
    // the dataset itself is as open as it was
    expect(await nas.must(['lsattr', '-d', path])).not.toMatch(/^-*i/);
  }
  expect((await smb('docs', `put ${join(folder, 'letter')} letter`)).exit).toBe(0);
});

test('unmounted behind our back: what clients write is refused at once, and then the share is not there, by neither protocol; others stay', async () => {
  const path = await at('tank/docs');
  expect(await nas.must(['exportfs', '-v'])).toContain(path);
  await nas.sh('zfs unmount tank/docs/deep; exportfs -f; zfs unmount tank/docs');
  // whether the gate has looked by now or not
  expect(await said('docs', `put ${join(folder, 'letter')} lost`)).toMatch(
    /NT_STATUS_(ACCESS_DENIED|BAD_NETWORK_NAME|OBJECT_NAME_NOT_FOUND)/,
  );
  await until('SMB says why', downBecause('smb', 'docs', 'tank/docs is not mounted'));
  await until('NFS says why', downBecause('nfs', 'docs', 'tank/docs is not mounted'));
  await until('it is not served', async () => /NT_STATUS_BAD_NETWORK_NAME/.test(await said('docs', 'ls')));
  expect(await nas.must(['exportfs', '-v'])).not.toContain(path);
  expect((await nas.must(['ls', '-A', path])).trim()).toBe('');
  expect((await smb('other', `put ${join(folder, 'letter')} letter`, 'ls')).exit).toBe(0);
  await until('both are alerts', async () => {
    const { alerts } = (await call('GET', '/api/alerts')) as { alerts: { kind: string; subject: string }[] };
    const down = alerts.filter((a) => a.kind === 'share.down').map((a) => a.subject);
    return ['share:smb:docs', 'share:nfs:docs'].every((s) => down.includes(s));
  });
});

test('mounted again, it is served again by itself, with what was in it', async () => {
  const path = await at('tank/docs');
  await nas.sh('zfs mount tank/docs; zfs mount tank/docs/deep');
  await until('SMB serves it', served('smb', 'docs'));
  await until('NFS serves it', served('nfs', 'docs'));
  expect(await said('docs', 'ls')).toContain('letter');
  expect(await nas.must(['exportfs', '-v'])).toContain(path);
});

test('a session of another share lives through it all', async () => {
  const client = run(
    ['smbclient', '//127.0.0.1/other', '-p', String(nas.spec.ports.smb), '-A', join(folder, 'auth'), '-m', 'SMB3'],
    // each put waits for what the script before it has done
    { timeoutMs: LIMIT, input: `${'put /etc/hostname a\nls\n'.repeat(30)}exit\n` },
  );
  for (let n = 0; n < 2; n += 1) {
    await nas.sh('exportfs -f; zfs unmount tank/docs/deep; zfs unmount tank/docs');
    await until('it is down', downBecause('smb', 'docs', 'not mounted'));
    await nas.sh('zfs mount tank/docs; zfs mount tank/docs/deep');
    await until('it is up', served('smb', 'docs'));
  }
  expect((await client).stdout).not.toContain('NT_STATUS');
});

test('renamed and destroyed, a dataset leaves no folder behind that nobody can remove', async () => {
  await change(nas, call, [{ kind: 'dataset.create', dataset: { name: 'tank/brief' } }]);
  const path = await at('tank/brief');
  await until('it is guarded', async () => (await nas.run(['grep', '-q', `^guarded .* tank/brief `, '/run/dplane/mounts'])).exit === 0);
  await change(nas, call, [{ kind: 'dataset.rename', name: 'tank/brief', to: 'tank/short' }]);
  await until('the old folder is gone', async () => (await nas.run(['test', '-e', path])).exit === 1);
  await change(nas, call, [{ kind: 'dataset.destroy', name: 'tank/short' }]);
  const left = `${await at('tank')}/short`;
  await until('the new folder is gone', async () => {
    // whatever mounts next has it looked after
    await nas.run(['systemctl', 'start', 'dplane-guard.service']);
    return (await nas.run(['test', '-e', left])).exit === 1;
  });
});

test('garbage where the shares are written is noticed and mended; a Samba that is killed comes back', async () => {
  await nas.sh('printf "garbage\\n[global]\\n guest ok = yes\\n" > /etc/samba/dplaneos/shares.conf');
  await until('the file is mended', async () => (await nas.run(['grep', '-q', '^.docs.$', '/etc/samba/dplaneos/shares.conf'])).exit === 0);
  expect((await smb('docs', 'ls')).exit).toBe(0);
  const { events } = (await call('GET', '/api/events?limit=50')) as { events: { message: string }[] };
  expect(events.some((e) => e.message.includes('was changed by something else, and was restored'))).toBe(true);
  await nas.sh('kill -9 $(systemctl show -p MainPID --value smbd.service)');
  await until('Samba is back', async () => (await smb('docs', 'ls')).exit === 0);
});

test('a start without the disk of one pool: its share is down and says so, the others are served; with the disk all is back', async () => {
  await nas.stop();
  const whole = nas;
  nas = new Vm({ ...whole.spec, disks: whole.spec.disks.filter((_, n) => n !== 2) });
  const booted = async (): Promise<void> => {
    await nas.start();
    await nas.sshReady();
    await uiAnswers(nas);
    call = await logIn(nas);
  };
  await booted();
  await until('the other pool is served', async () => (await smb('docs', 'ls')).exit === 0);
  await until('what is missing is said', downBecause('smb', 'far', 'pool away is not there'));
  expect(await said('far', 'ls')).toMatch(/NT_STATUS_/);
  expect((await nas.run(['ls', '-A', '/away'])).stdout.trim()).toBe('');
  await nas.stop();
  nas = whole;
  await booted();
  await until('the pool is served again', served('smb', 'far'));
  expect((await smb('far', 'ls')).exit).toBe(0);
});
