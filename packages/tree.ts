/**
 * What every package of D-PlaneOS holds, whoever packs it: the .deb (packages/debian) and the Nix package (packages/control.nix) are the
 * same tree, made by these lines. Imports nothing but node:* and its neighbour, so that it runs in a build that has no npm packages.
 *
 *   node packages/tree.ts --out DIR --home PATH --modules DIR --programs DIR --ui DIR --node FILE
 *
 * `out` gets bin/, lib/ (as below /usr of a Debian); programs refer to `home`, where lib/dplaneos will be found once installed. The units always
 * say /usr/lib/dplaneos: they are the same bytes everywhere.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type LockEntry, runtimePackages } from './debian/src/closure.ts';

const repository = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const ABOUT = ['package.json', 'LICENSE'];
/** Units refer to the documentation they come with. */
export const DOCS = ['docs/threat-model.md', 'docs/cli.md'];
/** The product, what updates it, and what a package adds: the pools' gate. */
const UNITS = ['control/systemd', 'ota/systemd', 'packages/debian/deb/units'];
/** Of no use at run time; most of the weight of node_modules. */
const LEFT_OUT = /(^|\/)(test|tests|docs|\.github|deps|src)$|\.(md|map|d\.ts|gyp|gypi)$/;

export type Tree = {
  /** Gets bin/ and lib/. */
  readonly out: string;
  /** Where lib/dplaneos will be found. */
  readonly home: string;
  /** The folder that has node_modules/. */
  readonly modules: string;
  /** As packages/programs.ts writes them. */
  readonly programs: string;
  /** The built browser interface. */
  readonly ui: string;
  readonly node: { readonly copy: string } | { readonly link: string };
};

export function writeTree(tree: Tree): void {
  const home = join(tree.out, 'lib/dplaneos');
  for (const folder of ['bin', 'docs', 'ui']) mkdirSync(join(home, folder), { recursive: true });
  for (const name of [...ABOUT, ...DOCS]) cpSync(join(repository, name), join(home, name));
  cpSync(tree.programs, join(home, 'programs'), { recursive: true });
  cpSync(tree.ui, join(home, 'ui/dist'), { recursive: true });
  cpSync(join(repository, 'packages/debian/deb/lib'), join(home, 'lib'), { recursive: true });
  for (const folder of nodeModules()) copy(join(tree.modules, folder), join(home, folder));
  const node = join(home, 'bin/node');
  if ('link' in tree.node) symlinkSync(tree.node.link, node);
  else {
    cpSync(tree.node.copy, node, { dereference: true });
    chmodSync(node, 0o755);
  }
  mkdirSync(join(tree.out, 'bin'), { recursive: true });
  for (const name of ['dplane', 'dplane-ota']) {
    writeFileSync(join(tree.out, 'bin', name), `#!/bin/sh\nexec ${tree.home}/bin/node ${tree.home}/programs/${name}.js "$@"\n`);
    chmodSync(join(tree.out, 'bin', name), 0o755);
  }
  writeUnits(tree.out);
}

export function writeUnits(out: string): void {
  const lib = join(out, 'lib');
  mkdirSync(join(lib, 'systemd/system'), { recursive: true });
  for (const folder of UNITS.map((name) => join(repository, name)))
    for (const name of readdirSync(folder)) {
      const place = placeOf(name);
      if (place === null) continue;
      mkdirSync(join(lib, place, '..'), { recursive: true });
      cpSync(join(folder, name), join(lib, place), { recursive: true });
    }
}

function placeOf(name: string): string | null {
  if (/\.(service|socket|timer|target|path|mount|slice)(\.d)?$/.test(name)) return `systemd/system/${name}`;
  if (name.endsWith('.rules')) return `udev/rules.d/${name}`;
  const [, stem, kind] = /^(.*)\.(sysusers|modules-load|tmpfiles)$/.exec(name) ?? [];
  return kind === undefined ? null : `${kind}.d/${stem}.conf`;
}

function nodeModules(): string[] {
  // The repository's own lock file, checked by the repository's checks.
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockEntry> };
  return runtimePackages(lock.packages);
}

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, dereference: false, filter: (source) => wanted(source.slice(from.length)) });
}

function wanted(path: string): boolean {
  const binary = /\/prebuilds\/([^/]+)$/.exec(path)?.[1];
  if (binary !== undefined) return binary.startsWith(`linux-${process.arch}.`);
  return path === '' || !LEFT_OUT.test(path);
}

if (import.meta.main) {
  const option = { type: 'string' } as const;
  const { values } = parseArgs({ options: { out: option, home: option, modules: option, programs: option, ui: option, node: option } });
  const { out, home, modules, programs, ui, node } = values;
  if (!out || !home || !modules || !programs || !ui || !node)
    throw new Error('usage: node packages/tree.ts --out DIR --home PATH --modules DIR --programs DIR --ui DIR --node FILE');
  writeTree({ out, home, modules, programs, ui, node: { link: node } });
}
