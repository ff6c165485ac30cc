/** Which dataset is mounted where, from the kernel's own table: it answers whatever the pools do. Snapshots, which come and go by being looked at, are left out. */
import type { Host } from '../host.ts';

const TABLE = '/proc/self/mounts';

/** Space, tab, newline and backslash stand in octal there. */
const unmasked = (field: string): string =>
  field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Lines as they are: cheap to compare. */
export const mountLines = (table: string): string[] =>
  table.split('\n').flatMap((line) => {
    const [source = '', at = '', type = ''] = line.split(' ');
    return type === 'zfs' && !source.includes('@') ? [`${source} ${at}`] : [];
  });

/** Null when the table can't be read: then nothing is known, which is not the same as nothing being mounted. */
export const readMounts = async (host: Host): Promise<string[] | null> => {
  const table = await host.readText(TABLE).catch(() => null);
  return table === null || table === '' ? null : mountLines(table);
};

/** Dataset -> where it is mounted; the last one where there are several. */
export const mountedAt = (lines: readonly string[]): Map<string, string> =>
  new Map(
    lines.map((line) => {
      const [source = '', at = ''] = line.split(' ');
      return [unmasked(source), unmasked(at)];
    }),
  );
