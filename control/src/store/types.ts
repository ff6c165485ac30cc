/**
 * What the control plane keeps. One module a table family, all over one connection and one writer: the process itself.
 * `transact` is synchronous: a state row, its event and its audit entry are one transaction or none; subscribers
 * hear of events after the commit.
 */
import type { Alert } from '../domain/alert/alert.ts';
import type { AuditEntry, AuditVerdict, NewAuditEntry } from '../domain/audit/audit.ts';
import type { Clock } from '../domain/clock.ts';
import type { Told } from '../domain/disk/alarm.ts';
import type { Field, Reading, Readings } from '../domain/disk/readings.ts';
import type { Smart } from '../domain/disk/smart.ts';
import type { Event, NewEvent } from '../domain/event/event.ts';
import type { Run, Step } from '../domain/job.ts';
import type { Approval } from '../domain/operation/operation.ts';
import type { Plan } from '../domain/plan/types.ts';
import type { SpacePoint } from '../domain/pool/history.ts';
import type { ScheduleRun, SnapshotSchedule } from '../domain/schedule/schedule.ts';
import type { TemporaryClone } from '../domain/snapshot/clone.ts';
import type { Snapshot } from '../domain/snapshot/snapshot.ts';
import type { Permission, Role } from '../domain/user/role.ts';

import type { SteppedBack } from './step-back.ts';

export type { Clock, ScheduleRun };

export type EventFilter = { kinds?: readonly string[]; subject?: string; text?: string; minSeverity?: 'info' | 'warning' | 'critical' };
export type Events = {
  append(event: NewEvent): Event;
  /** Oldest first, after `seq`. */
  after(seq: number, limit: number, filter?: EventFilter): Event[];
  /** Newest first, before `seq` (or the end). */
  before(seq: number | null, limit: number, filter?: EventFilter): Event[];
  lastSeq(): number;
  /** Called after the commit of each event, in order of seq. */
  subscribe(listener: (event: Event) => void): () => void;
  /** Drop the oldest beyond `keep`; seq never starts again. */
  prune(keep: number): number;
};

export type Audit = {
  append(entry: NewAuditEntry): AuditEntry;
  page(before: number | null, limit: number, text?: string): AuditEntry[];
  count(): number;
  /** Streams; constant memory; compares with the sealed head as well. */
  verify(options?: { signal?: AbortSignal; onProgress?: (done: number, of: number) => void }): Promise<AuditVerdict>;
};

export type PlanRecord = { plan: Plan; actor: string; yaml: string | null; source: string; createdAt: number; expiresAt: number };
export type Plans = {
  put(record: PlanRecord): void;
  get(digest: string): PlanRecord | null;
  list(limit: number): PlanRecord[];
  prune(now: number): number;
};
export type Approvals = {
  put(approval: Approval): void;
  /** Approvals of a plan that are neither used nor expired. */
  open(planDigest: string, now: number): Approval[];
  /** True once; false when used, expired or unknown. */
  use(id: string, now: number): boolean;
};
export type Runs = {
  start(run: Omit<Run, 'steps'>, actionIds: readonly string[]): void;
  step(runId: string, step: Step, operationId: string | null): void;
  finish(runId: string, state: Run['state'], endedAt: number, account: string): void;
  get(id: string): Run | null;
  list(limit: number): Run[];
  /** Runs that say `running`: after a start, what a crash left behind. With the operation id of each begun step. */
  unfinished(): { run: Run; operationIds: Record<string, string> }[];
};

export type StateRecord = { id: number; yaml: string; digest: string; at: number; actor: string; kind: 'saved' | 'applied' | 'captured' };
export type States = {
  put(record: Omit<StateRecord, 'id'>): StateRecord;
  latest(kind?: StateRecord['kind']): StateRecord | null;
  get(id: number): StateRecord | null;
  list(limit: number): StateRecord[];
  /** Which guid a declared name had when it was last applied: how renames behind our back are told from deletions. */
  identities(): Map<string, string>;
  setIdentities(map: ReadonlyMap<string, string>): void;
};

export type Alerts = {
  /** Opens, or updates the message of the open one; true when it was opened. */
  raise(alert: Pick<Alert, 'kind' | 'subject' | 'severity' | 'message'>, now: number): boolean;
  /** True when one was open. */
  resolve(kind: string, subject: string, now: number): boolean;
  open(): Alert[];
  page(limit: number): Alert[];
};

export type UserRow = {
  id: number;
  name: string;
  role: Role;
  password: string;
  totpSecret: string | null;
  /** Last TOTP step that was accepted: a code is good once. */
  totpLastStep: number;
  recoveryCodes: string[];
  disabled: boolean;
  createdAt: number;
  lastLoginAt: number | null;
};
export type SessionRow = {
  idHash: string;
  userId: number;
  csrf: string;
  createdAt: number;
  lastSeenAt: number;
  expiresAt: number;
  from: string;
  agent: string;
};
export type TokenRow = {
  id: string;
  hash: string;
  name: string;
  userId: number;
  scopes: Permission[];
  createdAt: number;
  expiresAt: number;
  lastUsedAt: number | null;
};
export type Access = {
  users(): UserRow[];
  user(id: number): UserRow | null;
  userByName(name: string): UserRow | null;
  addUser(row: Omit<UserRow, 'id'>): UserRow;
  updateUser(id: number, change: Partial<Omit<UserRow, 'id' | 'name'>>): void;
  removeUser(id: number): void;
  addSession(row: SessionRow): void;
  session(idHash: string): { session: SessionRow; user: UserRow } | null;
  touchSession(idHash: string, lastSeenAt: number): void;
  sessions(): SessionRow[];
  removeSession(idHash: string): void;
  removeSessionsOf(userId: number, exceptHash?: string): number;
  addToken(row: TokenRow): void;
  tokenByHash(hash: string): { token: TokenRow; user: UserRow } | null;
  touchToken(id: string, at: number): void;
  tokens(): TokenRow[];
  removeToken(id: string): boolean;
  /** Expired sessions and tokens. */
  prune(now: number): number;
};

export type SnapshotQuery = {
  dataset?: string;
  /** Also the datasets below it. */
  recursive?: boolean;
  text?: string;
  heldOnly?: boolean;
  sort?: 'createdAt' | 'name' | 'used' | 'referenced';
  descending?: boolean;
  offset: number;
  limit: number;
};
export type SnapshotIndex = {
  /** Replaces what is known of one pool; rows are consumed as they come. Returns what changed. */
  replacePool(pool: string, rows: AsyncIterable<Snapshot>): Promise<{ added: number; removed: number; changed: number; total: number }>;
  upsert(rows: readonly Snapshot[]): void;
  /** Of one dataset, or of all that have it: a received snapshot keeps the guid of the one that was sent. */
  remove(guid: string, dataset?: string): void;
  /** Oldest first. */
  namesOf(dataset: string): { guid: string; tag: string }[];
  /** All that one dataset has now, by guid, and what was read of them anew; what it no longer has goes. How many came and went. */
  patchDataset(dataset: string, guids: readonly string[], rows: readonly Snapshot[]): { added: number; removed: number };
  /** Datasets of a pool that have any. */
  datasetsOf(pool: string): string[];
  forgetPool(pool: string): void;
  page(query: SnapshotQuery): { total: number; rows: Snapshot[] };
  /** The same page as JSON text `{"total":..,"rows":[..]}`, made by SQLite: for large answers. */
  pageJson(query: SnapshotQuery): string;
  countByDataset(): Map<string, number>;
  /** How many were taken on each day since then that have any, oldest first; `offsetMs` is how far the day begins from UTC's. */
  perDay(since: number, offsetMs: number, dataset?: string): { day: number; count: number }[];
  /** Those that carry this mark of a schedule, oldest first. */
  marked(mark: string): Snapshot[];
  /** How many carry each mark. */
  countByMark(): Map<string, number>;
  /** Grows with every change: answers can be cached under it. */
  version(): number;
};

export type PoolSpace = {
  /** `pool` is its guid: a renamed pool keeps its past. */
  record(samples: readonly (SpacePoint & { pool: string })[]): void;
  /** One series, oldest first. */
  since(pool: string, step: number, from: number): SpacePoint[];
  /** Drops what is older than each series is kept. */
  prune(now: number): number;
};

export type DiskRecord = {
  path: string;
  /** When it was asked last, and how that ended. */
  askedAt: number | null;
  state: 'read' | 'asleep' | 'unknown' | 'silent';
  why: string | null;
  /** The last that was read. */
  smart: Smart | null;
  /** Null: nothing was judged yet. */
  told: Told | null;
  /** Counts of ZFS's events, as far as they were met. */
  zfs: { zfsIo: number; zfsChecksum: number; zfsSlow: number };
  /** Until when each kind of scheduled self-test was seen to. */
  tested: { short: number; long: number };
};
export type DiskHealthStore = {
  /** `disk` is its identity: model and serial. */
  get(disk: string): DiskRecord | null;
  put(disk: string, record: DiskRecord): void;
  record(disk: string, readings: Readings, at: number): void;
  /** Oldest first: from the last row until then, which held at that time. */
  since(disk: string, field: Field, from: number): Reading[];
  prune(now: number): number;
};

export type ScheduleBegun = { dueAt: number; tag: string; operationId: string };
export type ScheduleRow = {
  schedule: SnapshotSchedule;
  /** What was due until then needs nothing more. */
  handledAt: number;
  /** A run that has not ended: after a start, what a crash left behind. */
  begun: ScheduleBegun | null;
  last: ScheduleRun | null;
};
export type Schedules = {
  list(): ScheduleRow[];
  get(name: string): ScheduleRow | null;
  put(schedule: SnapshotSchedule, now: number): void;
  remove(name: string): boolean;
  begin(name: string, begun: ScheduleBegun): void;
  /** A run that came to an end: what was due until `handledAt` needs nothing more. */
  end(name: string, run: ScheduleRun, handledAt: number): void;
  /** A run that will be tried again: what it began stays known. */
  note(name: string, run: ScheduleRun): void;
};

export type KeyBackups = {
  get(id: string): { by: string; at: number } | null;
  put(id: string, by: string, at: number): void;
};
export type Clones = {
  list(): TemporaryClone[];
  get(name: string): TemporaryClone | null;
  put(clone: TemporaryClone): void;
  remove(name: string): boolean;
};

export type Settings = { get(key: string): string | null; set(key: string, value: string): void; remove(key: string): void };

export type Store = {
  readonly events: Events;
  readonly audit: Audit;
  readonly plans: Plans;
  readonly approvals: Approvals;
  readonly runs: Runs;
  readonly states: States;
  readonly alerts: Alerts;
  readonly access: Access;
  readonly snapshots: SnapshotIndex;
  readonly poolSpace: PoolSpace;
  readonly diskHealth: DiskHealthStore;
  readonly schedules: Schedules;
  readonly keyBackups: KeyBackups;
  readonly clones: Clones;
  readonly settings: Settings;
  /** One transaction; nested calls join it. Events are published after the outermost commit. */
  transact<T>(work: () => T): T;
  /** Online copy; `keep` newest copies stay. */
  backup(folder: string, keep: number): Promise<string>;
  /** SQLite's own check plus what the tables promise each other; empty when sound. */
  check(): string[];
  schemaVersion(): number;
  /** That an older copy is in use while a newer database is kept beside it; null when neither, or no longer. */
  steppedBack(): SteppedBack | null;
  /** Gives back memory that only spares work: page caches. */
  rest(): void;
  close(): void;
};
