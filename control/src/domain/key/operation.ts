/** What the executor does with keys of datasets. The dataset is the encryption root, by name and guid. */
import { z } from 'zod';
import { DatasetName, Guid } from '../names.ts';
import { DatasetEncryption, KeyKind, SealedKey, TypedSecret } from './key.ts';

const root = { name: DatasetName, guid: Guid };
/** `passphrase` is null for a key file: the executor makes it. */
export const CreateEncryption = DatasetEncryption.extend({ passphrase: SealedKey.nullable() });
export type CreateEncryption = z.infer<typeof CreateEncryption>;

export const KEY_OPERATIONS = [
  /** Loads its key and mounts what it keeps locked. `secret` null: from its key file. With one for a key file, that file is put back first. */
  z.strictObject({ kind: z.literal('dataset.unlock'), ...root, secret: SealedKey.nullable() }),
  /** Unmounts it and all below, and takes the key out of memory. Refused while somebody uses it. */
  z.strictObject({ kind: z.literal('dataset.lock'), ...root }),
  /** The data stays as it is: only the key that its key is wrapped with is another. */
  z.strictObject({ kind: z.literal('dataset.changeKey'), ...root, key: KeyKind, passphrase: SealedKey.nullable() }),
  /**
   * The one place where a passphrase is in the clear: answered sealed, remembered and logged nowhere. With a dataset it is tried on it first, and
   * the answer opens that one alone; without, it can only become the key of something new.
   */
  z.strictObject({ kind: z.literal('key.seal'), opens: z.strictObject(root).nullable(), secret: TypedSecret }),
  /** The bytes of a key file, in hexadecimal: for a copy that is kept elsewhere. */
  z.strictObject({ kind: z.literal('key.read'), ...root }),
  /** Which key files there are. */
  z.strictObject({ kind: z.literal('key.list') }),
] as const;

const KeyOperation = z.discriminatedUnion('kind', KEY_OPERATIONS);
export type KeyOperation = z.infer<typeof KeyOperation>;
