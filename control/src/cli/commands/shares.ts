/** Shares and who is connected. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Command } from '../parse.ts';
import { CHANGE, command, dataset } from './shared.ts';

export const shareCommands: readonly Command<Handler>[] = [
  command('share list', 'shares, and who is connected', ['share list'], async () => (await import('../cmd/share.ts')).shareList),
  command(
    'share show',
    'one share: whether it is served, how clients get to it, and which Previous Versions they see',
    ['share show smb media'],
    async () => (await import('../cmd/share-show.ts')).shareShow,
    {
      args: [
        { name: 'KIND', help: 'smb or nfs', offer: ['smb', 'nfs'] },
        { name: 'NAME', help: 'name of the share' },
      ],
    },
  ),
  command(
    'share create',
    'share a dataset over SMB or NFS',
    ['share create smb media tank/media --user @family', 'share create nfs backup tank/backup --client 192.168.1.0/24=rw'],
    async () => (await import('../cmd/share.ts')).shareCreate,
    {
      args: [
        { name: 'KIND', help: 'smb or nfs', offer: ['smb', 'nfs'] },
        { name: 'NAME', help: 'name of the share' },
        { ...dataset, help: 'the dataset to share' },
      ],
      options: [
        { name: 'folder', value: 'PATH', help: 'a folder below its mount point, such as /photos' },
        { name: 'comment', value: 'TEXT', help: 'one line that people see' },
        { name: 'read-only', help: 'smb: nobody may write' },
        { name: 'guests', help: 'smb: without a password' },
        { name: 'hidden', help: 'smb: not in the list of shares' },
        { name: 'user', value: 'NAME', many: true, help: 'smb: only these users or @groups; may be repeated' },
        { name: 'writer', value: 'NAME', many: true, help: 'smb: may write although it is read-only' },
        {
          name: 'preset',
          value: 'PRESET',
          offer: ['general', 'time-machine', 'media', 'homes', 'windows-acl'],
          help: 'smb: general, time-machine, media, homes, windows-acl',
        },
        { name: 'encrypt', value: 'WHEN', offer: ['off', 'desired', 'required'], help: 'smb: off, desired (default), required' },
        { name: 'sign', help: 'smb: clients have to sign; Samba asks it of all shares then' },
        { name: 'max-size', value: 'SIZE', help: 'smb, time-machine: what its Macs may fill at most, such as 2T' },
        { name: 'no-previous-versions', help: "smb: don't offer snapshots as Previous Versions" },
        {
          name: 'client',
          value: 'HOST[=rw|ro,root|all|none,sync|async]',
          many: true,
          help: 'nfs: who may mount it, and which of their users lose their rights (root, all, none)',
        },
        ...CHANGE,
      ],
    },
  ),
  command(
    'share remove',
    'stop sharing; the data stays',
    ['share remove smb media'],
    async () => (await import('../cmd/share.ts')).shareRemove,
    {
      args: [
        { name: 'KIND', help: 'smb or nfs', offer: ['smb', 'nfs'] },
        { name: 'NAME', help: 'name of the share' },
      ],
      options: CHANGE,
    },
  ),
  command(
    'share sessions',
    'who is connected to shares, and what they have open',
    ['share sessions', 'share sessions --files', 'share sessions --rates'],
    async () => (await import('../cmd/share-sessions.ts')).shareSessions,
    {
      options: [
        { name: 'files', help: 'also the files they have open' },
        { name: 'rates', help: 'what comes in and goes out now, over 3 seconds, instead of all since they connected' },
      ],
    },
  ),
  command(
    'share disconnect',
    'end one connection; what it has open is lost',
    ['share disconnect smb:2497653791'],
    async () => (await import('../cmd/share-sessions.ts')).shareDisconnect,
    {
      args: [{ name: 'SESSION', help: 'its id, from `dplane share sessions`' }],
      options: [{ name: 'yes', short: 'y', help: "don't ask" }],
    },
  ),
];
