/** The log of writes is understood: what QEMU did to a disk comes out again, at every step. */
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { must } from '../../packages/lab/src/exec.ts';
import { Replay } from './writes.ts';

const folder = mkdtempSync(join(tmpdir(), 'dplaneos-writes-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('replayed, in order and with a lost cache', async () => {
  const [image, log, disk] = ['image', 'log', 'disk'].map((name) => join(folder, name)) as [string, string, string];
  for (const file of [image, log, disk]) writeFileSync(file, '');
  for (const file of [image, disk]) truncateSync(file, 1024 * 1024);
  const backend = `driver=blklogwrites,file.driver=file,file.filename=${image},file.discard=unmap,log.driver=file,log.filename=${log},log-sector-size=512,discard=unmap`;
  const commands = [
    'write -P 1 0 4k',
    'write -P 2 4k 4k',
    'flush',
    'write -P 3 0 4k',
    'write -P 4 8k 4k',
    'discard 4k 4k',
    'flush',
    'quit',
  ];
  await must(['qemu-io', '--image-opts', backend], { input: `${commands.join('\n')}\n` });
  const first = (at: number): number => readFileSync(disk)[at] ?? -1;
  const replay = new Replay(disk, log);
  const words = replay.writes.map((w) => (w.flush ? 'flush' : w.data === null ? 'discard' : w.at));
  // QEMU may flush more often than it is asked to
  expect(words.filter((word) => word !== 'flush')).toEqual([0, 4096, 0, 8192, 'discard']);
  expect(words.indexOf('flush')).toBe(2);
  expect(replay.unflushed(2)).toBe(0);
  const secured = words.lastIndexOf('flush', words.indexOf(8192)) + 1;
  const sent = words.indexOf(8192) + 1;
  expect(replay.unflushed(sent)).toBe(secured);
  replay.forward(secured);
  expect([first(0), first(4096), first(8192)]).toEqual([1, 2, 0]);
  // of two writes after the flush the first is lost
  let n = 0;
  await replay.lossy(
    sent,
    () => ++n > 1,
    () => {
      expect([first(0), first(8192)]).toEqual([1, 4]);
      return Promise.resolve();
    },
  );
  expect([first(0), first(8192)]).toEqual([1, 0]);
  replay.forward(replay.writes.length);
  expect([first(0), first(4096), first(8192)]).toEqual([3, 2, 4]);
  replay.close();
});
