/** From the start of the process to the first answered /health, with state and compile cache there already. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Bench, figure, median } from './bench.ts';
import { ask, drop, freePort, scratch, startBare, startDaemon } from './processes.ts';

const TIMES = 7;

/** Polls every 5 ms until the first 200, beside `start`, which is under way. */
const firstAnswer = async (url: string, start: () => Promise<{ stop: () => Promise<void> }>): Promise<number> => {
  const began = performance.now();
  const starting = start();
  let took: number | null = null;
  const failed = starting.then(
    () => false,
    () => true,
  );
  const limit = began + 60_000;
  while (took === null && performance.now() < limit) {
    const answer = await ask(url).catch(() => null);
    if (answer?.status === 200) took = performance.now() - began;
    else await pause(5);
  }
  if (await failed) await starting;
  await (await starting).stop();
  if (took === null) throw new Error(`${url} was never answered`);
  return took;
};

const run = async () => {
  const folder = scratch();
  try {
    const [port, barePort] = [await freePort(), await freePort()];
    const daemon = () => startDaemon('demo', folder, { DPLANE_PORT: String(port) });
    const bare = () => startBare(folder, barePort);
    // once each to fill the caches
    await (await daemon()).stop();
    await (await bare()).stop();
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let i = 0; i < TIMES; i += 1) {
      ours.push(await firstAnswer(`https://127.0.0.1:${port}/health`, daemon));
      theirs.push(await firstAnswer(`https://127.0.0.1:${barePort}/health`, bare));
    }
    return [
      figure(
        'start to first /health, warm',
        median(ours),
        'ms',
        median(theirs),
        `median of ${TIMES}; beside a bare server; goal: < 600; v3.2.1: 27, v11.5: 64`,
      ),
    ];
  } finally {
    drop(folder);
  }
};

export const benches: Bench[] = [{ name: 'start', run }];
