/** The serial console at one's fingertips. Ctrl-] leaves it, as with telnet. */
import { createConnection } from 'node:net';
import type { Vm } from './vm.ts';

const LEAVE = 0x1d;

export async function attach(vm: Vm): Promise<number> {
  if (vm.pid() === null) throw new Error(`the VM ${vm.spec.name} is not running`);
  const socket = createConnection(vm.consoleSocket);
  process.stderr.write('Ctrl-] leaves the console.\n');
  if (process.stdin.isTTY) process.stdin.setRawMode(true);
  socket.pipe(process.stdout, { end: false });
  process.stdin.on('data', (bytes: Buffer) => {
    if (bytes.includes(LEAVE)) socket.end();
    else socket.write(bytes);
  });
  await new Promise<void>((resolve, reject) => socket.once('close', () => resolve()).once('error', reject));
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdin.pause();
  return 0;
}
