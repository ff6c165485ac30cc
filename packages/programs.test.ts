/** The programs as packages hold them: without the sources, each does what it does in a checkout. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NATIVE, runtimePackages } from './debian/src/closure.ts';
import { repository } from './debian/src/places.ts';
import { run, spawnLong } from './lab/src/exec.ts';
import { writePrograms } from './programs.ts';

const home = mkdtempSync(join(tmpdir(), 'dplane-programs-'));
const program = (name: string): string => join(home, 'programs', `${name}.js`);
beforeAll(async () => {
  await writePrograms(join(home, 'programs'));
  cpSync(join(repository, 'package.json'), join(home, 'package.json'));
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8'));
  for (const folder of runtimePackages(lock.packages)) cpSync(join(repository, folder), join(home, folder), { recursive: true });
  mkdirSync(join(home, 'ui/dist'), { recursive: true });
  writeFileSync(join(home, 'ui/dist/index.html'), '<!doctype html><title>the interface</title>');
}, 120_000);
afterAll(() => rmSync(home, { recursive: true }));

/** The certificate is the daemon's own, of a moment ago. */
const page = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, { rejectUnauthorized: false }, (answer) => text(answer).then(resolve, reject)).on('error', reject);
  });

test('they import Node, each other, and what brings machine code', () => {
  const files = readdirSync(join(home, 'programs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  const imported = files.flatMap((name) =>
    [...readFileSync(join(home, 'programs', name), 'utf8').matchAll(/^(?:import|export) .*?from "([^"]+)";$|\bimport\("([^"]+)"\)/gm)].map(
      ([, fixed, lazy]) => fixed ?? lazy ?? '',
    ),
  );
  const others = new Set(imported.filter((name) => !/^(\.|node:)/.test(name) && !builtinModules.includes(name)));
  expect([...others]).toEqual([...NATIVE]);
  expect(imported.length).toBeGreaterThan(100);
});

test('commands answer, and tell what is wrong without a stack', async () => {
  const node = (...argv: string[]) => run([process.execPath, ...argv], { timeoutMs: 60_000 });
  expect((await node(program('dplane'), '--help')).stdout).toContain('session list');
  expect((await node(program('dplane-ota'), '--help')).exit).toBe(0);
  const odd = await node(program('dplane'), 'pool', 'lst');
  expect(odd.exit).not.toBe(0);
  expect(odd.stderr).toContain('dplane pool list');
  expect(odd.stderr).not.toMatch(/\n\s+at /);

  const state = join(home, 'state.yaml');
  writeFileSync(state, 'version: 1\npools: 3\n');
  const refused = await node(program('dplane-state'), state);
  expect(refused.exit).not.toBe(0);
  expect(refused.stderr).toMatch(/2/);

  const executor = await node(program('dplane-exec'));
  expect(executor.exit).toBe(78);
  expect(executor.stderr).toContain('dplane-exec does not start');
});

test('the daemon starts, and finds the interface beside it', async () => {
  const [state, runtime] = [join(home, 'state'), join(home, 'runtime')];
  for (const folder of [state, runtime]) mkdirSync(folder, { mode: 0o700 });
  const settings = { DPLANE_STATE: state, RUNTIME_DIRECTORY: runtime, DPLANE_PORT: '0', DPLANE_HTTP_PORT: '0', DPLANE_LISTEN: '127.0.0.1' };
  let said = '';
  let up = (_: string): void => {};
  const ready = new Promise<string>((resolve) => {
    up = resolve;
  });
  const words = ['env', ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)];
  const daemon = spawnLong([...words, process.execPath, program('dplaned')], {
    onOutput: (chunk) => {
      said += chunk;
      const found = /ready (https:\S+)/.exec(said)?.[1];
      if (found !== undefined) up(found);
    },
  });
  try {
    const address = await Promise.race([ready, daemon.ended.then(() => Promise.reject(new Error(said)))]);
    expect(await page(address.replace('localhost', '127.0.0.1'))).toContain('the interface');
  } finally {
    daemon.kill('SIGTERM');
    await daemon.ended;
  }
}, 120_000);
