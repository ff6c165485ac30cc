/**
 * A Samba as one writes it by hand, beside the appliance's own in the same machine: the same program, files of its own, another port. What ours
 * does is held against it. It is gone with the next restart of the machine.
 */
import { freePort } from '../../packages/lab/src/places.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';

export interface Account {
  readonly name: string;
  readonly password: string;
}

const HOME = '/run/plain-samba';
const PORT = 1445;

/** `shares`: the sections, as they stand in smb.conf. Gives the port of this machine that leads to it. */
export async function plainSamba(vm: Vm, { name, password }: Account, shares: string): Promise<number> {
  const folders = ['lock', 'state', 'cache', 'pid', 'private'].map((what) => `\t${what} directory = ${HOME}/${what}\n`).join('');
  const own = `\tworkgroup = WORKGROUP\n\tserver role = standalone server\n\tsmb ports = ${PORT}\n\tdisable netbios = yes\n`;
  const quiet = `\tload printers = no\n\tprintcap name = /dev/null\n\tdisable spoolss = yes\n\tlogging = systemd\n`;
  await vm.must(['sh', '-c', `mkdir -p -m 700 ${HOME}/private; mkdir -p -m 755 ${HOME}/pid; cat > ${HOME}/smb.conf`], {
    input: `[global]\n${own}${quiet}${folders}${shares}`,
  });
  await vm.must(['pdbedit', '-s', `${HOME}/smb.conf`, '-a', '-t', '-u', name], { input: `${password}\n${password}\n` });
  await vm.must(['systemd-run', '--unit=plain-samba', 'smbd', '--foreground', '--no-process-group', `--configfile=${HOME}/smb.conf`]);
  await vm.until('the plain Samba listens', 240_000, async () => (await vm.must(['ss', '-ltn'])).includes(`:${PORT} `));
  const port = await freePort();
  await vm.qmp('human-monitor-command', { 'command-line': `hostfwd_add lan tcp:127.0.0.1:${port}-:${PORT}` });
  return port;
}
