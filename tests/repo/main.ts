/** `npm test`: the static checks, every test, the appliance image, its suites in a VM but the longest. Ends with `N passed, N failed`, whatever happened before. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { check, printSteps, runTool, type Step } from './check.ts';
import { ROOT } from './files.ts';
import { type Counts, countsOf } from './results.ts';

const plain = process.env.CI !== undefined || !process.stdout.isTTY;

/** Each takes half an hour and more where the processor is emulated: `npm run e2e -- slots` runs them. */
const LONG = ['slots-faults.test.ts', 'slots-cuts.test.ts'];
/** What matters most comes first; the rest by name. */
const FIRST = ['writes.test.ts', 'lab.test.ts', 'storage.test.ts', 'slots.test.ts'];
const SUITES = join(ROOT, 'tests/lab');
const suiteFiles = (): string[] => {
  const found = readdirSync(SUITES).filter((name) => name.endsWith('.test.ts') && !LONG.includes(name));
  const place = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return found.sort((x, y) => place(x) - place(y) || x.localeCompare(y));
};

const runTests = async (suite: 'unit' | string): Promise<Counts> => {
  const file = join(ROOT, `artifacts/vitest-${suite}.json`);
  mkdirSync(join(ROOT, 'artifacts'), { recursive: true });
  rmSync(file, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const only = suite === 'unit' ? [] : [join('tests/lab', suite)];
  const code = await runTool([join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', ...only, ...reporters], {
    ...(suite === 'unit' ? {} : { DPLANE_SUITE: 'lab' }),
    ...(plain ? { NO_COLOR: '1', FORCE_COLOR: '0' } : {}),
  });
  let results: unknown = null;
  try {
    results = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    console.log('vitest left no results');
  }
  return countsOf(results, code);
};

const began = performance.now();
const steps: Step[] = [];
const suites: { name: string; counts: Counts; seconds: number }[] = [];

/** Whatever goes wrong in one part is one failure, and the next part still runs. */
const suite = async (name: string, run: () => Promise<Counts>): Promise<void> => {
  const from = performance.now();
  const counts = await run().catch((error: unknown) => {
    console.log(error);
    return { passed: 0, failed: 1, skipped: 0, failures: [`the run itself crashed: ${error}`] };
  });
  suites.push({ name, counts, seconds: (performance.now() - from) / 1000 });
};

/** A step of its own: its reason is above, and the suites need not each fail with it. */
const image = async (): Promise<boolean> => {
  const from = performance.now();
  const passed = (await runTool([join(ROOT, 'packages/debian/src/main.ts'), 'disk'])) === 0;
  steps.push({ name: 'appliance image', passed, seconds: (performance.now() - from) / 1000 });
  return passed;
};

try {
  steps.push(...(await check()));
} catch (error) {
  console.log(error);
  steps.push({ name: 'static checks', passed: false, seconds: 0 });
}
await suite('tests', () => runTests('unit'));
/** Where a machine has only so long for all of it (DPLANE_TEST_MINUTES), no suite is begun after that; each of these is named. */
const minutes = Number(process.env.DPLANE_TEST_MINUTES ?? Number.POSITIVE_INFINITY);
const isLate = (): boolean => performance.now() - began > minutes * 60_000;
const late: string[] = [];
if (isLate()) late.push('the appliance image', ...suiteFiles());
else if (await image())
  for (const name of suiteFiles()) {
    if (isLate()) late.push(name);
    else await suite(`VM: ${name.replace('.test.ts', '')}`, () => runTests(name));
  }
else console.log('the suites in the VM are not run: there is no image, see above');

console.log('');
printSteps(steps);
for (const { name, counts, seconds } of suites) {
  const { passed, failed, skipped, failures } = counts;
  console.log(
    `${failed === 0 ? 'ok  ' : 'FAIL'} ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds.toFixed(0)} s)`,
  );
  for (const failure of failures) console.log(`       ${failure}`);
}
for (const name of late) console.log(`NOT RUN ${name}: only ${minutes} minutes were given for all of it`);
console.log(`${((performance.now() - began) / 1000).toFixed(0)} s`);
const sum = (of: (counts: Counts) => number): number => suites.reduce((total, { counts }) => total + of(counts), 0);
const failed = steps.filter((s) => !s.passed).length + sum((c) => c.failed);
console.log(`${steps.filter((s) => s.passed).length + sum((c) => c.passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
