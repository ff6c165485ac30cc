/** share list, create, remove */
import type { NfsShare, ObservedShare, ShareSpec } from '../../domain/share/share.ts';
import type { Handler } from '../cli.ts';
import { count } from '../format.ts';
import { notAmong } from '../parse.ts';
import { EXIT, usage } from '../problems.ts';
import { bad, dim, good, strong } from '../terminal.ts';

const who = (s: ShareSpec): string => {
  if (s.kind === 'nfs') return s.clients.map((c) => `${c.host} ${c.access}`).join(', ');
  const people = s.guests ? 'guests' : s.validUsers.length > 0 ? s.validUsers.join(', ') : 'all users';
  return s.readOnly ? `${people}, read only` : people;
};

export const shareList: Handler = async (cli) => {
  const { term } = cli;
  const { at, shares } = await (await cli.api()).shares.list.query();
  term.data({ at, shares });
  if (shares.length === 0) term.line([dim('No share yet. For example: '), 'dplane share create smb media tank/media']);
  else
    term.table(shares, [
      { title: 'SHARE', cell: (s) => strong(s.spec.name), shrink: 'end' },
      { title: 'KIND', cell: (s) => s.spec.kind },
      { title: 'STATE', cell: (s) => (s.serving ? good('up') : bad('down')) },
      { title: 'DATASET', cell: (s) => s.spec.dataset + s.spec.folder, shrink: 'middle' },
      { title: 'FOR', cell: (s) => who(s.spec), shrink: 'end' },
      { title: 'CONNECTED', cell: (s) => (s.clients.length === 0 ? dim('-') : count(s.clients.length, 'client')) },
    ]);
  for (const s of shares) if (s.note !== null) term.line([bad(`${s.spec.name}: `), s.note]);
  return EXIT.ok;
};

type Client = NfsShare['clients'][number];

/** `192.168.1.0/24=ro,all,async` */
export const readClient = (text: string): Client => {
  const cut = text.indexOf('=');
  const client: Client = { host: cut < 0 ? text : text.slice(0, cut), access: 'rw', squash: 'root', sync: true };
  for (const word of cut < 0 ? [] : text.slice(cut + 1).split(',')) {
    if (word === 'rw' || word === 'ro') client.access = word;
    else if (word === 'root' || word === 'all' || word === 'none') client.squash = word;
    else if (word === 'sync' || word === 'async') client.sync = word === 'sync';
    else throw notAmong(`--client ${text}`, word, ['rw', 'ro', 'root', 'all', 'none', 'sync', 'async']);
  }
  return client;
};

const kindOf = (text: string): 'smb' | 'nfs' => {
  if (text === 'smb' || text === 'nfs') return text;
  throw notAmong(text, text, ['smb', 'nfs']);
};

const say = (found: ObservedShare | undefined, name: string): string =>
  found === undefined
    ? `${name} is not in the list yet`
    : found.serving
      ? `${name} is up`
      : `${name} is there, but not served: ${found.note ?? 'no reason is known'}`;

export const shareCreate: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const kind = kindOf(input.word('KIND'));
  const name = input.word('NAME');
  const common = { name, dataset: input.word('DATASET'), folder: input.text('folder') ?? '', comment: input.text('comment') ?? '' };
  const onlyFor = (other: 'smb' | 'nfs', options: readonly string[]): void => {
    const given = options.find((o) => input.flag(o));
    if (given !== undefined) throw usage(`--${given}`, `this is for ${other} shares only`);
  };
  let share: ShareSpec;
  if (kind === 'smb') {
    onlyFor('nfs', ['client']);
    share = {
      kind,
      ...common,
      // players read; who is named with --writer still writes
      readOnly: input.flag('read-only') || input.text('preset') === 'media',
      browseable: !input.flag('hidden'),
      guests: input.flag('guests'),
      validUsers: [...input.all('user')],
      writeUsers: [...input.all('writer')],
      previousVersions: !input.flag('no-previous-versions'),
      preset: input.choice('preset', ['general', 'time-machine', 'media', 'homes', 'windows-acl']) ?? 'general',
      encrypt: input.choice('encrypt', ['off', 'desired', 'required']) ?? 'desired',
      sign: input.flag('sign') ? 'required' : 'auto',
      maxSize: input.text('max-size') ?? '',
    };
  } else {
    onlyFor('smb', ['read-only', 'guests', 'hidden', 'user', 'writer', 'preset', 'encrypt', 'sign', 'max-size', 'no-previous-versions']);
    const clients = input.all('client').map(readClient);
    if (clients.length === 0)
      throw usage('dplane share create nfs', 'who may mount it has to be said', 'For example: --client 192.168.1.0/24=rw');
    share = { kind, ...common, clients };
  }
  return change(cli, [{ kind: 'share.put', share }], async () => {
    const { shares } = await (await cli.api()).shares.list.query();
    return say(
      shares.find((s) => s.spec.kind === kind && s.spec.name === name),
      name,
    );
  });
};

export const shareRemove: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const kind = kindOf(input.word('KIND'));
  const name = input.word('NAME');
  return change(cli, [{ kind: 'share.remove', share: kind, name }], async () => {
    const { shares } = await (await cli.api()).shares.list.query();
    return shares.some((s) => s.spec.kind === kind && s.spec.name === name)
      ? `${name} is still in the list; look again in a minute`
      : `${name} is gone; its data stays`;
  });
};
