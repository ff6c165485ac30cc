/**
 * The first command in a fresh clone: installs what is missing, then hands over to the pinned Node 24.
 *
 * Runs on the distribution's Node (18 or later) without any dependency, so: plain JavaScript, no imports beyond node:*.
 * Says in one line what it installs, on stderr: standard output belongs to the command that is started.
 * What is there already is not installed again; an ordinary run adds some 50 ms.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const node = join(root, `node_modules/node-linux-${process.arch}/bin/node`);
const lab = join(root, 'packages/lab/src/main.ts');
const [command = '', ...args] = process.argv.slice(2);

const say = (text) => process.stderr.write(`${text}\n`);

/** Stops before anything was started. `npm test` ends with its count line even then. */
const giveUp = (text) => {
  say(text);
  if (command === 'test') process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
};

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8'));
  } catch {
    return null;
  }
};

/**
 * npm leaves its own record of what it unpacked, written last. It is compared with the lock file package by package, so
 * nothing is installed twice, an interrupted install is noticed, and whoever ran `npm install` is left alone.
 */
const npmPackagesMissing = () => {
  const wanted = readJson('package-lock.json')?.packages;
  if (!wanted) giveUp('package-lock.json is missing or damaged; get it back with: git checkout package-lock.json');
  const there = readJson('node_modules/.package-lock.json')?.packages ?? {};
  // optional packages are for one processor each; the one that has to be there is the Node binary
  const absent = Object.entries(wanted).some(
    ([path, p]) => path.startsWith('node_modules/') && !p.optional && !p.link && there[path]?.integrity !== p.integrity,
  );
  return absent || !existsSync(node);
};

const installNpmPackages = () => {
  if (!npmPackagesMissing()) return;
  say('Installing npm packages into node_modules (npm ci, about 400 MB, once) ...');
  // the npm that started us, if one did. Nothing needs an install script: native parts come prebuilt inside the packages.
  // `error` hides the warnings about this Node's age: what needs a newer one is run by the one being installed
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const ci = ['ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const end = spawnSync(npm[0], [...npm.slice(1), ...ci], { cwd: root, stdio: ['ignore', 2, 2] });
  if (end.error) giveUp(`npm could not be started (${end.error.message}). On Debian and Ubuntu: apt-get install npm`);
  if (end.status !== 0) giveUp('npm ci failed, see above. When the network is back, run the same command again.');
  if (!existsSync(node))
    giveUp(`There is no Node 24 for ${process.platform}/${process.arch} among the packages: Linux on x64 or arm64 is needed.`);
  // npm before 11 makes no link for a command called node; with it, npm scripts and npx run the pinned one too
  const link = join(root, 'node_modules/.bin/node');
  if (!existsSync(link)) symlinkSync(`../node-linux-${process.arch}/bin/node`, link);
};

const runnable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (name) =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].some((folder) => folder !== '' && runnable(join(folder, name)));

/** `needed`: Debian package -> the program it is wanted for, or null. On another system the programs are what counts. */
const installDebianPackages = (needed) => {
  const names = Object.keys(needed);
  if (names.length === 0) return;
  if (!onPath('apt-get')) {
    const absent = Object.entries(needed).filter(([, program]) => program !== null && !onPath(program));
    if (absent.length > 0)
      giveUp(
        `This is neither Debian nor Ubuntu, so nothing is installed for you. Programs that are needed and were not found, each with its Debian package:\n${absent.map(([name, program]) => `  ${program} (${name})`).join('\n')}`,
      );
    return;
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's placeholders, not JavaScript's
  const asked = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\\n', ...names], { encoding: 'utf8' });
  const there = new Set((asked.stdout ?? '').split('\n').flatMap((line) => (line.endsWith(' installed') ? [line.split(' ')[0]] : [])));
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return;
  if (process.getuid() !== 0)
    giveUp(
      `Debian packages are missing. Install them, then run the same command again:\n\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}\n`,
    );

  const apt = (...argv) =>
    spawnSync('apt-get', ['-qq', ...argv], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, encoding: 'utf8' });
  const install = () => apt('install', '-y', '--no-install-recommends', ...missing);
  say(`Installing Debian packages: ${missing.join(' ')} ...`);
  // package lists that are empty or too old are the common reason to fail, and the only one worth a second try
  let end = install();
  if (end.status !== 0) {
    say('Refreshing the package lists (apt-get update) ...');
    apt('update');
    end = install();
  }
  if (end.status !== 0) giveUp(`${end.stdout}${end.stderr}\napt-get could not install: ${missing.join(' ')}`);
};

/** The newest change below a folder, in milliseconds. */
const newest = (path) => {
  const seen = statSync(path);
  return seen.isDirectory() ? readdirSync(path).reduce((time, name) => Math.max(time, newest(join(path, name))), 0) : seen.mtimeMs;
};

/** The daemon serves `ui/dist`; it is built again when a source that goes into it is newer. */
const buildUi = () => {
  const sources = ['ui/src', 'ui/index.html', 'ui/package.json', 'ui/vite.config.ts', 'control/src/domain'].map((p) => join(root, p));
  if (!sources.every(existsSync)) return;
  const built = join(root, 'ui/dist/index.html');
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...sources.map(newest))) return;
  say('Building the browser interface ...');
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const end = spawnSync(node, [vite, 'build', '--logLevel', 'warn'], { cwd: join(root, 'ui'), stdio: ['ignore', 2, 2] });
  if (end.status !== 0) giveUp('The browser interface could not be built, see above.');
};

/** Starts Node 24 on a script, passes signals on, ends as it ends. */
const handOver = (flags, script, more = {}) => {
  const child = spawn(node, [...flags, join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}`, ...more },
  });
  // a terminal's Ctrl-C reaches the child by itself; asking a second time would make it quit without cleaning up
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => giveUp(`${node} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exit(code ?? 1);
  });
};

const DEMO = 'control/src/demo.ts';
/** As the appliance's unit file runs it: small heap, and compiled code kept, so that stripping types costs nothing. */
const DEMO_FLAGS = ['--optimize-for-size', '--max-semi-space-size=1', '--v8-pool-size=1', '--expose-gc'];
const compiled = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'dplaneos/compile');

/** Starts and stops the daemon once on a throw-away state, so that every later start finds its code compiled. */
const warmUp = (then) => {
  const stamp = join(
    compiled,
    `warm-${createHash('sha256')
      .update(`${root} ${newest(join(root, 'control/src'))}`)
      .digest('hex')}`,
  );
  if (existsSync(stamp)) return then();
  say('Compiling the control plane once ...');
  const child = spawn(node, [...DEMO_FLAGS, join(root, DEMO)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: compiled,
      DPLANE_STATE: '',
      DPLANE_PORT: '0',
      DPLANE_HTTP_PORT: '',
      DPLANE_LISTEN: '127.0.0.1',
      DPLANE_DEMO: 'empty',
    },
  });
  let stopped = false;
  const stop = () => {
    stopped = true;
    child.kill('SIGTERM');
  };
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  for (const signal of signals) process.on(signal, stop);
  const limit = setTimeout(() => child.kill('SIGKILL'), 120_000);
  child.stdout.once('data', () => child.kill('SIGTERM'));
  child.on('exit', (code) => {
    clearTimeout(limit);
    if (stopped) process.exit(0);
    for (const signal of signals) process.removeListener(signal, stop);
    // it only spares time: what kept it from starting will say so at the real start
    if (code === 0) {
      mkdirSync(compiled, { recursive: true });
      writeFileSync(stamp, '');
    }
    then();
  });
};

const demo = (flags) => warmUp(() => handOver([...flags, ...DEMO_FLAGS], DEMO, { NODE_COMPILE_CACHE: compiled }));

const CHROMIUM = { chromium: 'chromium' };
/** The flake is evaluated, and small things are built, with the distribution's Nix; nothing is put into /nix. */
const NIX = { 'nix-bin': 'nix-instantiate', fakeroot: 'fakeroot', faketime: 'faketime', fdisk: 'sfdisk' };
const labPackages = () => readJson('packages/lab/debian-packages.json') ?? {};

const COMMANDS = {
  test: {
    packages: () => ({ ...CHROMIUM, openssl: 'openssl', ...NIX, ...labPackages() }),
    ui: true,
    run: () => handOver([], 'tests/repo/main.ts'),
  },
  check: { packages: () => ({}), run: () => handOver([], 'tests/repo/check.ts') },
  bench: { packages: () => ({ wrk: 'wrk', ...CHROMIUM, ...labPackages() }), ui: true, run: () => handOver([], 'tests/bench/main.ts') },
  demo: { packages: () => ({}), ui: true, run: () => demo([]) },
  dev: { packages: () => ({}), ui: true, run: () => demo(['--watch']) },
  shots: { packages: () => CHROMIUM, ui: true, run: () => handOver([], 'tests/browser/shots.ts') },
  start: { packages: labPackages, ui: true, run: () => handOver([], 'packages/lab/src/main.ts') },
  lab: { packages: labPackages, run: () => handOver([], 'packages/lab/src/main.ts') },
  e2e: { packages: labPackages, ui: true, run: () => handOver([], 'node_modules/vitest/vitest.mjs', { DPLANE_SUITE: 'lab' }) },
  'test:soak': {
    packages: labPackages,
    ui: true,
    run: () => handOver([], 'node_modules/vitest/vitest.mjs', { DPLANE_SUITE: 'lab', DPLANE_SOAK: '1' }),
  },
  bundle: { packages: labPackages, ui: true, run: () => handOver([], 'packages/debian/src/main.ts') },
  'verify-release': { packages: labPackages, ui: true, run: () => handOver([], 'packages/debian/src/main.ts') },
  ota: { packages: () => ({}), run: () => handOver([], 'ota/src/main.ts') },
  'nix:hashes': { packages: () => NIX, run: () => handOver([], 'packages/npm-hashes.ts') },
  record: { packages: labPackages, ui: true, run: () => handOver([], 'tests/lab/record.ts') },
};

const chosen = COMMANDS[command];
if (!chosen) giveUp(`usage: node bootstrap.mjs ${Object.keys(COMMANDS).join('|')}`);
if (['start', 'bundle', 'verify-release'].includes(command)) args.unshift(command);
// an area is the beginning of a file's name
if (command === 'test:soak') args.splice(0, args.length, 'run', 'tests/lab/slots-cuts', ...args);
if (command === 'e2e') args.splice(0, args.length, 'run', ...args.map((arg) => (arg.startsWith('-') ? arg : `tests/lab/${arg}`)));
if (['start', 'lab', 'e2e', 'record', 'test:soak', 'bundle', 'verify-release'].includes(command) && !existsSync(lab))
  giveUp('The appliance VM is not part of this version yet. The same system on a simulated host: npm run demo');
installNpmPackages();
installDebianPackages(chosen.packages());
if (chosen.ui) buildUi();
chosen.run();
