/**
 * How likely a disk is to fail, from what SMART and ZFS say, with the reasons in words. Pure; each reason says what was seen, never only a number.
 *
 * Independent signs add up as chances do: 1 - (1-a)(1-b). The weights order the signs as the large published studies do, they are no probabilities:
 * - E. Pinheiro, W.-D. Weber, L. A. Barroso, "Failure Trends in a Large Disk Drive Population", FAST '07: within 60 days of its first scan error a disk is
 *   39 times as likely to fail as one without; 14 times after the first reallocation, 21 after the first offline reallocation (198), 16 after the first pending
 *   sector (197). Temperature matters little below 45 °C, use hardly at all. More than a third of the failures came without any of these signs:
 *   a low score is no promise.
 * - Backblaze, "What SMART Hard Disk Errors Actually Tell Us" (2016): of the disks that failed 76.7% had 5, 187, 188, 197 or 198 above zero, of those that
 *   worked 4.2%. 187 above zero is their reason to look at a disk; 188 is common in small numbers, and tells something from 100 on.
 * - B. Schroeder, R. Lagisetty, A. Merchant, "Flash Reliability in Production", FAST '16: on flash, uncorrectable errors come
 *   in bursts and are followed by bad blocks; wear (program/erase cycles) predicts them less than age does.
 */
import { z } from 'zod';
import { type Counted, type Growth, WORDS } from './readings.ts';
import { Smart } from './smart.ts';

export const DiskRisk = z.object({
  path: z.string(),
  /** 0 (nothing known against it) to 100 (it has failed, or says that it will). */
  score: z.number().int().min(0).max(100),
  reasons: z.array(z.string()),
  smart: Smart.nullable(),
});
export type DiskRisk = z.infer<typeof DiskRisk>;

export type Errors = { readErrors: number; writeErrors: number; checksumErrors: number; state: string };
const many = (n: number, one: string): string => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`;

type Sign = { weight: number; text: string };
const WARNS: Readonly<Record<Smart['warnings'][number], Sign>> = {
  spare: { weight: 0.7, text: 'its spare blocks run out, it warns' },
  temperature: { weight: 0.15, text: 'it warns of its temperature' },
  reliability: { weight: 0.9, text: 'it says itself that it has become unreliable' },
  'read-only': { weight: 0.95, text: 'it takes no more writes' },
  backup: { weight: 0.4, text: 'what protects its cache from a power cut has failed' },
};

const ofSmart = (s: Smart): Sign[] => {
  const found: Sign[] = [];
  const sign = (weight: number, text: string): void => void found.push({ weight, text });
  /** Severe from the first one on, and more so with each. */
  const counted = (n: number | null, least: number, most: number, perSign: number, text: (n: number) => string): void => {
    if (n) sign(Math.min(most, least + n / perSign), text(n));
  };
  if (s.passed === false) sign(0.95, 'it says itself that it is failing');
  for (const name of s.beyond) sign(0.9, `${name.replaceAll('_', ' ')} is beyond the limit its maker set`);
  for (const w of s.warnings) sign(WARNS[w].weight, WARNS[w].text);
  counted(s.pending, 0.45, 0.85, 200, (n) => `${many(n, 'sector')} can't be read for now`);
  counted(s.uncorrectable, 0.45, 0.85, 200, (n) => `${many(n, 'sector')} could not be corrected`);
  counted(s.reported, 0.4, 0.85, 100, (n) => `${many(n, 'error')} reached the machine`);
  counted(s.reallocated, 0.2, 0.8, 400, (n) => `${many(n, 'sector')} had to be moved`);
  counted(s.mediaErrors, 0.4, 0.8, 200, (n) => many(n, 'media error'));
  if (s.timeouts) sign(s.timeouts >= 100 ? 0.25 : 0.05, `${many(s.timeouts, 'command')} went without an answer`);
  const test = s.tests?.last.find((t) => t.result !== 'stopped');
  if (test?.result === 'failed') sign(0.8, `its last self-test failed: ${test.text}`);
  if (s.used !== null && s.used >= 90) sign(s.used >= 100 ? 0.6 : 0.3, `${s.used}% of its rated life is used`);
  if (s.spare !== null && s.spareThreshold !== null && s.spareThreshold > 0 && s.spare <= s.spareThreshold)
    sign(0.7, `only ${s.spare}% of its spare blocks are left`);
  if (s.crcErrors && s.crcErrors > 10) sign(0.1, `${many(s.crcErrors, 'transfer error')}: look at its cable`);
  if (s.temperature !== null && s.temperature >= 60) sign(0.15, `it is ${s.temperature} °C hot`);
  if (s.hours !== null && s.hours > 60_000) sign(0.1, `it has run for ${Math.floor(s.hours / 8766)} years`);
  return found;
};

const ofZfs = (e: Errors): Sign[] => {
  const found: Sign[] = [];
  if (e.state === 'FAULTED') found.push({ weight: 0.95, text: 'ZFS took it out of use after too many errors' });
  if (e.readErrors) found.push({ weight: Math.min(0.7, 0.3 + e.readErrors / 100), text: `ZFS met ${many(e.readErrors, 'read error')}` });
  if (e.writeErrors)
    found.push({ weight: Math.min(0.8, 0.4 + e.writeErrors / 100), text: `ZFS met ${many(e.writeErrors, 'write error')}` });
  if (e.checksumErrors)
    found.push({ weight: Math.min(0.6, 0.25 + e.checksumErrors / 200), text: `ZFS met ${many(e.checksumErrors, 'checksum error')}` });
  return found;
};

/** What has come within a week says more than what has been there for years. */
const NEW: Readonly<Record<Counted, number>> = {
  reallocated: 0.3,
  pending: 0.3,
  uncorrectable: 0.35,
  reported: 0.35,
  mediaErrors: 0.35,
  timeouts: 0.05,
  crcErrors: 0.05,
  zfsIo: 0.25,
  zfsChecksum: 0.2,
  zfsSlow: 0.1,
};
/** ZFS notes an answer that took 30 s; one may be a busy bus. */
const SLOW_FROM = 5;
const ofGrowth = (week: Growth): Sign[] =>
  Object.entries(week).flatMap(([field, n]) => {
    const counted = field as Counted; // the keys of Growth
    if (counted === 'zfsSlow' && n < SLOW_FROM) return [];
    return [{ weight: NEW[counted], text: `${n.toLocaleString('en')} new ${WORDS[counted][n === 1 ? 0 : 1]} this week` }];
  });

/** `smart` is the last that was read: a disk that sleeps is no better and no worse for it. */
export const riskOf = (path: string, smart: Smart | null, errors: Errors | null, week: Growth = {}): DiskRisk => {
  const found = [
    ...(smart !== null && smart.state === 'read' ? ofSmart(smart) : []),
    ...(errors === null ? [] : ofZfs(errors)),
    ...ofGrowth(week),
  ].sort((a, b) => b.weight - a.weight);
  const sound = found.reduce((rest, f) => rest * (1 - f.weight), 1);
  return { path, score: Math.round((1 - sound) * 100), reasons: found.map((f) => f.text), smart };
};

export const REPLACE_FROM = 50;
export const FAILING_FROM = 80;
export const RISK_WORDS = ['no sign of failure', 'watch it', 'replace it soon', 'failing'] as const;
export const wordOfRisk = (score: number): (typeof RISK_WORDS)[number] =>
  score >= FAILING_FROM ? 'failing' : score >= REPLACE_FROM ? 'replace it soon' : score > 0 ? 'watch it' : 'no sign of failure';
