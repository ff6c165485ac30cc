/** What every procedure is given: who calls, through what, and the rooms below. */
import type { Engine } from '../engine/engine.ts';
import type { Clock, Store } from '../store/types.ts';
import type { Permission } from '../domain/user/role.ts';
import type { Actor, User } from '../domain/user/user.ts';
import type { AccessControl } from './access/access.ts';
import type { Claim } from './access/claim.ts';
import type { Answers } from './answers.ts';
import type { Counters } from './metrics.ts';

export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;
export type Random = (bytes: number) => Buffer;

export type ApiConfig = {
  stateFolder: string;
  /** Address and port of HTTPS; port 0 takes a free one. */
  host: string;
  port: number;
  /** Plain HTTP, on loopback only; null is off, 0 takes a free one. */
  httpPort: number | null;
  /** Path of the unix socket for local root; its folder is made 0700, or has to be. */
  localSocket: string | null;
  simulated: boolean;
  uiFolder: string | null;
  version: string;
  /** For tests: the limits that guard against slow and many connections. */
  limits?: Partial<Limits>;
};
export type Limits = {
  headersMs: number;
  requestMs: number;
  idleMs: number;
  connections: number;
  connectionsPerAddress: number;
  heartbeatMs: number;
  /** Bytes that may wait for one WebSocket client. */
  backlog: number;
  /** How long they may wait before the client is let go. */
  slowMs: number;
};

export type Services = {
  engine: Engine;
  store: Store;
  clock: Clock;
  random: Random;
  log: Log;
  config: ApiConfig;
  limits: Limits;
  access: AccessControl;
  claim: Claim;
  /** Second factors that are being set up, by user: kept only here until the first code confirms them. */
  pendingTotp: Map<number, { secret: string; until: number }>;
  answers: Answers;
  counters: Counters;
};

/** Who is asking, as far as it is proven. */
export type Caller = {
  actor: Actor;
  /** Null for local root and before a login. */
  user: User | null;
  permissions: ReadonlySet<Permission>;
  /** SHA-256 of the session id, when it is a session. */
  session: string | null;
  kind: 'nobody' | 'session' | 'token' | 'local-root';
};

export type Context = {
  services: Services;
  /** Looked up at each use, so that a connection that stays open does not outlive its session. */
  who: () => Caller;
  /** The address the request comes from (`local` on the socket). */
  address: string;
  agent: string;
  requestId: string;
  /** Sets or drops the session cookie; null where no cookie can be set (an open WebSocket). */
  cookie: ((session: string | null) => void) | null;
  /** Bytes that wait for this client; 0 where the transport waits by itself. */
  backlog: () => number;
};
