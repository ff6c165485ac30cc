/**
 * The dataset properties D-PlaneOS manages: one table says what each takes, on what it applies, and whether it
 * can change after creation. State files, plans, the executor and the UI all read this table.
 */
import { z } from 'zod';
import { AbsolutePath, parseSize, SizeText } from '../names.ts';

const onOff = z.enum(['on', 'off']);
/** ZFS takes blocks of a power of two only. */
const blockSize = SizeText.refine((text) => {
  const n = parseSize(text);
  return n >= 512 && n <= 16 * 1024 ** 2 && Number.isInteger(Math.log2(n));
}, 'expected a power of two from 512 to 16M');
const sizeOrNone = z.union([z.literal('none'), SizeText]);

export type PropertyRule = {
  readonly schema: z.ZodType<string>;
  readonly on: 'both' | 'filesystem' | 'volume';
  readonly inheritable: boolean;
  /** Fixed when the dataset is made: a differing value can't be reached by a change. */
  readonly fixed?: true;
  /** Sizes compare as bytes: `10G` equals `10737418240`. */
  readonly size?: true;
};

const rule = (
  schema: z.ZodType<string>,
  on: PropertyRule['on'] = 'both',
  more: Partial<Pick<PropertyRule, 'inheritable' | 'fixed' | 'size'>> = {},
): PropertyRule => ({ schema, on, inheritable: true, ...more });

export const PROPERTIES = {
  compression: rule(
    z
      .string()
      .regex(
        /^(on|off|lz4|lzjb|zle|gzip(-[1-9])?|zstd(-([1-9]|1[0-9]))?|zstd-fast(-([1-9]|[1-9]0|100|500|1000))?)$/,
        'expected on, off, lz4, zstd, gzip...',
      ),
  ),
  checksum: rule(z.enum(['on', 'off', 'fletcher2', 'fletcher4', 'sha256', 'sha512', 'skein', 'edonr', 'blake3'])),
  copies: rule(z.enum(['1', '2', '3'])),
  dedup: rule(
    z
      .string()
      .regex(
        /^(on|off|verify|(sha256|sha512|skein|blake3)(,verify)?|edonr,verify)$/,
        'expected on, off, verify, sha256, sha512, skein, blake3 or edonr,verify',
      ),
  ),
  logbias: rule(z.enum(['latency', 'throughput'])),
  primarycache: rule(z.enum(['all', 'none', 'metadata'])),
  secondarycache: rule(z.enum(['all', 'none', 'metadata'])),
  readonly: rule(onOff),
  sync: rule(z.enum(['standard', 'always', 'disabled'])),
  reservation: rule(sizeOrNone, 'both', { inheritable: false, size: true }),
  refreservation: rule(z.union([z.literal('auto'), sizeOrNone]), 'both', { inheritable: false, size: true }),
  // filesystems
  atime: rule(onOff, 'filesystem'),
  relatime: rule(onOff, 'filesystem'),
  acltype: rule(z.enum(['off', 'nfsv4', 'posix', 'posixacl', 'noacl']), 'filesystem'),
  aclinherit: rule(z.enum(['discard', 'noallow', 'restricted', 'passthrough', 'passthrough-x']), 'filesystem'),
  aclmode: rule(z.enum(['discard', 'groupmask', 'passthrough', 'restricted']), 'filesystem'),
  canmount: rule(z.enum(['on', 'off', 'noauto']), 'filesystem', { inheritable: false }),
  devices: rule(onOff, 'filesystem'),
  exec: rule(onOff, 'filesystem'),
  setuid: rule(onOff, 'filesystem'),
  mountpoint: rule(z.union([z.enum(['none', 'legacy']), AbsolutePath]), 'filesystem'),
  quota: rule(sizeOrNone, 'filesystem', { inheritable: false, size: true }),
  refquota: rule(sizeOrNone, 'filesystem', { inheritable: false, size: true }),
  recordsize: rule(blockSize, 'filesystem', { size: true }),
  special_small_blocks: rule(SizeText, 'filesystem', { size: true }),
  snapdir: rule(z.enum(['hidden', 'visible', 'disabled']), 'filesystem'),
  xattr: rule(z.enum(['on', 'off', 'sa', 'dir']), 'filesystem'),
  casesensitivity: rule(z.enum(['sensitive', 'insensitive', 'mixed']), 'filesystem', { fixed: true, inheritable: false }),
  // volumes
  volsize: rule(SizeText, 'volume', { inheritable: false, size: true }),
  volblocksize: rule(blockSize, 'volume', { fixed: true, inheritable: false, size: true }),
} as const satisfies Record<string, PropertyRule>;

export type PropertyName = keyof typeof PROPERTIES;
export const PROPERTY_NAMES = Object.keys(PROPERTIES) as PropertyName[];
export const PropertyName = z.enum(PROPERTY_NAMES);
export const ruleOf = (name: PropertyName): PropertyRule => PROPERTIES[name];

/** Declared values: every property optional, unknown names refused; `inherit` drops the local value. */
const inheritOr = (r: PropertyRule): z.ZodOptional<z.ZodType<string>> =>
  (r.inheritable ? z.union([z.literal('inherit'), r.schema]) : r.schema).optional();
export const Properties = z.strictObject(
  // fromEntries forgets the keys it was given; they are exactly PROPERTY_NAMES
  Object.fromEntries(PROPERTY_NAMES.map((n) => [n, inheritOr(PROPERTIES[n])])) as Record<PropertyName, z.ZodOptional<z.ZodType<string>>>,
);
export type Properties = Partial<Record<PropertyName, string>>;

export const PropertySource = z.enum(['local', 'inherited', 'default', 'received', 'temporary', 'none']);
export type PropertySource = z.infer<typeof PropertySource>;

/** A value as the host has it, with where it comes from. */
export const ObservedProperty = z.object({
  value: z.string(),
  source: PropertySource,
  /** The dataset it is inherited from. */
  from: z.string().optional(),
});
export type ObservedProperty = z.infer<typeof ObservedProperty>;
