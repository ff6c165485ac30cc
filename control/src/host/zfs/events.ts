/** `zpool events -Hv`: what the kernel noted lately. Blocks of `key = value` under a line of time and class. */
import type { Result } from '../../domain/refusal.ts';
import { reading, unreadable } from '../parse.ts';

export const eventsArgv = (pool?: string): string[] => ['zpool', 'events', '-Hv', ...(pool === undefined ? [] : [pool])];

export type ZfsEvent = { id: number; at: number; class: string; pool: string | null; fields: Readonly<Record<string, string>> };

const event = (head: string, lines: readonly string[]): ZfsEvent => {
  const cls = head.split('\t')[1] ?? unreadable('an event has no class');
  const found: Record<string, string> = {};
  for (const line of lines) {
    const m = /^\s+(\S+) = (.*?)\s*$/.exec(line);
    // nested lists ("vdev_devids = [ ... ]" over lines) end in lines of their own; we need none of them
    if (m?.[1] !== undefined && m[2] !== undefined) found[m[1]] = /^".*"$/s.test(m[2]) ? m[2].slice(1, -1) : m[2];
  }
  const [seconds, nanos] = (found.time ?? unreadable('an event has no time')).split(' ');
  const id = Number(found.eid);
  const at = Number(seconds) * 1000 + Math.floor(Number(nanos) / 1e6);
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(at)) unreadable('an event has no number or no time');
  return { id, at, class: cls, pool: found.pool ?? null, fields: found };
};

export const parseEvents = (stdout: string): Result<ZfsEvent[]> =>
  reading('the events of ZFS', () => {
    const events: ZfsEvent[] = [];
    let head: string | null = null;
    let lines: string[] = [];
    const end = (): void => {
      if (head !== null) events.push(event(head, lines));
      head = null;
      lines = [];
    };
    for (const line of stdout.split('\n')) {
      // "dropped N events": the kernel keeps the latest only
      if (line === '' || /^dropped [0-9]+ events$/.test(line)) continue;
      if (/^\S/.test(line)) {
        end();
        if (!/^[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{4} [0-9:.]+\t[a-z_.]+$/.test(line)) unreadable(`"${line.slice(0, 60)}" begins no event`);
        head = line;
      } else if (head === null) unreadable('it begins in the middle of an event');
      else lines.push(line);
    }
    end();
    return events;
  });
