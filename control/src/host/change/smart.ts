/** What disks say of themselves, and their self-tests: each with a time limit of its own, none woken unless someone asked for it. */
import { diskLabel } from '../../domain/disk/disk.ts';
import type { Smart, SmartDevice } from '../../domain/disk/smart.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import type { RunResult } from '../host.ts';
import { parseSmart, selfTestArgv, smartArgv } from '../smart/smartctl.ts';
import { type ChangeContext, type Changed, unverified } from './host.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
/** A disk that retries a bad sector answers late; one that answers later than this does not answer. */
export const SMART_MS = 45_000;

const whyNot = (r: RunResult, path: string): Result<never> | null => {
  if (r.failure === null) return null;
  const what = `asking ${diskLabel(path)}`;
  return r.failure === 'missing'
    ? refuse('unavailable', what, 'smartctl is not there', 'install smartmontools')
    : refuse('timeout', what, `smartctl did not come to an end within ${SMART_MS / 1000} s`, 'look at the disk and its cable');
};

const ask = async ({ host, clock }: ChangeContext, path: string, device: SmartDevice): Promise<Result<Smart>> => {
  const r = await host.run(smartArgv(path, device), { timeoutMs: SMART_MS });
  return whyNot(r, path) ?? parseSmart(path, clock(), r);
};

export const readSmart = async (c: ChangeContext, op: Op<'disk.smart'>): Promise<Changed> => {
  const seen = await ask(c, op.path, op.device);
  return seen.ok ? ok({ smart: seen.value }) : seen;
};

export const testDisk = async (c: ChangeContext, op: Op<'disk.test'>): Promise<Changed> => {
  const what = `${op.test === 'stop' ? 'stopping the' : `a ${op.test}`} self-test of ${diskLabel(op.path)}`;
  const before = await ask(c, op.path, op.device);
  if (!before.ok) return before;
  const { state, tests, why } = before.value;
  if (state === 'asleep' && !op.wake)
    return refuse('busy', what, 'the disk sleeps, and is not woken for it', 'it is tried again when it is awake');
  if (state === 'unknown') return refuse('blocked', what, why ?? 'it has no SMART', 'there is nothing to do');
  if (state === 'read' && tests?.can !== true)
    return refuse('blocked', what, 'this disk has no self-tests', 'a scrub of its pool reads all that it holds');
  if (op.test !== 'stop' && tests && tests.running !== null)
    return refuse('busy', what, `one is under way (${Math.round(tests.running * 100)}%)`, 'wait for its end, or stop it');
  const r = await c.host.run(selfTestArgv(op.path, op.device, op.test, op.wake), { timeoutMs: SMART_MS });
  const no = whyNot(r, op.path);
  if (no) return no;
  const after = await ask(c, op.path, op.device);
  if (!after.ok) return after;
  const now = after.value.tests;
  const runs = now !== null && now.running !== null;
  // some are over before one can look
  const done = JSON.stringify(now?.last) !== JSON.stringify(tests?.last);
  const as = op.test === 'stop' ? !runs : runs || done;
  return as ? ok({ smart: after.value }) : unverified(what, op.test === 'stop' ? 'it goes on' : 'none is under way');
};
