/**
 * A clone made for a while, to take things out of it: with a share if wanted, and an end. It goes by itself only as long as it is what it was made
 * as. The name under which it was made is its mark, kept on it as a property of its own, and its guid is written down when it is first seen: what does
 * not have both is never touched (docs/adr/0013-keys.md).
 */
import { z } from 'zod';
import { DatasetName, Guid, Millis, parentOf, poolOf, SnapshotTag } from '../names.ts';
import { ShareName } from '../share/share.ts';

/** A property of the dataset: the name under which it was made. */
export const CLONE_PROPERTY = 'org.dplaneos:temporary';
export const MAX_HOURS = 24 * 90;
export const CloneHours = z.number().int().min(1).max(MAX_HOURS);

export const CloneShare = z.strictObject({ kind: z.enum(['smb', 'nfs']), name: ShareName });
export const TemporaryClone = z.strictObject({
  /** The name under which it was made. */
  name: DatasetName,
  /** Null until it was seen with its mark. */
  guid: Guid.nullable(),
  snapshot: z.strictObject({ dataset: DatasetName, tag: SnapshotTag, guid: Guid }),
  share: CloneShare.nullable(),
  by: z.string(),
  madeAt: Millis,
  expiresAt: Millis,
  /** Why it is still there although its time is over. */
  note: z.string().nullable(),
});
export type TemporaryClone = z.infer<typeof TemporaryClone>;

/** Beside what it shows: `tank/photos@GMT-2026.11.20-12.00.00` becomes `tank/photos-2026.11.20-12.00.00`. */
export const suggestedClone = (dataset: string, tag: string, isTaken: (name: string) => boolean): string => {
  const at = parentOf(dataset) === null ? `${poolOf(dataset)}/restored` : dataset;
  const base = `${at}-${tag.replace(/^GMT-/, '').slice(0, 60)}`.slice(0, 240);
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!isTaken(name)) return name;
  }
};
/** As people meet it in a network: letters and digits of the clone's last part. */
export const suggestedShare = (clone: string): string =>
  (clone.split('/').at(-1) ?? 'restored')
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60) || 'restored';
