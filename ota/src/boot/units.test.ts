/** The boot units: what systemd says about them, and that what they start is there. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { realHost } from '../../../control/src/host/exec.ts';

const REPOSITORY = join(import.meta.dirname, '../../..');
const FOLDER = join(REPOSITORY, 'ota/systemd');
const PREFIX = '/usr/lib/dplaneos';
const host = realHost();
const unit = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const names = readdirSync(FOLDER).filter((n) => /\.(service|timer)$/.test(n));

const scratch = mkdtempSync(join(tmpdir(), 'dplane-ota-units-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const run = async (...argv: string[]) => {
  const r = await host.run(argv, { timeoutMs: 120_000 });
  if (r.failure === 'missing') process.stderr.write(`skipped: ${argv[0]} is not installed, so the units were not checked by systemd\n`);
  return r;
};

test('systemd finds nothing wrong with any of them', async ({ skip }) => {
  expect(names.length).toBeGreaterThanOrEqual(7);
  const prefix = join(scratch, 'prefix');
  mkdirSync(join(prefix, 'bin'), { recursive: true });
  copyFileSync('/bin/true', join(prefix, 'bin', 'node'));
  chmodSync(join(prefix, 'bin', 'node'), 0o755);
  for (const name of names) writeFileSync(join(scratch, name), unit(name).replaceAll(PREFIX, prefix));
  const r = await run('systemd-analyze', 'verify', '--man=no', ...names.map((n) => join(scratch, n)));
  if (r.failure === 'missing') skip();
  // other units of this machine may be odd, and it has no systemd-bless-boot; ours may not
  const ours = `${r.stdout}${r.stderr}`.split('\n').filter((line) => /dplane/.test(line) && !/systemd-bless-boot/.test(line));
  expect(ours).toEqual([]);
});

test('what parses a bundle as root is shut in', async ({ skip }) => {
  const r = await run('systemd-analyze', 'security', '--offline=true', '--no-pager', join(FOLDER, 'dplane-ota-apply.service'));
  if (r.failure === 'missing') skip();
  const exposure = /Overall exposure level for \S+: ([0-9.]+)/.exec(r.stdout)?.[1];
  expect(Number(exposure), r.stdout).toBeLessThanOrEqual(4.2);
});

test('every program they start is in the repository, and every task of it exists', () => {
  const tasks = readFileSync(join(REPOSITORY, 'ota/src/boot/main.ts'), 'utf8');
  for (const name of names)
    for (const [, script = '', task = ''] of unit(name).matchAll(/^Exec\w+=.*\/usr\/lib\/dplaneos\/(ota\/\S+\.ts) (\w+)/gm)) {
      expect(existsSync(join(REPOSITORY, script)), `${name}: ${script}`).toBe(true);
      if (script.endsWith('boot/main.ts')) expect(tasks).toMatch(new RegExp(`\\b${task}\\b.*= \\{|[{ ,]${task}[:,} ]`));
    }
});

test('only a start that is on trial is ever given up', () => {
  // a machine whose disk died must not restart for ever: the one unit that restarts looks for the boot loader's counter itself
  for (const name of names) {
    const restarts = /^(SuccessAction|FailureAction|JobTimeoutAction|StartLimitAction)=/m.test(unit(name));
    expect(restarts, name).toBe(name === 'dplane-revert.service');
  }
  expect(unit('dplane-revert.service')).toContain('ConditionPathExists=!/run/dplane-ota/blessed');
  // who is stopped by a shutdown counts as failed, and must not take the good slot with it
  expect(unit('dplane-revert.service')).toContain('Conflicts=shutdown.target');
  for (const name of names.filter((n) => unit(n).includes('OnFailure=dplane-revert')))
    expect(unit(name), name).toContain('OnFailureJobMode=fail');
  expect(unit('dplane-revert.service')).toContain('ConditionPathExistsGlob=/sys/firmware/efi/efivars/LoaderBootCountPath-*');
});
