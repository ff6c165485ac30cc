/** The unit files: what systemd says about them, and the promises between them and the code. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { realHost } from './host/exec.ts';
import type { RunResult } from './host/host.ts';

const FOLDER = join(import.meta.dirname, '..', 'systemd');
const PREFIX = '/usr/lib/dplaneos';
/** dplaned: asked for. dplane-exec: what it came to, so that nothing is loosened unnoticed (docs/threat-model.md). */
const EXPOSURE = { 'dplaned.service': 1.5, 'dplane-exec.service': 4.7 } as const;

const host = realHost();
const run = (...argv: string[]): Promise<RunResult> => host.run(argv, { timeoutMs: 120_000 });
const unit = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
/** Directives alone: what is said in comments doesn't count. */
const directives = (name: string): string[] =>
  unit(name)
    .split('\n')
    .filter((line) => line !== '' && !/^[#;[]/.test(line));

const scratch = mkdtempSync(join(tmpdir(), 'dplane-units-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const missing = async (): Promise<boolean> => {
  const absent = (await run('systemd-analyze', '--version')).failure === 'missing';
  if (absent) process.stderr.write('skipped: systemd-analyze is not installed, so the units were not checked by systemd\n');
  return absent;
};

test.for(Object.entries(EXPOSURE))('%s: systemd rates its exposure at %d at most', async ([name, limit], { skip }) => {
  if (await missing()) skip();
  const r = await run('systemd-analyze', 'security', '--offline=true', '--no-pager', join(FOLDER, name));
  const exposure = /Overall exposure level for \S+: ([0-9.]+)/.exec(r.stdout)?.[1];
  expect(exposure, r.stderr).toBeDefined();
  expect(Number(exposure), r.stdout).toBeLessThanOrEqual(limit);
});

test('systemd finds nothing wrong with any unit, once installed', async ({ skip }) => {
  if (await missing()) skip();
  // as a package does it: another prefix, everything else as it stands
  const prefix = join(scratch, 'prefix');
  mkdirSync(join(prefix, 'bin'), { recursive: true });
  copyFileSync('/bin/true', join(prefix, 'bin', 'node'));
  chmodSync(join(prefix, 'bin', 'node'), 0o755);
  const names = readdirSync(FOLDER).filter((n) => /\.(service|socket|target)$/.test(n));
  expect(names.sort()).toEqual([
    'dplane-exec.service',
    'dplane-exec.socket',
    'dplane-heartbeat@.service',
    'dplane-pool-failed@.target',
    'dplaned.service',
  ]);
  mkdirSync(join(prefix, 'lib'), { recursive: true });
  copyFileSync('/bin/true', join(prefix, 'lib', 'pool-heartbeat'));
  chmodSync(join(prefix, 'lib', 'pool-heartbeat'), 0o755);
  for (const name of names) writeFileSync(join(scratch, name.replace('@.', '@tank.')), unit(name).replaceAll(PREFIX, prefix));
  const r = await run('systemd-analyze', 'verify', '--man=no', ...names.map((n) => join(scratch, n.replace('@.', '@tank.'))));
  // other units of this machine may be odd; ours may not
  const ours = `${r.stdout}${r.stderr}`.split('\n').filter((line) => /dplane/.test(line));
  expect(ours).toEqual([]);
  expect(r.exit, r.stderr).toBe(0);
});

test('sysusers and tmpfiles are understood', async ({ skip }) => {
  const root = join(scratch, 'root');
  mkdirSync(join(root, 'etc'), { recursive: true });
  const users = await run('systemd-sysusers', `--root=${root}`, join(FOLDER, 'dplane.sysusers'));
  if (users.failure === 'missing') {
    process.stderr.write('skipped: systemd-sysusers is not installed\n');
    skip();
  }
  expect(users.stderr).not.toMatch(/dplane\.sysusers:\d/);
  expect(readFileSync(join(root, 'etc', 'passwd'), 'utf8')).toMatch(/^dplane:.*:\/var\/lib\/dplane:/m);
});

test('dplane-exec keeps the mount namespace of the machine: what it mounts, everyone sees', () => {
  const namespacing =
    /^(PrivateMounts|PrivateTmp|PrivateDevices|PrivateNetwork|PrivateIPC|PrivatePIDs|PrivateUsers|Protect(System|Home|Kernel\w+|ControlGroups|Proc)|ProcSubset|MountFlags|MountAPIVFS|Root\w+|\w*Paths|TemporaryFileSystem|MountImages|Extension\w+|DynamicUser|LogNamespace|BindLogSockets|JoinsNamespaceOf|(IPC|Network)NamespacePath)=(?!no$)/;
  expect(directives('dplane-exec.service').filter((line) => namespacing.test(line))).toEqual([]);
  expect(directives('dplane-heartbeat@.service').filter((line) => namespacing.test(line))).toEqual([]);
  expect(directives('dplaned.service').filter((line) => namespacing.test(line)).length).toBeGreaterThan(5);
});

test('units and restarts are asked of systemd over its socket: the executor itself can do neither', () => {
  const all = directives('dplane-exec.service');
  expect(all.find((line) => line.startsWith('RestrictAddressFamilies='))).toContain('AF_UNIX');
  expect(all.find((line) => line.startsWith('SystemCallFilter=~'))).toContain('@reboot');
  expect(all).toContain(
    'CapabilityBoundingSet=CAP_SYS_ADMIN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_CHOWN CAP_FOWNER CAP_FSETID CAP_SYS_RAWIO',
  );
});

test('what the code relies on is in the units', () => {
  const main = readFileSync(join(import.meta.dirname, 'exec-main.ts'), 'utf8');
  expect(main).toContain("'/var/lib/dplane-exec'");
  expect(directives('dplane-exec.service')).toEqual(
    expect.arrayContaining(['StateDirectory=dplane-exec', 'StateDirectoryMode=0700', 'RuntimeDirectory=dplane-exec', 'KillMode=mixed']),
  );
  expect(directives('dplane-exec.socket')).toEqual(
    expect.arrayContaining(['ListenStream=/run/dplane/exec.sock', 'SocketUser=root', 'SocketGroup=dplane', 'SocketMode=0660']),
  );
  expect(directives('dplaned.service')).toEqual(
    expect.arrayContaining([
      'User=dplane',
      'Type=notify',
      'NotifyAccess=all',
      'WatchdogSec=180',
      'CapabilityBoundingSet=',
      'NoNewPrivileges=yes',
    ]),
  );
  // what was compiled before would be code that lies where somebody may write
  for (const name of ['dplane-exec.service', 'dplaned.service']) expect(unit(name)).not.toContain('NODE_COMPILE_CACHE');
});
