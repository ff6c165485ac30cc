/** /etc/exports.d/dplaneos.exports: the NFS shares, one line each. */
import type { NfsShare } from '../../domain/share/share.ts';
import { type ManagedFile, NONE, parseManaged, renderManaged } from '../managed.ts';

export const EXPORTS_FILE = '/etc/exports.d/dplaneos.exports';
export const NFS_UNIT = 'nfs-server.service';

const SQUASH = { root: 'root_squash', all: 'all_squash', none: 'no_root_squash' } as const;
/**
 * `mountpoint`: exported only while something is mounted there, whoever loads the file, also at a start before anything of ours looked. An option
 * can't hold every path; where it can't, the guard below the mount is what holds.
 */
const onlyMounted = (s: NfsShare, path: string): string[] => {
  if (s.folder === '' || s.folder === '/') return ['mountpoint'];
  const at = path.slice(0, -s.folder.length);
  return /^\/[A-Za-z0-9/._-]+$/.test(at) ? [`mountpoint=${at}`] : [];
};
const client = (s: NfsShare, c: NfsShare['clients'][number], path: string): string =>
  `${c.host}(${[c.access, c.sync ? 'sync' : 'async', SQUASH[c.squash], 'no_subtree_check', ...onlyMounted(s, path)].join(',')})`;
const block = (s: NfsShare, path: string): string => `"${path}" ${s.clients.map((c) => client(s, c, path)).join(' ')}\n`;
const pathIn = (text: string): string | null => /^"(\/[^"]*)" /.exec(text)?.[1] ?? null;

export const renderExports = (
  shares: readonly NfsShare[],
  mountpoints: ReadonlyMap<string, string | null>,
  withheld: ReadonlySet<string> = NONE,
): string => renderManaged(shares, mountpoints, block, withheld);
export const parseExports = (text: string): ManagedFile<NfsShare> => parseManaged<NfsShare>(EXPORTS_FILE, text, 'nfs', pathIn);

/** Makes the kernel serve exactly what the files say. */
export const exportfsArgv = (): string[] => ['exportfs', '-ra'];
/** Of what the kernel has looked up so far; it asks again for what is still exported. */
export const flushExportsArgv = (): string[] => ['exportfs', '-f'];
export const exportsListArgv = (): string[] => ['exportfs', '-v'];
