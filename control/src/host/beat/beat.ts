/**
 * What the helper of a pool's heartbeat (packages/debian/deb/lib/pool-heartbeat) wrote down last, what the kernel says of the pool, and how long the machine is up.
 * Files in memory only: nothing here waits for a pool.
 */
import { type Beat, slowInARow, type Told } from '../../domain/pool/heartbeat.ts';
import type { Host } from '../host.ts';

export const TOLD = '/run/dplane-beat';
export const UPTIME = '/proc/uptime';
export const beatUnit = (pool: string): string => `dplane-heartbeat@${pool}.service`;
/** Started when a pool fails: what runs on it says `Conflicts=` with it, and is stopped. */
export const failedUnit = (pool: string): string => `dplane-pool-failed@${pool}.target`;

const LINE = /^(now|last) ([0-9]+) ([0-9]+\.[0-9]+)(?: ([0-9]+\.[0-9]+) ([a-z-]+) ([0-9]+) ([0-9]+) ([0-9]+)(?: (.*))?)?$/;
const ms = (seconds: string | undefined): number => Math.round(Number(seconds) * 1000);

/** What can't be read says nothing. */
export const parseTold = (text: string, before: Told | null): Told | null => {
  let now: Told['now'] = null;
  let last: Beat | null = null;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const m = LINE.exec(line);
    if (m === null) return null;
    const [, which, n, began, ended, outcome = '', write, flush, read, note = ''] = m;
    if (which === 'now') now = { n: Number(n), began: ms(began) };
    else if (ended === undefined) return null;
    else
      last = {
        n: Number(n),
        began: ms(began),
        ended: ms(ended),
        outcome,
        // microseconds there
        write: Number(write) / 1000,
        flush: Number(flush) / 1000,
        read: Number(read) / 1000,
        note,
      };
  }
  return { now, last, slowInARow: slowInARow(before, last) };
};

export const readTold = async (host: Host, pool: string, before: Told | null): Promise<Told | null> => {
  const text = await host.readText(`${TOLD}/${pool}`).catch(() => null);
  return text === null ? null : parseTold(text, before);
};
export const readUptime = async (host: Host): Promise<number | null> => {
  const text = await host.readText(UPTIME).catch(() => null);
  const seconds = Number(text?.split(' ')[0]);
  return text !== null && Number.isFinite(seconds) ? Math.round(seconds * 1000) : null;
};
