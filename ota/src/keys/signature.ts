/**
 * The signature of a bundle: Ed25519 over `dplane-bundle-v1\0` and the exact bytes of its manifest. The prefix keeps a signature made
 * for something else from being taken for one of these.
 */
import nacl from 'tweetnacl';

const DOMAIN = Buffer.from('dplane-bundle-v1\0', 'latin1');
export const SIGNATURE_BYTES = 64;

/** What is signed, byte for byte; also what an HSM is handed. */
export const messageOf = (manifest: Uint8Array): Uint8Array => Buffer.concat([DOMAIN, manifest]);

/** The order of the curve's group, as the last 32 bytes of a signature hold it: little-endian. */
const ORDER = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex');
/** RFC 8032 wants it, OpenSSL checks it, tweetnacl doesn't: there is one signature, not several that are equal. */
const canonicalScalar = (signature: Uint8Array): boolean => {
  for (let i = 31; i >= 0; i -= 1) {
    const [s, l] = [signature[32 + i] ?? 255, ORDER[i] ?? 0];
    if (s !== l) return s < l;
  }
  return false;
};

export const verifyBytes = (message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean =>
  signature.length === SIGNATURE_BYTES &&
  publicKey.length === 32 &&
  canonicalScalar(signature) &&
  nacl.sign.detached.verify(message, signature, publicKey);

export const signBytes = (message: Uint8Array, seed: Uint8Array): Uint8Array =>
  nacl.sign.detached(message, nacl.sign.keyPair.fromSeed(seed).secretKey);
export const publicOf = (seed: Uint8Array): Uint8Array => nacl.sign.keyPair.fromSeed(seed).publicKey;

export const verifyManifest = (manifest: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean =>
  verifyBytes(messageOf(manifest), signature, publicKey);
