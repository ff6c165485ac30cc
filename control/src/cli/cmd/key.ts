/** dataset unlock, lock, change-key; key list, copy, copied. What is typed is sealed by the box before it is planned; it stands in no command line. */
import { writeFile } from 'node:fs/promises';
import { isKeyFile, KEY_WORDS, type KeyKind } from '../../domain/key/key.ts';
import type { Cli, Handler } from '../cli.ts';
import { ago } from '../format.ts';
import type { Input } from '../parse.ts';
import { EXIT, Problem, usage } from '../problems.ts';
import { bad, dim, good, strong, tone, warn } from '../terminal.ts';

export const KINDS = ['passphrase', 'hex-file', 'raw-file'] as const;

const seal = async (cli: Cli, secret: string, opens: string | null): Promise<string> =>
  (await (await cli.api()).keys.seal.mutate({ opens, secret })).sealed;

/** For something new: typed twice, or the first line of a pipe. */
export const newPassphrase = async (cli: Cli, input: Input): Promise<string> => {
  const { askSecret, firstLine } = await import('../ask.ts');
  if (input.flag('passphrase-stdin')) return seal(cli, await firstLine(cli.term.streams.stdin), null);
  cli.term.note(warn('Nobody can read the data without it: not you, and not us. Write it down where it survives this machine.'));
  const first = await askSecret(cli.term, 'Passphrase (12 characters or more): ', 'Give it on standard input: --passphrase-stdin');
  if ((await askSecret(cli.term, 'The same again: ', '')) !== first) throw usage('the passphrase', 'the two are not the same');
  return seal(cli, first, null);
};

const after = async (cli: Cli, name: string): Promise<string> => {
  const { dataset: d } = await (await cli.api()).datasets.get.query({ name });
  const state = d.keyStatus === 'unavailable' ? 'locked' : d.mounted ? `open, mounted at ${d.mountpoint ?? '?'}` : 'open';
  return `${name} is ${state}; its key is ${KEY_WORDS[d.keyKind ?? 'other']}`;
};
const sayCopy = (cli: Cli, name: string): void =>
  cli.term.note(warn(`Keep a copy of its key file off this machine, or its data is lost with it: dplane key copy ${name} FILE`));

export const datasetUnlock: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  const { dataset: d } = await (await cli.api()).datasets.get.query({ name });
  const file = input.text('key-file');
  let secret: string | null = null;
  if (file !== undefined) {
    const { readFile } = await import('node:fs/promises');
    const bytes = await readFile(file).catch(() => null);
    if (bytes === null) throw new Problem(EXIT.failed, 'file', file, 'it can not be read', 'Give the file that dplane key copy made.');
    // a raw key is 32 bytes; a copy, or a key in hexadecimal, is 64 letters
    secret = await seal(cli, bytes.length === 32 ? bytes.toString('hex') : bytes.toString('utf8').trim(), name);
  } else if (d.keyStatus === 'unavailable' && !isKeyFile(d.keyKind ?? 'other')) {
    const { askSecret, firstLine } = await import('../ask.ts');
    const typed = input.flag('passphrase-stdin')
      ? await firstLine(cli.term.streams.stdin)
      : await askSecret(cli.term, `Passphrase of ${name}: `, 'Give it on standard input: --passphrase-stdin');
    secret = await seal(cli, typed, d.encryptionRoot ?? name);
  }
  return change(cli, [{ kind: 'dataset.unlock', name: d.encryptionRoot ?? name, secret }], () => after(cli, name));
};

export const datasetLock: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  return change(cli, [{ kind: 'dataset.lock', name }], () => after(cli, name));
};

export const datasetChangeKey: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const name = input.word('DATASET');
  const word = input.word('KIND');
  const key = KINDS.find((k) => k === word);
  if (key === undefined) throw usage(word, `expected one of ${KINDS.join(', ')}`);
  const passphrase = key === 'passphrase' ? await newPassphrase(cli, input) : null;
  const end = await change(cli, [{ kind: 'dataset.changeKey', name, key, passphrase }], () => after(cli, name));
  if (end === EXIT.ok && isKeyFile(key)) sayCopy(cli, name);
  return end;
};

/** For `dataset create --encrypt`. */
export const encryptionFrom = async (
  cli: Cli,
  input: Input,
): Promise<{ encryption?: { algorithm: 'on' | 'aes-256-gcm' | 'aes-128-gcm'; key: KeyKind }; passphrase?: string }> => {
  const key = input.choice('encrypt', KINDS);
  if (key === undefined) {
    if (input.text('cipher') !== undefined) throw usage('--cipher', 'nothing is encrypted without --encrypt');
    return {};
  }
  const algorithm = input.choice('cipher', ['on', 'aes-256-gcm', 'aes-128-gcm']) ?? 'on';
  return { encryption: { algorithm, key }, ...(key === 'passphrase' ? { passphrase: await newPassphrase(cli, input) } : {}) };
};
export const afterCreate = (cli: Cli, name: string, key: KeyKind | undefined): void => {
  if (key !== undefined && isKeyFile(key)) sayCopy(cli, name);
};

export const keyList: Handler = async (cli) => {
  const { term } = cli;
  const api = await cli.api();
  const [{ files }, { datasets }] = await Promise.all([api.keys.list.query(), api.datasets.list.query({})]);
  const roots = datasets.filter((d) => d.encryptionRoot === d.name);
  term.data({
    roots: roots.map((d) => ({ name: d.name, key: d.keyKind ?? 'other', status: d.keyStatus, keyFile: d.keyFile ?? null })),
    files,
  });
  if (roots.length === 0)
    term.line([dim('Nothing is encrypted. For example: '), 'dplane dataset create tank/private --encrypt passphrase']);
  else
    term.table(roots, [
      { title: 'DATASET', cell: (d) => strong(d.name), shrink: 'middle' },
      { title: 'STATE', cell: (d) => (d.keyStatus === 'available' ? good('open') : warn('locked')) },
      { title: 'KEY', cell: (d) => d.keyKind ?? 'other' },
      {
        title: 'COPY KEPT',
        cell: (d) => {
          const backup = files.find((f) => f.id === d.keyFile)?.backup;
          if (!isKeyFile(d.keyKind ?? 'other')) return dim('-');
          return backup ? `${backup.by}, ${ago(backup.at, cli.now())}` : bad('no');
        },
      },
    ]);
  const idle = files.filter((f) => f.dataset === null);
  if (idle.length > 0)
    term.note(
      dim(
        `${idle.length} key ${idle.length === 1 ? 'file opens' : 'files open'} nothing that is here; kept for pools and copies that are elsewhere`,
      ),
    );
  return EXIT.ok;
};

export const keyCopy: Handler = async (cli, input) => {
  const { askSecret, confirm, firstLine } = await import('../ask.ts');
  const { term } = cli;
  const name = input.word('DATASET');
  const file = input.word('FILE');
  const api = await cli.api();
  const who = await api.session.get.query();
  const password =
    who.kind === 'local-root'
      ? '-'
      : input.flag('password-stdin')
        ? await firstLine(term.streams.stdin)
        : await askSecret(term, 'Your own password, to copy a key: ', 'Give it on standard input: --password-stdin');
  const { hex, keyFile } = await api.keys.copy.mutate({ dataset: name, password });
  await writeFile(file, `${hex}\n`, { mode: 0o600, flag: 'wx' }).catch(() => {
    throw new Problem(EXIT.failed, 'file', file, 'it is there already, or can not be written', 'Choose another name.');
  });
  term.line([good(`${term.symbols.ok} ${file}`), ` opens ${name} on any machine. Keep it off this one, and secret.`]);
  const kept = input.flag('kept') || (term.interactive && (await confirm(term, 'Is it kept somewhere that survives this machine?', '')));
  if (kept) await api.keys.backedUp.mutate({ dataset: name });
  else term.line([dim('When it is: '), tone('accent', `dplane key copied ${name}`)]);
  term.data({ dataset: name, file, keyFile, kept });
  return EXIT.ok;
};

export const keyCopied: Handler = async (cli, input) => {
  const dataset = input.word('DATASET');
  const entry = await (await cli.api()).keys.backedUp.mutate({ dataset });
  cli.term.data(entry);
  cli.term.line([good(`${cli.term.symbols.ok} noted`), `: a copy of the key file of ${dataset} is kept elsewhere.`]);
  return EXIT.ok;
};
