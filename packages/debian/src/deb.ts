/**
 * Builds dplaneos_<version>_<arch>.deb: control, ui and ota as they stand (TypeScript is what runs), their npm packages as locked,
 * the Node 24 binary, and the systemd units. Same inputs, same bytes.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import { closure, type LockEntry } from './closure.ts';
import { architecture, cacheFolder, commitTime, repository } from './places.ts';
import type { Progress } from './progress.ts';

const HOME = 'usr/lib/dplaneos';
const WORKSPACES = ['control', 'ota'];
/** Of no use at run time; most of the weight of node_modules. */
const LEFT_OUT =
  /(^|\/)(test|tests|__tests__|docs|example|examples|fixtures|\.github|deps|src\/.*\.test\.ts)$|\.(md|map|d\.ts|d\.mts|d\.cts|test\.ts|gyp|gypi)$/;

const DOCS = ['docs/threat-model.md', 'docs/cli.md'];
/** What goes into the package and the image: its last commit gives the time of everything in there. */
export const BUILT_FROM = ['control', 'ota', 'ui', 'packages', 'package.json', 'package-lock.json', 'LICENSE', ...DOCS];

export async function buildDeb(progress: Progress, outFolder = cacheFolder()): Promise<string> {
  const version = readJson<{ version: string }>(join(repository, 'package.json')).version;
  const file = join(outFolder, `dplaneos_${version}_${architecture}.deb`);
  await progress.step(`package dplaneos ${version}`, async () => {
    mkdirSync(outFolder, { recursive: true });
    const tree = `${file}.tree`;
    rmSync(tree, { recursive: true, force: true });
    copyProduct(tree);
    copyUnits(tree);
    writeControl(tree, version);
    const epoch = String(await commitTime(BUILT_FROM));
    await must(['chmod', '-R', 'u+rwX,go+rX,go-w', tree]);
    await must(['find', tree, '-exec', 'touch', '-h', '-d', `@${epoch}`, '{}', '+']);
    const argv = ['dpkg-deb', '--root-owner-group', '-Zzstd', '-z6', '--build', tree, `${file}.new`];
    await must(argv, { timeoutMs: 300_000, env: { SOURCE_DATE_EPOCH: epoch } });
    rmSync(tree, { recursive: true });
    renameSync(`${file}.new`, file);
  });
  return file;
}

function copyProduct(tree: string): void {
  const home = join(tree, HOME);
  for (const folder of ['bin', 'docs']) mkdirSync(join(home, folder), { recursive: true });
  const copy = (path: string) => {
    if (!existsSync(join(repository, path))) return;
    const from = join(repository, path);
    cpSync(from, join(home, path), { recursive: true, dereference: false, filter: (source) => wanted(source.slice(from.length)) });
  };
  for (const name of ['package.json', 'LICENSE', 'control/package.json', 'control/src', 'ota/package.json', 'ota/src', 'ui/dist'])
    copy(name);
  const packages = readJson<{ packages: Record<string, LockEntry> }>(join(repository, 'package-lock.json')).packages;
  // units refer to the documentation they come with
  for (const name of DOCS) cpSync(join(repository, name), join(home, name));
  cpSync(join(repository, 'packages/debian/deb/lib'), join(home, 'lib'), { recursive: true });
  for (const folder of closure(packages, WORKSPACES)) {
    if (existsSync(join(repository, folder))) copy(folder);
  }
  for (const name of WORKSPACES) {
    mkdirSync(join(home, 'node_modules/@dplaneos'), { recursive: true });
    symlinkSync(`../../${name}`, join(home, 'node_modules/@dplaneos', name));
  }
  const node = `node_modules/node-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}/bin/node`;
  cpSync(join(repository, node), join(home, 'bin/node'), { dereference: true });
  chmodSync(join(home, 'bin/node'), 0o755);
  mkdirSync(join(tree, 'usr/bin'), { recursive: true });
  for (const [name, script] of [
    ['dplane', 'control/src/cli/main.ts'],
    ['dplane-ota', 'ota/src/main.ts'],
  ] as const) {
    if (!existsSync(join(repository, script))) continue;
    writeFileSync(join(tree, 'usr/bin', name), `#!/bin/sh\nexec /${HOME}/bin/node /${HOME}/${script} "$@"\n`);
    chmodSync(join(tree, 'usr/bin', name), 0o755);
  }
}

function wanted(path: string): boolean {
  const binary = /\/prebuilds\/([^/]+)$/.exec(path)?.[1];
  if (binary !== undefined) return binary.startsWith(`linux-${process.arch}.`);
  return path === '' || !LEFT_OUT.test(path);
}

/** Units come from control/systemd (the product) and packages/debian/deb/units (what the package adds). */
function copyUnits(tree: string): void {
  const target = join(tree, 'usr/lib/systemd/system');
  mkdirSync(target, { recursive: true });
  for (const folder of ['control/systemd', 'ota/systemd', 'packages/debian/deb/units']) {
    const from = join(repository, folder);
    if (!existsSync(from)) continue;
    for (const name of readdirSync(from)) {
      if (/\.(service|socket|timer|target|path|mount|slice)(\.d)?$/.test(name))
        cpSync(join(from, name), join(target, name), { recursive: true });
      else if (/\.rules$/.test(name)) copyTo(from, name, join(tree, 'usr/lib/udev/rules.d'));
      else if (/\.sysusers$/.test(name)) copyTo(from, name, join(tree, 'usr/lib/sysusers.d'), name.replace(/\.sysusers$/, '.conf'));
      else if (/\.modules-load$/.test(name))
        copyTo(from, name, join(tree, 'usr/lib/modules-load.d'), name.replace(/\.modules-load$/, '.conf'));
      else if (/\.tmpfiles$/.test(name)) copyTo(from, name, join(tree, 'usr/lib/tmpfiles.d'), name.replace(/\.tmpfiles$/, '.conf'));
    }
  }
}

function copyTo(from: string, name: string, folder: string, as = name): void {
  mkdirSync(folder, { recursive: true });
  cpSync(join(from, name), join(folder, as));
}

function writeControl(tree: string, version: string): void {
  const folder = join(tree, 'DEBIAN');
  mkdirSync(folder, { recursive: true });
  const source = join(repository, 'packages/debian/deb');
  const units = readdirSync(join(tree, 'usr/lib/systemd/system')).filter((name) =>
    statSync(join(tree, 'usr/lib/systemd/system', name)).isFile(),
  );
  const enabled = units.filter((name) => /^\[Install\]/m.test(readFileSync(join(tree, 'usr/lib/systemd/system', name), 'utf8'))).sort();
  for (const name of ['preinst', 'postinst', 'prerm', 'postrm']) {
    const text = readFileSync(join(source, name), 'utf8').replaceAll('@UNITS@', enabled.join(' '));
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  const control = readFileSync(join(source, 'control'), 'utf8').replaceAll('@VERSION@', version).replaceAll('@ARCHITECTURE@', architecture);
  writeFileSync(join(folder, 'control'), control);
}

function readJson<T>(path: string): T {
  // The repository's own package files; a field that is missing shows at once.
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
