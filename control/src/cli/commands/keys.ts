/** The commands about keys of datasets: a part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Arg, Command, Option } from '../parse.ts';
import { CHANGE, command } from './shared.ts';

const dataset: Arg = { name: 'DATASET', help: 'an encrypted dataset that has a key of its own', offer: 'dataset' };
const stdin: Option = { name: 'passphrase-stdin', help: 'read the passphrase from standard input (first line)' };
const load =
  (name: 'datasetUnlock' | 'datasetLock' | 'datasetChangeKey' | 'keyList' | 'keyCopy' | 'keyCopied') => async (): Promise<Handler> =>
    (await import('../cmd/key.ts'))[name];

export const keyCommands: readonly Command<Handler>[] = [
  command(
    'dataset unlock',
    'load its key and mount it; its shares are served again',
    ['dataset unlock tank/private', 'dataset unlock tank/vault --key-file vault.key'],
    load('datasetUnlock'),
    {
      args: [dataset],
      options: [
        { name: 'key-file', value: 'FILE', offer: 'file', help: 'the copy of its key file, when the one on the box is gone' },
        stdin,
        ...CHANGE,
      ],
      details: 'A passphrase is tried before anything is planned; after some wrong ones the next has to wait.',
    },
  ),
  command(
    'dataset lock',
    'unmount it and take its key out of memory; refused while a client uses it',
    ['dataset lock tank/private'],
    load('datasetLock'),
    { args: [dataset], options: CHANGE },
  ),
  command(
    'dataset change-key',
    'open it with another key from now on: a passphrase, or a key file',
    ['dataset change-key tank/private hex-file', 'dataset change-key tank/private passphrase'],
    load('datasetChangeKey'),
    {
      args: [dataset, { name: 'KIND', help: 'passphrase, hex-file or raw-file', offer: ['passphrase', 'hex-file', 'raw-file'] }],
      options: [stdin, ...CHANGE],
      details: 'The data is not written anew. Snapshots of the pool that hold the old key (a checkpoint, a replica) still open with it.',
    },
  ),
  command('key list', 'encrypted datasets, their keys, and which keys have a copy elsewhere', ['key list'], load('keyList')),
  command(
    'key copy',
    'write the key file of a dataset to a file here, to be kept elsewhere',
    ['key copy tank/vault vault.key'],
    load('keyCopy'),
    {
      args: [dataset, { name: 'FILE', help: 'a new file', offer: 'file' }],
      options: [
        { name: 'password-stdin', help: 'read your own password from standard input (first line)' },
        { name: 'kept', help: 'say at once that it is kept elsewhere' },
      ],
      details: 'Whoever has this file and the disks can read the data; whoever loses it and the system disk has lost the data.',
    },
  ),
  command('key copied', 'say that a copy of its key file is kept elsewhere', ['key copied tank/vault'], load('keyCopied'), {
    args: [dataset],
  }),
];
