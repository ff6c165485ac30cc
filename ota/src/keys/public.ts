/**
 * Public keys: Ed25519 as PEM SubjectPublicKeyInfo, the form OpenSSL reads and writes. The comment is the text before the armour.
 */
import { createHash, createPublicKey } from 'node:crypto';
import { type Result, ok, refuse } from '../../../control/src/domain/refusal.ts';

export type PublicKey = { id: string; bytes: Uint8Array; comment: string };

/** SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING }: the key is the last 32 bytes. */
const PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

export const keyId = (bytes: Uint8Array): string => createHash('sha512').update(bytes).digest('hex').slice(0, 16);

export const renderPublicKey = (bytes: Uint8Array, comment: string): string => {
  const line = comment
    .replaceAll(/[^\x20-\x7e]|-----/g, '?')
    .slice(0, 200)
    .trim();
  const body = Buffer.concat([PREFIX, bytes]).toString('base64');
  return `${line === '' ? '' : `# ${line}\n`}-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`;
};

const PEM = /^((?:#[^\n]*\n)*)-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]{1,400})-----END PUBLIC KEY-----\n*$/;

export const parsePublicKey = (text: string): Result<PublicKey> => {
  const what = 'reading a public key';
  const m = PEM.exec(text.replaceAll('\r\n', '\n'));
  if (m === null)
    return refuse('invalid', what, 'it is not one PEM block "PUBLIC KEY"', 'A key for updates is made with: dplane-ota keygen');
  const der = Buffer.from((m[2] ?? '').replaceAll('\n', ''), 'base64');
  if (der.length !== PREFIX.length + 32 || !der.subarray(0, PREFIX.length).equals(PREFIX))
    return refuse('invalid', what, 'it is not an Ed25519 key', 'A key for updates is made with: dplane-ota keygen');
  const bytes = new Uint8Array(der.subarray(PREFIX.length));
  const comment = (m[1] ?? '').split('\n')[0]?.replace(/^#\s*/, '').slice(0, 200) ?? '';
  return ok({ id: keyId(bytes), bytes, comment });
};

/** Of a private key OpenSSL made, for tests and imports: its public half. */
export const publicBytesOfPem = (pem: string): Uint8Array =>
  new Uint8Array(createPublicKey(pem).export({ type: 'spki', format: 'der' }).subarray(PREFIX.length));
