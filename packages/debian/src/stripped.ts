/**
 * Node strips the types when it loads a file, and keeps the result in its compile cache. On the first start of a slow machine that is
 * most of the time until the interface answers, so the image brings it along: made by the same Node at the same paths, taken over by
 * image/files/.../stripped.mjs. Only the stripped text is kept: it depends on nothing but the source, machine code on much else.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';

const HOME = '/usr/lib/dplaneos';
/** An entry is five numbers of four bytes and what is kept; V8's own data begins with its magic number. */
const HEADER = 20;
const V8_MAGIC = 0xc0de;

export async function keepStripped(tree: string, epoch: number): Promise<void> {
  const work = join(tree, 'run/stripped');
  mkdirSync(work, { recursive: true });
  const programs = [
    'control/src/main.ts',
    'control/src/exec-main.ts',
    'control/src/gate-main.ts',
    'control/src/cli/main.ts',
    'ota/src/main.ts',
    'ota/src/boot/main.ts',
  ].filter((path) => existsSync(join(tree, HOME, path)));
  // all they import is loaded, and nothing runs: the last import can not be linked
  const imports = programs.map((path) => `import '${HOME}/${path}';`);
  writeFileSync(join(work, 'all.mjs'), `${imports.join('\n')}\nimport { nothing } from 'node:fs';\nnothing();\n`);
  const load = `import('/run/stripped/all.mjs').catch((error) => { if (!/named 'nothing'/.test(error.message)) throw error; });`;
  const node = [
    'env',
    'NODE_COMPILE_CACHE=/run/stripped/cache',
    `${HOME}/bin/node`,
    '--disable-warning=ExperimentalWarning',
    '--eval',
    load,
  ];
  await must(['chroot', tree, ...node], { timeoutMs: 300_000 });
  const cache = join(work, 'cache', readdirSync(join(work, 'cache'))[0] ?? '');
  const kept = join(tree, HOME, 'stripped');
  mkdirSync(kept);
  for (const name of readdirSync(cache)) {
    const entry = readFileSync(join(cache, name));
    if (entry.length > HEADER + 4 && entry.readUInt16LE(HEADER + 2) !== V8_MAGIC) writeFileSync(join(kept, name), entry, { mode: 0o644 });
  }
  const found = readdirSync(kept).length;
  if (found < 50) throw new Error(`only ${found} files were kept stripped: Node keeps them differently now`);
  writeFileSync(join(kept, `taken-over-${epoch}`), '');
  rmSync(work, { recursive: true });
}
