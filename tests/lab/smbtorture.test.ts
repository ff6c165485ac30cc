/**
 * Samba's own tests, from outside: `smb2.*` on a share of the general preset, those of access lists on one with Windows permissions, `vfs.fruit` on one
 * for Time Machine, all on ZFS; and the same tests on a plain Samba in the same machine on ext4. What passes there passes with ours, or smbtorture.txt says in words why not. An ordinary run
 * takes the suites below and every test that the list has as different; DPLANE_TORTURE=all takes them all (an hour and more of an emulated
 * machine). What was measured is left in artifacts/lab/smbtorture.txt. The tests for Macs go no further with a server that does not offer two
 * things as a whole which ours leaves off (smb.conf): for them both servers offer them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from '../../packages/debian/src/places.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { change, claim } from './api.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';
import { plainSamba } from './plain-samba.ts';
import { type Listed, listTests, parseList, renderList, suiteOf, torture, type Verdict } from './torture.ts';

const ALL = process.env.DPLANE_TORTURE === 'all';
const SUITES = [
  'connect',
  'create',
  'read',
  'rw',
  'lock',
  'rename',
  'setinfo',
  'streams',
  'tcon',
  'mkdir',
  'winattr',
  'openattr',
  'acls',
  'sdread',
];
const differs = (t: Listed): boolean => (t.ours === 'pass') !== (t.plain === 'pass');
const isChosen = (t: Listed): boolean =>
  ALL || t.ours === 'none' || differs(t) || suiteOf(t.test).startsWith('vfs.fruit') || SUITES.includes(t.test.split('.')[1] ?? '');
const LIMIT_MS = (ALL ? 480 : 120) * 1000;
/** Tests that go on side by side, each in a share of its own. */
const LANES = [1, 2] as const;
const PASSWORD = 'ada opens the cupboard';
/** A share for each kind of test; `clear` is `general` without encryption. */
const SHARES = {
  general: { preset: 'general' },
  clear: { preset: 'general', encrypt: 'off' },
  acl: { preset: 'windows-acl' },
  mac: { preset: 'time-machine' },
} as const;
type Kind = keyof typeof SHARES;
const KINDS = ['general', 'clear', 'acl', 'mac'] as const satisfies readonly Kind[];
/** What one writes by hand for such a share. */
const BY_HAND: Readonly<Record<Kind, string>> = {
  general: '',
  clear: '',
  acl: '\tvfs objects = acl_xattr\n\tmap acl inherit = yes\n',
  mac: '\tvfs objects = catia fruit streams_xattr\n\tfruit:metadata = stream\n\tfruit:time machine = yes\n',
};

const folder = mkdtempSync(join(tmpdir(), 'dplaneos-torture-'));
const auth = join(folder, 'auth');
const listed = parseList(readFileSync(join(import.meta.dirname, 'smbtorture.txt'), 'utf8'));
const measured = new Map<string, Listed>();
let lab: Lab;
let nas: Vm;
let plainPort = 0;

beforeAll(async () => {
  writeFileSync(auth, `username = ada\npassword = ${PASSWORD}\n`, { mode: 0o600 });
  lab = await openLab('smbtorture');
  nas = await lab.machine();
  const call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  const disks = [1, 2].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'stripe', disks }] } }]);
  const { sealed } = await call('POST', '/api/shares/users/seal', { password: PASSWORD });
  await change(nas, call, [{ kind: 'share-user.create', user: { name: 'ada', password: sealed } }]);
  const places = LANES.flatMap((lane) => KINDS.map((kind) => ({ kind, name: `${kind}${lane}` })));
  const permissions = { owner: 'ada', access: 'owner' };
  await change(
    nas,
    call,
    places.map(({ name }) => ({ kind: 'dataset.create', dataset: { name: `tank/${name}`, permissions } })),
  );
  await change(
    nas,
    call,
    places.map(({ kind, name }) => ({ kind: 'share.put', share: { kind: 'smb', name, dataset: `tank/${name}`, ...SHARES[kind] } })),
  );
  const home = '/run/plain-shares';
  await nas.sh(`d=/dev/disk/by-id/virtio-test-disk6; mkfs.ext4 -q $d; mkdir ${home}; mount $d ${home}`);
  await nas.sh(places.map(({ name }) => `install -d -m 700 -o ada -g ada ${home}/${name}`).join('; '));
  const sections = places.map(({ kind, name }) => `[${name}]\n\tpath = ${home}/${name}\n\tread only = no\n${BY_HAND[kind]}`);
  plainPort = await plainSamba(nas, { name: 'ada', password: PASSWORD }, `\tfruit:copyfile = yes\n${sections.join('')}`);
  await nas.sh(
    `sed -i 's/fruit:nfs_aces = no/fruit:nfs_aces = yes\\n\\tfruit:copyfile = yes/' /etc/samba/smb.conf; smbcontrol smbd reload-config`,
  );
  expect(await nas.must(['grep', 'fruit', '/etc/samba/smb.conf'])).toContain('copyfile');
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  const at = join(repository, 'artifacts/lab');
  mkdirSync(at, { recursive: true });
  if (measured.size > 0)
    writeFileSync(join(at, 'smbtorture.txt'), renderList([...listed.filter((t) => !measured.has(t.test)), ...measured.values()]));
  await lab?.close(hasFailed());
});

const kindOf = (name: string): Kind => (name.startsWith('vfs.') ? 'mac' : name.startsWith('smb2.acls') ? 'acl' : 'general');
const onOurs = (name: string, lane: number, kind = kindOf(name)): Promise<Verdict> =>
  torture(name, { port: nas.spec.ports.smb, share: `${kind}${lane}`, auth, limitMs: LIMIT_MS });
const onPlain = (name: string, lane: number): Promise<Verdict> =>
  torture(name, { port: plainPort, share: `${kindOf(name)}${lane}`, auth, limitMs: LIMIT_MS });

/** Null: as good as the plain one, or the list says why not. */
const tried = async ({ test: name, reason }: Listed, lane: number): Promise<string | null> => {
  const began = Date.now();
  let [ours, plain] = await Promise.all([onOurs(name, lane), onPlain(name, lane)]);
  const isWorse = (): boolean => plain.outcome === 'pass' && ours.outcome !== 'pass';
  // many of them count seconds, of which an emulated machine has few
  if (isWorse() && reason === '') [ours, plain] = await Promise.all([onOurs(name, lane), onPlain(name, lane)]);
  const seconds = Math.round((Date.now() - began) / 1000);
  measured.set(name, { ours: ours.outcome, plain: plain.outcome, seconds, test: name, reason });
  if (!isWorse()) return null;
  if (reason === '') return `${name}: ${ours.outcome} with ours (${ours.said}), ${plain.outcome} with a plain Samba`;
  if (!reason.startsWith('encrypted')) return null;
  // encryption is the reason only if without it all is well
  const clear = await onOurs(name, lane, 'clear');
  return clear.outcome === 'pass' ? null : `${name}: ${clear.outcome} without encryption, too (${clear.said})`;
};

test('what passes on a plain Samba on ext4 passes on a share of ours on ZFS, or the list says why not', {
  timeout: 4 * 3_600_000,
}, async () => {
  const known = new Map(listed.map((t) => [t.test, t]));
  // what another version of the tests brings along is tried, too
  const there = (await listTests()).map((t): Listed => known.get(t) ?? { ours: 'none', plain: 'pass', seconds: 0, test: t, reason: '' });
  expect(there.length).toBeGreaterThan(300);
  const queue = there.filter((t) => isChosen(t) && !(t.ours === 'none' && t.reason !== ''));
  expect(queue.length).toBeGreaterThan(100);
  const worse: string[] = [];
  await Promise.all(
    LANES.map(async (lane) => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const said = await tried(next, lane);
        if (said !== null) worse.push(said);
      }
    }),
  );
  expect(worse.join('\n')).toBe('');
});
