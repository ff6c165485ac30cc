/** snapshot list, create, destroy, rollback, clone, diff, hold, release */
import { setTimeout as pause } from 'node:timers/promises';
import type { Snapshot } from '../../domain/snapshot/snapshot.ts';
import { formatBytes } from '../../domain/units.ts';
import type { Cli, Handler } from '../cli.ts';
import { ago, count } from '../format.ts';
import { EXIT, type Exit, Problem, usage } from '../problems.ts';
import { dim, warn } from '../terminal.ts';

export const snapshotList: Handler = async (cli, input) => {
  const { term } = cli;
  const dataset = input.maybe('DATASET');
  const text = input.text('match');
  const by = input.choice('sort', ['created', 'name', 'used', 'referenced']) ?? 'created';
  const limit = input.number('limit', 1, 10_000) ?? 50;
  if (dataset?.includes('@'))
    throw usage(
      dataset,
      'expected a dataset, not a snapshot',
      `dplane snapshot list ${dataset.split('@')[0]} --match ${dataset.split('@')[1]}`,
    );
  const api = await cli.api();
  const { at, total, rows } = await api.snapshots.list.query({
    ...(dataset === undefined ? {} : { dataset, recursive: input.flag('recursive') }),
    ...(text === undefined ? {} : { text }),
    ...(input.flag('held') ? { heldOnly: true } : {}),
    sort: by === 'created' ? 'createdAt' : by,
    // The newest and the largest first; names from a to z.
    descending: (by !== 'name') !== input.flag('reverse'),
    limit,
  });
  if (dataset !== undefined && total === 0) await api.datasets.get.query({ name: dataset });
  term.data({ at, total, snapshots: rows });
  if (rows.length === 0) term.line('No snapshot.');
  else {
    const now = cli.now();
    term.table(rows, [
      { title: 'SNAPSHOT', cell: (s) => `${s.dataset}@${s.tag}`, shrink: 'middle' },
      { title: 'MADE', cell: (s) => ago(s.createdAt, now) },
      { title: 'USED', cell: (s) => formatBytes(s.used), align: 'right' },
      { title: 'REFERS', cell: (s) => formatBytes(s.referenced), align: 'right', spare: 1 },
      { title: 'HELD', cell: (s) => (s.holds > 0 ? warn(String(s.holds)) : dim('no')), align: 'right' },
    ]);
    if (total > rows.length) term.note(dim(`${rows.length} of ${count(total, 'snapshot')}; more with --limit ${Math.min(10_000, total)}`));
  }
  return EXIT.ok;
};

/** The index of snapshots follows a change a moment later: looked at a few times before it is said that something is missing. */
const settled = async <T>(read: () => Promise<T>, isRight: (value: T) => boolean): Promise<T> => {
  let value = await read();
  for (let tries = 0; tries < 10 && !isRight(value); tries += 1) {
    await pause(300);
    value = await read();
  }
  return value;
};

const split = (name: string): { dataset: string; tag: string } => {
  const at = name.indexOf('@');
  if (at < 1 || at === name.length - 1) throw usage(name, 'a snapshot is named dataset@name', 'See: dplane snapshot list');
  return { dataset: name.slice(0, at), tag: name.slice(at + 1) };
};

const find = async (cli: Cli, dataset: string, tag: string): Promise<Snapshot | undefined> => {
  const { rows } = await (await cli.api()).snapshots.list.query({ dataset, text: tag, limit: 10_000 });
  return rows.find((s) => s.dataset === dataset && s.tag === tag);
};
export const mustFind = async (cli: Cli, name: string): Promise<Snapshot> => {
  const { dataset, tag } = split(name);
  const found = await find(cli, dataset, tag);
  if (!found) throw new Problem(EXIT.failed, 'not-found', name, 'there is no such snapshot', `See: dplane snapshot list ${dataset}`);
  return found;
};

export const snapshotCreate: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET[@NAME]');
  const { gmtTag } = await import('../../domain/snapshot/snapshot.ts');
  const { dataset, tag } = name.includes('@') ? split(name) : { dataset: name, tag: gmtTag(new Date(cli.now())) };
  return change(cli, [{ kind: 'snapshot.create', dataset, tag, recursive: input.flag('recursive') }], async () => {
    const made = await find(cli, dataset, tag);
    return made
      ? `${dataset}@${tag} is there, ${formatBytes(made.referenced)}`
      : warn(`${dataset}@${tag} is not in the list yet; look again in a minute`);
  });
};

/** `tank/media@a%b`: all from a to b. */
const destroyRange = async (cli: Cli, name: string): Promise<Exit> => {
  const { change } = await import('../changes.ts');
  const { dataset, tag } = split(name);
  const [from = '', to = '', ...more] = tag.split('%');
  if (from === '' || to === '' || more.length > 0) throw usage(name, 'a range is named dataset@first%last', 'See: dplane snapshot list');
  const api = await cli.api();
  const { snapshots, reclaims, obstacles } = await api.snapshots.range.query({ dataset, from, to });
  cli.term.line(
    `${count(snapshots.length, 'snapshot')} from ${from} to ${to}${reclaims === null ? '' : `; destroying them gives back ${formatBytes(reclaims)}`}`,
  );
  if (obstacles.length > 0)
    throw new Problem(EXIT.failed, 'blocked', name, obstacles.slice(0, 5).join('; '), 'Release or destroy these first.');
  const doomed = snapshots.map((s) => ({ tag: s.tag, guid: s.guid }));
  const [only] = doomed;
  return change(
    cli,
    only !== undefined && doomed.length === 1
      ? [{ kind: 'snapshot.destroy', dataset, ...only }]
      : [{ kind: 'snapshot.destroyMany', dataset, snapshots: doomed }],
    () => Promise.resolve(`${count(doomed.length, 'snapshot')} of ${dataset} are gone`),
  );
};

export const snapshotRollback: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const { dataset, tag } = split(input.word('SNAPSHOT'));
  const { guid, loses, bookmarks, obstacles } = await (await cli.api()).snapshots.rollback.query({ dataset, tag });
  if (obstacles.length > 0)
    throw new Problem(
      EXIT.failed,
      'blocked',
      `${dataset}@${tag}`,
      obstacles.slice(0, 5).join('; '),
      'Release, destroy or promote these first; or clone the snapshot instead.',
    );
  const request = {
    kind: 'snapshot.rollback' as const,
    dataset,
    tag,
    guid,
    loses: loses.map((s) => ({ tag: s.tag, guid: s.guid })),
    bookmarks,
  };
  return change(cli, [request], () => Promise.resolve(`${dataset} is what it was at ${tag}`));
};

export const snapshotClone: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const { dataset, tag, guid } = await mustFind(cli, input.word('SNAPSHOT'));
  const to = input.word('NEW-NAME');
  return change(cli, [{ kind: 'snapshot.clone', dataset, tag, guid, to }], async () => {
    const { dataset: d } = await (await cli.api()).datasets.get.query({ name: to });
    return `${to} is there${d.mounted ? `, mounted at ${d.mountpoint ?? '?'}` : ''}`;
  });
};

const SIGNS = { added: '+', removed: '-', modified: 'M', renamed: 'R' } as const;
export const snapshotDiff: Handler = async (cli, input) => {
  const { term } = cli;
  const { dataset, tag } = split(input.word('SNAPSHOT'));
  const later = input.maybe('LATER');
  const to = later?.includes('@') ? split(later).tag : later;
  const answer = await (await cli.api()).snapshots.diff.query({
    dataset,
    tag,
    ...(to === undefined ? {} : { to }),
    limit: input.number('limit', 1, 10_000) ?? 1000,
  });
  term.data(answer);
  if (answer.entries.length === 0) term.line(to === undefined ? 'Nothing has changed since.' : 'Nothing changed between them.');
  for (const e of answer.entries)
    term.line(`${SIGNS[e.change]} ${e.path}${e.type === 'folder' ? '/' : ''}${e.to === null ? '' : `  ->  ${e.to}`}`);
  if (!answer.complete) term.note(dim(`the first ${answer.entries.length}; more with --limit`));
  return EXIT.ok;
};

export const snapshotDestroy: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('SNAPSHOT');
  if (name.includes('%')) return destroyRange(cli, name);
  const { dataset, tag, guid } = await mustFind(cli, name);
  await (await import('./dataset.ts')).showDestroyed(cli, dataset, [tag]);
  return change(cli, [{ kind: 'snapshot.destroy', dataset, tag, guid }], async () =>
    (await settled(
      () => find(cli, dataset, tag),
      (found) => found === undefined,
    ))
      ? warn(`${dataset}@${tag} is still in the list; look again in a minute`)
      : `${dataset}@${tag} is gone`,
  );
};

const holding =
  (kind: 'snapshot.hold' | 'snapshot.release'): Handler =>
  async (cli, input) => {
    const { change } = await import('../changes.ts');
    const { dataset, tag, guid } = await mustFind(cli, input.word('SNAPSHOT'));
    return change(
      cli,
      [{ kind, dataset, tag, guid, hold: input.maybe('HOLD') ?? 'keep' }],
      async () => `${dataset}@${tag} has ${count((await find(cli, dataset, tag))?.holds ?? 0, 'hold')}`,
    );
  };
export const snapshotHold: Handler = holding('snapshot.hold');
export const snapshotRelease: Handler = holding('snapshot.release');
