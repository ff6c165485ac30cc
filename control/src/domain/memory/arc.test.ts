import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arcAdvice, arcBounds, type ArcFacts, ArcLimit, isWorthChanging } from './arc.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const facts = (more: Partial<ArcFacts> = {}): ArcFacts => ({
  memory: 8 * GiB,
  ecc: true,
  serving: ['smb'],
  guests: [],
  least: 256 * MiB,
  ...more,
});

describe('the limit of the cache', () => {
  it('is what is left, and says what the rest is for', () => {
    const a = arcAdvice(facts());
    expect(a.limit).toBe(Math.floor((8 * GiB - GiB - 192 * MiB - 128 * MiB) / (16 * MiB)) * 16 * MiB);
    expect(a.words).toBe(
      '8 GiB memory; kept: 1 GiB for the system, 192 MiB for the control plane, 128 MiB for SMB shares. The cache may take 6.7 GiB: the rest, because this memory corrects errors (ECC).',
    );
  });
  it('is smaller without ECC, and unknown is not taken for good', () => {
    const [yes, no, unknown] = [true, false, null].map((ecc) => arcAdvice(facts({ ecc })).limit);
    expect(no).toBeLessThan(yes ?? 0);
    expect(unknown).toBe(no);
    expect(arcAdvice(facts({ ecc: null })).words).toContain('it is not known whether');
  });
  it('gives way to containers and machines, down to an eighth', () => {
    const guests = [{ name: 'container plex', bytes: 3 * GiB }];
    expect(arcAdvice(facts({ guests })).limit).toBeLessThan(4 * GiB);
    expect(arcAdvice(facts({ guests })).words).toContain('3 GiB for container plex');
    const crowded = arcAdvice(facts({ guests: [...guests, { name: 'machine win', bytes: 6 * GiB }] }));
    expect(crowded.limit).toBe(GiB);
    expect(crowded.words).toContain('less than an eighth would be left');
  });
  it('fits a board of 1 GiB, and a server of 1 TiB', () => {
    expect(arcAdvice(facts({ memory: GiB, ecc: null, least: 32 * MiB })).limit).toBe(336 * MiB);
    expect(arcAdvice(facts({ memory: 1024 * GiB })).limit).toBeGreaterThan(1020 * GiB);
  });
  it('always lies where ZFS takes it, and never grows with what else runs', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 512, max: 4_194_304 }),
        fc.constantFrom(true, false, null),
        fc.array(fc.integer({ min: 0, max: 1_000_000 }), { maxLength: 5 }),
        (mib, ecc, guests) => {
          const f = facts({
            memory: mib * MiB,
            ecc,
            least: Math.max(32 * MiB, (mib * MiB) / 32),
            guests: guests.map((g) => ({ name: 'x', bytes: g * MiB })),
          });
          const { limit } = arcAdvice(f);
          const { least, most } = arcBounds(f);
          expect(limit).toBeGreaterThanOrEqual(least);
          expect(limit).toBeLessThanOrEqual(most);
          expect(limit).toBeGreaterThan(f.least);
          expect(limit).toBeLessThan(f.memory);
          expect(arcAdvice({ ...f, guests: [] }).limit).toBeGreaterThanOrEqual(limit);
        },
      ),
    );
  });
  it('is not changed for a few megabytes', () => {
    expect(isWorthChanging(4 * GiB, 4 * GiB + 100 * MiB, 8 * GiB)).toBe(false);
    expect(isWorthChanging(4 * GiB, 5 * GiB, 8 * GiB)).toBe(true);
  });
  it('is read as a size or as auto, and refused below what ZFS takes', () => {
    expect(ArcLimit.parse('4G')).toBe(4 * GiB);
    expect(ArcLimit.parse('auto')).toBe('auto');
    expect(ArcLimit.safeParse('10M').success).toBe(false);
    expect(ArcLimit.safeParse('-1').success).toBe(false);
  });
});
