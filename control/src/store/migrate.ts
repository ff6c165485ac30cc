/** Numbered migrations. The number in the file (`user_version`) says which were made; a file from the future is not touched. */
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import type Database from 'better-sqlite3';
import manifest from '../../package.json' with { type: 'json' };
import { RefusalError } from '../domain/refusal.ts';
import { createPrivate } from './connection.ts';
import * as first from './migrations/0001-first.ts';
import * as poolSpace from './migrations/0002-pool-space.ts';
import * as schedules from './migrations/0003-schedules.ts';
import * as diskHealth from './migrations/0004-disk-health.ts';
import * as keysAndClones from './migrations/0005-keys-and-clones.ts';

export type Migration = { name: string; sql: string };
/** In order: the first brings the schema to version 1. */
export const MIGRATIONS: readonly Migration[] = [first, poolSpace, schedules, diskHealth, keysAndClones];

/** Every schema keeps this table, so that an older program can say which newer one it has met. */
const HISTORY = `CREATE TABLE IF NOT EXISTS schema_history (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, program TEXT NOT NULL, at INTEGER NOT NULL
) STRICT`;

export const schemaVersion = (raw: Database.Database): number => Number(raw.pragma('user_version', { simple: true }));

const fsyncFile = (path: string): void => {
  const fd = openSync(path, 'r+');
  fsyncSync(fd);
  closeSync(fd);
};

export const madeBy = (raw: Database.Database): string => {
  try {
    const row = raw.prepare<[], { program: string }>('SELECT program FROM schema_history ORDER BY version DESC LIMIT 1').get();
    return row === undefined ? 'an unknown version' : `D-PlaneOS ${row.program}`;
  } catch {
    return 'an unknown version';
  }
};

/** Throws a RefusalError for a newer schema. Keeps a copy of the file as it was, named by its version, before it changes one, and of its seal. */
export const migrate = (
  raw: Database.Database,
  path: string,
  now: number,
  migrations: readonly Migration[] = MIGRATIONS,
  sealPath: string | null = null,
): void => {
  const found = schemaVersion(raw);
  if (found > migrations.length)
    throw new RefusalError({
      code: 'conflict',
      what: 'open the database',
      why: `${path} has schema ${found}, made by ${madeBy(raw)}; D-PlaneOS ${manifest.version} knows schemas up to ${migrations.length}`,
      todo: `start the newer version again, or put back the copy that it made before migrating (${path}.schema-${migrations.length})`,
    });
  if (found === migrations.length) return;
  if (found > 0) {
    const copy = `${path}.schema-${found}`;
    const part = `${copy}.part`;
    rmSync(part, { force: true });
    createPrivate(part);
    raw.prepare('VACUUM INTO ?').run(part);
    fsyncFile(part);
    // The seal goes along as it is, not made anew: one that does not fit is evidence, and stays one.
    if (sealPath !== null && existsSync(sealPath)) {
      copyFileSync(sealPath, `${copy}.seal.part`);
      fsyncFile(`${copy}.seal.part`);
      renameSync(`${copy}.seal.part`, `${copy}.seal`);
    } else rmSync(`${copy}.seal`, { force: true });
    renameSync(part, copy);
  }
  for (const [index, migration] of migrations.entries()) {
    const version = index + 1;
    if (version <= found) continue;
    raw.transaction(() => {
      raw.exec(HISTORY);
      raw.exec(migration.sql);
      raw
        .prepare('INSERT INTO schema_history (version, name, program, at) VALUES (?, ?, ?, ?)')
        .run(version, migration.name, manifest.version, now);
      raw.pragma(`user_version = ${version}`);
    })();
  }
};
