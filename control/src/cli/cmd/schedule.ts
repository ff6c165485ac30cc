/** schedule list, show, set, remove, preview */
import { RULES, SnapshotSchedule } from '../../domain/schedule/schedule.ts';
import type { Cli, Handler } from '../cli.ts';
import { ago, count } from '../format.ts';
import type { Input } from '../parse.ts';
import { EXIT, usage } from '../problems.ts';
import { bad, dim, good, strong, warn } from '../terminal.ts';

type Keep = SnapshotSchedule['keep'];

export const keepText = (keep: Keep): string => {
  const rules = RULES.filter(({ rule }) => keep[rule] > 0).map(({ rule, word }) =>
    rule === 'maxAgeDays'
      ? `none older than ${count(keep.maxAgeDays, 'day')}`
      : rule === 'count'
        ? `the last ${keep.count}`
        : `${keep[rule]} ${word}`,
  );
  return rules.length === 0 ? 'everything' : rules.join(', ');
};

const inTime = (at: number | null, now: number): string => {
  if (at === null) return 'never';
  const minutes = Math.max(0, Math.round((at - now) / 60_000));
  return minutes < 90 ? `in ${minutes} min` : minutes < 2880 ? `in ${Math.round(minutes / 60)} h` : `in ${Math.round(minutes / 1440)} days`;
};
const stamp = (at: number, zone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' }).format(at);

export const scheduleList: Handler = async (cli) => {
  const { term } = cli;
  const { now, schedules } = await (await cli.api()).schedules.list.query();
  term.data({ now, schedules });
  if (schedules.length === 0) {
    term.line('No schedule takes snapshots yet.');
    term.line(dim("Make one: dplane schedule set hourly tank/media cron='0 * * * *' hourly=24 daily=14 monthly=12"));
    return EXIT.ok;
  }
  term.table(schedules, [
    { title: 'SCHEDULE', cell: (x) => x.schedule.name },
    { title: 'DATASET', cell: (x) => `${x.schedule.dataset}${x.schedule.recursive ? ' and below' : ''}`, shrink: 'middle' },
    { title: 'CRON', cell: (x) => x.schedule.cron },
    { title: 'ZONE', cell: (x) => x.schedule.timezone, spare: 2 },
    { title: 'KEEPS', cell: (x) => keepText(x.schedule.keep), shrink: 'end', spare: 1 },
    { title: 'HAS', cell: (x) => String(x.snapshots), align: 'right' },
    {
      title: 'LAST',
      cell: (x) =>
        x.last === null
          ? dim('none yet')
          : x.last.problem === null
            ? good(ago(x.last.endedAt, now))
            : bad(`failed ${ago(x.last.endedAt, now)}`),
    },
    { title: 'NEXT', cell: (x) => (x.schedule.enabled ? inTime(x.nextAt, now) : dim('off')) },
  ]);
  for (const x of schedules) if (x.last?.problem) term.line([bad(`${x.schedule.name}: `), x.last.problem]);
  return EXIT.ok;
};

/** The saved one, if there is one, with what was typed over it. */
const read = async (cli: Cli, input: Input): Promise<SnapshotSchedule> => {
  const name = input.word('NAME');
  const maybe = input.maybe('DATASET');
  const pairs = [...(maybe?.includes('=') ? [maybe] : []), ...input.words('RULE=VALUE')];
  const dataset = maybe?.includes('=') ? undefined : maybe;
  const { schedules } = await (await cli.api()).schedules.list.query();
  const saved = schedules.find((x) => x.schedule.name === name)?.schedule;
  const draft: Record<string, unknown> = { ...(saved ?? { name, keep: {} }), ...(dataset === undefined ? {} : { dataset }) };
  const keep: Record<string, unknown> = { ...saved?.keep };
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, Math.max(0, at));
    const value = pair.slice(at + 1);
    const rule = RULES.find((r) => r.word === key)?.rule;
    if (key === 'cron' || key === 'timezone') draft[key] = value.trim();
    else if (rule !== undefined && /^[0-9]+$/.test(value)) keep[rule] = Number(value);
    else
      throw usage(
        pair,
        rule === undefined ? 'this is no rule of a schedule' : 'expected a whole number',
        `Rules: cron=, timezone=, ${RULES.map((r) => `${r.word}=N`).join(', ')}`,
      );
  }
  draft.keep = keep;
  if (input.flag('recursive')) draft.recursive = true;
  if (input.flag('not-recursive')) draft.recursive = false;
  if (input.flag('off')) draft.enabled = false;
  if (input.flag('on')) draft.enabled = true;
  if (draft.dataset === undefined)
    throw usage(name, 'there is no such schedule, and no dataset is given for a new one', 'See: dplane schedule list');
  if (draft.cron === undefined)
    throw usage(name, 'a new schedule needs its times', "Such as cron='0 * * * *' (each hour) or cron='30 2 * * *' (each night at 2:30)");
  const parsed = SnapshotSchedule.safeParse(draft);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw usage(issue?.path.join('.') || name, issue?.message ?? 'this is no schedule', 'See: dplane schedule set --help');
};

export const scheduleSet: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const schedule = await read(cli, input);
  return change(cli, [{ kind: 'schedule.put', schedule }], async () => {
    const { nextAt } = await (await cli.api()).schedules.get.query({ name: schedule.name });
    return nextAt === null
      ? warn(`${schedule.name} is there; it will take no snapshot`)
      : `${schedule.name} takes its next snapshot at ${stamp(nextAt, schedule.timezone)}`;
  });
};

export const scheduleRemove: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('NAME');
  return change(cli, [{ kind: 'schedule.remove', name }], async () => {
    const { schedules } = await (await cli.api()).schedules.list.query();
    return schedules.some((x) => x.schedule.name === name) ? warn(`${name} is still there`) : `${name} is gone; the snapshots it took stay`;
  });
};

export const schedulePreview: Handler = async (cli, input) => {
  const { term } = cli;
  const schedule = await read(cli, input);
  const p = await (await cli.api()).schedules.preview.mutate({ schedule, days: input.number('days', 1, 365) ?? 365 });
  term.data({ schedule, preview: p });
  if (term.json) return EXIT.ok;
  const zone = schedule.timezone;
  term.line([strong(schedule.name), `  ${schedule.dataset}${schedule.recursive ? ' and below' : ''}, cron "${schedule.cron}" ${zone}`]);
  term.line(dim(`  keeps ${keepText(schedule.keep)}`));
  term.line();
  term.fields(
    [
      ['Takes', `${count(p.made, 'snapshot')} until ${stamp(p.to, zone)}${schedule.recursive ? ', of each dataset' : ''}`],
      ['Next', p.next.length === 0 ? warn('never') : p.next.map((at) => stamp(at, zone)).join(', ')],
      ['Now', `${count(p.existing, 'snapshot')} of it`],
      ...(p.doomedNow > 0 ? ([['At once', bad(`the first run destroys ${count(p.doomedNow, 'snapshot')} of these`)]] as const) : []),
      ['Then', `${count(p.aliveAtEnd, 'snapshot')} live; never more than ${p.peak}`],
    ],
    '  ',
  );
  term.line();
  term.table(
    p.months,
    [
      { title: 'MONTH', cell: (m) => `${m.year}-${String(m.month).padStart(2, '0')}` },
      { title: 'TAKEN', cell: (m) => String(m.made), align: 'right' },
      { title: 'DESTROYED', cell: (m) => String(m.destroyed), align: 'right' },
      { title: 'LEFT', cell: (m) => String(m.alive), align: 'right' },
    ],
    '  ',
  );
  term.line();
  const shown = p.alive.slice(0, 60);
  term.line(dim(`  What lives then${shown.length < p.aliveAtEnd ? `, the newest ${shown.length} of ${p.aliveAtEnd}` : ''}:`));
  for (const a of shown) term.line(`  ${stamp(a.at, zone)}${a.existed ? '  (there already)' : ''}`);
  return EXIT.ok;
};
