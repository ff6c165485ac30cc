/** Pools, memory, disks and datasets; what changes the disks of a pool is in pools.ts. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Command, Option } from '../parse.ts';
import { CHANGE, DESTROYS, command, dataset, pool } from './shared.ts';

const property: Option = {
  name: 'property',
  short: 'o',
  value: 'NAME=VALUE',
  many: true,
  offer: 'property',
  help: 'a ZFS property, such as compression=zstd; may be repeated',
};

export const storageCommands: readonly Command<Handler>[] = [
  command('pool list', 'pools and how they are', ['pool list'], async () => (await import('../cmd/pool.ts')).poolList),
  command(
    'pool show',
    'one pool: state, what it means, its disks',
    ['pool show tank'],
    async () => (await import('../cmd/pool.ts')).poolShow,
    { args: [pool] },
  ),
  command(
    'pool create',
    'make a pool of free disks',
    ['pool create tank mirror ata-A ata-B', 'pool create tank raidz2 ata-A ata-B ata-C ata-D log mirror nvme-E nvme-F'],
    async () => (await import('../cmd/pool.ts')).poolCreate,
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
    async () => (await import('../cmd/pool.ts')).poolScrub,
    {
      args: [pool],
      options: [{ name: 'pause', help: 'pause it; start it again to go on' }, { name: 'stop', help: 'end it' }, ...CHANGE],
    },
  ),
  command(
    'memory show',
    "how much memory ZFS's cache takes and may take, and why",
    ['memory show'],
    async () => (await import('../cmd/memory.ts')).memoryShow,
    {},
  ),
  command(
    'memory arc',
    "set how much memory ZFS's cache may take",
    ['memory arc 4G', 'memory arc auto'],
    async () => (await import('../cmd/memory.ts')).memoryArc,
    {
      args: [{ name: 'SIZE', help: 'a size such as 4G, or auto: what this machine and what runs on it leave' }],
      options: CHANGE,
      details: 'In force at once, and again after each start.',
    },
  ),
  command(
    'disk list',
    'disks, and which are free',
    ['disk list', 'disk list --free'],
    async () => (await import('../cmd/disk.ts')).diskList,
    {
      options: [{ name: 'free', help: 'only those that a new pool may take' }],
    },
  ),
  command(
    'dataset list',
    'datasets as a tree',
    ['dataset list', 'dataset list tank/media'],
    async () => (await import('../cmd/dataset.ts')).datasetList,
    {
      args: [{ ...dataset, optional: true, help: 'only this one and what is below it' }],
    },
  ),
  command(
    'dataset show',
    'one dataset and its properties',
    ['dataset show tank/media', 'dataset show tank/media --all'],
    async () => (await import('../cmd/dataset.ts')).datasetShow,
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
    async () => (await import('../cmd/dataset.ts')).datasetCreate,
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
    async () => (await import('../cmd/dataset.ts')).datasetSet,
    {
      args: [dataset, { name: 'NAME=VALUE', many: true, help: 'property and value; inherit drops its own value', offer: 'property' }],
      options: CHANGE,
    },
  ),
  command(
    'dataset rename',
    'give it another name or place in its pool',
    ['dataset rename tank/media tank/archive/media'],
    async () => (await import('../cmd/dataset.ts')).datasetRename,
    {
      args: [dataset, { name: 'NEW-NAME', help: 'full new name in the same pool', offer: 'dataset' }],
      options: CHANGE,
    },
  ),
  command(
    'dataset promote',
    'let a clone stand on its own feet; what it was made from becomes its clone',
    ['dataset promote tank/media-before'],
    async () => (await import('../cmd/dataset.ts')).datasetPromote,
    { args: [dataset], options: CHANGE },
  ),
  command(
    'dataset destroy',
    'destroy it with everything below it',
    ['dataset destroy tank/old', 'dataset destroy tank/old --yes --approve tank/old'],
    async () => (await import('../cmd/dataset.ts')).datasetDestroy,
    {
      args: [dataset],
      options: CHANGE,
      details: `${DESTROYS} Each dataset below it is approved on its own.`,
    },
  ),
];
