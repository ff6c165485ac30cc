/** What of a disk's health is told, and when: once for each change, not for each look, and nothing while it sleeps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alarmOf, type Told } from './alarm.ts';
import { DAY, growthSince, HOUR } from './readings.ts';
import type { DiskRisk } from './risk.ts';

const risk = (score: number): DiskRisk => ({ path: '/dev/disk/by-id/ata-A', score, reasons: ['something'], smart: null });
const T = 1_000 * DAY;
/** Scores in a row, a day apart: what each made known. */
const follow = (scores: readonly number[]): string[] => {
  let told: Told | null = null;
  return scores.map((score, i) => {
    const a = alarmOf(risk(score), {}, {}, told, T + i * DAY);
    told = a.told;
    return `${a.alert?.severity ?? '-'}${a.event ? '!' : ''}`;
  });
};

describe('an alarm', () => {
  it('is told when a disk crosses a limit, and over only well below it', () => {
    expect(follow([0, 49, 50, 49, 51, 45, 41, 40, 49])).toEqual([
      '-',
      '-',
      'warning!',
      'warning',
      'warning',
      'warning',
      'warning',
      '-',
      '-',
    ]);
    expect(follow([85, 79, 81, 72, 70, 60, 0])).toEqual(['critical!', 'critical', 'critical', 'critical', 'warning', 'warning', '-']);
  });
  it('does not make news of what a disk brings along', () => {
    const met = alarmOf(risk(22), { reallocated: 8 }, {}, null, T);
    expect(met).toMatchObject({ alert: null, event: null });
    const more = alarmOf(risk(48), { reallocated: 16 }, { reallocated: 8 }, met.told, T + HOUR);
    expect(more.alert?.severity).toBe('warning');
    expect(more.event?.message).toBe('ata-A got worse: 8 more moved sectors');
    // a week later it has not grown: it is as it was when it was met
    expect(alarmOf(risk(22), { reallocated: 16 }, {}, more.told, T + 8 * DAY).alert).toBeNull();
  });
  it('that goes on growing is an event once a day', () => {
    let told: Told | null = alarmOf(risk(22), { pending: 1 }, {}, null, T).told;
    const events = Array.from({ length: 48 }, (_, i) => {
      const a = alarmOf(risk(55), { pending: 2 + i }, { pending: 1 + i }, told, T + (i + 1) * HOUR);
      told = a.told;
      return a.event;
    });
    expect(events.filter((e) => e !== null)).toHaveLength(2);
  });
  it('says nothing new when nothing is new', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 }),
        fc.record({ reallocated: fc.nat(100), zfsIo: fc.nat(5) }, { requiredKeys: [] }),
        fc.nat(10),
        (score, counts, grew) => {
          const week = grew === 0 ? {} : { reallocated: grew };
          const first = alarmOf(risk(score), counts, week, null, T);
          const again = alarmOf(risk(score), counts, week, first.told, T + 30 * DAY);
          expect(again.event).toBeNull();
          expect(again.alert).toEqual(first.alert);
          expect(again.told).toEqual(first.told);
        },
      ),
    );
  });
});

describe('growth', () => {
  it('is told from what held at the time, and a count that falls did not grow', () => {
    const rows = {
      reallocated: [
        { at: T - 30 * DAY, value: 8 },
        { at: T - 2 * DAY, value: 16 },
      ],
      pending: [
        { at: T - 30 * DAY, value: 4 },
        { at: T - 1 * DAY, value: 0 },
      ],
      uncorrectable: [{ at: T - DAY, value: 3 }],
    };
    expect(growthSince(rows, T - 7 * DAY)).toEqual({ reallocated: 8 });
    expect(growthSince(rows, T - DAY)).toEqual({});
  });
});
