/** The rules behind a disk's risk: more signs never make it better, each has its words, and what says nothing counts for nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COUNTED } from './readings.ts';
import { riskOf, wordOfRisk } from './risk.ts';
import { type Smart, smartDeviceOf, unread } from './smart.ts';

const PATH = '/dev/disk/by-id/ata-A';
const smart = (more: Partial<Smart> = {}): Smart => ({ ...unread(PATH, 0, 'unknown', null), state: 'read', passed: true, ...more });
const COUNTS = ['reallocated', 'pending', 'uncorrectable', 'reported', 'timeouts', 'crcErrors', 'mediaErrors', 'used', 'hours'] as const;

describe('risk', () => {
  it('never falls when a count rises or something new comes, and stays between 0 and 100 with a reason for each point', () => {
    fc.assert(
      fc.property(
        fc.record(Object.fromEntries(COUNTS.map((c) => [c, fc.nat(300_000)])), { requiredKeys: [] }),
        fc.constantFrom(...COUNTS),
        fc.nat(1_000),
        fc.dictionary(fc.constantFrom(...COUNTED), fc.integer({ min: 1, max: 50 })),
        (counts, which, more, week) => {
          const before = riskOf(PATH, smart(counts), null);
          const after = riskOf(PATH, smart({ ...counts, [which]: ((counts as Record<string, number>)[which] ?? 0) + more }), null, week);
          expect(after.score).toBeGreaterThanOrEqual(before.score);
          expect(after.score).toBeLessThanOrEqual(100);
          expect(after.score > 0).toBe(after.reasons.length > 0);
        },
      ),
    );
  });
  it('knows what each of its signs is worth', () => {
    const word = (more: Partial<Smart>): string => wordOfRisk(riskOf(PATH, smart(more), null).score);
    expect(word({})).toBe('no sign of failure');
    expect(word({ temperature: 62 })).toBe('watch it');
    expect(word({ timeouts: 5 })).toBe('watch it');
    expect(word({ reallocated: 8 })).toBe('watch it');
    expect(word({ pending: 8, uncorrectable: 8 })).toBe('replace it soon');
    expect(word({ used: 101 })).toBe('replace it soon');
    expect(word({ spare: 5, spareThreshold: 10, warnings: ['spare'] })).toBe('failing');
    expect(word({ beyond: ['Reallocated_Sector_Ct'] })).toBe('failing');
    expect(word({ warnings: ['read-only'] })).toBe('failing');
    expect(word({ passed: false })).toBe('failing');
  });
  it('takes an ended self-test for what it says, and a stopped one for nothing', () => {
    const tests = (result: 'passed' | 'failed' | 'stopped') => ({
      can: true,
      running: null,
      minutes: { short: 2, long: 600 },
      last: [
        { kind: 'short' as const, result: 'stopped' as const, text: 'Aborted by host', hours: 9 },
        { kind: 'long' as const, result, text: 'Completed: read failure', hours: 8 },
      ],
    });
    expect(riskOf(PATH, smart({ tests: tests('failed') }), null).reasons).toEqual(['its last self-test failed: Completed: read failure']);
    expect(riskOf(PATH, smart({ tests: tests('passed') }), null).score).toBe(0);
    expect(riskOf(PATH, smart({ tests: tests('stopped') }), null).score).toBe(0);
  });
  it('says one and many, and that a slow answer now and then is nothing', () => {
    expect(riskOf(PATH, smart(), null, { reallocated: 1 }).reasons).toEqual(['1 new moved sector this week']);
    expect(riskOf(PATH, smart(), null, { zfsSlow: 4 }).score).toBe(0);
    expect(riskOf(PATH, smart(), null, { zfsSlow: 5 }).reasons).toEqual(['5 new slow answers that ZFS noted this week']);
  });
});

describe('how a disk is spoken to', () => {
  it('is told from its stable name and its bus, never guessed where guessing may wake it', () => {
    const device = (name: string, transport: string | null) => smartDeviceOf({ path: `/dev/disk/by-id/${name}`, transport });
    expect(device('ata-WDC_1', 'sata')).toBe('sat');
    // a SATA disk behind a SAS controller: lsblk says sas
    expect(device('ata-WDC_1', 'sas')).toBe('sat');
    expect(device('scsi-SATA_WDC_1', 'sas')).toBe('sat');
    expect(device('wwn-0x5000c500a1b2c3d4', 'sata')).toBe('sat');
    expect(device('scsi-35000c500a1b2c3d4', 'sas')).toBe('scsi');
    expect(device('nvme-Samsung_1', 'nvme')).toBe('nvme');
    expect(device('usb-WD_Elements_1', 'usb')).toBe('auto');
    expect(device('ata-WDC_1', 'usb')).toBe('auto');
    expect(device('virtio-nas-d1', 'virtio')).toBeNull();
    expect(device('mmc-SD32G_1', 'mmc')).toBeNull();
  });
});
