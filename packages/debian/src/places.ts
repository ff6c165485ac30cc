/** Where builds are kept, and where Debian packages come from. Nothing here is written into what is built. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../lab/src/exec.ts';

export const repository = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'dplaneos');
}

export const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';

/**
 * The Debian mirror: DPLANE_DEBIAN_MIRROR, else the one this machine's own apt uses. A dated snapshot given in
 * DPLANE_DEBIAN_MIRROR pins every package version.
 */
export function debianMirror(): string {
  const given = process.env.DPLANE_DEBIAN_MIRROR;
  if (given !== undefined && given !== '') return given;
  const found = aptUris('/etc/apt').find((uri) => /\/debian\/?$/.test(uri));
  if (found === undefined) {
    throw new Error(
      "no Debian mirror known: this machine's apt has none.\n  Set DPLANE_DEBIAN_MIRROR to the address of one (the folder that holds dists/ and pool/).",
    );
  }
  return found;
}

function aptUris(folder: string): string[] {
  const files = [join(folder, 'sources.list')];
  const parts = join(folder, 'sources.list.d');
  if (existsSync(parts))
    files.push(
      ...readdirSync(parts)
        .sort()
        .map((name) => join(parts, name)),
    );
  return files.filter(existsSync).flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !line.trimStart().startsWith('#'))
      .flatMap((line) => {
        const deb822 = /^URIs:\s*(.+)$/.exec(line)?.[1]?.trim().split(/\s+/);
        const oneLine = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/.exec(line)?.[1];
        return deb822 ?? (oneLine === undefined ? [] : [oneLine]);
      }),
  );
}

/** A short name for a piece of work: same inputs, same name. */
export function fingerprint(...inputs: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
}

/** The time every file in what is built carries: that of the last commit to what it is built from, so that a second build gives the same bytes. */
export async function commitTime(paths: readonly string[]): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  const { exit, stdout } = await run(['git', '-C', repository, 'log', '-1', '--format=%ct', '--', ...paths]);
  return exit === 0 && stdout.trim() !== '' ? Number(stdout) : 1_767_225_600;
}
