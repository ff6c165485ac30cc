/** The commands about clones for a while: a part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Arg, Command, Option } from '../parse.ts';
import { CHANGE, command } from './shared.ts';

const clone: Arg = { name: 'CLONE', help: 'the name under which it was made', offer: 'dataset' };
const hours: Option = { name: 'hours', value: 'N', help: 'for so many hours from now (24)' };
const load = (name: 'cloneList' | 'cloneCreate' | 'cloneExtend' | 'cloneKeep' | 'cloneEnd') => async (): Promise<Handler> =>
  (await import('../cmd/clone.ts'))[name];

export const cloneCommands: readonly Command<Handler>[] = [
  command('clone list', 'clones that are there for a while, and the time that is left', ['clone list'], load('cloneList')),
  command(
    'clone create',
    'clone a snapshot for a while, to take things out of it',
    ['clone create tank/photos@before', 'clone create tank/photos@before --hours 48 --share smb --user anna'],
    load('cloneCreate'),
    {
      args: [
        { name: 'SNAPSHOT', help: 'full name, such as tank/photos@before', offer: 'snapshot' },
        { name: 'NEW-NAME', optional: true, help: 'full name in the same pool; beside the dataset when left out' },
      ],
      options: [
        hours,
        { name: 'share', value: 'KIND', offer: ['smb', 'nfs'], help: 'share it for as long' },
        { name: 'name', value: 'NAME', help: 'name of the share' },
        { name: 'user', value: 'NAME', many: true, help: 'who may open it (SMB): a user for shares, or @group; may be repeated' },
        { name: 'client', value: 'HOST', many: true, help: 'who may mount it (NFS); may be repeated' },
        { name: 'writable', help: 'may be written to; then it does not go by itself once it was' },
        ...CHANGE,
      ],
      details:
        'At its end the share goes, and the clone with it if nothing was written to it. What was written to stays, and an alert says so; while a client is connected nothing goes.',
    },
  ),
  command('clone extend', 'give it more time, from now', ['clone extend tank/photos-before --hours 48'], load('cloneExtend'), {
    args: [clone],
    options: [hours, ...CHANGE],
  }),
  command(
    'clone keep',
    'keep it: no end any more, and on its own feet',
    ['clone keep tank/photos-before', 'clone keep tank/photos-before --as-clone'],
    load('cloneKeep'),
    {
      args: [clone],
      options: [{ name: 'as-clone', help: "leave it a clone of the snapshot it was made from: don't promote it" }, ...CHANGE],
    },
  ),
  command('clone end', 'end it now, by the same rules', ['clone end tank/photos-before'], load('cloneEnd'), {
    args: [clone],
    options: CHANGE,
  }),
];
