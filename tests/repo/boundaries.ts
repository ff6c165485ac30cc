/**
 * Which room may import what (docs/adr/0001-the-house.md), held by the checker rather than by discipline.
 * Tests are free: they look into everything and are loaded by nothing.
 */
import { isCode, type SourceFile } from './files.ts';
import { type Import, readImports } from './imports.ts';

export type Finding = { path: string; line: number; message: string };

type Room = {
  /** Folders or files it may load code from, besides itself. */
  uses: readonly string[];
  /** What it may import as types only. */
  types?: readonly string[];
  /** npm packages it is limited to. Without it: those its package.json declares. */
  packages?: readonly string[];
  /** No Node, so that it also runs in a browser. */
  pure?: true;
};

const ROOMS: Record<string, Room> = {
  'control/src/domain': { uses: [], packages: ['zod'], pure: true },
  'control/src/host': { uses: ['control/src/domain'] },
  'control/src/store': { uses: ['control/src/domain'] },
  'control/src/events': { uses: ['control/src/domain'], types: ['control/src/store/types.ts'] },
  'control/src/engine': { uses: ['control/src/domain', 'control/src/host', 'control/src/store', 'control/src/events'] },
  'control/src/api': { uses: ['control/src/domain', 'control/src/engine', 'control/src/events'], types: ['control/src/store/types.ts'] },
  'control/src/cli': { uses: ['control/src/domain'], types: ['control/src/api', 'control/src/engine'] },
  'ui/src': { uses: ['control/src/domain'], types: ['control/src/api/router.ts'], pure: true },
  'ota/src': { uses: ['control/src/domain', 'control/src/host/exec.ts'], types: ['control/src/host/host.ts'] },
};
/** Composition roots: files, so they import everything and nobody imports them. */
const ROOT_FILE = /^control\/src\/[^/]+\.ts$/;

const STARTS_PROCESSES = ['control/src/host/exec.ts', 'packages/lab/src/exec.ts'];
const PROCESS_MODULES = new Set(['child_process', 'cluster', 'execa']);
const SQLITE_MODULES = new Set(['better-sqlite3', 'sqlite']);
const PRODUCT = /^(control|ui|ota|packages)\//;

export const isTest = (path: string): boolean => /^tests\//.test(path) || /(\.test|\.testing)\.tsx?$|\/testing\//.test(path);
const within = (path: string, place: string): boolean => path === place || path.startsWith(`${place}/`);

const dependenciesOf = (files: readonly SourceFile[], folder: string): Set<string> => {
  const text = files.find((f) => f.path === `${folder}package.json`)?.text;
  const found: unknown = text === undefined ? {} : JSON.parse(text);
  const names = (key: string): string[] => {
    const list = typeof found === 'object' && found !== null && key in found ? (found as Record<string, unknown>)[key] : {};
    return typeof list === 'object' && list !== null ? Object.keys(list) : [];
  };
  return new Set(['dependencies', 'devDependencies', 'optionalDependencies'].flatMap(names));
};

const checkRoom = (path: string, name: string, room: Room, i: Import): string | null => {
  const { target } = i;
  if (target.kind === 'builtin') return room.pure ? `${name} is free of Node, but imports ${i.specifier}` : null;
  if (target.kind === 'package')
    return room.packages && !room.packages.includes(target.name)
      ? `${name} imports only ${room.packages.join(', ')}, not ${target.name}`
      : null;
  if (target.kind === 'unknown') return null;
  // its own version
  if (!room.pure && target.path === `${name.split('/')[0]}/package.json`) return null;
  if (within(target.path, name) || room.uses.some((place) => within(target.path, place))) return null;
  if (room.types?.some((place) => within(target.path, place)))
    return i.typeOnly ? null : `${name} may import types from ${target.path} (import type), not code`;
  return `${name} does not import ${target.path} (${path} is on the wrong side)`;
};

const checkFile = (file: SourceFile, dependencies: (folder: string) => Set<string>): Finding[] => {
  const { imports, bypasses } = readImports(file);
  const findings: Finding[] = bypasses
    .filter((b) => PRODUCT.test(file.path) || b.what.startsWith('cannot'))
    .map((b) => ({ path: file.path, line: b.line, message: b.what }));
  if (isTest(file.path) || !PRODUCT.test(file.path))
    return isTest(file.path) ? findings.filter((f) => f.message.startsWith('cannot')) : findings;
  const room = Object.entries(ROOMS).find(([place]) => within(file.path, place));
  if (!room && /^(control|ui|ota)\/src\//.test(file.path) && !ROOT_FILE.test(file.path))
    findings.push({ path: file.path, line: 1, message: 'is in a folder that has no row in tests/repo/boundaries.ts' });
  for (const i of imports) {
    const say = (message: string): void => void findings.push({ path: file.path, line: i.line, message });
    const { target } = i;
    const module = target.kind === 'package' || target.kind === 'builtin' ? target.name : '';
    if (target.kind === 'unknown') say(`imports ${i.specifier}, which nobody can check`);
    if (PROCESS_MODULES.has(module) && !STARTS_PROCESSES.includes(file.path))
      say(`only ${STARTS_PROCESSES.join(' and ')} start processes, not through ${i.specifier} here`);
    if (SQLITE_MODULES.has(module) && !within(file.path, 'control/src/store'))
      say(`only control/src/store opens SQLite, not through ${i.specifier} here`);
    if (target.kind === 'file' && isTest(target.path)) say(`imports a test: ${target.path}`);
    if (target.kind === 'file' && ROOT_FILE.test(target.path) && !ROOT_FILE.test(file.path))
      say(`imports a composition root: ${target.path}`);
    if (target.kind === 'package' && !dependencies(file.path).has(target.name))
      say(`imports ${target.name}, which its package.json does not declare`);
    const problem = room && checkRoom(file.path, room[0], room[1], i);
    if (problem) say(problem);
  }
  return findings;
};

export const boundaryFindings = (files: readonly SourceFile[]): Finding[] => {
  const cache = new Map<string, Set<string>>();
  const dependencies = (path: string): Set<string> => {
    const workspace = /^(control|ui|ota|tests)\//.exec(path)?.[0] ?? '';
    let found = cache.get(workspace);
    if (!found) {
      found = dependenciesOf(files, workspace);
      // the lab drives the product, so it may use what the product already depends on
      if (workspace === '') for (const name of dependenciesOf(files, 'control/')) found.add(name);
      cache.set(workspace, found);
    }
    return found;
  };
  return files.filter((f) => isCode(f.path)).flatMap((f) => checkFile(f, dependencies));
};

/**
 * Groups of files that load each other in a circle: which of them runs first depends on who was asked first. Types and late imports make no
 * such circle, and between rooms the table above leaves no way back anyhow.
 */
export const cycles = (files: readonly SourceFile[]): string[][] => {
  const edges = new Map<string, string[]>();
  for (const f of files.filter((x) => isCode(x.path)))
    edges.set(
      f.path,
      readImports(f).imports.flatMap((i) => (i.target.kind === 'file' && !i.typeOnly && !i.late ? [i.target.path] : [])),
    );
  // Tarjan: one depth-first walk; a component closes where no member reaches further back than its first
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const walk = (path: string): number => {
    const own = index.size;
    index.set(path, own);
    low.set(path, own);
    stack.push(path);
    for (const next of edges.get(path) ?? []) {
      if (!edges.has(next)) continue;
      const reach = index.has(next) ? (stack.includes(next) ? (index.get(next) ?? own) : own) : walk(next);
      low.set(path, Math.min(low.get(path) ?? own, reach));
    }
    const lowest = low.get(path) ?? own;
    if (lowest === own) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1 || edges.get(path)?.includes(path)) found.push(group.sort());
    }
    return lowest;
  };
  for (const path of edges.keys()) if (!index.has(path)) walk(path);
  return found;
};
