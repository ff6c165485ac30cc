/** status: is my data safe, is anything asked of me, what changed. In this order, to be read in two seconds. */
import { formatBytes } from '../../domain/units.ts';
import { shortDigest } from '../changes.ts';
import type { Handler } from '../cli.ts';
import { ago, clock, count, percent } from '../format.ts';
import { EXIT } from '../problems.ts';
import { bad, dim, good, type Line, type Span, strong, tone, warn } from '../terminal.ts';
import { scanText } from './pool.ts';
import { brief, bySeverity, markOf } from './activity.ts';
import { pad } from '../text.ts';

const RECENT = 5;

export const status: Handler = async (cli) => {
  const { term } = cli;
  const api = await cli.api();
  const [o, { events }] = await Promise.all([api.system.overview.query(), api.events.list.query({ limit: 60 })]);
  // Steps and plans are how things change, open alerts stand above; what changed is told by the other events.
  const changed = events.filter((e) => !['run.step', 'plan.created', 'run.started', 'alert.opened'].includes(e.kind)).slice(0, RECENT);
  term.data({ ...o, changed });
  if (term.json) return EXIT.ok;
  const { now } = o;
  const { symbols: s } = term;

  if (o.simulated) term.line(warn('SIMULATED: this box is a demo, nothing on it is real.'));
  const lost = o.pools.filter((p) => !['ONLINE', 'DEGRADED'].includes(p.health));
  const weak = o.pools.filter((p) => p.health === 'DEGRADED' || (p.health === 'ONLINE' && p.meaning !== 'healthy'));
  const worst: Line =
    o.pools.length === 0 && o.stuck.length === 0
      ? dim('There is no pool yet.')
      : lost.length > 0
        ? [bad(`${s.bad} NO: `), `${count(lost.length, 'pool')} of ${o.pools.length} can't be read.`]
        : o.stuck.length > 0
          ? [bad(`${s.bad} UNKNOWN: `), `${o.stuck.map((x) => x.pool).join(', ')} ${o.stuck.length === 1 ? 'does' : 'do'} not answer.`]
          : weak.length > 0
            ? [warn(`${s.warn} FOR NOW: `), `readable, but ${count(weak.length, 'pool needs', 'pools need')} attention.`]
            : [good(`${s.ok} YES: `), o.pools.length === 1 ? 'its pool is healthy.' : `all ${o.pools.length} pools are healthy.`];
  term.line([strong('Is my data safe?  '), ...(Array.isArray(worst) ? (worst as Span[]) : [worst as Span])]); // Array.isArray doesn't narrow readonly arrays
  for (const p of o.pools) {
    const mark =
      p.health === 'ONLINE' && p.meaning === 'healthy'
        ? good(s.ok)
        : p.health === 'ONLINE' || p.health === 'DEGRADED'
          ? warn(s.warn)
          : bad(s.bad);
    term.line([
      '  ',
      mark,
      ' ',
      strong(p.name),
      `  ${p.health}  ${formatBytes(p.free)} free of ${formatBytes(p.size)} (${percent(p.allocated, p.size)} used)`,
    ]);
    const scan = scanText(p.scan, now);
    if (p.meaning !== 'healthy') term.prose(p.meaning, '      ', 'warn');
    if (scan !== '') term.line(dim(`      ${scan}`));
  }
  for (const x of o.stuck)
    term.flow(['  ', bad(s.bad), ' '], strong(x.pool), bad(`  does not answer since ${clock(x.since, now)}: `), x.problem.why);
  if (o.pools.length === 0) term.line([dim('  Free disks: '), tone('accent', 'dplane disk list --free')]);

  const drifted = o.drift.state === 'drifted';
  const asks = o.alerts.length + o.pendingPlans.length + (drifted ? 1 : 0) + o.problems.length;
  term.line();
  term.line([strong('Is anything asked of me?  '), asks === 0 ? good('No.') : `${asks}:`]);
  for (const a of bySeverity(o.alerts)) {
    term.flow(['  ', markOf(term, a.severity), ' '], brief(a.message), dim(`  ${ago(a.openedAt, now)}`));
  }
  if (drifted && !o.alerts.some((a) => a.kind === 'drift'))
    term.line([
      '  ',
      warn(s.warn),
      ` the box differs from what was applied in ${count(o.drift.items.length, 'place')}: `,
      tone('accent', 'dplane drift'),
    ]);
  for (const p of o.problems) term.flow(['  ', warn(s.warn), ' '], `${p.what}: ${p.why}`);
  for (const p of o.pendingPlans.slice(0, RECENT))
    term.line([
      '  ',
      dim(s.hollow),
      ` plan ${shortDigest(p.digest)} of ${p.actor} was not applied yet: `,
      tone('accent', `dplane plan show ${shortDigest(p.digest)}`),
    ]);
  for (const r of o.running)
    term.line(['  ', tone('accent', s.arrow), ` run ${r.id} is going on: `, tone('accent', `dplane run show ${r.id}`)]);

  term.line();
  term.line([strong('What changed?')]);
  if (changed.length === 0) term.line(dim('  Nothing yet.'));
  for (const e of changed) term.flow(['  ', dim(pad(ago(e.at, now), 13))], brief(e.message), dim(`  ${e.actor}`));
  term.line();
  term.flow(
    '',
    dim(
      `${count(o.counts.datasets, 'dataset')}, ${count(o.counts.snapshots, 'snapshot')}, ${count(o.counts.shares, 'share')}; seen ${ago(o.at, now)}; D-PlaneOS ${o.version} at ${cli.transport.where}`,
    ),
  );
  return EXIT.ok;
};
