/**
 * Keeps what is served to what is mounted: when an observation shows a share, a file of a server or a mount that the gate has not dealt with, the
 * executor is asked to. What it did is told; what it can't do is tried again, ever more seldom.
 */
import type { Clock } from '../domain/clock.ts';
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import type { ExecAnswer } from '../host/executor.ts';

const FIRST_WAIT = 5_000;
const LAST_WAIT = 300_000;
/** A share of a folder: nothing tells when a link takes its place. */
const FOLDERS_MS = 300_000;

export type GateDeps = {
  clock: Clock;
  execute: (operation: Operation) => Promise<ExecAnswer>;
  tell: (event: NewEvent) => void;
  /** A change is under way, which may be what moves the mounts: its end is looked at. */
  busy: () => boolean;
};

export type Gate = {
  /** True when something was done, and a new look is worth it. */
  look(o: Observed, /** What was under way has come to its end. */ settled?: boolean): Promise<boolean>;
};

const words = (list: unknown): string[] => (Array.isArray(list) ? list.filter((x) => typeof x === 'string') : []);

export const createGate = ({ clock, execute, tell, busy }: GateDeps): Gate => {
  let shares: ReadonlySet<string> = new Set();
  /** The same trouble again is not news. */
  let trouble = { about: '', wait: 0, until: 0 };
  let looked: number | null = null;

  const told = (r: Record<string, unknown>): void => {
    const say = (severity: 'info' | 'warning', subject: string, message: string): void =>
      tell({ kind: 'share.changed', severity, subject, message, actor: 'dplaned', data: {} });
    for (const name of words(r.shut)) say('warning', `share:${name}`, `share ${name} is not served: its dataset is not mounted`);
    for (const name of words(r.bent))
      say('warning', `share:${name}`, `share ${name} is not served: its folder is gone, or a link stands in its place`);
    for (const name of words(r.opened)) say('info', `share:${name}`, `share ${name} is served: its dataset is mounted`);
    for (const why of words(r.restored))
      say('warning', 'shares', `a file of the shares was changed by something else, and was restored: ${why}`);
  };

  return {
    look: async (o, settled = false) => {
      const before = shares;
      shares = new Set(o.shares.map((s) => `${s.spec.kind}:${s.spec.name}`));
      if (busy() && !settled) return false;
      // what a plan removed is gone rightly; what went by itself may be a file that was deleted
      const gone = settled ? [] : [...before].filter((s) => !shares.has(s));
      const about = [...(o.unsettled ?? []), ...gone].sort().join('\n');
      looked ??= clock();
      const due = clock() - looked >= FOLDERS_MS && o.shares.some((s) => s.serving && s.spec.folder.length > 1);
      if (about === '' && !due) {
        trouble = { about: '', wait: 0, until: 0 };
        return false;
      }
      if (about !== '' && about === trouble.about && clock() < trouble.until) return false;
      looked = clock();
      const wait = about === trouble.about ? Math.min(LAST_WAIT, trouble.wait * 2) : FIRST_WAIT;
      trouble = { about, wait, until: clock() + wait };
      const answer = await execute({ kind: 'share.gate' });
      if (answer.ok) told(answer.result);
      return answer.ok;
    },
  };
};
