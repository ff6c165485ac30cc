/** Plans that wait and runs that were: everything that changed or may change the box. */
import { A } from '@solidjs/router';
import { createMemo, type JSX } from 'solid-js';
import { now } from '../../data/clock.ts';
import { useQuery } from '../../data/query.ts';
import type { Outputs } from '../../data/trpc.ts';
import { trpc } from '../../data/trpc.ts';
import { Answer, Page, Section, Time } from '../../parts/basic.tsx';
import { Status, type Tone } from '../../parts/Status.tsx';
import { Table } from '../../parts/VirtualTable.tsx';
import { duration, shortDigest } from '../../parts/words.ts';
import { CHANGES_TABS } from './tabs.ts';

type Run = Outputs['runs']['list']['runs'][number];
export const RUN_TONE: Record<Run['state'], Tone> = { running: 'busy', succeeded: 'ok', failed: 'bad', interrupted: 'warn' };

const summaryText = (s: { create: number; modify: number; delete: number; blocked: number }): string =>
  [
    s.create > 0 && `${s.create} to create`,
    s.modify > 0 && `${s.modify} to change`,
    s.delete > 0 && `${s.delete} to remove`,
    s.blocked > 0 && `${s.blocked} blocked`,
  ]
    .filter(Boolean)
    .join(', ') || 'nothing to do';

export const Changes = (): JSX.Element => {
  const plans = useQuery(
    'plans',
    () => ({ limit: 50 }),
    (i) => trpc.plans.list.query(i),
    { topics: ['plan'], by: 'digest' },
  );
  const runs = useQuery(
    'runs',
    () => ({ limit: 50 }),
    (i) => trpc.runs.list.query(i),
    { topics: ['run'], by: 'id' },
  );
  const waiting = createMemo(() => {
    const ran = new Set(runs.data()?.runs.map((r) => r.planDigest));
    return (plans.data()?.plans ?? []).filter(
      (p) => p.expiresAt > now() && !ran.has(p.digest) && p.summary.create + p.summary.modify + p.summary.delete + p.summary.blocked > 0,
    );
  });
  return (
    <Page title="Changes" lead="Every change is a plan first: nothing happens that was not shown." tabs={CHANGES_TABS}>
      <Section title="Plans waiting">
        <Answer query={plans}>
          {(_) => (
            <Table
              label="Plans waiting"
              rows={waiting()}
              empty="None. A plan is made by every form, by state.yaml and by the command line."
              columns={[
                { id: 'p', head: 'Plan', cell: (p) => <A href={`/changes/plans/${p.digest}`}>{summaryText(p.summary)}</A> },
                { id: 'd', head: 'Digest', wide: true, cell: (p) => <code>{shortDigest(p.digest)}</code> },
                { id: 's', head: 'From', wide: true, cell: (p) => (p.source === 'state' ? 'state.yaml' : 'a single change') },
                { id: 'a', head: 'By', cell: (p) => p.actor },
                { id: 't', head: 'Made', align: 'end', cell: (p) => <Time at={p.createdAt} /> },
                { id: 'e', head: 'Expires', align: 'end', wide: true, cell: (p) => <Time at={p.expiresAt} /> },
              ]}
            />
          )}
        </Answer>
      </Section>
      <Section title="Runs">
        <Answer query={runs}>
          {(_) => (
            <Table
              label="Runs"
              rows={runs.data()?.runs ?? []}
              empty="Nothing has been applied yet."
              columns={[
                { id: 's', head: 'State', cell: (r) => <Status tone={RUN_TONE[r.state]}>{r.state}</Status> },
                {
                  id: 'a',
                  head: 'What happened',
                  wrap: true,
                  cell: (r) => <A href={`/changes/runs/${encodeURIComponent(r.id)}`}>{r.account || 'in progress'}</A>,
                },
                { id: 'b', head: 'By', wide: true, cell: (r) => r.actor },
                { id: 't', head: 'Begun', align: 'end', wide: true, cell: (r) => <Time at={r.startedAt} /> },
                {
                  id: 'd',
                  head: 'Took',
                  align: 'end',
                  wide: true,
                  cell: (r) => <span class="num">{r.endedAt === null ? '' : duration(r.endedAt - r.startedAt)}</span>,
                },
              ]}
            />
          )}
        </Answer>
      </Section>
    </Page>
  );
};
