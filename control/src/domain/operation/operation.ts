/**
 * The closed vocabulary of `dplane-exec`: every change to the host is one of these, and nothing else is.
 * There is no operation that destroys a pool. Each names its target by name AND guid; the executor compares both
 * with the host before it acts, so a plan made for another dataset of the same name touches nothing.
 */
import { z } from 'zod';
import { BundleSource } from '../bundle/bundle.ts';
import { diskLabel } from '../disk/disk.ts';
import { GenerationRef, MAX_DELETED } from '../generation/generation.ts';
import { DatasetKind } from '../dataset/dataset.ts';
import { CreateEncryption, KEY_OPERATIONS } from '../key/operation.ts';
import { DatasetName, Digest, Guid, Millis, PoolName, SnapshotTag } from '../names.ts';
import { PoolOptions, Vdev } from '../pool/pool.ts';
import { ScheduleMark, ScheduleName, SnapshotSchedule } from '../schedule/schedule.ts';
import { PROPERTIES, type PropertyName, Properties, PropertyName as PropertyNameSchema } from '../property/property.ts';
import { POOL_MOVES, POOL_OPERATIONS } from './pool-operations.ts';
import { SessionId } from '../share/session.ts';
import { ShareSpec } from '../share/share.ts';
import { PermissionOperation, PermitAtBirth } from '../permission/permission.ts';
import { ACCOUNT_OPERATIONS } from '../share-user/operation.ts';
import { CLONE_OPERATIONS } from '../snapshot/clone-operation.ts';
import { FileName, FilePath, InSnapshot } from '../snapshot/files.ts';
import { ReleaseIndex, SlotName } from '../slot/slot.ts';
import { Actor } from '../user/user.ts';

const names = Object.keys(PROPERTIES) as PropertyName[];
/** Of a request, chosen by who makes it. */
export const OperationId = z.string().regex(/^[A-Za-z0-9_-]{8,80}$/);
/** Values to set: `inherit` is not a value here, it has a list of its own. */
const SetProperties = Properties.refine((p) => names.every((n) => p[n] !== 'inherit'), 'inherit is not a value to set');

/** A snapshot of a dataset that is named beside it. */
export const OwnSnapshot = z.strictObject({ tag: SnapshotTag, guid: Guid });
export type OwnSnapshot = z.infer<typeof OwnSnapshot>;
export const MAX_PRUNED = 1000;
export const MAX_DESTROYED = 10_000;

export const Operation = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('pool.create'),
    name: PoolName,
    vdevs: z.array(Vdev).min(1),
    options: PoolOptions,
    properties: SetProperties,
  }),
  z.strictObject({ kind: z.literal('pool.set'), name: PoolName, guid: Guid, options: PoolOptions }),
  z.strictObject({ kind: z.literal('pool.scrub'), name: PoolName, guid: Guid, action: z.enum(['start', 'stop', 'pause']) }),
  ...POOL_OPERATIONS,
  ...POOL_MOVES,
  z.strictObject({
    kind: z.literal('dataset.create'),
    name: DatasetName,
    type: DatasetKind,
    properties: SetProperties,
    encryption: CreateEncryption.optional(),
    permit: PermitAtBirth.optional(),
  }),
  ...KEY_OPERATIONS,
  z.strictObject({
    kind: z.literal('dataset.set'),
    name: DatasetName,
    guid: Guid,
    set: SetProperties,
    inherit: z.array(PropertyNameSchema),
  }),
  z.strictObject({ kind: z.literal('dataset.rename'), name: DatasetName, guid: Guid, to: DatasetName }),
  z.strictObject({
    kind: z.literal('dataset.destroy'),
    name: DatasetName,
    guid: Guid,
    /** With an approval only: take its snapshots with it. Never its child datasets: each is a target of its own. */
    withSnapshots: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('snapshot.create'),
    dataset: DatasetName,
    guid: Guid,
    tag: SnapshotTag,
    recursive: z.boolean(),
    /** The schedule it belongs to; by this mark alone retention may destroy it later. */
    mark: ScheduleMark.optional(),
  }),
  /**
   * Retention. Destroys without an approval, so its guards are the executor's own: of these snapshots of one dataset only those that carry the mark, are
   * who they are said to be, are not held and not cloned; and a newer one with the mark has to stay.
   */
  z.strictObject({
    kind: z.literal('snapshot.prune'),
    dataset: DatasetName,
    guid: Guid,
    mark: ScheduleMark,
    snapshots: z.array(OwnSnapshot).min(1).max(MAX_PRUNED),
  }),
  z.strictObject({ kind: z.literal('snapshot.destroy'), dataset: DatasetName, tag: SnapshotTag, guid: Guid }),
  /** Several of one dataset, approved as one: each is named by its guid. */
  z.strictObject({
    kind: z.literal('snapshot.destroyMany'),
    dataset: DatasetName,
    guid: Guid,
    /** Oldest first. */
    snapshots: z.array(OwnSnapshot).min(2).max(MAX_DESTROYED),
  }),
  /** Back to a snapshot. `loses` and `bookmarks` are all that is newer, and what the person who approved it was shown. */
  z.strictObject({
    kind: z.literal('snapshot.rollback'),
    dataset: DatasetName,
    guid: Guid,
    tag: SnapshotTag,
    snapshot: Guid,
    loses: z.array(OwnSnapshot).max(MAX_DESTROYED),
    bookmarks: z.array(SnapshotTag).max(MAX_DESTROYED),
  }),
  z.strictObject({
    kind: z.literal('snapshot.clone'),
    dataset: DatasetName,
    tag: SnapshotTag,
    guid: Guid,
    to: DatasetName,
    /** Marked as made for a while, in the step that makes it. */
    temporary: z.boolean().optional(),
  }),
  ...CLONE_OPERATIONS,
  /** A clone and what it was made from change places: the snapshots up to its origin become its own. */
  z.strictObject({ kind: z.literal('dataset.promote'), name: DatasetName, guid: Guid }),
  z.strictObject({ kind: z.literal('snapshot.hold'), dataset: DatasetName, tag: SnapshotTag, guid: Guid, hold: SnapshotTag }),
  z.strictObject({ kind: z.literal('snapshot.release'), dataset: DatasetName, tag: SnapshotTag, guid: Guid, hold: SnapshotTag }),
  z.strictObject({ kind: z.literal('share.put'), share: ShareSpec }),
  z.strictObject({ kind: z.literal('share.remove'), share: z.enum(['smb', 'nfs']), name: z.string().min(1).max(80) }),
  /** Reading that needs root: a folder of a snapshot, a search in it, one file in several snapshots, the bytes of a file or folder. */
  z.strictObject({
    kind: z.literal('snapshot.browse'),
    ...InSnapshot.shape,
    path: FilePath,
    offset: z.number().int().min(0).max(10_000_000),
  }),
  z.strictObject({ kind: z.literal('snapshot.search'), ...InSnapshot.shape, path: FilePath, text: z.string().min(1).max(255) }),
  z.strictObject({ kind: z.literal('snapshot.versions'), dataset: DatasetName, path: FilePath, snapshots: z.array(OwnSnapshot).max(100) }),
  z.strictObject({ kind: z.literal('snapshot.read'), ...InSnapshot.shape, path: FilePath }),
  /** A file or folder out of a snapshot. What is there already is replaced only with an approval that names it. */
  z.strictObject({
    kind: z.literal('snapshot.restore'),
    ...InSnapshot.shape,
    path: FilePath,
    to: z.strictObject({ dataset: DatasetName, guid: Guid, folder: FilePath, name: FileName }),
    replace: z.boolean(),
  }),
  /** After one was cut off that unmounts and mounts again: what is to be mounted, is. Without a guid the one of this name. */
  z.strictObject({ kind: z.literal('dataset.settle'), name: DatasetName, guid: Guid.nullable() }),
  /** After one was cut off: what it left aside goes, and whether what it was to bring is there, is looked at byte by byte. */
  z.strictObject({
    kind: z.literal('snapshot.settle'),
    ...InSnapshot.shape,
    path: FilePath,
    to: z.strictObject({ dataset: DatasetName, guid: Guid, folder: FilePath, name: FileName }),
    restore: OperationId,
  }),
  /** Reading that needs root: what changed from one snapshot to a later one, or to now. */
  z.strictObject({
    kind: z.literal('snapshot.diff'),
    dataset: DatasetName,
    tag: SnapshotTag,
    guid: Guid,
    to: OwnSnapshot.nullable(),
    limit: z.number().int().min(1).max(10_000),
  }),
  /** Reading that needs root: who is connected to which share. */
  z.strictObject({ kind: z.literal('share.clients') }),
  /** Ends one connection, if it is still this one's. */
  z.strictObject({ kind: z.literal('session.end'), id: SessionId, user: z.string().max(256).nullable(), address: z.string().max(256) }),
  /** What is served is made to be what is mounted, and nothing can be written below a mount. Nothing is stopped that has a dataset. */
  z.strictObject({ kind: z.literal('share.gate') }),
  ...ACCOUNT_OPERATIONS,
  PermissionOperation,
  /**
   * Starts the updater, which reads and verifies the bundle itself. There is no operation that touches a key: who may enroll one may become root,
   * so that is done by root at the machine (docs/adr/0006-slots.md).
   */
  z.strictObject({ kind: z.literal('update.apply'), source: BundleSource }),
  /** Ends the apply that this request began, and no other. */
  z.strictObject({ kind: z.literal('update.cancel'), job: OperationId }),
  /** To the slot that does not run, if it still holds this release. */
  z.strictObject({ kind: z.literal('update.rollback'), slot: SlotName, index: ReleaseIndex }),
  /** The running slot, if it is still this one. */
  z.strictObject({ kind: z.literal('update.confirm'), slot: SlotName }),
  z.strictObject({ kind: z.literal('system.restart') }),
  /** NixOS: it starts next, counted and judged. What runs is not touched. */
  z.strictObject({ kind: z.literal('generation.activate'), ...GenerationRef.shape }),
  /** Never one that runs, was started or starts next. */
  z.strictObject({ kind: z.literal('generation.delete'), generations: z.array(GenerationRef).min(1).max(MAX_DELETED) }),
  /** The limit of ZFS's cache in bytes, now and at each start. */
  z.strictObject({ kind: z.literal('arc.set'), max: z.number().int().min(67_108_864).max(Number.MAX_SAFE_INTEGER) }),
  /** Kept by the control plane itself: a part of plans like the others, but never sent to the executor. */
  z.strictObject({ kind: z.literal('schedule.put'), schedule: SnapshotSchedule }),
  z.strictObject({ kind: z.literal('schedule.remove'), name: ScheduleName }),
  /** Null: automatic. The control plane keeps it, and has the executor set what follows from it. */
  z.strictObject({ kind: z.literal('memory.arc'), limit: z.number().int().positive().nullable() }),
]);
export type Operation = z.infer<typeof Operation>;
export type OperationKind = Operation['kind'];

/** The exact thing an approval is for. */
export const Target = z.strictObject({
  kind: z.enum(['dataset', 'snapshot', 'share', 'pool', 'schedule', 'disk', 'share-user', 'share-group', 'file']),
  name: z.string().min(1).max(9000),
  /** Of accounts their number. Null only for what has no guid: shares, schedules, and disks that are in no pool. */
  guid: Guid.nullable(),
});
export type Target = z.infer<typeof Target>;

/** Single use; made by a person for one action of one plan. */
export const Approval = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{22,64}$/),
  actor: Actor,
  planDigest: Digest,
  actionId: z.string().min(1).max(1024),
  operation: z.string(),
  target: Target,
  issuedAt: Millis,
  expiresAt: Millis,
});
export type Approval = z.infer<typeof Approval>;

/** `tank/docs:letters/2026.txt`: no dataset's name holds such a path behind a colon and a slash, and people read it as they type it. */
export const placeName = ({ dataset, folder, name }: { dataset: string; folder: string; name: string }): string =>
  `${dataset}:${folder === '' ? '' : `${folder}/`}${name}`;

/** As ZFS writes a range. */
export const rangeName = ({ dataset, snapshots }: { dataset: string; snapshots: readonly OwnSnapshot[] }): string =>
  `${dataset}@${snapshots[0]?.tag}%${snapshots.at(-1)?.tag}`;

export const targetOf = (op: Operation): Target | null => {
  switch (op.kind) {
    case 'dataset.destroy':
    case 'dataset.rename':
    case 'dataset.set':
    case 'dataset.promote':
    case 'dataset.permit':
    case 'dataset.unlock':
    case 'dataset.lock':
    case 'dataset.changeKey':
    case 'key.read':
    case 'clone.keep':
    case 'clone.expire':
      return { kind: 'dataset', name: op.name, guid: op.guid };
    case 'snapshot.destroy':
      return { kind: 'snapshot', name: `${op.dataset}@${op.tag}`, guid: op.guid };
    case 'snapshot.destroyMany':
      return { kind: 'snapshot', name: rangeName(op), guid: op.guid };
    case 'snapshot.restore':
    case 'snapshot.settle':
      return { kind: 'file', name: placeName(op.to), guid: op.to.guid };
    case 'snapshot.rollback':
      return { kind: 'snapshot', name: `${op.dataset}@${op.tag}`, guid: op.snapshot };
    case 'share.put':
      return { kind: 'share', name: `${op.share.kind}:${op.share.name}`, guid: null };
    case 'share.remove':
      return { kind: 'share', name: `${op.share}:${op.name}`, guid: null };
    case 'schedule.put':
      return { kind: 'schedule', name: op.schedule.name, guid: null };
    case 'schedule.remove':
      return { kind: 'schedule', name: op.name, guid: null };
    case 'pool.detach':
    case 'pool.offline':
      return { kind: 'disk', name: op.label, guid: op.disk };
    case 'disk.erase':
      return { kind: 'disk', name: diskLabel(op.path), guid: null };
    case 'share-user.rename':
    case 'share-user.remove':
      return { kind: 'share-user', name: op.name, guid: String(op.id) };
    case 'share-group.rename':
    case 'share-group.remove':
      return { kind: 'share-group', name: op.name, guid: String(op.id) };
    case 'pool.set':
    case 'pool.scrub':
    case 'pool.replace':
    case 'pool.attach':
    case 'pool.online':
    case 'pool.clear':
    case 'pool.reopen':
    case 'pool.add':
    case 'pool.remove':
    case 'pool.trim':
    case 'pool.import':
    case 'pool.export':
    case 'pool.checkpoint':
    case 'pool.upgrade':
    case 'pool.forget':
    case 'pool.beat':
    case 'pool.fail':
    case 'pool.reserve':
    case 'pool.keep':
      return { kind: 'pool', name: op.name, guid: op.guid };
    default:
      return null;
  }
};

/** One request on the executor's socket (one JSON object a line), and its answer. */
export const ExecRequest = z.strictObject({
  v: z.literal(1),
  /** Chosen by the caller and journalled by both sides: the same id is never executed twice. */
  id: OperationId,
  actor: Actor,
  operation: Operation,
  approval: Approval.nullable(),
});
export type ExecRequest = z.infer<typeof ExecRequest>;
