import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openStore } from './store.ts';
import { storeLab } from './store.testing.ts';

const CHILD = fileURLToPath(new URL('./crash.testing.ts', import.meta.url));

/** Kills the child at once after it has told `lines` numbers and `turns` more turns of the event loop; the last number it told. */
const killedAfter = async (folder: string, lines: number, turns: number): Promise<number> => {
  const child = spawn(process.execPath, [CHILD, folder, '30'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  let told = 0;
  let heard = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    told = Number(line);
    heard += 1;
    if (heard !== lines) continue;
    for (let i = 0; i < turns; i += 1) await new Promise(setImmediate);
    child.kill('SIGKILL');
  }
  expect((await gone)[1]).toBe('SIGKILL');
  return told;
};

it('a kill at any moment loses nothing that was told, and leaves every family in agreement', async () => {
  const lab = storeLab();
  let before = 0;
  for (const [lines, turns] of [
    [1, 0],
    [3, 5],
    [10, 1],
    [20, 40],
    [2, 200],
    [35, 13],
  ] as const) {
    const told = await killedAfter(lab.folder, lines, turns);
    expect(told).toBeGreaterThan(before);
    const store = openStore(lab.options);
    const last = store.events.lastSeq();
    expect(last).toBeGreaterThanOrEqual(told);
    expect(store.events.after(0, 100_000).map((e) => e.subject)).toEqual(Array.from({ length: last }, (_, i) => String(i + 1)));
    expect(store.audit.count()).toBe(last);
    expect(store.states.latest()?.yaml).toBe(`n: ${last}`);
    expect(store.settings.get('n')).toBe(String(last));
    expect(store.check()).toEqual([]);
    expect(await store.audit.verify()).toMatchObject({ intact: true, entries: last });
    store.close();
    before = last;
  }
});
