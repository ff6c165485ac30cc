/**
 * What every package of D-PlaneOS holds, whoever packs it: the .deb (packages/debian) and the Nix package (packages/control.nix) are the
 * same tree, made by these lines. Imports nothing but node:* and its neighbour, so that it runs in a build that has no npm packages.
 *
 *   node packages/tree.ts --out DIR --home PATH --modules DIR --ui DIR --node FILE
 *
 * `out` gets bin/, lib/ (as below /usr of a Debian); programs refer to `home`, where lib/dplaneos will be found once installed. The units always
 * say /usr/lib/dplaneos: they are the same bytes everywhere.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { closure, type LockEntry } from './debian/src/closure.ts';

const repository = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const WORKSPACES = ['control', 'ota'];
const SOURCES = ['package.json', 'LICENSE', 'control/package.json', 'control/src', 'ota/package.json', 'ota/src'];
/** Units refer to the documentation they come with. */
export const DOCS = ['docs/threat-model.md', 'docs/cli.md'];
/** The product, what updates it, and what a package adds: the pools' gate. */
const UNITS = ['control/systemd', 'ota/systemd', 'packages/debian/deb/units'];
/** Of no use at run time; most of the weight of node_modules. */
const LEFT_OUT =
  /(^|\/)(test|tests|__tests__|docs|example|examples|fixtures|\.github|deps|src\/.*\.test\.ts)$|\.(md|map|d\.ts|d\.mts|d\.cts|test\.ts|gyp|gypi)$/;

export type Tree = {
  /** Gets bin/ and lib/. */
  readonly out: string;
  /** Where lib/dplaneos will be found. */
  readonly home: string;
  /** The folder that has node_modules/. */
  readonly modules: string;
  /** The built browser interface. */
  readonly ui: string;
  readonly node: { readonly copy: string } | { readonly link: string };
};

export function writeTree(tree: Tree): void {
  const home = join(tree.out, 'lib/dplaneos');
  for (const folder of ['bin', 'docs', 'ui']) mkdirSync(join(home, folder), { recursive: true });
  for (const name of SOURCES) copy(join(repository, name), join(home, name));
  for (const name of DOCS) cpSync(join(repository, name), join(home, name));
  copy(tree.ui, join(home, 'ui/dist'));
  cpSync(join(repository, 'packages/debian/deb/lib'), join(home, 'lib'), { recursive: true });
  for (const folder of runtimePackages()) copy(join(tree.modules, folder), join(home, folder));
  mkdirSync(join(home, 'node_modules/@dplaneos'), { recursive: true });
  for (const name of WORKSPACES) symlinkSync(`../../${name}`, join(home, 'node_modules/@dplaneos', name));
  const node = join(home, 'bin/node');
  if ('link' in tree.node) symlinkSync(tree.node.link, node);
  else {
    cpSync(tree.node.copy, node, { dereference: true });
    chmodSync(node, 0o755);
  }
  mkdirSync(join(tree.out, 'bin'), { recursive: true });
  for (const [name, script] of [
    ['dplane', 'control/src/cli/main.ts'],
    ['dplane-ota', 'ota/src/main.ts'],
  ] as const) {
    writeFileSync(join(tree.out, 'bin', name), `#!/bin/sh\nexec ${tree.home}/bin/node ${tree.home}/${script} "$@"\n`);
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

export function runtimePackages(): string[] {
  // The repository's own lock file, checked by the repository's checks.
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockEntry> };
  return closure(lock.packages, WORKSPACES);
}

function copy(from: string, to: string): void {
  if (!existsSync(from)) return;
  cpSync(from, to, { recursive: true, dereference: false, filter: (source) => wanted(source.slice(from.length)) });
}

function wanted(path: string): boolean {
  const binary = /\/prebuilds\/([^/]+)$/.exec(path)?.[1];
  if (binary !== undefined) return binary.startsWith(`linux-${process.arch}.`);
  return path === '' || !LEFT_OUT.test(path);
}

if (import.meta.main) {
  const option = { type: 'string' } as const;
  const { values } = parseArgs({ options: { out: option, home: option, modules: option, ui: option, node: option } });
  const { out, home, modules, ui, node } = values;
  if (out === undefined || home === undefined || modules === undefined || ui === undefined || node === undefined)
    throw new Error('usage: node packages/tree.ts --out DIR --home PATH --modules DIR --ui DIR --node FILE');
  writeTree({ out, home, modules, ui, node: { link: node } });
}
