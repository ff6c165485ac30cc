/**
 * Is this start good? Asked every second until every check says yes, or until the deadline. Yes lets `boot-complete.target` be reached, and
 * systemd confirms the boot entry. No on a trial: written down, the entry marked bad, and the unit fails, which restarts the machine.
 * No on a start that is not on trial is only told: a machine whose disk died must not restart for ever.
 */
import type { Clock } from '../../../control/src/domain/clock.ts';
import type { Verdict, VerdictCheck } from '../../../control/src/domain/slot/slot.ts';
import { CHECKS, type Check, type Subject } from './checks.ts';

export type Trial = {
  subject: Subject;
  bootId: string;
  trial: boolean;
  deadlineMs: number;
  clock: Clock;
  /** Milliseconds since the kernel started. */
  uptime: () => number;
  pause: (ms: number) => Promise<void>;
  /** Everybody who looks sees how far it has come. */
  tell: (v: Verdict) => Promise<void>;
  checks?: typeof CHECKS;
};

const EVERY_MS = 1_000;

const ask = async (check: Check, s: Subject): Promise<string | null> => {
  try {
    return await check(s);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** All that failed before are asked again; when nothing fails any more, all are asked once more: yes to everything at one time. */
export const judge = async (t: Trial): Promise<Verdict> => {
  const checks = t.checks ?? CHECKS;
  const began = t.uptime();
  let state = new Map<string, string | null>();
  const verdict = (outcome: Verdict['outcome']): Verdict => ({
    bootId: t.bootId,
    slot: t.subject.slot,
    trial: t.trial,
    outcome,
    at: t.clock(),
    uptimeMs: t.uptime(),
    checks: checks.map(
      ([name]): VerdictCheck => ({
        name,
        ok: state.get(name) === null,
        why: (state.get(name) ?? (state.has(name) ? '' : 'not asked yet')).slice(0, 2000),
      }),
    ),
  });
  const round = async (names: ReadonlySet<string>): Promise<boolean> => {
    const answers = await Promise.all(
      checks.filter(([name]) => names.has(name)).map(async ([name, check]) => [name, await ask(check, t.subject)] as const),
    );
    state = new Map([...state, ...answers]);
    return [...state.values()].every((why) => why === null);
  };
  const all = new Set<string>(checks.map(([name]) => name));
  await t.tell(verdict('waiting'));
  for (;;) {
    const asked = t.uptime();
    const bad = new Set(checks.map(([name]) => name as string).filter((name) => state.get(name) !== null));
    if ((await round(bad)) && (bad.size === all.size || (await round(all)))) return verdict('passed');
    if (t.uptime() - began >= t.deadlineMs) return verdict('failed');
    await t.tell(verdict('waiting'));
    // asking must not be what a slow machine is busy with
    await t.pause(Math.max(EVERY_MS, t.uptime() - asked));
  }
};

export const inWords = (v: Verdict): string =>
  v.checks
    .filter((c) => !c.ok)
    .map((c) => c.why || c.name)
    .join('; ');
