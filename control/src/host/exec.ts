/**
 * The real host: the only place that starts a process. argv arrays, a time limit, one result shape; no shell, nothing of our
 * environment passed on. A process that can't be killed (a tool waiting for dead disks) is left behind at its time limit, and the
 * same argv is not started again while it hangs: they would pile up until the machine dies.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { realFiles } from './files.ts';
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

type Ended = { exit: number | null; signalled: boolean };
type Started = {
  stdout: Readable;
  stderr: Readable;
  /** Null when it runs. */
  refused: Promise<NodeJS.ErrnoException | null>;
  /** Exited, and its pipes closed. */
  ended: Promise<Ended>;
  kill: () => void;
};

/** Plain `spawn`: a library for it costs the daemon 9 to 12 MB, and what it adds is not needed here. */
const start = (argv: readonly string[], input: string): Started | Error => {
  const [file = '', ...args] = argv;
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn(file, args, { env: ENV, cwd: '/', stdio: 'pipe' });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error)); // an argv that no process can get: a NUL in it
  }
  const refused = new Promise<NodeJS.ErrnoException | null>((resolve) => {
    child.once('spawn', () => resolve(null));
    child.on('error', resolve);
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (exit, signal) => resolve({ exit, signalled: signal !== null }));
  });
  child.stdin.on('error', () => {}); // who ends without reading its input
  child.stdin.end(input);
  const kill = (): void => {
    child.kill('SIGTERM');
    const last = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    child.once('exit', () => clearTimeout(last));
  };
  return { stdout: child.stdout, stderr: child.stderr, refused, ended, kill };
};

/** Everything a stream says, up to a limit; `over` when it said more. */
const gather = (stream: Readable, limit: number, over: () => void): (() => string) => {
  const parts: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= limit) parts.push(chunk);
    else over();
  });
  stream.on('error', () => {});
  return () => Buffer.concat(parts).toString('utf8');
};

const whyRefused = (error: NodeJS.ErrnoException): RunFailure =>
  error.code === 'ENOENT' || error.code === 'ENOTDIR' ? 'missing' : 'spawn';

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
    // it may have come while the process was started
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

  const outOf = (argv: readonly string[]): { stdout: Readable; ended: Promise<Ended>; kill: () => void } => {
    const child = start(argv, '');
    if (child instanceof Error) throw child;
    child.stderr.resume();
    return {
      stdout: child.stdout,
      ended: child.refused.then((no) => (no === null ? child.ended : { exit: null, signalled: false })),
      kill: child.kill,
    };
  };

  const host: Host = {
    simulated: false,
    get files() {
      return realFiles(host, outOf);
    },

    async run(argv, o) {
      const not = early(argv, o);
      if (not !== null) return not;
      const startedAt = performance.now();
      const end = (exit: number | null, failure: RunFailure | null, stdout = '', stderr = ''): RunResult => ({
        argv,
        exit: failure === null ? exit : null,
        failure,
        stdout,
        stderr,
        durationMs: Math.round(performance.now() - startedAt),
      });
      const child = start(argv, o.input ?? '');
      if (child instanceof Error) return end(null, 'spawn', '', child.message);
      let tooLarge = false;
      const over = (): void => {
        if (!tooLarge) child.kill();
        tooLarge = true;
      };
      const limit = o.maxOutput ?? MAX_OUTPUT;
      const stdout = gather(child.stdout, limit, over);
      const stderr = gather(child.stderr, limit, over);
      const refused = await child.refused;
      if (refused !== null) return end(null, whyRefused(refused), '', refused.message);
      const g = guard(argv, o, child.kill, child.ended);
      const r = await Promise.race([child.ended, g.stopped]);
      g.done();
      if (r === 'left') return end(null, g.why());
      const failure = g.why() ?? (tooLarge ? 'too-large' : r.signalled ? 'killed' : null);
      return end(r.exit, failure, stdout(), stderr());
    },

    async *lines(argv, o) {
      const not = early(argv, o);
      if (not !== null) return not;
      const startedAt = performance.now();
      const end = (exit: number | null, failure: RunFailure | null, stderr: string): RunResult => ({
        argv,
        exit: failure === null ? exit : null,
        failure,
        stdout: '',
        stderr,
        durationMs: Math.round(performance.now() - startedAt),
      });
      const child = start(argv, o.input ?? '');
      if (child instanceof Error) return end(null, 'spawn', child.message);
      // stdout is not kept: it is read as it comes, and the process waits while nobody reads
      const { stdout } = child;
      stdout.setEncoding('utf8');
      stdout.on('error', () => {});
      const stderr = gather(child.stderr, MAX_OUTPUT, () => {});
      const refused = await child.refused;
      if (refused !== null) return end(null, whyRefused(refused), refused.message);
      const g = guard(argv, o, child.kill, child.ended);
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
        if (tooLarge) child.kill();
        const r = await Promise.race([child.ended, g.stopped]);
        finished = true;
        if (r === 'left') return end(null, g.why(), '');
        return end(r.exit, g.why() ?? (tooLarge ? 'too-large' : r.signalled ? 'killed' : null), stderr());
      } finally {
        g.done();
        if (!finished) child.kill();
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

    connect: (path) =>
      new Promise((resolve, reject) => {
        const socket = connect({ path });
        socket.once('connect', () => {
          socket.off('error', refused);
          resolve(socket);
        });
        const refused = (error: NodeJS.ErrnoException): void => {
          socket.destroy();
          if (isMissing(error) || error.code === 'ECONNREFUSED') resolve(null);
          else reject(error);
        };
        socket.once('error', refused);
      }),

    async list(path) {
      try {
        return await readdir(path);
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
  };
  return host;
};
