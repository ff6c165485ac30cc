/**
 * The programs as they are packed: each one a file, what several of them need beside it, without types, otherwise as it was written. To find and
 * read some hundred modules is most of what a program costs before it does anything, and on a small machine that is seconds.
 *
 *   node packages/programs.ts OUT
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { NATIVE } from './debian/src/closure.ts';

const repository = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const PROGRAMS = {
  dplaned: 'control/src/main.ts',
  'dplane-exec': 'control/src/exec-main.ts',
  'dplane-gate': 'control/src/gate-main.ts',
  'dplane-state': 'control/src/state-main.ts',
  dplane: 'control/src/cli/main.ts',
  'dplane-ota': 'ota/src/main.ts',
  'dplane-boot': 'ota/src/boot/main.ts',
};

export async function writePrograms(out: string): Promise<void> {
  const build = await rolldown({
    cwd: repository,
    input: Object.fromEntries(Object.entries(PROGRAMS).map(([name, path]) => [name, join(repository, path)])),
    platform: 'node',
    external: [...NATIVE],
    // the same bytes wherever node_modules lies
    resolve: { symlinks: false },
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(`packing the programs: ${log.message}`);
    },
  });
  try {
    await build.write({ dir: out, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'parts/[name]-[hash].js' });
  } finally {
    await build.close();
  }
}

if (import.meta.main) {
  const [out] = process.argv.slice(2);
  if (out === undefined) throw new Error('usage: node packages/programs.ts OUT');
  await writePrograms(out);
}
