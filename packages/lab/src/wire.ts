/** A private network of two running machines: a network card each, plugged in now, with fixed addresses. Nothing else is on it. */
import { freePort } from './places.ts';
import { WIRE_SLOT } from './machine.ts';
import { macOf, type Vm } from './vm.ts';

export const WIRE = { a: '10.77.0.1', b: '10.77.0.2' } as const;

export async function joinByWire(a: Vm, b: Vm): Promise<void> {
  const port = await freePort();
  await plugIn(a, { listen: `127.0.0.1:${port}` }, WIRE.a);
  await plugIn(b, { connect: `127.0.0.1:${port}` }, WIRE.b);
}

/** The card's address is told in /run, which a restart of the machine empties; the card itself stays plugged in. */
export async function rejoin(vm: Vm, address: string): Promise<void> {
  await configure(vm, address);
  await isUp(vm, address);
}

// by the machine's own name: machines that resume from one saved state share everything else
const cardOf = (vm: Vm): string => macOf(vm.spec.name, 1);

async function configure(vm: Vm, address: string): Promise<void> {
  const mac = cardOf(vm);
  const network = `[Match]\nMACAddress=${mac}\n[Network]\nAddress=${address}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n`;
  await vm.must(['sh', '-c', 'mkdir -p /run/systemd/network && cat > /run/systemd/network/05-wire.network && networkctl reload'], {
    input: network,
  });
}

const isUp = (vm: Vm, address: string): Promise<void> =>
  vm.until('the wire is up', 120_000, async () => (await vm.must(['ip', '-o', '-4', 'address'])).includes(address));

async function plugIn(vm: Vm, end: Readonly<Record<string, string>>, address: string): Promise<void> {
  const mac = cardOf(vm);
  await configure(vm, address);
  await vm.qmp('netdev_add', { type: 'socket', id: 'wire', ...end });
  await vm.qmp('device_add', { driver: 'virtio-net-pci', id: 'wire-card', netdev: 'wire', mac, bus: WIRE_SLOT });
  await isUp(vm, address);
}
