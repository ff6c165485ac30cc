/** The package on a plain Debian 13: apt installs it, the service answers, removal leaves the box's records, purge does not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDeb } from '../../packages/debian/src/deb.ts';
import { mmdebstrap, source, SUITE } from '../../packages/debian/src/debootstrap.ts';
import { Progress } from '../../packages/debian/src/progress.ts';
import { must } from '../../packages/lab/src/exec.ts';

const folder = mkdtempSync(join(tmpdir(), 'dplaneos-deb-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** In a tree without systemd: what the units would start is started by hand. */
const CHECK = `set -e
apt-get install -y -q --no-install-recommends /dplaneos.deb > /tmp/log 2>&1 || { tail -20 /tmp/log; exit 1; }
echo "installed $(stat -c %U:%a /var/lib/dplane)"
ls /etc/systemd/system/multi-user.target.wants /etc/systemd/system/sockets.target.wants | grep dplane
install -d -m 0700 -o dplane /run/dplaned
setpriv --reuid dplane --regid dplane --clear-groups env -i RUNTIME_DIRECTORY=/run/dplaned DPLANE_STATE=/var/lib/dplane DPLANE_PORT=18443 \\
  DPLANE_LISTEN=127.0.0.1 PATH=/usr/sbin:/usr/bin timeout 240 /usr/lib/dplaneos/bin/node /usr/lib/dplaneos/programs/dplaned.js > /tmp/out 2>&1 &
for i in $(seq 240); do grep -q ^ready /tmp/out && break; kill -0 $! 2> /dev/null || break; sleep 1; done
grep ^ready /tmp/out || { cat /tmp/out; exit 1; }
kill %1 2> /dev/null || true
apt-get remove -y -q dplaneos > /tmp/log 2>&1 || { tail -20 /tmp/log; exit 1; }
[ ! -e /usr/lib/dplaneos ] && [ -e /var/lib/dplane/dplaneos.db ] && echo "removed, records kept"
apt-get purge -y -q dplaneos > /tmp/log 2>&1 || { tail -20 /tmp/log; exit 1; }
[ ! -e /var/lib/dplane ] && echo "purged"
`;

/** Debian 12 has OpenZFS 2.1: apt sees it, and so does the package itself when somebody goes past apt. */
const OLDER = 'bookworm';
const CHECK_OLDER = `set -e
apt-get install -y -q --no-install-recommends /dplaneos.deb > /tmp/log 2>&1 && { echo "apt took it"; exit 1; }
grep zfsutils-linux /tmp/log
apt-get install -y -q --no-install-recommends zfsutils-linux > /tmp/log 2>&1 || { tail -20 /tmp/log; exit 1; }
dpkg -i --force-depends /dplaneos.deb > /tmp/log 2>&1 && { echo "dpkg took it"; exit 1; }
grep "^dplaneos:" /tmp/log
[ ! -e /usr/lib/dplaneos ] && echo "nothing was left behind"
`;

/** In a tree of that release, made for this and thrown away. */
async function inTree(suite: string, deb: string, check: string): Promise<string> {
  const script = join(folder, `${suite}.sh`);
  writeFileSync(script, check);
  const hooks = [`upload ${deb} /dplaneos.deb`, `upload ${script} /check.sh`, 'chroot "$1" sh /check.sh'].map(
    (hook) => `--customize-hook=${hook}`,
  );
  const said: string[] = [];
  const argv = mmdebstrap([...hooks, '--format=null', suite, '-', source(suite)]);
  await must(argv, { timeoutMs: 840_000, onOutput: (text) => said.push(text) });
  return said.join('');
}

let deb = '';
beforeAll(async () => {
  deb = await buildDeb(new Progress(false), folder);
});

test('apt installs it, the service answers, removal keeps the records, purge removes them', async () => {
  const lines = await inTree(SUITE, deb, CHECK);
  expect(lines).toContain('installed dplane:750');
  for (const unit of ['dplaned.service', 'dplane-pools.service', 'dplane-exec.socket']) expect(lines).toContain(unit);
  expect(lines).toMatch(/^ready https:\S+ claim /m);
  expect(lines).toContain('removed, records kept');
  expect(lines).toContain('purged');
});

test('where OpenZFS is older than 2.3 it is refused, with the reason', async () => {
  const lines = await inTree(OLDER, deb, CHECK_OLDER);
  expect(lines).toMatch(/zfsutils-linux \(>= 2\.3\)/);
  expect(lines).toMatch(/^dplaneos: OpenZFS 2\.1\S* is too old: 2\.3 or newer is needed/m);
  expect(lines).toContain('nothing was left behind');
});
