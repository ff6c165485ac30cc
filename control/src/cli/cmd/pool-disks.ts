/** pool replace, attach, detach, online, offline, clear, add, remove, trim, set, watch; disk candidates, erase */
import { diskLabel } from '../../domain/disk/disk.ts';
import type { PoolChange } from '../../domain/plan/pool-change.ts';
import { formatBytes } from '../../domain/units.ts';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cli, Handler } from '../cli.ts';
import { change } from '../changes.ts';
import { EXIT, type Exit, interrupted, usage } from '../problems.ts';
import { bad, dim, good, type Span, warn } from '../terminal.ts';
import { readVdevs, scanText } from './pool.ts';

export const diskPath = (word: string): string => {
  if (/^\/dev\/(?!disk\/by-id\/)/.test(word))
    throw usage(word, 'names such as this move between boots', 'Use the name that "dplane disk list" shows.');
  return word.startsWith('/') ? word : `/dev/disk/by-id/${word}`;
};
type Words = { all(name: string): readonly string[] };
const erase = (input: Words): string[] => input.all('erase').map(diskPath);

const stateOf = (cli: Cli, name: string) => async (): Promise<Span> => {
  const { pool } = await (await cli.api()).pools.get.query({ name });
  const scan = pool.scan.state === 'scanning' ? `; ${scanText(pool.scan, cli.now())}` : '';
  return `pool ${name} is ${pool.health}: ${pool.meaning}${scan}`;
};
const ask = (cli: Cli, c: PoolChange): Promise<Exit> => change(cli, [c], stateOf(cli, 'name' in c ? c.name : ''));

/** Shows how far it is until it has ended. */
const follow = async (cli: Cli, name: string): Promise<Exit> => {
  const { term } = cli;
  const api = await cli.api();
  const leave = new AbortController();
  const onInterrupt = (): void => leave.abort();
  process.once('SIGINT', onInterrupt);
  try {
    for (;;) {
      const p = await api.pools.progress.query({ name });
      const growing = p.expansion?.state === 'running';
      const text = growing ? `${p.expansion?.vdev} grows: ${Math.floor((p.expansion?.progress ?? 0) * 100)}%` : scanText(p.scan, cli.now());
      if (p.scan.state !== 'scanning' && !growing) {
        term.status('');
        term.data(p);
        term.line([
          p.health === 'ONLINE' ? good(`${term.symbols.ok} ${name} is ${p.health}`) : warn(`${name} is ${p.health}`),
          dim(`  ${text}`),
        ]);
        return p.health === 'ONLINE' ? EXIT.ok : EXIT.failed;
      }
      term.status(`  ${term.bar(growing ? (p.expansion?.progress ?? 0) : p.scan.progress)} ${text}`);
      await pause(1_000, undefined, { signal: leave.signal });
    }
  } catch (e) {
    if (leave.signal.aborted) throw interrupted('it goes on without us', `Look at it: dplane pool watch ${name}`);
    throw e;
  } finally {
    process.removeListener('SIGINT', onInterrupt);
    term.status('');
  }
};
export const poolWatch: Handler = (cli, input) => follow(cli, input.word('POOL'));

const candidatesOf = async (cli: Cli, name: string, disk: string) => (await cli.api()).pools.candidates.query({ name, for: disk });
type Candidates = Awaited<ReturnType<typeof candidatesOf>>;

const showCandidates = (cli: Cli, { candidates, minSize, pool, for: place }: Candidates): void => {
  const { term } = cli;
  const least = minSize === null ? '' : ` It has to have room for ${formatBytes(minSize)}.`;
  term.line(dim(`Disks for the place of ${diskLabel(place)} in ${pool}.${least}`));
  if (candidates.length === 0) term.line(warn('No other disk is there. Plug one in, then ask again.'));
  else
    term.table(candidates, [
      { title: 'DISK', cell: (c) => diskLabel(c.disk.path), shrink: 'middle' },
      { title: 'SIZE', cell: (c) => formatBytes(c.disk.size), align: 'right' },
      { title: 'SERIAL', cell: (c) => c.disk.serial, shrink: 'end', spare: 2 },
      { title: '', cell: (c) => (c.refused.length > 0 ? bad('no') : c.erase === null ? good('fits') : warn('erase')) },
      {
        title: 'WHY',
        shrink: 'end',
        cell: (c) => [...c.refused, ...(c.erase === null ? [] : [`${c.erase}: give --erase to use it`]), ...c.notes].join('; '),
      },
    ]);
};

export const diskCandidates: Handler = async (cli, input) => {
  const answer = await candidatesOf(cli, input.word('POOL'), input.word('DISK'));
  cli.term.data(answer);
  if (!cli.term.json) showCandidates(cli, answer);
  return EXIT.ok;
};

export const poolReplace: Handler = async (cli, input) => {
  const name = input.word('POOL');
  const disk = input.word('DISK');
  const chosen = input.maybe('NEW-DISK');
  let to = chosen === undefined ? undefined : diskPath(chosen);
  if (to === undefined) {
    const answer = await candidatesOf(cli, name, disk);
    showCandidates(cli, answer);
    const fitting = answer.candidates.filter((c) => c.refused.length === 0);
    const first = fitting[0];
    if (first === undefined || !cli.term.interactive)
      throw usage(
        'no new disk was named',
        first ? `${fitting.length} would do` : 'none would do',
        first ? `For example: dplane pool replace ${name} ${disk} ${diskLabel(first.disk.path)}` : '',
      );
    const { ask: question } = await import('../ask.ts');
    const typed = await question(cli.term, 'Which one? ', diskLabel(first.disk.path));
    to = diskPath(typed === '' ? diskLabel(first.disk.path) : typed);
  }
  const done = await ask(cli, { kind: 'pool.replace', name, disk, with: to, erase: erase(input) });
  return done === EXIT.ok && input.flag('watch') ? follow(cli, name) : done;
};

export const poolAttach: Handler = async (cli, input) => {
  const name = input.word('POOL');
  const done = await ask(cli, {
    kind: 'pool.attach',
    name,
    to: input.word('TO'),
    with: diskPath(input.word('NEW-DISK')),
    erase: erase(input),
  });
  return done === EXIT.ok && input.flag('watch') ? follow(cli, name) : done;
};
export const poolDetach: Handler = (cli, input) => ask(cli, { kind: 'pool.detach', name: input.word('POOL'), disk: input.word('DISK') });
export const poolOffline: Handler = (cli, input) => ask(cli, { kind: 'pool.offline', name: input.word('POOL'), disk: input.word('DISK') });
export const poolOnline: Handler = (cli, input) =>
  ask(cli, { kind: 'pool.online', name: input.word('POOL'), disk: input.word('DISK'), expand: input.flag('expand') });
export const poolClear: Handler = (cli, input) => {
  const disk = input.maybe('DISK');
  return ask(cli, { kind: 'pool.clear', name: input.word('POOL'), ...(disk === undefined ? {} : { disk }) });
};
export const poolAdd: Handler = (cli, input) =>
  ask(cli, { kind: 'pool.add', name: input.word('POOL'), vdevs: readVdevs(input.words('VDEV')), erase: erase(input) });
export const poolRemove: Handler = (cli, input) => ask(cli, { kind: 'pool.remove', name: input.word('POOL'), disk: input.word('DISK') });

const stopOrPause = (input: { flag(name: string): boolean }, what: string): 'start' | 'stop' | 'pause' => {
  if (input.flag('pause') && input.flag('stop')) throw usage(what, '--pause and --stop exclude each other');
  return input.flag('pause') ? 'pause' : input.flag('stop') ? 'stop' : 'start';
};
export const poolTrim: Handler = (cli, input) =>
  ask(cli, { kind: 'pool.trim', name: input.word('POOL'), action: stopOrPause(input, 'dplane pool trim') });

export const poolSet: Handler = (cli, input) => {
  const autotrim = input.choice('autotrim', ['on', 'off']);
  const autoexpand = input.choice('autoexpand', ['on', 'off']);
  const comment = input.text('comment');
  if (autotrim === undefined && autoexpand === undefined && comment === undefined)
    throw usage('dplane pool set', 'nothing to set was named', 'Give --autotrim, --autoexpand or --comment.');
  const options = {
    ...(autotrim === undefined ? {} : { autotrim }),
    ...(autoexpand === undefined ? {} : { autoexpand }),
    ...(comment === undefined ? {} : { comment }),
  };
  return ask(cli, { kind: 'pool.set', name: input.word('POOL'), options });
};

export const diskErase: Handler = (cli, input) => {
  const path = diskPath(input.word('DISK'));
  return change(cli, [{ kind: 'disk.erase', path }], () => Promise.resolve(`${diskLabel(path)} is empty`));
};

export const poolSchedule: Handler = async (cli, input) => {
  const { term } = cli;
  const api = await cli.api();
  const name = input.word('POOL');
  const now = await api.pools.care.query({ name });
  const given = (option: string, was: string | null): string | null => {
    const text = input.text(option);
    return text === undefined ? was : text === 'never' ? null : text;
  };
  const care = {
    scrub: given('scrub', now.care.scrub),
    trim: given('trim', now.care.trim),
    timezone: input.text('timezone') ?? now.care.timezone,
  };
  const asked = ['scrub', 'trim', 'timezone'].some((o) => input.text(o) !== undefined);
  const answer = asked ? await api.pools.setCare.mutate({ name, care }) : now;
  term.data(answer);
  for (const kind of ['scrub', 'trim'] as const) {
    const at = answer.next[kind];
    term.line(
      `${kind}: ${answer.care[kind] ?? 'never by itself'}${at === null ? '' : `  next ${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`}`,
    );
  }
  return EXIT.ok;
};
