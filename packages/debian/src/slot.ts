/**
 * Builds what goes into a slot: the erofs root, kernel and initrd. Runs without root, in a user namespace; as root in a mount
 * namespace of its own. Kept in the cache under a name made from all inputs: unchanged inputs, nothing to do.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import { baseSystem, zfsModule } from './debootstrap.ts';
import { buildDeb } from './deb.ts';
import type { Job } from './inside.ts';
import { cacheFolder, commitTime, fingerprint, repository } from './places.ts';
import type { Progress } from './progress.ts';

export interface Slot {
  readonly folder: string;
  readonly version: string;
  readonly kernel: string;
  readonly zfs: string;
  /** sha256 of slot.erofs. */
  readonly hash: string;
  readonly size: number;
  /** What the contents depend on besides the commit. */
  readonly notPinned: readonly string[];
}

const RECIPE = ['packages/persist.list', 'packages/debian/image', 'packages/debian/src'];

export async function buildSlot(progress: Progress, options: { readonly refresh?: boolean } = {}): Promise<Slot> {
  const base = await baseSystem(progress, options.refresh);
  const module = await zfsModule(base, progress);
  const deb = await buildDeb(progress);
  const recipe = await must(['sh', '-c', 'find "$@" -type f -print0 | sort -z | xargs -0 sha256sum', 'recipe', ...RECIPE], {
    cwd: repository,
  });
  const name = `slot-${fingerprint(base.fingerprint, await sha256(deb), recipe)}`;
  const folder = join(cacheFolder(), name);
  if (!existsSync(join(folder, 'slot.json'))) {
    await progress.step('slot image', async () => {
      const work = `${folder}.new`;
      // also what an earlier attempt, stopped half-way, left behind
      for (const left of readdirSync(cacheFolder()).filter((entry) => /^slot-.*\.new$/.test(entry)))
        await removeTree(join(cacheFolder(), left));
      mkdirSync(join(work, 'out'), { recursive: true });
      const job: Job = { base: base.tar, module, deb, kernel: base.kernel, work, out: join(work, 'out'), epoch: await commitTime() };
      writeFileSync(join(work, 'job.json'), JSON.stringify(job));
      await must([...namespace(), process.execPath, join(repository, 'packages/debian/src/inside.ts'), join(work, 'job.json')], {
        timeoutMs: 900_000,
        env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
      });
      const image = join(work, 'out/slot.erofs');
      const slot: Slot = {
        folder,
        version: JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')).version,
        kernel: base.kernel,
        zfs: base.zfs,
        hash: await sha256(image),
        size: statSync(image).size,
        notPinned: [`${base.packages.length} Debian packages as of the day the base was fetched (see ${base.tar}.json)`],
      };
      writeFileSync(join(work, 'out/slot.json'), `${JSON.stringify(slot, null, 1)}\n`);
      rmSync(folder, { recursive: true, force: true });
      renameSync(join(work, 'out'), folder);
      await removeTree(work);
    });
  }
  // Ours, written by the lines above.
  return { ...(JSON.parse(readFileSync(join(folder, 'slot.json'), 'utf8')) as Slot), folder };
}

/** Root of a namespace: by right as root, through /etc/subuid as anybody else. */
export function namespace(): string[] {
  const own = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return process.getuid?.() === 0 ? ['unshare', ...own] : ['unshare', '--user', '--map-root-user', '--map-auto', ...own];
}

/** The tree's files belong to the namespace's users: only inside can they be removed. */
async function removeTree(path: string): Promise<void> {
  if (existsSync(path)) await must([...namespace(), 'rm', '-rf', path], { timeoutMs: 120_000 });
}

export function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  return new Promise((resolve, reject) => {
    createReadStream(path)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  });
}
