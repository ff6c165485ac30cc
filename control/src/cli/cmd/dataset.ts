/** dataset list, show, create, set, rename, destroy */
import type { ObservedDataset } from '../../domain/dataset/dataset.ts';
import { KEY_WORDS } from '../../domain/key/key.ts';
import { formatBytes } from '../../domain/units.ts';
import type { Cli, Handler } from '../cli.ts';
import { ago, count } from '../format.ts';
import { EXIT } from '../problems.ts';
import { bad, dim, good, strong, warn } from '../terminal.ts';
import { readProperties } from './pool.ts';

/** The last part, indented by how deep it is: the tree is in the order of names. */
const treeName = (name: string, top: number): string => {
  const parts = name.split('/');
  const depth = Math.max(0, parts.length - top);
  return depth === 0 ? name : `${'  '.repeat(depth)}${parts.at(-1) ?? ''}`;
};

/** Sorts children right below their parent: `/` before anything a name can hold. */
const treeOrder = (name: string): string => name.replaceAll('/', '\0');

const shownLimit = (d: ObservedDataset): string => {
  const value = d.properties.refquota?.value ?? '0';
  const quota = d.properties.quota?.value ?? '0';
  const limit = [quota, value].find((v) => v !== '0' && v !== 'none' && v !== '-');
  if (d.kind === 'volume') return d.properties.volsize ? sizeText(d.properties.volsize.value) : '';
  return limit === undefined ? '' : sizeText(limit);
};
/** The host gives sizes as bytes, people as 10G; both are shown alike. */
const sizeText = (value: string): string => (/^[0-9]+$/.test(value) ? formatBytes(Number(value)) : value);

export const datasetList: Handler = async (cli, input) => {
  const { term } = cli;
  const under = input.maybe('DATASET');
  const api = await cli.api();
  const { at, total, datasets } = await api.datasets.list.query(under === undefined ? {} : { under });
  // A name that isn't there is a mistake to be told, not an empty list.
  if (under !== undefined && total === 0) await api.datasets.get.query({ name: under });
  term.data({ at, total, datasets });
  if (datasets.length === 0) term.line('No dataset yet: a pool comes first (dplane pool list).');
  else {
    const rows = datasets.toSorted((a, b) => (treeOrder(a.name) < treeOrder(b.name) ? -1 : 1));
    const top = Math.min(...rows.map((d) => d.name.split('/').length));
    const whole = term.width === Number.POSITIVE_INFINITY;
    term.table(rows, [
      { title: 'DATASET', cell: (d) => (whole ? d.name : treeName(d.name, top)), shrink: 'end' },
      { title: 'KIND', cell: (d) => (d.kind === 'volume' ? 'volume' : dim('fs')) },
      { title: 'USED', cell: (d) => formatBytes(d.used), align: 'right' },
      { title: 'OWN', cell: (d) => formatBytes(d.referenced), align: 'right', spare: 2 },
      { title: 'AVAIL', cell: (d) => formatBytes(d.available), align: 'right' },
      { title: 'QUOTA', cell: shownLimit, align: 'right', spare: 3 },
      { title: 'SNAPS', cell: (d) => String(d.snapshots), align: 'right' },
      {
        title: 'MOUNTED AT',
        cell: (d) =>
          d.keyStatus === 'unavailable' ? warn('locked') : d.kind === 'volume' ? '' : d.mounted ? (d.mountpoint ?? '') : dim('not mounted'),
        shrink: 'middle',
        spare: 1,
      },
    ]);
  }
  return EXIT.ok;
};

const keyWords = (d: ObservedDataset): string => {
  if (d.encryptionRoot !== d.name) return `that of ${d.encryptionRoot ?? '?'}`;
  const copy = d.keyFile ? (d.keyBackedUp ? ', a copy of it is kept elsewhere' : ', and nobody keeps a copy of it') : '';
  return `${KEY_WORDS[d.keyKind ?? 'other']}${copy}`;
};

export const datasetShow: Handler = async (cli, input) => {
  const { term } = cli;
  const { at, dataset: d } = await (await cli.api()).datasets.get.query({ name: input.word('DATASET') });
  term.data({ at, dataset: d });
  if (term.json) return EXIT.ok;
  const now = cli.now();
  term.line([strong(d.name), `  ${d.kind}`, d.keyStatus === 'unavailable' ? bad('  locked') : '']);
  term.line();
  term.fields(
    [
      ['Used', `${formatBytes(d.used)}, of it ${formatBytes(d.usedBySnapshots)} by ${count(d.snapshots, 'snapshot')}`],
      ['Own data', `${formatBytes(d.referenced)}, compressed ${d.compressRatio.toFixed(2)}x`],
      ['Available', formatBytes(d.available)],
      ...(d.kind === 'filesystem' ? ([['Mounted', d.mounted ? good(d.mountpoint ?? 'yes') : warn('no')]] as const) : []),
      ['Encrypted', d.encryption === 'off' ? 'no' : `${d.encryption}, ${d.keyStatus === 'available' ? 'open' : 'locked'}`],
      ...(d.encryption === 'off' ? [] : ([['Key', keyWords(d)]] as const)),
      ...(d.origin === null ? [] : ([['Clone of', d.origin]] as const)),
      ['Made', ago(d.createdAt, now)],
      ['Guid', d.guid],
      ['Seen', ago(at, now)],
    ],
    '  ',
  );
  const all = Object.entries(d.properties).map(([name, p]) => ({ name, ...p }));
  const rows = input.flag('all') ? all : all.filter((p) => p.source !== 'default' && p.source !== 'none');
  term.line();
  if (rows.length === 0) term.line(dim('  Every property has its default value (--all shows them).'));
  else
    term.table(
      rows,
      [
        { title: 'PROPERTY', cell: (p) => p.name },
        {
          title: 'VALUE',
          cell: (p) =>
            /^(quota|refquota|reservation|refreservation|volsize|volblocksize|recordsize)$/.test(p.name) ? sizeText(p.value) : p.value,
          shrink: 'end',
        },
        { title: 'FROM', cell: (p) => dim(p.source === 'inherited' && p.from ? p.from : p.source), shrink: 'middle' },
      ],
      '  ',
    );
  return EXIT.ok;
};

export const datasetCreate: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  const kind = input.choice('type', ['filesystem', 'volume']) ?? 'filesystem';
  const properties = readProperties(input.words('NAME=VALUE'));
  const { encryptionFrom, afterCreate } = await import('./key.ts');
  const { encryption, passphrase } = await encryptionFrom(cli, input);
  const request = {
    kind: 'dataset.create' as const,
    dataset: { name, kind, properties, ...(encryption && { encryption }) },
    ...(passphrase !== undefined && { passphrase }),
  };
  const end = await change(cli, [request], async () => {
    const { dataset: d } = await (await cli.api()).datasets.get.query({ name });
    return d.kind === 'volume'
      ? `${name} is there, ${shownLimit(d)}`
      : `${name} is there, ${d.mounted ? `mounted at ${d.mountpoint ?? '?'}` : 'not mounted'}, ${formatBytes(d.available)} available`;
  });
  if (end === EXIT.ok) afterCreate(cli, name, encryption?.key);
  return end;
};

export const datasetSet: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  const properties = readProperties(input.words('NAME=VALUE'));
  return change(cli, [{ kind: 'dataset.set', name, properties }], async () => {
    const { dataset: d } = await (await cli.api()).datasets.get.query({ name });
    const now = Object.entries(d.properties).filter(([p]) => p in properties);
    return `${name} has ${now.map(([p, v]) => `${p}=${v.value}`).join(' ')}`;
  });
};

const shares = (list: readonly { share: string; clients: readonly { user: string; machine: string }[] }[]): string[] =>
  list.map(
    (s) =>
      `${s.share}${s.clients.length === 0 ? '' : ` (connected: ${[...new Set(s.clients.map((c) => `${c.user}@${c.machine}`))].join(', ')})`}`,
  );
const few = (list: readonly string[]): string => `${list.slice(0, 6).join(', ')}${list.length > 6 ? ` and ${list.length - 6} more` : ''}`;

/** What the host says would go: shown before the plan, for whoever reads. */
export const showDestroyed = async (cli: Cli, name: string, tags?: readonly string[]): Promise<void> => {
  const { term } = cli;
  const v = await (await cli.api()).preview.destroy.query({ dataset: name, ...(tags === undefined ? {} : { tags: tags.join(',') }) });
  if (term.json) return;
  const what = [...(v.datasets.length > 0 ? [count(v.datasets.length, 'dataset')] : []), count(v.snapshots, 'snapshot')].join(' and ');
  term.line(`${what} would go${v.reclaims === null ? '' : `; that gives back ${formatBytes(v.reclaims)}`}.`);
  const part = (title: string, list: readonly string[]): void => {
    if (list.length > 0) term.line([dim(`  ${title}: `), few(list)]);
  };
  part('datasets', v.datasets.length > 1 ? v.datasets.map((d) => d.name) : []);
  part('shares that end', shares(v.shares));
  part('schedules', v.schedules);
  part('replication', v.replication);
  part(
    'keys that open nothing then',
    v.keys.map((k) => k.dataset),
  );
  for (const o of v.obstacles.slice(0, 6)) term.line([warn('  in the way: '), o]);
};

export const datasetRename: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  const to = input.word('NEW-NAME');
  const v = await (await cli.api()).preview.rename.query({ dataset: name, to });
  if (!cli.term.json) {
    if (v.datasets.length > 1) cli.term.line(dim(`  ${count(v.datasets.length - 1, 'dataset')} below it move along`));
    if (v.shares.length > 0) cli.term.line([warn('  shares that follow: '), few(shares(v.shares))]);
    if (v.schedules.length > 0) cli.term.line(dim(`  schedules that follow: ${few(v.schedules)}`));
  }
  return change(cli, [{ kind: 'dataset.rename', name, to }], async () => {
    const { dataset: d } = await (await cli.api()).datasets.get.query({ name: to });
    return `it is ${d.name} now${d.mounted ? `, mounted at ${d.mountpoint ?? '?'}` : ''}`;
  });
};

export const datasetPromote: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  return change(cli, [{ kind: 'dataset.promote', name }], async () => {
    const { dataset: d } = await (await cli.api()).datasets.get.query({ name });
    return d.origin === null ? `${name} depends on nothing any more` : warn(`${name} is still a clone of ${d.origin}`);
  });
};

export const datasetDestroy: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  await showDestroyed(cli, name);
  return change(cli, [{ kind: 'dataset.destroy', name }], async () => {
    const { total } = await (await cli.api()).datasets.list.query({ under: name, limit: 1 });
    return total === 0 ? `${name} is gone` : warn(`${name} is still there; look again in a minute`);
  });
};
