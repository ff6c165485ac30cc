/**
 * Files below a mount, for the executor alone. Contract: whatever is asked for lies within that one mount. The real one proves it with the kernel (files.ts);
 * the simulated one has nothing else (sim/files.ts). Paths are those of domain/snapshot/files.ts.
 */
import type { Readable } from 'node:stream';
import type { Result } from '../domain/refusal.ts';
import type { FileEntry } from '../domain/snapshot/files.ts';

/** `source` is what the kernel has to say is mounted there: a dataset, or a snapshot of one. */
export type Mount = { mountpoint: string; dataset: string; tag: string | null };
export type Tree = {
  /** Null where no folder is. */
  list(path: string): Promise<FileEntry[] | null>;
  stat(path: string): Promise<FileEntry | null>;
  /** The bytes of a file, or a folder as a tar archive. Null when it is neither. The stream errs when it could not be read to its end. */
  read(path: string): Promise<{ size: number | null; stream: Readable } | null>;
  close(): Promise<void>;
};
export type Restored = { path: string; replaced: boolean };
export type Restore = {
  from: Mount;
  path: string;
  to: Mount;
  folder: string;
  name: string;
  /** A file that is there may be replaced. A folder never is. */
  replace: boolean;
  /** Of the operation: what an earlier one left behind is told by it. */
  id: string;
};
export type HostFiles = {
  open(mount: Mount): Promise<Result<Tree>>;
  /** Copied aside, compared byte by byte, then moved to its place in one step. */
  restore(r: Restore): Promise<Result<Restored>>;
  /** After a `restore` that did not come to its end: what it left aside is removed. True when what it was to bring is there. */
  settle(r: Omit<Restore, 'replace'>): Promise<Result<{ there: boolean }>>;
};
