/** The static part of `npm test`: types, format, lint, import boundaries, repository hygiene. Each is one step that passes or fails. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KINDS, lockDigest } from '../../packages/npm-tree.ts';
import { boundaryFindings, cycles, type Finding } from './boundaries.ts';
import { ROOT, textFiles } from './files.ts';
import { hygieneFindings, longFiles } from './hygiene.ts';

export type Step = { name: string; passed: boolean; seconds: number };

/** Output is inherited, so that a tool shows what it found as it is used to. */
export const runTool = (argv: readonly string[], env: Record<string, string> = {}): Promise<number> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [...argv], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    const stop = (): void => void child.kill('SIGTERM');
    process.once('SIGTERM', stop);
    const end = (code: number): void => {
      process.removeListener('SIGTERM', stop);
      resolve(code);
    };
    child.on('error', () => end(1));
    child.on('exit', (code) => end(code ?? 1));
  });

const report = (findings: readonly Finding[]): boolean => {
  for (const f of findings) console.log(`${f.path}:${f.line}: ${f.message}`);
  return findings.length === 0;
};

const tool = (name: string, argv: readonly string[]) => ({
  name,
  run: async (): Promise<boolean> => (await runTool([join(ROOT, 'node_modules', argv[0] ?? ''), ...argv.slice(1)])) === 0,
});
const biome = ['@biomejs/biome/bin/biome'] as const;

/** What was hashed for packages/npm.nix has to be what the lock file names now; tests/nix hashes it anew. */
const npmHashFindings = (): Finding[] => {
  const path = 'packages/npm-hashes.json';
  const recorded: unknown = JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  return KINDS.flatMap((kind) =>
    JSON.stringify(recorded).includes(`"lock":"${lockDigest(kind, ROOT)}"`)
      ? []
      : [{ path, line: 1, message: `is of other npm packages (${kind}) than package-lock.json: npm run nix:hashes` }],
  );
};

const STEPS: readonly { name: string; run: () => Promise<boolean> | boolean }[] = [
  tool('types (tsc)', ['typescript/bin/tsc', '-p', '.']),
  tool('types of the browser interface (tsc)', ['typescript/bin/tsc', '-p', 'ui']),
  tool('format (biome)', [...biome, 'format']),
  tool('lint (biome)', [...biome, 'lint', '--error-on-warnings']),
  { name: 'import boundaries', run: () => report(boundaryFindings(textFiles(ROOT))) },
  {
    name: 'import cycles',
    run: () =>
      report(
        cycles(textFiles(ROOT)).map((group) => ({
          path: group[0] ?? '',
          line: 1,
          message: `imports itself through ${group.slice(1).join(', ')}`,
        })),
      ),
  },
  { name: 'hashes of npm packages for Nix', run: () => report(npmHashFindings()) },
  { name: 'repository hygiene', run: () => report(hygieneFindings(textFiles(ROOT))) },
];

/** A step that crashes has failed; the others still run. */
export const check = async (): Promise<Step[]> => {
  const done: Step[] = [];
  for (const { name, run } of STEPS) {
    const began = performance.now();
    const passed = await Promise.resolve()
      .then(run)
      .catch((error: unknown) => {
        console.log(error);
        return false;
      });
    done.push({ name, passed, seconds: (performance.now() - began) / 1000 });
  }
  const long = longFiles(textFiles(ROOT));
  if (long.length > 0) console.log(`Longer than 400 lines, a sign to split: ${long.join(', ')}`);
  return done;
};

export const printSteps = (steps: readonly Step[]): void => {
  for (const s of steps) console.log(`${s.passed ? 'ok  ' : 'FAIL'} ${s.name} (${s.seconds.toFixed(1)} s)`);
};

if (import.meta.main) {
  const steps = await check();
  printSteps(steps);
  const failed = steps.filter((s) => !s.passed).length;
  console.log(`${steps.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
