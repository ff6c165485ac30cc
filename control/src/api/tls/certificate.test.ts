import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endOf, makeCertificate, namesOf, whyUnfit } from './certificate.ts';
import { certificate } from './keeper.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 20);
const make = (names: string[], notAfter = NOW + 397 * DAY) =>
  makeCertificate({ names, notBefore: NOW - DAY, notAfter, serial: randomBytes(16) });

test('Node reads it back: names, time, key, signature', () => {
  const { cert, key } = make(['nas', 'nas.local', 'localhost', '127.0.0.1', '::1', '2001:db8::a']);
  const x = new X509Certificate(cert);
  expect(x.subject).toBe('CN=nas');
  expect(x.issuer).toBe('CN=nas');
  expect(namesOf(cert)).toEqual(['nas', 'nas.local', 'localhost', '127.0.0.1', '0:0:0:0:0:0:0:1', '2001:db8:0:0:0:0:0:a']);
  expect(x.checkHost('nas.local')).toBe('nas.local');
  expect(x.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(x.checkIP('::1')).toBeDefined();
  expect(x.verify(x.publicKey)).toBe(true);
  expect(x.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(x.ca).toBe(false);
  expect(endOf(cert)).toBe(NOW + 397 * DAY);
  expect(whyUnfit({ cert, key }, NOW)).toBeUndefined();
});

test('years beyond 2049 are written as the standard asks', () => {
  expect(endOf(make(['nas'], Date.UTC(2051, 0, 2)).cert)).toBe(Date.UTC(2051, 0, 2));
});

test('any serial is a positive number of 16 bytes', () => {
  for (const first of [0x00, 0x7f, 0x80, 0xff]) {
    const serial = Buffer.concat([Buffer.from([first]), Buffer.alloc(15, 1)]);
    const { cert } = makeCertificate({ names: ['nas'], notBefore: NOW, notAfter: NOW + DAY, serial });
    expect(new X509Certificate(cert).serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  }
});

test('a pair that does not fit is told', () => {
  const [a, b] = [make(['a']), make(['b'])];
  expect(whyUnfit({ cert: a.cert, key: b.key }, NOW)).toMatch(/does not belong/);
  expect(whyUnfit(a, NOW + 500 * DAY)).toMatch(/ended/);
  expect(whyUnfit({ cert: 'nonsense', key: a.key }, NOW)).toMatch(/cannot be read/);
});

test('ours is kept, renewed before it ends, and gives way to one of the admin that fits', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dplane-tls-'));
  const logs: string[] = [];
  const at = (now: number) =>
    certificate(
      folder,
      () => now,
      randomBytes,
      (_level, message) => logs.push(message),
    );
  const first = at(NOW);
  expect(first.names).toContain(hostname().toLowerCase());
  expect(statSync(join(folder, 'tls/own.key')).mode & 0o777).toBe(0o600);
  expect(at(NOW + 300 * DAY).cert).toBe(first.cert);
  const second = at(NOW + 370 * DAY);
  expect(second.cert).not.toBe(first.cert);
  expect(readFileSync(join(folder, 'tls/own.crt'), 'utf8')).toBe(second.cert);
  const admins = make(['nas.example.org']);
  writeFileSync(join(folder, 'tls/admin.crt'), admins.cert);
  writeFileSync(join(folder, 'tls/admin.key'), 'broken');
  expect(at(NOW + 371 * DAY).cert).toBe(second.cert);
  expect(logs).toHaveLength(1);
  writeFileSync(join(folder, 'tls/admin.key'), admins.key);
  expect(at(NOW + 371 * DAY)).toMatchObject({ cert: admins.cert, own: false, names: ['nas.example.org'] });
});
