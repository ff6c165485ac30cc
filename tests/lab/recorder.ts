/**
 * Runs commands in a guest and hands over what the tool really answered. A recording is { tool, version, argv, exit, stdout,
 * stderr }; `argv[0]` is the tool itself. Who gets it decides: `npm run record` stores it, record.test.ts compares it with what is stored.
 */
import { type Long, type Result, spawnLong } from '../../packages/lab/src/exec.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';

export interface Recording {
  readonly tool: string;
  readonly version: string;
  readonly argv: readonly string[];
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Splits plain words on spaces; whatever needs its spaces kept comes as a separate argument. */
export function words(text: string, ...rest: readonly string[]): string[] {
  return [...text.split(' ').filter((word) => word !== ''), ...rest];
}

export class Recorder {
  readonly #vm: Vm;
  readonly #keep: (name: string, recording: Recording) => void;
  readonly #versions = new Map<string, string>();

  constructor(vm: Vm, keep: (name: string, recording: Recording) => void) {
    this.#vm = vm;
    this.#keep = keep;
  }

  get smbPort(): number {
    return this.#vm.spec.ports.smb;
  }

  async guest(argv: readonly string[], input?: string): Promise<Result> {
    const result = await this.#vm.run(['env', 'LC_ALL=C.UTF-8', ...argv], {
      timeoutMs: 600_000,
      ...(input === undefined ? {} : { input }),
    });
    // zfs itself ends with 255 now and then; an ssh that found nobody has little to say
    if (result.exit === null || (result.exit === 255 && /^(ssh: |Connection |kex_|mux_client|$)/.test(result.stderr)))
      throw new Error(`no answer from the guest for: ${argv.join(' ')}\n${result.stderr}`);
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
    return this.#vm.long(argv);
  }

  /** Runs `argv` and hands over the answer under this name. */
  async record(name: string, argv: readonly string[], input?: string): Promise<Result> {
    const tool = argv[0] ?? '';
    const result = await this.guest(argv, input);
    const { exit, stdout, stderr } = result;
    this.#keep(name, { tool, version: await this.#version(tool), argv, exit, stdout, stderr });
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
