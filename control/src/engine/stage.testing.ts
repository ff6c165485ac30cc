/** For tests: an engine over a simulated host, with its executor behind a socket and a store of its own. Ends with the test. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Actor } from '../domain/user/user.ts';
import { socketExecutor } from '../host/executor/client.ts';
import { execServer } from '../host/executor/server.ts';
import type { Executor } from '../host/executor.ts';
import type { SimModel } from '../host/sim/model.ts';
import { simHost } from '../host/sim/sim.ts';
import { openStore } from '../store/store.ts';
import { createEngine } from './create.ts';

export const ADA: Actor = { kind: 'user', name: 'ada', via: 'test' };

type SimHost = ReturnType<typeof simHost>;
/** Runs a tool on the simulated host; gives what it said. */
const shellOf =
  (host: SimHost) =>
  async (...argv: string[]): Promise<string> => {
    const r = await host.run(argv, { timeoutMs: 10_000 });
    if (r.exit !== 0) throw new Error(r.stderr);
    return r.stdout;
  };

/**
 * `before`: what happens on the host before the engine begins. `wrap`: what stands between the engine and its executor. `passes`: the engine's
 * pauses move the clock instead of lasting.
 */
export const engineOn = async (
  model: SimModel,
  options: {
    before?: (sh: ReturnType<typeof shellOf>, host: SimHost) => Promise<void>;
    wrap?: (e: Executor) => Executor;
    passes?: boolean;
  } = {},
) => {
  const folder = mkdtempSync(join(tmpdir(), 'dplaneos-engine-'));
  let now = Date.UTC(2026, 10, 20, 12);
  const clock = (): number => {
    now += 1;
    return now;
  };
  const host = simHost({ model, clock });
  const sh = shellOf(host);
  await options.before?.(sh, host);
  const server = execServer({ host, ledgerFolder: join(folder, 'exec'), clock, log: () => undefined });
  const socket = join(folder, 's');
  await server.listen(socket);
  const store = openStore({ path: join(folder, 'db'), auditKey: randomBytes(32), sealPath: join(folder, 'seal'), clock });
  const executor = (): Executor => {
    const plain = socketExecutor(socket, { timeoutMs: 60_000 });
    return options.wrap?.(plain) ?? plain;
  };
  /** Another one over the same store, as after a restart. */
  const make = () =>
    createEngine({
      host,
      executor: executor(),
      store,
      clock,
      random: randomBytes,
      preUpgradeFolder: join(folder, 'pre-upgrade'),
      backupFolder: join(folder, 'backup'),
      log: () => undefined,
      pause: async (ms) => {
        if (options.passes) now += ms;
        await pause(options.passes ? 1 : ms);
      },
    });
  const { engine, scheduler } = make();
  onTestFinished(async () => {
    await engine.stop();
    store.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    host,
    sh,
    store,
    engine,
    scheduler,
    clock,
    make: () => make().engine,
    now: () => now,
    skip: (ms: number) => {
      now += ms;
    },
  };
};
