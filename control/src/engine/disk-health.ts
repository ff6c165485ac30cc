/**
 * Asks each disk for its health every half hour, without waking it, and judges what it says together with what ZFS says. A disk that does not answer has a
 * time limit of its own and holds up none of the others. What is kept is small (readings.ts); what gets worse is told once (alarm.ts).
 */
import { alarmOf } from '../domain/disk/alarm.ts';
import { type Disk, diskLabel } from '../domain/disk/disk.ts';
import {
  DiskCare,
  type DiskHealth,
  type DiskPast,
  identityOf,
  membersOf,
  testDue,
  testNext,
  USUAL_DISK_CARE,
} from '../domain/disk/health.ts';
import { countNoted, isNewer, type Mark, NO_COUNTS, type Noted } from '../domain/disk/noted.ts';
import { COUNTED, DAY, type Field, FIELDS, type Growth, growthSince, HOUR, type Reading, readingsOf } from '../domain/disk/readings.ts';
import { type DiskRisk, riskOf, wordOfRisk } from '../domain/disk/risk.ts';
import { Smart, smartDeviceOf, type TestKind } from '../domain/disk/smart.ts';
import type { Alert } from '../domain/alert/alert.ts';
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { ok, refuse, type Result } from '../domain/refusal.ts';
import type { Actor } from '../domain/user/user.ts';
import type { ExecAnswer } from '../host/executor.ts';
import type { Clock, DiskRecord, Store } from '../store/types.ts';
import { settleAlerts } from './conditions.ts';

export const DISKS_EVERY = 60_000;
/** So many are asked at a time: each is a process of the executor. */
const AT_ONCE = 4;
/** ZFS's own notes: read this often, and at once when a pool counts new errors. */
const NOTES_EVERY = 5 * 60_000;
const KINDS: ReadonlySet<string> = new Set(['disk.risk']);
const CARE = 'disks.care';
const NOTED = 'disks.zfs-noted';

export type CareOfDisks = { care: DiskCare; next: Record<TestKind, number | null> };
export type DiskHealthEngine = {
  list(o: Observed): DiskHealth[];
  /** `disk`: its path or its name. */
  get(o: Observed, disk: string, days: number): Result<DiskPast>;
  /** Asks now; one that sleeps is not woken. */
  read(o: Observed, disk: string): Promise<Result<DiskHealth>>;
  test(o: Observed, disk: string, test: TestKind | 'stop', actor: Actor): Promise<Result<DiskHealth>>;
  care(): CareOfDisks;
  setCare(care: DiskCare, actor: Actor): CareOfDisks;
};
export type DiskHealthKeeper = DiskHealthEngine & {
  /** Asks those that are due, and begins self-tests that are. */
  look(o: Observed): Promise<void>;
  /** Opens and closes alerts, and tells what got worse. */
  judge(o: Observed): void;
  /** Says on each disk of an observation what is held against it. */
  mark(o: Observed): void;
  /** An answer that comes later is nobody's. */
  stop(): void;
};

export type DiskHealthDeps = {
  store: Store;
  clock: Clock;
  /** Reading that needs root. */
  ask: (operation: Operation) => Promise<ExecAnswer>;
  execute: (operation: Operation, actor?: Actor) => Promise<ExecAnswer>;
};

const MET: DiskRecord = {
  path: '',
  askedAt: null,
  state: 'unknown',
  why: null,
  smart: null,
  told: null,
  zfs: NO_COUNTS,
  tested: { short: 0, long: 0 },
};
const said = (smart: Smart | null): string => JSON.stringify(smart?.tests?.last ?? null);

export const createDiskHealth = (deps: DiskHealthDeps): DiskHealthKeeper => {
  const { store, clock } = deps;
  const known = new Map<string, DiskRecord>();
  const grown = new Map<string, { at: number; growth: Growth }>();
  const asking = new Set<string>();
  let notedAt = Number.NEGATIVE_INFINITY;
  let errorsThen = '';
  let stopped = false;

  const recordOf = (d: Disk): DiskRecord => {
    const id = identityOf(d);
    let found = known.get(id);
    if (found === undefined) {
      const now = clock();
      found = store.diskHealth.get(id) ?? { ...MET, path: d.path, tested: { short: now, long: now } };
      known.set(id, found);
    }
    return found;
  };
  const put = (d: Disk, change: Partial<DiskRecord>): DiskRecord => {
    const next = { ...recordOf(d), ...change, path: d.path };
    known.set(identityOf(d), next);
    store.diskHealth.put(identityOf(d), next);
    return next;
  };
  const countsOf = (r: DiskRecord): Partial<Record<(typeof COUNTED)[number], number>> =>
    Object.fromEntries(
      Object.entries({ ...(r.smart === null ? {} : readingsOf(r.smart)), ...r.zfs }).filter(([f]) => COUNTED.some((c) => c === f)),
    );
  const keep = (d: Disk): void => {
    const r = recordOf(d);
    store.diskHealth.record(identityOf(d), { ...(r.smart === null ? {} : readingsOf(r.smart)), ...r.zfs }, clock());
    grown.delete(identityOf(d));
  };
  /** Looked up once an hour, or when something was recorded. */
  const weekOf = (d: Disk): Growth => {
    const id = identityOf(d);
    const now = clock();
    const was = grown.get(id);
    if (was && now - was.at < HOUR) return was.growth;
    const rows = Object.fromEntries(COUNTED.map((f) => [f, store.diskHealth.since(id, f, now - 7 * DAY)] as const)) as Record<
      Field,
      Reading[]
    >; // COUNTED are Fields
    const growth = growthSince(rows, now - 7 * DAY);
    grown.set(id, { at: now, growth });
    return growth;
  };
  const riskIn =
    (o: Observed, members = membersOf(o.pools)) =>
    (d: Disk): DiskRisk =>
      riskOf(d.path, recordOf(d).smart, members.get(d.path) ?? null, weekOf(d));

  const tell = (kind: NewEvent['kind'], d: Disk, severity: NewEvent['severity'], message: string): void =>
    void store.events.append({ kind, severity, subject: `disk:${d.path}`, message, actor: 'dplaned', data: { serial: d.serial } });

  const take = (d: Disk, smart: Smart): void => {
    const before = recordOf(d);
    store.transact(() => {
      if (smart.state !== 'read') return void put(d, { askedAt: smart.at, state: smart.state, why: smart.why });
      put(d, { askedAt: smart.at, state: 'read', why: null, smart });
      keep(d);
      const last = smart.tests?.last[0];
      if (before.smart !== null && last !== undefined && said(smart) !== said(before.smart))
        tell(
          'disk.tested',
          d,
          last.result === 'failed' ? 'warning' : 'info',
          `${last.kind} self-test of ${diskLabel(d.path)}: ${last.result}${last.result === 'passed' ? '' : ` (${last.text})`}`,
        );
    });
  };
  const taken = (d: Disk, answer: ExecAnswer): Result<null> => {
    if (stopped) return refuse('unavailable', diskLabel(d.path), 'the control plane is stopping', 'ask again when it runs');
    if (!answer.ok) {
      put(d, { askedAt: clock(), state: answer.refusal.code === 'timeout' ? 'silent' : 'unknown', why: answer.refusal.why });
      return answer;
    }
    take(d, Smart.parse(answer.result.smart));
    return ok(null);
  };
  const ask = async (d: Disk): Promise<Result<null>> => {
    const device = smartDeviceOf(d);
    if (device === null) {
      put(d, { askedAt: clock(), state: 'unknown', why: 'a disk of this kind has no SMART' });
      return ok(null);
    }
    const id = identityOf(d);
    if (asking.has(id)) return refuse('busy', diskLabel(d.path), 'it is being asked', 'wait for its answer');
    asking.add(id);
    try {
      return taken(d, await deps.ask({ kind: 'disk.smart', path: d.path, device }));
    } finally {
      asking.delete(id);
    }
  };

  const careNow = (): DiskCare => {
    const text = store.settings.get(CARE);
    return text === null ? USUAL_DISK_CARE : DiskCare.parse(JSON.parse(text)); // written by setCare alone
  };
  const isDue = (d: Disk, care: DiskCare, now: number): boolean => {
    const r = recordOf(d);
    if (r.askedAt === null) return true;
    // how far a self-test is
    const every = r.state === 'read' && r.smart?.tests?.running != null ? DISKS_EVERY : care.everyMinutes * 60_000;
    return now - r.askedAt >= every;
  };

  /** Those that sleep, or have one of their pool at it, stay due. */
  const selfTests = async (o: Observed, care: DiskCare): Promise<void> => {
    for (const kind of ['long', 'short'] as const)
      for (const d of o.disks) {
        const device = smartDeviceOf(d);
        const r = recordOf(d);
        if (device === null || r.state !== 'read' || r.smart?.tests?.can !== true || !testDue(care, kind, r.tested[kind], clock()))
          continue;
        const busy = o.disks.some((x) => (x === d || (x.pool !== null && x.pool === d.pool)) && recordOf(x).smart?.tests?.running != null);
        if (busy) continue;
        const answer = await deps.execute({ kind: 'disk.test', path: d.path, device, test: kind, wake: false });
        if (stopped) return;
        if (!answer.ok && (answer.refusal.code === 'busy' || answer.refusal.code === 'unavailable')) continue;
        // a long one is a short one as well
        put(d, { tested: kind === 'long' ? { short: clock(), long: clock() } : { ...recordOf(d).tested, short: clock() } });
        if (answer.ok) take(d, Smart.parse(answer.result.smart));
        else tell('disk.tested', d, 'warning', `the ${kind} self-test of ${diskLabel(d.path)} did not begin: ${answer.refusal.why}`);
      }
  };

  const notes = async (o: Observed): Promise<void> => {
    const errors = o.pools
      .flatMap((p) => p.vdevs.flatMap((v) => v.disks.map((d) => [d.guid, d.readErrors, d.writeErrors, d.checksumErrors])))
      .join();
    if (o.pools.length === 0 || (errors === errorsThen && clock() - notedAt < NOTES_EVERY)) return;
    const answer = await deps.ask({ kind: 'pool.events', errors: true });
    if (!answer.ok || stopped) return;
    [errorsThen, notedAt] = [errors, clock()];
    const text = store.settings.get(NOTED);
    const mark = text === null ? null : (JSON.parse(text) as Mark); // written below alone
    const all = (answer.result.events ?? []) as Noted[]; // the executor's own typed answer
    const fresh = all.filter((e) => isNewer(e, mark));
    const last = fresh.at(-1);
    if (last === undefined) return;
    const byGuid = new Map([...membersOf(o.pools)].map(([path, m]) => [m.guid, path]));
    const paths = new Set(o.disks.map((d) => d.path));
    const counts = countNoted(
      fresh,
      (guid, path) => (guid === null ? null : byGuid.get(guid)) ?? (path !== null && paths.has(path) ? path : null),
    );
    store.transact(() => {
      store.settings.set(NOTED, JSON.stringify({ at: last.at, id: last.id } satisfies Mark));
      for (const d of o.disks) {
        const more = counts.get(d.path);
        if (more === undefined) continue;
        // where growth is told from: nothing was noted before
        keep(d);
        const { zfs } = recordOf(d);
        put(d, {
          zfs: { zfsIo: zfs.zfsIo + more.zfsIo, zfsChecksum: zfs.zfsChecksum + more.zfsChecksum, zfsSlow: zfs.zfsSlow + more.zfsSlow },
        });
        keep(d);
      }
    });
  };

  const judge = (o: Observed): void => {
    // without a list of disks nothing is known, and nothing is over
    if (o.disks.length === 0) return;
    const risk = riskIn(o);
    const holding: Pick<Alert, 'kind' | 'subject' | 'severity' | 'message'>[] = [];
    store.transact(() => {
      for (const d of o.disks.filter((x) => !x.system || recordOf(x).smart !== null)) {
        const r = recordOf(d);
        const alarm = alarmOf(risk(d), countsOf(r), weekOf(d), r.told, clock());
        if (JSON.stringify(alarm.told) !== JSON.stringify(r.told)) put(d, { told: alarm.told });
        if (alarm.event) tell('disk.worsened', d, alarm.event.severity, alarm.event.message);
        if (alarm.alert) holding.push({ kind: 'disk.risk', subject: `disk:${d.path}`, ...alarm.alert });
      }
      settleAlerts(store, holding, KINDS, clock());
    });
  };

  const healthIn = (o: Observed) => {
    const risk = riskIn(o);
    return (d: Disk): DiskHealth => {
      const r = recordOf(d);
      const { score, reasons } = risk(d);
      return {
        path: d.path,
        pool: d.pool,
        state: r.askedAt === null ? 'never' : r.state,
        why: r.why,
        askedAt: r.askedAt,
        score,
        word: wordOfRisk(score),
        reasons,
        smart: r.smart,
        week: weekOf(d),
      };
    };
  };
  const find = (o: Observed, name: string): Result<Disk> => {
    const d = o.disks.find((x) => x.path === name || diskLabel(x.path) === name);
    return d ? ok(d) : refuse('not-found', `disk ${name}`, 'there is none of this name', '`dplane disk list` shows what there is');
  };
  const careStatus = (): CareOfDisks => {
    const care = careNow();
    return { care, next: { short: testNext(care, 'short', clock()), long: testNext(care, 'long', clock()) } };
  };

  return {
    stop: () => {
      stopped = true;
    },
    look: async (o) => {
      const care = careNow();
      const due = o.disks.filter((d) => isDue(d, care, clock()));
      const worker = async (): Promise<void> => {
        for (let d = due.shift(); d !== undefined; d = due.shift()) await ask(d);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      if (!stopped) await notes(o);
      if (!stopped) await selfTests(o, care);
      if (!stopped) judge(o);
    },
    judge,
    mark: (o) => {
      const risk = riskIn(o);
      for (const d of o.disks) {
        const { score, reasons } = risk(d);
        // without a word about it its health is not known, which is not the same as good
        if (score > 0 || recordOf(d).smart !== null) d.risk = { score, reasons };
      }
    },
    list: (o) => o.disks.map(healthIn(o)),
    get: (o, name, days) => {
      const d = find(o, name);
      if (!d.ok) return d;
      const now = clock();
      const since = now - days * DAY;
      const id = identityOf(d.value);
      const history = Object.fromEntries(
        FIELDS.flatMap((f) => {
          const rows = store.diskHealth.since(id, f, since);
          return rows.length === 0 ? [] : [[f, rows] as const];
        }),
      );
      return ok({ health: healthIn(o)(d.value), now, since, history });
    },
    read: async (o, name) => {
      const d = find(o, name);
      if (!d.ok) return d;
      const asked = await ask(d.value);
      if (!asked.ok && asked.refusal.code === 'busy') return asked;
      judge(o);
      return ok(healthIn(o)(d.value));
    },
    test: async (o, name, test, actor) => {
      const d = find(o, name);
      if (!d.ok) return d;
      const device = smartDeviceOf(d.value);
      if (device === null)
        return refuse('blocked', `testing ${name}`, 'a disk of this kind has no self-tests', 'a scrub of its pool reads all that it holds');
      const answer = await deps.execute({ kind: 'disk.test', path: d.value.path, device, test, wake: true }, actor);
      if (!answer.ok) return answer;
      take(d.value, Smart.parse(answer.result.smart));
      return ok(healthIn(o)(d.value));
    },
    care: careStatus,
    setCare: (care, actor) => {
      store.transact(() => {
        store.settings.set(CARE, JSON.stringify(care));
        store.events.append({
          kind: 'disk.tested',
          severity: 'info',
          subject: 'disks',
          message: `disks are asked every ${care.everyMinutes} minutes, and test themselves: short ${care.short ?? 'never'}, long ${care.long ?? 'never'} (${care.timezone})`,
          actor: actor.name,
          data: { care },
        });
        // from now on: what another schedule would have asked for is not made up
        for (const [id, r] of known) {
          const next = { ...r, tested: { short: clock(), long: clock() } };
          known.set(id, next);
          store.diskHealth.put(id, next);
        }
      });
      return careStatus();
    },
  };
};
