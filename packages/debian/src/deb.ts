/**
 * Builds dplaneos_<version>_<arch>.deb: the tree that every package holds (packages/tree.ts) with the Node 24 binary, and what dpkg wants to
 * know. Same inputs, same bytes.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import { writePrograms } from '../../programs.ts';
import { DOCS, writeTree } from '../../tree.ts';
import { architecture, cacheFolder, commitTime, repository } from './places.ts';
import type { Progress } from './progress.ts';

/** What goes into the package and the image: its last commit gives the time of everything in there. */
export const BUILT_FROM = ['control', 'ota', 'ui', 'packages', 'package.json', 'package-lock.json', 'LICENSE', ...DOCS];

export async function buildDeb(progress: Progress, outFolder = cacheFolder()): Promise<string> {
  const version = readJson<{ version: string }>(join(repository, 'package.json')).version;
  const file = join(outFolder, `dplaneos_${version}_${architecture}.deb`);
  await progress.step(`package dplaneos ${version}`, async () => {
    mkdirSync(outFolder, { recursive: true });
    const tree = `${file}.tree`;
    const programs = `${file}.programs`;
    for (const folder of [tree, programs]) rmSync(folder, { recursive: true, force: true });
    await writePrograms(programs);
    const node = `node_modules/node-linux-${architecture === 'arm64' ? 'arm64' : 'x64'}/bin/node`;
    writeTree({
      out: join(tree, 'usr'),
      home: '/usr/lib/dplaneos',
      modules: repository,
      programs,
      ui: join(repository, 'ui/dist'),
      node: { copy: join(repository, node) },
    });
    writeControl(tree, version);
    const epoch = String(await commitTime(BUILT_FROM));
    await must(['chmod', '-R', 'u+rwX,go+rX,go-w', tree]);
    await must(['find', tree, '-exec', 'touch', '-h', '-d', `@${epoch}`, '{}', '+']);
    const argv = ['dpkg-deb', '--root-owner-group', '-Zzstd', '-z6', '--build', tree, `${file}.new`];
    await must(argv, { timeoutMs: 300_000, env: { SOURCE_DATE_EPOCH: epoch } });
    for (const folder of [tree, programs]) rmSync(folder, { recursive: true });
    renameSync(`${file}.new`, file);
  });
  return file;
}

function writeControl(tree: string, version: string): void {
  const folder = join(tree, 'DEBIAN');
  mkdirSync(folder, { recursive: true });
  const source = join(repository, 'packages/debian/deb');
  const units = readdirSync(join(tree, 'usr/lib/systemd/system')).filter((name) =>
    statSync(join(tree, 'usr/lib/systemd/system', name)).isFile(),
  );
  const enabled = units.filter((name) => /^\[Install\]/m.test(readFileSync(join(tree, 'usr/lib/systemd/system', name), 'utf8'))).sort();
  for (const name of ['preinst', 'postinst', 'prerm', 'postrm']) {
    const text = readFileSync(join(source, name), 'utf8').replaceAll('@UNITS@', enabled.join(' '));
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o755);
  }
  const control = readFileSync(join(source, 'control'), 'utf8').replaceAll('@VERSION@', version).replaceAll('@ARCHITECTURE@', architecture);
  writeFileSync(join(folder, 'control'), control);
}

function readJson<T>(path: string): T {
  // The repository's own package files; a field that is missing shows at once.
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
