/** disk list, show, test, care */
import { formatBytes } from '../../domain/units.ts';
import { diskLabel, whyNotFree } from '../../domain/disk/disk.ts';
import type { DiskHealth } from '../../domain/disk/health.ts';
import { COUNTED, WORDS } from '../../domain/disk/readings.ts';
import type { Handler } from '../cli.ts';
import { ago, count } from '../format.ts';
import { EXIT, usage } from '../problems.ts';
import { bad, dim, good, type Span, strong, warn } from '../terminal.ts';
import { shortDisk } from './pool.ts';
import { diskPath } from './pool-disks.ts';

const STATES: Record<DiskHealth['state'], string> = {
  never: 'not asked yet',
  read: 'unknown',
  asleep: 'asleep',
  unknown: 'unknown',
  silent: 'no answer',
};
const healthSpan = (h: DiskHealth | undefined): Span => {
  if (h === undefined) return dim('-');
  if (h.smart === null && h.score === 0) return h.state === 'silent' ? warn(STATES[h.state]) : dim(STATES[h.state]);
  return h.word === 'no sign of failure' ? good('good') : h.word === 'watch it' ? warn(h.word) : bad(h.word);
};

export const diskList: Handler = async (cli, input) => {
  const { term } = cli;
  const api = await cli.api();
  const [{ at, disks: all }, { disks: known }] = await Promise.all([api.disks.list.query(), api.disks.health.query()]);
  const healthOf = new Map(known.map((h) => [h.path, h]));
  const disks = input.flag('free') ? all.filter((d) => whyNotFree(d) === undefined) : all;
  term.data({ at, disks: disks.map((d) => ({ ...d, free: whyNotFree(d) === undefined, health: healthOf.get(d.path) ?? null })) });
  if (disks.length === 0) term.line(input.flag('free') ? 'No disk is free.' : 'No disk is seen.');
  else
    term.table(disks, [
      { title: 'DISK', cell: (d) => shortDisk(d.path), shrink: 'middle' },
      { title: 'SIZE', cell: (d) => formatBytes(d.size), align: 'right' },
      { title: 'KIND', cell: (d) => (d.rotational ? 'disk' : 'ssd') },
      { title: 'HEALTH', cell: (d) => healthSpan(healthOf.get(d.path)) },
      { title: '°C', cell: (d) => String(healthOf.get(d.path)?.smart?.temperature ?? '-'), align: 'right', spare: 1 },
      { title: 'MODEL', cell: (d) => d.model, shrink: 'end', spare: 2 },
      { title: 'SERIAL', cell: (d) => d.serial, shrink: 'end', spare: 3 },
      { title: 'SECTOR', cell: (d) => `${d.logicalSector}/${d.physicalSector}`, spare: 4 },
      {
        title: 'USE',
        shrink: 'end',
        cell: (d) =>
          whyNotFree(d) === undefined
            ? good('free')
            : d.pool !== null
              ? `pool ${d.pool}`
              : d.system
                ? dim('system')
                : dim(whyNotFree(d) ?? ''),
      },
    ]);
  for (const d of disks) {
    const h = healthOf.get(d.path);
    if (h && h.reasons.length > 0)
      term.flow(
        [h.score >= 50 ? bad(`${diskLabel(d.path)}: `) : warn(`${diskLabel(d.path)}: `)],
        [...h.reasons.slice(0, 3), ...(h.reasons.length > 3 ? [`and ${h.reasons.length - 3} more`] : [])].join('; '),
      );
  }
  return EXIT.ok;
};

const nameOf = (word: string): string => diskLabel(diskPath(word));
const stateText = (h: DiskHealth, now: number): string => {
  const read = h.smart === null ? 'nothing was read yet' : `read ${ago(h.smart.at, now)}`;
  if (h.state === 'never') return 'it was not asked yet';
  if (h.state === 'asleep') return `it sleeps, and is not woken to be asked; ${read}`;
  if (h.state === 'silent') return `it was asked ${ago(h.askedAt, now)} and did not answer in time; ${read}`;
  return h.state === 'unknown' ? `it could not be asked: ${h.why ?? 'no reason known'}` : read;
};

export const diskShow: Handler = async (cli, input) => {
  const { term } = cli;
  const answer = await (await cli.api()).disks.past.query({ disk: nameOf(input.word('DISK')) });
  term.data(answer);
  if (term.json) return EXIT.ok;
  const { health: h, history } = answer;
  const now = cli.now();
  term.line([strong(diskLabel(h.path)), '  ', healthSpan(h), dim(h.pool === null ? '' : `  in pool ${h.pool}`)]);
  term.line(dim(`  ${stateText(h, now)}`));
  for (const r of h.reasons) term.flow(['  ', warn(`${term.symbols.warn} `)], r);
  const s = h.smart;
  if (s) {
    const facts = [
      ...(s.temperature === null ? [] : [`${s.temperature} °C`]),
      ...(s.hours === null ? [] : [`has run ${s.hours.toLocaleString('en')} hours`]),
      ...(s.used === null ? [] : [`${s.used}% of its rated life used`]),
      ...(s.passed === null ? [] : [s.passed ? 'says itself that it is well' : 'says itself that it is failing']),
      `risk ${h.score} of 100`,
    ];
    term.line(`  ${facts.join(', ')}`);
  }
  const counts = COUNTED.flatMap((f) => {
    const value = history[f]?.at(-1)?.value;
    return value === undefined ? [] : [{ f, value, week: h.week[f] ?? 0 }];
  });
  if (counts.length > 0)
    term.table(counts, [
      { title: 'COUNTED', cell: (c) => WORDS[c.f][1] },
      { title: 'NOW', cell: (c) => c.value.toLocaleString('en'), align: 'right' },
      { title: 'THIS WEEK', cell: (c) => (c.week > 0 ? warn(`+${c.week.toLocaleString('en')}`) : dim('-')), align: 'right' },
    ]);
  const tests = s?.tests;
  if (tests?.running != null) term.line(`  A self-test is under way: ${term.bar(tests.running)} ${Math.round(tests.running * 100)}%`);
  for (const t of tests?.last.slice(0, 3) ?? [])
    term.line([
      `  ${t.kind} self-test: `,
      t.result === 'passed' ? good(t.result) : t.result === 'failed' ? bad(`${t.result} (${t.text})`) : dim(t.result),
      dim(t.hours === null ? '' : `  after ${t.hours.toLocaleString('en')} hours`),
    ]);
  if (h.score >= 50 && h.pool !== null) term.line(['  Replace it: ', strong(`dplane pool replace ${h.pool} ${diskLabel(h.path)}`)]);
  return EXIT.ok;
};

export const diskTest: Handler = async (cli, input) => {
  const { term } = cli;
  const disk = nameOf(input.word('DISK'));
  const kind = input.maybe('KIND');
  if (kind !== undefined && kind !== 'short' && kind !== 'long')
    throw usage(kind, 'a self-test is short or long', `dplane disk test ${disk} short`);
  if (input.flag('stop') && kind !== undefined) throw usage('dplane disk test', '--stop and a kind of test exclude each other');
  const h = await (await cli.api()).disks.test.mutate({ disk, test: input.flag('stop') ? 'stop' : (kind ?? 'short') });
  term.data(h);
  const tests = h.smart?.tests;
  if (input.flag('stop')) term.line(good(`${term.symbols.ok} the self-test of ${disk} was stopped`));
  else if (tests?.running != null) {
    const minutes = tests.minutes[kind === 'long' ? 'long' : 'short'];
    term.line(
      good(`${term.symbols.ok} ${disk} tests itself${minutes === null ? '' : `, for about ${count(minutes, 'minute')}`}; it stays in use`),
    );
    term.line(dim(`How far it is: dplane disk show ${disk}`));
  } else term.line(`${disk}: ${tests?.last[0]?.kind ?? ''} self-test ${tests?.last[0]?.result ?? 'ended'}`);
  return EXIT.ok;
};

export const diskCare: Handler = async (cli, input) => {
  const { term } = cli;
  const api = await cli.api();
  const was = await api.disks.care.query();
  const given = (option: string, before: string | null): string | null => {
    const text = input.text(option);
    return text === undefined ? before : text === 'never' ? null : text;
  };
  const every = input.text('every');
  if (every !== undefined && !/^[0-9]{1,4}$/.test(every)) throw usage(every, 'expected minutes, from 10 to 1440');
  const care = {
    everyMinutes: every === undefined ? was.care.everyMinutes : Number(every),
    short: given('short', was.care.short),
    long: given('long', was.care.long),
    timezone: input.text('timezone') ?? was.care.timezone,
  };
  const asked = ['every', 'short', 'long', 'timezone'].some((o) => input.text(o) !== undefined);
  const now = asked ? await api.disks.setCare.mutate({ care }) : was;
  term.data(now);
  term.line(`asked for their health: every ${count(now.care.everyMinutes, 'minute')}, one that sleeps is not woken`);
  for (const kind of ['short', 'long'] as const) {
    const at = now.next[kind];
    term.line(
      `${kind} self-test: ${now.care[kind] ?? 'never by itself'}${at === null ? '' : `  next ${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`}`,
    );
  }
  return EXIT.ok;
};
