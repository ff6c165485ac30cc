/** Schedules: kept by the control plane. One that would keep less than before waits for an approval: its next run would destroy what it kept until now. */
import { canonical } from '../canonical.ts';
import { keepsLess } from '../schedule/retention.ts';
import type { SnapshotSchedule } from '../schedule/schedule.ts';
import type { Change } from './types.ts';
import { add, byText, impossible, runnable, type World } from './world.ts';

const inText = (value: unknown): string | null => (value === undefined ? null : typeof value === 'string' ? value : canonical(value));

const differences = (from: SnapshotSchedule | undefined, to: SnapshotSchedule): Change[] => {
  if (from === undefined) return [];
  const a: Record<string, unknown> = from;
  const b: Record<string, unknown> = to;
  return Object.keys(b)
    .sort(byText)
    .map((property) => ({ property, from: inText(a[property]), to: inText(b[property]) }))
    .filter((c) => c.from !== c.to);
};

export const planSchedules = (w: World): void => {
  const seen = new Map((w.observed.schedules ?? []).map((s) => [s.name, s]));
  for (const s of w.desired.schedules) put(w, s, seen.get(s.name));
  if (w.desired.ignore_extraneous) return;
  const declared = new Set(w.desired.schedules.map((s) => s.name));
  for (const { name } of seen.values())
    if (!declared.has(name))
      add(
        w,
        runnable({
          verb: 'DELETE',
          noun: 'schedule',
          name,
          risk: 'safe',
          reason: `${w.words.extra}; the snapshots it made stay until somebody destroys them`,
          operation: { kind: 'schedule.remove', name },
        }),
      );
};

const put = (w: World, schedule: SnapshotSchedule, seen: SnapshotSchedule | undefined): void => {
  const changes = differences(seen, schedule);
  if (seen && changes.length === 0) {
    w.nop += 1;
    return;
  }
  const { name, dataset } = schedule;
  const reason = seen ? `it ${w.words.differs}` : w.words.missing;
  const made = w.makes.get(dataset);
  const after = made === undefined ? [] : [made];
  const lost = w.lost.get(dataset);
  const stuck = w.gates.get(dataset.split('/')[0] ?? '');
  const there = made !== undefined || w.wanted().has(dataset) || w.datasets().has(dataset) || w.pools.has(dataset);
  const why = lost?.why ?? (there || stuck ? undefined : `there is no dataset ${dataset}, and none is declared`);
  if (why !== undefined) {
    add(w, impossible({ noun: 'schedule', name, reason, why, changes }));
    return;
  }
  const base = { noun: 'schedule', name, reason, changes, after, operation: { kind: 'schedule.put', schedule } } as const;
  if (seen && keepsLess(seen.keep, schedule.keep))
    add(
      w,
      runnable({
        ...base,
        verb: 'BLOCKED',
        risk: 'destructive',
        approval: 'required',
        blocked: `it keeps less than before: its next run destroys what it kept until now, which needs an approval that names ${name}`,
        after,
      }),
    );
  else add(w, runnable({ ...base, verb: seen ? 'MODIFY' : 'CREATE', risk: 'safe', after }));
};
