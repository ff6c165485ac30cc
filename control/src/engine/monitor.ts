/** What an observation means for a person: alerts open and resolve, and changes made behind our back become events. */
import type { Alert } from '../domain/alert/alert.ts';
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import { diskLabel } from '../domain/disk/disk.ts';
import { findDisk, isVital, mayStillLose } from '../domain/pool/redundancy.ts';
import { meaningOfHealth, type ObservedPool } from '../domain/pool/pool.ts';

type Condition = Pick<Alert, 'kind' | 'subject' | 'severity' | 'message'>;

/** A disk of a pool that is not there: said in the same words, whoever finds it. */
export const missingDisk = (p: ObservedPool, path: string): Condition => {
  const place = findDisk(p, path);
  const replaced = (place?.disk.standIns ?? []).length > 0;
  return {
    kind: 'disk.missing',
    subject: `disk:${path}`,
    severity: place && isVital(place.vdev) && mayStillLose(place.vdev) < 0 ? 'critical' : 'warning',
    message: `${diskLabel(path)} of pool ${p.name} is missing: ${replaced ? 'it is being replaced' : 'connect it again, or replace it'}`,
  };
};

/** Every condition that holds now. What was open and isn't here has resolved itself. */
export const conditionsOf = (o: Observed): Condition[] => {
  const found: Condition[] = [];
  for (const p of o.pools) {
    const subject = `pool:${p.name}`;
    if (p.health !== 'ONLINE')
      found.push({
        kind: 'pool.health',
        subject,
        severity: p.health === 'DEGRADED' ? 'warning' : 'critical',
        message: `${p.name} is ${p.health}: ${meaningOfHealth(p)}`,
      });
    for (const v of p.vdevs)
      for (const d of v.disks) {
        if (d.state === 'REMOVED' || d.state === 'UNAVAIL') found.push(missingDisk(p, d.path));
        if (d.readErrors + d.writeErrors + d.checksumErrors > 0)
          found.push({
            kind: 'disk.errors',
            subject: `disk:${d.path}`,
            severity: 'warning',
            message: `${d.path} in ${p.name}: ${d.readErrors} read, ${d.writeErrors} write, ${d.checksumErrors} checksum errors`,
          });
      }
  }
  for (const d of o.datasets)
    if (d.keyFile && d.keyBackedUp === false)
      found.push({
        kind: 'key.not-copied',
        subject: `dataset:${d.name}`,
        severity: 'warning',
        message: `nobody keeps a copy of the key file of ${d.name}: if this machine's system disk is lost, its data is lost. Copy it (dplane key copy)`,
      });
  // one that is being imported after the start needs nobody
  for (const s of o.stuck.filter((x) => x.problem.code !== 'busy'))
    found.push({
      kind: 'pool.stuck',
      subject: `pool:${s.pool}`,
      severity: 'critical',
      message: `${s.pool} does not answer: ${s.problem.why}`,
    });
  for (const s of o.shares)
    if (!s.serving)
      found.push({
        kind: 'share.down',
        subject: `share:${s.spec.kind}:${s.spec.name}`,
        severity: 'warning',
        message: `share ${s.spec.name} is not served: ${s.note ?? 'no reason known'}`,
      });
  for (const p of o.problems)
    found.push({ kind: 'host.tool-missing', subject: `host:${p.what}`, severity: 'warning', message: `${p.what}: ${p.why}` });
  return found;
};

/** Kinds that come and go with observations; others (drift, interrupted runs, capacity, heartbeats) have owners of their own. */
export const OBSERVED_KINDS: ReadonlySet<string> = new Set([
  'pool.health',
  'disk.errors',
  'disk.missing',
  'pool.stuck',
  'share.down',
  'key.not-copied',
  'host.tool-missing',
]);

const OUTSIDE = 'outside D-PlaneOS';

/** What changed between two observations without us: by guid, so a rename is told as one. */
export const changesBehindOurBack = (before: Observed, now: Observed): NewEvent[] => {
  const events: NewEvent[] = [];
  const say = (
    kind: NewEvent['kind'],
    severity: NewEvent['severity'],
    subject: string,
    message: string,
    data: Record<string, unknown> = {},
  ): void => void events.push({ kind, severity, subject, message, actor: OUTSIDE, data });
  const stuck = new Set([...before.stuck, ...now.stuck].map((s) => s.pool));
  const told = (name: string): boolean => !stuck.has(name.split('/')[0] ?? name);

  const pools = new Map(before.pools.map((p) => [p.guid, p]));
  for (const p of now.pools) {
    const was = pools.get(p.guid);
    if (was !== undefined && was.health !== p.health)
      say(
        'pool.health-changed',
        p.health === 'ONLINE' ? 'info' : 'critical',
        `pool:${p.name}`,
        `pool ${p.name} went from ${was.health} to ${p.health}: ${meaningOfHealth(p)}`,
        {
          from: was.health,
          to: p.health,
        },
      );
  }
  // one that is imported, or takes its time, has not stopped
  const silent = (o: Observed): Observed['stuck'] => o.stuck.filter((x) => x.problem.code !== 'busy');
  for (const s of silent(now))
    if (!silent(before).some((b) => b.pool === s.pool)) say('pool.stuck', 'critical', `pool:${s.pool}`, `pool ${s.pool} stopped answering`);
  for (const s of silent(before))
    if (!now.stuck.some((b) => b.pool === s.pool)) say('pool.answered', 'info', `pool:${s.pool}`, `pool ${s.pool} answers again`);

  const old = new Map(before.datasets.filter((d) => told(d.name)).map((d) => [d.guid, d]));
  for (const d of now.datasets) {
    if (!told(d.name)) continue;
    const was = old.get(d.guid);
    old.delete(d.guid);
    if (was === undefined) say('dataset.created', 'info', `dataset:${d.name}`, `${d.kind} ${d.name} appeared`);
    else if (was.name !== d.name)
      say('dataset.renamed', 'info', `dataset:${d.name}`, `dataset ${was.name} is now ${d.name}`, { from: was.name });
    else {
      const names = [...new Set([...Object.keys(was.properties), ...Object.keys(d.properties)])] as (keyof typeof d.properties)[];
      const changed = names.filter((n) => was.properties[n]?.value !== d.properties[n]?.value && d.properties[n]?.source === 'local');
      if (changed.length > 0)
        say(
          'dataset.changed',
          'info',
          `dataset:${d.name}`,
          `${d.name}: ${changed.map((n) => `${n} is now ${d.properties[n]?.value}`).join(', ')}`,
        );
    }
  }
  for (const d of old.values()) say('dataset.destroyed', 'warning', `dataset:${d.name}`, `dataset ${d.name} is gone`);
  return events;
};
