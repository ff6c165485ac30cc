/** Online copies: made beside the work, named by time, and counted only when they are whole and on the disk. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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

/**
 * The seal goes along as it was before the copy began: it may be older than the copy's last entry, never newer, so it fits it.
 */
export const backupTo = async (
  raw: Database.Database,
  folder: string,
  keep: number,
  now: number,
  sealPath: string | null,
): Promise<string> => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) if (PART.test(name)) rmSync(join(folder, name));
  const path = join(folder, `dplane-${new Date(now).toISOString().replaceAll(':', '-')}.db`);
  const part = `${path}.part`;
  const seal = sealPath !== null && existsSync(sealPath) ? readFileSync(sealPath) : null;
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
  if (seal !== null) writeFileSync(`${path}.seal`, seal, { mode: 0o600, flush: true });
  renameSync(part, path);
  sync(folder);
  const copies = readdirSync(folder)
    .filter((name) => COPY.test(name))
    .sort();
  for (const name of copies.slice(0, -Math.max(keep, 1)))
    for (const old of [name, `${name}.seal`]) rmSync(join(folder, old), { force: true });
  return path;
};
