/**
 * Builds what goes into a slot: the erofs root, kernel and initrd. Runs without root, in a user namespace; as root in a mount
 * namespace of its own. Kept in the cache under a name made from all inputs: unchanged inputs, nothing to do.
 */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { must } from '../../lab/src/exec.ts';
import { alone, builds } from './alone.ts';
import { type Base, baseSystem, zfsModule } from './debootstrap.ts';
import { buildDeb, BUILT_FROM } from './deb.ts';
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

interface Inputs {
  readonly base: Base;
  readonly module: string;
  readonly deb: string;
  readonly system: SystemInfo;
  /** Same inputs, same name. */
  readonly name: string;
}

async function inputs(progress: Progress, options: SlotOptions = {}): Promise<Inputs> {
  const base = await baseSystem(progress, options.refresh);
  const module = await zfsModule(base, progress);
  const deb = await buildDeb(progress);
  const recipe = await must(['sh', '-c', 'find "$@" -type f -print0 | sort -z | xargs -0 sha256sum', 'recipe', ...RECIPE], {
    cwd: repository,
  });
  const system: SystemInfo = {
    product: 'dplaneos',
    version: options.version ?? JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')).version,
    index: options.index ?? (await commitTime(BUILT_FROM)),
    arch: architecture === 'arm64' ? 'aarch64' : 'x86_64',
    kernel: base.kernel,
    zfs: base.zfs,
  };
  return { base, module, deb, system, name: `slot-${fingerprint(base.fingerprint, await hashOf(deb), recipe, system)}` };
}

export const buildSlot = (progress: Progress, options: SlotOptions = {}): Promise<Slot> =>
  alone(builds(), progress, () => build(progress, options));

async function build(progress: Progress, options: SlotOptions): Promise<Slot> {
  const from = await inputs(progress, options);
  const folder = join(cacheFolder(), from.name);
  if (!existsSync(join(folder, 'slot.json'))) {
    await progress.step('slot image', async () => {
      // also what an earlier attempt, stopped half-way, left behind
      for (const left of readdirSync(cacheFolder()).filter((entry) => /^slot-.*\.new$/.test(entry)))
        await removeTree(join(cacheFolder(), left));
      const out = await pack(from, `${folder}.new`);
      const image = join(out, 'slot.erofs');
      const slot: Slot = {
        folder,
        system: from.system,
        poolFeatures: readFileSync(join(out, 'pool-features'), 'utf8').trim().split('\n'),
        hash: await hashOf(image),
        size: statSync(image).size,
        notPinned: [`${from.base.packages.length} Debian packages as of the day the base was fetched (see ${from.base.tar}.json)`],
      };
      writeFileSync(join(out, 'slot.json'), `${JSON.stringify(slot, null, 1)}\n`);
      rmSync(folder, { recursive: true, force: true });
      renameSync(out, folder);
      await removeTree(`${folder}.new`);
    });
  }
  await forgetOld(folder);
  return readSlot(folder);
}

export function readSlot(folder: string): Slot {
  // Ours, written by the lines above.
  return { ...(JSON.parse(readFileSync(join(folder, 'slot.json'), 'utf8')) as Slot), folder };
}

/** Builds package and slot anew from the same inputs; gives the files that came out different. */
export const differingRebuild = (slot: Slot, progress: Progress): Promise<string[]> =>
  alone(builds(), progress, () => rebuild(slot, progress));

async function rebuild(slot: Slot, progress: Progress): Promise<string[]> {
  const from = await inputs(progress);
  if (join(cacheFolder(), from.name) !== slot.folder) return [`the package: ${from.deb}`];
  const work = join(cacheFolder(), 'slot-again.new');
  await removeTree(work);
  const out = await progress.step('slot image, a second time', () => pack(from, work));
  const differing: string[] = [];
  for (const name of ['slot.erofs', 'vmlinuz', 'initrd'])
    if ((await hashOf(join(out, name))) !== (await hashOf(join(slot.folder, name)))) differing.push(name);
  await removeTree(work);
  return differing;
}

/** Gives the folder with the finished parts, inside of `work`. */
async function pack(from: Inputs, work: string): Promise<string> {
  const out = join(work, 'out');
  mkdirSync(out, { recursive: true });
  const { base, module, deb, system } = from;
  const job: Job = { base: base.tar, module, deb, system, work, out, epoch: await commitTime(BUILT_FROM) };
  writeFileSync(join(work, 'job.json'), JSON.stringify(job));
  await must([...namespace(), process.execPath, join(repository, 'packages/debian/src/inside.ts'), join(work, 'job.json')], {
    timeoutMs: 900_000,
    env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
  });
  return out;
}

/** A slot with its disk and saved machine takes more than a gigabyte: those not used for a day are let go, the newest ones aside. */
const KEPT = 3;
async function forgetOld(current: string): Promise<void> {
  utimesSync(current, new Date(), new Date());
  const age = (folder: string) => Date.now() - statSync(folder).mtimeMs;
  const others = readdirSync(cacheFolder())
    .filter((name) => /^slot-[0-9a-f]{12}$/.test(name))
    .map((name) => join(cacheFolder(), name))
    .filter((folder) => folder !== current)
    .sort((a, b) => age(a) - age(b));
  for (const folder of others.slice(KEPT - 1)) if (age(folder) > 86_400_000) rmSync(folder, { recursive: true, force: true });
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
