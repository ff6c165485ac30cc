/** Two machines on a wire of their own: what replication and failover will be tested on. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Vm } from '../../packages/lab/src/vm.ts';
import { joinByWire, WIRE } from '../../packages/lab/src/wire.ts';
import { hasFailed } from './failures.ts';
import { type Lab, openLab } from './lab.ts';

let lab: Lab;
let a: Vm;
let b: Vm;

beforeAll(async () => {
  lab = await openLab('wire');
  a = await lab.machine({ name: 'a' });
  b = await lab.machine({ name: 'b' });
  await joinByWire(a, b);
});
afterAll(() => lab?.close(hasFailed()));

test('a snapshot goes over the wire from one machine to the other, and is the same there', async () => {
  const pool = ['zpool', 'create', '-O', 'mountpoint=/mnt/tank', 'tank', '/dev/disk/by-id/virtio-test-disk1'];
  await a.must(pool);
  await b.must(pool);
  await a.sh('zfs create tank/docs; head -c 3000000 /dev/urandom > /mnt/tank/docs/letter; zfs snapshot tank/docs@sent');
  const key = (await a.sh('ssh-keygen -q -t ed25519 -N "" -f /run/wire-key; cat /run/wire-key.pub')).trim();
  await b.sh('cat >> ~/.ssh/authorized_keys', { input: `${key}\n` });
  const ssh = `ssh -i /run/wire-key -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/run/wire-hosts root@${WIRE.b}`;
  await a.sh(`zfs send tank/docs@sent | ${ssh} zfs receive tank/copy`);
  const sum = (await a.must(['sha256sum', '/mnt/tank/docs/letter'])).split(' ')[0];
  expect((await b.must(['sha256sum', '/mnt/tank/copy/letter'])).split(' ')[0]).toBe(sum);
  // what carried it is the wire and nothing else
  expect(await a.must(['ip', '-o', 'route', 'get', WIRE.b])).toContain(`src ${WIRE.a}`);
});
