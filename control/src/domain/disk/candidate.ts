/**
 * May this disk take the place of that one? Asked before anything is planned, by the form, the planner and the executor alike, so that
 * "slightly smaller" is said first and not last. Pure.
 */
import { z } from 'zod';
import { formatBytes } from '../units.ts';
import { type Disk, Disk as DiskSchema } from './disk.ts';
import { REPLACE_FROM } from './risk.ts';

/** ZFS's partition of a disk that it is given whole: 1 MiB in front, 8 MiB and the backup table behind, in steps of 1 MiB. */
export const roomOn = (diskBytes: number): number => {
  const sectors = Math.floor(diskBytes / 512);
  return Math.max(0, Math.floor((sectors - 2048 - 16_384 - 34) / 2048) * 2048 * 512);
};

export type Place = {
  /** Bytes its partition must have; null when that is not known. */
  minSize: number | null;
  /** Sector size of the vdev in bytes; null when that is not known. */
  sector: number | null;
  rotational: boolean | null;
};

export const Candidate = z.object({
  disk: DiskSchema,
  /** Why it can't be used, each in a sentence of its own. Empty: it can. */
  refused: z.array(z.string()),
  /** It could be used once what is on it has been erased, which takes an approval that names it. */
  erase: z.string().nullable(),
  /** What one should know before choosing it. */
  notes: z.array(z.string()),
});
export type Candidate = z.infer<typeof Candidate>;

export const candidateFor = (disk: Disk, place: Place): Candidate => {
  const { risk } = disk;
  const refused: string[] = [];
  const notes: string[] = [];
  if (disk.system) refused.push('it holds the running system');
  if (disk.pool !== null) refused.push(`it belongs to pool ${disk.pool}`);
  if (place.minSize !== null && roomOn(disk.size) < place.minSize) {
    const short = place.minSize - roomOn(disk.size);
    refused.push(`it is too small: ${formatBytes(short)} are missing (${short.toLocaleString('en')} bytes)`);
  }
  if (place.sector !== null && disk.logicalSector > place.sector)
    refused.push(`its sectors have ${disk.logicalSector} bytes, and this part of the pool was made for ${place.sector}`);
  else if (place.sector !== null && disk.physicalSector > place.sector)
    notes.push(`its sectors have ${disk.physicalSector} bytes inside; with the ${place.sector} of this pool it writes slowly`);
  if (risk !== undefined && risk.score >= REPLACE_FROM) refused.push(`it is failing itself: ${risk.reasons.join(', ')}`);
  else if (risk === undefined) notes.push('nothing is known of its health: it sleeps, or says nothing of itself');
  else if (risk.reasons.length > 0) notes.push(risk.reasons.join(', '));
  if (place.rotational !== null && place.rotational !== disk.rotational)
    notes.push(disk.rotational ? 'a hard disk among solid state disks: it slows the others down' : 'a solid state disk among hard disks');
  const surplus = place.minSize === null ? 0 : roomOn(disk.size) - place.minSize;
  if (refused.length === 0 && place.minSize !== null && surplus > place.minSize / 20)
    notes.push(`${formatBytes(surplus)} of it stay unused until all disks beside it are as large`);
  const erase = refused.length === 0 && disk.foreign !== null ? `it holds ${disk.foreign}` : null;
  return { disk, refused, erase, notes };
};

/** The best first: free ones that fit most closely, then those that would have to be erased, then those that can't be used. */
export const inOrderOfUse = (all: readonly Candidate[]): Candidate[] => {
  const rank = (c: Candidate): number => (c.refused.length > 0 ? 2 : c.erase !== null ? 1 : 0);
  return [...all].sort(
    (a, b) => rank(a) - rank(b) || a.notes.length - b.notes.length || a.disk.size - b.disk.size || (a.disk.path < b.disk.path ? -1 : 1),
  );
};
