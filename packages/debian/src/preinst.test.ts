/** The package's own refusal of an old OpenZFS, for whoever installs past the dependencies. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run } from '../../lab/src/exec.ts';
import { repository } from './places.ts';

const folder = mkdtempSync(join(tmpdir(), 'preinst-'));
afterAll(() => rmSync(folder, { recursive: true }));

function program(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

async function install(zfs: string, packaged: string | null) {
  program('zfs', `echo zfs-${zfs}; echo zfs-kmod-${zfs}`);
  program('dpkg-query', packaged === null ? 'exit 1' : `printf %s ${packaged}`);
  program('dpkg', '[ "$3" = lt ] && [ "$(printf "%s\\n%s\\n" "$2" "$4" | sort -V | head -1)" = "$2" ] && [ "$2" != "$4" ]');
  return run(['sh', join(repository, 'packages/debian/deb/preinst'), 'install'], { env: { PATH: `${folder}:${process.env.PATH ?? ''}` } });
}

test('an OpenZFS older than 2.3 is refused, with the reason and what to do', async () => {
  const answer = await install('2.2.7-1', '2.2.7-1');
  expect(answer.exit).toBe(1);
  expect(answer.stderr).toContain('OpenZFS 2.2.7-1 is too old: 2.3 or newer is needed');
  expect(answer.stderr).toContain('Debian');
});

test('one built by hand is asked for its version', async () => {
  expect((await install('2.1.11', null)).exit).toBe(1);
  expect((await install('2.3.0', null)).exit).toBe(0);
});

test('2.3 and newer are welcome', async () => {
  for (const version of ['2.3.0-1', '2.3.9-0+deb13u1', '2.4.4-1']) expect((await install(version, version)).exit).toBe(0);
});
