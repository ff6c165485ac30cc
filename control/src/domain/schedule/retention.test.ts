import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dueTimes, lastDue, nextDue } from './cron.ts';
import { lifetimes, preview } from './preview.ts';
import { type Dated, keepsLess, periodOf, retain } from './retention.ts';
import { Cron, type Retention, SnapshotSchedule } from './schedule.ts';
import { zone } from './zone.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia'];
const none: Retention = { hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, count: 0, maxAgeDays: 0 };
const utc = zone('UTC');
const at = (iso: string): number => Date.parse(iso);
const take = (cron: string, tz: string, after: string, n: number): string[] => {
  const found: string[] = [];
  for (const t of dueTimes(cron, zone(tz), at(after))) {
    found.push(new Date(t).toISOString().slice(0, 16));
    if (found.length === n) break;
  }
  return found;
};

describe('cron', () => {
  test('follows the clock on the wall of its zone', () => {
    expect(take('30 2 * * *', 'Europe/Berlin', '2026-06-01T00:00:00Z', 2)).toEqual(['2026-06-01T00:30', '2026-06-02T00:30']);
    expect(take('0 9 * * 1-5', 'America/New_York', '2026-01-02T20:00:00Z', 2)).toEqual(['2026-01-05T14:00', '2026-01-06T14:00']);
    expect(take('0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', 2)).toEqual(['2028-02-29T00:00', '2032-02-29T00:00']);
    expect(take('*/20 0-1,23 1 1 *', 'UTC', '2026-01-01T00:30:00Z', 4)).toEqual([
      '2026-01-01T00:40',
      '2026-01-01T01:00',
      '2026-01-01T01:20',
      '2026-01-01T01:40',
    ]);
    expect(take('0 0 13 * 5', 'UTC', '2026-02-01T00:00:00Z', 3)).toEqual(['2026-02-06T00:00', '2026-02-13T00:00', '2026-02-20T00:00']);
    expect(nextDue('0 0 31 2 *', utc, 0)).toBeNull();
  });
  test('in spring what the clock leaves out is due once, right after; in autumn what it shows twice is due once', () => {
    expect(take('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual(['2026-03-29T01:00', '2026-03-30T00:30']);
    expect(take('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30']);
    expect(take('0,30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', 2)).toEqual(['2026-03-29T01:00', '2026-03-30T00:00']);
  });
  test('every hour is every hour, whatever the clock does', () => {
    for (const tz of ZONES) {
      const odd: string[] = [];
      let before = at('2026-01-01T00:00:00Z');
      let i = 0;
      for (const t of dueTimes('0 * * * *', zone(tz), before)) {
        // Lord Howe turns its clock by half an hour: there the first of a new hour comes half an hour early or late
        if (i > 0 && ![HOUR, HOUR / 2, 1.5 * HOUR].includes(t - before)) odd.push(new Date(t).toISOString());
        before = t;
        i += 1;
        if (i === 24 * 370) break;
      }
      expect(odd, tz).toEqual([]);
    }
  });
  test('what is due last is the last of what is due', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('30 2 * * *', '*/15 * * * *', '0 0 1 * *', '15 3 * * 0', '0 */6 * * *', '59 23 31 12 *'),
        fc.constantFrom(...ZONES),
        fc.integer({ min: 0, max: 400 * 24 * 60 }),
        fc.integer({ min: 0, max: 4 * 24 * 60 }),
        (cron, tz, start, minutes) => {
          const after = at('2026-01-01T00:00:00Z') + start * 60_000;
          const now = after + minutes * 60_000;
          let last: number | null = null;
          for (const t of dueTimes(cron, zone(tz), after)) {
            if (t > now) break;
            expect(t).toBeGreaterThan(last ?? after);
            last = t;
          }
          expect(lastDue(cron, zone(tz), after, now)).toBe(last);
        },
      ),
    );
  });
  test('refuses what is no time', () => {
    for (const bad of ['', '* * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '5-1 * * * *', '*/0 * * * *', 'a * * * *', '* * * * * *'])
      expect(Cron.safeParse(bad).success, bad).toBe(false);
    expect(SnapshotSchedule.safeParse({ name: 'x', dataset: 'tank', cron: '0 0 * * *', timezone: 'Mars/Olympus', keep: {} }).success).toBe(
      false,
    );
  });
});

const keeps = fc.record({
  hourly: fc.integer({ min: 0, max: 5 }),
  daily: fc.integer({ min: 0, max: 4 }),
  weekly: fc.integer({ min: 0, max: 3 }),
  monthly: fc.integer({ min: 0, max: 3 }),
  yearly: fc.integer({ min: 0, max: 2 }),
  count: fc.integer({ min: 0, max: 4 }),
  maxAgeDays: fc.constantFrom(0, 0, 1, 20, 200),
});
const START = at('2026-01-05T00:00:00Z');
const histories = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 40 * 60 }), held: fc.boolean() }), { maxLength: 80 }).map((list) => {
  let now = START;
  return list.map((x, i): Dated => {
    now += x.gap * 60_000;
    return { guid: String(i), at: now, order: i, held: x.held && i % 7 === 0 };
  });
});
const now = START + 500 * DAY;
const ids = (list: readonly Dated[]): string[] => list.map((s) => s.guid).sort();

describe('retention', () => {
  test('keeps the newest of each period', () => {
    const list = [...Array(72)].map((_, i): Dated => ({ guid: String(i), at: START + i * HOUR, order: i, held: false }));
    const { kept, doomed } = retain(list, { ...none, hourly: 3, daily: 2 }, utc, START + 72 * HOUR);
    expect(kept.map((k) => [k.snapshot.guid, k.why])).toEqual([
      ['71', ['hourly', 'daily', 'newest']],
      ['70', ['hourly']],
      ['69', ['hourly']],
      ['47', ['daily']],
    ]);
    expect(doomed).toHaveLength(68);
  });
  test('laws: nothing is lost or made, the newest, the held, the needed and the future live, no rules keep everything, order does not matter', () => {
    fc.assert(
      fc.property(histories, keeps, fc.constantFrom(...ZONES), fc.array(fc.integer({ min: 0, max: 79 })), (list, keep, tz, some) => {
        const z = zone(tz);
        const needed = new Set(some.map(String));
        const { kept, doomed } = retain(list, keep, z, now, needed);
        expect([...ids(kept.map((k) => k.snapshot)), ...ids(doomed)].sort()).toEqual(ids(list));
        const dead = new Set(ids(doomed));
        for (const s of list) if (s.held || needed.has(s.guid) || s === list.at(-1)) expect(dead.has(s.guid)).toBe(false);
        expect(retain(list, none, z, now).doomed).toEqual([]);
        expect(ids(retain([...list].reverse(), keep, z, now, needed).doomed)).toEqual(ids(doomed));
        expect(retain(list, keep, z, START).doomed.some((s) => s.at > START)).toBe(false);
        // asked again about what is left it destroys nothing more
        expect(
          retain(
            kept.map((k) => k.snapshot),
            keep,
            z,
            now,
            needed,
          ).doomed,
        ).toEqual([]);
      }),
    );
  });
  test('laws: keeping more never destroys more, and keepsLess notices whatever does', () => {
    fc.assert(
      fc.property(histories, keeps, keeps, (list, a, b) => {
        const dead = (k: Retention): Set<string> => new Set(ids(retain(list, k, utc, now).doomed));
        if (!keepsLess(a, b)) for (const guid of dead(b)) expect(dead(a).has(guid)).toBe(true);
      }),
    );
  });
  test('law: asked after every snapshot it ends where it ends when asked once', () => {
    fc.assert(
      fc.property(histories, keeps, fc.constantFrom(...ZONES), (list, keep, tz) => {
        const z = zone(tz);
        let living: Dated[] = [];
        for (const s of list) {
          living = retain([...living, { ...s, held: false }], keep, z, s.at).kept.map((k) => k.snapshot);
        }
        const end = list.at(-1)?.at ?? now;
        const once = retain(
          list.map((s) => ({ ...s, held: false })),
          keep,
          z,
          end,
        ).kept.map((k) => k.snapshot);
        expect(ids(living)).toEqual(ids(once));
      }),
    );
  });
  test('a period is one of the zone', () => {
    const z = zone('Asia/Kolkata');
    expect(periodOf('hourly', z, at('2026-01-01T00:29:00Z'))).not.toBe(periodOf('hourly', z, at('2026-01-01T00:31:00Z')));
    expect(periodOf('daily', z, at('2026-01-01T18:29:00Z'))).not.toBe(periodOf('daily', z, at('2026-01-01T18:31:00Z')));
    expect(periodOf('weekly', utc, at('2026-01-04T23:59:00Z')) + 1).toBe(periodOf('weekly', utc, at('2026-01-05T00:00:00Z')));
  });
});

describe('preview', () => {
  const schedule = (keep: Partial<Retention>, cron = '0 * * * *', timezone = 'UTC'): SnapshotSchedule =>
    SnapshotSchedule.parse({ name: 'x', dataset: 'tank', cron, timezone, keep });
  test('tells the same ends as asking the rules at every run', () => {
    fc.assert(
      fc.property(
        histories,
        keeps,
        fc.constantFrom(...ZONES),
        fc.constantFrom('0 * * * *', '30 2 * * *', '15 */5 * * *', '0 3 * * 1'),
        (existing, keep, tz, cron) => {
          const from = (existing.at(-1)?.at ?? START) + HOUR;
          const s = schedule(keep, cron, tz);
          const days = cron === '0 * * * *' ? 8 : 60;
          const { lives, runs } = lifetimes(s, existing, from, days);
          let living: Dated[] = [...existing];
          const ends = new Map<number, number>();
          for (const [i, run] of runs.entries()) {
            const { kept, doomed } = retain([...living, { guid: `r${i}`, at: run, order: 1000 + i, held: false }], keep, zone(tz), run);
            for (const d of doomed) ends.set(d.at, run);
            living = kept.map((k) => k.snapshot);
          }
          for (const l of lives) expect(l.ends, `${new Date(l.at).toISOString()}`).toBe(ends.get(l.at) ?? Number.POSITIVE_INFINITY);
        },
      ),
    );
  });
  test('a year of hours', () => {
    const p = preview(schedule({ hourly: 24, daily: 7, weekly: 4, monthly: 12 }), [], at('2026-01-01T00:30:00Z'));
    expect(p.made).toBe(8760);
    expect(p.months).toHaveLength(13);
    expect(p.aliveAtEnd).toBeGreaterThan(40);
    expect(p.aliveAtEnd).toBeLessThan(48);
    expect(p.months.reduce((n, m) => n + m.made - m.destroyed, 0)).toBe(p.aliveAtEnd);
    expect(p.next[0]).toBe(at('2026-01-01T01:00:00Z'));
    expect(preview({ ...schedule({}), enabled: false }, [], 0).made).toBe(0);
  });
});
