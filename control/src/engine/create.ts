/** The engine put together: see engine.ts for what it offers and each file beside it for its part. */
import { conditionsOf, changesBehindOurBack, missingDisk, OBSERVED_KINDS } from './monitor.ts';
import { capture } from '../domain/plan/capture.ts';
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import { RECORD_EVERY } from '../domain/pool/history.ts';
import type { Importable } from '../domain/pool/importable.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import type { ShareClient } from '../domain/share/share.ts';
import type { Actor } from '../domain/user/user.ts';
import type { Operation } from '../domain/operation/operation.ts';
import type { ExecAnswer, Executor } from '../host/executor.ts';
import type { Host } from '../host/host.ts';
import type { ZfsEvent } from '../host/zfs/events.ts';
import { whyNoUpgrade } from '../host/ota/upgrade.ts';
import { observe, type PoolLanes, poolsAreKnown } from '../host/observe.ts';
import type { Clock, StateRecord, Store } from '../store/types.ts';
import { openAlert, settleAlerts } from './conditions.ts';
import { createKeys } from './keys.ts';
import { createPermissions } from './permissions.ts';
import { createShareAccounts } from './accounts.ts';
import { sha256 } from './digest.ts';
import { createDriftKeeper } from './drift-keeper.ts';
import type { DriftStatus, Engine, Snapshotted, StateCheck } from './engine.ts';
import { factOf, snapshotsTouchedBy, touchedBy } from './facts.ts';
import { createObserver } from './observer.ts';
import { createClones } from './clones.ts';
import { keepingOwn } from './kept.ts';
import { createPlanner } from './planner.ts';
import { ARC_EVERY, createArc } from './arc.ts';
import { createCare } from './care.ts';
import { createDiskHealth, DISKS_EVERY } from './disk-health.ts';
import { createPreviews } from './previews.ts';
import { createGuardian } from './guardian.ts';
import { createHeartbeats, LISTEN_EVERY } from './heartbeat.ts';
import { createIo } from './io.ts';
import { createProgress } from './progress.ts';
import { poolSettings } from './pool-settings.ts';
import { createPulse, PULSE_EVERY } from './pulse.ts';
import { createRunner, type RunEnded } from './runner.ts';
import { createSnapshotKeeper } from './snapshot-keeper.ts';
import { createSnapshotWatch, WATCH_EVERY } from './snapshot-watch.ts';
import { createSessions } from './sessions.ts';
import { createSchedules } from './schedules.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { createGate } from './gate.ts';
import { createGenerations } from './generations.ts';
import { createUpdates } from './updates.ts';
import { createViews } from './views.ts';
import { parseState, renderState } from './statefile.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const OBSERVE_TIMEOUT = 20 * SECOND;
const OBSERVE_EVERY = 30 * SECOND;
/** A schedule's snapshot is at most this late. */
const SCHEDULES_EVERY = 10 * SECOND;
const CLONES_EVERY = 15 * SECOND;
const RECOVER_EVERY = 30 * SECOND;
const DRIFT_EVERY = 5 * MINUTE;
/** All of them, to verify what was followed. */
const SNAPSHOTS_EVERY = 15 * MINUTE;
const BACKUP_EVERY = 24 * HOUR;
const PRUNE_EVERY = HOUR;
const BACKUPS_KEPT = 7;
const EVENTS_KEPT = 200_000;
/** Reads are answered from an observation of this age; asking for newer starts a refresh. */
const READ_AGE = 10 * SECOND;
const STATE_LIMIT = 4 * 1024 * 1024;

/** Nothing is over because it can't be seen. */
const NO_KINDS: ReadonlySet<string> = new Set();
const SYSTEM: Actor = { kind: 'system', name: 'dplaned', via: 'schedule' };

export type EngineDeps = {
  host: Host;
  executor: Executor;
  store: Store;
  clock: Clock;
  random: (bytes: number) => Buffer;
  backupFolder: string;
  /** Copies made before an update, kept apart from the daily ones. */
  preUpgradeFolder: string;
  log: (line: string) => void;
  pause: (ms: number) => Promise<void>;
};

export const createEngine = (deps: EngineDeps): { engine: Engine; scheduler: Scheduler } => {
  const { host, executor, store, clock, log } = deps;
  const startedAt = clock();
  let parsed: { digest: string; check: StateCheck } | null = null;

  const clients = async (): Promise<Result<ShareClient[]>> => {
    const answer = await executor.execute({
      v: 1,
      id: `read-${deps.random(12).toString('hex')}`,
      actor: SYSTEM,
      operation: { kind: 'share.clients' },
      approval: null,
    });
    if (!answer.ok) return answer;
    return ok((answer.result.clients ?? []) as ShareClient[]); // the executor's own typed answer
  };

  /** Guids of datasets that look empty and are not: the next plan asks for the approval that the executor missed. */
  const notEmpty = new Set<string>();

  const tell = (e: NewEvent): void => void store.events.append(e);
  /** A change is under way. */
  const busy = (): boolean => store.runs.list(1)[0]?.state === 'running';

  const lanes: PoolLanes = new Map();
  const observer = createObserver(async (wants, previous) => {
    const known = new Map((previous?.shares ?? []).map((s) => [`${s.spec.kind}:${s.spec.name}`, s.clients]));
    const observed = await observe(host, {
      clients: wants.clients ? clients : () => Promise.resolve(ok([...known.values()].flat())),
      counts: store.snapshots.countByDataset(),
      clock,
      timeoutMs: OBSERVE_TIMEOUT,
      lanes,
      isFailed: (pool) => heartbeats.isFailed(pool),
      answered: () => void look().catch(() => undefined),
    });
    for (const d of observed.datasets) {
      if (notEmpty.has(d.guid)) d.foundNotEmpty = true;
      if (d.keyFile) d.keyBackedUp = store.keyBackups.get(d.keyFile) !== null;
    }
    observed.schedules = store.schedules.list().map((s) => s.schedule);
    for (const p of observed.pools) p.settings = poolSettings(store, p.guid);
    observed.clones = store.clones.list();
    health.mark(observed);
    arc.mark(observed);
    return observed;
  }, clock);

  const checkState = async (yaml: string): Promise<StateCheck> => {
    if (yaml.length > STATE_LIMIT)
      return { ok: false, problems: [{ line: 1, column: 1, path: '', message: 'the file is larger than 4 MiB' }] };
    const digest = sha256(yaml);
    if (parsed?.digest === digest) return parsed.check;
    const check = await parseState(yaml);
    parsed = { digest, check };
    return check;
  };

  const heartbeats = createHeartbeats({
    host,
    store,
    clock,
    last: () => observer.last()?.observed ?? null,
    execute: (operation) => execute(operation),
    tell,
  });

  const planner = createPlanner({ store, observer, clock, random: deps.random, check: checkState });

  const raiseAndResolve = (o: Observed): void =>
    settleAlerts(store, conditionsOf(o), poolsAreKnown(o) ? OBSERVED_KINDS : NO_KINDS, clock());

  /** What the database says of itself, as alerts: it is found once at each start. */
  const checkStore = (): void => {
    const problems = store.check();
    const now = clock();
    for (const kind of ['audit.broken', 'store.damaged'] as const) {
      const mine = problems.filter((p) => p.includes('audit') === (kind === 'audit.broken'));
      if (mine.length > 0) store.alerts.raise({ kind, subject: 'store', severity: 'critical', message: mine.join('; ') }, now);
      else store.alerts.resolve(kind, 'store', now);
    }
    if (store.steppedBack() === null) store.alerts.resolve('store.stepped-back', 'store', now);
  };

  const drift = createDriftKeeper({ store, clock });
  const checkDrift = async (): Promise<DriftStatus> => drift.look((await observer.get(0)).observed);

  const snapshots = createSnapshotKeeper({ host, store, clock, log });
  const refreshSnapshots = async (pool?: string): Promise<void> => {
    const { observed } = await observer.get(READ_AGE);
    if (poolsAreKnown(observed)) snapshots.forgetAllBut(observed);
    await snapshots.refresh(observed.pools.map((p) => p.name).filter((name) => pool === undefined || name === pool));
  };

  let settling: Promise<unknown> = Promise.resolve();
  const settle = async (o: Observed): Promise<void> => {
    if (await gate.look(o, true)) raiseAndResolve((await observer.get(0)).observed);
  };

  const ended = async (e: RunEnded): Promise<void> => {
    const operations = e.done.flatMap((a) => (a.operation === null ? [] : [a.operation]));
    const pools = new Set(operations.flatMap((op) => snapshotsTouchedBy(op)?.split('/')[0] ?? []));
    await snapshots.refresh([...pools]);
    const moved = operations.some((op) => /^(dataset|pool|share|snapshot\.clone|snapshot\.rollback|clone)/.test(op.kind));
    const { observed } = await observer.get(pools.size > 0 || moved ? 0 : READ_AGE);
    store.transact(() => {
      if (e.source.kind === 'state' && e.state === 'succeeded') {
        drift.adopt(observed);
        store.states.put({ yaml: e.source.yaml, digest: sha256(e.source.yaml), at: clock(), actor: e.actor, kind: 'applied' });
      } else drift.adoptTouched(observed, new Set(operations.flatMap(touchedBy)));
    });
    drift.look(observed);
    // not waited for: the deed is done, and what follows from it comes within seconds
    settling = settling
      .then(() => settle(observed))
      .catch((error: unknown) => log(`gate: ${error instanceof Error ? error.message : String(error)}`));
  };

  const schedules = createSchedules({ store, executor, observer, snapshots, clock, random: deps.random, log });
  const runner = createRunner({
    store,
    observer,
    planner,
    executor: keepingOwn(executor, {
      store,
      clock,
      chooseArc: (limit) => arc.choose(limit),
      guidOf: async (name) => (await observer.get(0)).observed.pools.find((p) => p.name === name)?.guid,
    }),
    clock,
    random: deps.random,
    ended,
    notEmpty,
    pause: deps.pause,
  });

  observer.onChange((before, now) => {
    const known = before !== null && poolsAreKnown(before.observed) && poolsAreKnown(now.observed);
    if (known && !busy()) {
      const events = changesBehindOurBack(before.observed, now.observed);
      if (events.length > 0) store.transact(() => void events.forEach(tell));
    }
  });

  const updates = createUpdates({
    ...deps,
    copyFolder: deps.preUpgradeFolder,
    ended: () => refreshSnapshots(),
    clients: async () => (await observer.get(READ_AGE, { clients: true })).observed.shares.flatMap((x) => x.clients),
    jobs: () => [
      ...store.runs
        .list(10)
        .filter((r) => r.state === 'running')
        .map((r) => `run ${r.id} of ${r.actor}`),
      ...(observer.last()?.observed.pools ?? [])
        .filter((p) => p.scan.state === 'scanning')
        .map((p) => `${p.scan.kind} of pool ${p.name} (goes on after the restart)`),
    ],
  });

  const generations = createGenerations({
    ...deps,
    pools: async () => {
      const { observed } = await observer.get(0);
      const roots = new Map(observed.datasets.map((d) => [d.name, d.guid]));
      return observed.pools.map((p) => ({ name: p.name, health: p.health, root: roots.get(p.name) ?? null }));
    },
    snapshotted: () => refreshSnapshots(),
  });

  /** Reading that needs root. */
  const ask = (operation: Operation): Promise<ExecAnswer> =>
    executor.execute({ v: 1, id: `read-${deps.random(12).toString('hex')}`, actor: SYSTEM, operation, approval: null });
  /** What the engine does by itself, with an account of it. */
  const execute = async (operation: Operation, actor: Actor = SYSTEM): Promise<ExecAnswer> => {
    const answer = await executor.execute({
      v: 1,
      id: `auto-${deps.random(12).toString('hex')}`,
      actor,
      operation,
      approval: null,
    });
    store.audit.append({
      actor,
      action: operation.kind,
      subject: factOf(operation).subject,
      outcome: answer.ok ? 'succeeded' : 'failed',
      reason: actor === SYSTEM ? 'done by itself; safe, needs no approval' : 'safe, needs no approval',
      detail: { operation, ...(answer.ok ? {} : { problem: answer.refusal.why }) },
    });
    return answer;
  };
  const gate = createGate({
    clock,
    execute: async (operation) => {
      const answer = await ask(operation);
      // looking is no news; what it found to do is
      const deeds = answer.ok ? [answer.result.opened, answer.result.shut, answer.result.restored].flat() : [answer.refusal.why];
      if (deeds.length > 0)
        store.audit.append({
          actor: SYSTEM,
          action: operation.kind,
          subject: 'shares',
          outcome: answer.ok ? 'succeeded' : 'failed',
          reason: 'done by itself: what is served is what is mounted',
          detail: answer.ok ? answer.result : { problem: answer.refusal.why },
        });
      return answer;
    },
    tell,
    busy,
  });
  /** A look at the host, not older than this, with what follows from it. */
  const look = async (maxAge = 0): Promise<Observed> => {
    const seen = await observer.get(maxAge);
    const { observed } = (await gate.look(seen.observed)) ? await observer.get(0) : seen;
    raiseAndResolve(observed);
    return observed;
  };
  const guardian = createGuardian({ store, clock, execute, tell, observe: async () => (await observer.get(0)).observed });
  const io = createIo({ host, clock, last: () => observer.last()?.observed ?? null, pause: deps.pause });
  const pulse = createPulse({
    host,
    clock,
    last: () => observer.last()?.observed ?? null,
    look,
    execute,
    tell,
    missing: (pool, path) => openAlert(store, missingDisk(pool, path), clock()),
    busy,
  });
  const clones = createClones({
    host,
    store,
    observer,
    clock,
    execute,
    tell,
    busy,
  });
  const care = createCare({ store, clock, execute, tell });
  const health = createDiskHealth({ store, clock, ask, execute });
  const arc = createArc({
    host,
    store,
    clock,
    serving: () => (observer.last()?.observed.shares ?? []).map((s) => s.spec.kind),
    execute,
    tell,
  });
  const poolProgress = createProgress(host, clock);

  const scheduler = createScheduler(clock, (task, error) => log(`${task}: ${error instanceof Error ? error.message : String(error)}`));
  scheduler.add({
    name: 'observe',
    everyMs: OBSERVE_EVERY,
    run: async () => {
      const observed = await look(OBSERVE_EVERY / 2);
      health.judge(observed);
      await guardian.look(observed);
      if (!busy()) await care.look(observed);
    },
  });
  scheduler.add({ name: 'pulse', everyMs: PULSE_EVERY, lane: 'pulse', run: pulse.beat });
  // a lane of its own: a disk that hangs holds up nothing else
  scheduler.add({
    name: 'disks',
    everyMs: DISKS_EVERY,
    lane: 'disks',
    run: async () => health.look((await observer.get(OBSERVE_EVERY)).observed),
  });
  scheduler.add({ name: 'heartbeat', everyMs: LISTEN_EVERY, lane: 'heartbeat', run: heartbeats.look });
  scheduler.add({ name: 'arc', everyMs: ARC_EVERY, run: arc.look });
  scheduler.add({ name: 'updates', everyMs: OBSERVE_EVERY, run: () => updates.look() });
  scheduler.add({ name: 'generations', everyMs: RECOVER_EVERY, lane: 'generations', run: generations.recover });
  scheduler.add({ name: 'clones', everyMs: CLONES_EVERY, run: () => clones.look() });
  scheduler.add({ name: 'schedules', everyMs: SCHEDULES_EVERY, run: () => schedules.look() });
  scheduler.add({ name: 'drift', everyMs: DRIFT_EVERY, run: async () => void (await checkDrift()) });
  const snapshotWatch = createSnapshotWatch({
    host,
    clock,
    snapshots,
    pools: () => observer.last()?.observed.pools.map((p) => p.name) ?? [],
    tell,
  });
  scheduler.add({ name: 'watch-snapshots', everyMs: WATCH_EVERY, lane: 'snapshots', run: snapshotWatch.look });
  scheduler.add({ name: 'snapshots', everyMs: SNAPSHOTS_EVERY, run: () => refreshSnapshots() });
  scheduler.add({
    name: 'pool-space',
    everyMs: RECORD_EVERY,
    run: async (now) => {
      const { observed } = await observer.get(OBSERVE_EVERY);
      store.poolSpace.record(observed.pools.map((p) => ({ pool: p.guid, at: now, size: p.size, allocated: p.allocated })));
    },
  });
  scheduler.add({ name: 'backup', everyMs: BACKUP_EVERY, run: async () => void (await store.backup(deps.backupFolder, BACKUPS_KEPT)) });
  scheduler.add({
    name: 'prune',
    everyMs: PRUNE_EVERY,
    run: (now) => {
      store.plans.prune(now);
      store.access.prune(now);
      store.events.prune(EVENTS_KEPT);
      store.poolSpace.prune(now);
      store.diskHealth.prune(now);
      return Promise.resolve();
    },
  });

  /** Read once: this process is the only one that saves. */
  let saved: StateRecord | null | undefined;
  const savedState = (): StateRecord | null => {
    saved ??= store.states.latest('saved');
    return saved;
  };

  const read = (): Promise<Snapshotted> => observer.get(READ_AGE);

  const engine: Engine = {
    simulated: host.simulated,
    startedAt,
    observe: (maxAgeMs = READ_AGE) => observer.get(maxAgeMs),
    pools: async () => {
      const { observed } = await read();
      return { at: observed.at, pools: observed.pools, stuck: observed.stuck };
    },
    datasets: async () => {
      const { observed, version } = await read();
      return { at: observed.at, version, datasets: observed.datasets };
    },
    disks: async () => {
      const { observed } = await read();
      return { at: observed.at, disks: observed.disks };
    },
    shares: async () => {
      const { observed } = await observer.get(READ_AGE, { clients: true });
      return { at: observed.at, shares: observed.shares };
    },
    diskHealth: async () => {
      const { observed } = await read();
      return { at: observed.at, disks: health.list(observed) };
    },
    diskPast: async (disk, days) => health.get((await read()).observed, disk, days),
    readDisk: async (disk) => health.read((await read()).observed, disk),
    testDisk: async (disk, test, actor) => health.test((await read()).observed, disk, test, actor),
    diskCare: () => health.care(),
    setDiskCare: (wanted, actor) => health.setCare(wanted, actor),
    heartbeats,
    guardian,
    io,
    arc: arc.view,
    poolProgress,
    poolCare: async (name) => care.status((await read()).observed, name),
    setPoolCare: async (name, wanted, actor) => care.put((await read()).observed, name, wanted, actor),
    importable: async () => {
      const answer = await ask({ kind: 'pool.scan' });
      return answer.ok ? ok((answer.result.pools ?? []) as Importable[]) : answer; // the executor's own typed answer
    },
    zfsEvents: async () => {
      const answer = await ask({ kind: 'pool.events' });
      return answer.ok ? ok((answer.result.events ?? []) as ZfsEvent[]) : answer; // as above
    },
    snapshotsAt: snapshots.times,
    refreshSnapshots,
    schedules,

    checkState,
    savedState,
    saveState: async (yaml, actor, basedOn) => {
      const check = await checkState(yaml);
      if (!check.ok) {
        const first = check.problems[0];
        return refuse(
          'invalid',
          'save state',
          `line ${first?.line}, column ${first?.column}: ${first?.message}`,
          'correct the file and save it again',
        );
      }
      const current = savedState();
      if ((current?.digest ?? null) !== basedOn)
        return refuse(
          'conflict',
          'save state',
          current === null
            ? 'there is no saved state to base this on'
            : `${current.actor} saved another version at ${new Date(current.at).toISOString()}`,
          'load the newest version, bring your change into it and save again',
        );
      const digest = sha256(yaml);
      if (current?.digest === digest) return ok(current);
      saved = store.transact(() => {
        const record = store.states.put({ yaml, digest, at: clock(), actor: actor.name, kind: 'saved' });
        store.events.append({
          kind: 'gitops.state-saved',
          severity: 'info',
          subject: 'state',
          message: `${actor.name} saved state.yaml`,
          actor: actor.name,
          data: { digest },
        });
        store.audit.append({
          actor,
          action: 'state.save',
          subject: 'state',
          outcome: 'succeeded',
          reason: 'permission state.write',
          detail: { digest, basedOn },
        });
        return record;
      });
      return ok(saved);
    },
    captureState: async (actor) => {
      const seen = await observer.get(0, { clients: false });
      if (!poolsAreKnown(seen.observed))
        return refuse('unavailable', 'capture', "the pools of this host can't be listed", 'see to the tool that fails, then capture again');
      if (seen.observed.stuck[0])
        return refuse(
          'unavailable',
          'capture',
          `pool ${seen.observed.stuck[0].pool} does not answer, and a capture without it would plan its removal`,
          'capture again when every pool answers',
        );
      const state = capture(seen.observed);
      const yaml = await renderState(state);
      const record = store.transact(() => {
        const saved = store.states.put({ yaml, digest: sha256(yaml), at: clock(), actor: actor.name, kind: 'captured' });
        drift.adopt(seen.observed);
        store.audit.append({
          actor,
          action: 'state.capture',
          subject: 'state',
          outcome: 'succeeded',
          reason: 'permission state.write',
          detail: { digest: saved.digest },
        });
        return saved;
      });
      await checkDrift();
      return ok({ yaml, record });
    },
    stateHistory: (limit) => store.states.list(limit),

    planState: async (actor, yaml) => {
      const text = yaml ?? savedState()?.yaml;
      if (text === undefined)
        return refuse('not-found', 'plan', 'no state.yaml is saved yet', 'capture the live state, edit it, and save it');
      return await planner.planState(actor, text);
    },
    planChange: async (actor, changes) => {
      // what only the slots know: said before a plan is made, and looked at again by the executor
      const why = changes.some((c) => c.kind === 'pool.upgrade') ? await whyNoUpgrade(host) : null;
      return why === null
        ? planner.planChange(actor, changes)
        : refuse('blocked', 'upgrading a pool', why, 'install the current version into the other slot first, and upgrade then');
    },
    plan: (digest) => planner.get(digest)?.plan ?? null,
    plans: (limit) =>
      store.plans.list(limit).map((r) => ({
        digest: r.plan.digest,
        source: (JSON.parse(r.source) as { kind: string }).kind, // written by the planner
        actor: r.actor,
        createdAt: r.createdAt,
        expiresAt: r.expiresAt,
        summary: r.plan.summary,
      })),
    approve: (actor, digest, actionId, typed) => Promise.resolve(planner.approve(actor, digest, actionId, typed)),
    approvals: (digest) => store.approvals.open(digest, clock()),
    apply: (actor, digest) => runner.apply(actor, digest),
    run: (id) => store.runs.get(id),
    runs: (limit) => store.runs.list(limit),

    drift: drift.status,
    checkDrift,
    alerts: () => store.alerts.open(),
    alertHistory: (limit) => store.alerts.page(limit),
    problems: () => observer.last()?.observed.problems ?? [],
    permissions: createPermissions(host, observer),
    keys: createKeys({ executor, observer, store, clock, random: deps.random }),
    accounts: createShareAccounts({ executor, observer, random: deps.random }),
    clones,
    previews: createPreviews({
      host,
      observer,
      state: async () => {
        const saved = savedState();
        const check = saved === null ? null : await checkState(saved.yaml);
        return check?.ok ? check.state : null;
      },
    }),
    sessions: createSessions({ executor, store, clock, random: deps.random, system: SYSTEM }),
    updates,
    generations,
    views: createViews({ host, executor, store, random: deps.random }),

    start: async () => {
      store.events.append({
        kind: 'system.started',
        severity: 'info',
        subject: 'system',
        message: 'the control plane started',
        actor: 'dplaned',
        data: {},
      });
      const first = async (): Promise<void> => {
        const seen = await observer.get(0);
        await updates.recover().catch((error: unknown) => log(`updates: ${error instanceof Error ? error.message : String(error)}`));
        await generations
          .recover()
          .catch((error: unknown) => log(`generations: ${error instanceof Error ? error.message : String(error)}`));
        await runner.recover();
        await schedules.recover();
        raiseAndResolve(seen.observed);
        await guardian.look(seen.observed);
        drift.look(seen.observed);
        checkStore();
        await arc.look();
        // each disk takes its own time: nobody waits for them
        void health.look(seen.observed).catch((error: unknown) => log(`disks: ${error instanceof Error ? error.message : String(error)}`));
        await refreshSnapshots();
        // counts of snapshots come from the index: observe once more, now that it is there
        await observer.get(0);
      };
      ready = first().catch((error: unknown) => log(`first observation: ${error instanceof Error ? error.message : String(error)}`));
      scheduler.start();
      await Promise.resolve();
    },
    stop: async () => {
      health.stop();
      await scheduler.stop();
      io.stop();
      await heartbeats.idle();
      await updates.stop();
      await runner.idle();
      await schedules.stop();
      await ready;
      await settling;
      await snapshots.idle();
      await snapshotWatch.idle();
    },
  };
  let ready: Promise<void> = Promise.resolve();
  return { engine, scheduler };
};
