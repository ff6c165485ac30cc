/** The commands that change the disks of a pool: a part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Arg, Command, Option } from '../parse.ts';
import { CHANGE, command } from './shared.ts';

const pool: Arg = { name: 'POOL', help: 'name of the pool', offer: 'pool' };
const disk: Arg = { name: 'DISK', help: 'a disk of the pool, as "dplane pool show" names it, or its guid', offer: 'disk' };
const fresh: Arg = { name: 'NEW-DISK', help: 'a disk as "dplane disk list" names it', offer: 'disk' };
const vdev: Arg = {
  name: 'VDEV',
  many: true,
  help: '[log|cache|special|spare|dedup] [stripe|mirror|raidz1..3|draid1..3] DISK...',
  offer: 'disk',
};
const ERASE: Option = {
  name: 'erase',
  value: 'DISK',
  many: true,
  offer: 'disk',
  help: 'this disk may be erased, though it holds something; asks for its name once more',
};
const WATCH: Option = { name: 'watch', short: 'w', help: 'stay and show how far it is, until it has ended' };
const REDUNDANCY = 'Where the pool would survive less than before, the name of the disk has to be typed (or given with --approve).';
const load = (name: keyof typeof import('../cmd/pool-disks.ts')) => async (): Promise<Handler> => {
  const all = await import('../cmd/pool-disks.ts');
  return all[name] as Handler; // only handlers are named here
};

const care = (name: keyof typeof import('../cmd/disk.ts')) => async (): Promise<Handler> => (await import('../cmd/disk.ts'))[name];
const move = (name: keyof typeof import('../cmd/pool-moves.ts')) => async (): Promise<Handler> =>
  (await import('../cmd/pool-moves.ts'))[name];

const guard = (name: keyof typeof import('../cmd/pool-guard.ts')) => async (): Promise<Handler> =>
  (await import('../cmd/pool-guard.ts'))[name];

export const poolCommands: readonly Command<Handler>[] = [
  command(
    'pool replace',
    'put another disk in the place of one',
    ['pool replace tank ata-OLD', 'pool replace tank ata-OLD ata-NEW --watch'],
    load('poolReplace'),
    {
      args: [pool, disk, { ...fresh, optional: true, help: 'the new disk; without it, those that fit are shown and one is asked for' }],
      options: [ERASE, WATCH, ...CHANGE],
      details:
        'Size, sector size and health are checked first. The old disk stays in use, if it still works, until the new one holds everything.',
    },
  ),
  command('pool watch', 'how far a resilver or scrub is, until it has ended', ['pool watch tank'], load('poolWatch'), { args: [pool] }),
  command(
    'pool attach',
    'make a mirror of a disk, a wider mirror, or a wider raidz',
    ['pool attach tank ata-A ata-B', 'pool attach tank raidz1-0 ata-E'],
    load('poolAttach'),
    {
      args: [pool, { name: 'TO', help: 'a disk of the pool, or a raidz such as raidz1-0', offer: 'disk' }, fresh],
      options: [ERASE, WATCH, ...CHANGE],
      details: "A raidz that has grown can't be made smaller again.",
    },
  ),
  command('pool detach', 'take a disk out of a mirror for good', ['pool detach tank ata-B'], load('poolDetach'), {
    args: [pool, disk],
    options: CHANGE,
    details: REDUNDANCY,
  }),
  command('pool offline', 'switch a disk off', ['pool offline tank ata-B'], load('poolOffline'), {
    args: [pool, disk],
    options: CHANGE,
    details: REDUNDANCY,
  }),
  command('pool online', 'use a disk again', ['pool online tank ata-B', 'pool online tank ata-B --expand'], load('poolOnline'), {
    args: [pool, disk],
    options: [{ name: 'expand', help: 'use all of a disk that has become larger' }, ...CHANGE],
  }),
  command('pool clear', 'forget errors, and try disks again', ['pool clear tank', 'pool clear tank ata-B'], load('poolClear'), {
    args: [pool, { ...disk, optional: true }],
    options: CHANGE,
  }),
  command(
    'pool add',
    'add a vdev: more space, a log, a cache, a spare',
    ['pool add tank mirror ata-C ata-D', 'pool add tank spare ata-E'],
    load('poolAdd'),
    {
      args: [pool, vdev],
      options: [ERASE, ...CHANGE],
      details: `What holds data can hardly be taken away again. ${REDUNDANCY.replace('disk', 'pool')}`,
    },
  ),
  command('pool remove', 'take a spare, a log or a cache away', ['pool remove tank ata-E'], load('poolRemove'), {
    args: [pool, { ...disk, help: 'the spare, log or cache; a mirrored log by its name, such as mirror-1' }],
    options: CHANGE,
  }),
  command('pool trim', 'tell solid state disks which space is free', ['pool trim tank', 'pool trim tank --pause'], load('poolTrim'), {
    args: [pool],
    options: [{ name: 'pause', help: 'pause it; start it again to go on' }, { name: 'stop', help: 'end it' }, ...CHANGE],
  }),
  command(
    'pool schedule',
    'when a pool is scrubbed and trimmed by itself',
    ['pool schedule tank', "pool schedule tank --scrub '0 2 1 * *' --trim never"],
    load('poolSchedule'),
    {
      args: [pool],
      options: [
        { name: 'scrub', value: 'CRON|never', help: 'five fields: minute hour day month weekday' },
        { name: 'trim', value: 'CRON|never', help: 'the same' },
        { name: 'timezone', value: 'ZONE', help: 'such as Europe/Vienna' },
      ],
      details:
        'Without options it shows what is set. A scrub once a month is usual. What was missed while the box was off is made up for once.',
    },
  ),
  command(
    'pool health',
    'does each pool answer, and its disks with their errors',
    ['pool health', 'pool health tank'],
    guard('poolHealth'),
    {
      args: [{ ...pool, optional: true }],
    },
  ),
  command(
    'pool heartbeat',
    'a small write every 30 s that shows that a pool answers',
    ['pool heartbeat tank', 'pool heartbeat tank --off', 'pool heartbeat tank --on --limit 60'],
    guard('poolHeartbeat'),
    {
      args: [pool],
      options: [
        { name: 'on', help: 'begin it' },
        { name: 'off', help: 'end it: for a pool whose disks are to sleep' },
        { name: 'limit', value: 'SECONDS', help: 'how long a beat may take until the pool counts as one that does not answer (10 to 600)' },
      ],
      details: 'Without options it shows how it is. What runs on a pool that does not answer is stopped (dplane-pool-failed@POOL.target).',
    },
  ),
  command(
    'pool capacity',
    'how full pools are, and what is held back for when they are',
    ['pool capacity', 'pool capacity tank --warn 75 --high 85 --full 95'],
    guard('poolCapacity'),
    {
      args: [{ ...pool, optional: true }],
      options: [
        { name: 'warn', value: 'PERCENT', help: 'from here on it is told' },
        { name: 'high', value: 'PERCENT', help: 'from here on it is urgent' },
        { name: 'full', value: 'PERCENT', help: 'here the reserve is given free' },
      ],
    },
  ),
  command(
    'pool reserve',
    'hold back a part of a pool for when it is full',
    ['pool reserve tank', 'pool reserve tank 10G'],
    guard('poolReserve'),
    {
      args: [pool, { name: 'SIZE', optional: true, help: 'such as 10G; without it 2% of the pool, at most 32 GiB' }],
      details:
        'It is given free by itself when the pool is full, so that things can be deleted. It is no quota: nobody else can use it until then.',
    },
  ),
  command('pool release', 'give the reserve of a pool free', ['pool release tank'], guard('poolRelease'), { args: [pool] }),
  command(
    'pool iostat',
    'what pools and their disks read and write now',
    ['pool iostat', 'pool iostat tank --watch'],
    guard('poolIostat'),
    {
      args: [{ ...pool, optional: true }],
      options: [{ name: 'watch', short: 'w', help: 'again and again, until Ctrl-C' }],
      details: 'A pool is its disks together: a mirror counts what each of its disks writes.',
    },
  ),
  command('pool set', 'change options of a pool', ['pool set tank --autoexpand on'], load('poolSet'), {
    args: [pool],
    options: [
      { name: 'autotrim', value: 'on|off', offer: ['on', 'off'], help: 'trim freed space on SSDs' },
      { name: 'autoexpand', value: 'on|off', offer: ['on', 'off'], help: 'grow when its disks have grown' },
      { name: 'comment', value: 'TEXT', help: 'up to 32 characters' },
      ...CHANGE,
    ],
  }),
  command('pool importable', 'pools that lie on the disks and are not in use', ['pool importable'], move('poolImportable'), {}),
  command(
    'pool import',
    'use a pool that lies on the disks',
    ['pool import backup', 'pool import 1234567890 --as old --read-only'],
    move('poolImport'),
    {
      args: [{ name: 'POOL', help: 'its name or guid, as in pool importable' }],
      options: [
        { name: 'as', value: 'NAME', help: 'give it another name' },
        { name: 'read-only', help: 'look only: nothing of it is written' },
        { name: 'force', help: 'although another machine had it last and did not give it up; asks for its name' },
        ...CHANGE,
      ],
      details: 'Its datasets are mounted where they say, but never over the operating system.',
    },
  ),
  command('pool export', 'give a pool up cleanly, so that its disks can be moved', ['pool export backup'], move('poolExport'), {
    args: [pool],
    options: CHANGE,
  }),
  command(
    'pool checkpoint',
    'keep the whole pool as it is now',
    ['pool checkpoint tank', 'pool checkpoint tank --discard'],
    move('poolCheckpoint'),
    {
      args: [pool],
      options: [{ name: 'discard', help: 'give the checkpoint up' }, ...CHANGE],
    },
  ),
  command('pool upgrade', 'switch on all features of this ZFS', ['pool upgrade tank'], move('poolUpgrade'), {
    args: [pool],
    options: CHANGE,
    details: 'Refused while the other system slot has another ZFS: it could not read the pool any more.',
  }),
  command('pool forget', 'stop waiting for a pool that will not come back', ['pool forget old'], move('poolForget'), {
    args: [{ ...pool, help: 'the missing pool' }],
    options: CHANGE,
    details: 'Shares of other pools come up without it. No disk is touched; it can be imported whenever they are back.',
  }),
  command('disk show', 'how healthy a disk is, why, and how it became so', ['disk show ata-A'], care('diskShow'), {
    args: [{ ...fresh, name: 'DISK' }],
    details: 'It shows what was read last: every half hour, and not while the disk sleeps.',
  }),
  command('disk test', 'let a disk test itself', ['disk test ata-A short', 'disk test ata-A --stop'], care('diskTest'), {
    args: [
      { ...fresh, name: 'DISK' },
      { name: 'KIND', optional: true, help: 'short (minutes; the default) or long (hours, every sector)' },
    ],
    options: [{ name: 'stop', help: 'end the one that is under way' }],
    details: 'The disk stays in use. One that sleeps is woken for it.',
  }),
  command(
    'disk care',
    'how often disks are asked for their health, and when they test themselves',
    ['disk care', "disk care --every 60 --short '0 3 * * 0' --long never"],
    care('diskCare'),
    {
      options: [
        { name: 'every', value: 'MINUTES', help: '10 to 1440' },
        { name: 'short', value: 'CRON|never', help: 'five fields: minute hour day month weekday' },
        { name: 'long', value: 'CRON|never', help: 'the same; of each pool one disk is at it at a time' },
        { name: 'timezone', value: 'ZONE', help: 'such as Europe/Vienna' },
      ],
      details: 'Without options it shows what is set. A disk that sleeps is not woken: it makes up for its test when it is awake.',
    },
  ),
  command(
    'disk candidates',
    'which disks may take the place of one, and why others may not',
    ['disk candidates tank ata-OLD'],
    load('diskCandidates'),
    {
      args: [pool, disk],
    },
  ),
  command('disk erase', 'make a disk that no pool uses count as empty', ['disk erase ata-OLD'], load('diskErase'), {
    args: [{ ...fresh, name: 'DISK' }],
    options: CHANGE,
    details:
      'Its name has to be typed (or given with --approve). What says what it holds is overwritten; that does not make data unreadable.',
  }),
];
