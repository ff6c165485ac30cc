/**
 * `npm run bench [-- NAME|GROUP... --json FILE --write]`: every figure from one run, printed as a table. Without names: all. A group is a file here,
 * without what follows a dash.
 * `--json` writes them as an array of {name, value, unit, baseline, ratio}; `--write` keeps the table in docs/benchmarks.md.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../repo/files.ts';
import type { Bench, Figure } from './bench.ts';

const find = async (): Promise<(Bench & { group: string })[]> => {
  const found: (Bench & { group: string })[] = [];
  for (const file of readdirSync(import.meta.dirname).sort()) {
    // a script among them is started by a bench, not loaded
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || ['main.ts', 'bare-server.ts'].includes(file)) continue;
    const module: { benches?: Bench[] } = await import(`./${file}`);
    found.push(...(module.benches ?? []).map((b) => ({ ...b, group: file.replace(/(-.*)?\.ts$/, '') })));
  }
  return found;
};

const text = (n: number | null): string => (n === null ? '' : n >= 100_000 ? n.toLocaleString('en') : String(n));
const HEAD = ['figure', 'value', 'unit', 'baseline', 'ratio'] as const;
const cells = (f: Figure): string[] => [f.name, text(f.value), f.unit, text(f.baseline), text(f.ratio)];

const table = (figures: readonly Figure[]): string => {
  const rows = [[...HEAD], ...figures.map(cells)];
  const widths = HEAD.map((_, i) => Math.max(...rows.map((r) => (r[i] ?? '').length)));
  const numeric = [false, true, false, true, true];
  const line = (r: readonly string[]): string =>
    r
      .map((c, i) => (numeric[i] ? c.padStart(widths[i] ?? 0) : c.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return rows.map(line).join('\n');
};

const machine = (): string => {
  const [cpu] = cpus();
  return `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
};

const page = (figures: readonly Figure[], when: Date): string => `# Benchmarks

Made by \`npm run bench -- --write\`; don't edit. One run, ${when.toISOString().slice(0, 10)}, on ${machine()}.

- \`ratio\` is value / baseline: small is good for ms and MB, large for requests/s.
- The baseline of the API rows is the original, measured on 2 shared cores of the same kind (v3.2.1: Go + SQLite; v11.5: Go + PostgreSQL +
  nginx); of memory and start it is a bare Node HTTPS server with better-sqlite3 and the same flags, measured beside it in the same run.
- Requests: HTTP on loopback, keep-alive, a Bearer token, wrk with one thread; median of three rounds. The daemon runs on the simulated host
  with the flags of its unit file. Memory is read from \`/proc/PID/smaps_rollup\`.
- Absolute figures move with the machine and with what else runs on it; ratios from one run move less.

| ${HEAD.join(' | ')} | note |
|---|---:|---|---:|---:|---|
${figures.map((f) => `| ${[...cells(f), f.note ?? ''].join(' | ')} |`).join('\n')}
`;

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const all = await find();
const isMeant = (b: { name: string; group: string }, name: string): boolean => b.name === name || b.group === name;
const unknown = positionals.filter((name) => !all.some((b) => isMeant(b, name)));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(', ')}; there are: ${all.map((b) => b.name).join(', ')}`);
  process.exit(2);
}
const figures: Figure[] = [];
const broken: string[] = [];
for (const bench of all.filter((b) => positionals.length === 0 || positionals.some((name) => isMeant(b, name)))) {
  console.error(`${bench.name} ...`);
  try {
    figures.push(...(await bench.run()));
  } catch (error) {
    // the others still count; the run as a whole has failed
    console.error(error);
    broken.push(bench.name);
  }
}
console.log(table(figures));
if (values.json !== undefined) {
  const plain = figures.map(({ name, value, unit, baseline, ratio }) => ({ name, value, unit, baseline, ratio }));
  writeFileSync(values.json, `${JSON.stringify(plain, null, 2)}\n`);
}
if (broken.length > 0) console.error(`failed: ${broken.join(', ')}`);
if (values.write) {
  if (broken.length > 0 || positionals.length > 0) console.error('docs/benchmarks.md holds whole runs only: not written');
  else writeFileSync(join(ROOT, 'docs/benchmarks.md'), page(figures, new Date()));
}
process.exitCode = broken.length === 0 ? 0 : 1;
