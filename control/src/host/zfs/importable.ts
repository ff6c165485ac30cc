/** `zpool import` without a name: the pools that could be taken. Text for people (there is no -j), read strictly; what is not understood is a refusal. */
import type { Importable } from '../../domain/pool/importable.ts';
import type { Result } from '../../domain/refusal.ts';
import { reading, unreadable } from '../parse.ts';

export const importableArgv = (): string[] => ['zpool', 'import', '-d', '/dev/disk/by-id'];
/** `zdb -l`: which machine wrote this label. */
export const labelArgv = (device: string): string[] => ['zdb', '-l', device];

const KEYS = new Set(['pool', 'id', 'state', 'status', 'action', 'comment', 'see', 'config']);

const one = (lines: readonly string[]): Importable => {
  const found = new Map<string, string>();
  const config: Importable['config'] = [];
  let key = '';
  for (const line of lines) {
    const m = /^ {0,6}([a-z]+): ?(.*)$/.exec(line);
    if (m?.[1] !== undefined && KEYS.has(m[1]) && key !== 'config') {
      key = m[1];
      found.set(key, m[2] ?? '');
    } else if (key === 'config') {
      const c = /^\t( *)(\S+)(?: +([A-Z]+))?(?: {2,}(.*))?$/.exec(line);
      if (c) config.push({ name: c[2] ?? '', state: c[3] ?? '', depth: (c[1] ?? '').length / 2, note: (c[4] ?? '').trim() });
      else if (line.trim() !== '' && !/^\s+\S/.test(line)) unreadable(`"${line.slice(0, 60)}" is no part of a pool`);
    } else if (/^\s+\S/.test(line) && key !== '') found.set(key, `${found.get(key) ?? ''} ${line.trim()}`);
    else if (line.trim() !== '') unreadable(`"${line.slice(0, 60)}" begins no pool`);
  }
  const name = found.get('pool') ?? unreadable('a pool has no name');
  const guid = found.get('id') ?? unreadable(`pool ${name} has no id`);
  if (!/^[0-9]{1,20}$/.test(guid)) unreadable(`the id of pool ${name} is no number`);
  const status = found.get('status') ?? null;
  const action = found.get('action') ?? null;
  return {
    name,
    guid,
    state: found.get('state') ?? unreadable(`pool ${name} has no state`),
    status,
    action,
    importable: !/cannot be imported/.test(action ?? ''),
    foreign: /last accessed by another system|currently imported by another system|in use by another/.test(status ?? ''),
    lastHost: null,
    // the first line is the pool itself
    config: config.slice(1).map((c) => ({ ...c, depth: c.depth - 1 })),
  };
};

export const parseImportable = (stdout: string): Result<Importable[]> =>
  reading('the pools that could be imported', () => {
    const blocks: string[][] = [];
    for (const line of stdout.split('\n')) {
      if (/^ {2,3}pool: /.test(line)) blocks.push([]);
      const block = blocks.at(-1);
      if (block) block.push(line);
      else if (line.trim() !== '') unreadable(`"${line.slice(0, 60)}" begins no pool`);
    }
    return blocks.map(one);
  });

/** Null when the label can't be read: that is said as nobody, not as us. */
export const parseLabel = (stdout: string): Importable['lastHost'] => {
  const of = (key: string): string | undefined => new RegExp(`^ {4}${key}: '?([^'\\n]*)'?$`, 'm').exec(stdout)?.[1];
  const [name, id] = [of('hostname'), of('hostid')];
  return name === undefined && id === undefined
    ? null
    : { name: name ?? 'unknown', id: id === undefined ? 'none' : Number(id).toString(16).padStart(8, '0') };
};
