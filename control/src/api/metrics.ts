/** Numbers for Prometheus: text format 0.0.4, made when asked. */
import type { Services } from './context.ts';

export type Counters = {
  answered: Record<'2xx' | '3xx' | '4xx' | '5xx', number>;
  failedLogins: number;
  slowedLogins: number;
  followers: number;
  droppedFollowers: number;
};
export const createCounters = (): Counters => ({
  answered: { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 },
  failedLogins: 0,
  slowedLogins: 0,
  followers: 0,
  droppedFollowers: 0,
});
export const countAnswer = (counters: Counters, status: number): void => {
  if (status < 300) counters.answered['2xx'] += 1;
  else if (status < 400) counters.answered['3xx'] += 1;
  else if (status < 500) counters.answered['4xx'] += 1;
  else counters.answered['5xx'] += 1;
};

type Sample = [labels: Record<string, string>, value: number];
const label = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
const line = (name: string, [labels, value]: Sample): string => {
  const inner = Object.entries(labels).map(([k, v]) => `${k}="${label(v)}"`);
  return `${name}${inner.length > 0 ? `{${inner.join(',')}}` : ''} ${value}\n`;
};

export const metricsText = async (s: Services): Promise<string> => {
  const out: string[] = [];
  const put = (name: string, type: 'gauge' | 'counter', help: string, samples: Sample[]): void => {
    out.push(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`, ...samples.map((x) => line(name, x)));
  };
  const one = (value: number): Sample[] => [[{}, value]];
  const [{ pools, stuck }, { datasets, at }] = await Promise.all([s.engine.pools(), s.engine.datasets()]);
  const memory = process.memoryUsage();
  const alerts = s.engine.alerts();
  put('dplane_info', 'gauge', 'Version of the control plane.', [[{ version: s.config.version, simulated: String(s.config.simulated) }, 1]]);
  put('dplane_uptime_seconds', 'gauge', 'Since the control plane started.', one((s.clock() - s.engine.startedAt) / 1000));
  put('dplane_memory_bytes', 'gauge', 'Memory of the control plane.', [
    [{ kind: 'resident' }, memory.rss],
    [{ kind: 'heap' }, memory.heapUsed],
    [{ kind: 'external' }, memory.external],
  ]);
  put('dplane_observation_age_seconds', 'gauge', 'Age of the last observation of the host.', one((s.clock() - at) / 1000));
  put(
    'dplane_pool_online',
    'gauge',
    '1 when the pool is ONLINE.',
    pools.map((p) => [{ pool: p.name, health: p.health }, p.health === 'ONLINE' ? 1 : 0]),
  );
  put(
    'dplane_pool_size_bytes',
    'gauge',
    'Size of the pool.',
    pools.map((p) => [{ pool: p.name }, p.size]),
  );
  put(
    'dplane_pool_allocated_bytes',
    'gauge',
    'Space in use.',
    pools.map((p) => [{ pool: p.name }, p.allocated]),
  );
  put(
    'dplane_pool_data_errors',
    'gauge',
    'Damaged files.',
    pools.map((p) => [{ pool: p.name }, p.dataErrors]),
  );
  put(
    'dplane_pool_heartbeat',
    'gauge',
    '1 when the heartbeat of the pool beats.',
    s.engine.heartbeats.list().map((h) => [{ pool: h.pool, state: h.state }, h.state === 'beating' ? 1 : 0]),
  );
  put(
    'dplane_pool_used_share',
    'gauge',
    'How much of what can be used is used, without the reserve: 0 to 1.',
    s.engine.guardian.list().map((c) => [{ pool: c.pool }, c.share]),
  );
  put('dplane_pools_stuck', 'gauge', 'Pools that do not answer.', one(stuck.length));
  put('dplane_datasets', 'gauge', 'Datasets.', one(datasets.length));
  put('dplane_snapshots', 'gauge', 'Snapshots in the index.', one(s.store.snapshots.page({ offset: 0, limit: 1 }).total));
  put('dplane_drifted', 'gauge', '1 when the host differs from what was last applied.', one(s.engine.drift().state === 'drifted' ? 1 : 0));
  put(
    'dplane_alerts_open',
    'gauge',
    'Open alerts.',
    (['info', 'warning', 'critical'] as const).map((v) => [{ severity: v }, alerts.filter((a) => a.severity === v).length]),
  );
  put('dplane_events_total', 'counter', 'Events so far (the last seq).', one(s.store.events.lastSeq()));
  put('dplane_audit_entries', 'gauge', 'Audit entries.', one(s.store.audit.count()));
  put(
    'dplane_http_answers_total',
    'counter',
    'Answers by class of status.',
    Object.entries(s.counters.answered).map(([k, v]) => [{ class: k }, v]),
  );
  put('dplane_logins_failed_total', 'counter', 'Logins with a wrong name, password or code.', one(s.counters.failedLogins));
  put('dplane_logins_slowed_total', 'counter', 'Logins refused because of too many attempts.', one(s.counters.slowedLogins));
  put('dplane_followers', 'gauge', 'Clients that follow events.', one(s.counters.followers));
  put('dplane_followers_dropped_total', 'counter', 'Followers dropped because they read too slowly.', one(s.counters.droppedFollowers));
  return out.join('');
};
