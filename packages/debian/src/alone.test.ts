/** Two programs that build at one moment take turns; one that dies gives its turn away. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { spawnLong } from '../../lab/src/exec.ts';
import { repository } from './places.ts';

const cache = mkdtempSync(join(tmpdir(), 'dplaneos-alone-'));
afterAll(() => rmSync(cache, { recursive: true }));

/** Says when it has its turn, then keeps it until its input ends. */
const PROGRAM = `
import { alone } from ${JSON.stringify(join(repository, 'packages/debian/src/alone.ts'))};
import { Progress } from ${JSON.stringify(join(repository, 'packages/debian/src/progress.ts'))};
await alone(process.env.LOCK, new Progress(false), () => new Promise((done) => { console.log('my turn'); process.stdin.on('end', done).resume(); }));
console.log('ended');`;

const start = () => {
  let said = '';
  let told = (): void => {};
  const until = (what: string): Promise<void> =>
    new Promise((resolve) => {
      told = () => said.includes(what) && resolve();
      told();
    });
  const argv = ['env', `LOCK=${join(cache, 'lock')}`, process.execPath, '--input-type=module', '-e', PROGRAM];
  const process_ = spawnLong(argv, {
    onOutput: (text) => {
      said += text;
      told();
    },
  });
  return { ...process_, until, said: () => said };
};

test('the second waits for the first, and says so; one that is killed leaves the way free', { timeout: 60_000 }, async () => {
  const first = start();
  await first.until('my turn');
  const second = start();
  await second.until('another build has to end first');
  expect(second.said()).not.toContain('my turn');
  first.closeInput();
  await first.until('ended');
  await second.until('my turn');
  const third = start();
  await third.until('another build has to end first');
  second.kill('SIGKILL');
  await third.until('my turn');
  third.closeInput();
  await third.until('ended');
  expect(readFileSync(join(cache, 'lock'), 'utf8')).toBe('');
});
