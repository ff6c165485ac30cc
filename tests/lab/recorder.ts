/**
 * Runs commands in a guest over ssh and stores what the tool really answered, one JSON file per command.
 * A recording is { tool, version, argv, exit, stdout, stderr }; `argv[0]` is the tool itself.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Long, type Result, run, spawnLong } from '../../packages/lab/src/exec.ts';

export interface Guest {
  readonly port: number;
  readonly identity: string;
}

/** Splits plain words on spaces; whatever needs its spaces kept comes as a separate argument. */
export function words(text: string, ...rest: readonly string[]): string[] {
  return [...text.split(' ').filter((word) => word !== ''), ...rest];
}

/** ssh hands one string to the guest's shell: each word is quoted, so the guest sees the same argv. */
export function quote(argv: readonly string[]): string {
  return argv.map((word) => (/^[A-Za-z0-9_./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

export class Recorder {
  readonly #guest: Guest;
  readonly #folder: string;
  readonly #versions = new Map<string, string>();
  readonly recorded: string[] = [];

  constructor(guest: Guest, folder: string) {
    this.#guest = guest;
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  #ssh(): string[] {
    const { port, identity } = this.#guest;
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'ControlMaster=auto', 'ControlPersist=60'];
    const control = `ControlPath=/tmp/lab-record-${port}`;
    return ['ssh', '-q', '-i', identity, '-p', String(port), ...[...options, control].flatMap((o) => ['-o', o]), 'root@127.0.0.1'];
  }

  async guest(argv: readonly string[], input?: string): Promise<Result> {
    const result = await run([...this.#ssh(), quote(['env', 'LC_ALL=C.UTF-8', ...argv])], {
      timeoutMs: 300_000,
      ...(input === undefined ? {} : { input }),
    });
    // zfs itself ends with 255 now and then; ssh -q that found nobody has nothing to say.
    if (result.exit === 255 && result.stderr === '') throw new Error(`no answer from the guest for: ${argv.join(' ')}\n${result.stderr}`);
    return result;
  }

  /** Prepares the guest; must succeed, is not recorded. */
  async prepare(argv: readonly string[], input?: string): Promise<string> {
    const result = await this.guest(argv, input);
    if (result.exit !== 0) throw new Error(`preparing: ${argv.join(' ')} ended with ${result.exit}\n${result.stderr}`);
    return result.stdout;
  }

  /** Prepares the guest with a line of shell; for redirections only. */
  async script(text: string): Promise<string> {
    return this.prepare(['sh', '-ec', text]);
  }

  longHost(argv: readonly string[]): Long {
    return spawnLong(argv);
  }

  longInGuest(argv: readonly string[]): Long {
    return spawnLong([...this.#ssh(), quote(argv)]);
  }

  /** Runs `argv` and stores the answer as `<name>.json`. */
  async record(name: string, argv: readonly string[], input?: string): Promise<Result> {
    const tool = argv[0] ?? '';
    const result = await this.guest(argv, input);
    const { exit, stdout, stderr } = result;
    const recording = { tool, version: await this.#version(tool), argv, exit, stdout, stderr };
    writeFileSync(join(this.#folder, `${name}.json`), `${JSON.stringify(recording, null, 2)}\n`);
    this.recorded.push(name);
    console.log(`${String(exit).padStart(3)}  ${name}  ${stderr.trim().split('\n')[0] ?? ''}`);
    return result;
  }

  async #version(tool: string): Promise<string> {
    const known = this.#versions.get(tool);
    if (known !== undefined) return known;
    const version = await this.#askVersion(tool);
    this.#versions.set(tool, version);
    return version;
  }

  async #askVersion(tool: string): Promise<string> {
    const zfs = async () => (await this.guest(['zfs', 'version'])).stdout;
    const samba = async () => (await this.guest(['smbd', '--version'])).stdout;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder
    const nfs = async () => (await this.guest(['dpkg-query', '-W', '-f=${Version}', 'nfs-kernel-server'])).stdout;
    const own = async () => (await this.guest([tool, '--version'])).stdout;
    const from: Record<string, () => Promise<string>> = {
      zfs,
      zpool: zfs,
      smbstatus: samba,
      testparm: samba,
      pdbedit: samba,
      smbpasswd: samba,
      smbcontrol: samba,
      exportfs: nfs,
    };
    const text = await (from[tool] ?? own)();
    return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? 'unknown';
  }
}
