/** What became of updates on this machine: facts, one a line, never rewritten (`/persist/ota/history.jsonl`). */
import { UpdateEvent } from '../../../control/src/domain/slot/slot.ts';
import { appendLine, readOptional } from './files.ts';
import type { Places } from './places.ts';

export const appendHistory = (places: Places, event: UpdateEvent): Promise<void> =>
  appendLine(places.history, JSON.stringify(UpdateEvent.parse({ ...event, reason: event.reason.slice(0, 4000) })));

const parsed = (line: string): UpdateEvent[] => {
  try {
    const event = UpdateEvent.safeParse(JSON.parse(line));
    return event.success ? [event.data] : [];
  } catch {
    return []; // torn by a power cut, or of a kind a later version knows
  }
};

/** Oldest first. What can't be understood is left out: it must not keep a machine from being updated. */
export const readHistory = async (places: Places): Promise<UpdateEvent[]> =>
  ((await readOptional(places.history)) ?? '').split('\n').flatMap(parsed);
