/**
 * Opens a bundle as far as it takes to know what it is: nothing of it is believed before its signature was checked, and nothing is
 * kept in memory that was not limited before.
 */
import { canonical } from '../../../control/src/domain/canonical.ts';
import { MAX_MANIFEST, Manifest } from '../../../control/src/domain/bundle/bundle.ts';
import { RefusalError, type RefusalCode, refuse } from '../../../control/src/domain/refusal.ts';
import type { Trust } from '../keys/trust.ts';
import { SIGNATURE_BYTES, verifyManifest } from '../keys/signature.ts';
import { collect } from './memory.ts';
import { archiveSize, BLOCK, isZero, MEMBERS, type Member, padded, sizeIn } from './tar.ts';
import { maxPacked } from './unpack.ts';
import { ByteReader, type Source, unreadable } from './reader.ts';

export type Opened = { manifest: Manifest; manifestBytes: Buffer; signature: Buffer; reader: ByteReader; keyId: string };

const NOT_OURS = 'Take the file as it was published: a bundle for D-PlaneOS (.dplane).';
const no = (code: RefusalCode, source: Source, why: string, todo: string): RefusalError =>
  new RefusalError(refuse(code, `the bundle ${source.name}`, why, todo).refusal);

/** Reads the header of the next member; its size is within `limit`, or exactly `exact`. */
export const nextMember = async (reader: ByteReader, name: Member, size: { max: number } | { exact: number }): Promise<number> => {
  const block = await reader.exactly(BLOCK, `the header of ${name}`);
  const found = sizeIn(block, name);
  if (found === null)
    throw unreadable(
      reader.source.name,
      name === MEMBERS[0] ? 'it is not a bundle' : `${name} does not follow where it has to be`,
      NOT_OURS,
    );
  if ('exact' in size && found !== size.exact)
    throw unreadable(reader.source.name, `${name} has ${found} bytes, but the manifest says ${size.exact}`, NOT_OURS);
  if ('max' in size && (found > size.max || found === 0))
    throw unreadable(reader.source.name, `${name} says it has ${found} bytes; ${size.max} are the most`, NOT_OURS);
  return found;
};

/** What follows a member up to the next block: zeroes. */
export const skipPadding = async (reader: ByteReader, size: number, name: Member): Promise<void> => {
  const rest = padded(size) - size;
  if (rest > 0 && !isZero(await reader.exactly(rest, `the end of ${name}`)))
    throw unreadable(reader.source.name, `there is something between ${name} and what follows it`, NOT_OURS);
};

export const readEnd = async (reader: ByteReader): Promise<void> => {
  if (!isZero(await reader.exactly(2 * BLOCK, 'the end')))
    throw unreadable(reader.source.name, 'it does not end where it has to', NOT_OURS);
  if (!(await reader.atEnd())) throw unreadable(reader.source.name, 'something follows after its end', NOT_OURS);
};

/** What the schema can't say. Null when all is well. */
export const whyInconsistent = (m: Manifest): string | null => {
  const { size, packed, chunkSize, chunks } = m.slot;
  if (chunks.length !== Math.ceil(size / chunkSize))
    return `an image of ${size} bytes does not have ${chunks.length} chunks of ${chunkSize}`;
  const sum = chunks.reduce((total, c) => total + c.packed, 0);
  if (sum !== packed) return `its chunks have ${sum} bytes, the image ${packed}`;
  const large = chunks.findIndex((c) => c.packed > maxPacked(chunkSize));
  if (large >= 0) return `chunk ${large} is larger packed than it can be`;
  if (m.createdAt >= m.notAfter) return 'it was out of date before it was made';
  return null;
};

/** The manifest of these bytes, which have to be signed already. */
export const parseManifest = (bytes: Uint8Array, source: Source): Manifest => {
  const wrong = (why: string): RefusalError =>
    no('invalid', source, `its manifest is signed, but not as this version understands it: ${why}`, 'Update to an older release first.');
  const text = Buffer.from(bytes).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw wrong('it is not JSON');
  }
  const parsed = Manifest.safeParse(json);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw wrong(`${first?.path.join('.') ?? ''}: ${first?.message ?? ''}`.slice(0, 300));
  }
  // one way to write it: no key twice, nothing in front or behind
  if (canonical(json) !== text) throw wrong('it is not written in its canonical form');
  const why = whyInconsistent(parsed.data);
  if (why !== null) throw wrong(why);
  return parsed.data;
};

const signerOf = (bytes: Buffer, signature: Buffer, trust: Trust, source: Source): string => {
  if (isZero(signature)) throw no('forbidden', source, 'it is not signed', 'Sign it with: dplane-ota sign');
  const signer = trust.keys.find((k) => verifyManifest(bytes, signature, k.bytes));
  if (signer === undefined) {
    const known = trust.keys.filter((k) => !k.revoked).map((k) => k.id);
    throw no(
      'forbidden',
      source,
      known.length === 0
        ? 'this machine trusts no key at all'
        : `it was changed, or signed with a key this machine does not trust (trusted: ${known.join(', ')})`,
      'Take the file as it was published. A new key is enrolled at the machine itself: dplane-ota enroll-key FILE',
    );
  }
  if (signer.revoked)
    throw no(
      'forbidden',
      source,
      `it was signed with the key ${signer.id} (${signer.comment}), which was revoked`,
      'Take a bundle that is signed with a valid key.',
    );
  return signer.id;
};

/** Up to and with the signature. Throws a RefusalError. */
export const openBundle = async (source: Source, trust: Trust): Promise<Opened> => {
  const reader = new ByteReader(source);
  const size = await nextMember(reader, 'manifest.json', { max: MAX_MANIFEST });
  const manifestBytes = await reader.exactly(size, 'the manifest');
  await skipPadding(reader, size, 'manifest.json');
  await nextMember(reader, 'manifest.sig', { exact: SIGNATURE_BYTES });
  const signature = await reader.exactly(SIGNATURE_BYTES, 'the signature');
  await skipPadding(reader, SIGNATURE_BYTES, 'manifest.sig');
  // each of these makes several copies of a manifest that may have megabytes
  const keyId = signerOf(manifestBytes, signature, trust, source);
  collect('all');
  const manifest = parseManifest(manifestBytes, source);
  collect('all');
  if (manifest.keyId !== keyId)
    throw no('forbidden', source, `its manifest names the key ${manifest.keyId}, but it was signed with ${keyId}`, NOT_OURS);
  const whole = bundleSize(manifest, size);
  if (source.size !== null && source.size !== whole)
    throw unreadable(
      source.name,
      `it has ${source.size} bytes, but its manifest says ${whole}`,
      'The file is not complete, or not the right one: copy or download it again.',
    );
  return { manifest, manifestBytes, signature, reader, keyId };
};

export const bundleSize = (m: Manifest, manifestSize: number): number =>
  archiveSize([manifestSize, SIGNATURE_BYTES, m.kernel.size, m.initrd.size, m.slot.packed]);
