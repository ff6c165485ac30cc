/** Datasets: filesystems and volumes. Identity is the guid; the name is where it stands. */
import { z } from 'zod';
import { DatasetEncryption, KeyKind } from '../key/key.ts';
import { DatasetName, Guid } from '../names.ts';
import { DeclaredPermissions, SeenPermissions } from '../permission/permission.ts';
import { ObservedProperty, Properties, PROPERTIES, type PropertyName } from '../property/property.ts';

export const DatasetKind = z.enum(['filesystem', 'volume']);
export type DatasetKind = z.infer<typeof DatasetKind>;

export const DatasetSpec = z
  .strictObject({
    name: DatasetName.refine((n) => n.includes('/'), 'a dataset is named pool/name; the pool root is declared with the pool'),
    kind: DatasetKind.default('filesystem'),
    guid: Guid.optional(),
    properties: Properties.prefault({}),
    /** Left out: what is there stays, and something new takes the key of what it lies in, if that has one. */
    encryption: DatasetEncryption.optional(),
    /** Owner, group and mode of its top folder; left out, they are not looked at. */
    permissions: DeclaredPermissions.optional(),
  })
  .superRefine((d, ctx) => {
    for (const p of Object.keys(d.properties) as PropertyName[]) {
      const on = PROPERTIES[p].on;
      if (on !== 'both' && on !== d.kind)
        ctx.addIssue({ code: 'custom', path: ['properties', p], message: `${p} does not apply to a ${d.kind}` });
    }
    if (d.kind === 'volume' && d.permissions !== undefined)
      ctx.addIssue({ code: 'custom', path: ['permissions'], message: 'a volume holds no files' });
    if (d.kind === 'volume' && d.properties.volsize === undefined)
      ctx.addIssue({ code: 'custom', path: ['properties'], message: 'a volume needs a volsize' });
  });
export type DatasetSpec = z.infer<typeof DatasetSpec>;

export const ObservedDataset = z.object({
  name: DatasetName,
  guid: Guid,
  kind: DatasetKind,
  createdAt: z.number(),
  used: z.number().nonnegative(),
  available: z.number().nonnegative(),
  referenced: z.number().nonnegative(),
  usedBySnapshots: z.number().nonnegative(),
  compressRatio: z.number().nonnegative(),
  mounted: z.boolean(),
  mountpoint: z.string().nullable(),
  origin: z.string().nullable(),
  encryption: z.string(),
  keyStatus: z.enum(['available', 'unavailable', 'none']),
  /** Whose key it takes: its own name, or that of one above it. Null when it is not encrypted. */
  encryptionRoot: z.string().nullable().optional(),
  /** Of a root only. */
  keyKind: z
    .union([KeyKind, z.literal('other')])
    .nullable()
    .optional(),
  /** Which of this machine's own key files opens it. */
  keyFile: z.string().nullable().optional(),
  /** Someone said that a copy of that file is kept elsewhere. */
  keyBackedUp: z.boolean().optional(),
  /** How many snapshots it has (its own, not its children's). */
  snapshots: z.number().int().nonnegative(),
  /** The executor looked inside, in vain: what looks empty by its size is not. */
  foundNotEmpty: z.boolean().optional(),
  /** Of its top folder; not there when it is not mounted or could not be read. */
  permissions: SeenPermissions.optional(),
  properties: z.partialRecord(z.enum(Object.keys(PROPERTIES) as PropertyName[]), ObservedProperty),
});
export type ObservedDataset = z.infer<typeof ObservedDataset>;

/** What an empty filesystem can occupy: metadata alone, on a wide raidz with 16 KiB sectors. */
export const EMPTY_AT_MOST = 512 * 1024;

/**
 * Could destroying it destroy data? Small is not empty: below the limit the executor still has to prove emptiness by
 * looking inside before it destroys anything without an approval.
 */
export const holdsData = (
  d: Pick<ObservedDataset, 'kind' | 'referenced' | 'snapshots' | 'mounted' | 'keyStatus' | 'foundNotEmpty'>,
): boolean =>
  d.foundNotEmpty === true ||
  d.kind === 'volume' ||
  d.snapshots > 0 ||
  d.referenced > EMPTY_AT_MOST ||
  !d.mounted ||
  d.keyStatus === 'unavailable';
