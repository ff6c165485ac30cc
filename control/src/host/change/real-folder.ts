/**
 * A share may serve a folder of its dataset. Whoever writes into the dataset (by another share, or on the box) can take that folder away and put a link
 * in its place, to anywhere, and both servers would follow it: so it has to be a real folder of this very dataset, reached without a link, each time
 * that it is looked at.
 */
import type { ShareSpec } from '../../domain/share/share.ts';
import { poolOf } from '../../domain/names.ts';
import type { Host } from '../host.ts';
import type { Mountpoints } from './serving.ts';

const isPart = (s: ShareSpec): boolean => s.folder !== '' && s.folder !== '/';

/** Nothing is asked of a pool that doesn't answer: it would hold up the others. */
const answers = async (host: Host, dataset: string): Promise<boolean> =>
  (await host.readText(`/proc/spl/kstat/zfs/${poolOf(dataset)}/state`).catch(() => null))?.trim() !== 'SUSPENDED';

/** Names of those among these shares that have no such folder now. What is not mounted is not looked at. */
export const withoutFolder = async (host: Host, shares: readonly ShareSpec[], mounts: Mountpoints): Promise<Set<string>> => {
  const found = new Set<string>();
  for (const dataset of new Set(shares.filter(isPart).map((s) => s.dataset))) {
    const mountpoint = mounts.get(dataset) ?? null;
    if (mountpoint === null || !(await answers(host, dataset))) continue;
    const mine = shares.filter((s) => s.dataset === dataset && isPart(s));
    const tree = await host.files.open({ mountpoint, dataset, tag: null });
    if (!tree.ok) {
      for (const s of mine) found.add(s.name);
      continue;
    }
    try {
      for (const s of mine) if ((await tree.value.stat(s.folder.slice(1)))?.type !== 'folder') found.add(s.name);
    } catch {
      // a disk that fails says nothing about folders: what was served goes on
    } finally {
      await tree.value.close();
    }
  }
  return found;
};
