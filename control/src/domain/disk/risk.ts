/** How likely a disk is to fail, from what SMART and ZFS say, with the reasons in words. Pure; each reason says what was seen, never only a number. */
import { z } from 'zod';
import { DiskPath } from '../names.ts';

/** What is read of `smartctl --json`, for ATA and NVMe alike. Null: the disk does not say. */
export const Smart = z.object({
  path: DiskPath,
  at: z.number(),
  /** asleep: it was not woken; unknown: it has no SMART, or could not be asked. */
  state: z.enum(['read', 'asleep', 'unknown']),
  passed: z.boolean().nullable(),
  temperature: z.number().nullable(),
  hours: z.number().nullable(),
  reallocated: z.number().nullable(),
  pending: z.number().nullable(),
  uncorrectable: z.number().nullable(),
  crcErrors: z.number().nullable(),
  /** NVMe: share of its rated life that is used, in percent. */
  used: z.number().nullable(),
  spare: z.number().nullable(),
  spareThreshold: z.number().nullable(),
  mediaErrors: z.number().nullable(),
  why: z.string().nullable(),
});
export type Smart = z.infer<typeof Smart>;

export const DiskRisk = z.object({
  path: z.string(),
  /** 0 (nothing known against it) to 100 (it has failed, or says that it will). */
  score: z.number().int().min(0).max(100),
  reasons: z.array(z.string()),
  smart: Smart.nullable(),
});
export type DiskRisk = z.infer<typeof DiskRisk>;

type Errors = { readErrors: number; writeErrors: number; checksumErrors: number; state: string };
const many = (n: number, one: string): string => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`;

/**
 * Independent signs add up as chances do: 1 - (1-a)(1-b). The weights follow what the large published studies of disk failures found most
 * telling: reallocated, pending and uncorrectable sectors first, age and heat far behind.
 */
export const riskOf = (path: string, smart: Smart | null, errors: Errors | null): DiskRisk => {
  const found: { weight: number; text: string }[] = [];
  const sign = (weight: number, text: string): void => void found.push({ weight, text });
  if (smart !== null && smart.state === 'read') {
    if (smart.passed === false) sign(0.95, 'it says itself that it is failing');
    if (smart.pending) sign(Math.min(0.85, 0.45 + smart.pending / 200), `${many(smart.pending, 'sector')} can't be read for now`);
    if (smart.uncorrectable)
      sign(Math.min(0.85, 0.45 + smart.uncorrectable / 200), `${many(smart.uncorrectable, 'sector')} could not be corrected`);
    if (smart.reallocated) sign(Math.min(0.8, 0.2 + smart.reallocated / 400), `${many(smart.reallocated, 'sector')} had to be moved`);
    if (smart.mediaErrors) sign(Math.min(0.8, 0.4 + smart.mediaErrors / 200), many(smart.mediaErrors, 'media error'));
    if (smart.used !== null && smart.used >= 90) sign(smart.used >= 100 ? 0.6 : 0.3, `${smart.used}% of its rated life is used`);
    if (smart.spare !== null && smart.spareThreshold !== null && smart.spareThreshold > 0 && smart.spare <= smart.spareThreshold)
      sign(0.7, `only ${smart.spare}% of its spare blocks are left`);
    if (smart.crcErrors && smart.crcErrors > 10) sign(0.1, `${many(smart.crcErrors, 'transfer error')}: look at its cable`);
    if (smart.temperature !== null && smart.temperature >= 60) sign(0.15, `it is ${smart.temperature} °C hot`);
    if (smart.hours !== null && smart.hours > 60_000) sign(0.1, `it has run for ${Math.floor(smart.hours / 8766)} years`);
  }
  if (errors !== null) {
    if (errors.state === 'FAULTED') sign(0.95, 'ZFS took it out of use after too many errors');
    if (errors.readErrors) sign(Math.min(0.7, 0.3 + errors.readErrors / 100), `ZFS met ${many(errors.readErrors, 'read error')}`);
    if (errors.writeErrors) sign(Math.min(0.8, 0.4 + errors.writeErrors / 100), `ZFS met ${many(errors.writeErrors, 'write error')}`);
    if (errors.checksumErrors)
      sign(Math.min(0.6, 0.25 + errors.checksumErrors / 200), `ZFS met ${many(errors.checksumErrors, 'checksum error')}`);
  }
  found.sort((a, b) => b.weight - a.weight);
  const sound = found.reduce((rest, f) => rest * (1 - f.weight), 1);
  return { path, score: Math.round((1 - sound) * 100), reasons: found.map((f) => f.text), smart };
};

export const wordOfRisk = (score: number): 'no sign of failure' | 'watch it' | 'replace it soon' | 'failing' =>
  score >= 80 ? 'failing' : score >= 50 ? 'replace it soon' : score > 0 ? 'watch it' : 'no sign of failure';
