/** clone list, create, extend, keep, end: clones that are there for a while, to take things out of a snapshot. */
import type { ShareSpec } from '../../domain/share/share.ts';
import type { Cli, Handler } from '../cli.ts';
import type { Input } from '../parse.ts';
import { EXIT, usage } from '../problems.ts';
import { dim, strong, warn } from '../terminal.ts';
import { mustFind } from './snapshot.ts';

/** To the minute that has begun. */
const left = (ms: number): string => {
  const minutes = Math.ceil(ms / 60_000);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours >= 72) return `${Math.floor(hours / 24)} days`;
  return hours === 0 ? `${minutes} min` : `${hours} h${rest === 0 ? '' : ` ${rest} min`}`;
};
const MAX_HOURS = 24 * 90;
const hoursOf = (input: Input): number => input.number('hours', 1, MAX_HOURS) ?? 24;

export const cloneList: Handler = async (cli) => {
  const { term } = cli;
  const { clones } = await (await cli.api()).clones.list.query();
  term.data({ clones });
  if (clones.length === 0)
    term.line([dim('No clone is there for a while. For example: '), 'dplane clone create tank/photos@before --hours 24 --share smb']);
  else
    term.table(clones, [
      { title: 'CLONE', cell: (c) => strong(c.dataset ?? c.name), shrink: 'middle' },
      { title: 'OF', cell: (c) => `${c.snapshot.dataset}@${c.snapshot.tag}`, shrink: 'middle', spare: 1 },
      { title: 'SHARE', cell: (c) => (c.share === null ? dim('-') : `${c.share.kind}:${c.share.name}`) },
      { title: 'TIME LEFT', cell: (c) => (c.note === null ? left(c.left) : warn('over')) },
      { title: 'BY', cell: (c) => c.by, spare: 2 },
    ]);
  for (const c of clones) if (c.note !== null) term.note([warn(`${c.name}: `), c.note]);
  return EXIT.ok;
};

/** Read-only, and for whom it is said; nobody else. */
const shareOf = (input: Input, dataset: string, name: string): ShareSpec | null => {
  const kind = input.choice('share', ['smb', 'nfs']);
  const users = [...input.all('user')];
  const clients = [...input.all('client')];
  if (kind === undefined) {
    if (users.length + clients.length > 0 || input.text('name') !== undefined)
      throw usage('dplane clone create', 'nothing is shared without --share');
    return null;
  }
  const common = { name, dataset, folder: '', comment: 'for a while' };
  if (kind === 'nfs') {
    if (clients.length === 0)
      throw usage('dplane clone create', 'who may mount it was not said', 'Give --client HOST, such as 192.168.1.5');
    const access = input.flag('writable') ? ('rw' as const) : ('ro' as const);
    return { kind, ...common, clients: clients.map((host) => ({ host, access, squash: 'root' as const, sync: true })) };
  }
  if (users.length === 0)
    throw usage('dplane clone create', 'who may open it was not said', 'Give --user NAME (or @group); it may be repeated');
  return {
    ...{ kind, ...common, readOnly: !input.flag('writable'), browseable: true, guests: false, validUsers: users, writeUsers: [] },
    ...{ previousVersions: false, preset: 'general', encrypt: 'desired', sign: 'auto', maxSize: '' },
  };
};

const shown = async (cli: Cli, name: string): Promise<string> => {
  const { clones } = await (await cli.api()).clones.list.query();
  const c = clones.find((x) => x.name === name);
  return c
    ? `${c.dataset ?? c.name} is there for ${left(c.left)}${c.mountpoint === null ? '' : `, at ${c.mountpoint}`}`
    : `${name} has no end any more`;
};

export const cloneCreate: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const { suggestedClone, suggestedShare } = await import('../../domain/snapshot/clone.ts');
  const { dataset, tag, guid } = await mustFind(cli, input.word('SNAPSHOT'));
  const { datasets } = await (await cli.api()).datasets.list.query({});
  const to = input.maybe('NEW-NAME') ?? suggestedClone(dataset, tag, (name) => datasets.some((d) => d.name === name));
  const share = shareOf(input, to, input.text('name') ?? suggestedShare(to));
  return change(cli, [{ kind: 'clone.make', dataset, tag, guid, to, hours: hoursOf(input), share }], () => shown(cli, to));
};

export const cloneExtend: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const clone = input.word('CLONE');
  return change(cli, [{ kind: 'clone.extend', clone, hours: hoursOf(input) }], () => shown(cli, clone));
};
export const cloneKeep: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const clone = input.word('CLONE');
  return change(cli, [{ kind: 'clone.keep', clone, promote: !input.flag('as-clone') }], () => shown(cli, clone));
};
export const cloneEnd: Handler = async (cli, input) => {
  const { change } = await import('../changes.ts');
  const clone = input.word('CLONE');
  return change(cli, [{ kind: 'clone.end', clone }], () => Promise.resolve(`${clone} is gone`));
};
