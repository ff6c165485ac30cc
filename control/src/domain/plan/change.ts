/**
 * What a click or a command asks for, as data. `planChange` turns it into a plan by the same rules that `state.yaml`
 * goes through: the wanted state is what is there now, plus the change.
 */
import { z } from 'zod';
import { DatasetSpec } from '../dataset/dataset.ts';
import { SealedKey } from '../key/key.ts';
import { DatasetName, Guid, PoolName, SnapshotTag } from '../names.ts';
import { MAX_DESTROYED, OwnSnapshot } from '../operation/operation.ts';
import { PoolSpec } from '../pool/pool.ts';
import { FileName, FilePath, InSnapshot } from '../snapshot/files.ts';
import { ArcLimit } from '../memory/arc.ts';
import { CLONE_CHANGES } from './clone-change.ts';
import { KEY_CHANGES } from './key-change.ts';
import { POOL_CHANGES, POOL_MOVE_CHANGES } from './pool-change.ts';
import { Properties } from '../property/property.ts';
import { ScheduleName, SnapshotSchedule } from '../schedule/schedule.ts';
import { ShareName, ShareSpec } from '../share/share.ts';
import { PermissionRequest } from '../permission/permission.ts';
import { AccountName, ShareUser } from '../share-user/share-user.ts';

/** Without defaults: what is not said stays. */
const ShareUserChange = z.strictObject({
  fullName: ShareUser.shape.fullName.unwrap().optional(),
  disabled: z.boolean().optional(),
  groups: ShareUser.shape.groups.unwrap().optional(),
  password: ShareUser.shape.password,
});

export const ChangeRequest = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pool.create'), pool: PoolSpec }),
  z.strictObject({ kind: z.literal('pool.scrub'), name: PoolName, action: z.enum(['start', 'stop', 'pause']) }),
  ...POOL_CHANGES,
  ...POOL_MOVE_CHANGES,
  /** `passphrase`: sealed (`POST /api/zfs/keys/seal`), for what is encrypted with one. */
  z.strictObject({ kind: z.literal('dataset.create'), dataset: DatasetSpec, passphrase: SealedKey.optional() }),
  ...KEY_CHANGES,
  ...CLONE_CHANGES,
  z.strictObject({ kind: z.literal('dataset.set'), name: DatasetName, properties: Properties }),
  z.strictObject({ kind: z.literal('dataset.rename'), name: DatasetName, to: DatasetName }),
  /** With everything below it: each child dataset becomes an action (and an approval) of its own. */
  z.strictObject({ kind: z.literal('dataset.destroy'), name: DatasetName }),
  z.strictObject({ kind: z.literal('snapshot.create'), dataset: DatasetName, tag: SnapshotTag, recursive: z.boolean().default(false) }),
  z.strictObject({ kind: z.literal('snapshot.destroy'), dataset: DatasetName, tag: SnapshotTag, guid: Guid }),
  /** Several of one dataset, oldest first. */
  z.strictObject({
    kind: z.literal('snapshot.destroyMany'),
    dataset: DatasetName,
    snapshots: z.array(OwnSnapshot).min(2).max(MAX_DESTROYED),
  }),
  /** All that is newer has to be named: `GET /api/zfs/snapshots/rollback` says what it is. */
  z.strictObject({
    kind: z.literal('snapshot.rollback'),
    dataset: DatasetName,
    tag: SnapshotTag,
    guid: Guid,
    loses: z.array(OwnSnapshot).max(MAX_DESTROYED),
    bookmarks: z.array(SnapshotTag).max(MAX_DESTROYED).default([]),
  }),
  z.strictObject({ kind: z.literal('snapshot.clone'), dataset: DatasetName, tag: SnapshotTag, guid: Guid, to: DatasetName }),
  /** A file or folder out of a snapshot, to a folder of a dataset that is there. */
  z.strictObject({
    kind: z.literal('snapshot.restore'),
    ...InSnapshot.shape,
    path: FilePath,
    to: z.strictObject({ dataset: DatasetName, folder: FilePath, name: FileName }),
    /** Replace a file of this name; a folder never is. */
    replace: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('dataset.promote'), name: DatasetName }),
  z.strictObject({ kind: z.literal('snapshot.hold'), dataset: DatasetName, tag: SnapshotTag, guid: Guid, hold: SnapshotTag }),
  z.strictObject({ kind: z.literal('snapshot.release'), dataset: DatasetName, tag: SnapshotTag, guid: Guid, hold: SnapshotTag }),
  z.strictObject({ kind: z.literal('share.put'), share: ShareSpec }),
  z.strictObject({ kind: z.literal('share.remove'), share: z.enum(['smb', 'nfs']), name: ShareName }),
  z.strictObject({ kind: z.literal('schedule.put'), schedule: SnapshotSchedule }),
  z.strictObject({ kind: z.literal('schedule.remove'), name: ScheduleName }),
  /** How much memory ZFS's cache may take. */
  z.strictObject({ kind: z.literal('memory.arc'), limit: ArcLimit }),
  PermissionRequest,
  /** A new account, with its sealed password; `change` takes only what differs. */
  z.strictObject({ kind: z.literal('share-user.create'), user: ShareUser.omit({ id: true }) }),
  z.strictObject({ kind: z.literal('share-user.change'), name: AccountName, user: ShareUserChange }),
  z.strictObject({ kind: z.literal('share-user.rename'), name: AccountName, to: AccountName }),
  z.strictObject({ kind: z.literal('share-user.remove'), name: AccountName }),
  z.strictObject({ kind: z.literal('share-group.create'), name: AccountName, members: z.array(AccountName).max(5_000).default([]) }),
  /** Who is in it from now on. */
  z.strictObject({ kind: z.literal('share-group.members'), name: AccountName, members: z.array(AccountName).max(5_000) }),
  z.strictObject({ kind: z.literal('share-group.rename'), name: AccountName, to: AccountName }),
  z.strictObject({ kind: z.literal('share-group.remove'), name: AccountName }),
]);
export type ChangeRequest = z.infer<typeof ChangeRequest>;
