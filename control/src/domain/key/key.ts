/**
 * Keys of encrypted datasets. A dataset that has a key of its own is an encryption root; what is made below it takes that key. A secret is never here:
 * a passphrase is only ever a text sealed by the executor, good for an hour and until the machine restarts (docs/adr/0013-keys.md).
 */
import { z } from 'zod';

export const Cipher = z.enum(['on', 'aes-128-ccm', 'aes-192-ccm', 'aes-256-ccm', 'aes-128-gcm', 'aes-192-gcm', 'aes-256-gcm']);
export type Cipher = z.infer<typeof Cipher>;
/** What OpenZFS makes of `on`. */
export const cipherOf = (c: Cipher): string => (c === 'on' ? 'aes-256-gcm' : c);

/** Files are made by the executor: 32 random bytes, as they are or in hexadecimal. */
export const KeyKind = z.enum(['passphrase', 'hex-file', 'raw-file']);
export type KeyKind = z.infer<typeof KeyKind>;
export const KEY_WORDS: Readonly<Record<KeyKind | 'other', string>> = {
  passphrase: 'a passphrase, typed after every start',
  'hex-file': 'a key file on this machine, loaded by itself',
  'raw-file': 'a key file on this machine, loaded by itself',
  other: 'a key that is kept elsewhere',
};

/** In `state.yaml`: what it is to be made with. Fixed from then on, but for the kind of key. */
export const DatasetEncryption = z.strictObject({ algorithm: Cipher.default('on'), key: KeyKind });
export type DatasetEncryption = z.infer<typeof DatasetEncryption>;

/** `sealed-key1.KEY.TIME.BYTES`: which key of the executor, when (seconds, base 36), and AES-256-GCM of it. */
export const SealedKey = z
  .string()
  .max(1200)
  .regex(/^sealed-key1\.[0-9a-f]{8}\.[0-9a-z]{6,10}\.[A-Za-z0-9_-]{40,1100}$/, 'expected a sealed key (POST /api/zfs/keys/seal)');
export type SealedKey = z.infer<typeof SealedKey>;

/** ZFS takes up to 512 bytes, in one line. */
const MAX_BYTES = 512;
const oneLine = z
  .string()
  .regex(/^\P{Cc}*$/u, 'a passphrase has no control characters')
  .refine((t) => new TextEncoder().encode(t).length <= MAX_BYTES, `a passphrase has at most ${MAX_BYTES} bytes`);
export const NewPassphrase = oneLine.min(12, 'a passphrase has at least 12 characters');
/** To open what is there: whatever ZFS may have been given elsewhere. */
export const TypedSecret = oneLine.min(1, 'type the passphrase').max(MAX_BYTES);

/** The executor's own key files; what is between is the id. */
export const KEY_FOLDER = '/var/lib/dplane-exec';
const KEY_FILE = /^file:\/\/\/var\/lib\/dplane-exec\/dataset-([A-Za-z0-9_-]{8,80})\.key$/;
export const keyFileOf = (location: string): string | null => KEY_FILE.exec(location)?.[1] ?? null;
export const keyPath = (id: string): string => `${KEY_FOLDER}/dataset-${id}.key`;

/** What ZFS's words for a root's key come to. */
export const kindOfKey = (format: string, location: string): KeyKind | 'other' => {
  if (format === 'passphrase') return location === 'prompt' ? 'passphrase' : 'other';
  if (!location.startsWith('file:///')) return 'other';
  return format === 'hex' ? 'hex-file' : format === 'raw' ? 'raw-file' : 'other';
};
export const isKeyFile = (kind: KeyKind | 'other'): kind is 'hex-file' | 'raw-file' => kind === 'hex-file' || kind === 'raw-file';

/** Only for the machine's own key files: whether someone said that a copy is kept elsewhere. */
export const KeyFileEntry = z.object({
  id: z.string(),
  /** The dataset that it opens; null: none of those that are there. It is kept: a copy of one may need it. */
  dataset: z.string().nullable(),
  backup: z.object({ by: z.string(), at: z.number() }).nullable(),
});
export type KeyFileEntry = z.infer<typeof KeyFileEntry>;
