/** What happened: events as they come, alerts open and past, the audit log and whether its chain holds. */
import { A } from '@solidjs/router';
import { createEffect, createMemo, createSignal, type JSX, on, onCleanup, Show } from 'solid-js';
import type { Event } from '../../../control/src/domain/event/event.ts';
import { onEvent } from '../data/live.ts';
import { type Problem, problemOf } from '../data/problem.ts';
import { useQuery } from '../data/query.ts';
import { ask, whyNot } from '../data/session.ts';
import type { Outputs } from '../data/trpc.ts';
import { trpc } from '../data/trpc.ts';
import { Answer, Button, Note, Page, ProblemBox, Time } from '../parts/basic.tsx';
import { Shape, Status, toneOfSeverity } from '../parts/Status.tsx';
import { Table, VirtualTable } from '../parts/VirtualTable.tsx';
import { pageOf, plural, shortened } from '../parts/words.ts';

const TABS = [
  { href: '/activity', label: 'Events' },
  { href: '/activity/alerts', label: 'Alerts' },
  { href: '/activity/audit', label: 'Audit' },
];
const PAGE = 200;
/** Newest first; older ones are asked for when the end comes into view. */
const KEPT = 5_000;
/** A second under a flood; the first after a quiet time shows at once. */
const TOGETHER = 1_000;
type Least = 'info' | 'warning' | 'critical';
const RANK: Record<Least, number> = { info: 0, warning: 1, critical: 2 };
const isLeast = (v: string): v is Least => v in RANK;

export const Activity = (): JSX.Element => {
  const [text, setText] = createSignal('');
  const [least, setLeast] = createSignal<Least>('info');
  const [rows, setRows] = createSignal<readonly Event[]>([]);
  const [ended, setEnded] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const filter = createMemo(() => ({
    ...(text().trim() !== '' && { text: text().trim() }),
    ...(least() !== 'info' && { minSeverity: least() }),
  }));
  let loading = false;
  let asked = 0;
  const more = async (): Promise<void> => {
    if (loading || ended()) return;
    loading = true;
    asked += 1;
    const mine = asked;
    try {
      const before = rows().at(-1)?.seq;
      const { events } = await ask(() => trpc.events.list.query({ limit: PAGE, ...filter(), ...(before !== undefined && { before }) }));
      if (mine === asked) {
        setRows((was) => [...was, ...events]);
        setEnded(events.length < PAGE);
        setProblem(null);
      }
    } catch (error) {
      setProblem(problemOf(error));
    }
    if (mine === asked) loading = false;
  };
  createEffect(
    on(filter, () => {
      asked += 1;
      loading = false;
      setRows([]);
      setEnded(false);
      void more();
    }),
  );
  // Put in together, a few times a second: each time every visible row moves down, and nobody reads faster.
  let arrived: Event[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let shownAt = 0;
  onCleanup(
    onEvent((e) => {
      const words = filter().text?.toLowerCase();
      if (RANK[e.severity] < RANK[least()] || (words !== undefined && !`${e.subject} ${e.message} ${e.kind}`.toLowerCase().includes(words)))
        return;
      arrived.push(e);
      timer ??= setTimeout(
        () => {
          timer = undefined;
          shownAt = performance.now();
          const fresh = arrived.reverse();
          arrived = [];
          setRows((was) => {
            const newest = was[0]?.seq ?? 0;
            return [...fresh.filter((x) => x.seq > newest), ...was].slice(0, KEPT);
          });
        },
        Math.max(0, shownAt + TOGETHER - performance.now()),
      );
    }),
  );
  onCleanup(() => clearTimeout(timer));
  return (
    <Page title="Activity" tabs={TABS}>
      <div class="tools">
        <input
          class="search"
          type="search"
          aria-label="Search events"
          placeholder="Search"
          value={text()}
          onInput={(e) => setText(e.currentTarget.value)}
        />
        <select
          aria-label="Least severity"
          value={least()}
          onChange={(e) => {
            if (isLeast(e.currentTarget.value)) setLeast(e.currentTarget.value);
          }}
        >
          <option value="info">All</option>
          <option value="warning">Warnings and worse</option>
          <option value="critical">Critical</option>
        </select>
        <span class="total">Newest first, as they come</span>
      </div>
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <VirtualTable
        label="Events"
        tall
        count={rows().length}
        row={(i) => rows()[i]}
        keyOf={(e) => String(e.seq)}
        onRange={(_, to) => {
          if (to >= rows().length - 20 && rows().length > 0) void more();
        }}
        empty={ended() ? 'Nothing has happened that fits.' : 'Asking the box …'}
        columns={[
          {
            id: 's',
            head: 'Severity',
            bare: true,
            width: '34px',
            cell: (e) => (
              <>
                <Shape tone={toneOfSeverity(e.severity)} />
                <span class="sr">{e.severity}</span>
              </>
            ),
          },
          { id: 't', head: 'When', width: '104px', cell: (e) => <Time at={e.at} /> },
          {
            id: 'm',
            head: 'What',
            width: 'minmax(200px, 1fr)',
            cell: (e) => (
              <Show when={pageOf(e.subject)} fallback={<span title={e.message}>{e.message}</span>}>
                {(href) => (
                  <A href={href()} title={e.message}>
                    {shortened(e.message)}
                  </A>
                )}
              </Show>
            ),
          },
          { id: 'a', head: 'By', width: '120px', wide: true, cell: (e) => e.actor },
          { id: 'k', head: 'Kind', width: '160px', wide: true, cell: (e) => <span class="dim">{e.kind}</span> },
          { id: 'n', head: 'No.', width: '80px', align: 'end', wide: true, cell: (e) => <span class="num dim">{e.seq}</span> },
        ]}
      />
    </Page>
  );
};

export const Alerts = (): JSX.Element => {
  const [past, setPast] = createSignal(false);
  const alerts = useQuery(
    'alerts',
    () => ({ history: past(), limit: 500 }),
    (i) => trpc.alerts.list.query(i),
    { topics: ['alert'], by: 'openedAt' },
  );
  return (
    <Page title="Activity" tabs={TABS}>
      <div class="tools">
        <label class="inline">
          <input type="checkbox" checked={past()} onChange={(e) => setPast(e.currentTarget.checked)} />
          Also those that have ended
        </label>
      </div>
      <Answer query={alerts}>
        {(_) => (
          <Table
            label="Alerts"
            rows={alerts.data()?.alerts ?? []}
            empty="No alert is open. One opens by itself when something needs you, and ends by itself when it no longer does."
            columns={[
              {
                id: 's',
                head: 'Severity',
                cell: (a) => (
                  <Status tone={a.resolvedAt === null ? toneOfSeverity(a.severity) : 'ok'}>
                    {a.resolvedAt === null ? a.severity : 'ended'}
                  </Status>
                ),
              },
              {
                id: 'm',
                head: 'What',
                wrap: true,
                cell: (a) => (
                  <Show when={pageOf(a.subject)} fallback={shortened(a.message)}>
                    {(href) => (
                      <A href={href()} title={a.message}>
                        {shortened(a.message)}
                      </A>
                    )}
                  </Show>
                ),
              },
              { id: 'o', head: 'Open since', align: 'end', wide: true, cell: (a) => <Time at={a.openedAt} /> },
              {
                id: 'r',
                head: 'Ended',
                align: 'end',
                wide: true,
                cell: (a) => <Show when={a.resolvedAt}>{(at) => <Time at={at()} />}</Show>,
              },
            ]}
          />
        )}
      </Answer>
    </Page>
  );
};

type Verdict = Outputs['audit']['verify'];
export const AuditLog = (): JSX.Element => {
  const [text, setText] = createSignal('');
  const audit = useQuery(
    'audit',
    () => (whyNot('audit.read') === undefined ? { limit: 200, ...(text().trim() !== '' && { text: text().trim() }) } : null),
    (i) => trpc.audit.list.query(i),
    { topics: ['event'], by: 'seq' },
  );
  const [verdict, setVerdict] = createSignal<Verdict | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const verify = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      setVerdict(await ask(() => trpc.audit.verify.query()));
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <Page
      title="Activity"
      tabs={TABS}
      actions={
        <Button busy={busy()} why={whyNot('audit.read')} onClick={() => void verify()}>
          {busy() ? 'Checking the chain …' : 'Verify the chain'}
        </Button>
      }
    >
      <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
      <Show when={verdict()}>
        {(v) => (
          <div role="status">
            <Note
              tone={v().intact ? 'ok' : 'bad'}
              title={v().intact ? 'The chain is intact' : `The chain is broken at entry ${v().brokenAt ?? '?'}`}
            >
              <p>{v().intact ? `${plural(v().entries, 'entry', 'entries')}, each sealed to the one before.` : v().problem}</p>
            </Note>
          </div>
        )}
      </Show>
      <Show when={whyNot('audit.read')} fallback={null}>
        {(why) => <Note>{why()}</Note>}
      </Show>
      <Show when={whyNot('audit.read') === undefined}>
        <div class="tools">
          <input
            class="search"
            type="search"
            aria-label="Search the audit log"
            placeholder="Search"
            value={text()}
            onInput={(e) => setText(e.currentTarget.value)}
          />
          <span class="total num">{audit.data() ? `newest of ${plural(audit.data()?.total ?? 0, 'entry', 'entries')}` : ''}</span>
        </div>
        <Answer query={audit}>
          {(_) => (
            <VirtualTable
              label="Audit log"
              count={audit.data()?.entries.length ?? 0}
              row={(i) => audit.data()?.entries[i]}
              keyOf={(e) => String(e.seq)}
              empty="No entry fits."
              columns={[
                { id: 't', head: 'When', width: '104px', cell: (e) => <Time at={e.at} /> },
                {
                  id: 'w',
                  head: 'Who',
                  width: 'minmax(60px, 120px)',
                  cell: (e) => <span title={`${e.actor.kind} via ${e.actor.via}`}>{e.actor.name}</span>,
                },
                { id: 'a', head: 'Did', width: 'minmax(110px, 170px)', cell: (e) => <span title={e.action}>{e.action}</span> },
                {
                  id: 'o',
                  head: 'Outcome',
                  width: '120px',
                  wide: true,
                  cell: (e) => (
                    <Status tone={e.outcome === 'denied' || e.outcome === 'failed' ? 'warn' : e.outcome === 'interrupted' ? 'bad' : 'idle'}>
                      {e.outcome}
                    </Status>
                  ),
                },
                { id: 's', head: 'To', width: 'minmax(120px, 0.6fr)', wide: true, cell: (e) => <span title={e.subject}>{e.subject}</span> },
                {
                  id: 'r',
                  head: 'Because',
                  width: 'minmax(160px, 1fr)',
                  wide: true,
                  cell: (e) => (
                    <span class="dim" title={e.reason}>
                      {e.reason}
                    </span>
                  ),
                },
                { id: 'n', head: 'No.', width: '76px', align: 'end', wide: true, cell: (e) => <span class="num dim">{e.seq}</span> },
              ]}
            />
          )}
        </Answer>
      </Show>
    </Page>
  );
};
