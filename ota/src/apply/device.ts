/**
 * The partition an update is written to, and every reason not to write to it. It has to be the slot that doesn't run, on the disk
 * that was booted from, used by nobody: the kernel refuses a second owner (O_EXCL).
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';
import { otherSlot, type SlotName } from '../../../control/src/domain/slot/slot.ts';
import type { Booted } from '../slots/booted.ts';
import { readMounts } from '../slots/mounts.ts';
import type { Places } from '../slots/places.ts';

export type SlotDevice = { slot: SlotName; path: string; size: number; file: FileHandle };

const number = (rdev: number): string => `${(rdev >> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;
const sysOf = (places: Places, device: string): Promise<string> => realpath(join(places.sys, 'dev/block', device));
const TODO = 'Nothing was written. Look at the partitions with `lsblk -o NAME,PARTLABEL,MOUNTPOINTS`.';

/** The device a slot's label leads to, and where the kernel keeps what it knows of it. */
const find = async (places: Places, slot: SlotName): Promise<{ path: string; device: string; sys: string }> => {
  const path = await realpath(places.slot(slot));
  const found = await stat(path);
  if (!found.isBlockDevice()) throw new Error(`${path} is not a block device`);
  const device = number(found.rdev);
  return { path, device, sys: await sysOf(places, device) };
};

const whyNot = async (places: Places, booted: Booted, target: SlotName): Promise<string | null> => {
  const [there, running] = [await find(places, target), await find(places, booted.slot)];
  const event = await readFile(join(there.sys, 'uevent'), 'utf8');
  if (!event.split('\n').includes(`PARTNAME=system-${target}`)) return `the kernel does not call ${there.path} system-${target}`;
  if (there.device === running.device) return `the labels of both slots lead to ${there.path}`;
  const esp = await sysOf(places, number((await stat(places.esp)).dev));
  if (dirname(there.sys) !== dirname(esp) || dirname(running.sys) !== dirname(esp))
    return `${there.path}, ${running.path} and the boot partition are not on the same disk: there are two disks with these labels`;
  if ((await readMounts(places.mountinfo)).some((m) => m.device === there.device)) return `${there.path} is mounted`;
  if ((await readdir(join(there.sys, 'holders'))).length > 0) return `${there.path} is part of something else (device mapper or RAID)`;
  return null;
};

const DIRECT = constants.O_RDWR | constants.O_NOFOLLOW | constants.O_DIRECT;

/** Past every cache where the file system can: what is read back then comes from the disk. */
const openDirect = async (path: string, flags: number): Promise<FileHandle> => {
  try {
    return await open(path, DIRECT | flags);
  } catch (error) {
    // a file system in memory, under tests
    if (flags === 0 && error instanceof Error && 'code' in error && error.code === 'EINVAL')
      return open(path, constants.O_RDWR | constants.O_NOFOLLOW);
    throw error;
  }
};

export const openSlot = async (places: Places, booted: Booted): Promise<Result<SlotDevice>> => {
  const slot = otherSlot(booted.slot);
  const what = `opening slot ${slot}`;
  try {
    if (places.pretend) {
      const path = places.slot(slot);
      const { size } = await stat(path);
      return ok({ slot, path, size, file: await openDirect(path, 0) });
    }
    const why = await whyNot(places, booted, slot);
    if (why !== null) return refuse('conflict', what, why, TODO);
    const { path, device, sys } = await find(places, slot);
    const file = await openDirect(path, constants.O_EXCL);
    // the same one that was looked at, whatever the label leads to by now
    if (number((await file.stat()).rdev) !== device) {
      await file.close();
      return refuse('conflict', what, `${path} became another device while it was opened`, TODO);
    }
    return ok({ slot, path, size: Number(await readFile(join(sys, 'size'), 'utf8')) * 512, file });
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'EBUSY';
    return refuse(busy ? 'busy' : 'unavailable', what, busy ? 'it is in use: mounted, or written by another process' : String(error), TODO);
  }
};
