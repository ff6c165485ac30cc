/**
 * The npm packages that the product needs to run (`runtime`), or to be built (`build`), out of an installed node_modules: files
 * only, all of one mode, no links and no record of npm's. The same lock file gives the same tree wherever npm ran.
 *
 *   node packages/npm-tree.ts runtime|build FROM OUT
 */
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackages, type LockEntry, runtimePackages } from './debian/src/closure.ts';

export const KINDS = ['runtime', 'build'] as const;
export type Kind = (typeof KINDS)[number];

type Lock = { packages: Record<string, LockEntry> };
// The repository's own lock file, checked by the repository's checks.
const readLock = (from: string): Lock => JSON.parse(readFileSync(join(from, 'package-lock.json'), 'utf8')) as Lock;

const packagesOf = (kind: Kind, lock: Lock): string[] =>
  kind === 'runtime' ? runtimePackages(lock.packages) : buildPackages(lock.packages);

/** Of that part of the lock file which decides the tree. */
export const lockDigest = (kind: Kind, from: string): string => {
  const lock = readLock(from);
  const lines = packagesOf(kind, lock).map((path) => `${path} ${lock.packages[path]?.version} ${lock.packages[path]?.integrity}`);
  return createHash('sha256').update(lines.join('\n')).digest('hex');
};

export const writePackages = (kind: Kind, from: string, out: string): void => {
  for (const path of packagesOf(kind, readLock(from))) {
    // packages of other processors are in the lock file, not on the disk
    if (existsSync(join(from, path))) copy(join(from, path), join(out, path));
  }
};

const copy = (from: string, to: string): void => {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.name === '.bin') continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copy(source, target);
    else if (entry.isFile()) {
      copyFileSync(source, target);
      chmodSync(target, 0o644);
    }
  }
};

if (import.meta.main) {
  const [kind, from, out] = process.argv.slice(2);
  const known = KINDS.find((k) => k === kind);
  if (known === undefined || from === undefined || out === undefined)
    throw new Error('usage: node packages/npm-tree.ts runtime|build FROM OUT');
  writePackages(known, from, out);
}
