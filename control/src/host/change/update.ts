/**
 * Updates and restarts, as root: this only starts, stops and asks the updater, which verifies and writes by itself (docs/adr/0006-slots.md). Each looks
 * first whether it may, and afterwards whether it came to be.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ApplyRequest, applyEnded } from '../../domain/bundle/bundle.ts';
import type { Operation } from '../../domain/operation/operation.ts';
import { type Result, ok, refuse } from '../../domain/refusal.ts';
import { idleSlot, runningSlot, type Slots, whyNoRollback, whyNoUpdate } from '../../domain/slot/slot.ts';
import { nextSlot, whyNoConfirm } from '../../domain/update/update.ts';
import type { Host } from '../host.ts';
import { OTA_FILES, readProgress, readStatus } from '../ota/files.ts';
import { APPLY_UNIT, applyUnit, markGood, rebootArgv, rollback, startApplyArgv, stopApplyArgv } from '../ota/tool.ts';
import { type ChangeContext, type Changed, ran, unverified } from './host.ts';

type Op<K extends Operation['kind']> = Extract<Operation, { kind: K }>;
type SystemOp = Op<'update.apply' | 'update.cancel' | 'update.rollback' | 'update.confirm' | 'system.restart'>;

const LOOK_MS = 100;
/** For systemd to start a process. */
const LOOKS = 150;
const STOP_MS = 120_000;

const NO_SLOTS = 'this machine has no system slots';
const TODO = 'an update needs the appliance image, started from one of its two slots';

const slotsOf = async (host: Host, what: string, whyNot: (s: Slots) => string | null): Promise<Result<Slots>> => {
  const status = await readStatus(host);
  if (!status.ok) return status;
  if (status.value === null) return refuse('blocked', what, NO_SLOTS, TODO);
  if (!status.value.available) return refuse('blocked', what, status.value.why, status.value.todo);
  const why = whyNot(status.value);
  return why === null ? ok(status.value) : refuse('conflict', what, why, 'look at the slots: dplane update status');
};

/** That no apply is under way, and that there is an updater at all. */
const resting = async (host: Host, what: string): Promise<Result<null>> => {
  const unit = await applyUnit(host);
  if (!unit.ok) return unit;
  if (unit.value === 'absent') return refuse('unavailable', what, `${APPLY_UNIT} is not installed`, TODO);
  return unit.value === 'working' ? refuse('busy', what, 'an update is being installed', 'wait for its end, or cancel it') : ok(null);
};

const systemctl = async (host: Host, what: string, argv: readonly string[], timeoutMs: number): Promise<Result<null>> => {
  const r = await host.run(argv, { timeoutMs });
  if (ran(r)) return ok(null);
  return refuse(
    'failed',
    what,
    `systemctl ${argv[1]}: ${(r.failure ?? r.stderr.trim()).slice(0, 300)}`,
    `look at \`journalctl -u ${APPLY_UNIT}\``,
  );
};

const apply = async ({ host, id }: ChangeContext, { source }: Op<'update.apply'>): Promise<Changed> => {
  const what = 'installing an update';
  const slots = await slotsOf(host, what, whyNoUpdate);
  if (!slots.ok) return slots;
  const free = await resting(host, what);
  if (!free.ok) return free;
  await host.writeText(OTA_FILES.request, `${JSON.stringify(ApplyRequest.parse({ id, source }))}\n`, 0o600);
  const started = await systemctl(host, what, startApplyArgv(), 30_000);
  if (!started.ok) return started;
  for (let i = 0; i < LOOKS; i += 1) {
    if (i > 0) await pause(LOOK_MS);
    const progress = await readProgress(host);
    if (progress.ok && progress.value?.id === id) return ok({ phase: progress.value.phase });
    const unit = await applyUnit(host);
    if (unit.ok && unit.value === 'working') return ok({ phase: 'waiting' });
  }
  return unverified(what, `${APPLY_UNIT} was not seen to run`);
};

const cancel = async ({ host }: ChangeContext, { job }: Op<'update.cancel'>): Promise<Changed> => {
  const what = 'cancelling the update';
  const before = await readProgress(host);
  if (!before.ok) return before;
  if (before.value === null || before.value.id !== job || applyEnded(before.value))
    return refuse('conflict', what, 'that update is not being installed any more', 'look at dplane update status');
  const stopped = await systemctl(host, what, stopApplyArgv(), STOP_MS);
  if (!stopped.ok) return stopped;
  const unit = await applyUnit(host);
  if (!unit.ok) return unit;
  if (unit.value === 'working') return unverified(what, `${APPLY_UNIT} is still at work`);
  const after = await readProgress(host);
  return ok({ phase: after.ok && after.value !== null ? after.value.phase : 'cancelled' });
};

const goBack = async ({ host }: ChangeContext, op: Op<'update.rollback'>): Promise<Changed> => {
  const what = `going back to slot ${op.slot}`;
  const asked = (s: Slots): string | null => {
    const other = idleSlot(s);
    return other.name === op.slot && other.system?.index === op.index
      ? null
      : `slot ${op.slot} no longer holds what it held when this was asked`;
  };
  const slots = await slotsOf(host, what, (s) => whyNoRollback(s) ?? asked(s));
  if (!slots.ok) return slots;
  const free = await resting(host, what);
  if (!free.ok) return free;
  const said = await rollback(host);
  if (!said.ok) return said;
  const after = await slotsOf(host, what, () => null);
  if (!after.ok) return after;
  return nextSlot(after.value)?.name === op.slot ? ok({ next: op.slot }) : unverified(what, 'the next start would take another slot');
};

const confirm = async ({ host }: ChangeContext, { slot }: Op<'update.confirm'>): Promise<Changed> => {
  const what = `confirming slot ${slot}`;
  const asked = (s: Slots): string | null => (runningSlot(s).name === slot ? null : `slot ${slot} does not run any more`);
  const slots = await slotsOf(host, what, (s) => asked(s) ?? whyNoConfirm(s));
  if (!slots.ok) return slots;
  const said = await markGood(host);
  if (!said.ok) return said;
  const after = await slotsOf(host, what, () => null);
  if (!after.ok) return after;
  return runningSlot(after.value).state === 'confirmed' ? ok({ confirmed: slot }) : unverified(what, 'the slot is not confirmed');
};

/** What the slots say goes along with the answer; a machine without slots, or with slots that can't be read, may restart, too. */
const restart = async ({ host }: ChangeContext): Promise<Changed> => {
  const what = 'restarting';
  const unit = await applyUnit(host);
  if (unit.ok && unit.value === 'working') return refuse('busy', what, 'an update is being installed', 'wait for its end, or cancel it');
  const status = await readStatus(host);
  const next = status.ok && status.value?.available ? nextSlot(status.value) : null;
  const asked = await systemctl(host, what, rebootArgv(), 30_000);
  return asked.ok ? ok({ slot: next?.name ?? null }) : asked;
};

export const changeSystem = (context: ChangeContext, op: SystemOp): Promise<Changed> => {
  switch (op.kind) {
    case 'update.apply':
      return apply(context, op);
    case 'update.cancel':
      return cancel(context, op);
    case 'update.rollback':
      return goBack(context, op);
    case 'update.confirm':
      return confirm(context, op);
    case 'system.restart':
      return restart(context);
  }
};
