/** The first command, with a registry and a package manager that are played by scripts which write down how they were called. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT } from './files.ts';

let folder: string;
const at = (...parts: string[]): string => join(folder, ...parts);
const write = (path: string, text: string): void => {
  mkdirSync(join(at(path), '..'), { recursive: true });
  writeFileSync(at(path), text);
};
const tool = (name: string, script: string): void => {
  write(`bin/${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(at('bin', name), 0o755);
};
const calls = (): string[] => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : []);
const lock = (integrity: string): string =>
  JSON.stringify({
    packages: {
      '': {},
      'node_modules/zod': { version: '1.0.0', integrity },
      'node_modules/@dplaneos/control': { resolved: 'control', link: true },
      'node_modules/for-another-processor': { version: '1.0.0', integrity: 'sha512-arm', optional: true },
    },
  });

type End = { code: number | null; signal: string | null; stdout: string; stderr: string };
const start = (
  args: string[],
  options: {
    path?: string;
    uid?: number;
    argv?: string[];
    env?: Record<string, string>;
    onStdout?: (text: string, pid: number) => void;
  } = {},
): Promise<End> =>
  new Promise((resolve, reject) => {
    const [file = '', ...argv] = options.argv ?? [process.execPath, at('bootstrap.mjs'), ...args];
    const child = spawn(file, argv, {
      cwd: folder,
      env: {
        PATH: options.path ?? `${at('bin')}:/usr/bin:/bin`,
        HOME: folder,
        ...options.env,
        // who runs this test is no matter: root and others are played as well
        NODE_OPTIONS: `--import=data:text/javascript,process.getuid=()=>${options.uid ?? 1000}`,
      },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      options.onStdout?.(stdout, child.pid ?? 0);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bootstrap-'));
  copyFileSync(join(ROOT, 'bootstrap.mjs'), at('bootstrap.mjs'));
  write('package-lock.json', lock('sha512-one'));
  write('tests/repo/check.ts', `console.log('checked by', process.version, ...process.argv.slice(2));`);
  write('tests/bench/main.ts', `console.log('benched', ...process.argv.slice(2));`);
  // what npm does, as far as it matters here: unpack, then leave its record
  mkdirSync(at('bin'));
  symlinkSync(process.execPath, at('bin/the-node'));
  const own = at(`node_modules/node-linux-${process.arch}`);
  tool(
    'npm',
    `echo "npm $*" >> ${at('calls')}; mkdir -p ${at('node_modules/.bin')} ${own}/bin; ln -sf ${at('bin/the-node')} ${own}/bin/node; cp ${at('package-lock.json')} ${at('node_modules/.package-lock.json')}`,
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('installs what is missing, says so on stderr, runs the command, and does not do it twice', async () => {
  const first = await start(['check', 'a b']);
  expect(first).toMatchObject({ code: 0, stdout: `checked by ${process.version} a b\n` });
  expect(first.stderr).toMatch(/^Installing npm packages .*\n$/);
  expect(calls()).toEqual([expect.stringMatching(/^npm ci --ignore-scripts /)]);
  expect(await start(['check'])).toMatchObject({ code: 0, stderr: '' });
  expect(calls()).toHaveLength(1);
  // some versions of npm leave this link out
  expect(readlinkSync(at('node_modules/.bin/node'))).toContain('node-linux-');
});

test('installs again when the lock file names another package, and after an install that was cut off', async () => {
  await start(['check']);
  write('package-lock.json', lock('sha512-two'));
  await start(['check']);
  expect(calls()).toHaveLength(2);
  rmSync(at('node_modules/.package-lock.json'));
  await start(['check']);
  expect(calls()).toHaveLength(3);
});

test('an install that fails stops everything, and npm test still ends with its count', async () => {
  tool('npm', 'echo no network >&2; exit 1');
  const end = await start(['test']);
  expect(end).toMatchObject({ code: 1, stdout: '0 passed, 1 failed\n' });
  expect(end.stderr).toContain('no network');
});

test('without npm it says how to get it', async () => {
  rmSync(at('bin/npm'));
  const end = await start(['check'], { path: at('bin') });
  expect(end.code).toBe(1);
  expect(end.stderr).toContain('apt-get install npm');
});

test('Debian packages: installed by root with fresh lists only when needed, and once', async () => {
  tool('dpkg-query', `test -e ${at('wrk')} && printf "wrk installed\\nzstd installed\\nchromium installed\\n"; exit 0`);
  tool(
    'apt-get',
    `echo "apt-get $*" >> ${at('calls')}; case "$*" in *update*) touch ${at('lists')};; *) test -e ${at('lists')} && touch ${at('wrk')};; esac`,
  );
  expect(await start(['bench', 'api'], { uid: 0 })).toMatchObject({ code: 0, stdout: 'benched api\n' });
  expect(calls().filter((c) => c.startsWith('apt-get'))).toEqual([
    'apt-get -qq install -y --no-install-recommends wrk chromium',
    'apt-get -qq update',
    'apt-get -qq install -y --no-install-recommends wrk chromium',
  ]);
  expect((await start(['bench'], { uid: 0 })).stderr).toBe('');
  expect(calls()).toHaveLength(4);
});

test('Debian packages: anyone else is told the exact command', async () => {
  tool('dpkg-query', 'exit 1');
  await start(['check']);
  const end = await start(['bench']);
  expect(end).toMatchObject({ code: 1, stdout: '' });
  expect(end.stderr).toContain('sudo apt-get update && sudo apt-get install -y --no-install-recommends wrk chromium\n');
});

test('without apt-get nothing is installed: the programs count, and missing ones are told', async () => {
  symlinkSync(process.execPath, at('bin/node'));
  for (const name of ['sh', 'mkdir', 'ln', 'cp']) symlinkSync(`/bin/${name}`, at('bin', name));
  const told = await start(['bench'], { path: at('bin'), uid: 0 });
  expect(told).toMatchObject({ code: 1, stdout: '' });
  expect(told.stderr).toContain('neither Debian nor Ubuntu');
  expect(told.stderr).toContain('  wrk (wrk)');
  tool('wrk', 'exit 0');
  tool('zstd', 'exit 0');
  tool('chromium', 'exit 0');
  expect(await start(['bench'], { path: at('bin') })).toMatchObject({ code: 0, stdout: 'benched\n' });
});

test('the demo: output untouched, flags and cache set, SIGTERM passed on, its end is ours', async () => {
  write(
    'control/src/demo.ts',
    `process.on('SIGTERM', () => { console.log('stopped cleanly'); process.exit(7); });
     setInterval(() => undefined, 1000);
     console.log('ready', process.execArgv.join(' '), process.env.NODE_COMPILE_CACHE);`,
  );
  const end = await start(['demo'], { onStdout: (text, pid) => void (text.endsWith('compile\n') && process.kill(pid, 'SIGTERM')) });
  expect(end.stdout).toBe(
    `ready --optimize-for-size --max-semi-space-size=1 --v8-pool-size=1 --expose-gc ${at('.cache/dplaneos/compile')}\nstopped cleanly\n`,
  );
  expect(end).toMatchObject({ code: 7, signal: null });
});

test('the first demo compiles on a state of its own, the second finds it compiled', async () => {
  write(
    'control/src/demo.ts',
    `const { appendFileSync } = await import('node:fs');
     appendFileSync(${JSON.stringify(at('starts'))}, process.env.DPLANE_STATE === '' ? 'warm ' : 'real ');
     process.on('SIGTERM', () => process.exit(0));
     setInterval(() => undefined, 1000);
     console.log('ready');
     if (process.env.DPLANE_STATE !== '') process.exit(0);`,
  );
  const first = await start(['demo'], { env: { DPLANE_STATE: at('state') } });
  expect(first).toMatchObject({ code: 0, stdout: 'ready\n' });
  expect(first.stderr).toContain('Compiling the control plane once');
  const second = await start(['demo'], { env: { DPLANE_STATE: at('state') } });
  expect(second).toMatchObject({ code: 0, stdout: 'ready\n', stderr: '' });
  expect(readFileSync(at('starts'), 'utf8')).toBe('warm real real ');
});

test('through the shell that npm puts in between, a signal reaches the demo', async () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { demo: string } };
  symlinkSync(process.execPath, at('bin/node'));
  write('control/src/demo.ts', `process.on('SIGTERM', () => process.exit(7)); setInterval(() => undefined, 1000); console.log('ready');`);
  const end = await start([], { argv: ['/bin/sh', '-c', scripts.demo], onStdout: (_text, pid) => void process.kill(pid, 'SIGTERM') });
  expect(end).toMatchObject({ code: 7, signal: null });
});

test('a command killed by a signal is reported as such', async () => {
  write('control/src/demo.ts', `process.kill(process.pid, 'SIGTERM'); setInterval(() => undefined, 1000);`);
  expect(await start(['demo'])).toMatchObject({ code: null, signal: 'SIGTERM' });
});

test('start says honestly that there is no appliance, before installing anything', async () => {
  const end = await start(['start']);
  expect(end.code).toBe(1);
  expect(end.stderr).toContain('npm run demo');
  expect(calls()).toEqual([]);
});

test('an unknown command is answered with the known ones', async () => {
  expect((await start(['frobnicate'])).stderr).toContain(
    'test|check|bench|demo|dev|shots|start|lab|e2e|test:soak|bundle|verify-release|ota|nix:hashes|record',
  );
});
