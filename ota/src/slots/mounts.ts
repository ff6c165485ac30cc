/** What is mounted where: `/proc/self/mountinfo`, as values. */
import { readFile } from 'node:fs/promises';

export type Mount = { device: string; root: string; at: string; type: string; readOnly: boolean };

const decoded = (text: string): string => text.replace(/\\([0-7]{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8)));

/** In the order they were mounted: the last one at a place is the one that is seen. Lines that can't be understood are left out. */
export const parseMounts = (text: string): Mount[] =>
  text.split('\n').flatMap((line) => {
    const words = line.split(' ');
    const dash = words.indexOf('-');
    const [, , device, root, at, options] = words;
    const type = words[dash + 1];
    if (dash < 6 || device === undefined || root === undefined || at === undefined || options === undefined || type === undefined)
      return [];
    const flags = `${options},${words[dash + 3] ?? ''}`.split(',');
    return [{ device, root: decoded(root), at: decoded(at), type, readOnly: flags.includes('ro') }];
  });

export const readMounts = async (path: string): Promise<Mount[]> => parseMounts(await readFile(path, 'utf8'));
export const mountAt = (mounts: readonly Mount[], at: string): Mount | null => mounts.findLast((m) => m.at === at) ?? null;
