import { describe, expect, test } from 'vitest';
import type { SourceFile } from './files.ts';
import { hygieneFindings, longFiles } from './hygiene.ts';
import { countsOf } from './results.ts';

const findings = (...files: SourceFile[]): string[] => hygieneFindings(files).map((f) => f.message);
// put together here, so that this file passes the check that it is a test of
const slash = '/';

describe('what no file may hold', () => {
  test.each([
    ['a registry', `https://registry.${'npmjs'}.org/zod`],
    ['a mirror', `http://deb.${'debian'}.org/debian`],
    ['a credential for one', `//x/:_auth${'Token'}=abc`],
    ['a home folder', `const x = '${slash}home/alice/x';`],
    ['the root user folder', `path=${slash}root/thing`],
    ['a work folder', `see ${slash}work/main`],
    ['a private key', `-----BEGIN ${'PRIVATE'} KEY-----\n${'A'.repeat(48)}\n`],
    ['a token', `ghp_${'a'.repeat(36)}`],
    ['a conflict marker', `${'<'.repeat(7)} HEAD`],
  ])('%s', (_name, text) => {
    expect(findings({ path: 'docs/x.md', text })).toHaveLength(1);
  });
  test('words that only look similar stay', () => {
    expect(findings({ path: 'docs/x.md', text: 'framework/work, the root / of it, /homes, -----BEGIN CERTIFICATE-----' })).toEqual([]);
  });
});

describe('the lock file', () => {
  const lock = (entry: object): SourceFile => ({
    path: 'package-lock.json',
    text: JSON.stringify({ packages: { 'node_modules/zod': entry } }),
  });
  test('names no address', () => {
    expect(findings(lock({ version: '1.0.0', integrity: 'sha512-x', resolved: `https://mirror.example/zod.tgz` }))).toHaveLength(1);
    expect(findings(lock({ version: '1.0.0', integrity: 'sha512-x' }))).toEqual([]);
  });
  test('has a hash for every package', () => {
    expect(findings(lock({ version: '1.0.0' }))).toHaveLength(1);
    expect(findings(lock({ resolved: 'control', link: true }))).toEqual([]);
    expect(findings(lock({ version: '1.0.0', optional: true, os: ['linux'], libc: ['glibc'] }))).toHaveLength(1);
    expect(findings(lock({ version: '1.0.0', optional: true, os: ['darwin'] }))).toEqual([]);
  });
  test('has an entry for everything that is needed, on other systems too', () => {
    expect(findings(lock({ version: '1.0.0', integrity: 'sha512-x', optionalDependencies: { 'zod-darwin': '1.0.0' } }))).toHaveLength(1);
  });
});

describe('dependencies', () => {
  const pkg = (version: string): SourceFile => ({ path: 'control/package.json', text: JSON.stringify({ dependencies: { zod: version } }) });
  const page = (text: string): SourceFile => ({ path: 'docs/dependencies.md', text });
  const reason = '| `zod` | Schemas first: it parses what comes in at every edge. |';
  test('each has a reason', () => {
    expect(findings(pkg('4.6.7'), page(reason))).toEqual([]);
    expect(findings(pkg('4.6.7'), page('zod is nice'))).toHaveLength(1);
    expect(findings(pkg('4.6.7'), page('| `zod` | |'))).toHaveLength(1);
  });
  test('each is pinned', () => {
    expect(findings(pkg('^4.6.7'), page(reason))).toHaveLength(1);
  });
  test('what is gone is not explained any more', () => {
    expect(findings({ path: 'package.json', text: '{}' }, page(reason))).toHaveLength(1);
  });
});

test('links of the documents lead somewhere', () => {
  const adr = { path: 'docs/adr/0001-x.md', text: 'text' };
  expect(findings({ path: 'README.md', text: '[a](docs/adr/0001-x.md) [b](docs/adr) [c](https://example.org/x)' }, adr)).toEqual([]);
  expect(findings({ path: 'docs/adr/y.md', text: '[a](0001-x.md#top)' }, adr)).toEqual([]);
  expect(findings({ path: 'README.md', text: '[a](docs/gone.md)' }, adr)).toHaveLength(1);
});

test('long files are named', () => {
  expect(
    longFiles([
      { path: 'a.ts', text: 'x\n'.repeat(401) },
      { path: 'b.ts', text: 'x\n'.repeat(400) },
      { path: 'c.md', text: 'x\n'.repeat(900) },
    ]),
  ).toEqual(['a.ts (401 lines)']);
});

describe('counting', () => {
  const file = (status: string, ...tests: string[]) => ({
    name: 'a/b/x.test.ts',
    status,
    message: 'boom',
    assertionResults: tests.map((t, i) => ({ fullName: `t${i}`, status: t })),
  });
  test('passed, failed and skipped tests', () => {
    expect(countsOf({ testResults: [file('failed', 'passed', 'failed', 'skipped')] }, 1)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 1,
      failures: ['b/x.test.ts: t1'],
    });
  });
  test('a file that could not be loaded is a failure', () => {
    expect(countsOf({ testResults: [file('failed'), file('passed', 'passed')] }, 1)).toMatchObject({
      passed: 1,
      failed: 1,
      failures: ['b/x.test.ts: boom'],
    });
  });
  test('an error outside the tests is a failure', () => {
    expect(countsOf({ testResults: [file('passed', 'passed')] }, 1)).toMatchObject({ passed: 1, failed: 1 });
  });
  test('no report, or no test at all, is a failure', () => {
    expect(countsOf(null, 0)).toMatchObject({ passed: 0, failed: 1 });
    expect(countsOf({ testResults: [] }, 0)).toMatchObject({ passed: 0, failed: 1 });
  });
});
