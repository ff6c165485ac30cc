/**
 * One virtual machine: started, reached, stopped or cut. What it is made of is in its folder, so that another program (`npm run
 * lab`) can take hold of a machine that is already running.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Long, must, type Result, type RunOptions, run, spawnLong } from './exec.ts';
import { type Disk, qemuArgv } from './machine.ts';
import { firmware, freePort, socketFolder } from './places.ts';
import { Qmp } from './qmp.ts';

/** Guest ports that are forwarded, by what they are for. */
export const GUEST_PORTS = { ssh: 22, https: 8443, smb: 445, nfs: 2049 } as const;
export type Service = keyof typeof GUEST_PORTS;

export interface VmSpec {
  readonly name: string;
  /** Whose network card it has; machines that resume from one saved state share it. */
  readonly identity?: string;
  /** Where everything about this machine is kept. */
  readonly folder: string;
  readonly kvm: boolean;
  readonly memory: string;
  readonly cpus: number;
  readonly system: Disk;
  readonly disks: readonly Disk[];
  readonly ports: Readonly<Record<Service, number>>;
}

export class Vm {
  readonly spec: VmSpec;

  constructor(spec: VmSpec) {
    this.spec = spec;
  }

  static load(folder: string): Vm {
    const file = join(folder, 'machine.json');
    if (!existsSync(file)) throw new Error('there is no such VM; see: npm run lab -- list');
    // Written by start() below.
    return new Vm(JSON.parse(readFileSync(file, 'utf8')) as VmSpec);
  }

  get serialLog(): string {
    return join(this.spec.folder, 'serial.log');
  }

  #path(name: string): string {
    return join(this.spec.folder, name);
  }

  /** Two machines may have one name, in two folders. */
  #socket(purpose: string): string {
    const folder = createHash('sha256').update(this.spec.folder).digest('hex').slice(0, 8);
    return join(socketFolder(), `${this.spec.name}-${folder}.${purpose}`);
  }

  get consoleSocket(): string {
    return this.#socket('console');
  }

  get qmpSocket(): string {
    return this.#socket('qmp');
  }

  /** The process id of the running machine, or null. A stale file of another process is not taken for it. */
  pid(): number | null {
    try {
      const pid = Number(readFileSync(this.#path('pid'), 'utf8'));
      const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return argv.includes(this.#path('pid')) ? pid : null;
    } catch {
      return null;
    }
  }

  /** Powers on, or resumes from a state saved with `save`. */
  async start(resumeFrom?: string): Promise<void> {
    if (this.pid() !== null) throw new Error(`the VM ${this.spec.name} is running already`);
    mkdirSync(this.spec.folder, { recursive: true });
    const vars = this.#path('vars.fd');
    if (!existsSync(vars)) writeFileSync(vars, readFileSync(firmware().vars));
    const key = this.#path('id_ed25519');
    if (!existsSync(key)) await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', key]);
    for (const stale of [this.consoleSocket, this.qmpSocket, this.#path('pid')]) rmSync(stale, { force: true });
    writeFileSync(this.#path('machine.json'), `${JSON.stringify(this.spec, null, 1)}\n`);
    const argv = this.#argv(resumeFrom);
    await must([...argv, '-daemonize'], { timeoutMs: 60_000 });
    if (resumeFrom !== undefined) await this.#resumed();
  }

  #argv(resumeFrom?: string): string[] {
    return qemuArgv({
      ...this.spec,
      firmware: { code: firmware().code, vars: this.#path('vars.fd') },
      forwards: Object.entries(GUEST_PORTS).map(([service, guest]) => ({ host: this.spec.ports[service as Service], guest })),
      mac: macOf(this.spec.identity ?? this.spec.name, 0),
      credentials: labCredentials(readFileSync(`${this.#path('id_ed25519')}.pub`, 'utf8')),
      qmpSocket: this.qmpSocket,
      consoleSocket: this.consoleSocket,
      serialLog: this.serialLog,
      pidFile: this.#path('pid'),
      ...(resumeFrom === undefined ? {} : { resumeFrom }),
    });
  }

  async #resumed(): Promise<void> {
    const qmp = await Qmp.open(this.qmpSocket);
    try {
      for (;;) {
        // QMP's own words
        const { status } = (await qmp.command('query-status')) as { status: string };
        if (status !== 'inmigrate') break;
        await pause(50);
      }
      await qmp.command('cont');
    } finally {
      qmp.close();
    }
    // the guest's clock stood still while it was saved
    await this.sshReady(60_000);
    await this.must(['date', '-u', '-s', `@${Math.floor(Date.now() / 1000)}`]);
  }

  /** Writes the running machine to a file, for `start(file)`; the machine is gone afterwards. Its disks must not change in between. */
  async save(file: string): Promise<void> {
    await this.qmp('stop');
    await this.qmp('migrate', { uri: `exec:cat > ${file}` });
    for (;;) {
      const { status } = (await this.qmp('query-migrate')) as { status: string };
      if (status === 'completed') break;
      if (status === 'failed') throw new Error('saving the machine failed');
      await pause(100);
    }
    await this.qmp('quit').catch(() => {});
    await this.#gone(30_000);
  }

  async qmp(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const qmp = await Qmp.open(this.qmpSocket);
    try {
      return await qmp.command(command, args);
    } finally {
      qmp.close();
    }
  }

  get sshArgv(): string[] {
    return this.#ssh(['ControlMaster=auto', 'ControlPersist=120', `ControlPath=${this.#socket('ssh')}`]);
  }

  #ssh(more: readonly string[]): string[] {
    const options = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'LogLevel=ERROR',
      'ConnectTimeout=60',
      'IdentitiesOnly=yes',
    ];
    const alive = ['ServerAliveInterval=10', 'ServerAliveCountMax=6'];
    const target = ['-i', this.#path('id_ed25519'), '-p', String(this.spec.ports.ssh), 'root@127.0.0.1'];
    return ['ssh', ...[...options, ...alive, ...more].flatMap((option) => ['-o', option]), ...target];
  }

  /** The answer to a command; null while nobody answers. Over a connection of its own: shared ones outlive restarts. */
  async ask(argv: readonly string[]): Promise<string | null> {
    const answer = await run([...this.#ssh(['ControlPath=none']), quote(argv)], { timeoutMs: 30_000, hardKill: true });
    return answer.exit === 0 ? answer.stdout : null;
  }

  /** Which start of the system this is; null while nobody answers. */
  async bootId(): Promise<string | null> {
    return (await this.ask(['cat', '/proc/sys/kernel/random/boot_id']))?.trim() ?? null;
  }

  /** Restarts the system properly and waits until it can be reached again. */
  async restart(limitMs = 480_000): Promise<void> {
    const before = await this.bootId();
    await this.forgetSsh();
    await this.ask(['systemctl', '--no-block', 'reboot']);
    await this.until('the system has restarted', limitMs, async () => {
      const now = await this.bootId();
      return now !== null && now !== before;
    });
  }

  /** Runs a command in the guest, as root. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run([...this.sshArgv, quote(argv)], { timeoutMs: 240_000, ...options });
  }

  must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return must([...this.sshArgv, quote(argv)], { timeoutMs: 240_000, ...options });
  }

  sh(script: string, options: RunOptions = {}): Promise<string> {
    return this.must(['sh', '-ec', script], options);
  }

  long(argv: readonly string[]): Long {
    return spawnLong([...this.sshArgv, quote(argv)]);
  }

  async sshReady(limitMs = 480_000): Promise<void> {
    await this.until('ssh answers', limitMs, async () => (await this.bootId()) !== null);
  }

  /** Waits for a line on the serial console; gives it. */
  async console(pattern: RegExp, limitMs = 480_000): Promise<string> {
    let found = '';
    await this.until(`"${pattern.source}" on the console`, limitMs, async () => {
      found =
        this.serialText()
          .split(/\r?\n/)
          .find((line) => pattern.test(line)) ?? '';
      return found !== '';
    });
    return found;
  }

  serialText(): string {
    return existsSync(this.serialLog) ? readFileSync(this.serialLog, 'utf8') : '';
  }

  /** Asks again and again; not more than a quarter of the time, because to be asked is work, and an emulated machine has other work to do. */
  async until(what: string, limitMs: number, test: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + limitMs;
    for (;;) {
      const asked = Date.now();
      if (await test()) return;
      const took = Date.now() - asked;
      if (this.pid() === null) throw new Error(`the VM ${this.spec.name} ended while waiting until ${what}\n${this.tail()}`);
      if (Date.now() > end) throw new Error(`${Math.round(limitMs / 1000)} s were not enough until ${what}\n${this.tail()}`);
      await pause(Math.min(Math.max(250, 3 * took), 5_000));
    }
  }

  tail(lines = 25): string {
    return `--- last lines of the console\n${this.serialText().replaceAll('\r', '').split('\n').slice(-lines).join('\n')}`;
  }

  /** Shuts the system down as its power button would. */
  async stop(limitMs = 240_000): Promise<void> {
    if (this.pid() === null) return;
    await this.forgetSsh();
    await this.qmp('system_powerdown');
    await this.#gone(limitMs);
  }

  /** Cuts the power: nothing in the guest gets a chance to finish. */
  async cut(): Promise<void> {
    const pid = this.pid();
    if (pid === null) return;
    process.kill(pid, 'SIGKILL');
    await this.#gone(30_000);
    await this.forgetSsh();
  }

  /** A restart as by the reset button. */
  async reset(): Promise<void> {
    await this.forgetSsh();
    await this.qmp('system_reset');
  }

  async forgetSsh(): Promise<void> {
    await run([...this.sshArgv.slice(0, -1), '-O', 'exit', 'root@127.0.0.1'], { timeoutMs: 5_000 });
  }

  async #gone(limitMs: number): Promise<void> {
    const end = Date.now() + limitMs;
    while (this.pid() !== null) {
      if (Date.now() > end) throw new Error(`the VM ${this.spec.name} did not end within ${limitMs / 1000} s\n${this.tail()}`);
      await pause(100);
    }
  }
}

/** Ports for a new machine; the UI's is the well-known one where it is free. */
export async function choosePorts(https = 0): Promise<Record<Service, number>> {
  return { ssh: await freePort(), https: await freePort(https), smb: await freePort(), nfs: await freePort() };
}

export function quote(argv: readonly string[]): string {
  return argv.map((word) => (/^[A-Za-z0-9_./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

export function macOf(name: string, card: number): string {
  const sum = [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) & 0xffff, 7);
  const hex = (n: number) => n.toString(16).padStart(2, '0');
  return `52:54:00:${hex(card)}:${hex(sum >> 8)}:${hex(sum & 0xff)}`;
}

/**
 * The appliance lets nobody log in as root. The lab does, with a key of its own that comes from outside the image, and without PAM:
 * that starts a service manager for each login, which an emulated machine is busy with for seconds.
 */
function labCredentials(publicKey: string): Record<string, string> {
  const sshd = 'f /etc/ssh/sshd_config.d/00-lab.conf 0600 root root - PermitRootLogin\\x20prohibit-password\\nUsePAM\\x20no\n';
  return { 'ssh.authorized_keys.root': publicKey, 'tmpfiles.extra': sshd };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
