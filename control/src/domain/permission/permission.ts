/** Who owns a dataset's files and who may do what with them: four ways that people mean, each one mode for folders and one for files. */
import { z } from 'zod';
import { DatasetName, Guid, SnapshotTag } from '../names.ts';
import { AccountName, ShareId } from '../share-user/share-user.ts';

export const Access = z.enum(['owner', 'group', 'group-read', 'all-read']);
export type Access = z.infer<typeof Access>;
/** New files take the folder's group (the 2 in front); files keep whether they can be run (X). */
export const MODES: Readonly<Record<Access, { folder: string; file: string; words: string }>> = {
  owner: { folder: '0700', file: 'u=rwX,go=', words: 'only the owner' },
  group: { folder: '2770', file: 'ug=rwX,o=', words: 'owner and group read and write' },
  'group-read': { folder: '2750', file: 'u=rwX,g=rX,o=', words: 'the owner writes, the group reads' },
  'all-read': { folder: '2775', file: 'ug=rwX,o=rX', words: 'owner and group write, everyone with an account reads' },
};

/** An account for sharing, or root when it is left out. */
export const PermissionRequest = z.strictObject({
  kind: z.literal('dataset.permit'),
  name: DatasetName,
  owner: AccountName.optional(),
  group: AccountName.optional(),
  access: Access,
  /** Also everything that is in it; not the datasets below, each is asked for by itself. A snapshot is taken first. */
  recursive: z.boolean().default(false),
});
export type PermissionRequest = z.infer<typeof PermissionRequest>;

/** As a state declares them, for the top folder of a dataset. */
export const DeclaredPermissions = PermissionRequest.pick({ owner: true, group: true, access: true });
export type DeclaredPermissions = z.infer<typeof DeclaredPermissions>;

const Id = z.union([z.literal(0), ShareId]);
export const PermissionOperation = z.strictObject({
  kind: z.literal('dataset.permit'),
  name: DatasetName,
  guid: Guid,
  owner: Id,
  group: Id,
  access: Access,
  recursive: z.boolean(),
  /** Taken before anything is changed. */
  snapshot: SnapshotTag.nullable(),
});
export type PermissionOperation = z.infer<typeof PermissionOperation>;

/** Of a dataset that is made. */
export const PermitAtBirth = PermissionOperation.pick({ owner: true, group: true, access: true });

/** Of the top folder. */
export const SeenPermissions = z.object({ owner: z.number(), group: z.number(), mode: z.string() });
export type SeenPermissions = z.infer<typeof SeenPermissions>;
export const modeIs = (mode: string, access: Access): boolean => MODES[access].folder.padStart(4, '0') === mode.padStart(4, '0');
export const accessOf = (mode: string): Access | null => (Object.keys(MODES) as Access[]).find((a) => modeIs(mode, a)) ?? null;

export const PermissionProgress = z.object({ dataset: z.string(), done: z.number(), total: z.number(), at: z.number() });
export type PermissionProgress = z.infer<typeof PermissionProgress>;
