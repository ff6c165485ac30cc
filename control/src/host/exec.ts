/**
 * The real host: the only place that starts a process. argv arrays, a time limit, one result shape; no shell, nothing of our
 * environment passed on. A process that can't be killed (a tool waiting for dead disks) is left behind at its time limit, and the
 * same argv is not started again while it hangs: they would pile up until the machine dies.
 */
import { constants } from 'node:fs';
import { open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Host, RunFailure, RunOptions, RunResult } from './host.ts';

const ENV = {
  LC_ALL: 'C',
  TZ: 'UTC',
  PATH: '/run/wrappers/bin:/run/current-system/sw/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
} as const;
const MAX_OUTPUT = 64 * 1024 ** 2;
/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

const base = (o: RunOptions) =>
  ({
    env: ENV,
    extendEnv: false,
    cwd: '/',
    reject: false,
    stripFinalNewline: false,
    forceKillAfterDelay: GRACE_MS,
    input: o.input ?? '',
  }) as const;

/** Of an ended subprocess; the parts of execa's result that tell why. */
type Ended = { exitCode?: number; code?: string; isMaxBuffer: boolean; isTerminated: boolean; message?: string; stderr?: unknown };
const failureOf = (r: Ended): RunFailure | null => {
  if (r.code === 'ENOENT' || r.code === 'ENOTDIR') return 'missing';
  if (r.isMaxBuffer) return 'too-large';
  if (r.exitCode !== undefined) return null;
  return r.isTerminated ? 'killed' : 'spawn';
};

export const realHost = (): Host => {
  /** argv of processes that outlived their time limit and SIGKILL. */
  const hanging = new Set<string>();

  /** Stops a process at its limit or on abort. `stopped` resolves when waiting for it any longer makes no sense. */
  const guard = (
    argv: readonly string[],
    o: RunOptions,
    kill: () => void,
    ended: Promise<unknown>,
  ): { why: () => RunFailure | null; stopped: Promise<'left'>; done: () => void } => {
    const key = argv.join('\0');
    let why: RunFailure | null = null;
    let leave: () => void = () => {};
    let last: NodeJS.Timeout | undefined;
    const stopped = new Promise<'left'>((resolve) => {
      leave = () => {
        hanging.add(key);
        void ended.finally(() => hanging.delete(key));
        resolve('left');
      };
    });
    const stop = (reason: RunFailure): void => {
      if (why !== null) return;
      why = reason;
      kill();
      last = setTimeout(leave, GRACE_MS + 500);
    };
    const timer = setTimeout(() => stop('timeout'), o.timeoutMs);
    const onAbort = (): void => stop('aborted');
    // it may have come while execa was loaded
    if (o.signal?.aborted) onAbort();
    o.signal?.addEventListener('abort', onAbort, { once: true });
    return {
      why: () => why,
      stopped,
      done: () => {
        clearTimeout(timer);
        clearTimeout(last);
        o.signal?.removeEventListener('abort', onAbort);
      },
    };
  };

  const early = (argv: readonly string[], o: RunOptions): RunResult | null => {
    const no = (failure: RunFailure, stderr: string): RunResult => ({ argv, exit: null, failure, stdout: '', stderr, durationMs: 0 });
    if (o.signal?.aborted) return no('aborted', '');
    if (hanging.has(argv.join('\0'))) return no('timeout', 'the same command still hangs from before');
    return null;
  };

  return {
    simulated: false,

    async run(argv, o) {
      const not = early(argv, o);
      if (not !== null) return not;
      // loaded at the first process: it costs about 9 MB, and the demo never needs it
      const { execa } = await import('execa');
      const [file = '', ...args] = argv;
      const startedAt = performance.now();
      const subprocess = execa(file, args, { ...base(o), maxBuffer: o.maxOutput ?? MAX_OUTPUT });
      const ended = subprocess.then((r) => r);
      const g = guard(argv, o, () => subprocess.kill(), ended);
      const r = await Promise.race([ended, g.stopped]);
      g.done();
      const durationMs = Math.round(performance.now() - startedAt);
      if (r === 'left') return { argv, exit: null, failure: g.why(), stdout: '', stderr: '', durationMs };
      const failure = g.why() ?? failureOf(r);
      const stderr = failure === 'spawn' ? String(r.shortMessage ?? '') : String(r.stderr ?? '');
      return { argv, exit: failure === null ? (r.exitCode ?? null) : null, failure, stdout: String(r.stdout ?? ''), stderr, durationMs };
    },

    async *lines(argv, o) {
      const not = early(argv, o);
      if (not !== null) return not;
      const { execa } = await import('execa');
      const [file = '', ...args] = argv;
      const startedAt = performance.now();
      // stdout is not kept: it is read as it comes, and the process waits while nobody reads
      const subprocess = execa(file, args, { ...base(o), buffer: { stdout: false, stderr: true }, maxBuffer: MAX_OUTPUT });
      const ended = subprocess.then((r) => r);
      const g = guard(argv, o, () => subprocess.kill(), ended);
      const { stdout } = subprocess;
      stdout.setEncoding('utf8');
      // a process that can't be killed keeps its pipe open: reading has to end without it
      void g.stopped.then(() => stdout.destroy());
      let taken = 0;
      let tooLarge = false;
      let finished = false;
      let rest = '';
      try {
        try {
          for await (const chunk of stdout) {
            const text = String(chunk);
            taken += text.length;
            const parts = (rest + text).split('\n');
            rest = parts.pop() ?? '';
            tooLarge = rest.length > MAX_OUTPUT || (o.maxOutput !== undefined && taken > o.maxOutput);
            if (tooLarge) break;
            yield* parts;
          }
        } catch (error) {
          // cut off by ourselves, above: the result says why
          if (g.why() === null) throw error;
        }
        if (rest !== '' && g.why() === null && !tooLarge) yield rest;
        if (tooLarge) subprocess.kill();
        const r = await Promise.race([ended, g.stopped]);
        finished = true;
        const durationMs = Math.round(performance.now() - startedAt);
        if (r === 'left') return { argv, exit: null, failure: g.why(), stdout: '', stderr: '', durationMs };
        const failure = g.why() ?? (tooLarge ? 'too-large' : failureOf(r));
        return {
          argv,
          exit: failure === null ? (r.exitCode ?? null) : null,
          failure,
          stdout: '',
          stderr: String(r.stderr ?? ''),
          durationMs,
        };
      } finally {
        g.done();
        if (!finished) subprocess.kill();
      }
    },

    async readText(path) {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },

    async writeText(path, text, mode) {
      const folder = dirname(path);
      const beside = `${path}.${process.pid}.${Math.trunc(performance.now() * 1000)}.tmp`;
      const file = await open(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
      try {
        try {
          await file.writeFile(text);
          await file.chmod(mode); // the umask doesn't decide
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(beside, path);
      } catch (error) {
        await unlink(beside).catch(() => {});
        throw error;
      }
      const dir = await open(folder, 'r');
      try {
        await dir.sync();
      } finally {
        await dir.close();
      }
    },

    async list(path) {
      try {
        return await readdir(path);
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
  };
};
