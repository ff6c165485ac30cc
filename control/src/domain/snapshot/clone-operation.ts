/** What is done about clones that were made for a while. `clone` is the name under which one was made: its mark, and its record's key. */
import { z } from 'zod';
import { DatasetName, Guid, SnapshotTag } from '../names.ts';
import { CloneHours, CloneShare } from './clone.ts';

export const CLONE_OPERATIONS = [
  /** Kept by the control plane itself, and written before the clone is made. */
  z.strictObject({
    kind: z.literal('clone.watch'),
    clone: DatasetName,
    dataset: DatasetName,
    tag: SnapshotTag,
    guid: Guid,
    hours: CloneHours,
    share: CloneShare.nullable(),
  }),
  /** From now on. Kept by the control plane itself. */
  z.strictObject({ kind: z.literal('clone.extend'), clone: DatasetName, hours: CloneHours }),
  /** The mark is taken off: from then on it is a dataset like any other. */
  z.strictObject({ kind: z.literal('clone.keep'), clone: DatasetName, name: DatasetName, guid: Guid }),
  /**
   * Destroys without an approval, so its guards are the executor's own: it is the clone that was made for a while, of this snapshot, with nothing of its
   * own and nothing written since.
   */
  z.strictObject({ kind: z.literal('clone.expire'), clone: DatasetName, name: DatasetName, guid: Guid, snapshot: Guid }),
] as const;
const CloneOperation = z.discriminatedUnion('kind', CLONE_OPERATIONS);
export type CloneOperation = z.infer<typeof CloneOperation>;
