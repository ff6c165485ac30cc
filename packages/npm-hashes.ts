/**
 * Computes packages/npm-hashes.json: what packages/npm.nix must come out as. Installs the lock file's packages for each processor into a
 * folder of its own, so it needs the network, and Nix for the hash: `npm run nix:hashes`. Run it after a dependency changed.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { repository } from './debian/src/places.ts';
import { must } from './lab/src/exec.ts';
import { KINDS, type Kind, lockDigest, writePackages } from './npm-tree.ts';

const CPUS = { 'x86_64-linux': 'x64', 'aarch64-linux': 'arm64' } as const;
const DECLARED = ['package.json', 'package-lock.json', '.npmrc', ...['control', 'ui', 'ota', 'tests'].map((w) => `${w}/package.json`)];

/** As Nix hashes what a fixed-output derivation leaves. */
export const hashOfTree = async (folder: string): Promise<string> =>
  (
    await must(['nix', '--extra-experimental-features', 'nix-command', 'hash', 'path', '--store', 'dummy://', folder], {
      timeoutMs: 120_000,
    })
  ).trim();

export const hashOfPackages = async (kind: Kind, from: string): Promise<string> => {
  const out = mkdtempSync(join(tmpdir(), 'dplane-npm-tree-'));
  try {
    writePackages(kind, from, out);
    return await hashOfTree(out);
  } finally {
    rmSync(out, { recursive: true });
  }
};

if (import.meta.main) {
  const found: Record<string, Record<string, string>> = {};
  for (const kind of KINDS) found[kind] = { lock: lockDigest(kind, repository) };
  for (const [system, cpu] of Object.entries(CPUS)) {
    const work = mkdtempSync(join(tmpdir(), 'dplane-npm-'));
    try {
      for (const file of DECLARED) {
        mkdirSync(dirname(join(work, file)), { recursive: true });
        cpSync(join(repository, file), join(work, file));
      }
      const ci = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', `--cpu=${cpu}`, '--os=linux', '--libc=glibc'];
      console.error(`npm packages for ${system} ...`);
      await must(['npm', ...ci], { cwd: work, timeoutMs: 900_000 });
      for (const kind of KINDS) Object.assign(found[kind] ?? {}, { [system]: await hashOfPackages(kind, work) });
    } finally {
      rmSync(work, { recursive: true });
    }
  }
  writeFileSync(join(repository, 'packages/npm-hashes.json'), `${JSON.stringify(found, null, 2)}\n`);
}
