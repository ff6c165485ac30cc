/**
 * Every command, once. Contract: parsing, help, completion and docs are made from this table; a command's code is loaded
 * only when it runs.
 */
import type { Handler } from './cli.ts';
import { cloneCommands } from './commands-clones.ts';
import { keyCommands } from './commands-keys.ts';
import { poolCommands } from './commands-pools.ts';
import type { Arg, Command, Option } from './parse.ts';

export const GLOBALS: readonly Option[] = [
  { name: 'json', help: 'one JSON document instead of text (one a line with --follow); problems as JSON on stderr' },
  { name: 'host', value: 'NAME', offer: 'profile', help: 'the box remembered under this name (env DPLANE_HOST)' },
  { name: 'url', value: 'URL', help: 'the box at this address (env DPLANE_URL)' },
  { name: 'fingerprint', value: 'SHA256', help: 'accept exactly this certificate (env DPLANE_FINGERPRINT)' },
  { name: 'socket', value: 'PATH', offer: 'file', help: 'the local socket, for root on the box itself (env DPLANE_SOCKET)' },
  { name: 'help', short: 'h', help: 'what a command does, with examples' },
];

/** Of everything that changes something: it is planned, shown, confirmed, applied, and checked. */
const CHANGE: readonly Option[] = [
  { name: 'yes', short: 'y', help: "don't ask (what destroys data still needs --approve)" },
  { name: 'approve', value: 'NAME', many: true, help: 'approve destroying exactly this, by its full name; may be repeated' },
  { name: 'plan-only', help: 'show the plan and leave it' },
];
const FILE: Option = {
  name: 'file',
  short: 'f',
  value: 'FILE',
  offer: 'file',
  help: 'a state.yaml (- reads standard input); without it the saved state',
};
const DESTROYS = 'Nothing that holds data is destroyed before its exact name has been typed (or given with --approve).';

const SCHEDULE: readonly Arg[] = [
  { name: 'NAME', help: 'name of the schedule', offer: 'schedule' },
  { name: 'DATASET', help: 'what it takes snapshots of; needed for a new one', offer: 'dataset', optional: true },
  {
    name: 'RULE=VALUE',
    help: 'cron=, timezone=, and what to keep: hourly=, daily=, weekly=, monthly=, yearly=, count=, max-age= (days)',
    offer: ['cron=', 'timezone=', 'hourly=', 'daily=', 'weekly=', 'monthly=', 'yearly=', 'count=', 'max-age='],
    many: true,
    optional: true,
  },
];
const SCHEDULED: readonly Option[] = [
  { name: 'recursive', short: 'r', help: 'also of everything below the dataset, at the same moment' },
  { name: 'not-recursive', help: 'of the dataset alone' },
  { name: 'on', help: 'switch it on' },
  { name: 'off', help: 'switch it off' },
];
const RETENTION =
  'A snapshot dies when no rule keeps it: hourly=24 keeps the newest of each of the last 24 hours that have one, and so on; count=10 the last ten; max-age=90 lets none live longer than 90 days. Without rules everything is kept. The newest, what is held, and what no schedule made is never touched.';

const pool: Arg = { name: 'POOL', help: 'name of the pool', offer: 'pool' };
const dataset: Arg = { name: 'DATASET', help: 'full name, such as tank/media', offer: 'dataset' };
const snapshot: Arg = { name: 'SNAPSHOT', help: 'full name, such as tank/media@before', offer: 'snapshot' };
const inSnapshot: Arg = { name: 'PATH', help: 'path in the snapshot, such as letters/2026.txt' };
const property: Option = {
  name: 'property',
  short: 'o',
  value: 'NAME=VALUE',
  many: true,
  offer: 'property',
  help: 'a ZFS property, such as compression=zstd; may be repeated',
};
const YES: Option = { name: 'yes', short: 'y', help: "don't ask" };
const ON_BOX: Option = { name: 'on-box', help: 'the file is on the box itself, such as a USB stick that is mounted there' };
const bundle: Arg = { name: 'SOURCE', help: 'an address the box can reach, or a file', offer: 'file' };
const generation: Arg = { name: 'NUMBER', help: 'the number of a generation' };
const limit = (what: string): Option => ({ name: 'limit', short: 'n', value: 'N', help: `at most this many ${what}` });
const secretIn: Option = { name: 'password-stdin', help: 'read the password from standard input (first line)' };

const command = (
  path: string,
  summary: string,
  examples: readonly string[],
  load: () => Promise<Handler>,
  more: Partial<Pick<Command<Handler>, 'args' | 'options' | 'details'>> = {},
): Command<Handler> => ({
  path,
  summary,
  examples: examples.map((e) => `dplane ${e}`),
  load,
  ...more,
});

const account: Arg = { name: 'NAME', help: 'name of the user for shares' };
const group: Arg = { name: 'NAME', help: 'name of the group, without @' };
const newName: Arg = { name: 'TO', help: 'the new name' };
const shareUser = async () => import('./cmd/share-user.ts');
const inGroup: Option = { name: 'group', value: 'NAME', many: true, help: 'a group they belong to, without @; may be repeated' };
const SHARE_ACCOUNTS: readonly Command<Handler>[] = [
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

export const COMMANDS: readonly Command<Handler>[] = [
  command(
    'claim',
    'make a fresh box yours, with the one-time code from its console',
    ['claim --url https://nas.local:8443'],
    async () => (await import('./cmd/session.ts')).claim,
    {
      options: [
        { name: 'user', value: 'NAME', help: 'name of the first admin (asked for if missing)' },
        { name: 'code', value: 'CODE', help: 'the claim code (asked for if missing)' },
        secretIn,
      ],
      details: 'The box prints the code on its console at its first start. It works once.',
    },
  ),
  command(
    'login',
    'start a session',
    ['login --url https://nas.local:8443', 'login --host nas --user anna'],
    async () => (await import('./cmd/session.ts')).login,
    {
      options: [
        { name: 'user', value: 'NAME', help: 'your user name' },
        { name: 'totp', value: 'CODE', help: 'the code of your authenticator, if you use one' },
        secretIn,
      ],
      details: 'For scripts, make an API token (dplane token create) and set DPLANE_TOKEN instead.',
    },
  ),
  command('logout', 'end the session', ['logout'], async () => (await import('./cmd/session.ts')).logout),
  command('whoami', 'who you are to the box, and what you may do', ['whoami'], async () => (await import('./cmd/session.ts')).whoami),
  command('host list', 'the boxes that are remembered', ['host list'], async () => (await import('./cmd/hosts.ts')).hostList),
  command(
    'host use',
    'make one of them the one that commands go to',
    ['host use nas'],
    async () => (await import('./cmd/hosts.ts')).hostUse,
    {
      args: [{ name: 'NAME', help: 'as in host list', offer: 'profile' }],
    },
  ),
  command(
    'host forget',
    'forget a box, its session and its certificate',
    ['host forget nas', 'host forget https://nas.local:8443'],
    async () => (await import('./cmd/hosts.ts')).hostForget,
    {
      args: [{ name: 'NAME', help: 'as in host list, or an address', offer: 'profile' }],
    },
  ),

  command(
    'status',
    'is my data safe, is anything asked of me, what changed',
    ['status', 'status --json'],
    async () => (await import('./cmd/status.ts')).status,
  ),

  command('pool list', 'pools and how they are', ['pool list'], async () => (await import('./cmd/pool.ts')).poolList),
  command(
    'pool show',
    'one pool: state, what it means, its disks',
    ['pool show tank'],
    async () => (await import('./cmd/pool.ts')).poolShow,
    { args: [pool] },
  ),
  command(
    'pool create',
    'make a pool of free disks',
    ['pool create tank mirror ata-A ata-B', 'pool create tank raidz2 ata-A ata-B ata-C ata-D log mirror nvme-E nvme-F'],
    async () => (await import('./cmd/pool.ts')).poolCreate,
    {
      args: [
        { name: 'POOL', help: 'name of the new pool' },
        { name: 'VDEV', many: true, help: '[log|cache|special|spare|dedup] [stripe|mirror|raidz1..3|draid1..3] DISK...', offer: 'disk' },
      ],
      options: [
        { name: 'ashift', value: 'N', help: 'sector size as a power of two (9 to 16); 12, or more if a disk has larger ones' },
        { name: 'autotrim', value: 'on|off', offer: ['on', 'off'], help: 'trim freed space on SSDs' },
        { name: 'autoexpand', value: 'on|off', offer: ['on', 'off'], help: 'grow when its disks have grown' },
        { name: 'comment', value: 'TEXT', help: 'up to 32 characters' },
        property,
        ...CHANGE,
      ],
      details:
        'Disks are named as in "dplane disk list", with or without /dev/disk/by-id/. Names such as /dev/sda are refused: they move between boots.',
    },
  ),
  command(
    'pool scrub',
    'read everything and repair what is damaged',
    ['pool scrub tank', 'pool scrub tank --pause'],
    async () => (await import('./cmd/pool.ts')).poolScrub,
    {
      args: [pool],
      options: [{ name: 'pause', help: 'pause it; start it again to go on' }, { name: 'stop', help: 'end it' }, ...CHANGE],
    },
  ),
  ...poolCommands(command, CHANGE),
  command(
    'memory show',
    "how much memory ZFS's cache takes and may take, and why",
    ['memory show'],
    async () => (await import('./cmd/memory.ts')).memoryShow,
    {},
  ),
  command(
    'memory arc',
    "set how much memory ZFS's cache may take",
    ['memory arc 4G', 'memory arc auto'],
    async () => (await import('./cmd/memory.ts')).memoryArc,
    {
      args: [{ name: 'SIZE', help: 'a size such as 4G, or auto: what this machine and what runs on it leave' }],
      options: CHANGE,
      details: 'In force at once, and again after each start.',
    },
  ),
  ...keyCommands(command, CHANGE),
  ...cloneCommands(command, CHANGE),
  command(
    'disk list',
    'disks, and which are free',
    ['disk list', 'disk list --free'],
    async () => (await import('./cmd/disk.ts')).diskList,
    {
      options: [{ name: 'free', help: 'only those that a new pool may take' }],
    },
  ),

  command(
    'dataset list',
    'datasets as a tree',
    ['dataset list', 'dataset list tank/media'],
    async () => (await import('./cmd/dataset.ts')).datasetList,
    {
      args: [{ ...dataset, optional: true, help: 'only this one and what is below it' }],
    },
  ),
  command(
    'dataset show',
    'one dataset and its properties',
    ['dataset show tank/media', 'dataset show tank/media --all'],
    async () => (await import('./cmd/dataset.ts')).datasetShow,
    {
      args: [dataset],
      options: [{ name: 'all', help: 'also properties that have their default value' }],
    },
  ),
  command(
    'dataset create',
    'make a filesystem or a volume',
    [
      'dataset create tank/photos',
      'dataset create tank/photos compression=zstd quota=500G',
      'dataset create tank/vm1 --type volume volsize=40G',
      'dataset create tank/private --encrypt passphrase',
    ],
    async () => (await import('./cmd/dataset.ts')).datasetCreate,
    {
      args: [
        { name: 'DATASET', help: 'full name, such as tank/photos; its parent has to exist', offer: 'dataset' },
        { name: 'NAME=VALUE', many: true, optional: true, help: 'ZFS properties, such as compression=zstd', offer: 'property' },
      ],
      options: [
        {
          name: 'type',
          value: 'TYPE',
          offer: ['filesystem', 'volume'],
          help: 'filesystem (default) or volume, a block device; a volume needs volsize=',
        },
        {
          name: 'encrypt',
          value: 'KEY',
          offer: ['passphrase', 'hex-file', 'raw-file'],
          help: 'encrypt it: with a passphrase typed after every start, or a key file made and kept on the box',
        },
        { name: 'cipher', value: 'NAME', offer: ['aes-256-gcm', 'aes-128-gcm'], help: 'aes-256-gcm (default) or aes-128-gcm' },
        { name: 'passphrase-stdin', help: 'read the passphrase from standard input (first line)' },
        ...CHANGE,
      ],
    },
  ),
  command(
    'dataset set',
    'change properties',
    ['dataset set tank/media quota=2T', 'dataset set tank/media compression=inherit'],
    async () => (await import('./cmd/dataset.ts')).datasetSet,
    {
      args: [dataset, { name: 'NAME=VALUE', many: true, help: 'property and value; inherit drops its own value', offer: 'property' }],
      options: CHANGE,
    },
  ),
  command(
    'dataset rename',
    'give it another name or place in its pool',
    ['dataset rename tank/media tank/archive/media'],
    async () => (await import('./cmd/dataset.ts')).datasetRename,
    {
      args: [dataset, { name: 'NEW-NAME', help: 'full new name in the same pool', offer: 'dataset' }],
      options: CHANGE,
    },
  ),
  command(
    'dataset promote',
    'let a clone stand on its own feet; what it was made from becomes its clone',
    ['dataset promote tank/media-before'],
    async () => (await import('./cmd/dataset.ts')).datasetPromote,
    { args: [dataset], options: CHANGE },
  ),
  command(
    'dataset destroy',
    'destroy it with everything below it',
    ['dataset destroy tank/old', 'dataset destroy tank/old --yes --approve tank/old'],
    async () => (await import('./cmd/dataset.ts')).datasetDestroy,
    {
      args: [dataset],
      options: CHANGE,
      details: `${DESTROYS} Each dataset below it is approved on its own.`,
    },
  ),

  command(
    'snapshot list',
    'snapshots, newest first',
    ['snapshot list', 'snapshot list tank/media -r', 'snapshot list --match before --limit 20'],
    async () => (await import('./cmd/snapshot.ts')).snapshotList,
    {
      args: [{ ...dataset, optional: true, help: 'only those of this dataset' }],
      options: [
        { name: 'recursive', short: 'r', help: 'also those of datasets below it' },
        { name: 'match', value: 'TEXT', help: 'only names that contain this' },
        { name: 'held', help: 'only those that are held' },
        {
          name: 'sort',
          value: 'BY',
          offer: ['created', 'name', 'used', 'referenced'],
          help: 'created (default), name, used or referenced',
        },
        { name: 'reverse', help: 'the other way round' },
        limit('snapshots (default 50; up to 10000)'),
      ],
    },
  ),
  command(
    'snapshot create',
    'keep a dataset as it is now',
    ['snapshot create tank/media', 'snapshot create tank/media@before-cleanup -r'],
    async () => (await import('./cmd/snapshot.ts')).snapshotCreate,
    {
      args: [
        { name: 'DATASET[@NAME]', help: 'without a name it gets the time, in the form that Previous Versions reads', offer: 'dataset' },
      ],
      options: [{ name: 'recursive', short: 'r', help: 'also of everything below it, at the same moment' }, ...CHANGE],
    },
  ),
  command(
    'snapshot destroy',
    'destroy one snapshot, or all from one to another',
    ['snapshot destroy tank/media@before', 'snapshot destroy tank/media@monday%friday'],
    async () => (await import('./cmd/snapshot.ts')).snapshotDestroy,
    {
      args: [snapshot],
      options: CHANGE,
      details: DESTROYS,
    },
  ),
  command(
    'snapshot rollback',
    'make a dataset what it was; what is newer is lost',
    ['snapshot rollback tank/media@before'],
    async () => (await import('./cmd/snapshot.ts')).snapshotRollback,
    {
      args: [snapshot],
      options: CHANGE,
      details: `The plan names every newer snapshot that would go. ${DESTROYS}`,
    },
  ),
  command(
    'snapshot clone',
    'a dataset that begins as a snapshot was',
    ['snapshot clone tank/media@before tank/media-before'],
    async () => (await import('./cmd/snapshot.ts')).snapshotClone,
    { args: [snapshot, { name: 'NEW-NAME', help: 'full name in the same pool', offer: 'dataset' }], options: CHANGE },
  ),
  command(
    'snapshot ls',
    'a folder as it was',
    ['snapshot ls tank/media@before', 'snapshot ls tank/media@before films/2025'],
    async () => (await import('./cmd/files.ts')).snapshotLs,
    { args: [snapshot, { ...inSnapshot, optional: true }] },
  ),
  command(
    'snapshot find',
    'files and folders of a snapshot whose name holds a text',
    ['snapshot find tank/media@before invoice'],
    async () => (await import('./cmd/files.ts')).snapshotFind,
    { args: [snapshot, { name: 'TEXT', help: 'a piece of the name' }] },
  ),
  command(
    'snapshot versions',
    'one file across the snapshots of its dataset',
    ['snapshot versions tank/media films/list.txt'],
    async () => (await import('./cmd/files.ts')).snapshotVersions,
    { args: [dataset, inSnapshot] },
  ),
  command(
    'snapshot get',
    'bring a file here; a folder comes as a tar archive',
    ['snapshot get tank/media@before films/list.txt', 'snapshot get tank/media@before films --out films.tar'],
    async () => (await import('./cmd/files.ts')).snapshotGet,
    {
      args: [snapshot, inSnapshot],
      options: [{ name: 'out', value: 'FILE', offer: 'file', help: 'where to write it (- is standard output)' }],
    },
  ),
  command(
    'snapshot restore',
    'bring a file or folder back on the box, with owners, permissions, ACLs and attributes',
    [
      'snapshot restore tank/media@before films/list.txt',
      'snapshot restore tank/media@before films --beside',
      'snapshot restore tank/media@before films/list.txt --to tank/home:found/list.txt',
    ],
    async () => (await import('./cmd/files.ts')).snapshotRestore,
    {
      args: [snapshot, inSnapshot],
      options: [
        { name: 'beside', help: 'next to what is there now, under a name with the time' },
        { name: 'to', value: 'DATASET:PATH', help: 'somewhere else' },
        { name: 'replace', help: 'replace the file that is there (approved by its name)' },
        ...CHANGE,
      ],
      details:
        'It is copied aside, compared byte by byte, and then moved to its place in one step. Nothing that is there is overwritten without an approval.',
    },
  ),
  command(
    'snapshot diff',
    'what changed since, or up to a later one',
    ['snapshot diff tank/media@monday', 'snapshot diff tank/media@monday friday'],
    async () => (await import('./cmd/snapshot.ts')).snapshotDiff,
    {
      args: [snapshot, { name: 'LATER', optional: true, help: 'a later snapshot of the same dataset; without it, now' }],
      options: [limit('changes (default 1000; up to 10000)')],
    },
  ),
  command(
    'snapshot hold',
    'protect a snapshot from being destroyed',
    ['snapshot hold tank/media@before legal'],
    async () => (await import('./cmd/snapshot.ts')).snapshotHold,
    {
      args: [snapshot, { name: 'HOLD', optional: true, help: 'name of the hold (default: keep)' }],
      options: CHANGE,
    },
  ),
  command(
    'snapshot release',
    'take a hold away',
    ['snapshot release tank/media@before legal'],
    async () => (await import('./cmd/snapshot.ts')).snapshotRelease,
    {
      args: [snapshot, { name: 'HOLD', optional: true, help: 'name of the hold (default: keep)' }],
      options: CHANGE,
    },
  ),

  command(
    'schedule list',
    'who takes snapshots when, and what is kept',
    ['schedule list'],
    async () => (await import('./cmd/schedule.ts')).scheduleList,
  ),
  command(
    'schedule set',
    'make a schedule, or change one',
    [
      "schedule set hourly tank/media cron='0 * * * *' hourly=24 daily=14 monthly=12 -r",
      'schedule set hourly daily=30',
      'schedule set hourly --off',
    ],
    async () => (await import('./cmd/schedule.ts')).scheduleSet,
    {
      args: SCHEDULE,
      options: [...SCHEDULED, ...CHANGE],
      details: `${RETENTION} Keeping less than before is approved by the name of the schedule.`,
    },
  ),
  command(
    'schedule preview',
    'a dry run over a year: what would be taken, what would live, what would die',
    ['schedule preview hourly', "schedule preview try tank/media cron='*/15 * * * *' hourly=48 daily=30"],
    async () => (await import('./cmd/schedule.ts')).schedulePreview,
    { args: SCHEDULE, options: [...SCHEDULED, { name: 'days', value: 'N', help: 'look so far ahead (default 365)' }], details: RETENTION },
  ),
  command(
    'schedule remove',
    'take no more snapshots; those there are stay',
    ['schedule remove hourly'],
    async () => (await import('./cmd/schedule.ts')).scheduleRemove,
    { args: [{ name: 'NAME', help: 'name of the schedule', offer: 'schedule' }], options: CHANGE },
  ),

  command('share list', 'shares, and who is connected', ['share list'], async () => (await import('./cmd/share.ts')).shareList),
  command(
    'share show',
    'one share: whether it is served, how clients get to it, and which Previous Versions they see',
    ['share show smb media'],
    async () => (await import('./cmd/share-show.ts')).shareShow,
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
    async () => (await import('./cmd/share.ts')).shareCreate,
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
    async () => (await import('./cmd/share.ts')).shareRemove,
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
    async () => (await import('./cmd/share-sessions.ts')).shareSessions,
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
    async () => (await import('./cmd/share-sessions.ts')).shareDisconnect,
    {
      args: [{ name: 'SESSION', help: 'its id, from `dplane share sessions`' }],
      options: [{ name: 'yes', short: 'y', help: "don't ask" }],
    },
  ),

  ...SHARE_ACCOUNTS,
  command(
    'plan',
    'what would change if the state were applied',
    ['plan', 'plan -f state.yaml', 'plan --check'],
    async () => (await import('./cmd/plan.ts')).plan,
    {
      options: [FILE, { name: 'check', help: 'exit with 5 when the plan is not empty' }],
    },
  ),
  command(
    'apply',
    'plan, show, ask, apply, check',
    ['apply -f state.yaml', 'apply --plan 3f9c21', 'apply -f state.yaml --yes --approve tank/old'],
    async () => (await import('./cmd/plan.ts')).apply,
    {
      options: [
        FILE,
        { name: 'plan', value: 'DIGEST', help: 'a plan made before (its first letters are enough)' },
        ...CHANGE.filter((o) => o.name !== 'plan-only'),
      ],
      details: `${DESTROYS} While one action waits for an approval, none of the plan is applied.`,
    },
  ),
  command(
    'approve',
    'approve one action of a plan by typing the exact name',
    ["approve 3f9c21 'dataset.destroy tank/old'"],
    async () => (await import('./cmd/plan.ts')).approve,
    {
      args: [
        { name: 'DIGEST', help: 'the plan (its first letters are enough)' },
        { name: 'ACTION', help: 'id of the action, as the plan shows it' },
      ],
      options: [{ name: 'name', value: 'NAME', help: 'the exact name, for scripts' }],
      details: 'An approval is good once, for this action of this plan, for 15 minutes.',
    },
  ),
  command('plan list', 'plans made lately', ['plan list'], async () => (await import('./cmd/plan.ts')).planList),
  command('plan show', 'one plan again', ['plan show 3f9c21'], async () => (await import('./cmd/plan.ts')).planShow, {
    args: [{ name: 'DIGEST', help: 'the plan (its first letters are enough)' }],
  }),

  command('state get', 'the saved state.yaml', ['state get > state.yaml'], async () => (await import('./cmd/state.ts')).stateGet),
  command(
    'state put',
    'save a state.yaml (nothing is applied)',
    ['state put state.yaml'],
    async () => (await import('./cmd/state.ts')).statePut,
    {
      args: [{ name: 'FILE', help: 'a file (- reads standard input)', offer: 'file' }],
    },
  ),
  command('state check', 'is a state.yaml right?', ['state check state.yaml'], async () => (await import('./cmd/state.ts')).stateCheck, {
    args: [{ name: 'FILE', help: 'a file (- reads standard input)', offer: 'file' }],
  }),
  command(
    'state capture',
    'write down the box as it is now',
    ['state capture > state.yaml'],
    async () => (await import('./cmd/state.ts')).stateCapture,
  ),
  command(
    'state history',
    'states saved, captured and applied',
    ['state history'],
    async () => (await import('./cmd/state.ts')).stateHistory,
  ),
  command(
    'state schema',
    'JSON Schema of state.yaml, for editors',
    ['state schema > state.schema.json'],
    async () => (await import('./cmd/state.ts')).stateSchema,
  ),
  command(
    'drift',
    'is the box still as it was last applied?',
    ['drift', 'drift --check'],
    async () => (await import('./cmd/state.ts')).drift,
    {
      options: [{ name: 'check', help: 'look now, and exit with 5 when it differs' }],
    },
  ),

  command('run list', 'what was applied, and how it ended', ['run list'], async () => (await import('./cmd/run.ts')).runList, {
    options: [limit('runs')],
  }),
  command(
    'run show',
    'one run, step by step; follows it while it runs',
    ['run show 8f3a'],
    async () => (await import('./cmd/run.ts')).runShow,
    {
      args: [{ name: 'RUN', help: 'its id, as in run list (the first letters are enough)' }],
    },
  ),
  command(
    'events',
    'what happened',
    ['events', 'events --follow', 'events --after 1200 --json'],
    async () => (await import('./cmd/activity.ts')).events,
    {
      options: [
        { name: 'follow', help: 'go on as things happen; survives a lost connection without a gap' },
        { name: 'after', value: 'SEQ', help: 'only those after this number' },
        { name: 'kind', value: 'KIND', many: true, help: 'only this kind, such as pool.health-changed; may be repeated' },
        { name: 'subject', value: 'SUBJECT', help: 'only about this, such as pool:tank' },
        { name: 'match', value: 'TEXT', help: 'only those that contain this' },
        limit('events (default 30)'),
      ],
    },
  ),
  command('alerts', 'what needs attention now', ['alerts', 'alerts --all'], async () => (await import('./cmd/activity.ts')).alerts, {
    options: [{ name: 'all', help: 'also those that have resolved' }],
  }),
  command(
    'audit list',
    'who did what, and why it was allowed',
    ['audit list', 'audit list --match destroy'],
    async () => (await import('./cmd/activity.ts')).auditList,
    {
      options: [
        { name: 'match', value: 'TEXT', help: 'only entries that contain this' },
        { name: 'before', value: 'SEQ', help: 'only entries before this number' },
        limit('entries (default 30)'),
      ],
    },
  ),
  command(
    'audit verify',
    'has anyone changed the audit log?',
    ['audit verify'],
    async () => (await import('./cmd/activity.ts')).auditVerify,
    {
      details: 'Checks the chain of all entries and the sealed head. Exit 1 when it is broken.',
    },
  ),

  command('user list', 'people who may log in', ['user list'], async () => (await import('./cmd/access.ts')).userList),
  command('user create', 'let someone in', ['user create anna --role operator'], async () => (await import('./cmd/access.ts')).userCreate, {
    args: [{ name: 'NAME', help: 'user name' }],
    options: [
      {
        name: 'role',
        value: 'ROLE',
        offer: ['admin', 'operator', 'auditor', 'viewer'],
        help: 'admin, operator, auditor or viewer (default)',
      },
      secretIn,
    ],
  }),
  command(
    'user set',
    'change role or password, or shut someone out',
    ['user set anna --role admin', 'user set anna --disable', 'user set anna --password'],
    async () => (await import('./cmd/access.ts')).userSet,
    {
      args: [{ name: 'NAME', help: 'user name', offer: 'user' }],
      options: [
        { name: 'role', value: 'ROLE', offer: ['admin', 'operator', 'auditor', 'viewer'], help: 'admin, operator, auditor or viewer' },
        { name: 'disable', help: 'may not log in' },
        { name: 'enable', help: 'may log in again' },
        { name: 'password', help: 'ask for a new password' },
        { name: 'reset-totp', help: 'drop the second factor (lost phone)' },
        secretIn,
      ],
    },
  ),
  command(
    'user remove',
    'remove a user, with sessions and tokens',
    ['user remove anna'],
    async () => (await import('./cmd/access.ts')).userRemove,
    {
      args: [{ name: 'NAME', help: 'user name', offer: 'user' }],
      options: [{ name: 'yes', short: 'y', help: "don't ask" }],
    },
  ),
  command('token list', 'API tokens', ['token list'], async () => (await import('./cmd/access.ts')).tokenList),
  command(
    'token create',
    'make an API token for a script',
    ['token create backup-check --scope storage.read --days 90'],
    async () => (await import('./cmd/access.ts')).tokenCreate,
    {
      args: [{ name: 'NAME', help: 'what it is for' }],
      options: [
        { name: 'scope', value: 'PERMISSION', many: true, help: 'what it may do (see dplane whoami); may be repeated' },
        { name: 'days', value: 'N', help: 'how long it is good (default 90)' },
      ],
      details: 'The token is shown once. Scripts use it as DPLANE_TOKEN.',
    },
  ),
  command('token revoke', 'end a token', ['token revoke 4c1d'], async () => (await import('./cmd/access.ts')).tokenRevoke, {
    args: [{ name: 'TOKEN', help: 'its id, as in token list' }],
  }),
  command('session list', 'who is logged in', ['session list'], async () => (await import('./cmd/access.ts')).sessionList),
  command('session revoke', 'end a session', ['session revoke 9e2b'], async () => (await import('./cmd/access.ts')).sessionRevoke, {
    args: [{ name: 'SESSION', help: 'its id, as in session list' }],
  }),
  command(
    'update status',
    'the two system slots, and an update that is being installed',
    ['update status'],
    async () => (await import('./cmd/update.ts')).updateStatus,
  ),
  command(
    'update history',
    'what became of updates, with reasons',
    ['update history'],
    async () => (await import('./cmd/update.ts')).updateHistory,
    { options: [limit('lines')] },
  ),
  command(
    'update inspect',
    'what a bundle is, before it is installed',
    ['update inspect https://example.org/dplaneos-0.2.0.bundle', 'update inspect --on-box /media/usb/dplaneos-0.2.0.bundle'],
    async () => (await import('./cmd/update.ts')).updateInspect,
    { args: [bundle], options: [ON_BOX] },
  ),
  command(
    'update install',
    'install a signed bundle into the slot that does not run',
    ['update install https://example.org/dplaneos-0.2.0.bundle --wait', 'update install dplaneos-0.2.0.bundle'],
    async () => (await import('./cmd/update.ts')).updateInstall,
    {
      args: [bundle],
      options: [{ name: 'wait', help: 'follow it to its end, with a bar' }, ON_BOX, YES],
      details:
        'The running system is not touched: the update is tried at the next restart, and if it does not come up well, the system that runs now comes back by itself.',
    },
  ),
  command(
    'update cancel',
    'end the update that is being installed',
    ['update cancel'],
    async () => (await import('./cmd/update.ts')).updateCancel,
  ),
  command(
    'update rollback',
    'let the next restart try the other slot, when it came up well before',
    ['update rollback'],
    async () => (await import('./cmd/update.ts')).updateRollback,
    { options: [YES] },
  ),
  command(
    'update confirm',
    'keep the running system although it was not found good by itself',
    ['update confirm'],
    async () => (await import('./cmd/update.ts')).updateConfirm,
    { options: [YES] },
  ),
  command(
    'generations',
    'the generations of NixOS: what runs, what starts next',
    ['generations'],
    async () => (await import('./cmd/generations.ts')).generationsList,
  ),
  command(
    'generations compare',
    'which packages differ between two generations; with one, between it and the one that runs',
    ['generations compare 41', 'generations compare 41 42'],
    async () => (await import('./cmd/generations.ts')).generationsCompare,
    { args: [generation, { ...generation, name: 'OTHER', optional: true }] },
  ),
  command(
    'generations activate',
    'let the next restart start this generation, under the same checks as an update',
    ['generations activate 41'],
    async () => (await import('./cmd/generations.ts')).generationsActivate,
    { args: [generation], options: [YES], details: 'Snapshots @pre-upgrade-... of all pools are taken before. What runs is not touched.' },
  ),
  command(
    'generations rollback',
    'the same with the generation before',
    ['generations rollback'],
    async () => (await import('./cmd/generations.ts')).generationsRollback,
    { options: [YES] },
  ),
  command(
    'generations delete',
    'delete generations, and what only they needed',
    ['generations delete 38 39'],
    async () => (await import('./cmd/generations.ts')).generationsDelete,
    { args: [{ ...generation, many: true }], options: [YES] },
  ),
  command(
    'restart',
    'restart the machine; says before who is connected',
    ['restart'],
    async () => (await import('./cmd/update.ts')).restart,
    {
      options: [YES],
    },
  ),

  command('password', 'change your own password', ['password'], async () => (await import('./cmd/session.ts')).password),
  command(
    'totp enable',
    'ask for a code of your authenticator at every login',
    ['totp enable'],
    async () => (await import('./cmd/session.ts')).totpEnable,
  ),
  command('totp disable', 'stop asking for it', ['totp disable'], async () => (await import('./cmd/session.ts')).totpDisable),
  command(
    'recover',
    'get back in: for root on the box itself',
    ['recover', 'recover --user anna', 'recover --new-admin'],
    async () => (await import('./cmd/recover.ts')).recover,
    {
      options: [
        { name: 'user', value: 'NAME', help: 'whose password is set anew' },
        { name: 'reset-totp', help: 'drop the second factor as well' },
        { name: 'new-admin', help: 'make a new claim code instead, for a new admin' },
        secretIn,
      ],
      details: 'Works over the local socket, without any password. It is written into the audit log.',
    },
  ),

  command(
    'completion',
    'completion for your shell',
    [
      'completion bash > /etc/bash_completion.d/dplane',
      'completion zsh > ~/.zfunc/_dplane',
      'completion fish > ~/.config/fish/completions/dplane.fish',
    ],
    async () => (await import('./cmd/completion.ts')).completion,
    {
      args: [{ name: 'SHELL', help: 'bash, zsh or fish', offer: ['bash', 'zsh', 'fish'] }],
    },
  ),
  command('version', 'versions of this command and of the box', ['version'], async () => (await import('./cmd/help.ts')).version),
  command('help', 'this, or help about a command', ['help', 'help dataset create'], async () => (await import('./cmd/help.ts')).help, {
    args: [{ name: 'COMMAND', optional: true, many: true, help: 'what to explain', offer: 'command' }],
  }),
];

/** The order and headings in which `dplane help` lists them. */
export const SECTIONS: readonly (readonly [string, readonly string[]])[] = [
  ['Look', ['status', 'events', 'alerts', 'audit', 'run']],
  ['Storage', ['pool', 'disk', 'dataset', 'key', 'snapshot', 'clone', 'schedule', 'share', 'share-user', 'share-group']],
  ['Declared state', ['plan', 'apply', 'approve', 'state', 'drift']],
  ['System', ['memory', 'update', 'generations', 'restart']],
  ['Access', ['claim', 'login', 'logout', 'whoami', 'password', 'totp', 'user', 'token', 'session', 'host', 'recover']],
  ['This command', ['completion', 'version', 'help']],
];
