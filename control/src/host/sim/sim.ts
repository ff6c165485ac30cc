/**
 * The simulated host: a `Host` whose tools are functions over a model. Same argv, same formats, same exit codes as the
 * real ones, so that every parser is exercised. Deterministic: a seed and a sequence of argv (with their times) give the
 * same answers. With `log`, each change is appended and fsynced before it is answered, and replayed at the next start.
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Duplex } from 'node:stream';
import type { PoolHealth } from '../../domain/pool/pool.ts';
import { OTA_FILES } from '../ota/files.ts';
import type { Host, RunFailure, RunOptions, RunResult } from '../host.ts';
import type { Answer } from './getopt.ts';
import { BY_ID, createWorld, poolHealth, type SimModel, type SimSession, type World } from './model.ts';
import { chooseByHand, otaText, uploading, uploadStep } from './ota.ts';
import { mountpointOf } from './properties.ts';
import { memoryText } from './memory.ts';
import type { SimSmart } from './smart.ts';
import { plug, unplug } from './zpool-disks.ts';
import { simFiles } from './files.ts';
import { type BeatClock, diskstatsText, isSilent, toldText, uptimeText } from './beat.ts';
import { TOLD } from '../beat/beat.ts';
import { byIdNames, execute, isReadonly, mountOf, mountTable } from './tools.ts';

export type Fault = {
  /** The beginning of an argv, a pattern over it joined by spaces, or a test. */
  match: readonly string[] | RegExp | ((argv: readonly string[]) => boolean);
  kind: 'slow' | 'hang' | 'missing' | 'garbage' | 'truncate' | 'exit';
  /** slow: how long it takes. */
  ms?: number;
  /** exit: with which code and words; nothing is done. */
  exit?: number;
  stderr?: string;
  /** How often; for ever unless told. */
  times?: number;
};

/** What changes the machine from outside of its tools: a disk dies, someone connects. Kept in the log like any change. */
export type Happening =
  | { kind: 'disk'; pool: string; disk: string; state: PoolHealth; read?: number; write?: number; checksum?: number }
  /** A disk is pulled; ZFS takes note at once, or at its next look at it. */
  | { kind: 'unplug'; disk: string; noticed: boolean }
  | { kind: 'plug'; disk: string }
  /** What a disk says of itself becomes another. */
  | { kind: 'smart'; disk: string; set: SimSmart }
  | { kind: 'suspend'; pool: string; on: boolean }
  | { kind: 'connect'; session: SimSession }
  | { kind: 'disconnect'; user: string; share: string }
  | { kind: 'unit'; unit: string; active: boolean }
  /** A file in a mounted dataset; null removes it. */
  | { kind: 'file'; path: string; size: number | null }
  /** An upload to the updater came to its end, with so many bytes. */
  | { kind: 'upload'; bytes: number; complete: boolean }
  /** Someone chose the other slot in the boot menu. */
  | { kind: 'boot-menu' };

export type SimControls = {
  /** Adds a fault; the answer takes it away again. The oldest that matches counts. */
  fault(fault: Fault): () => void;
  happen(happening: Happening): void;
  /** Every argv that names this pool or something in it hangs, as when its disks stop answering. */
  hangPool(pool: string): () => void;
  slowPool(pool: string, ms: number): () => void;
  /** Writes a file that leaves nothing free; the answer removes it. */
  fillPool(pool: string): () => void;
  /** Every argv so far, newest last; the last 10,000. */
  readonly ran: readonly (readonly string[])[];
  /** The machine itself, to look at. */
  readonly world: World;
  close(): void;
};

export type SimOptions = {
  model: SimModel;
  /** Where changes are kept; without it they end with the process. */
  log?: string;
  clock: () => number;
  /** Milliseconds each process takes; none unless told. */
  latency?: number;
};

type Entry = { at: number } & ({ argv: readonly string[]; input: string } | { write: string; text: string } | { happening: Happening });

const KSTAT = '/proc/spl/kstat/zfs';
/** One that wrote, and the one that is open. */
const txgs = (n: number): string =>
  [
    'txg birth state ndirty nread nwritten reads writes otime qtime wtime stime',
    `${n} 0 C 4096 0 4096 0 1 1 1 1 1`,
    `${n + 1} 0 O 0 0 0 0 0 0 0 0 0`,
    '',
  ].join('\n');
const fsError = (code: 'ENOSPC' | 'EROFS' | 'ENOENT', path: string): Error =>
  Object.assign(new Error(`${code}: cannot write '${path}'`), { code });

const putFile = (w: World, path: string, size: number | null, text: string | null): void => {
  const at = mountOf(w, path);
  const d = at === null ? undefined : w.dataset(at.name);
  if (at === null || d === undefined) {
    if (text === null) delete w.model.texts[path];
    else w.model.texts[path] = text;
    return;
  }
  if (isReadonly(w, d.name)) throw fsError('EROFS', path);
  const before = d.files[at.below];
  if (size !== null && size - (before ?? 0) > w.account(d).available) throw fsError('ENOSPC', path);
  // what a snapshot still refers to is charged to the newest one that does
  const keeper = d.snapshots.findLast((s) => before !== undefined && s.files[at.below] === before);
  if (keeper && before !== undefined && size !== before) keeper.used += before;
  const { [at.below]: _old, ...rest } = d.files;
  d.files = size === null ? rest : { ...rest, [at.below]: size };
  if (text === null) delete d.texts[at.below];
  else d.texts[at.below] = text;
  w.changed();
};

const happen = (w: World, h: Happening, at: number): void => {
  switch (h.kind) {
    case 'disk': {
      const leaf = w
        .pool(h.pool)
        ?.vdevs.flatMap((v) => v.leaves)
        .find((l) => l.disk === h.disk || l.disk === BY_ID + h.disk);
      if (leaf === undefined) throw new RangeError(`pool ${h.pool} has no disk ${h.disk}`);
      leaf.state = h.state;
      leaf.read += h.read ?? 0;
      leaf.write += h.write ?? 0;
      leaf.checksum += h.checksum ?? 0;
      for (const [n, cls] of [
        [(h.read ?? 0) + (h.write ?? 0), 'ereport.fs.zfs.io'],
        [h.checksum ?? 0, 'ereport.fs.zfs.checksum'],
      ] as const)
        for (let i = 0; i < Math.min(n, 20); i += 1) w.event(at, h.pool, '', '', cls, { guid: leaf.guid, disk: leaf.disk });
      w.event(at, h.pool, '', '', 'resource.fs.zfs.statechange');
      break;
    }
    case 'unplug':
      unplug(w, h.disk, h.noticed);
      break;
    case 'plug':
      plug(w, h.disk);
      break;
    case 'smart': {
      const disk = w.diskByPath(h.disk.startsWith('/') ? h.disk : BY_ID + h.disk);
      if (disk === undefined) throw new RangeError(`no disk ${h.disk}`);
      disk.smart = { ...disk.smart, ...h.set };
      break;
    }
    case 'suspend': {
      const pool = w.pool(h.pool);
      if (pool === undefined) throw new RangeError(`no pool ${h.pool}`);
      pool.suspended = h.on;
      w.event(at, h.pool, '', '', 'ereport.fs.zfs.io_failure');
      break;
    }
    case 'connect':
      w.model.sessions.push(h.session);
      break;
    case 'disconnect':
      w.model.sessions = w.model.sessions.filter((s) => s.user !== h.user || s.share !== h.share);
      break;
    case 'unit':
      w.model.stopped = h.active ? w.model.stopped.filter((u) => u !== h.unit) : [...w.model.stopped, h.unit];
      break;
    case 'upload':
      uploadStep(w, at, { bytes: h.bytes });
      uploadStep(w, at, { complete: h.complete });
      break;
    case 'boot-menu':
      chooseByHand(w, at);
      break;
    case 'file':
      putFile(w, h.path, h.size, null);
      break;
    default:
      h satisfies never;
  }
  w.changed();
};

/** Reads the log; a torn last line (the process was killed while writing it) was never answered and is cut off. */
const openLog = (path: string): { entries: Entry[]; fd: number } => {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const fd = openSync(path, 'a', 0o600);
  if (whole.length !== text.length) ftruncateSync(fd, Buffer.byteLength(whole));
  // our own file: written below, one entry a line
  const entries = whole.split('\n').flatMap((l) => (l === '' ? [] : [JSON.parse(l) as Entry]));
  return { entries, fd };
};

const matches = (f: Fault, argv: readonly string[]): boolean => {
  if (typeof f.match === 'function') return f.match(argv);
  if (f.match instanceof RegExp) return f.match.test(argv.join(' '));
  return f.match.every((word, i) => argv[i] === word);
};
const touchesPool =
  (pool: string) =>
  (argv: readonly string[]): boolean =>
    argv.some((a) => a === pool || a.startsWith(`${pool}/`) || a.startsWith(`${pool}@`));

export const simHost = (options: SimOptions): Host & SimControls => {
  const world = createWorld(options.model);
  const log = options.log === undefined ? null : openLog(options.log);
  for (const e of log?.entries ?? []) {
    if ('argv' in e) {
      execute(world, e.argv, e.at, e.input);
      world.changed();
    } else if ('write' in e) putFile(world, e.write, Buffer.byteLength(e.text), e.text);
    else happen(world, e.happening, e.at);
  }
  const append = (entry: Entry): void => {
    if (log === null) return;
    writeSync(log.fd, `${JSON.stringify(entry)}\n`);
    fsyncSync(log.fd);
  };

  let faults: (Fault & { since: number })[] = [];
  const ran: (readonly string[])[] = [];
  const takeFault = (argv: readonly string[]): Fault | undefined => {
    const f = faults.find((x) => matches(x, argv));
    if (f?.times !== undefined) {
      f.times -= 1;
      if (f.times <= 0) faults = faults.filter((x) => x !== f);
    }
    return f;
  };

  /** Waits; an answer says that the process was stopped before. */
  const wait = (ms: number, o: RunOptions): Promise<RunFailure | null> =>
    new Promise((resolve) => {
      const end = (why: RunFailure | null): void => {
        clearTimeout(timer);
        o.signal?.removeEventListener('abort', aborted);
        resolve(why);
      };
      const aborted = (): void => end('aborted');
      const timer = setTimeout(() => end(ms >= o.timeoutMs ? 'timeout' : null), Math.min(ms, o.timeoutMs));
      o.signal?.addEventListener('abort', aborted, { once: true });
    });

  /** One process, up to its answer; output that may be huge stays a generator. */
  const begin = async (
    argv: readonly string[],
    o: RunOptions,
  ): Promise<{ failure: RunFailure } | { answer: Answer; fault: Fault | undefined }> => {
    ran.push(argv);
    if (ran.length > 10_000) ran.splice(0, 5_000);
    if (o.signal?.aborted) return { failure: 'aborted' };
    const fault = takeFault(argv);
    if (fault?.kind === 'missing') return { failure: 'missing' };
    const ms = fault?.kind === 'hang' ? Number.POSITIVE_INFINITY : fault?.kind === 'slow' ? (fault.ms ?? 1_000) : (options.latency ?? 0);
    if (ms > 0) {
      const stopped = await wait(ms, o);
      if (stopped !== null) return { failure: stopped };
    }
    if (fault?.kind === 'exit') return { answer: { exit: fault.exit ?? 1, stderr: fault.stderr ?? '' }, fault };
    const now = options.clock();
    const answer = execute(world, argv, now, o.input ?? '');
    if (answer === null) return { failure: 'missing' };
    if (answer.changed) append({ at: now, argv, input: o.input ?? '' });
    return { answer, fault };
  };

  /** Does a beat of this pool hang or take long, and since when? */
  const silentSince = new Map<string, number>();
  const beats: BeatClock = {
    startedAt: options.clock(),
    trouble: (pool) => {
      const f = faults.find((x) => (x.kind === 'hang' || x.kind === 'slow') && matches(x, ['zpool', 'sync', pool]));
      if (f) return { since: f.since, slow: f.kind === 'slow' ? (f.ms ?? 1_000) : null };
      if (!isSilent(world, pool)) silentSince.delete(pool);
      else if (!silentSince.has(pool)) silentSince.set(pool, options.clock());
      const since = silentSince.get(pool);
      return since === undefined ? null : { since, slow: null };
    },
  };

  const spoil = (text: string, fault: Fault | undefined): string => {
    if (fault?.kind === 'garbage') return '\u0000\u0001\ufffd{"output_version": [[[ Segmentation fault\n';
    if (fault?.kind === 'truncate') return text.slice(0, Math.floor(text.length / 2));
    return text;
  };
  const result = (argv: readonly string[], startedAt: number, r: Partial<RunResult>): RunResult => ({
    argv,
    exit: null,
    failure: null,
    stdout: '',
    stderr: '',
    durationMs: Math.max(0, options.clock() - startedAt),
    ...r,
  });

  const host: Host & SimControls = {
    simulated: true,
    files: simFiles(world, (path, size) => host.happen({ kind: 'file', path, size })),
    async run(argv, o) {
      const startedAt = options.clock();
      const b = await begin(argv, o);
      if ('failure' in b) return result(argv, startedAt, { failure: b.failure });
      let whole = b.answer.stdout ?? '';
      if (b.answer.lines) for (const line of b.answer.lines()) whole += `${line}\n`;
      const stdout = spoil(whole, b.fault);
      const limit = o.maxOutput ?? 64 * 1024 ** 2;
      if (stdout.length > limit) return result(argv, startedAt, { failure: 'too-large', stdout: stdout.slice(0, limit) });
      return result(argv, startedAt, { exit: b.answer.exit, stdout, stderr: b.answer.stderr ?? '' });
    },
    async *lines(argv, o) {
      const startedAt = options.clock();
      const b = await begin(argv, o);
      if ('failure' in b) return result(argv, startedAt, { failure: b.failure });
      const all =
        b.answer.lines && b.fault === undefined
          ? b.answer.lines()
          : spoil(b.answer.stdout ?? [...(b.answer.lines?.() ?? [])].join('\n'), b.fault).split('\n');
      for (const line of all) {
        if (o.signal?.aborted) return result(argv, startedAt, { failure: 'aborted' });
        if (line !== '' || !b.answer.stdout) yield line;
      }
      return result(argv, startedAt, { exit: b.answer.exit, stderr: b.answer.stderr ?? '' });
    },
    async readText(path) {
      const memory = memoryText(world, path, options.clock());
      if (memory !== null) return memory;
      if (path.startsWith(`${KSTAT}/`)) {
        const [pool = '', file] = path.slice(KSTAT.length + 1).split('/');
        const p = world.pool(pool);
        if (p && file === 'txgs') return txgs(world.commits());
        return p && file === 'state' ? `${poolHealth(p)}\n` : null;
      }
      if (path === '/proc/uptime') return uptimeText(beats, options.clock());
      if (path === '/proc/diskstats') return diskstatsText(world, beats, options.clock());
      if (path.startsWith(`${TOLD}/`)) return toldText(world, beats, path.slice(TOLD.length + 1), options.clock());
      if (path === '/proc/self/mounts') return mountTable(world);
      const updater = otaText(world, path, options.clock());
      if (updater !== undefined) return updater;
      const at = mountOf(world, path);
      if (at !== null) return world.dataset(at.name)?.texts[at.below] ?? null;
      return world.model.texts[path] ?? null;
    },
    async writeText(path, bytes) {
      const text = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1');
      putFile(world, path, Buffer.byteLength(text), text);
      append({ at: options.clock(), write: path, text });
    },
    async connect(path) {
      if (path !== OTA_FILES.stream || !uploading(world, options.clock())) return null;
      let bytes = 0;
      let ended = false;
      const end = (complete: boolean): boolean => {
        if (ended) return true;
        ended = true;
        const at = options.clock();
        append({ at, happening: { kind: 'upload', bytes, complete } });
        return uploadStep(world, at, { complete });
      };
      const stream = new Duplex({
        read: () => {},
        write: (chunk: Buffer, _encoding, taken) => {
          bytes += chunk.length;
          // the updater hangs up on what it refuses
          taken(
            uploadStep(world, options.clock(), { bytes: chunk.length }) ? null : Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }),
          );
        },
        final: (taken) => {
          end(true);
          stream.push(null);
          taken();
        },
        destroy: (error, gone) => {
          end(false);
          gone(error);
        },
      });
      return stream;
    },
    async list(path) {
      const folder = path.length > 1 ? path.replace(/\/+$/, '') : path;
      if (`${folder}/` === BY_ID) return byIdNames(world);
      if (folder === KSTAT) return ['arcstats', 'dbgmsg', ...world.model.pools.map((p) => p.name)];
      const names = new Set<string>();
      const below = (full: string, base: string): void => {
        if (full.startsWith(`${base}/`)) names.add(full.slice(base.length + 1).split('/')[0] ?? '');
      };
      const at = mountOf(world, folder);
      const d = at === null ? undefined : world.dataset(at.name);
      if (at !== null && d !== undefined)
        for (const f of Object.keys(d.files)) {
          if (at.below === '') names.add(f.split('/')[0] ?? '');
          else below(f, at.below);
        }
      else for (const f of Object.keys(world.model.texts)) below(f, folder);
      for (const m of world.sorted()) {
        const point = m.mounted ? mountpointOf(world, m) : null;
        if (point !== null) below(point, folder);
      }
      if (names.size === 0 && at?.below !== '') return null;
      return [...names].sort();
    },
    fault(fault) {
      const own = { ...fault, since: options.clock() };
      faults.push(own);
      return () => {
        faults = faults.filter((f) => f !== own);
      };
    },
    happen(happening) {
      const at = options.clock();
      happen(world, happening, at);
      append({ at, happening });
    },
    hangPool: (pool) => host.fault({ match: touchesPool(pool), kind: 'hang' }),
    slowPool: (pool, ms) => host.fault({ match: touchesPool(pool), kind: 'slow', ms }),
    fillPool(pool) {
      const root = world.dataset(pool);
      const point = root === undefined ? null : mountpointOf(world, root);
      if (root === undefined || point === null) throw new RangeError(`no mounted pool ${pool}`);
      const path = `${point}/filler`;
      host.happen({ kind: 'file', path, size: world.account(root).available });
      return () => host.happen({ kind: 'file', path, size: null });
    },
    ran,
    world,
    close() {
      if (log !== null) closeSync(log.fd);
    },
  };
  return host;
};
