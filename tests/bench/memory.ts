/** Idle memory of the daemon beside a bare server with the same flags, and whether it stays where it was under use. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Bench, figure } from './bench.ts';
import { load } from './load.ts';
import { claim, type Daemon, drop, type Memory, memoryOf, must, scratch, startBare, startDaemon } from './processes.ts';

const IDLE_MS = 60_000;
const REQUESTS = 100_000;

/** SIGUSR2 lets the demo's daemon run the schedules of a whole day at once; it says on stderr when the day is over. */
const passDay = async (daemon: Daemon): Promise<void> => {
  const days = (): number => daemon.log().split('a simulated day has passed').length;
  const before = days();
  process.kill(daemon.pid, 'SIGUSR2');
  for (const until = Date.now() + 300_000; days() === before; await pause(100))
    if (Date.now() > until) throw new Error('the simulated day did not end');
};

const PATHS = ['/health', '/api/session', '/api/overview', '/api/zfs/datasets', '/api/zfs/snapshots?limit=100', '/api/events'];

const idleMemory = async () => {
  const folder = scratch();
  const bare = await startBare(folder);
  // compiled code is kept from the first start on, as after an installation
  await (await startDaemon('demo', folder)).stop();
  const daemon = await startDaemon('demo', folder);
  try {
    const token = await claim(daemon);
    await must(`${bare.https}/health`);
    await pause(IDLE_MS);
    const base = memoryOf(bare.pid);
    const idle = memoryOf(daemon.pid);
    let done = 0;
    for (let i = 0; done < REQUESTS && i < 1000; i += 1)
      done += (await load(`${daemon.http}${PATHS[i % PATHS.length]}`, 8, 2, token)).requests;
    await pause(IDLE_MS / 4);
    const after = memoryOf(daemon.pid);
    await passDay(daemon);
    await pause(IDLE_MS / 4);
    const nextDay = memoryOf(daemon.pid);
    const both = (when: string, m: Memory, b: Memory, note?: string) => [
      figure(`dplaned anonymous memory, ${when}`, m.anonymous, 'MB', b.anonymous, note),
      figure(`dplaned PSS, ${when}`, m.pss, 'MB', b.pss, note),
    ];
    return [
      ...both('idle for 60 s', idle, base, 'beside a bare server; goal: anonymous <= 45, PSS <= 90 and <= 1.2 x'),
      ...both(`after ${Math.round(done / 1000)}k requests`, after, idle, 'beside itself idle'),
      ...both('after 24 simulated hours of schedules', nextDay, after, 'beside itself before them'),
    ];
  } finally {
    await daemon.stop();
    await bare.stop();
    drop(folder);
  }
};

export const benches: Bench[] = [{ name: 'memory', run: idleMemory }];
