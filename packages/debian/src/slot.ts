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
import type { SystemInfo } from '../../../control/src/domain/slot/slot.ts';
import { architecture, cacheFolder, commitTime, fingerprint, repository } from './places.ts';
import type { Progress } from './progress.ts';

export interface Slot {
  readonly folder: string;
  /** What the image says of itself, also in its /usr/lib/dplaneos/system.json. */
  readonly system: SystemInfo;
  /** Every feature of pools that its OpenZFS knows. */
  readonly poolFeatures: readonly string[];
  /** sha256 of slot.erofs. */
  readonly hash: string;
  readonly size: number;
  /** What the contents depend on besides the commit. */
  readonly notPinned: readonly string[];
}

export interface SlotOptions {
  /** Fetch the Debian packages anew. */
  readonly refresh?: boolean;
  /** Another version than package.json's, and another index than the commit's time: for updates from one commit to itself. */
  readonly version?: string;
  readonly index?: number;
}

const RECIPE = ['packages/persist.list', 'packages/debian/image', 'packages/debian/src'];

export async function buildSlot(progress: Progress, options: SlotOptions = {}): Promise<Slot> {
  const base = await baseSystem(progress, options.refresh);
  const module = await zfsModule(base, progress);
  const deb = await buildDeb(progress);
  const recipe = await must(['sh', '-c', 'find "$@" -type f -print0 | sort -z | xargs -0 sha256sum', 'recipe', ...RECIPE], {
    cwd: repository,
  });
  const system: SystemInfo = {
    product: 'dplaneos',
    version: options.version ?? JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')).version,
    index: options.index ?? (await commitTime()),
    arch: architecture === 'arm64' ? 'aarch64' : 'x86_64',
    kernel: base.kernel,
    zfs: base.zfs,
  };
  const name = `slot-${fingerprint(base.fingerprint, await hashOf(deb), recipe, system)}`;
  const folder = join(cacheFolder(), name);
  if (!existsSync(join(folder, 'slot.json'))) {
    await progress.step('slot image', async () => {
      const work = `${folder}.new`;
      // also what an earlier attempt, stopped half-way, left behind
      for (const left of readdirSync(cacheFolder()).filter((entry) => /^slot-.*\.new$/.test(entry)))
        await removeTree(join(cacheFolder(), left));
      mkdirSync(join(work, 'out'), { recursive: true });
      const job: Job = { base: base.tar, module, deb, system, work, out: join(work, 'out'), epoch: await commitTime() };
      writeFileSync(join(work, 'job.json'), JSON.stringify(job));
      await must([...namespace(), process.execPath, join(repository, 'packages/debian/src/inside.ts'), join(work, 'job.json')], {
        timeoutMs: 900_000,
        env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
      });
      const image = join(work, 'out/slot.erofs');
      const slot: Slot = {
        folder,
        system,
        poolFeatures: readFileSync(join(work, 'out/pool-features'), 'utf8').trim().split('\n'),
        hash: await hashOf(image),
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

export function hashOf(path: string, algorithm: 'sha256' | 'sha512' = 'sha256'): Promise<string> {
  const hash = createHash(algorithm);
  return new Promise((resolve, reject) => {
    createReadStream(path)
      .on('data', (chunk) => hash.update(chunk))
      .on('error', reject)
      .on('end', () => resolve(hash.digest('hex')));
  });
}
