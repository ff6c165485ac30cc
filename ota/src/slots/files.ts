/** Small files, whole or not at all, on the disk when it resolves. */
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

const has = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code;

/** Null when there is none. */
export const readOptional = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (has(error, 'ENOENT') || has(error, 'ENOTDIR')) return null;
    throw error;
  }
};

export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

let count = 0;
/** Written beside, fsynced, renamed. `gid`: the group that may read it. */
export const replaceFile = async (path: string, text: string | Uint8Array, mode = 0o644, gid: number | null = null): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  count += 1;
  const beside = `${path}.${process.pid}.${count}.tmp`;
  const file = await open(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  try {
    try {
      await file.writeFile(text);
      await file.chmod(mode); // the umask doesn't decide
      if (gid !== null) await file.chown(0, gid);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await unlink(beside).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(path));
};

/** One line at the end, on the disk when it resolves. A line that a power cut tore is ended first, so that it spoils no other. */
export const appendLine = async (path: string, line: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o644);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const torn = size > 0 && last[0] !== 0x0a;
    await file.appendFile(`${torn ? '\n' : ''}${line}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncFolder(dirname(path));
};
