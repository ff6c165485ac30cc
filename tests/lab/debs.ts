/**
 * Debian packages that a suite needs inside a machine and the image does not hold: fetched by this machine's apt for the release that the guest is,
 * kept in the cache, and unpacked in the guest, which has no network. They are gone with its next start.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SUITE } from '../../packages/debian/src/debootstrap.ts';
import { architecture, cacheFolder, debianMirror, fingerprint } from '../../packages/debian/src/places.ts';
import { must } from '../../packages/lab/src/exec.ts';
import type { Vm } from '../../packages/lab/src/vm.ts';

const MINUTE = 60_000;

/** A tar with what `names` take besides what `status`, dpkg's, says is there. */
async function fetched(names: readonly string[], status: string): Promise<string> {
  const tar = join(cacheFolder(), `debs-${fingerprint(SUITE, names, status)}.tar`);
  if (existsSync(tar)) return tar;
  const work = mkdtempSync(join(tmpdir(), 'dplaneos-debs-'));
  try {
    for (const folder of ['preferences.d', 'state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(work, folder), { recursive: true });
    writeFileSync(join(work, 'status'), status);
    const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
    writeFileSync(join(work, 'sources.list'), `deb [signed-by=${keyring}] ${debianMirror()} ${SUITE} main\n`);
    const settings = {
      ...{ Dir: work, 'Dir::Etc': work, 'Dir::Etc::sourceparts': '/dev/null', 'Dir::State': join(work, 'state') },
      ...{ 'Dir::State::status': join(work, 'status'), 'Dir::Cache': join(work, 'cache'), 'APT::Architecture': architecture },
      ...{
        'APT::Install-Recommends': 'false',
        'APT::Sandbox::User': '',
        'Acquire::Languages': 'none',
        'Acquire::Check-Valid-Until': 'false',
      },
    };
    const apt = ['apt-get', '--quiet', ...Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
    await must([...apt, 'update'], { timeoutMs: 5 * MINUTE });
    await must([...apt, 'install', '--download-only', '--yes', ...names], { timeoutMs: 10 * MINUTE });
    await must([
      'sh',
      '-c',
      'tar -C "$1" -cf "$2" -- $(cd "$1" && ls | grep "[.]deb$")',
      'pack',
      join(work, 'cache/archives'),
      `${tar}.new`,
    ]);
    renameSync(`${tar}.new`, tar);
    return tar;
  } finally {
    rmSync(work, { recursive: true });
  }
}

export async function installDebs(vm: Vm, names: readonly string[]): Promise<void> {
  const tar = await fetched(names, await vm.must(['cat', '/var/lib/dpkg/status']));
  await vm.must(['mkdir', '-p', '/run/debs']);
  await vm.must(['tar', '-C', '/run/debs', '-x'], { input: { file: tar } });
  await vm.sh('DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --install /run/debs/*.deb; rm -r /run/debs', {
    timeoutMs: 10 * MINUTE,
  });
}
