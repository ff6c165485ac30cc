/** NFS from the kernel client of a second machine: versions 4 and 3, locks, fsync, a restart of the server in the middle of writing, sessions; and being found. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { uiAnswers } from '../../packages/lab/src/start.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { joinByWire, rejoin, WIRE } from '../../packages/lab/src/wire.ts';
import { type Call, change, claim, logIn } from './api.ts';
import { hasFailed, inOrder } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

inOrder();
const LIMIT = 480_000;
let lab: Lab;
let nas: Vm;
let pc: Vm;
let call: Call;
let docs = '';

type Session = {
  id: string;
  user: string | null;
  address: string;
  dialect: string;
  openFiles: number;
  files: { path: string; access: string }[];
};
const sessions = async (): Promise<Session[]> => ((await call('GET', '/api/shares/sessions')) as { sessions: Session[] }).sessions;
const mounted = (at: string, options: string): Promise<string> =>
  pc.sh(`mkdir -p ${at}; mount -t nfs -o ${options} ${WIRE.a}:${docs} ${at}; grep " ${at} " /proc/mounts`);

beforeAll(async () => {
  lab = await openLab('nfs');
  nas = await lab.machine({ name: 'nas' });
  pc = await lab.machine({ name: 'pc' });
  await joinByWire(nas, pc);
  call = await claim(nas, (await nas.must(['cat', '/var/lib/dplane/claim-code'])).trim());
  const disks = [1, 2].map((n) => `/dev/disk/by-id/virtio-test-disk${n}`);
  await change(nas, call, [{ kind: 'pool.create', pool: { name: 'tank', vdevs: [{ kind: 'mirror', disks }] } }]);
  await change(nas, call, [
    { kind: 'dataset.create', dataset: { name: 'tank/docs' } },
    { kind: 'dataset.create', dataset: { name: 'tank/small', properties: { quota: '16M' } } },
  ]);
  const clients = [{ host: '10.77.0.0/24', squash: 'none' }];
  await change(nas, call, [
    { kind: 'share.put', share: { kind: 'nfs', name: 'docs', dataset: 'tank/docs', clients } },
    { kind: 'share.put', share: { kind: 'nfs', name: 'small', dataset: 'tank/small', clients } },
    { kind: 'share.put', share: { kind: 'smb', name: 'small', dataset: 'tank/small' } },
  ]);
  docs = (await nas.must(['zfs', 'get', '-H', '-o', 'value', 'mountpoint', 'tank/docs'])).trim();
});
afterAll(() => lab?.close(hasFailed()));

test('NFS 4: mounted, written, synced; the server says who it is, what is open and what is locked', async () => {
  expect(await mounted('/mnt/four', 'vers=4.2')).toContain('vers=4.2');
  await pc.sh('head -c 1000000 /dev/urandom > /mnt/four/letter; sync /mnt/four/letter');
  const sum = (await pc.must(['sha256sum', '/mnt/four/letter'])).split(' ')[0];
  expect((await nas.must(['sha256sum', `${docs}/letter`])).split(' ')[0]).toBe(sum);
  await pc.sh('systemd-run --unit=holder flock -x /mnt/four/letter sleep infinity');
  await nas.until('the lock is seen', LIMIT, async () => (await sessions()).some((s) => s.files.some((f) => f.access === 'lock')));
  const [s] = await sessions();
  expect(s).toMatchObject({ user: null, address: WIRE.b, dialect: 'NFS 4.2' });
  expect(s?.files.some((f) => f.path.endsWith('letter'))).toBe(true);
  // by another process of that machine, and by the other version
  expect((await pc.run(['flock', '-n', '/mnt/four/letter', 'true'])).exit).toBe(1);
});

test('what is in use is neither removed nor moved away without being told who uses it', async () => {
  const plan = (await call('POST', '/api/plans', { changes: [{ kind: 'share.remove', share: 'nfs', name: 'docs' }] })) as {
    actions: { verb: string; approval: string; blocked: string | null }[];
  };
  expect(plan.actions).toMatchObject([{ verb: 'BLOCKED', approval: 'required', blocked: expect.stringContaining('connected') }]);
  await expect(change(nas, call, [{ kind: 'dataset.rename', name: 'tank/docs', to: 'tank/papers' }])).rejects.toThrow(/letter.* over NFS/);
  expect(await pc.must(['ls', '/mnt/four'])).toContain('letter');
});

test('NFS 3: mounted, written, synced, locked against version 4; it is listed with what is not known', async () => {
  expect(await mounted('/mnt/three', 'vers=3')).toContain('vers=3');
  await pc.sh('echo three > /mnt/three/three; sync /mnt/three/three');
  expect((await nas.must(['cat', `${docs}/three`])).trim()).toBe('three');
  // held over version 4: the server keeps one list of locks
  expect((await pc.run(['flock', '-n', '-x', '/mnt/three/letter', 'true'])).exit).toBe(1);
  await pc.sh('systemctl stop holder.service');
  expect((await pc.run(['flock', '-w', '120', '-x', '/mnt/three/letter', 'true'])).exit).toBe(0);
  await nas.until('it is listed', LIMIT, async () => (await sessions()).some((s) => s.dialect === 'NFS 3' && s.address === WIRE.b));
  await pc.must(['umount', '/mnt/three']);
});

test('a full dataset: whoever writes is told, and others go on', async () => {
  await pc.sh(`mkdir -p /mnt/small; mount -t nfs -o vers=4.2 ${WIRE.a}:${docs.replace(/docs$/, 'small')} /mnt/small`);
  const full = await pc.run(['dd', 'if=/dev/urandom', 'of=/mnt/small/much', 'bs=1M', 'count=40', 'conv=fsync']);
  expect(full.exit).not.toBe(0);
  expect(full.stderr).toMatch(/No space left|Disk quota exceeded/);
  await pc.sh('echo fine > /mnt/four/fine; sync /mnt/four/fine');
  await pc.sh('umount -l /mnt/small');
});

test('the server restarts while a client writes: the client goes on by itself, and all that was synced is there', async () => {
  const loop =
    'n=0; while [ ! -e /run/stop ]; do n=$((n+1)); echo "$n" >> /mnt/four/log && sync /mnt/four/log && echo "$n" > /run/acked; done';
  await pc.must(['systemd-run', '--unit=writer', 'sh', '-c', loop]);
  const acked = async (): Promise<number> => Number((await pc.run(['cat', '/run/acked'])).stdout.trim());
  await pc.until('it writes', LIMIT, async () => (await acked()) > 3);
  await nas.restart();
  await rejoin(nas, WIRE.a);
  const before = await acked();
  await pc.until('it goes on', LIMIT, async () => (await acked()) > before + 3);
  await pc.sh('touch /run/stop');
  await pc.until('it has ended', LIMIT, async () => (await pc.run(['systemctl', 'is-active', 'writer'])).exit !== 0);
  const last = await acked();
  const lines = (await nas.must(['cat', `${docs}/log`])).trim().split('\n').map(Number);
  expect(lines).toEqual(Array.from({ length: lines.length }, (_, i) => i + 1));
  expect(lines.length).toBeGreaterThanOrEqual(last);
  await uiAnswers(nas);
  call = await logIn(nas);
});

test('a connection is ended by who may, and the client, which was not to blame, comes back', async () => {
  await pc.sh('exec 9>/mnt/four/open; sleep 1; echo x >&9');
  const s = (await sessions()).find((x) => x.id.startsWith('nfs:') && x.address === WIRE.b);
  expect(s).toBeDefined();
  await call('POST', '/api/shares/sessions/end', { id: s?.id, user: null, address: WIRE.b });
  expect((await sessions()).some((x) => x.id === s?.id)).toBe(false);
  await pc.until('it works again', LIMIT, async () => (await pc.run(['sh', '-c', 'echo again > /mnt/four/again'])).exit === 0);
});

test('it is found: by multicast DNS, as Macs ask, and by WS-Discovery, as Windows does', async () => {
  await nas.until('Samba runs', LIMIT, async () => (await nas.run(['systemctl', 'is-active', 'smbd', 'wsdd2', 'avahi-daemon'])).exit === 0);
  const answers = await pc.must(['/usr/lib/dplaneos/bin/node', '-e', ASK, WIRE.a, WIRE.b], { timeoutMs: LIMIT });
  const { mdns, wsd } = JSON.parse(answers) as { mdns: string; wsd: string };
  expect(mdns).toContain('_smb');
  expect(wsd).toContain('ProbeMatches');
});

/** Asks both ways until the machine in question has answered; what came back is printed. */
const ASK = `
const [nas, own] = process.argv.slice(1);
const { createSocket } = require('node:dgram');
const name = (...labels) => Buffer.concat([...labels.map((l) => Buffer.concat([Buffer.from([l.length]), Buffer.from(l)])), Buffer.from([0])]);
const query = Buffer.concat([Buffer.from([0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), name('_smb', '_tcp', 'local'), Buffer.from([0, 12, 0, 1])]);
const probe = Buffer.from('<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" '
  + 'xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
  + 'xmlns:wsdp="http://schemas.xmlsoap.org/ws/2006/02/devprof"><soap:Header><wsa:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</wsa:To>'
  + '<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</wsa:Action><wsa:MessageID>urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a</wsa:MessageID>'
  + '</soap:Header><soap:Body><wsd:Probe><wsd:Types>wsdp:Device</wsd:Types></wsd:Probe></soap:Body></soap:Envelope>');
const found = { mdns: '', wsd: '' };
const asked = (what, packet, port, group) => {
  const socket = createSocket('udp4');
  socket.on('message', (m, from) => { if (from.address === nas) { found[what] = m.toString('latin1'); done(); } });
  socket.bind(0, own, () => {
    socket.setMulticastInterface(own);
    const send = () => socket.send(packet, port, group);
    send();
    setInterval(send, 2000);
  });
};
const done = () => { if (found.mdns !== '' && found.wsd !== '') { console.log(JSON.stringify(found)); process.exit(0); } };
asked('mdns', query, 5353, '224.0.0.251');
asked('wsd', probe, 3702, '239.255.255.250');
setTimeout(() => { console.log(JSON.stringify(found)); process.exit(0); }, 120000);
`;
