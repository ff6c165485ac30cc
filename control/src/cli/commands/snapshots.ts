/** Snapshots, the time machine, schedules. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Arg, Command, Option } from '../parse.ts';
import { CHANGE, DESTROYS, command, dataset, limit, snapshot } from './shared.ts';

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
const inSnapshot: Arg = { name: 'PATH', help: 'path in the snapshot, such as letters/2026.txt' };

export const snapshotCommands: readonly Command<Handler>[] = [
  command(
    'snapshot list',
    'snapshots, newest first',
    ['snapshot list', 'snapshot list tank/media -r', 'snapshot list --match before --limit 20'],
    async () => (await import('../cmd/snapshot.ts')).snapshotList,
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
    async () => (await import('../cmd/snapshot.ts')).snapshotCreate,
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
    async () => (await import('../cmd/snapshot.ts')).snapshotDestroy,
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
    async () => (await import('../cmd/snapshot.ts')).snapshotRollback,
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
    async () => (await import('../cmd/snapshot.ts')).snapshotClone,
    { args: [snapshot, { name: 'NEW-NAME', help: 'full name in the same pool', offer: 'dataset' }], options: CHANGE },
  ),
  command(
    'snapshot ls',
    'a folder as it was',
    ['snapshot ls tank/media@before', 'snapshot ls tank/media@before films/2025'],
    async () => (await import('../cmd/files.ts')).snapshotLs,
    { args: [snapshot, { ...inSnapshot, optional: true }] },
  ),
  command(
    'snapshot find',
    'files and folders of a snapshot whose name holds a text',
    ['snapshot find tank/media@before invoice'],
    async () => (await import('../cmd/files.ts')).snapshotFind,
    { args: [snapshot, { name: 'TEXT', help: 'a piece of the name' }] },
  ),
  command(
    'snapshot versions',
    'one file across the snapshots of its dataset',
    ['snapshot versions tank/media films/list.txt'],
    async () => (await import('../cmd/files.ts')).snapshotVersions,
    { args: [dataset, inSnapshot] },
  ),
  command(
    'snapshot get',
    'bring a file here; a folder comes as a tar archive',
    ['snapshot get tank/media@before films/list.txt', 'snapshot get tank/media@before films --out films.tar'],
    async () => (await import('../cmd/files.ts')).snapshotGet,
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
    async () => (await import('../cmd/files.ts')).snapshotRestore,
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
    async () => (await import('../cmd/snapshot.ts')).snapshotDiff,
    {
      args: [snapshot, { name: 'LATER', optional: true, help: 'a later snapshot of the same dataset; without it, now' }],
      options: [limit('changes (default 1000; up to 10000)')],
    },
  ),
  command(
    'snapshot hold',
    'protect a snapshot from being destroyed',
    ['snapshot hold tank/media@before legal'],
    async () => (await import('../cmd/snapshot.ts')).snapshotHold,
    {
      args: [snapshot, { name: 'HOLD', optional: true, help: 'name of the hold (default: keep)' }],
      options: CHANGE,
    },
  ),
  command(
    'snapshot release',
    'take a hold away',
    ['snapshot release tank/media@before legal'],
    async () => (await import('../cmd/snapshot.ts')).snapshotRelease,
    {
      args: [snapshot, { name: 'HOLD', optional: true, help: 'name of the hold (default: keep)' }],
      options: CHANGE,
    },
  ),
  command(
    'schedule list',
    'who takes snapshots when, and what is kept',
    ['schedule list'],
    async () => (await import('../cmd/schedule.ts')).scheduleList,
  ),
  command(
    'schedule set',
    'make a schedule, or change one',
    [
      "schedule set hourly tank/media cron='0 * * * *' hourly=24 daily=14 monthly=12 -r",
      'schedule set hourly daily=30',
      'schedule set hourly --off',
    ],
    async () => (await import('../cmd/schedule.ts')).scheduleSet,
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
    async () => (await import('../cmd/schedule.ts')).schedulePreview,
    { args: SCHEDULE, options: [...SCHEDULED, { name: 'days', value: 'N', help: 'look so far ahead (default 365)' }], details: RETENTION },
  ),
  command(
    'schedule remove',
    'take no more snapshots; those there are stay',
    ['schedule remove hourly'],
    async () => (await import('../cmd/schedule.ts')).scheduleRemove,
    { args: [{ name: 'NAME', help: 'name of the schedule', offer: 'schedule' }], options: CHANGE },
  ),
];
