/** Online copies: made beside the work, named by time, and counted only when they are whole and on the disk. */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createPrivate } from './connection.ts';

const COPY = /^dplane-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.db$/;
const PART = /^dplane-.*\.db\.part(?:-wal|-shm|-journal)?$/;
/** Pages copied between two turns of the event loop: 1 MiB. */
const PAGES = 256;

const sync = (path: string): void => {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
};

export const backupTo = async (raw: Database.Database, folder: string, keep: number, now: number): Promise<string> => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) if (PART.test(name)) rmSync(join(folder, name));
  const path = join(folder, `dplane-${new Date(now).toISOString().replaceAll(':', '-')}.db`);
  const part = `${path}.part`;
  createPrivate(part);
  await raw.backup(part, { progress: () => PAGES });
  // One file, without a log beside it; reading the schema proves that it opens.
  const copy = new Database(part);
  try {
    copy.pragma('journal_mode = DELETE');
    copy.prepare('SELECT count(*) FROM schema_history').get();
  } finally {
    copy.close();
  }
  sync(part);
  renameSync(part, path);
  sync(folder);
  const copies = readdirSync(folder)
    .filter((name) => COPY.test(name))
    .sort();
  for (const name of copies.slice(0, -Math.max(keep, 1))) rmSync(join(folder, name));
  return path;
};
