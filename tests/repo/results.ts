/** What vitest's JSON report says, counted so that nothing that went wrong counts as nothing. */
import { z } from 'zod';

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});
export type Counts = { passed: number; failed: number; skipped: number; failures: string[] };

export const countsOf = (report: unknown, exitCode: number): Counts => {
  const parsed = Report.safeParse(report);
  const files = parsed.success ? parsed.data.testResults : [];
  const tests = files.flatMap((f) => f.assertionResults.map((t) => ({ ...t, file: f.name.split('/').slice(-2).join('/') })));
  const failures = tests.filter((t) => t.status === 'failed').map((t) => `${t.file}: ${t.fullName}`);
  // a file that could not be loaded, or that broke outside its tests, is a failure of its own
  for (const f of files)
    if (f.status === 'failed' && !f.assertionResults.some((t) => t.status === 'failed'))
      failures.push(`${f.name.split('/').slice(-2).join('/')}: ${f.message?.split('\n')[0] || 'could not be run'}`);
  const passed = tests.filter((t) => t.status === 'passed').length;
  if (exitCode !== 0 && failures.length === 0)
    failures.push(`vitest ended with exit code ${exitCode} (an error outside the tests, see above)`);
  if (passed === 0 && failures.length === 0) failures.push('no test was run');
  return { passed, failed: failures.length, skipped: tests.length - passed - tests.filter((t) => t.status === 'failed').length, failures };
};
