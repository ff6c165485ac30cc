/** Retention alone, in this process: what lives and dies of a million snapshots, and a year played forward. */
import { preview } from '../../control/src/domain/schedule/preview.ts';
import { type Dated, retain } from '../../control/src/domain/schedule/retention.ts';
import { SnapshotSchedule } from '../../control/src/domain/schedule/schedule.ts';
import { zone } from '../../control/src/domain/schedule/zone.ts';
import { type Bench, figure, timed } from './bench.ts';

const COUNT = 1_000_000;
const LIMIT_MS = 2_000;
const QUARTER = 15 * 60_000;
const START = Date.UTC(2000, 0, 1);

const snapshots = (): Dated[] =>
  Array.from({ length: COUNT }, (_, i) => ({ guid: String(i), at: START + i * QUARTER, order: i, held: i % 10_000 === 0 }));

export const benches: Bench[] = [
  {
    name: 'retention of 1,000,000 snapshots',
    run: async () => {
      const all = snapshots();
      const keep = { hourly: 48, daily: 30, weekly: 26, monthly: 24, yearly: 10, count: 100, maxAgeDays: 0 };
      const now = START + COUNT * QUARTER;
      const verdict = retain(all, keep, zone('Europe/Berlin'), now);
      // the answer first: every tenth thousand is held, the rules keep a few hundred more
      if (verdict.kept.length < 250 || verdict.kept.length > 400 || verdict.kept.length + verdict.doomed.length !== COUNT)
        throw new Error(`${verdict.kept.length} kept of ${COUNT}`);
      // a zone that was never asked for each time: its offsets are part of the work
      const ms = timed(() => retain(all, keep, zone('Europe/Berlin'), now), 5, 1);
      return [figure('what lives of 1,000,000 snapshots of 28 years', ms, 'ms', LIMIT_MS, 'baseline is the limit')];
    },
  },
  {
    name: 'a dry run over a year',
    run: async () => {
      const schedule = SnapshotSchedule.parse({
        name: 'often',
        dataset: 'tank',
        cron: '*/5 * * * *',
        timezone: 'America/New_York',
        keep: { hourly: 48, daily: 30, monthly: 12 },
      });
      const now = Date.UTC(2026, 0, 1);
      if (preview(schedule, [], now).made !== 105_120) throw new Error('a year has 105,120 times five minutes');
      return [
        figure(
          'a year of every five minutes',
          timed(() => preview(schedule, [], now), 5, 1),
          'ms',
        ),
      ];
    },
  },
];
