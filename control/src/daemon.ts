/** `dplaned` put together, for a real host (main.ts) and the simulated one (demo.ts). Nothing else composes it. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createApi } from './api/server.ts';
import { createEngine } from './engine/create.ts';
import type { Scheduler } from './engine/scheduler.ts';
import type { Executor } from './host/executor.ts';
import type { Host } from './host/host.ts';
import { systemdNotify } from './notify.ts';
import type { SealedHead } from './store/audit-seal.ts';
import { describeStepBack } from './store/step-back.ts';
import { openStore } from './store/store.ts';
import type { Clock, Store } from './store/types.ts';

export const VERSION = '0.1.0';
/** When the start has settled, and from then on as often. */
const FIRST_REST = 20_000;
const REST_EVERY = 60_000;
/** Long enough for an operation that waits behind others of its pool; an answer lost beyond it is asked for by id. */
export const EXECUTOR_TIMEOUT = 600_000;

export type DaemonConfig = {
  stateFolder: string;
  port: number;
  listen: string;
  /** Plain HTTP, loopback only. */
  httpPort: number | null;
  localSocket: string | null;
  uiFolder: string | null;
};

const portOf = (text: string | undefined, name: string): number | null => {
  if (text === undefined || text === '') return null;
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0 || n > 65_535) throw new RangeError(`${name} is not a port: ${text}`);
  return n;
};

/** Of the sources (control/src) and of packed programs (programs, programs/parts) alike, and nowhere else. */
const builtUi = (): string | null => ['..', '../..'].map((up) => join(import.meta.dirname, up, 'ui/dist')).find(existsSync) ?? null;

export const configFrom = (env: NodeJS.ProcessEnv, stateFolder: string, localSocket: string | null): DaemonConfig => {
  return {
    stateFolder,
    port: portOf(env.DPLANE_PORT, 'DPLANE_PORT') ?? 8443,
    listen: env.DPLANE_LISTEN ?? '::',
    httpPort: portOf(env.DPLANE_HTTP_PORT, 'DPLANE_HTTP_PORT'),
    localSocket,
    uiFolder: builtUi(),
  };
};

/** Made once, readable by the daemon alone; an unreadable or short key stops the start rather than begin a new chain. */
const keyAt = (path: string): Buffer => {
  if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o400, flag: 'wx' });
  const key = readFileSync(path);
  if (key.length !== 32)
    throw new Error(`${path} does not hold a key of 32 bytes; restore it from a backup, or move it and the database away to begin anew`);
  return key;
};

export type Daemon = { url: string; claimCode: string | null; scheduler: Scheduler; store: Store; stop: () => Promise<void> };

export const startDaemon = async (deps: {
  host: Host;
  executor: Executor;
  config: DaemonConfig;
  clock: Clock;
  log: (line: string) => void;
}): Promise<Daemon> => {
  const { host, executor, config, clock, log } = deps;
  mkdirSync(config.stateFolder, { recursive: true, mode: 0o700 });
  chmodSync(config.stateFolder, 0o700);
  const store = openStore({
    path: join(config.stateFolder, 'dplaneos.db'),
    auditKey: keyAt(join(config.stateFolder, 'audit.key')),
    sealPath: join(config.stateFolder, 'audit.seal'),
    clock,
    onStepBack: (r) =>
      log(
        `<4>${describeStepBack(r)}; audit head was seq=${r.newer?.seq ?? '?'} hmac=${r.newer?.hmac ?? '?'}, is seq=${r.cut.seq} hmac=${r.cut.hmac}`,
      ),
    // a second witness that nobody rewrites by copying a file back: the journal
    ...(host.simulated ? {} : { onSeal: (head: SealedHead) => log(`<6>audit head count=${head.count} seq=${head.seq} hmac=${head.hmac}`) }),
  });
  const { engine, scheduler } = createEngine({
    host,
    executor,
    store,
    clock,
    random: randomBytes,
    backupFolder: join(config.stateFolder, 'backup'),
    preUpgradeFolder: join(config.stateFolder, 'pre-upgrade'),
    log,
    pause: async (ms) => void (await pause(ms)),
  });
  const api = await createApi({
    engine,
    store,
    clock,
    random: randomBytes,
    config: { ...config, host: config.listen, simulated: host.simulated, version: VERSION },
    log,
  });
  const { url, fingerprint } = await api.listen();
  log(`its certificate: SHA-256 ${fingerprint}`);
  await engine.start();

  const notify = systemdNotify(host);
  await notify.ready();
  // the database answers and the event loop turns, or the ping does not go out
  notify.startWatchdog(() => store.schemaVersion() > 0);

  // V8 and SQLite keep what they once needed: at rest it is given back. (`--expose-gc` makes the first possible.)
  const rest = (): void => {
    store.rest();
    globalThis.gc?.();
  };
  const resting = [setTimeout(rest, FIRST_REST), setInterval(rest, REST_EVERY)];
  for (const timer of resting) timer.unref();

  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      for (const timer of resting) clearTimeout(timer);
      await notify.stopping();
      await api.close();
      await engine.stop();
      store.close();
    })();
    return stopping;
  };
  return { url, claimCode: api.claimCode, scheduler, store, stop };
};

export const readyLine = (d: Pick<Daemon, 'url' | 'claimCode'>): string =>
  d.claimCode === null ? `ready ${d.url} claimed` : `ready ${d.url} claim ${d.claimCode}`;

/** Ends the process cleanly on SIGTERM and SIGINT, and loudly on a bug. */
export const untilStopped = (d: Daemon, more: () => Promise<void>, log: (line: string) => void): void => {
  const end = (): void => {
    d.stop()
      .then(more)
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log(`stopping: ${error instanceof Error ? error.message : String(error)}`);
          process.exit(1);
        },
      );
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
};
