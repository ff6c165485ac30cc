/** Where a VM's state is kept between runs. Sockets live elsewhere: their paths may not be long. */
import { existsSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

export function stateFolder(name: string): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'dplaneos/lab', name);
}

export function socketFolder(): string {
  const folder = process.env.XDG_RUNTIME_DIR || join(tmpdir(), `dplaneos-lab-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

const FIRMWARE = [
  ['/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'],
  ['/usr/share/edk2/x64/OVMF_CODE.4m.fd', '/usr/share/edk2/x64/OVMF_VARS.4m.fd'],
  ['/usr/share/edk2/ovmf/OVMF_CODE.fd', '/usr/share/edk2/ovmf/OVMF_VARS.fd'],
] as const;

export function firmware(): { code: string; vars: string } {
  const found = FIRMWARE.find(([code, vars]) => existsSync(code) && existsSync(vars));
  if (found === undefined)
    throw new Error('no UEFI firmware for QEMU found: install OVMF (Debian and Ubuntu: ovmf, Fedora: edk2-ovmf, Arch: edk2-ovmf)');
  return { code: found[0], vars: found[1] };
}

/** A port nobody listens on; `wanted` if that is free. */
export async function freePort(wanted = 0): Promise<number> {
  const tryPort = (port: number) =>
    new Promise<number | null>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(null));
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : null));
      });
    });
  const port = (await tryPort(wanted)) ?? (await tryPort(0));
  if (port === null) throw new Error('no free port on 127.0.0.1');
  return port;
}
