/** The repository's own files: what would be committed, wherever the checks run (a clone, an unpacked archive). */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

export type SourceFile = { /** Relative to the root. */ path: string; text: string };

export const repositoryFiles = (root: string): string[] => {
  // .gitignore holds names of folders and `*.ext` only, so that it can be read without git
  const ignored = readFileSync(join(root, '.gitignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => new RegExp(`^${line.replace(/\/$/, '').replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
  const out: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name === '.git' || ignored.some((pattern) => pattern.test(entry.name))) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) out.push(relative(root, path));
    }
  };
  walk(root);
  return out.sort();
};

/** Files that hold text; what has a NUL byte is left out. */
export const textFiles = (root: string, paths: readonly string[] = repositoryFiles(root)): SourceFile[] =>
  paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })).filter((f) => !f.text.includes('\0'));

export const isCode = (path: string): boolean => /\.(ts|tsx|mjs|js|jsx|cjs|mts|cts)$/.test(path);
