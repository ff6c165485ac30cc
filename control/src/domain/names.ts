/**
 * Names and quantities every noun is built from. Pure: what is accepted here is safe to put into an argv,
 * because no name can begin with "-", hold a NUL or newline, or leave its own directory.
 */
import { z } from 'zod';

/** A pool's name as OpenZFS takes it, without the reserved words it would refuse only when asked. */
export const PoolName = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[A-Za-z][A-Za-z0-9_.:-]*$/, 'a pool name begins with a letter and holds letters, digits, and _ . : -')
  .refine((n) => !/^(mirror|raidz|draid|spare|log)/.test(n), 'a pool name cannot begin with mirror, raidz, draid, spare or log')
  .refine((n) => !/^c[0-9]/.test(n), 'a pool name cannot begin with c and a digit');
export type PoolName = z.infer<typeof PoolName>;

const COMPONENT = '[A-Za-z0-9_.:-](?:[A-Za-z0-9_.: -]*[A-Za-z0-9_.:-])?';
const DATASET = new RegExp(`^[A-Za-z][A-Za-z0-9_.:-]*(?:/${COMPONENT})*$`);

/** ZFS itself takes ASCII alone: said as such, because a name in any other language looks right to who types it. */
const ASCII = /^[\x20-\x7e]*$/;
const onlyAscii = (n: string): boolean => ASCII.test(n);
const NOT_ASCII = 'ZFS takes no other letters in names than a to z: no accents, no umlauts, no other scripts, no control characters';

/** `pool` or `pool/a/b`; no component is `.` or `..` or begins with `-`. */
export const DatasetName = z
  .string()
  .min(1)
  .max(255, 'a dataset name is at most 255 bytes')
  .refine(onlyAscii, { error: NOT_ASCII, abort: true })
  .refine((n) => !n.split('/').some((part) => part.startsWith('-')), {
    error: 'no part of a dataset name may begin with -',
    abort: true,
  })
  .refine((n) => !n.split('/').some((part) => part.startsWith(' ') || part.endsWith(' ')), {
    error: 'no part of a dataset name may begin or end with a space',
    abort: true,
  })
  .regex(DATASET, 'a dataset name is pool/part/part of letters, digits, spaces and _ . : -')
  .refine((n) => n.split('/').every((part) => part !== '.' && part !== '..'), 'no part of a dataset name may be . or ..')
  .refine((n) => n.split('/')[1] !== '.dplane', "the dataset .dplane of a pool is the control plane's own");
export type DatasetName = z.infer<typeof DatasetName>;

/** The part behind the `@`. */
export const SnapshotTag = z
  .string()
  .min(1)
  .max(200)
  .refine(onlyAscii, { error: NOT_ASCII, abort: true })
  .regex(/^[A-Za-z0-9_.:][A-Za-z0-9_.:-]*$/, 'a snapshot name holds letters, digits and _ . : - and does not begin with -');
export type SnapshotTag = z.infer<typeof SnapshotTag>;

export const SnapshotName = z
  .string()
  .max(255)
  .refine((n) => {
    const at = n.indexOf('@');
    return at > 0 && DatasetName.safeParse(n.slice(0, at)).success && SnapshotTag.safeParse(n.slice(at + 1)).success;
  }, 'a snapshot is named dataset@name');
export type SnapshotName = z.infer<typeof SnapshotName>;

/** 64-bit ZFS guid in decimal: larger than a JS number holds, so it travels as text. */
export const Guid = z.string().regex(/^[0-9]{1,20}$/, 'a guid is a decimal number');
export type Guid = z.infer<typeof Guid>;

/** A stable disk path. `/dev/sdX` names move between boots, so they are never accepted. */
export const DiskPath = z
  .string()
  .max(512)
  .refine((p) => !/^\/dev\/(sd|hd|vd|xvd|nvme|da|ada)[a-z0-9]*/.test(p), {
    message: 'expected /dev/disk/by-id/..., because names such as /dev/sda move between boots',
    abort: true,
  })
  .regex(/^\/dev\/disk\/by-id\/[A-Za-z0-9][A-Za-z0-9_.:+@=-]*$/, 'expected a path such as /dev/disk/by-id/ata-MODEL_SERIAL');
export type DiskPath = z.infer<typeof DiskPath>;

/** An absolute, normal path without anything a config file or a shell could read as syntax. */
export const AbsolutePath = z
  .string()
  .min(1)
  .max(1024)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  .regex(/^\/[^\u0000-\u001f\u007f-\u009f\u2028\u2029"'\\%$`]*$/, 'expected an absolute path without quotes, control characters, $ or %')
  .refine(
    (p) =>
      p === '/' ||
      p
        .slice(1)
        .split('/')
        .every((s) => s !== '' && s !== '.' && s !== '..'),
    'expected a path without //, . or ..',
  );
export type AbsolutePath = z.infer<typeof AbsolutePath>;

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'] as const;

const SIZE = /^(0|[1-9][0-9]{0,19})(?:(\.[0-9]{1,3})?([KMGTPE])(?:i?B)?|B)?$/;
/** The largest number of bytes ZFS holds: a little more than a JS number counts exactly. */
const MAX_SIZE = 2n ** 64n - 1n;

/** Exact while it is whole; a fraction of a unit is cut to whole bytes as ZFS does it. Undefined when it is no size. */
const exactSize = (text: string): bigint | undefined => {
  const m = SIZE.exec(text);
  if (!m) return undefined;
  const unit = UNITS.indexOf((m[3] ?? '') as (typeof UNITS)[number]);
  return m[2] === undefined ? BigInt(m[1] ?? 0) * 1024n ** BigInt(unit) : BigInt(Math.trunc(Number(`${m[1]}${m[2]}`) * 1024 ** unit));
};

/** `10G`, `512M`, `1.5T`, `4096`: binary units, as ZFS reads them. */
export const SizeText = z
  .string()
  .max(32)
  // what follows reads it as a size
  .regex(SIZE, { error: 'expected a size such as 512M, 10G or 1.5T', abort: true })
  .refine((text) => (exactSize(text) ?? 0n) <= MAX_SIZE, 'larger than a size can be');

/** Bytes, to the precision of a number: exact up to 8 PiB, and for whole units beyond. */
export const parseSize = (text: string): number => {
  const m = SIZE.exec(text);
  if (!m) throw new RangeError(`not a size: ${text.slice(0, 40)}`);
  return Math.trunc(Number(`${m[1]}${m[2] ?? ''}`) * 1024 ** UNITS.indexOf((m[3] ?? '') as (typeof UNITS)[number]));
};

/** Do two sizes mean the same number of bytes, to the last one? */
export const sameSize = (a: string, b: string): boolean => {
  if (a === b) return true;
  const n = parseSize(a);
  return n === parseSize(b) && (n <= Number.MAX_SAFE_INTEGER || exactSize(a) === exactSize(b));
};

/** A size in bytes; accepts a number or `10G`. Always a number of bytes inside. */
export const Bytes = z.union([
  z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  SizeText.transform(parseSize).pipe(z.number().max(Number.MAX_SAFE_INTEGER, 'larger than a size can be')),
]);

// biome-ignore lint/performance/noBarrelFile: it stands in a file of its own so that showing a size does not load zod; here it is looked for
export { formatBytes } from './units.ts';

/** Milliseconds since 1970; time is passed in, so it is a plain number everywhere inside. */
export const Millis = z.number().int().nonnegative();
export const Digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex');
export type Digest = z.infer<typeof Digest>;

export const poolOf = (dataset: string): string => {
  const slash = dataset.indexOf('/');
  const end = slash < 0 ? dataset.indexOf('@') : slash;
  return end < 0 ? dataset : dataset.slice(0, end);
};
export const parentOf = (dataset: string): string | null => {
  const cut = dataset.lastIndexOf('/');
  return cut < 0 ? null : dataset.slice(0, cut);
};
export const isWithin = (dataset: string, ancestor: string): boolean => dataset === ancestor || dataset.startsWith(`${ancestor}/`);
