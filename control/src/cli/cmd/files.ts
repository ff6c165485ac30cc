/** snapshot ls, find, versions, get, restore */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { FileEntry } from '../../domain/snapshot/files.ts';
import { formatBytes } from '../../domain/units.ts';
import { headersOf } from '../api.ts';
import type { Cli, Handler } from '../cli.ts';
import { ago, count } from '../format.ts';
import { asRefusal, EXIT, fromRefusal, Problem, usage } from '../problems.ts';
import { dim, good, strong } from '../terminal.ts';
import { mustFind } from './snapshot.ts';

/** As it is typed: slashes at either end mean nothing. */
const pathOf = (text: string | undefined): string => (text ?? '').replace(/^\/+|\/+$/g, '');
const shownMode = (e: FileEntry): string =>
  `${{ file: '-', folder: 'd', link: 'l', other: '?' }[e.type]}${e.mode.toString(8).padStart(4, '0')}`;
const shownName = (e: FileEntry): string => (e.type === 'folder' ? `${e.name}/` : e.name);

export const snapshotLs: Handler = async (cli, input) => {
  const { term } = cli;
  const { dataset, tag, guid } = await mustFind(cli, input.word('SNAPSHOT'));
  const path = pathOf(input.maybe('PATH'));
  const api = await cli.api();
  const entries: FileEntry[] = [];
  let total = 1;
  while (entries.length < total) {
    const page = await api.snapshots.browse.query({ dataset, tag, guid, path, offset: entries.length });
    total = page.entries.length === 0 ? 0 : page.total;
    entries.push(...page.entries);
  }
  term.data({ path, entries });
  if (entries.length === 0) term.line('It is empty.');
  else
    term.table(entries, [
      { title: 'MODE', cell: shownMode },
      { title: 'OWNER', cell: (e) => `${e.uid}:${e.gid}`, spare: 1 },
      { title: 'SIZE', cell: (e) => (e.type === 'file' ? formatBytes(e.size) : dim('-')), align: 'right' },
      { title: 'CHANGED', cell: (e) => ago(e.modifiedAt, cli.now()) },
      { title: 'NAME', cell: (e) => (e.type === 'folder' ? strong(shownName(e)) : shownName(e)), shrink: 'middle' },
    ]);
  return EXIT.ok;
};

export const snapshotFind: Handler = async (cli, input) => {
  const { term } = cli;
  const { dataset, tag, guid } = await mustFind(cli, input.word('SNAPSHOT'));
  const answer = await (await cli.api()).snapshots.search.query({ dataset, tag, guid, text: input.word('TEXT') });
  term.data(answer);
  if (answer.found.length === 0) term.line('Nothing has this in its name.');
  for (const { path, entry } of answer.found) term.line(`${path}${entry.type === 'folder' ? '/' : ''}`);
  if (!answer.complete) term.note(dim('that is how far one looks within seconds; search in a folder that is smaller'));
  return EXIT.ok;
};

export const snapshotVersions: Handler = async (cli, input) => {
  const { term } = cli;
  const dataset = input.word('DATASET');
  const answer = await (await cli.api()).snapshots.versions.query({ dataset, path: pathOf(input.word('PATH')) });
  term.data(answer);
  if (answer.versions.length === 0) term.line('No snapshot shows it.');
  else
    term.table([...answer.versions].reverse(), [
      { title: 'CHANGED', cell: (v) => ago(v.entry.modifiedAt, cli.now()) },
      { title: 'SIZE', cell: (v) => formatBytes(v.entry.size), align: 'right' },
      { title: 'NEWEST SNAPSHOT', cell: (v) => `${dataset}@${v.tags.at(-1)}`, shrink: 'middle' },
      { title: 'IN', cell: (v) => count(v.tags.length, 'snapshot'), align: 'right' },
    ]);
  if (answer.of > answer.looked) term.note(dim(`in the newest ${answer.looked} of ${count(answer.of, 'snapshot')}`));
  return EXIT.ok;
};

export const snapshotGet: Handler = async (cli, input) => {
  const { term } = cli;
  const { dataset, tag, guid } = await mustFind(cli, input.word('SNAPSHOT'));
  const path = pathOf(input.maybe('PATH'));
  const out = input.text('out');
  let bytes = 0;
  let target = out ?? '';
  const reply = await cli.transport.send({
    method: 'GET',
    path: `/api/zfs/snapshots/file?${new URLSearchParams({ dataset, tag, guid, path })}`,
    headers: headersOf(cli.credentials),
    body: null,
    sink: async (answer) => {
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
      });
      answer.pause();
      if (out === '-') {
        await pipeline(answer, term.streams.stdout, { end: false });
        return;
      }
      const name = path.slice(path.lastIndexOf('/') + 1) || dataset.replaceAll('/', '-');
      target = out ?? (answer.headers['content-type'] === 'application/x-tar' ? `${name}.tar` : name);
      try {
        // never over a file that is there
        await pipeline(answer, createWriteStream(target, { flags: 'wx', mode: 0o600 }));
      } catch (error) {
        const there = error instanceof Error && 'code' in error && error.code === 'EEXIST';
        if (there) throw new Problem(EXIT.failed, 'file', target, 'a file of this name is here', 'Choose another: --out FILE');
        await rm(target, { force: true }); // half of a file is none
        throw error;
      }
    },
  });
  if (!reply.ok) {
    const refusal = asRefusal(await reply.json());
    throw refusal ? fromRefusal(refusal) : new Problem(EXIT.failed, 'failed', path, `HTTP ${reply.status}`, '');
  }
  term.data({ path, bytes, target });
  if (out !== '-') term.line([good(`${term.symbols.ok} ${target}`), `, ${formatBytes(bytes)}`]);
  return EXIT.ok;
};

const place = (text: string): { dataset: string; folder: string; name: string } => {
  const at = text.search(/:(?=[^:]*$)/);
  const path = pathOf(text.slice(at + 1));
  const cut = path.lastIndexOf('/');
  if (at < 1 || path === '') throw usage(text, 'expected a dataset and a path', 'Such as: --to tank/home:found/list.txt');
  return { dataset: text.slice(0, at), folder: cut < 0 ? '' : path.slice(0, cut), name: path.slice(cut + 1) };
};

export const snapshotRestore: Handler = async (cli: Cli, input) => {
  const { change } = await import('../changes.ts');
  const { dataset, tag, guid } = await mustFind(cli, input.word('SNAPSHOT'));
  const path = pathOf(input.maybe('PATH'));
  if (path === '')
    throw usage(
      'PATH',
      'expected a file or folder of the snapshot',
      'The whole dataset: dplane snapshot rollback, or dplane snapshot clone',
    );
  const { besideName } = await import('../../domain/snapshot/files.ts');
  const own = place(`${dataset}:${path}`);
  const where = input.text('to');
  const to = where !== undefined ? place(where) : input.flag('beside') ? { ...own, name: besideName(own.name, tag) } : own;
  return change(cli, [{ kind: 'snapshot.restore', dataset, tag, guid, path, to, replace: input.flag('replace') }], () =>
    Promise.resolve(`${to.dataset}:${to.folder === '' ? '' : `${to.folder}/`}${to.name} is there, compared byte by byte`),
  );
};
