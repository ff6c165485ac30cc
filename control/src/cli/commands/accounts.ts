/** Accounts for sharing, and what their files belong to. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Arg, Command, Option } from '../parse.ts';
import { CHANGE, command, dataset, secretIn } from './shared.ts';

const account: Arg = { name: 'NAME', help: 'name of the user for shares' };
const group: Arg = { name: 'NAME', help: 'name of the group, without @' };
const newName: Arg = { name: 'TO', help: 'the new name' };
const shareUser = async () => import('../cmd/share-user.ts');
const inGroup: Option = { name: 'group', value: 'NAME', many: true, help: 'a group they belong to, without @; may be repeated' };

export const accountCommands: readonly Command<Handler>[] = [
  command(
    'dataset permit',
    'owner, group and mode of its files, for who logs in to shares',
    ['dataset permit tank/docs --owner anna --group family', 'dataset permit tank/docs --group family --access group --recursive'],
    async () => (await shareUser()).datasetPermit,
    {
      args: [dataset],
      options: [
        { name: 'owner', value: 'USER', help: 'a user for shares; root when left out' },
        { name: 'group', value: 'GROUP', help: 'a group for shares; root when left out' },
        {
          name: 'access',
          value: 'WHO',
          offer: ['owner', 'group', 'group-read', 'all-read'],
          help: 'owner: nobody else; group (default): both write; group-read: the group reads; all-read: everyone reads',
        },
        { name: 'recursive', help: 'also everything in it, after a snapshot to go back to' },
        ...CHANGE,
      ],
    },
  ),
  command('share-user list', 'who may log in to SMB shares', ['share-user list'], async () => (await shareUser()).shareUserList),
  command(
    'share-user create',
    'an account for SMB shares, with its password',
    ['share-user create anna --group family', 'share-user create anna --password-stdin --yes'],
    async () => (await shareUser()).shareUserCreate,
    {
      args: [account],
      options: [
        { name: 'full-name', value: 'TEXT', help: 'what people call them' },
        inGroup,
        { name: 'disabled', help: "can't log in yet" },
        { name: 'no-password', help: "without a password; can't log in before it has one" },
        secretIn,
        ...CHANGE,
      ],
      details:
        'It is no person of the control plane (dplane user) and has neither a shell nor a home: it can use shares, and nothing else.',
    },
  ),
  command(
    'share-user password',
    'set a new password; open sessions end',
    ['share-user password anna'],
    async () => (await shareUser()).shareUserPassword,
    {
      args: [account],
      options: [secretIn, ...CHANGE],
    },
  ),
  command(
    'share-user set',
    'disable, enable, groups, full name',
    ['share-user set anna --disable', 'share-user set anna --group family --group office'],
    async () => (await shareUser()).shareUserSet,
    {
      args: [account],
      options: [
        { name: 'disable', help: 'can no longer log in; open sessions end' },
        { name: 'enable', help: 'may log in again' },
        { ...inGroup, help: 'all groups they belong to from now on' },
        { name: 'no-groups', help: 'in no group' },
        { name: 'full-name', value: 'TEXT', help: 'what people call them' },
        ...CHANGE,
      ],
    },
  ),
  command(
    'share-user rename',
    'another name; number, files and password stay',
    ['share-user rename anna anne'],
    async () => (await shareUser()).shareUserRename,
    {
      args: [account, newName],
      options: CHANGE,
    },
  ),
  command(
    'share-user remove',
    'remove an account; its files stay',
    ['share-user remove anna'],
    async () => (await shareUser()).shareUserRemove,
    {
      args: [account],
      options: CHANGE,
    },
  ),
  command('share-user seal', 'a password as it stands in state.yaml', ['share-user seal'], async () => (await shareUser()).shareUserSeal, {
    options: [secretIn],
    details: 'What is printed is worth nothing without this machine: another one refuses it.',
  }),
  command('share-group list', 'groups of users for shares', ['share-group list'], async () => (await shareUser()).shareGroupList),
  command(
    'share-group create',
    'a group, named @NAME in shares',
    ['share-group create family --member anna --member ben'],
    async () => (await shareUser()).shareGroupCreate,
    {
      args: [group],
      options: [{ name: 'member', value: 'USER', many: true, help: 'who is in it; may be repeated' }, ...CHANGE],
    },
  ),
  command(
    'share-group members',
    'who is in it from now on',
    ['share-group members family anna ben'],
    async () => (await shareUser()).shareGroupMembers,
    {
      args: [group, { name: 'USER', many: true, optional: true, help: 'everyone who is in it' }],
      options: CHANGE,
    },
  ),
  command(
    'share-group rename',
    'another name; shares follow',
    ['share-group rename family home'],
    async () => (await shareUser()).shareGroupRename,
    {
      args: [group, newName],
      options: CHANGE,
    },
  ),
  command(
    'share-group remove',
    'remove a group that no share names',
    ['share-group remove family'],
    async () => (await shareUser()).shareGroupRemove,
    {
      args: [group],
      options: CHANGE,
    },
  ),
];
