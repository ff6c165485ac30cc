/**
 * A signed update: its manifest, where it comes from, and how far installing it has come. Docs: docs/adr/0006-slots.md.
 * The manifest is schema-checked only after its signature was.
 */
import { z } from 'zod';
import { AbsolutePath, Millis } from '../names.ts';
import { Refusal } from '../refusal.ts';
import { formatBytes } from '../units.ts';
import { KeyId, SlotName, SystemInfo } from '../slot/slot.ts';

const Sha512 = z.string().regex(/^[0-9a-f]{128}$/);
const Size = z
  .number()
  .int()
  .positive()
  .max(2 ** 40);
export const MAX_CHUNK = 4 * 1024 * 1024;
export const MAX_MANIFEST = 16 * 1024 * 1024;

const Payload = z.strictObject({ size: Size.max(512 * 1024 * 1024), sha512: Sha512 });
/** One zstd frame of the slot image: packed size, SHA-512 of it packed, SHA-512 of what is in it. */
export const Chunk = z.strictObject({ packed: Size.max(2 * MAX_CHUNK), sha512: Sha512, raw: Sha512 });

/** One word of a kernel command line. `dplane.slot=` is added by who writes the boot entry. */
const BootOption = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[\x21-\x7e]+$/, 'one word of printable characters')
  .refine((o) => !o.startsWith('dplane.slot='), 'the slot is named by who writes the boot entry');

export const Manifest = z.strictObject({
  format: z.literal(1),
  system: SystemInfo.strict(),
  /** The oldest index it may replace. */
  minIndex: z.number().int().nonnegative(),
  /** Every feature its OpenZFS knows: a pool that uses another one could not be imported by it. */
  poolFeatures: z
    .array(z.string().regex(/^[a-z0-9_.:-]+$/))
    .min(1)
    .max(500),
  createdAt: Millis,
  notAfter: Millis,
  keyId: KeyId,
  boot: z.strictObject({ options: z.array(BootOption).max(64) }),
  kernel: Payload,
  initrd: Payload,
  slot: z.strictObject({
    /** Of the image; whole sectors, so that it can be read back past every cache. */
    size: Size.multipleOf(4096),
    /** Of `slot.img.zst`. */
    packed: Size,
    sha512: Sha512,
    chunkSize: z.number().int().min(65_536).max(MAX_CHUNK).multipleOf(4096),
    chunks: z
      .array(Chunk)
      .min(1)
      .max(2 ** 18),
  }),
});
export type Manifest = z.infer<typeof Manifest>;

export const BundleUrl = z
  .url({ protocol: /^https?$/ })
  .max(2048)
  .regex(/^[\x21-\x7e]+$/, 'an address holds no spaces');

export const BundleSource = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('url'), url: BundleUrl }),
  /** On the machine itself, such as a USB stick that is mounted. */
  z.strictObject({ kind: z.literal('file'), path: AbsolutePath }),
  /** Comes through `dplaned`: an upload from a browser or `dplane update install FILE`. */
  z.strictObject({ kind: z.literal('upload'), size: Size, name: z.string().max(255) }),
]);
export type BundleSource = z.infer<typeof BundleSource>;
/** For people: where it comes from. */
export const sourceName = (s: BundleSource): string =>
  s.kind === 'url' ? s.url : s.kind === 'file' ? s.path : `the upload ${s.name === '' ? '' : `${s.name} `}(${formatBytes(s.size)})`;

export const ApplyRequest = z.strictObject({ id: z.string().regex(/^[A-Za-z0-9_-]{8,80}$/), source: BundleSource });
export type ApplyRequest = z.infer<typeof ApplyRequest>;

/** What can be said of a bundle before it is installed; only of one whose signature is good. */
export const BundleInfo = z.object({
  system: SystemInfo,
  keyId: KeyId,
  createdAt: Millis,
  notAfter: Millis,
  /** Bytes to read, bytes of the image. */
  size: z.number().int().positive(),
  imageSize: z.number().int().positive(),
  /** Why it would be refused here; null when it can be installed. */
  refusal: Refusal.nullable(),
});
export type BundleInfo = z.infer<typeof BundleInfo>;

export const ApplyProgress = z.object({
  id: z.string(),
  source: BundleSource,
  phase: z.enum(['waiting', 'verifying', 'preparing', 'writing', 'checking', 'staging', 'staged', 'failed', 'cancelled']),
  slot: SlotName.nullable(),
  bundle: BundleInfo.nullable(),
  startedAt: Millis,
  updatedAt: Millis,
  /** Bytes of the image: all, done with, of these written and found equal already. */
  total: z.number().int().nonnegative(),
  done: z.number().int().nonnegative(),
  written: z.number().int().nonnegative(),
  skipped: z.number().int().nonnegative(),
  refusal: Refusal.nullable(),
});
export type ApplyProgress = z.infer<typeof ApplyProgress>;
export const applyEnded = (p: ApplyProgress): boolean => p.phase === 'staged' || p.phase === 'failed' || p.phase === 'cancelled';
