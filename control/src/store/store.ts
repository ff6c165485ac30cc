/**
 * The store: everything the control plane keeps, in one SQLite file with one writer, this process. Opening migrates it, or
 * refuses (RefusalError) when it is damaged or made by a newer version. See types.ts for what it offers.
 *
 * Beside `path`: `path.snapshots`, the snapshot index, which can be thrown away; `path.schema-N`, the copy made before a migration.
 */
import type Database from 'better-sqlite3';
import { RefusalError } from '../domain/refusal.ts';
import { makeAccess } from './access.ts';
import { makeAlerts } from './alerts.ts';
import { makeApprovals } from './approvals.ts';
import { makeAudit } from './audit.ts';
import type { SealedHead } from './audit-seal.ts';
import { backupTo } from './backup.ts';
import { checkIndex, checkMain, quickCheck } from './check.ts';
import { connect, isDamage, openDatabase } from './connection.ts';
import { makeEvents } from './events.ts';
import { migrate, schemaVersion } from './migrate.ts';
import { makePlans } from './plans.ts';
import { makePoolSpace } from './pool-space.ts';
import { makeRuns } from './runs.ts';
import { makeSettings } from './settings.ts';
import { openIndex } from './snapshot-schema.ts';
import { makeSnapshots } from './snapshots.ts';
import { makeStates } from './states.ts';
import type { Clock, Store } from './types.ts';

export type StoreOptions = {
  path: string;
  /** Key of the audit chain and its seal: at least 32 bytes, kept outside the database. */
  auditKey: Buffer;
  /** Where the head of the audit chain is sealed; null only where nobody has to trust it (tests, tools). */
  sealPath: string | null;
  clock: Clock;
  /** Hears of every new head after the file has it: the caller writes it to the journal. */
  onSeal?: (head: SealedHead) => void;
};

const damaged = (path: string, problems: readonly string[], cause?: unknown): RefusalError =>
  new RefusalError(
    {
      code: 'failed',
      what: 'open the database',
      why: `${path} is damaged: ${problems.slice(0, 3).join('; ')}`,
      todo: 'keep the file for examination and put the newest backup copy in its place',
    },
    { cause },
  );

const openSound = (path: string, now: number): Database.Database => {
  let raw: Database.Database | null = null;
  try {
    raw = openDatabase(path);
    const problems = quickCheck(raw);
    if (problems.length > 0) throw damaged(path, problems);
    migrate(raw, path, now);
    return raw;
  } catch (error) {
    raw?.close();
    throw isDamage(error) ? damaged(path, [error.message], error) : error;
  }
};

export const openStore = (options: StoreOptions): Store => {
  const { path, clock } = options;
  if (options.auditKey.length < 32) throw new RangeError('the audit key has at least 32 bytes');
  const raw = openSound(path, Math.round(clock()));
  try {
    const index = openIndex(`${path}.snapshots`, Math.round(clock()));
    const db = connect(raw);
    // The audit seals before the events are heard of: whoever hears of a change finds its entry sealed.
    const audit = makeAudit(db, { key: options.auditKey, sealPath: options.sealPath, clock, onSeal: options.onSeal });
    return {
      audit,
      events: makeEvents(db, clock),
      plans: makePlans(db),
      approvals: makeApprovals(db),
      runs: makeRuns(db),
      states: makeStates(db),
      alerts: makeAlerts(db),
      access: makeAccess(db),
      snapshots: makeSnapshots(index),
      poolSpace: makePoolSpace(db),
      settings: makeSettings(db),
      transact: (work) => db.transact(work),
      backup: async (folder, keep) => backupTo(raw, folder, keep, Math.round(clock())),
      check: () => {
        const seal = audit.sealProblem();
        return [...checkMain(raw), ...checkIndex(index.reader), ...(seal === null ? [] : [`audit: ${seal.problem}`])];
      },
      schemaVersion: () => schemaVersion(raw),
      rest: () => {
        for (const connection of [raw, index.reader, index.writer]) connection.pragma('shrink_memory');
      },
      close: () => {
        index.reader.close();
        index.writer.close();
        raw.close();
        audit.close();
      },
    };
  } catch (error) {
    raw.close();
    throw error;
  }
};
