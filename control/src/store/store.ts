/**
 * The store: everything the control plane keeps, in one SQLite file with one writer, this process. Opening migrates it, or
 * refuses (RefusalError) when it is damaged. One made by a newer version is set aside for the copy made before it was migrated (step-back.ts). See types.ts for what it offers.
 *
 * Beside `path`: `path.snapshots`, the snapshot index, which can be thrown away; `path.schema-N`, the copy made before a migration.
 */
import { existsSync } from 'node:fs';
import type Database from 'better-sqlite3';
import { RefusalError } from '../domain/refusal.ts';
import { makeAccess } from './access.ts';
import { makeAlerts } from './alerts.ts';
import { makeApprovals } from './approvals.ts';
import { makeAudit } from './audit.ts';
import type { SealedHead } from './audit-seal.ts';
import { backupTo } from './backup.ts';
import { checkIndex, checkMain, quickCheck } from './check.ts';
import { type Connection, connect, isDamage, openDatabase } from './connection.ts';
import { makeDiskHealth } from './disk-health.ts';
import { makeEvents } from './events.ts';
import { MIGRATIONS, migrate, type Migration, schemaVersion } from './migrate.ts';
import { makeClones } from './clones.ts';
import { makeKeyBackups } from './keys.ts';
import { makePlans } from './plans.ts';
import { makePoolSpace } from './pool-space.ts';
import { makeRuns } from './runs.ts';
import { makeSchedules } from './schedules.ts';
import { makeSettings } from './settings.ts';
import { openIndex } from './snapshot-schema.ts';
import { makeSnapshots } from './snapshots.ts';
import { describeStepBack, stepBack, SteppedBack } from './step-back.ts';
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
  /** Hears that an older copy had to be used: for the journal, which nobody rewrites by copying a file back. */
  onStepBack?: (record: SteppedBack) => void;
  /** For tests: another program's schemas, and where it breaks off. */
  migrations?: readonly Migration[];
  afterStep?: (step: string) => void;
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

const openSound = (path: string, now: number, options: StoreOptions): Database.Database => {
  let raw: Database.Database | null = null;
  try {
    raw = openDatabase(path);
    const problems = quickCheck(raw);
    if (problems.length > 0) throw damaged(path, problems);
    migrate(raw, path, now, options.migrations ?? MIGRATIONS, options.sealPath);
    return raw;
  } catch (error) {
    raw?.close();
    throw isDamage(error) ? damaged(path, [error.message], error) : error;
  }
};

const STEPPED_BACK = 'store.stepped-back';
/** Once: a start that crashed after it finds it told. */
const tellStepBack = (store: Store, db: Connection, r: SteppedBack, now: number): void => {
  const text = JSON.stringify(r);
  if (store.settings.get(STEPPED_BACK) === text) return;
  const message = describeStepBack(r);
  store.transact(() => {
    store.settings.set(STEPPED_BACK, text);
    // one that was ended since then would be good again
    db.sql('DELETE FROM sessions').run();
    store.audit.append({
      actor: { kind: 'system', name: 'dplaned', via: 'start' },
      action: 'store.step-back',
      subject: 'store',
      outcome: 'interrupted',
      reason: `the chain was cut after entry ${r.cut.seq}: ${message}`,
      detail: r,
    });
    store.events.append({ kind: 'store.stepped-back', severity: 'warning', subject: 'store', message, actor: 'dplaned', data: r });
    store.alerts.raise({ kind: 'store.stepped-back', subject: 'store', severity: 'warning', message }, now);
  });
};

export const openStore = (options: StoreOptions): Store => {
  const { path, clock } = options;
  if (options.auditKey.length < 32) throw new RangeError('the audit key has at least 32 bytes');
  const now = Math.round(clock());
  const known = (options.migrations ?? MIGRATIONS).length;
  const back = stepBack({ path, sealPath: options.sealPath, known, now, after: options.afterStep });
  const raw = openSound(path, now, options);
  try {
    const index = openIndex(`${path}.snapshots`, now);
    const db = connect(raw);
    // The audit seals before the events are heard of: whoever hears of a change finds its entry sealed.
    const audit = makeAudit(db, { key: options.auditKey, sealPath: options.sealPath, clock, onSeal: options.onSeal });
    const store: Store = {
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
      diskHealth: makeDiskHealth(db),
      schedules: makeSchedules(db),
      keyBackups: makeKeyBackups(db),
      clones: makeClones(db),
      settings: makeSettings(db),
      transact: (work) => db.transact(work),
      backup: async (folder, keep) => backupTo(raw, folder, keep, Math.round(clock()), options.sealPath),
      check: () => {
        const seal = audit.sealProblem();
        return [...checkMain(raw), ...checkIndex(index.reader), ...(seal === null ? [] : [`audit: ${seal.problem}`])];
      },
      schemaVersion: () => schemaVersion(raw),
      steppedBack: () => {
        const text = store.settings.get(STEPPED_BACK);
        const record = text === null ? null : SteppedBack.parse(JSON.parse(text)); // written by tellStepBack alone
        return record !== null && schemaVersion(raw) < record.from && existsSync(record.aside) ? record : null;
      },
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
    if (back !== null) {
      tellStepBack(store, db, back.record, now);
      back.done();
      options.onStepBack?.(back.record);
    }
    return store;
  } catch (error) {
    raw.close();
    throw error;
  }
};
