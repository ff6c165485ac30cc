/** The machine itself: updates, generations, restart. A part of the table in ../commands.ts. */
import type { Handler } from '../cli.ts';
import type { Arg, Command, Option } from '../parse.ts';
import { command, limit } from './shared.ts';

const YES: Option = { name: 'yes', short: 'y', help: "don't ask" };
const ON_BOX: Option = { name: 'on-box', help: 'the file is on the box itself, such as a USB stick that is mounted there' };
const bundle: Arg = { name: 'SOURCE', help: 'an address the box can reach, or a file', offer: 'file' };
const generation: Arg = { name: 'NUMBER', help: 'the number of a generation' };

export const systemCommands: readonly Command<Handler>[] = [
  command(
    'update status',
    'the two system slots, and an update that is being installed',
    ['update status'],
    async () => (await import('../cmd/update.ts')).updateStatus,
  ),
  command(
    'update history',
    'what became of updates, with reasons',
    ['update history'],
    async () => (await import('../cmd/update.ts')).updateHistory,
    { options: [limit('lines')] },
  ),
  command(
    'update inspect',
    'what a bundle is, before it is installed',
    ['update inspect https://example.org/dplaneos-0.2.0.bundle', 'update inspect --on-box /media/usb/dplaneos-0.2.0.bundle'],
    async () => (await import('../cmd/update.ts')).updateInspect,
    { args: [bundle], options: [ON_BOX] },
  ),
  command(
    'update install',
    'install a signed bundle into the slot that does not run',
    ['update install https://example.org/dplaneos-0.2.0.bundle --wait', 'update install dplaneos-0.2.0.bundle'],
    async () => (await import('../cmd/update.ts')).updateInstall,
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
    async () => (await import('../cmd/update.ts')).updateCancel,
  ),
  command(
    'update rollback',
    'let the next restart try the other slot, when it came up well before',
    ['update rollback'],
    async () => (await import('../cmd/update.ts')).updateRollback,
    { options: [YES] },
  ),
  command(
    'update confirm',
    'keep the running system although it was not found good by itself',
    ['update confirm'],
    async () => (await import('../cmd/update.ts')).updateConfirm,
    { options: [YES] },
  ),
  command(
    'generations',
    'the generations of NixOS: what runs, what starts next',
    ['generations'],
    async () => (await import('../cmd/generations.ts')).generationsList,
  ),
  command(
    'generations compare',
    'which packages differ between two generations; with one, between it and the one that runs',
    ['generations compare 41', 'generations compare 41 42'],
    async () => (await import('../cmd/generations.ts')).generationsCompare,
    { args: [generation, { ...generation, name: 'OTHER', optional: true }] },
  ),
  command(
    'generations activate',
    'let the next restart start this generation, under the same checks as an update',
    ['generations activate 41'],
    async () => (await import('../cmd/generations.ts')).generationsActivate,
    { args: [generation], options: [YES], details: 'Snapshots @pre-upgrade-... of all pools are taken before. What runs is not touched.' },
  ),
  command(
    'generations rollback',
    'the same with the generation before',
    ['generations rollback'],
    async () => (await import('../cmd/generations.ts')).generationsRollback,
    { options: [YES] },
  ),
  command(
    'generations delete',
    'delete generations, and what only they needed',
    ['generations delete 38 39'],
    async () => (await import('../cmd/generations.ts')).generationsDelete,
    { args: [{ ...generation, many: true }], options: [YES] },
  ),
  command(
    'restart',
    'restart the machine; says before who is connected',
    ['restart'],
    async () => (await import('../cmd/update.ts')).restart,
    {
      options: [YES],
    },
  ),
];
