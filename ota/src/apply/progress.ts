/** How far an apply has come, in a file that is replaced at most every 200 ms, and at once when its phase changes. */
import { rename, writeFile } from 'node:fs/promises';
import type { ApplyProgress, ApplyRequest } from '../../../control/src/domain/bundle/bundle.ts';

const EVERY_MS = 200;

export type Progress = {
  readonly now: ApplyProgress;
  set: (change: Partial<ApplyProgress>) => Promise<void>;
};

export const startProgress = (
  request: ApplyRequest,
  o: { path: string | null; clock: () => number; told: (p: ApplyProgress) => void },
): Progress => {
  const at = o.clock();
  let now: ApplyProgress = {
    ...request,
    phase: 'waiting',
    slot: null,
    bundle: null,
    startedAt: at,
    updatedAt: at,
    total: 0,
    done: 0,
    written: 0,
    skipped: 0,
    refusal: null,
  };
  let writtenAt = Number.NEGATIVE_INFINITY;
  return {
    get now() {
      return now;
    },
    set: async (change) => {
      const time = o.clock();
      const turned = change.phase !== undefined && change.phase !== now.phase;
      now = { ...now, ...change, updatedAt: time };
      if (!turned && change.refusal === undefined && time - writtenAt < EVERY_MS) return;
      writtenAt = time;
      o.told(now);
      if (o.path === null) return;
      // in memory and only shown: on no disk, so nothing to sync. One that can't be written must not stop an update
      const beside = `${o.path}.${process.pid}.tmp`;
      await writeFile(beside, `${JSON.stringify(now)}\n`, { mode: 0o644 })
        .then(() => rename(beside, o.path ?? ''))
        .catch(() => {});
    },
  };
};
