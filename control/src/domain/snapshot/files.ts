/** Files in a snapshot, as they are asked for and told of. */
import { z } from 'zod';
import { DatasetName, Guid, SnapshotTag } from '../names.ts';

/**
 * Below the root of a dataset; '' is the root itself. A name that is not UTF-8, or holds a backslash, has those bytes as `\xHH`, so every name can be
 * written and none has two spellings.
 */
const isName = (part: string): boolean => part !== '' && part !== '.' && part !== '..' && !part.includes('\0') && part.length <= 1020;
export const FilePath = z
  .string()
  .max(8192)
  .refine((p) => p === '' || p.split('/').every(isName), 'expected a path such as letters/2026.txt, without leading /, // or ..');
export const FileName = z.string().refine((n) => isName(n) && !n.includes('/'), 'expected the name of a file, without /');

export const bytesOfName = (name: string): Buffer =>
  Buffer.concat(
    (name.match(/\\x[0-9a-f]{2}|[^\\]+|\\/g) ?? []).map((p) =>
      p.startsWith('\\x') && p.length === 4 ? Buffer.from([Number.parseInt(p.slice(2), 16)]) : Buffer.from(p, 'utf8'),
    ),
  );
const hex = (bytes: Uint8Array): string => [...bytes].map((b) => `\\x${b.toString(16).padStart(2, '0')}`).join('');
export const nameOfBytes = (bytes: Buffer): string => {
  const text = bytes.toString('utf8');
  if (!text.includes('\\') && Buffer.from(text, 'utf8').equals(bytes)) return text;
  let out = '';
  for (let i = 0; i < bytes.length; ) {
    // the longest piece from here that is a character of its own
    const n = [1, 2, 3, 4].find((k) => {
      const piece = bytes.subarray(i, i + k);
      const t = piece.toString('utf8');
      return piece.length === k && !t.includes('\ufffd') && [...t].length === 1;
    });
    const piece = bytes.subarray(i, i + (n ?? 1));
    out += n === undefined || piece[0] === 0x5c ? hex(piece) : piece.toString('utf8');
    i += n ?? 1;
  }
  return out;
};

export const FileEntry = z.object({
  name: z.string(),
  type: z.enum(['file', 'folder', 'link', 'other']),
  size: z.number(),
  modifiedAt: z.number(),
  mode: z.number(),
  uid: z.number(),
  gid: z.number(),
});
export type FileEntry = z.infer<typeof FileEntry>;

export const InSnapshot = z.strictObject({ dataset: DatasetName, tag: SnapshotTag, guid: Guid });
export type InSnapshot = z.infer<typeof InSnapshot>;

/** One state of a file, and the snapshots that show it, oldest first. */
export const FileVersion = z.object({ entry: FileEntry, tags: z.array(SnapshotTag) });
export type FileVersion = z.infer<typeof FileVersion>;

/** `list.txt` -> `list (GMT-2026.11.20-18.30.00).txt`: beside what is there now. */
export const besideName = (name: string, tag: string): string => {
  const dot = name.lastIndexOf('.');
  const [stem, end] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  return `${stem} (${tag})${end}`;
};
