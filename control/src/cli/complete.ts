/**
 * What a shell offers for the word at the cursor: `dplane __complete WORD...`, one candidate a line, tab, what it is.
 * Contract: never asks, never fails, never takes long; names come from the box when it answers in time.
 */
import { Cli } from './cli.ts';
import { COMMANDS, GLOBALS } from './commands.ts';
import { type Arg, Input, type Offer, type Option } from './parse.ts';
import { type Streams, Terminal } from './terminal.ts';
import { clean } from './text.ts';

export type Candidate = { readonly word: string; readonly about: string };

const PATIENCE_MS = 1500;

/** Names from the box the same options point at; nothing when it doesn't answer or doesn't know us. */
const namesFromBox = async (
  kind: Offer,
  word: string,
  options: ReadonlyMap<string, readonly string[]>,
  streams: Streams,
): Promise<readonly Candidate[]> => {
  // With --json nothing can be asked, so an unknown certificate is simply not trusted.
  const cli = new Cli(new Terminal(streams, true), streams.env, Date.now, new Input(new Map(), options));
  const ask = async (): Promise<readonly Candidate[]> => {
    if (kind === 'profile') return Object.entries(cli.config.hosts).map(([name, h]) => ({ word: name, about: h.url }));
    const api = await cli.api();
    if (kind === 'pool') return (await api.pools.list.query()).pools.map((p) => ({ word: p.name, about: p.health }));
    if (kind === 'dataset') return (await api.datasets.list.query({})).datasets.map((d) => ({ word: d.name, about: d.kind }));
    if (kind === 'schedule')
      return (await api.schedules.list.query()).schedules.map((x) => ({ word: x.schedule.name, about: x.schedule.dataset }));
    if (kind === 'user') return (await api.access.users.list.query()).users.map((u) => ({ word: u.name, about: u.role }));
    if (kind === 'disk') {
      const { shortDisk } = await import('./cmd/pool.ts');
      const kinds = ['mirror', 'raidz1', 'raidz2', 'raidz3', 'log', 'cache', 'special', 'spare'].map((k) => ({ word: k, about: 'vdev' }));
      return [
        ...kinds,
        ...(await api.disks.list.query()).disks
          .filter((d) => d.pool === null && d.foreign === null && !d.system)
          .map((d) => ({ word: shortDisk(d.path), about: d.model })),
      ];
    }
    if (kind === 'snapshot') {
      const at = word.indexOf('@');
      if (at < 0)
        return (await api.datasets.list.query({})).datasets
          .filter((d) => d.snapshots > 0)
          .map((d) => ({ word: `${d.name}@`, about: `${d.snapshots} snapshots` }));
      const { rows } = await api.snapshots.list.query({ dataset: word.slice(0, at), limit: 500, sort: 'createdAt', descending: true });
      return rows.map((s) => ({ word: `${s.dataset}@${s.tag}`, about: '' }));
    }
    return [];
  };
  let limit: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Candidate[]>((resolve) => {
    limit = setTimeout(() => resolve([]), PATIENCE_MS);
  });
  try {
    return await Promise.race([ask().catch(() => []), late]);
  } finally {
    clearTimeout(limit);
    cli.close();
  }
};

const fixed = async (kind: Offer): Promise<readonly Candidate[] | undefined> => {
  if (kind === 'file') return [];
  if (kind === 'command') return COMMANDS.map((c) => ({ word: c.path.split(' ')[0] ?? '', about: '' }));
  if (kind === 'property') {
    const { PROPERTY_NAMES } = await import('../domain/property/property.ts');
    return PROPERTY_NAMES.map((p) => ({ word: `${p}=`, about: 'property' }));
  }
  return typeof kind === 'string' ? undefined : kind.map((word) => ({ word, about: '' }));
};

/** All candidates for the last of `words`; the first is the word after `dplane`. */
export const candidates = async (
  words: readonly string[],
  names: (kind: Offer, word: string, options: ReadonlyMap<string, readonly string[]>) => Promise<readonly Candidate[]>,
): Promise<readonly Candidate[]> => {
  const word = words.at(-1) ?? '';
  const offer = async (
    kind: Offer | undefined,
    options: ReadonlyMap<string, readonly string[]>,
    text: string,
  ): Promise<readonly Candidate[]> => (kind === undefined ? [] : ((await fixed(kind)) ?? (await names(kind, text, options))));

  // Read what stands before the cursor, leniently: nobody types half a command right.
  const path: string[] = [];
  const given = new Map<string, string[]>();
  let positional = 0;
  let waiting: Option | undefined;
  const find = (raw: string, known: readonly Option[]): Option | undefined =>
    known.find((o) => raw === `--${o.name}` || (o.short !== undefined && raw === `-${o.short}`));
  const matching = () => COMMANDS.find((c) => c.path === path.join(' '));
  const known = (): readonly Option[] => [...(matching()?.options ?? []), ...GLOBALS];
  for (const w of words.slice(0, -1)) {
    if (waiting) {
      given.set(waiting.name, [...(given.get(waiting.name) ?? []), w]);
      waiting = undefined;
    } else if (w.startsWith('-') && w.length > 1) {
      const cut = w.indexOf('=');
      const option = find(cut < 0 ? w : w.slice(0, cut), known());
      if (option?.value !== undefined && cut < 0) waiting = option;
      else if (option) given.set(option.name, [...(given.get(option.name) ?? []), cut < 0 ? '' : w.slice(cut + 1)]);
    } else if (
      path.length < 2 &&
      positional === 0 &&
      COMMANDS.some((c) => c.path === [...path, w].join(' ') || c.path.startsWith(`${[...path, w].join(' ')} `))
    )
      path.push(w);
    else positional += 1;
  }
  const command = matching();
  const starting = (list: readonly Candidate[], text = word): readonly Candidate[] => list.filter((c) => c.word.startsWith(text));

  if (waiting) return starting(await offer(waiting.offer, given, word));
  if (word.startsWith('-')) {
    const cut = word.indexOf('=');
    if (cut > 0) {
      const option = find(word.slice(0, cut), known());
      const value = word.slice(cut + 1);
      return starting(await offer(option?.offer, given, value), value).map((c) => ({
        word: `${word.slice(0, cut + 1)}${c.word}`,
        about: c.about,
      }));
    }
    return starting(
      known()
        .filter((o) => o.many || !given.has(o.name))
        .map((o) => ({ word: `--${o.name}`, about: o.help })),
    );
  }
  const next = new Map<string, string>();
  if (positional === 0 && path.length < 2)
    for (const c of COMMANDS) {
      const parts = c.path.split(' ');
      const follows = parts.length > path.length && path.every((p, i) => parts[i] === p);
      const w = parts[path.length];
      if (follows && w !== undefined && !next.has(w)) next.set(w, parts.length === path.length + 1 ? c.summary : '');
    }
  const args: readonly Arg[] = command?.args ?? [];
  const arg = args[positional] ?? (args.at(-1)?.many ? args.at(-1) : undefined);
  return starting([...Array.from(next, ([w, about]) => ({ word: w, about })), ...(await offer(arg?.offer, given, word))]);
};

/** Is a file what is wanted? Then the shell does it better itself. */
export const FILES = '__files__';

const wantsFile = (words: readonly string[]): boolean => {
  const before = words.at(-2) ?? '';
  const path = words.slice(0, 2).join(' ');
  const command = COMMANDS.find((c) => c.path === path) ?? COMMANDS.find((c) => c.path === words[0]);
  const option = [...(command?.options ?? []), ...GLOBALS].find((o) => before === `--${o.name}` || before === `-${o.short}`);
  if (option?.value !== undefined) return option.offer === 'file';
  return !(words.at(-1) ?? '').startsWith('-') && words.length > 2 && command?.args?.some((a) => a.offer === 'file') === true;
};

export const complete = async (words: readonly string[], streams: Streams): Promise<void> => {
  const quiet: Streams = { ...streams, stdin: streams.stdin };
  const found = await candidates(words, (kind, word, options) => namesFromBox(kind, word, options, quiet));
  const lines = new Set(found.map((c) => `${c.word}\t${clean(c.about)}`).filter((l) => clean(l.split('\t')[0] ?? '') === l.split('\t')[0]));
  if (wantsFile(words)) lines.add(`${FILES}\t`);
  streams.stdout.write(Array.from(lines, (l) => `${l}\n`).join(''));
};
