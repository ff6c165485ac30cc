/** events, alerts, audit: what happened, what needs attention, who did what */
import type { Alert } from '../../domain/alert/alert.ts';
import { type Event, EventKind } from '../../domain/event/event.ts';
import type { Handler } from '../cli.ts';
import { ago, clock, count, lasted } from '../format.ts';
import { EXIT, Problem } from '../problems.ts';
import { notAmong } from '../parse.ts';
import { bad, dim, good, type Span, strong, type Terminal, warn } from '../terminal.ts';

export const markOf = (term: Terminal, severity: Event['severity']): Span =>
  severity === 'critical' ? bad(term.symbols.bad) : severity === 'warning' ? warn(term.symbols.warn) : dim(term.symbols.dot);

const WEIGHT: Record<Alert['severity'], number> = { critical: 0, warning: 1, info: 2 };
export const bySeverity = (alerts: readonly Alert[]): Alert[] =>
  alerts.toSorted((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity] || b.openedAt - a.openedAt);

/** Disks by the part of their path that tells them apart. */
export const brief = (message: string): string => message.replaceAll('/dev/disk/by-id/', '');

const showEvent = (term: Terminal, e: Event, now: number): void =>
  term.flow(
    [dim(`${String(e.seq).padStart(5)}  ${clock(e.at, now)}  `), markOf(term, e.severity), ' '],
    brief(e.message),
    dim(`  ${e.kind}${e.actor === '' ? '' : ` by ${e.actor}`}`),
  );

export const events: Handler = async (cli, input) => {
  const { term } = cli;
  const api = await cli.api();
  const after = input.number('after', 0, Number.MAX_SAFE_INTEGER);
  const limit = input.number('limit', 1, 1000) ?? 30;
  const kinds = input.all('kind').map((k) => {
    const found = EventKind.options.find((o) => o === k);
    if (found === undefined) throw notAmong(`--kind ${k}`, k, EventKind.options);
    return found;
  });
  const subject = input.text('subject');
  const text = input.text('match');
  const filter = {
    ...(kinds.length > 0 ? { kinds } : {}),
    ...(subject === undefined ? {} : { subject }),
    ...(text === undefined ? {} : { text }),
  };
  // Following goes on after the last one shown, so that nothing is missed in between.
  const page = await api.events.list.query({
    ...filter,
    ...(after === undefined ? {} : { after }),
    limit: input.flag('follow') && after !== undefined ? 1000 : limit,
  });
  const past = after === undefined ? page.events.toReversed() : page.events;
  if (!input.flag('follow')) {
    term.data(page);
    if (past.length === 0) term.line('Nothing happened.');
    for (const e of past) showEvent(term, e, cli.now());
    return EXIT.ok;
  }
  const show = (e: Event): void => {
    term.dataLine(e);
    showEvent(term, e, cli.now());
  };
  for (const e of past) show(e);
  const { followEvents } = await import('../follow.ts');
  const leave = new AbortController();
  process.once('SIGINT', () => leave.abort());
  term.status('following; Ctrl-C ends it');
  await followEvents({
    transport: cli.transport,
    credentials: cli.credentials,
    // Filtered or cut short, the page may end before what is already there; going on from its end misses nothing.
    filter: { ...filter, after: after === undefined ? page.lastSeq : (past.at(-1)?.seq ?? after) },
    signal: leave.signal,
    onEvent: show,
    onConnection: (state) =>
      term.status(
        state === 'lost'
          ? `connection lost at ${clock(cli.now(), cli.now())}; trying again, nothing will be missed`
          : 'following; Ctrl-C ends it',
      ),
  });
  return leave.signal.aborted ? EXIT.interrupted : EXIT.ok;
};

export const alerts: Handler = async (cli, input) => {
  const { term } = cli;
  const { alerts: list } = await (await cli.api()).alerts.list.query({ history: input.flag('all') });
  const now = cli.now();
  term.data(list);
  if (list.length === 0) term.line(good(input.flag('all') ? 'There was never an alert.' : `${term.symbols.ok} No alert is open.`));
  for (const a of input.flag('all') ? list : bySeverity(list)) {
    term.line([
      markOf(term, a.severity),
      ' ',
      strong(brief(a.subject)),
      `  ${a.kind}  `,
      dim(
        a.resolvedAt === null
          ? `since ${ago(a.openedAt, now)}`
          : `resolved ${ago(a.resolvedAt, now)}, lasted ${lasted(a.resolvedAt - a.openedAt)}`,
      ),
    ]);
    term.prose(brief(a.message), '    ');
  }
  return EXIT.ok;
};

export const auditList: Handler = async (cli, input) => {
  const { term } = cli;
  const text = input.text('match');
  const before = input.number('before', 1, Number.MAX_SAFE_INTEGER);
  const answer = await (await cli.api()).audit.list.query({
    ...(text === undefined ? {} : { text }),
    ...(before === undefined ? {} : { before }),
    limit: input.number('limit', 1, 1000) ?? 30,
  });
  const now = cli.now();
  term.data(answer);
  const outcome = (o: string): Span => (o === 'denied' || o === 'failed' ? bad(o) : o === 'interrupted' ? warn(o) : good(o));
  term.table(answer.entries, [
    { title: 'NO', cell: (e) => dim(String(e.seq)), align: 'right' },
    { title: 'WHEN', cell: (e) => clock(e.at, now) },
    { title: 'WHO', cell: (e) => e.actor.name },
    { title: 'VIA', cell: (e) => e.actor.via, spare: 1 },
    { title: 'DID', cell: (e) => strong(e.action), shrink: 'end' },
    { title: 'TO', cell: (e) => e.subject, shrink: 'middle' },
    { title: 'OUTCOME', cell: (e) => outcome(e.outcome) },
    { title: 'WHY', cell: (e) => e.reason, shrink: 'end' },
  ]);
  const oldest = answer.entries.at(-1);
  if (oldest && answer.total > answer.entries.length)
    term.note(dim(`${answer.entries.length} of ${count(answer.total, 'entry', 'entries')}; earlier ones with --before ${oldest.seq}`));
  return EXIT.ok;
};

export const auditVerify: Handler = async (cli) => {
  const { term } = cli;
  const api = await cli.api();
  const begun = cli.now();
  let frame = 0;
  const draw = (): void => {
    const spin = term.symbols.spin[frame % term.symbols.spin.length];
    frame += 1;
    term.status(`${spin} checking every entry against its key and the sealed head  ${lasted(cli.now() - begun)}`);
  };
  draw();
  const ticking = setInterval(draw, 200);
  const verdict = await api.audit.verify.query().finally(() => {
    clearInterval(ticking);
    term.status('');
  });
  term.data(verdict);
  if (verdict.intact) {
    term.line([
      good(`${term.symbols.ok} intact: `),
      `${count(verdict.entries, 'entry', 'entries')}, and the head is the sealed one`,
      dim(`  (${lasted(cli.now() - begun)})`),
    ]);
    return EXIT.ok;
  }
  if (term.json) return EXIT.failed;
  throw new Problem(
    EXIT.failed,
    'broken',
    'THE AUDIT LOG IS NOT WHAT WAS WRITTEN',
    `${verdict.problem ?? 'an entry does not fit'}${verdict.brokenAt === null ? '' : `, at entry ${verdict.brokenAt}`}`,
    'Entries before that one are as they were written. Find out who could write to the state folder; keep a copy of it.',
  );
};
