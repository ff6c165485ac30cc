/** For the tests of this room: the API with a real store in a temporary folder, a small engine that plays its part, and clients over real sockets. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientRequest, type IncomingHttpHeaders, type RequestOptions, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObservedDataset } from '../../domain/dataset/dataset.ts';
import type { Plan } from '../../domain/plan/types.ts';
import type { ObservedPool } from '../../domain/pool/pool.ts';
import { type PoolCapacity, type Thresholds, USUAL_THRESHOLDS } from '../../domain/pool/capacity.ts';
import { type PoolCare, USUAL_CARE } from '../../domain/pool/settings.ts';
import { type DiskCare, USUAL_DISK_CARE } from '../../domain/disk/health.ts';
import { type HeartbeatSettings, USUAL_HEARTBEAT } from '../../domain/pool/heartbeat.ts';
import type { PoolHeartbeat } from '../../engine/heartbeat.ts';
import { ok, refuse } from '../../domain/refusal.ts';
import type { Role } from '../../domain/user/role.ts';
import type { Engine } from '../../engine/engine.ts';
import type { GenerationsEngine } from '../../engine/generations.ts';
import type { Updates } from '../../engine/updates.ts';
import { openStore } from '../../store/store.ts';
import { preview } from '../../domain/schedule/preview.ts';
import type { SnapshotSchedule } from '../../domain/schedule/schedule.ts';
import type { Store } from '../../store/types.ts';
import type { ApiConfig } from '../context.ts';
import { type Api, createApi } from '../server.ts';

export const PASSWORD = 'lantern orchard basalt';

export const dataset = (name: string, i = 0): ObservedDataset => ({
  name,
  guid: String(1_000_000 + i),
  kind: 'filesystem',
  createdAt: 1_700_000_000_000 + i,
  used: 4096 * (i + 1),
  available: 1e12,
  referenced: 4096 * (i + 1),
  usedBySnapshots: 0,
  compressRatio: 1.5,
  mounted: true,
  mountpoint: `/mnt/${name}`,
  origin: null,
  encryption: 'off',
  keyStatus: 'none',
  snapshots: 0,
  properties: { compression: { value: 'lz4', source: 'inherited', from: 'tank' }, quota: { value: 'none', source: 'default' } },
});

const disk = (n: number, state: 'ONLINE' | 'FAULTED') => ({
  path: `/dev/disk/by-id/ata-DISK_${n}`,
  guid: String(n),
  state,
  readErrors: 0,
  writeErrors: 0,
  checksumErrors: 0,
});
const tank: ObservedPool = {
  name: 'tank',
  guid: '77',
  health: 'DEGRADED',
  size: 1e12,
  allocated: 1e11,
  free: 9e11,
  fragmentation: 3,
  dataErrors: 0,
  status: null,
  vdevs: [
    { name: 'mirror-0', kind: 'mirror', role: 'data', guid: '78', state: 'DEGRADED', disks: [disk(1, 'ONLINE'), disk(2, 'FAULTED')] },
  ],
  scan: { kind: 'none', state: 'none', startedAt: null, endedAt: null, progress: 0, errors: 0 },
  options: {},
};
export const PLAN: Plan = {
  digest: 'a'.repeat(64),
  desiredDigest: 'b'.repeat(64),
  observedDigest: 'c'.repeat(64),
  createdAt: 1_700_000_000_000,
  actions: [
    {
      id: 'dataset.destroy tank/old',
      verb: 'DELETE',
      noun: 'dataset',
      name: 'tank/old',
      risk: 'destructive',
      reason: 'it is not declared',
      blocked: null,
      approval: 'required',
      target: { kind: 'dataset', name: 'tank/old', guid: '5' },
      changes: [],
      operation: { kind: 'dataset.destroy', name: 'tank/old', guid: '5', withSnapshots: true },
      after: [],
    },
  ],
  summary: { create: 0, modify: 0, delete: 1, blocked: 0, nop: 3 },
};

/** A machine that is no NixOS. */
const playGenerations = (): GenerationsEngine => {
  const none = async () => refuse('blocked', 'generations', 'this machine has no generations', 'it is not NixOS');
  return {
    list: async () => ok({ available: false, at: 1_700_000_000_000, why: 'this machine has no generations', todo: 'it is not NixOS' }),
    compare: none,
    activate: none,
    rollback: none,
    remove: none,
    recover: () => Promise.resolve(),
  };
};

/** A machine without slots: everything about updates is refused, or says so. */
const playUpdates = (): Updates => {
  const none = async () => refuse('blocked', 'Updates', 'this machine has no system slots', 'use the appliance image');
  const at = 1_700_000_000_000;
  const no = 'this machine has no system slots';
  return {
    view: async () => ({
      at,
      slots: { available: false, at, why: no, todo: '' },
      progress: null,
      running: false,
      recent: [],
      whyNo: { install: no, cancel: no, rollback: no, confirm: no, restart: null },
      problems: [],
    }),
    history: async () => ({ total: 0, events: [], problems: [] }),
    inspect: none,
    install: none,
    stream: none,
    whyEnded: async () => null,
    cancel: none,
    rollback: none,
    confirm: none,
    restartPreview: async (host) => ({ at, host, clients: [], jobs: [], next: 'the same system starts again', whyNot: null }),
    restart: none,
    onChange: () => () => {},
    look: async () => {},
    recover: async () => {},
    stop: async () => {},
  };
};

/** Plays the engine: answers of the right shapes, refusals where the real one refuses; `datasets` and `fail` are for the test to set. */
export const playEngine = (store: Store, simulated: boolean): Engine & { all: ObservedDataset[]; version: number; fail: Error | null } => {
  const at = 1_700_000_000_000;
  const heartbeat: PoolHeartbeat = {
    ...{ pool: tank.name, guid: tank.guid, since: at, settings: USUAL_HEARTBEAT },
    ...{ state: 'beating', why: 'well', latency: null, lastGood: 1, underWay: null },
  };
  const capacity: PoolCapacity = {
    ...{ pool: tank.name, guid: tank.guid, total: 100, used: 10, free: 90, share: 0.1, level: 'fine', thresholds: USUAL_THRESHOLDS },
    ...{ reserve: { bytes: 0, suggested: 0, released: null, offered: false }, message: null },
  };
  const self = {
    all: ['tank', 'tank/media', 'tank/media/films', 'tank/old'].map(dataset),
    version: 1,
    fail: null as Error | null,
    simulated,
    startedAt: at,
    observe: async () => ({
      observed: { at, pools: [tank], datasets: self.all, shares: [], disks: [], stuck: [], problems: [] },
      digest: 'd'.repeat(64),
      version: self.version,
    }),
    pools: async () => {
      if (self.fail) throw self.fail;
      return {
        at,
        pools: [tank],
        stuck: [
          {
            pool: 'slow',
            since: at,
            problem: { code: 'timeout' as const, what: 'zpool status slow', why: 'no answer in 10 s', todo: 'look at its disks' },
          },
        ],
      };
    },
    datasets: async () => ({ at, version: self.version, datasets: self.all }),
    disks: async () => ({ at, disks: [] }),
    shares: async () => ({ at, shares: [] }),
    diskHealth: async () => ({ at, disks: [] }),
    diskPast: async () => refuse('not-found', 'disk', 'there is none of this name', 'look at the list'),
    readDisk: async () => refuse('not-found', 'disk', 'there is none of this name', 'look at the list'),
    testDisk: async () => refuse('not-found', 'disk', 'there is none of this name', 'look at the list'),
    arc: async () => ({
      at,
      whyNot: null,
      memory: 8e9,
      ecc: null,
      chosen: null,
      advised: 4e9,
      kept: [],
      words: '',
      bounds: { least: 1e8, most: 7e9 },
      limit: 4e9,
      size: 1e9,
      hits: 1,
      misses: 1,
      ratio: 0.5,
      ratioNow: null,
    }),
    diskCare: () => ({ care: USUAL_DISK_CARE, next: { short: null, long: null } }),
    setDiskCare: (care: DiskCare) => ({ care, next: { short: null, long: null } }),
    snapshotsAt: () => ({ tank: at }),
    refreshSnapshots: async () => {},
    checkState: async (yaml: string) =>
      yaml.includes('bad')
        ? { ok: false as const, problems: [{ line: 1, column: 1, path: 'pools', message: 'bad' }] }
        : {
            ok: true as const,
            state: { version: 1 as const, ignore_extraneous: false, pools: [], datasets: [], shares: [], schedules: [], replication: [] },
          },
    savedState: () => store.states.latest(),
    saveState: async (yaml: string, actor: { name: string }) =>
      ok(store.states.put({ yaml, digest: 'e'.repeat(64), at, actor: actor.name, kind: 'saved' })),
    captureState: async (actor: { name: string }) =>
      ok({
        yaml: 'version: 1\n',
        record: store.states.put({ yaml: 'version: 1\n', digest: 'f'.repeat(64), at, actor: actor.name, kind: 'captured' }),
      }),
    stateHistory: (limit: number) => store.states.list(limit),
    planState: async () => ok(PLAN),
    planChange: async () => ok(PLAN),
    plan: (digest: string) => (digest === PLAN.digest ? PLAN : null),
    plans: () => [{ digest: PLAN.digest, source: 'state', actor: 'ada', createdAt: at, expiresAt: 9e15, summary: PLAN.summary }],
    approve: async (
      actor: { kind: 'user' | 'token' | 'local-root' | 'system'; name: string; via: string },
      digest: string,
      actionId: string,
      typed: string,
    ) => {
      if (digest !== PLAN.digest) return refuse('stale', 'Approve', 'the plan is not the current one', 'plan again');
      if (typed !== 'tank/old') return refuse('invalid', 'Approve', 'the typed name is not that of the target', 'type it exactly');
      return ok({
        id: 'x'.repeat(24),
        actor,
        planDigest: digest,
        actionId,
        operation: 'dataset.destroy',
        target: { kind: 'dataset' as const, name: 'tank/old', guid: '5' },
        issuedAt: at,
        expiresAt: at + 900_000,
      });
    },
    approvals: () => [],
    apply: async () => refuse('needs-approval', 'Apply the plan', '1 action waits for an approval', 'approve it'),
    run: () => null,
    runs: () => [],
    drift: () => ({ state: 'in-sync' as const, checkedAt: at, since: null, against: null, items: [] }),
    checkDrift: async () => ({ state: 'in-sync' as const, checkedAt: at, since: null, against: null, items: [] }),
    alerts: () => [],
    alertHistory: () => [],
    problems: () => [],
    schedules: {
      look: async () => {},
      recover: async () => {},
      idle: async () => {},
      stop: async () => {},
      list: async () => [],
      preview: async (schedule: SnapshotSchedule) => preview(schedule, [], at),
    },
    views: {
      browse: async () => refuse('not-found', 'tank@x', 'there is no such snapshot', 'look at the list'),
      search: async () => refuse('not-found', 'tank@x', 'there is no such snapshot', 'look at the list'),
      versions: async () => refuse('not-found', 'tank@x', 'there is no such snapshot', 'look at the list'),
      read: async () => refuse('not-found', 'tank@x', 'there is no such snapshot', 'look at the list'),
      rollback: async () => refuse('not-found', 'tank@x', 'there is no such snapshot', 'look at the list'),
      range: async () => refuse('not-found', 'tank@x', 'there is no such snapshot', 'look at the list'),
      diff: async () => refuse('not-found', 'tank@x', 'there is no such snapshot', 'look at the list'),
    },
    poolCare: (pool: string) => Promise.resolve(ok({ pool, care: USUAL_CARE, next: { scrub: null, trim: null } })),
    setPoolCare: (pool: string, care: PoolCare) => Promise.resolve(ok({ pool, care, next: { scrub: null, trim: null } })),
    zfsEvents: () => Promise.resolve(ok([])),
    importable: () => Promise.resolve(ok([])),
    poolProgress: () => Promise.resolve(ok({ ...tank, at })),
    heartbeats: { list: () => [heartbeat], set: (_pool: string, settings: HeartbeatSettings) => ok({ ...heartbeat, settings }) },
    guardian: {
      list: () => [capacity],
      reserve: async () => ok(capacity),
      release: async () => ok(capacity),
      setThresholds: (_pool: string, thresholds: Thresholds) => ok({ ...capacity, thresholds }),
    },
    io: { watch: () => () => undefined, history: () => [], now: async () => ({ at, pools: [] }) },
    permissions: { of: async () => ok({ owner: 0, group: 0, mode: '755', progress: null }) },
    accounts: {
      list: async () => ({ at, known: true, key: null, users: [], groups: [] }),
      seal: async () => ok(`sealed1.00000000.${'A'.repeat(59)}`),
      owned: async () => ok({ id: 20_001, owned: [], lookedAt: 0, complete: true }),
    },
    clones: { list: async () => [], look: async () => {} },
    previews: {
      destroy: async () => refuse('not-found', 'preview', 'there is nothing of this name', ''),
      rename: async () => refuse('not-found', 'preview', 'there is nothing of this name', ''),
    },
    keys: {
      list: async () => ok([]),
      seal: async () => ok(`sealed-key1.00000000.t3st00.${'A'.repeat(60)}`),
      copy: async () => ok({ hex: '0'.repeat(64), keyFile: 'op-00000000' }),
      backedUp: async (_actor: unknown, dataset: string) => ok({ id: 'op-00000000', dataset, backup: { by: 'ada', at } }),
    },
    sessions: { list: async () => ok({ at, sessions: [] }), end: async () => ok({}) },
    updates: playUpdates(),
    generations: playGenerations(),
    start: async () => {},
    stop: async () => {},
  };
  return self;
};

export type Reply = { status: number; headers: IncomingHttpHeaders; text: string; json: () => Record<string, unknown> };
export type Ask = {
  method?: string;
  path: string;
  body?: string | Buffer | object;
  headers?: Record<string, string>;
  cookie?: string;
  token?: string;
  socketPath?: string;
  port?: number;
  /** Address of loopback it comes from. */
  from?: string;
};

/** One request over a connection of its own, without anything a browser would add. */
export const ask = (port: number, a: Ask): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const isObject = a.body !== undefined && typeof a.body !== 'string' && !Buffer.isBuffer(a.body);
    const body = isObject ? JSON.stringify(a.body) : (a.body as string | Buffer | undefined); // an object was just ruled out
    const options: RequestOptions = {
      method: a.method ?? 'GET',
      path: a.path,
      agent: false,
      ...(a.from && { localAddress: a.from }),
      ...(a.socketPath ? { socketPath: a.socketPath } : { host: '127.0.0.1', port: a.port ?? port }),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
        ...(a.cookie && { cookie: a.cookie, 'x-dplane': '1' }),
        ...(a.token && { authorization: `Bearer ${a.token}` }),
        ...a.headers,
      },
    };
    const req: ClientRequest = httpRequest(options, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (c: Buffer) => chunks.push(c));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        // A JSON object is what every answer here is; a test that meets something else fails on its fields
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: () => JSON.parse(text) as Record<string, unknown> });
      });
    });
    req.on('error', reject);
    req.end(body);
  });

export const cookieOf = (reply: Reply): string => (reply.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';

export type World = {
  api: Api;
  store: Store;
  engine: ReturnType<typeof playEngine>;
  folder: string;
  port: number;
  tlsPort: number;
  logs: string[];
  time: { now: number };
  ask(a: Ask): Promise<Reply>;
  /** Claims the box (once) and returns the admin's cookie. */
  claim(user?: string): Promise<string>;
  /** Makes a user of a role, straight in the store, with a session. */
  person(role: Role, name?: string): Promise<string>;
  end(): Promise<void>;
};

export const world = async (more: Partial<ApiConfig> = {}, adjust: (store: Store) => Store = (s) => s): Promise<World> => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-api-'));
  const time = { now: 1_760_000_000_000 };
  const clock = () => time.now;
  const store = openStore({ path: join(folder, 'dplane.db'), auditKey: Buffer.alloc(32, 7), sealPath: null, clock });
  const engine = playEngine(store, true);
  const logs: string[] = [];
  const api = await createApi({
    engine,
    store: adjust(store),
    clock,
    random: randomBytes,
    log: (line) => logs.push(line),
    config: {
      stateFolder: folder,
      port: 0,
      host: '127.0.0.1',
      httpPort: 0,
      localSocket: null,
      simulated: true,
      uiFolder: null,
      version: '0.1.0',
      ...more,
    },
  });
  const { port: tlsPort, httpPort } = await api.listen();
  const port = httpPort ?? 0;
  const self: World = {
    api,
    store,
    engine,
    folder,
    port,
    tlsPort,
    logs,
    time,
    ask: (a) => ask(port, a),
    async claim(user = 'ada') {
      const reply = await self.ask({ method: 'POST', path: '/api/claim', body: { code: api.claimCode ?? '', user, password: PASSWORD } });
      return cookieOf(reply);
    },
    async person(role, name = `${role}-person`) {
      if (!hashed) {
        if (store.access.users().length === 0) await self.claim('first-admin');
        hashed = store.access.users()[0]?.password ?? '';
      }
      store.access.addUser({
        name,
        role,
        password: hashed,
        totpSecret: null,
        totpLastStep: 0,
        recoveryCodes: [],
        disabled: false,
        createdAt: time.now,
        lastLoginAt: null,
      });
      return cookieOf(await self.ask({ method: 'POST', path: '/api/session', body: { user: name, password: PASSWORD } }));
    },
    async end() {
      await api.close();
      store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  let hashed = '';
  return self;
};
