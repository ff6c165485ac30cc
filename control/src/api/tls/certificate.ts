/**
 * A self-signed certificate, EC P-256, written in DER by hand: one fixed shape, about 2 KiB, made once a year. A library for X.509 would
 * cost more memory and more code to trust than the few lines here, which `node:crypto` itself reads back in the tests.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const n = body.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const seq = (...parts: Uint8Array[]): Buffer => tlv(0x30, ...parts);
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));
const octets = (...parts: Uint8Array[]): Buffer => tlv(0x04, ...parts);
const bits = (body: Uint8Array, unused = 0): Buffer => tlv(0x03, Buffer.from([unused]), body);
const yes = tlv(0x01, Buffer.from([0xff]));
/** UTCTime until 2049, GeneralizedTime after: what RFC 5280 asks for. */
const time = (ms: number): Buffer => {
  const text = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return Number(text.slice(0, 4)) < 2050 ? tlv(0x17, Buffer.from(`${text.slice(2)}Z`)) : tlv(0x18, Buffer.from(`${text}Z`));
};
const ECDSA_SHA256 = seq(oid('2a8648ce3d040302'));
const extension = (id: string, critical: boolean, value: Buffer): Buffer => seq(oid(id), ...(critical ? [yes] : []), octets(value));

const ipBytes = (ip: string): Buffer => {
  if (isIP(ip) === 4) return Buffer.from(ip.split('.').map(Number));
  const [head = '', tail = ''] = ip.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  return Buffer.from(groups.map((g) => g.padStart(4, '0')).join(''), 'hex');
};
const altName = (name: string): Buffer => (isIP(name) ? tlv(0x87, ipBytes(name)) : tlv(0x82, Buffer.from(name, 'ascii')));

export type Pair = { key: string; cert: string };

/** `names` are host names and addresses; the first is the common name. `serial` is random bytes. */
export const makeCertificate = (options: { names: readonly string[]; notBefore: number; notAfter: number; serial: Buffer }): Pair => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = Buffer.from(options.serial);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, and never a leading zero
  const name = seq(tlv(0x31, seq(oid('550403'), tlv(0x0c, Buffer.from((options.names[0] ?? 'dplane').slice(0, 64))))));
  const body = seq(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), // X.509 v3
    tlv(0x02, serial),
    ECDSA_SHA256,
    name,
    seq(time(options.notBefore), time(options.notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(
      0xa3,
      seq(
        extension('551d13', true, seq()), // basicConstraints: not a CA, so that trusting it trusts nothing else
        extension('551d0f', true, bits(Buffer.from([0x80]), 7)), // keyUsage: digitalSignature
        extension('551d25', false, seq(oid('2b06010505070301'))), // extendedKeyUsage: serverAuth
        extension('551d11', false, seq(...options.names.map(altName))), // subjectAltName
      ),
    ),
  );
  const der = seq(body, ECDSA_SHA256, bits(sign('sha256', body, privateKey)));
  const pem = `-----BEGIN CERTIFICATE-----\n${
    der
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? ''
  }\n-----END CERTIFICATE-----\n`;
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem };
};

/** Why this pair can't serve, or undefined. */
export const whyUnfit = (pair: Pair, now: number): string | undefined => {
  try {
    const cert = new X509Certificate(pair.cert);
    const key = createPrivateKey(pair.key);
    if (!cert.publicKey.equals(createPublicKey(key))) return 'the key does not belong to the certificate';
    if (cert.validToDate.getTime() <= now) return `it ended on ${cert.validTo}`;
    return undefined;
  } catch (error) {
    return `it cannot be read: ${error instanceof Error ? error.message : 'not a certificate or key'}`;
  }
};
export const endOf = (cert: string): number => new X509Certificate(cert).validToDate.getTime();
/** Host names and addresses a certificate is for, as Node prints them: `DNS:a, IP Address:1.2.3.4`. */
export const namesOf = (cert: string): string[] =>
  (new X509Certificate(cert).subjectAltName ?? '').split(', ').flatMap((entry) => {
    const [, name] = /^(?:DNS|IP Address):(.+)$/.exec(entry) ?? [];
    return name === undefined ? [] : [name.toLowerCase()];
  });

/** SHA-256 in groups of eight digits, as the command line shows it. */
export const fingerprintOf = (pem: string): string =>
  new X509Certificate(pem).fingerprint256
    .toLowerCase()
    .replace(/:/g, '')
    .replace(/(.{8})(?!$)/g, '$1 ');
