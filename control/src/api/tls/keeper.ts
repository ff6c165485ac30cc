/**
 * Which certificate HTTPS uses: the admin's (`tls/admin.crt` and `tls/admin.key` in the state folder) when it is there and fits, else our
 * own, made at first start and again before it ends. An admin's pair that doesn't fit is told and passed over: nobody is locked out by it.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../store/types.ts';
import type { Log, Random } from '../context.ts';
import { endOf, makeCertificate, namesOf, type Pair, whyUnfit } from './certificate.ts';

const DAY = 86_400_000;
const VALID = 397 * DAY;
const RENEW = 30 * DAY;

const read = (folder: string, name: string): Pair | null => {
  try {
    return { cert: readFileSync(join(folder, `${name}.crt`), 'utf8'), key: readFileSync(join(folder, `${name}.key`), 'utf8') };
  } catch {
    return null;
  }
};
/** Whole or not at all. */
const write = (path: string, text: string): void => {
  const fd = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${path}.new`, path);
};

export type Certificate = Pair & { names: string[]; own: boolean };

export const certificate = (stateFolder: string, clock: Clock, random: Random, log: Log): Certificate => {
  const folder = join(stateFolder, 'tls');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const now = clock();
  const admins = read(folder, 'admin');
  if (admins) {
    const unfit = whyUnfit(admins, now);
    if (!unfit) return { ...admins, names: namesOf(admins.cert), own: false };
    log('warn', "the admin's certificate is passed over", { why: unfit });
  }
  const kept = read(folder, 'own');
  const host =
    hostname()
      .toLowerCase()
      .replace(/[^a-z0-9.-]/g, '') || 'dplane';
  const names = [...new Set([host, ...(host.includes('.') ? [] : [`${host}.local`]), 'localhost', '127.0.0.1', '::1'])];
  if (kept && !whyUnfit(kept, now) && endOf(kept.cert) - now > RENEW && namesOf(kept.cert).includes(host))
    return { ...kept, names: namesOf(kept.cert), own: true };
  const made = makeCertificate({ names, notBefore: now - DAY, notAfter: now + VALID, serial: random(16) });
  write(join(folder, 'own.key'), made.key);
  write(join(folder, 'own.crt'), made.cert);
  return { ...made, names, own: true };
};
