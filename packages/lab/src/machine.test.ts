import { expect, test } from 'vitest';
import { type Machine, qemuArgv } from './machine.ts';
import { parseDisks } from './state.ts';
import { macOf, quote } from './vm.ts';

const machine: Machine = {
  name: 'nas',
  kvm: false,
  memory: '2G',
  cpus: 2,
  firmware: { code: '/fw/code', vars: '/vm/vars' },
  system: { file: '/vm/system.img', format: 'raw', serial: 'nas-system' },
  disks: [{ file: '/vm/d1', format: 'qcow2', serial: 'nas-disk1' }],
  forwards: [{ host: 8443, guest: 8443 }],
  mac: '52:54:00:00:00:01',
  credentials: { 'ssh.authorized_keys.root': 'ssh-ed25519 AAAA lab\n' },
  qmpSocket: '/run/q',
  consoleSocket: '/run/c',
  serialLog: '/vm/serial.log',
  pidFile: '/vm/pid',
};
const pairs = (argv: string[], option: string) => argv.flatMap((word, index) => (word === option ? [argv[index + 1]] : []));

test('the system disk boots, data disks carry their serials, ports are forwarded on the loopback only', () => {
  const argv = qemuArgv(machine);
  expect(pairs(argv, '-device')).toContain('virtio-blk-pci,id=dev-system,drive=system,serial=nas-system,bootindex=0');
  expect(pairs(argv, '-device')).toContain('virtio-blk-pci,bus=slot1,id=dev-d1,drive=d1,serial=nas-disk1');
  expect(pairs(argv, '-netdev')).toEqual(['user,id=lan,hostfwd=tcp:127.0.0.1:8443-:8443']);
});

test('the processor is emulated unless KVM works', () => {
  expect(pairs(qemuArgv(machine), '-accel')).toEqual(['tcg,thread=multi,tb-size=512']);
  expect(pairs(qemuArgv({ ...machine, kvm: true }), '-accel')).toEqual(['kvm']);
});

test('the key comes as a credential, so that the image holds none', () => {
  const value = Buffer.from('ssh-ed25519 AAAA lab\n').toString('base64');
  expect(pairs(qemuArgv({ ...machine, kvm: true }), '-smbios')).toEqual([
    `type=11,value=io.systemd.credential.binary:ssh.authorized_keys.root=${value}`,
  ]);
});

test('virtio disks sit in slots of their own, so that they can be pulled; there is one more for a network card', () => {
  const ports = pairs(
    qemuArgv({ ...machine, disks: Array.from({ length: 9 }, () => machine.disks[0] as (typeof machine.disks)[0]) }),
    '-device',
  );
  const slots = ports.filter((device) => device?.startsWith('pcie-root-port'));
  expect(slots).toHaveLength(10);
  expect(new Set(slots.map((slot) => /addr=[^,]+/.exec(slot ?? '')?.[0])).size).toBe(10);
});

test('disks are asked for as 6x4G', () => {
  expect(parseDisks('6x4G')).toEqual({ count: 6, bytes: 4 * 2 ** 30 });
  expect(() => parseDisks('six')).toThrow('as in 6x4G');
});

test('what the guest is told arrives word for word', () => {
  expect(quote(['echo', "it's", 'a b', '$HOME'])).toBe(`echo 'it'\\''s' 'a b' '$HOME'`);
});

test('a name always gets the same network card, two names get two', () => {
  expect(macOf('nas', 0)).toBe(macOf('nas', 0));
  expect(macOf('nas', 0)).not.toBe(macOf('b', 0));
  expect(macOf('nas', 1)).toMatch(/^52:54:00:01:/);
});
