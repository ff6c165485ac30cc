/**
 * The whole control plane on a simulated host: same daemon, same executor behind its real socket, same formats. Marked
 * as simulated in every answer. DPLANE_DEMO chooses the seed: demo (default), reverted (an update that did not come up), empty, big; DPLANE_DEMO_LATENCY makes each
 * simulated process take that many milliseconds.
 */
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFrom, EXECUTOR_TIMEOUT, readyLine, startDaemon, untilStopped } from './daemon.ts';
import { identityOf } from './domain/disk/health.ts';
import { socketExecutor } from './host/executor/client.ts';
import { execServer } from './host/executor/server.ts';
import { diskPastOf, pastOf } from './host/sim/history.ts';
import { bigModel, demoModel, emptyModel, revertedModel } from './host/sim/seeds.ts';
import { simHost } from './host/sim/sim.ts';

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const env = process.env;

const temporary = env.DPLANE_STATE === undefined || env.DPLANE_STATE === '';
const stateFolder = temporary ? mkdtempSync(join(tmpdir(), 'dplaneos-demo-')) : (env.DPLANE_STATE as string);
mkdirSync(stateFolder, { recursive: true, mode: 0o700 });

/** SIGUSR2 lets a simulated day pass: every schedule runs as often as it would have. */
const DAY = 24 * 3_600_000;
let ahead = 0;
const clock = (): number => Date.now() + ahead;

const seeds = {
  demo: () => demoModel(),
  reverted: () => revertedModel(),
  empty: () => emptyModel(6),
  big: () => bigModel({ datasets: 1000, snapshots: Number(env.DPLANE_DEMO_SNAPSHOTS ?? 10_000), shares: 50 }),
};
const seed = env.DPLANE_DEMO ?? 'demo';
if (!(seed in seeds)) throw new RangeError(`DPLANE_DEMO is ${seed}; expected one of ${Object.keys(seeds).join(', ')}`);

const host = simHost({
  model: seeds[seed as keyof typeof seeds](),
  log: join(stateFolder, 'simulated-host.log'),
  clock,
  latency: Number(env.DPLANE_DEMO_LATENCY ?? 0),
});
const socket = join(stateFolder, 'exec.sock');
const server = execServer({ host, ledgerFolder: join(stateFolder, 'exec'), clock, log });
rmSync(socket, { force: true }); // of a run that was killed
await server.listen(socket);

const daemon = await startDaemon({
  host,
  executor: socketExecutor(socket, { timeoutMs: EXECUTOR_TIMEOUT }),
  config: configFrom(env, stateFolder, join(stateFolder, 'local.sock')),
  clock,
  log,
});

/** What a box that has run for a year would have recorded; only where nothing is recorded yet. */
const giveAPast = async (): Promise<void> => {
  const { stdout } = await host.run(['zpool', 'list', '-Hp', '-o', 'guid,size,allocated'], { timeoutMs: 10_000 });
  const now = clock();
  for (const line of stdout.split('\n').filter((l) => l !== '')) {
    const [guid = '', size, allocated] = line.split('\t');
    if (daemon.store.poolSpace.since(guid, 86_400_000, 0).length === 0)
      daemon.store.poolSpace.record(pastOf({ guid, size: Number(size), allocated: Number(allocated) }, now));
  }
  for (const d of host.world.model.disks) {
    if (d.smart?.unsupported || d.smart?.power === 'standby') continue;
    const id = identityOf({ path: `/dev/disk/by-id/${d.links[0]}`, model: d.model ?? '', serial: d.serial });
    const past = diskPastOf({ serial: d.serial, temperature: d.smart?.temperature ?? 38, reallocated: d.smart?.reallocated ?? 0 }, now);
    daemon.store.transact(() => {
      for (const { at, readings } of past) daemon.store.diskHealth.record(id, readings, at);
    });
  }
};
if (seed === 'demo' || seed === 'reverted') await giveAPast();

process.on('SIGUSR2', () => {
  const end = clock() + DAY;
  const day = async (): Promise<void> => {
    while (daemon.scheduler.nextAt() <= end) {
      ahead += Math.max(0, daemon.scheduler.nextAt() - clock());
      await daemon.scheduler.runDue();
    }
    log('a simulated day has passed');
  };
  day().catch((error: unknown) => log(`simulated day: ${String(error)}`));
});

untilStopped(
  daemon,
  async () => {
    await server.close();
    if (temporary) rmSync(stateFolder, { recursive: true, force: true });
  },
  log,
);
process.stdout.write(`${readyLine(daemon)}\n`);
