/**
 * The only place in the lab that starts a process.
 *
 * argv arrays, never a shell string; every call that is waited for has a time limit; every call gives one result shape,
 * whatever went wrong. `spawnLong` is for what outlives the call (a VM, an interactive session) and hands back a handle.
 */
import { execa } from 'execa';

export interface Result {
  readonly argv: readonly string[];
  /** null: the program never ran to an end (not found, killed, time limit). */
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Set when the program could not be started at all. */
  readonly startError?: string;
}

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly input?: string | { readonly file: string };
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** At the time limit SIGKILL instead of SIGTERM: for what may hang beyond asking. */
  readonly hardKill?: boolean;
  /** Called with every piece of output as it comes; for progress and logs. */
  readonly onOutput?: (chunk: string) => void;
}

export class CommandFailed extends Error {
  readonly result: Result;
  constructor(result: Result) {
    const why = result.timedOut
      ? 'ran out of time'
      : result.startError !== undefined
        ? result.startError
        : `ended with ${result.exit ?? 'a signal'}`;
    const tail = (result.stderr || result.stdout).trim().split('\n').slice(-15).join('\n');
    super(`${result.argv[0]} ${why}\n  ${result.argv.join(' ')}\n${tail}`);
    this.name = 'CommandFailed';
    this.result = result;
  }
}

export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  const [file, ...args] = argv;
  if (file === undefined) throw new TypeError('run: empty argv');
  const child = execa(file, args, {
    reject: false,
    stripFinalNewline: false,
    timeout: options.timeoutMs ?? 60_000,
    ...(options.hardKill === true ? { killSignal: 'SIGKILL' as const } : {}),
    maxBuffer: 64 * 1024 * 1024,
    ...inputOf(options.input),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
    ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
  });
  if (options.onOutput !== undefined) {
    const tell = options.onOutput;
    child.stdout?.on('data', (chunk: Buffer) => tell(chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => tell(chunk.toString()));
  }
  const end = await child;
  const ran = end.exitCode !== undefined || end.signal !== undefined || end.timedOut;
  return {
    argv,
    exit: end.exitCode ?? null,
    stdout: end.stdout ?? '',
    stderr: end.stderr ?? '',
    timedOut: end.timedOut,
    ...(ran ? {} : { startError: end.shortMessage ?? 'could not be started' }),
  };
}

const inputOf = (input: RunOptions['input']) =>
  input === undefined ? { stdin: 'ignore' as const } : typeof input === 'string' ? { input } : { inputFile: input.file };

/** Like `run`, but anything other than exit 0 throws `CommandFailed`. Gives stdout. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.exit !== 0) throw new CommandFailed(result);
  return result.stdout;
}

export interface Long {
  readonly pid: number;
  /** Resolves when the process has ended, however it ended. */
  readonly ended: Promise<{ exit: number | null; signal: string | null }>;
  write(text: string): void;
  closeInput(): void;
  kill(signal?: NodeJS.Signals): void;
}

/**
 * Starts a process that lives on until `kill`. `output` is a file its words go to; "inherit" gives it the terminal.
 * With `detached` it outlives this program.
 */
export function spawnLong(
  argv: readonly string[],
  options: {
    readonly output?: { readonly file: string } | 'inherit';
    readonly detached?: boolean;
    readonly onOutput?: (chunk: string) => void;
  } = {},
): Long {
  const [file, ...args] = argv;
  if (file === undefined) throw new TypeError('spawnLong: empty argv');
  const output = options.output ?? (options.onOutput === undefined ? 'ignore' : 'pipe');
  const child = execa(file, args, {
    reject: false,
    buffer: false,
    cleanup: options.detached !== true,
    detached: options.detached === true,
    stdin: output === 'inherit' ? 'inherit' : 'pipe',
    stdout: output,
    stderr: output,
  });
  if (options.onOutput !== undefined) child.stdout?.on('data', (chunk: Buffer) => options.onOutput?.(chunk.toString()));
  return {
    pid: child.pid ?? -1,
    ended: child.then((end) => ({ exit: end.exitCode ?? null, signal: end.signal ?? null })),
    write: (text) => void child.stdin?.write(text),
    closeInput: () => void child.stdin?.end(),
    kill: (signal = 'SIGTERM') => void child.kill(signal),
  };
}
