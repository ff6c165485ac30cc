/** Which npm packages are needed for what, read from the lock file: nothing is resolved anew. */

/** Not packed into the programs: they bring machine code. */
export const NATIVE = ['better-sqlite3'] as const;

export interface LockEntry {
  readonly version?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/**
 * Folders (`node_modules/...`) needed by the workspaces named. Follows Node's own look-up: from the folder upwards.
 * Optional and peer dependencies count when the lock file has them and they are installed by something else anyway. With `dev` also what the
 * workspaces themselves need to be built.
 */
export function closure(
  packages: Readonly<Record<string, LockEntry>>,
  workspaces: readonly string[],
  { dev = false }: { dev?: boolean } = {},
): string[] {
  const needed = new Set<string>();
  const open = [...workspaces];
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    const entry = packages[from];
    if (entry === undefined) throw new Error(`the lock file has no ${from}; run npm install`);
    const built = dev && workspaces.includes(from) ? entry.devDependencies : {};
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies, ...built })) {
      const found = lookUp(packages, from, name);
      if (found === undefined) {
        if (entry.optionalDependencies?.[name] !== undefined) continue;
        throw new Error(`${from} needs ${name}, which the lock file does not have`);
      }
      const target = packages[found]?.link === true ? (packages[found].resolved ?? found) : found;
      if (needed.has(target) || workspaces.includes(target)) continue;
      needed.add(target);
      open.push(target);
    }
  }
  return [...needed].sort();
}

/** What the installed product finds in its node_modules. */
export function runtimePackages(packages: Readonly<Record<string, LockEntry>>): string[] {
  const native = NATIVE.map((name) => `node_modules/${name}`);
  return [...native, ...closure(packages, native)].sort();
}

/** What the programs and the browser interface are built of, and by. */
export function buildPackages(packages: Readonly<Record<string, LockEntry>>): string[] {
  return closure(packages, ['ui', 'control', 'ota'], { dev: true });
}

function lookUp(packages: Readonly<Record<string, LockEntry>>, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (!folder.endsWith('node_modules')) {
      const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
      if (packages[candidate] !== undefined) return candidate;
    }
    if (folder === '') return undefined;
  }
}
