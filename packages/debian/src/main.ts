/**
 * `node packages/debian/src/main.ts deb|slot|disk [--refresh] [--check]`: builds and says where the result is; --check builds twice and compares.
 * `... bundle [--key FILE ...]`: a signed update (`npm run bundle`); `... verify-release BUNDLE ...`: is it what this commit builds?
 */
import { buildDeb } from './deb.ts';
import { buildDisk } from './disk.ts';
import { Progress } from './progress.ts';
import { release, verifyRelease } from './release.ts';
import { buildSlot, differingRebuild } from './slot.ts';

const [what, ...flags] = process.argv.slice(2);
const progress = new Progress();
try {
  if (what === 'deb') console.log(await buildDeb(progress, process.cwd()));
  else if (what === 'slot' || what === 'disk') {
    const slot = await buildSlot(progress, { refresh: flags.includes('--refresh') });
    console.log(`${slot.folder}/slot.erofs  ${Math.round(slot.size / 1024 / 1024)} MiB  sha256 ${slot.hash}`);
    console.log(
      `version ${slot.system.version}, index ${slot.system.index}, kernel ${slot.system.kernel}, OpenZFS ${slot.system.zfs}; not pinned: ${slot.notPinned.join('; ')}`,
    );
    if (flags.includes('--check')) {
      const differing = await differingRebuild(slot, progress);
      console.log(differing.length === 0 ? 'built twice, the same both times' : `built twice, and different: ${differing.join(', ')}`);
      if (differing.length > 0) process.exitCode = 1;
    }
    if (what === 'disk') console.log(await buildDisk(slot, progress));
  } else if (what === 'bundle') process.exitCode = await release(await buildSlot(progress), flags);
  else if (what === 'verify-release') process.exitCode = await verifyRelease(await buildSlot(progress), flags);
  else {
    console.error(
      'usage: main.ts deb|slot|disk [--refresh] [--check] | bundle [--key FILE ...] | verify-release BUNDLE [--public-key FILE]',
    );
    process.exitCode = 2;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
console.log(`in ${progress.total()}`);
