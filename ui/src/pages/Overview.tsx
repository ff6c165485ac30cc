/** Is my data safe, is anything asked of me, what changed: in this order, to be read within two seconds. */
import { A } from '@solidjs/router';
import { createMemo, For, type JSX, Show } from 'solid-js';
import { formatBytes } from '../../../control/src/domain/units.ts';
import { now } from '../data/clock.ts';
import type { Outputs } from '../data/trpc.ts';
import { trpc } from '../data/trpc.ts';
import { nothing, useQuery } from '../data/query.ts';
import { may } from '../data/session.ts';
import { useUpdates } from '../data/updates.ts';
import { Answer, Meter, Page, Section, Time } from '../parts/basic.tsx';
import { Shape, Status, toneOfHealth, toneOfSeverity } from '../parts/Status.tsx';
import { pageOf, percent, plural, shortened } from '../parts/words.ts';
import { PoolTrend } from './storage/PoolTrend.tsx';
import { scanText } from './storage/scan.ts';
import { standingOf } from './system/words.ts';
import { verdictOf } from './verdict.ts';
import '../style/overview.css';

type OverviewData = Outputs['system']['overview'];

const PRESSING = { waiting: 'idle', trial: 'warn', installing: 'busy', 'by-hand': 'idle' } as const;
const Asked = (props: { of: OverviewData }): JSX.Element => {
  const updates = useUpdates();
  /** A revert is an alert already; the rest of an update's way is told here. */
  const ofUpdates = () => {
    const v = updates.data();
    const s = v && standingOf(v, now());
    if (!v || !s || !(s.kind in PRESSING)) return [];
    return [{ tone: PRESSING[s.kind as keyof typeof PRESSING], text: s.title, href: '/system/updates', at: v.recent[0]?.at ?? v.at }];
  };
  const items = createMemo(() => [
    ...ofUpdates(),
    ...props.of.running.map((r) => ({
      tone: 'busy' as const,
      text: `A change is being applied: ${r.steps.filter((s) => s.state === 'done').length} of ${plural(r.steps.length, 'step')} done`,
      href: `/changes/runs/${r.id}`,
      at: r.startedAt,
    })),
    ...props.of.alerts.map((a) => ({
      tone: toneOfSeverity(a.severity),
      text: shortened(a.message),
      href: pageOf(a.subject),
      at: a.openedAt,
    })),
    ...props.of.pendingPlans.map((p) => ({
      tone: 'idle' as const,
      text: `A plan of ${p.actor} waits: ${[
        p.summary.create > 0 && `${p.summary.create} to create`,
        p.summary.modify > 0 && `${p.summary.modify} to change`,
        p.summary.delete > 0 && `${p.summary.delete} to remove`,
        p.summary.blocked > 0 && `${p.summary.blocked} blocked`,
      ]
        .filter(Boolean)
        .join(', ')}`,
      href: `/changes/plans/${p.digest}`,
      at: p.createdAt,
    })),
  ]);
  return (
    <Section title="Asked of you" aside={items().length > 0 ? plural(items().length, 'thing') : undefined}>
      <ul class="asked">
        <For each={items()} fallback={<li class="quiet-empty">Nothing. You can close this page.</li>}>
          {(i) => (
            <li>
              <Shape tone={i.tone} />
              <Show when={i.href} fallback={<span>{i.text}</span>}>
                {(href) => <A href={href()}>{i.text}</A>}
              </Show>
              <span class="when">
                <Time at={i.at} />
              </span>
            </li>
          )}
        </For>
      </ul>
    </Section>
  );
};

/** Logins and steps of runs are in the activity; here stands what changed on the box. */
const NOISE = new Set(['run.step', 'run.started', 'plan.created', 'access.login', 'alert.opened', 'alert.resolved']);
const Changed = (): JSX.Element => {
  const events = useQuery(
    'events',
    () => (may('events.read') ? { limit: 60 } : null),
    (i) => trpc.events.list.query(i),
    {
      topics: ['event'],
      by: 'seq',
    },
  );
  const shown = createMemo(() => (events.data()?.events ?? []).filter((e) => !NOISE.has(e.kind)).slice(0, 8));
  return (
    <Section title="What changed" aside={<A href="/activity">All activity</A>}>
      <ul class="asked">
        <For each={shown()} fallback={<li class="quiet-empty">Nothing yet.</li>}>
          {(e) => (
            <li>
              <Shape tone={toneOfSeverity(e.severity)} />
              <Show when={pageOf(e.subject)} fallback={<span>{shortened(e.message)}</span>}>
                {(href) => <A href={href()}>{shortened(e.message)}</A>}
              </Show>
              <span class="when">
                {e.actor} · <Time at={e.at} />
              </span>
            </li>
          )}
        </For>
      </ul>
    </Section>
  );
};

const PoolCard = (props: { pool: OverviewData['pools'][number] }): JSX.Element => (
  <A class={`card pool-card ${toneOfHealth(props.pool.health)}`} href={`/storage/pools/${encodeURIComponent(props.pool.name)}`}>
    <div class="pool-card-head">
      <h2>{props.pool.name}</h2>
      <Status
        tone={props.pool.meaning === 'healthy' ? 'ok' : toneOfHealth(props.pool.health) === 'ok' ? 'warn' : toneOfHealth(props.pool.health)}
      >
        {props.pool.health.toLowerCase()}
      </Status>
    </div>
    <p class="dim">{props.pool.meaning}</p>
    <Meter
      label={`Space used in ${props.pool.name}`}
      value={props.pool.allocated}
      of={props.pool.size}
      text={`${formatBytes(props.pool.allocated)} of ${formatBytes(props.pool.size)}`}
    />
    <p class="space num">
      <span>{formatBytes(props.pool.free)} free</span>
      <span class="dim">
        {percent(props.pool.allocated, props.pool.size).toFixed(0)}% of {formatBytes(props.pool.size)}
      </span>
    </p>
    <PoolTrend name={props.pool.name} />
    <p class="dim">{scanText(props.pool.scan)}</p>
  </A>
);

export const Overview = (): JSX.Element => {
  const overview = useQuery('overview', nothing, () => trpc.system.overview.query(), {
    topics: ['pool', 'alert', 'plan', 'run', 'state', 'dataset', 'snapshot', 'share'],
  });
  return (
    <Page title="Overview">
      <Answer query={overview}>
        {(_) => {
          const o = (): OverviewData => overview.data() as OverviewData; // shown only when there is one
          const verdict = createMemo(() => verdictOf(o()));
          return (
            <>
              <div class={`verdict ${verdict().tone}`} role="status">
                <Shape tone={verdict().tone} />
                <div>
                  <p class="verdict-title">{verdict().title}</p>
                  <p>{verdict().meaning}</p>
                </div>
                <p class="dim when">
                  Looked at <Time at={o().at} />
                </p>
              </div>
              <Show
                when={o().pools.length > 0}
                fallback={
                  <p>
                    <A href="/storage">See which disks are free</A>, and make a pool of them.
                  </p>
                }
              >
                <div class="pool-cards">
                  <For each={o().pools}>{(p) => <PoolCard pool={p} />}</For>
                </div>
              </Show>
              <div class="columns">
                <Asked of={o()} />
                <Changed />
              </div>
              <dl class="counts">
                <div>
                  <dt>Datasets</dt>
                  <dd>
                    <A href="/storage/datasets">{o().counts.datasets.toLocaleString('en')}</A>
                  </dd>
                </div>
                <div>
                  <dt>Snapshots</dt>
                  <dd>
                    <A href="/protection">{o().counts.snapshots.toLocaleString('en')}</A>
                  </dd>
                </div>
                <div>
                  <dt>Shares</dt>
                  <dd>
                    <A href="/shares">{o().counts.shares.toLocaleString('en')}</A>
                  </dd>
                </div>
                <div>
                  <dt>Declared state</dt>
                  <dd>
                    <A href="/changes/drift">
                      {o().drift.state === 'in-sync'
                        ? 'as applied'
                        : o().drift.state === 'drifted'
                          ? plural(o().drift.items.length, 'difference')
                          : 'not declared yet'}
                    </A>
                  </dd>
                </div>
              </dl>
            </>
          );
        }}
      </Answer>
    </Page>
  );
};
