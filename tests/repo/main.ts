/** `npm test`: the static checks, then every test. Ends with `N passed, N failed`, whatever happened before. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { check, printSteps, runTool, type Step } from './check.ts';
import { ROOT } from './files.ts';
import { type Counts, countsOf } from './results.ts';

const plain = process.env.CI !== undefined || !process.stdout.isTTY;
const RESULTS = join(ROOT, 'artifacts/vitest.json');

const runTests = async (): Promise<Counts> => {
  mkdirSync(join(ROOT, 'artifacts'), { recursive: true });
  rmSync(RESULTS, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`];
  const code = await runTool(
    [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...reporters],
    plain ? { NO_COLOR: '1', FORCE_COLOR: '0' } : {},
  );
  let results: unknown = null;
  try {
    results = JSON.parse(readFileSync(RESULTS, 'utf8'));
  } catch {
    console.log('vitest left no results');
  }
  return countsOf(results, code);
};

const began = performance.now();
let steps: Step[] = [];
let tests: Counts = { passed: 0, failed: 1, skipped: 0, failures: ['the run itself crashed'] };
try {
  steps = await check();
  tests = await runTests();
} catch (error) {
  console.log(error);
}
console.log('');
printSteps(steps);
console.log(`${tests.failed === 0 ? 'ok  ' : 'FAIL'} tests: ${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`);
for (const name of tests.failures) console.log(`       ${name}`);
console.log(`${((performance.now() - began) / 1000).toFixed(0)} s`);
const failed = steps.filter((s) => !s.passed).length + tests.failed;
console.log(`${steps.filter((s) => s.passed).length + tests.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
