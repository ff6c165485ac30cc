/**
 * After an update was taken back, this program may meet a database that a newer one has migrated. Then the copy made before that migration is put back, the
 * newer file and its seal stay beside it under a name that says so, and it is told: an audit entry (where the chain was cut, and
 * which head it had), an event, an alert. Nothing is put back that is not whole.
 *
 * A crash at any point is taken up at the next start: a note of what is meant is on the disk first, the newer file has its second name
 * before its place is taken, and places are taken by rename. There is no moment without a database: one that is missing would be begun anew,
 * and could be claimed by anyone.
 */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { RefusalError } from '../domain/refusal.ts';
import { ZERO } from './audit-frame.ts';
import { quickCheck } from './check.ts';
import { isDamage, openDatabase } from './connection.ts';
import { madeBy, schemaVersion } from './migrate.ts';

const Head = z.object({ seq: z.number().int().nonnegative(), hmac: z.string() });
export const SteppedBack = z.object({
  at: z.number(),
  /** The schema that was met, who made it, and the one that is used again. */
  from: z.number().int(),
  madeBy: z.string(),
  to: z.number().int(),
  /** When the copy was made that is used now. */
  copyFrom: z.number(),
  /** Where the newer file is kept; its seal beside it. */
  aside: z.string(),
  /** The audit chain ends here now, and ended there. */
  cut: Head,
  newer: Head.nullable(),
  /** Does the newer chain go on from where the copy ends? Null when its table can't be read. */
  continues: z.boolean().nullable(),
});
export type SteppedBack = z.infer<typeof SteppedBack>;

export type StepBackOptions = {
  path: string;
  sealPath: string | null;
  /** The newest schema this program knows. */
  known: number;
  now: number;
  /** For tests: called after each step that is on the disk. */
  after?: ((step: string) => void) | undefined;
};

export const sealOf = (path: string): string => `${path}.seal`;
const noteOf = (path: string): string => `${path}.stepping-back`;

const sync = (path: string): void => {
  const fd = openSync(path, 'r');
  fsyncSync(fd);
  closeSync(fd);
};
/** Whole or not at all, at its place. */
const place = (from: string, to: string): void => {
  const part = `${to}.part`;
  copyFileSync(from, part);
  sync(part);
  renameSync(part, to);
  sync(dirname(to));
};
/** As the header of the file has it: of one that no connection is open to, and no log lies beside. */
const versionInFile = (path: string): number => {
  const header = Buffer.alloc(100);
  const fd = openSync(path, 'r');
  readSync(fd, header, 0, 100, 0);
  closeSync(fd);
  return header.readUInt32BE(60);
};

const headOf = (raw: Database.Database): z.infer<typeof Head> => {
  const row = raw.prepare<[], { seq: number; hmac: string }>('SELECT seq, hmac FROM audit ORDER BY seq DESC LIMIT 1').get();
  return row ?? { seq: 0, hmac: ZERO };
};

const unfit = (copy: string, found: number, why: string): RefusalError =>
  new RefusalError({
    code: 'conflict',
    what: 'open the database',
    why: `it has the newer schema ${found}, and the copy made before that, ${copy}, can't be put back: ${why}`,
    todo: 'start the newer version again, or put a sound backup copy with its seal in the place of the database',
  });

const examine = (copy: string, known: number, found: number): z.infer<typeof Head> => {
  let raw: Database.Database | null = null;
  try {
    raw = new Database(copy, { readonly: true, fileMustExist: true });
    const [problem] = quickCheck(raw);
    if (problem !== undefined) throw unfit(copy, found, `it is damaged: ${problem}`);
    if (schemaVersion(raw) !== known) throw unfit(copy, found, `it has schema ${schemaVersion(raw)}, not ${known}`);
    return headOf(raw);
  } catch (error) {
    throw isDamage(error) ? unfit(copy, found, `it is damaged: ${error.message}`) : error;
  } finally {
    raw?.close();
  }
};

/** A newer program may have changed its tables: what can't be read that way is not known. */
const newerChain = (raw: Database.Database, cut: z.infer<typeof Head>): Pick<SteppedBack, 'newer' | 'continues'> => {
  try {
    const at = raw.prepare<[number], { hmac: string }>('SELECT hmac FROM audit WHERE seq = ?').get(cut.seq);
    return { newer: headOf(raw), continues: cut.seq === 0 || at?.hmac === cut.hmac };
  } catch {
    return { newer: null, continues: null };
  }
};

/** What is to be done, from a newer database; null when there is none, or no copy to go back to. */
const intend = ({ path, known, now }: StepBackOptions): SteppedBack | null => {
  const copy = `${path}.schema-${known}`;
  if (!existsSync(path) || !existsSync(copy)) return null;
  let raw: Database.Database;
  try {
    raw = openDatabase(path);
  } catch (error) {
    if (isDamage(error)) return null; // whoever opens it next says so
    throw error;
  }
  try {
    const found = schemaVersion(raw);
    if (found <= known) return null;
    const cut = examine(copy, known, found);
    const day = new Date(now).toISOString().replaceAll(':', '-');
    const record: SteppedBack = {
      at: now,
      from: found,
      madeBy: madeBy(raw),
      to: known,
      copyFrom: Math.round(statSync(copy).mtimeMs),
      aside: `${path}.schema-${found}-set-aside-${day}`,
      cut,
      ...newerChain(raw, cut),
    };
    // all of it into the one file that gets the second name
    raw.pragma('wal_checkpoint(TRUNCATE)');
    return record;
  } finally {
    raw.close();
  }
};

/** Each step may have been done before a crash. */
const carryOut = (r: SteppedBack, { path, sealPath, after }: StepBackOptions): void => {
  const copy = `${path}.schema-${r.to}`;
  const log = `${path}-wal`;
  if (existsSync(log) && statSync(log).size > 0) throw unfit(copy, r.from, `${log} could not be merged into it`);
  if (!existsSync(r.aside)) {
    linkSync(path, r.aside);
    after?.('the newer file has its second name');
  }
  if (sealPath !== null && existsSync(sealPath) && !existsSync(sealOf(r.aside))) {
    linkSync(sealPath, sealOf(r.aside));
    after?.('its seal as well');
  }
  sync(dirname(path));
  if (versionInFile(path) > r.to) {
    place(copy, path);
    rmSync(log, { force: true });
    rmSync(`${path}-shm`, { force: true });
    after?.('the copy is in its place');
  }
  // without a seal of its own the copy gets none made up: what is there says that entries are missing
  if (sealPath !== null && existsSync(sealOf(copy))) {
    place(sealOf(copy), sealPath);
    after?.('so is its seal');
  }
};

/** Before the database is opened. `done` is called when it has been told, in the same state in which it would be told again. */
export const stepBack = (options: StepBackOptions): { record: SteppedBack; done: () => void } | null => {
  const note = noteOf(options.path);
  let record: SteppedBack | null;
  if (existsSync(note)) {
    record = SteppedBack.parse(JSON.parse(readFileSync(note, 'utf8')));
    // the newer version is back before its file lost its place: there is nothing to do
    if (options.known >= record.from && versionInFile(options.path) === record.from) {
      for (const path of [record.aside, sealOf(record.aside), note]) rmSync(path, { force: true });
      return null;
    }
  } else {
    record = intend(options);
    if (record === null) return null;
    writeFileSync(`${note}.part`, JSON.stringify(record), { mode: 0o600, flush: true });
    renameSync(`${note}.part`, note);
    sync(dirname(note));
    options.after?.('what is meant is noted');
  }
  carryOut(record, options);
  return { record, done: () => rmSync(note, { force: true }) };
};

const day = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
/** For the event and the alert. */
export const describeStepBack = (r: SteppedBack): string => {
  const entries = r.newer === null ? '' : `, with ${Math.max(0, r.newer.seq - r.cut.seq)} later audit entries`;
  return `the database was migrated by ${r.madeBy}, which this version can't read: the copy from ${day(r.copyFrom)} is used again. What was changed since is kept in ${r.aside}${entries}; users, passwords and tokens are as they were then, and everyone logs in anew`;
};
