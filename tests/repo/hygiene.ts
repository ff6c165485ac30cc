/** What must not be in the repository, whoever wrote it, and what has to be in step with each other. */
import type { Finding } from './boundaries.ts';
import { isCode, type SourceFile } from './files.ts';

type Pattern = { what: string; pattern: RegExp; except?: RegExp };

const PATTERNS: Pattern[] = [
  {
    what: 'a package registry or mirror by name',
    pattern:
      /registry\.(npmjs|yarnpkg)|npmjs\.(org|com)|\/api[/]npm\/|pypi\.org|_auth[T]oken|(deb|security)\.debian\.org|archive\.ubuntu\.com/,
  },
  {
    what: 'a path of one machine',
    pattern: /(^|[\s"'`=(:])\/(work|root|home\/[a-z][\w-]*)\/[A-Za-z0-9._-]/m,
    // an initrd mounts the real system on a folder of that name
    except: /^packages\/debian\/image\/init$/,
  },
  {
    what: 'a private key',
    // tests look for the first line in what they make; a key is that line and what follows it
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{40}/,
  },
  {
    what: 'something like a secret',
    pattern:
      /\b(ghp_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|AKIA[0-9A-Z]{16}|xox[abp]-[0-9A-Za-z-]{20,}|npm_[A-Za-z0-9]{36}|glpat-[A-Za-z0-9_-]{20})\b/,
  },
  { what: 'a merge left undone', pattern: /^(<{7}|>{7}) /m },
];

const lineOf = (text: string, at: number): number => text.slice(0, at).split('\n').length;
const record = (v: unknown): Record<string, unknown> => (typeof v === 'object' && v !== null ? { ...v } : {});

const forbidden = (file: SourceFile): Finding[] =>
  PATTERNS.filter((p) => !p.except?.test(file.path)).flatMap((p) => {
    const hit = p.pattern.exec(file.text);
    return hit ? [{ path: file.path, line: lineOf(file.text, hit.index), message: `holds ${p.what}: ${hit[0].trim().slice(0, 60)}` }] : [];
  });

/**
 * The lock file says what, by version and hash; where from is the matter of each machine. A package for a system that
 * D-PlaneOS does not run on may lack its hash (not every mirror has it), but not its entry: `npm ci` would refuse.
 */
const lockFindings = (file: SourceFile): Finding[] => {
  const packages = record(record(JSON.parse(file.text)).packages);
  const names = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)));
  return Object.entries(packages).flatMap(([path, value]) => {
    const entry = record(value);
    const findings: Finding[] = [];
    const say = (message: string): void => void findings.push({ path: file.path, line: 1, message: `${path}: ${message}` });
    if (typeof entry.resolved === 'string' && /^[a-z+]+:/.test(entry.resolved)) say('names the address it was downloaded from (resolved)');
    const elsewhere =
      (Array.isArray(entry.os) && !entry.os.includes('linux')) || (Array.isArray(entry.libc) && !entry.libc.includes('glibc'));
    if (path.startsWith('node_modules/') && entry.link !== true && !elsewhere && typeof entry.integrity !== 'string')
      say(`version ${String(entry.version)} has no integrity hash`);
    for (const name of Object.keys({ ...record(entry.dependencies), ...record(entry.optionalDependencies) }))
      if (!names.has(name)) say(`needs ${name}, which has no entry`);
    return findings;
  });
};

const dependencyFindings = (files: readonly SourceFile[]): Finding[] => {
  const page = (files.find((f) => f.path === 'docs/dependencies.md')?.text ?? '').split('\n## Own code')[0] ?? '';
  const explained = new Set(page.split('\n').flatMap((line) => /^\| `([^`]+)` \| \S.{20,}/.exec(line)?.[1] ?? []));
  const declared = new Map<string, string>();
  const findings: Finding[] = [];
  for (const file of files.filter((f) => /(^|\/)package\.json$/.test(f.path))) {
    const json = record(JSON.parse(file.text));
    for (const key of ['dependencies', 'devDependencies', 'optionalDependencies'])
      for (const [name, version] of Object.entries(record(json[key]))) {
        declared.set(name, file.path);
        if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))
          findings.push({ path: file.path, line: 1, message: `${name} ${String(version)}: a dependency is pinned to one version` });
      }
  }
  for (const [name, path] of declared)
    if (!explained.has(name)) findings.push({ path, line: 1, message: `${name} has no row with a reason in docs/dependencies.md` });
  for (const name of explained)
    if (!declared.has(name))
      findings.push({ path: 'docs/dependencies.md', line: 1, message: `${name} is explained, but no package.json declares it` });
  return findings;
};

/** Relative links in the documents lead somewhere. */
const linkFindings = (files: readonly SourceFile[]): Finding[] => {
  const paths = new Set(files.map((f) => f.path));
  const folders = new Set([...paths].flatMap((p) => p.split('/').map((_, i, parts) => parts.slice(0, i).join('/'))));
  return files
    .filter((f) => f.path.endsWith('.md'))
    .flatMap((f) =>
      [...f.text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].flatMap((m) => {
        const to = m[1] ?? '';
        if (/^[a-z]+:/.test(to)) return [];
        const path = new URL(to, `file:///${f.path}`).pathname.slice(1).replace(/\/$/, '');
        return paths.has(path) || folders.has(path)
          ? []
          : [{ path: f.path, line: lineOf(f.text, m.index), message: `links to ${to}, which is not there` }];
      }),
    );
};

export const hygieneFindings = (files: readonly SourceFile[]): Finding[] => [
  ...files.flatMap(forbidden),
  ...files.filter((f) => f.path === 'package-lock.json').flatMap(lockFindings),
  ...dependencyFindings(files),
  ...linkFindings(files),
];

/** A sign, not a rule. */
export const longFiles = (files: readonly SourceFile[]): string[] =>
  files
    .map((f) => ({ path: f.path, lines: f.text.split('\n').length - 1 }))
    .filter((f) => isCode(f.path) && f.lines > 400)
    .map((f) => `${f.path} (${f.lines} lines)`);
