/** The package on a plain Debian 13: apt installs it, the service answers, removal leaves the box's records, purge does not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
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
  DPLANE_LISTEN=127.0.0.1 PATH=/usr/sbin:/usr/bin timeout 240 /usr/lib/dplaneos/bin/node /usr/lib/dplaneos/control/src/main.ts > /tmp/out 2>&1 &
for i in $(seq 240); do grep -q ^ready /tmp/out && break; kill -0 $! 2> /dev/null || break; sleep 1; done
grep ^ready /tmp/out || { cat /tmp/out; exit 1; }
kill %1 2> /dev/null || true
apt-get remove -y -q dplaneos > /tmp/log 2>&1 || { tail -20 /tmp/log; exit 1; }
[ ! -e /usr/lib/dplaneos ] && [ -e /var/lib/dplane/dplaneos.db ] && echo "removed, records kept"
apt-get purge -y -q dplaneos > /tmp/log 2>&1 || { tail -20 /tmp/log; exit 1; }
[ ! -e /var/lib/dplane ] && echo "purged"
`;

test('apt installs it, the service answers, removal keeps the records, purge removes them', async () => {
  const deb = await buildDeb(new Progress(false), folder);
  const script = join(folder, 'check.sh');
  writeFileSync(script, CHECK);
  const hooks = [`upload ${deb} /dplaneos.deb`, `upload ${script} /check.sh`, 'chroot "$1" sh /check.sh'].map(
    (hook) => `--customize-hook=${hook}`,
  );
  const said: string[] = [];
  await must(mmdebstrap([...hooks, '--format=null', SUITE, '-', source()]), { timeoutMs: 840_000, onOutput: (text) => said.push(text) });
  const lines = said.join('');
  expect(lines).toContain('installed dplane:750');
  for (const unit of ['dplaned.service', 'dplane-pools.service', 'dplane-exec.socket']) expect(lines).toContain(unit);
  expect(lines).toMatch(/^ready https:\S+ claim /m);
  expect(lines).toContain('removed, records kept');
  expect(lines).toContain('purged');
});
