/** What a disk says of itself, whatever its protocol: SMART of ATA, the health log of NVMe, log pages of SCSI. Null: it does not say. */
import { z } from 'zod';
import { DiskPath } from '../names.ts';

const Count = z.number().int().nonnegative().nullable();

/** How smartctl has to speak to it: told, never guessed, where guessing may wake it (smartctl(8), option -n). */
export const SmartDevice = z.enum(['sat', 'scsi', 'nvme', 'auto']);
export type SmartDevice = z.infer<typeof SmartDevice>;

export const TestKind = z.enum(['short', 'long']);
export type TestKind = z.infer<typeof TestKind>;

export const SelfTest = z.object({
  kind: z.enum(['short', 'long', 'other']),
  result: z.enum(['passed', 'failed', 'stopped']),
  /** The disk's own words. */
  text: z.string(),
  /** How long the disk had run by then. */
  hours: Count,
});
export type SelfTest = z.infer<typeof SelfTest>;

export const SelfTests = z.object({
  can: z.boolean(),
  /** Share that is done, 0 to 1. */
  running: z.number().min(0).max(1).nullable(),
  /** What the disk expects each to take. */
  minutes: z.object({ short: Count, long: Count }),
  /** Newest first. */
  last: z.array(SelfTest),
});
export type SelfTests = z.infer<typeof SelfTests>;

export const Smart = z.object({
  path: DiskPath,
  at: z.number(),
  /** asleep: it was not woken; unknown: it has no SMART, or could not be asked. */
  state: z.enum(['read', 'asleep', 'unknown']),
  /** Why it is unknown. */
  why: z.string().nullable(),
  protocol: z.enum(['ATA', 'NVMe', 'SCSI']).nullable(),
  passed: z.boolean().nullable(),
  /** Attributes that are beyond the limit its maker set: it is failing now. */
  beyond: z.array(z.string()),
  /** What an NVMe disk warns of. */
  warnings: z.array(z.enum(['spare', 'temperature', 'reliability', 'read-only', 'backup'])),
  temperature: z.number().int().nullable(),
  hours: Count,
  reallocated: Count,
  pending: Count,
  uncorrectable: Count,
  /** Errors that it could not hide from the machine (ATA 187). */
  reported: Count,
  /** Commands that it did not answer in time (ATA 188). */
  timeouts: Count,
  crcErrors: Count,
  /** Share of its rated life that is used, in percent; more than 100 is possible. */
  used: Count,
  spare: Count,
  spareThreshold: Count,
  mediaErrors: Count,
  tests: SelfTests.nullable(),
});
export type Smart = z.infer<typeof Smart>;

/** One that was not read. */
export const unread = (path: string, at: number, state: 'asleep' | 'unknown', why: string | null): Smart => ({
  path,
  at,
  state,
  why,
  protocol: null,
  passed: null,
  beyond: [],
  warnings: [],
  temperature: null,
  hours: null,
  reallocated: null,
  pending: null,
  uncorrectable: null,
  reported: null,
  timeouts: null,
  crcErrors: null,
  used: null,
  spare: null,
  spareThreshold: null,
  mediaErrors: null,
  tests: null,
});

/** Null: there is nothing to ask. */
export const smartDeviceOf = (d: { path: string; transport: string | null }): SmartDevice | null => {
  const name = d.path.slice(d.path.lastIndexOf('/') + 1);
  if (d.transport === 'usb' || name.startsWith('usb-')) return 'auto';
  if (name.startsWith('virtio-') || name.startsWith('mmc-')) return null;
  if (d.transport === 'nvme' || name.startsWith('nvme-')) return 'nvme';
  if (d.transport === 'sata' || name.startsWith('ata-') || name.startsWith('scsi-SATA_')) return 'sat';
  return d.transport === 'sas' || name.startsWith('scsi-') ? 'scsi' : 'auto';
};
