/** A past for the pools and disks of the simulated host. Pools fill day by day, more on some days than on others, and now and then something is cleared out. */
import { HOUR, type Readings } from '../../domain/disk/readings.ts';
import { HISTORY_STEPS, type SpacePoint } from '../../domain/pool/history.ts';
import { randomOf } from './guid.ts';

const DAY = 86_400_000;
const DAYS = 400;
/** As full as now after so many days of even growth from nothing. */
const DAYS_TO_FILL = 600;

type Now = { guid: string; size: number; allocated: number };

/** The same for the same pool and time; ends at what the pool holds now. */
export const pastOf = ({ guid, size, allocated }: Now, now: number): (SpacePoint & { pool: string })[] => {
  const random = randomOf(Number(BigInt(guid) % 1_000_003n));
  // backwards from now: what was there at the end of each day
  const ends = [allocated];
  for (let day = 1; day <= DAYS; day += 1) {
    const later = ends[day - 1] ?? allocated;
    const grown = (allocated / DAYS_TO_FILL) * (0.2 + 1.6 * random());
    const cleared = random() < 0.012 ? allocated * 0.03 * random() : 0;
    ends.push(Math.max(allocated * 0.05, Math.min(size, later - grown + cleared)));
  }
  const at = (time: number): number => {
    const age = (now - time) / DAY;
    const [young, old] = [ends[Math.floor(age)] ?? allocated, ends[Math.ceil(age)] ?? allocated];
    return Math.round(young + (old - young) * (age - Math.floor(age)));
  };
  const times = new Set<number>();
  for (const { ms, keptMs } of HISTORY_STEPS) {
    const from = now - Math.min(keptMs, DAYS * DAY);
    for (let slot = Math.ceil(from / ms); slot * ms <= now; slot += 1) times.add(slot * ms);
  }
  return [...times].sort((a, b) => a - b).map((time) => ({ pool: guid, at: time, size, allocated: at(time) }));
};

const DISK_DAYS = 30;
/** What would have been kept of a disk within a month: warmer by day, and one that has begun to move sectors. */
export const diskPastOf = (
  disk: { serial: string; temperature: number; reallocated: number },
  now: number,
): { at: number; readings: Readings }[] => {
  const past: { at: number; readings: Readings }[] = [];
  const odd = [...disk.serial].reduce((n, c) => n + c.charCodeAt(0), 0) % 7;
  for (let at = now - DISK_DAYS * DAY; at < now - HOUR; at += 6 * HOUR) {
    const phase = Math.sin(((at / DAY) % 1) * 2 * Math.PI - Math.PI / 2);
    const old = now - at;
    const reallocated = disk.reallocated < 10 || old < 2 * DAY ? disk.reallocated : old < 9 * DAY ? Math.floor(disk.reallocated / 2) : 0;
    past.push({
      at,
      readings: {
        temperature: Math.round(disk.temperature - 1 + phase * 2 + ((Math.floor(at / DAY) + odd) % 3)),
        reallocated,
        zfsIo: 0,
        zfsChecksum: 0,
        zfsSlow: 0,
      },
    });
  }
  return past;
};
