/**
 * Updates, as far as the control plane goes: it reads what the updater wrote, asks the executor to start, stop or turn back, and tells what became of it.
 * The updater does the work in a unit of its own, so an apply outlives this process: its id is journalled before it is asked for, and
 * a daemon that starts finds it again by the id in the progress file.
 *
 * Lines of the history become events once each (how many were told is kept with them); alerts are conditions over the files, looked at anew every time.
 */
import type { Duplex } from 'node:stream';
import { applyEnded, type ApplyProgress, type BundleInfo, type BundleSource } from '../domain/bundle/bundle.ts';
import type { Clock } from '../domain/clock.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { type Refusal, type Result, ok, refuse } from '../domain/refusal.ts';
import type { ShareClient } from '../domain/share/share.ts';
import { idleSlot, runningSlot, type SlotStatus, type UpdateEvent } from '../domain/slot/slot.ts';
import { type RestartPreview, type UpdateHistory, type UpdateView, whatStartsNext, whyNotNow } from '../domain/update/update.ts';
import type { Actor } from '../domain/user/user.ts';
import type { ExecAnswer, Executor } from '../host/executor.ts';
import type { Host } from '../host/host.ts';
import { hasSlots, type HistoryFile, historyReader, OTA_FILES, readProgress, readStatus } from '../host/ota/files.ts';
import { applyUnit, inspect } from '../host/ota/tool.ts';
import type { Store } from '../store/types.ts';
import { settleAlerts } from './conditions.ts';
import { endOf, keepJobs } from './update-job.ts';
import { eventOf, SLOT_ALERTS, UPDATE_ALERTS, updateConditions } from './update-facts.ts';

export type Upload = { size: number; name: string };
export type Updates = {
  /** What the files say, at most half a second old while an apply is under way. */
  view(): Promise<UpdateView>;
  /** Newest first. */
  history(limit: number): Promise<UpdateHistory>;
  inspect(source: Exclude<BundleSource, { kind: 'upload' }>, signal?: AbortSignal): Promise<Result<BundleInfo>>;
  install(actor: Actor, source: BundleSource): Promise<Result<{ id: string }>>;
  /** Where the bytes of an upload go, once the updater takes them; or why it doesn't. */
  stream(id: string, signal: AbortSignal): Promise<Result<Duplex>>;
  /** Why an apply ended without success; null when it did not end within `waitMs`, or ended well. */
  whyEnded(id: string, waitMs: number): Promise<Refusal | null>;
  cancel(actor: Actor): Promise<Result<{ id: string }>>;
  rollback(actor: Actor): Promise<Result<{ id: string }>>;
  confirm(actor: Actor): Promise<Result<{ id: string }>>;
  restartPreview(host: string): Promise<RestartPreview>;
  restart(actor: Actor): Promise<Result<{ id: string }>>;
  /** Called after every look that found something else. */
  onChange(listener: () => void): () => void;
  /** Looks, tells, and goes on looking while an apply is under way. */
  look(): Promise<void>;
  /** Takes up what a restart of this process left. */
  recover(): Promise<void>;
  stop(): Promise<void>;
};

const TOLD = 'updates.told';
const FAST_MS = 500;
/** While nothing is under way, an answer may be this old. */
const READ_AGE = 2_000;
/** Progress that is older than this may come from an updater that has died. */
const SILENT_MS = 3_000;
const RECENT = 10;
const COPIES = 5;
/** For the updater to verify its request and open its socket. */
const OPEN_LOOKS = 300;
const OPEN_PAUSE = 100;

type Seen = {
  at: number;
  slots: SlotStatus;
  progress: ApplyProgress | null;
  running: boolean;
  /** Null when it can't be read. */
  history: HistoryFile | null;
  problems: Refusal[];
  unreadable: string | null;
};

const eventsOf = (s: Seen): UpdateEvent[] => s.history?.events ?? [];

export type UpdatesDeps = {
  host: Host;
  executor: Executor;
  store: Store;
  clock: Clock;
  random: (bytes: number) => Buffer;
  pause: (ms: number) => Promise<void>;
  log: (line: string) => void;
  /** Where the database is copied to before an apply. */
  copyFolder: string;
  clients: () => Promise<readonly ShareClient[]>;
  /** An apply came to its end: snapshots were taken, perhaps. */
  ended: () => Promise<void>;
  /** What else goes on that a restart would interrupt. */
  jobs: () => string[];
};

const NO_SLOTS: SlotStatus = {
  available: false,
  at: 0,
  why: 'this machine has no system slots',
  todo: 'updates of the system need the appliance image; elsewhere the packages of the distribution are updated',
};

export const createUpdates = (deps: UpdatesDeps): Updates => {
  const { host, executor, store, clock, log } = deps;
  const readHistory = historyReader(host);
  const listeners = new Set<() => void>();
  let seen: Seen | null = null;
  let flight: Promise<Seen> | null = null;
  let watching: Promise<void> | null = null;
  let stopped = false;
  /** Between the first check of a request and its journal entry. */
  let asking = false;

  const jobs = keepJobs(store, clock);
  const newId = (): string => `update-${deps.random(12).toString('hex')}`;

  const read = async (): Promise<Seen> => {
    const [status, progress, history] = await Promise.all([readStatus(host), readProgress(host), readHistory()]);
    const problems = [
      ...(status.ok ? [] : [status.refusal]),
      ...(progress.ok ? [] : [progress.refusal]),
      ...(history.ok ? [] : [history.refusal]),
    ];
    const at = clock();
    const nothing = status.ok && (status.value === null || !status.value.available);
    const broken = status.ok && nothing && (await hasSlots(host));
    const slots: SlotStatus = !status.ok
      ? { available: false, at, why: status.refusal.why, todo: status.refusal.todo }
      : (status.value ?? { ...NO_SLOTS, at, ...(broken && { why: 'the updater has not said yet how the slots are' }) });
    const p = progress.ok ? progress.value : null;
    const open = jobs.open();
    const expected = open !== null && p?.id !== open.id;
    let running = p !== null && !applyEnded(p);
    // The file alone doesn't say whether somebody is still at it.
    if (expected || (running && p !== null && at - p.updatedAt > SILENT_MS)) {
      const unit = await applyUnit(host);
      if (unit.ok) running = unit.value === 'working';
    }
    return {
      at,
      slots,
      progress: p,
      running,
      history: history.ok ? history.value : null,
      problems,
      unreadable: !status.ok ? status.refusal.why : broken && !slots.available ? slots.why : null,
    };
  };

  const settleJob = (s: Seen): void => {
    const j = jobs.open();
    const end = asking || j === null ? null : endOf(j, { ...s, history: eventsOf(s) });
    if (j === null || end === null) return;
    jobs.end(j, end);
    deps.ended().catch((error: unknown) => log(`after an update: ${error instanceof Error ? error.message : String(error)}`));
  };

  const tellHistory = (history: HistoryFile): void => {
    const before = store.settings.get(TOLD);
    if (before === String(history.lines)) return;
    const j = jobs.newest();
    // told with the job's end, in the words of whoever asked
    const mine = (e: UpdateEvent): boolean =>
      e.kind === 'apply-failed' && j !== null && e.at >= j.at && (j.endedAt === null || e.at <= j.endedAt + 60_000);
    store.transact(() => {
      // what happened before anybody here looked for the first time is in the history
      if (before !== null) for (const e of history.after(Number(before))) if (!mine(e)) store.events.append(eventOf(e));
      store.settings.set(TOLD, String(history.lines));
    });
  };

  const fingerprint = (s: Seen | null): string =>
    s === null ? '' : JSON.stringify([s.slots, s.progress, s.running, s.history?.lines, s.problems]);
  const refresh = (): Promise<Seen> => {
    flight ??= read()
      .then((now) => {
        const before = fingerprint(seen);
        seen = now;
        settleJob(now);
        // nothing begins or ends because the history can't be read
        if (now.history !== null) tellHistory(now.history);
        const kinds = now.history === null ? SLOT_ALERTS : UPDATE_ALERTS;
        settleAlerts(store, updateConditions({ ...now, history: eventsOf(now) }, clock()), kinds, clock());
        if (fingerprint(now) !== before) for (const l of listeners) l();
        return now;
      })
      .finally(() => {
        flight = null;
      });
    return flight;
  };
  /** A look that began after the question was asked. */
  const fresh = async (): Promise<Seen> => {
    await flight?.catch(() => undefined);
    return await refresh();
  };

  const underWay = (): boolean => seen?.running === true || jobs.open() !== null;
  const watch = (): void => {
    if (stopped) return;
    watching ??= (async () => {
      do {
        await deps.pause(FAST_MS);
        if (!stopped) await refresh().catch((error: unknown) => log(`updates: ${error instanceof Error ? error.message : String(error)}`));
      } while (!stopped && underWay());
    })().finally(() => {
      watching = null;
    });
  };
  const look = async (): Promise<Seen> => {
    const s = await refresh();
    if (underWay()) watch();
    return s;
  };

  const viewOf = (s: Seen): UpdateView => ({
    at: s.at,
    slots: s.slots,
    progress: s.progress,
    running: s.running,
    recent: eventsOf(s).slice(-RECENT).reverse(),
    whyNo: whyNotNow(s.slots, s.progress, s.running),
    problems: s.problems,
  });
  const current = async (): Promise<Seen> => {
    if (seen !== null && (watching !== null || clock() - seen.at <= READ_AGE)) return seen;
    return await look();
  };

  /** An answer that was lost is not a no: the executor's ledger knows. */
  const send = async (id: string, actor: Actor, operation: Operation): Promise<ExecAnswer> => {
    const answer = await executor.execute({ v: 1, id, actor, operation, approval: null });
    if (answer.ok || answer.refusal.code !== 'timeout') return answer;
    const found = await executor.outcome(id).catch(() => null);
    if (found?.state === 'ended') return found.answer;
    return answer;
  };

  /** Requests that are over when they are answered. */
  const ask = async (actor: Actor, operation: Operation): Promise<Result<{ id: string }>> => {
    const id = newId();
    const account = (outcome: 'allowed' | 'succeeded' | 'failed', reason: string): void =>
      void store.audit.append({
        actor,
        action: operation.kind,
        subject: 'slot' in operation ? `slot:${operation.slot}` : 'system',
        outcome,
        reason,
        detail: { operation: id, request: operation },
      });
    account('allowed', `permission ${operation.kind === 'system.restart' ? 'system.restart' : 'system.update'}`);
    const answer = await send(id, actor, operation);
    account(answer.ok ? 'succeeded' : 'failed', answer.ok ? 'the executor saw it done' : answer.refusal.why);
    await fresh();
    if (underWay()) watch();
    return answer.ok ? ok({ id }) : answer;
  };

  const no = (what: string, s: Seen, why: string): { ok: false; refusal: Refusal } =>
    s.slots.available
      ? refuse(
          s.running ? 'busy' : 'conflict',
          what,
          why,
          s.running ? 'wait for its end, or cancel it' : 'look at the slots: dplane update status',
        )
      : refuse(s.unreadable === null ? 'blocked' : 'unavailable', what, s.slots.why, s.slots.todo);

  const begin = async (actor: Actor, source: BundleSource): Promise<Result<{ id: string }>> => {
    const what = 'installing an update';
    const s = await fresh();
    const why = whyNotNow(s.slots, s.progress, s.running).install;
    if (why !== null) return no(what, s, why);
    if (jobs.open() !== null) return refuse('busy', what, 'another one was asked for a moment ago', 'wait for its end, or cancel it');
    let copy: string;
    try {
      copy = await store.backup(deps.copyFolder, COPIES);
    } catch (error) {
      log(`copy before an update: ${error instanceof Error ? error.message : String(error)}`);
      return refuse('failed', what, 'the database of the control plane could not be copied before it', 'look at the space on /persist');
    }
    const id = newId();
    const mine = jobs.begin({ id, source, actor }, copy);
    const answer = await send(id, actor, { kind: 'update.apply', source });
    // without any answer it may be at work: the files will tell
    if (!answer.ok && answer.refusal.code !== 'timeout') {
      jobs.end(mine, { how: 'failed', why: answer.refusal.why });
      return answer;
    }
    return ok({ id });
  };

  return {
    view: async () => viewOf(await current()),
    history: async (limit) => {
      const s = await current();
      const events = eventsOf(s);
      return { total: events.length, events: events.slice(-limit).reverse(), problems: s.problems };
    },
    inspect: (source, signal) => inspect(host, source, signal),
    install: async (actor, source) => {
      if (asking) return refuse('busy', 'installing an update', 'another one was asked for a moment ago', 'wait for its end, or cancel it');
      asking = true;
      try {
        return await begin(actor, source);
      } finally {
        asking = false;
        await fresh();
        if (underWay()) watch();
      }
    },
    stream: async (id, signal) => {
      const what = 'sending the update';
      for (let i = 0; i < OPEN_LOOKS && !signal.aborted; i += 1) {
        if (i > 0) await deps.pause(OPEN_PAUSE);
        const p = await readProgress(host);
        if (p.ok && p.value?.id === id && applyEnded(p.value))
          return p.value.refusal === null
            ? refuse('conflict', what, 'it was ended before anything was sent', 'install it again')
            : { ok: false, refusal: p.value.refusal };
        const socket = await host.connect(OTA_FILES.stream);
        if (socket !== null) return ok(socket);
      }
      return refuse('unavailable', what, 'the updater did not begin to take it', 'look at `journalctl -u dplane-ota-apply` on the machine');
    },
    whyEnded: async (id, waitMs) => {
      for (let waited = 0; waited <= waitMs; waited += OPEN_PAUSE) {
        if (waited > 0) await deps.pause(OPEN_PAUSE);
        const p = await readProgress(host);
        if (p.ok && p.value?.id === id && applyEnded(p.value)) {
          await fresh();
          return p.value.phase === 'staged'
            ? null
            : (p.value.refusal ?? refuse('conflict', 'installing an update', `it was ${p.value.phase}`, 'install it again').refusal);
        }
      }
      return null;
    },
    cancel: async (actor) => {
      const s = await fresh();
      const why = whyNotNow(s.slots, s.progress, s.running).cancel;
      if (why !== null || s.progress === null)
        return refuse('conflict', 'cancelling the update', why ?? 'it has not begun yet', 'look at dplane update status');
      return await ask(actor, { kind: 'update.cancel', job: s.progress.id });
    },
    rollback: async (actor) => {
      const s = await fresh();
      const why = whyNotNow(s.slots, s.progress, s.running).rollback;
      const other = s.slots.available ? idleSlot(s.slots) : null;
      if (why !== null || other?.system == null) return no('going back', s, why ?? 'the other slot is empty');
      return await ask(actor, { kind: 'update.rollback', slot: other.name, index: other.system.index });
    },
    confirm: async (actor) => {
      const s = await fresh();
      const why = whyNotNow(s.slots, s.progress, s.running).confirm;
      if (why !== null || !s.slots.available) return no('confirming the running system', s, why ?? '');
      return await ask(actor, { kind: 'update.confirm', slot: runningSlot(s.slots).name });
    },
    restartPreview: async (name) => {
      const [s, clients] = await Promise.all([fresh(), deps.clients()]);
      return {
        at: s.at,
        host: name,
        clients: [...clients],
        jobs: deps.jobs(),
        next: whatStartsNext(s.slots),
        whyNot: whyNotNow(s.slots, s.progress, s.running).restart,
      };
    },
    restart: async (actor) => {
      const s = await fresh();
      const why = whyNotNow(s.slots, s.progress, s.running).restart;
      if (why !== null) return refuse('busy', 'restarting', why, 'wait for its end, or cancel it');
      store.events.append({
        kind: 'system.restarting',
        severity: 'warning',
        subject: 'system',
        message: `${actor.name} restarts the machine: ${whatStartsNext(s.slots)}`,
        actor: actor.name,
        data: {},
      });
      return await ask(actor, { kind: 'system.restart' });
    },
    onChange: (listener) => {
      const own = (): void => listener();
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    look: async () => void (await look()),
    recover: async () => {
      const j = jobs.open();
      if (j !== null) {
        const found = await executor.outcome(j.id).catch(() => null);
        if (found?.state === 'unknown') jobs.end(j, { how: 'failed', why: 'a restart of the control plane came before it was begun' });
        else if (found?.state === 'ended' && !found.answer.ok) jobs.end(j, { how: 'failed', why: found.answer.refusal.why });
        else jobs.resumed(j);
      }
      await look();
    },
    stop: async () => {
      stopped = true;
      await watching?.catch(() => undefined);
      await flight?.catch(() => undefined);
    },
  };
};
