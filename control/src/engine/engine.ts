/**
 * What everything above the engine (API, CLI over the API, schedules) can ask of it. One way to change anything:
 * plan -> approve -> apply. Reads come from the last observation and say when it was made.
 */
import type { Alert } from '../domain/alert/alert.ts';
import type { ObservedDataset } from '../domain/dataset/dataset.ts';
import type { Disk } from '../domain/disk/disk.ts';
import type { DiskCare, DiskHealth, DiskPast } from '../domain/disk/health.ts';
import type { TestKind } from '../domain/disk/smart.ts';
import type { Run } from '../domain/job.ts';
import type { ArcView } from '../domain/memory/arc.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Approval } from '../domain/operation/operation.ts';
import type { ChangeRequest } from '../domain/plan/change.ts';
import type { Plan } from '../domain/plan/types.ts';
import type { PoolCare } from '../domain/pool/settings.ts';
import type { Importable } from '../domain/pool/importable.ts';
import type { ObservedPool } from '../domain/pool/pool.ts';
import type { Refusal, Result } from '../domain/refusal.ts';
import type { ObservedShare } from '../domain/share/share.ts';
import type { DesiredState } from '../domain/state/state.ts';
import type { Actor } from '../domain/user/user.ts';
import type { SchedulesEngine } from './schedules.ts';
import type { SnapshotViews } from './views.ts';
import type { Guardian } from './guardian.ts';
import type { Heartbeats } from './heartbeat.ts';
import type { Io } from './io.ts';
import type { CareStatus } from './care.ts';
import type { CareOfDisks } from './disk-health.ts';
import type { ProgressReader } from './progress.ts';
import type { ClonesEngine } from './clones.ts';
import type { Keys } from './keys.ts';
import type { Previews } from './previews.ts';
import type { Permissions } from './permissions.ts';
import type { Sessions } from './sessions.ts';
import type { ShareAccounts } from './accounts.ts';
import type { GenerationsEngine } from './generations.ts';
import type { ZfsEvent } from '../host/zfs/events.ts';
import type { Updates } from './updates.ts';
import type { StateRecord } from '../store/types.ts';

export type StateProblem = { line: number; column: number; path: string; message: string };
export type StateCheck = { ok: true; state: DesiredState } | { ok: false; problems: StateProblem[] };

export type DriftItem = { noun: string; name: string; what: 'missing' | 'extra' | 'renamed' | 'changed'; message: string };
export type DriftStatus = {
  /** `unknown` until something has been applied or captured. */
  state: 'unknown' | 'in-sync' | 'drifted';
  checkedAt: number | null;
  since: number | null;
  against: number | null; // StateRecord id
  items: DriftItem[];
};

export type Snapshotted = { observed: Observed; digest: string /** Grows with every observation that differs. */; version: number };

export type Engine = {
  readonly simulated: boolean;
  readonly startedAt: number;

  /** The last observation; a new one when it is older than `maxAgeMs`. One refresh is in flight at a time. */
  observe(maxAgeMs?: number): Promise<Snapshotted>;
  pools(): Promise<{ at: number; pools: ObservedPool[]; stuck: Observed['stuck'] }>;
  datasets(): Promise<{ at: number; version: number; datasets: ObservedDataset[] }>;
  disks(): Promise<{ at: number; disks: Disk[] }>;
  shares(): Promise<{ at: number; shares: ObservedShare[] }>;
  diskHealth(): Promise<{ at: number; disks: DiskHealth[] }>;
  /** One disk by its path or name, with its past. */
  diskPast(disk: string, days: number): Promise<Result<DiskPast>>;
  /** Asked now; one that sleeps is not woken. */
  readDisk(disk: string): Promise<Result<DiskHealth>>;
  testDisk(disk: string, test: TestKind | 'stop', actor: Actor): Promise<Result<DiskHealth>>;
  /** ZFS's cache: its limit with the reasons, and how it does. */
  arc(): Promise<ArcView>;
  diskCare(): CareOfDisks;
  setDiskCare(care: DiskCare, actor: Actor): CareOfDisks;
  /** When the snapshot index of each pool was last brought up to date. */
  /** When a pool is scrubbed and trimmed by itself. */
  poolCare(name: string): Promise<Result<CareStatus>>;
  setPoolCare(name: string, care: PoolCare, actor: Actor): Promise<Result<CareStatus>>;
  /** Asked of the pool itself, once a second at most. */
  poolProgress: ProgressReader;
  /** Pools on the disks that are not imported: a look that needs root and reads every disk. */
  importable(): Promise<Result<Importable[]>>;
  /** What the kernel's ZFS noted lately, oldest first. */
  zfsEvents(): Promise<Result<ZfsEvent[]>>;
  snapshotsAt(): Record<string, number>;
  refreshSnapshots(pool?: string): Promise<void>;

  checkState(yaml: string): Promise<StateCheck>;
  savedState(): StateRecord | null;
  saveState(yaml: string, actor: Actor, basedOn: string | null): Promise<Result<StateRecord>>;
  captureState(actor: Actor): Promise<Result<{ yaml: string; record: StateRecord }>>;
  stateHistory(limit: number): StateRecord[];

  planState(actor: Actor, yaml?: string): Promise<Result<Plan>>;
  planChange(actor: Actor, changes: readonly ChangeRequest[]): Promise<Result<Plan>>;
  plan(digest: string): Plan | null;
  plans(limit: number): { digest: string; source: string; actor: string; createdAt: number; expiresAt: number; summary: Plan['summary'] }[];
  /** `typed` has to be the exact name of the action's target. */
  approve(actor: Actor, digest: string, actionId: string, typed: string): Promise<Result<Approval>>;
  approvals(digest: string): Approval[];
  /** Starts the run and returns it; `settled` resolves when it has ended. */
  apply(actor: Actor, digest: string): Promise<Result<{ run: Run; settled: Promise<Run> }>>;
  run(id: string): Run | null;
  runs(limit: number): Run[];

  drift(): DriftStatus;
  checkDrift(): Promise<DriftStatus>;
  alerts(): Alert[];
  alertHistory(limit: number): Alert[];
  problems(): Refusal[];

  readonly heartbeats: Pick<Heartbeats, 'list' | 'set'>;
  readonly guardian: Omit<Guardian, 'look'>;
  readonly io: Omit<Io, 'stop'>;
  readonly schedules: SchedulesEngine;
  readonly views: SnapshotViews;
  readonly accounts: ShareAccounts;
  readonly sessions: Sessions;
  readonly permissions: Permissions;
  readonly keys: Keys;
  readonly clones: ClonesEngine;
  readonly previews: Previews;
  readonly updates: Updates;
  readonly generations: GenerationsEngine;

  start(): Promise<void>;
  stop(): Promise<void>;
};
