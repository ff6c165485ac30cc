/**
 * One request, from parsed to answered: remembered, allowed, one at a time per pool, executed, written down. The socket
 * is in server.ts; nothing here knows of it.
 */
import { sourceName } from '../../domain/bundle/bundle.ts';
import { poolOf } from '../../domain/names.ts';
import { type ExecRequest, type Operation, targetOf } from '../../domain/operation/operation.ts';
import { approvalMatches, mayRunWithoutApproval } from '../../domain/plan/guard.ts';
import { type Refusal, refuse } from '../../domain/refusal.ts';
import type { Clock } from '../../domain/clock.ts';
import { execute } from '../change/execute.ts';
import type { ExecAnswer, ExecOutcome } from '../executor.ts';
import type { Host } from '../host.ts';
import type { Ledger } from './ledger.ts';

export type Log = (line: string) => void;
export type Performer = {
  perform(request: ExecRequest): Promise<ExecAnswer>;
  outcome(id: string): ExecOutcome;
  /** Requests that are waiting or running. */
  active(): number;
  /** Resolves when there are none. */
  drained(): Promise<void>;
};

/** Beyond it a pool is so far behind that more waiting helps nobody. */
const QUEUE_LIMIT = 64;
/** The ledger forgets spent approvals after days: one that lives longer could be used again. */
const APPROVAL_LIFE_MS = 3_600_000;

/** What can't change at the same time: a pool with all that is in it, the files of the shares, the slots. */
const laneOf = (op: Operation): string | null => {
  switch (op.kind) {
    case 'share.clients':
    case 'snapshot.diff':
    case 'snapshot.browse':
    case 'snapshot.search':
    case 'snapshot.versions':
    case 'snapshot.read':
    case 'share-user.owned':
    case 'secret.seal':
    // what these are asked and answer is in no ledger
    case 'key.seal':
    case 'key.read':
    case 'key.list':
      return null;
    case 'pool.scan':
    case 'pool.events':
    // each disk has its own: one that hangs holds up no other
    case 'disk.smart':
      return null;
    case 'disk.test':
      return `disk:${op.path}`;
    case 'disk.erase':
      return 'disks';
    case 'arc.set':
      return 'arc';
    case 'share-user.put':
    case 'share-user.rename':
    case 'share-user.remove':
    case 'share-group.put':
    case 'share-group.rename':
    case 'share-group.remove':
      return 'accounts';
    // it may take minutes, and changes nothing that a pool's other operations look at
    case 'snapshot.restore':
    case 'snapshot.settle':
      return `restore:${poolOf(op.to.dataset)}`;
    case 'pool.gate':
    case 'pool.forget':
      return 'gate';
    // beside what waits for the pool itself: when that hangs, these have to go on
    case 'pool.beat':
      return `beat:${op.name}`;
    case 'pool.fail':
      return `fail:${op.name}`;
    case 'update.apply':
    case 'update.cancel':
    case 'update.rollback':
    case 'update.confirm':
    case 'system.restart':
    case 'generation.activate':
    case 'generation.delete':
      return 'update';
    case 'share.put':
    case 'share.remove':
    case 'share.gate':
    case 'session.end':
      return 'shares';
    case 'snapshot.create':
    case 'snapshot.destroy':
    case 'snapshot.hold':
    case 'snapshot.release':
    case 'snapshot.prune':
    case 'snapshot.destroyMany':
    case 'snapshot.rollback':
    case 'snapshot.clone':
      return `pool:${poolOf(op.dataset)}`;
    case 'schedule.put':
    case 'schedule.remove':
    case 'memory.arc':
    case 'pool.keep':
    case 'clone.watch':
    case 'clone.extend':
      return null;
    default:
      return `pool:${poolOf(op.name)}`;
  }
};

/** For the log: what is acted on, by name. */
const subjectOf = (op: Operation): string => {
  const target = targetOf(op);
  if (target) return target.name;
  switch (op.kind) {
    case 'share.clients':
    case 'share.gate':
    case 'system.restart':
    case 'secret.seal':
    case 'key.list':
      return '-';
    case 'key.seal':
      return op.opens?.name ?? '-';
    case 'session.end':
      return `${op.id} ${op.user ?? ''}@${op.address}`;
    case 'share-user.owned':
      return String(op.id);
    case 'update.apply':
      return sourceName(op.source);
    case 'update.cancel':
      return op.job;
    case 'update.rollback':
    case 'update.confirm':
      return `slot ${op.slot}`;
    case 'generation.activate':
      return `generation ${op.number}`;
    case 'generation.delete':
      return `generations ${op.generations.map((g) => g.number).join(', ')}`;
  }
  if (op.kind === 'arc.set') return String(op.max);
  if (op.kind === 'memory.arc') return '-';
  if (op.kind === 'schedule.put') return op.schedule.name;
  if (op.kind === 'clone.watch' || op.kind === 'clone.extend') return op.clone;
  if (op.kind === 'snapshot.prune') return `${op.dataset}@ (${op.snapshots.length} of ${op.mark})`;
  if (op.kind === 'disk.erase' || op.kind === 'disk.smart' || op.kind === 'disk.test') return op.path;
  if (op.kind === 'pool.scan' || op.kind === 'pool.events' || op.kind === 'pool.gate') return '-';
  if (op.kind === 'share.put') return `${op.share.kind}:${op.share.name}`;
  if ('name' in op) return op.name;
  return 'tag' in op ? `${op.dataset}@${op.tag}` : op.dataset;
};

/** Pure checks: does the operation need an approval, and is this one for exactly it? */
const whyNotAllowed = ({ operation, approval }: ExecRequest, now: number): Refusal | null => {
  if (approval === null)
    return mayRunWithoutApproval(operation)
      ? null
      : refuse(
          'needs-approval',
          `${operation.kind} ${subjectOf(operation)}`,
          'it destroys data and comes without an approval',
          'approve the action of the plan',
        ).refusal;
  const refusal = approvalMatches(operation, approval, now);
  if (refusal) return refusal;
  return approval.expiresAt - now > APPROVAL_LIFE_MS
    ? refuse(
        'stale',
        `${operation.kind} ${subjectOf(operation)}`,
        'the approval lives longer than approvals do',
        'make a new plan and approve its action',
      ).refusal
    : null;
};

export const performer = ({ host, ledger, clock, log }: { host: Host; ledger: Ledger; clock: Clock; log: Log }): Performer => {
  const lanes = new Map<string, { tail: Promise<void>; length: number }>();
  const running = new Map<string, Promise<ExecAnswer>>();
  const active = new Set<Promise<ExecAnswer>>();

  const inLane = async <T>(lane: string, work: () => Promise<T>): Promise<T | null> => {
    const queue = lanes.get(lane) ?? { tail: Promise.resolve(), length: 0 };
    if (queue.length >= QUEUE_LIMIT) return null;
    lanes.set(lane, queue);
    queue.length += 1;
    const mine = queue.tail.then(work);
    queue.tail = mine.then(
      () => {},
      () => {},
    );
    try {
      return await mine;
    } finally {
      queue.length -= 1;
      if (queue.length === 0) lanes.delete(lane);
    }
  };

  const attempt = async (request: ExecRequest): Promise<ExecAnswer> => {
    try {
      const done = await execute({ host, clock, approval: request.approval, id: request.id }, request.operation);
      return done.ok ? { ok: true, result: done.value, replayed: false } : done;
    } catch (error) {
      // a bug: its stack is for the journal, not for whoever asked
      log(`<3>operation ${request.id} broke off: ${JSON.stringify(error instanceof Error ? error.stack : String(error))}`);
      return refuse(
        'failed',
        `${request.operation.kind} ${subjectOf(request.operation)}`,
        'the executor met an error of its own and stopped midway',
        'look at the target on the host, and at `journalctl -u dplane-exec`',
      );
    }
  };

  const journalled = async (request: ExecRequest): Promise<ExecAnswer> => {
    // Here, not before the wait: an approval may expire or be spent by the one in front.
    const known = ledger.outcome(request.id);
    const no = known.state === 'unknown' ? whyNotAllowed(request, clock()) : null;
    if (no) return { ok: false, refusal: no };
    const begun = ledger.begin(request);
    if (!begun.ok) return begun;
    if (begun.value !== null) return begun.value;
    const answer = await attempt(request);
    ledger.end(request.id, answer);
    return answer;
  };

  const account = (request: ExecRequest, answer: ExecAnswer, ms: number): void => {
    const { id, actor, operation, approval } = request;
    const outcome = answer.ok
      ? answer.replayed
        ? 'replayed'
        : 'done'
      : `refused code=${answer.refusal.code} why=${JSON.stringify(answer.refusal.why.slice(0, 300))}`;
    log(
      `${answer.ok ? '<5>' : '<4>'}operation ${operation.kind} subject=${JSON.stringify(subjectOf(operation))} id=${id} actor=${JSON.stringify(`${actor.kind}:${actor.name} via ${actor.via}`)} approval=${approval?.id ?? 'none'} outcome=${outcome} ms=${ms}`,
    );
  };

  const perform = async (request: ExecRequest): Promise<ExecAnswer> => {
    const { operation } = request;
    const lane = laneOf(operation);
    if (lane === null) return attempt(request);
    // The same request again while it runs: both get its answer.
    const before = running.get(request.id);
    if (before) await before.catch(() => {});
    const started = clock();
    const mine = inLane(lane, () => journalled(request)).then(
      (answer) =>
        answer ??
        refuse(
          'busy',
          `${operation.kind} ${subjectOf(operation)}`,
          `${QUEUE_LIMIT} operations are waiting for ${lane}`,
          'try again when they have ended',
        ),
    );
    running.set(request.id, mine);
    try {
      const answer = await mine;
      account(request, answer, clock() - started);
      return answer;
    } finally {
      if (running.get(request.id) === mine) running.delete(request.id);
    }
  };

  const answered = async (request: ExecRequest): Promise<ExecAnswer> => {
    try {
      return await perform(request);
    } catch (error) {
      // the ledger could not be written: nothing may be executed that is not remembered. Not a no: its end may be what was lost
      log(`<2>operation ${request.id}: ${JSON.stringify(error instanceof Error ? error.stack : String(error))}`);
      return refuse(
        'timeout',
        `${request.operation.kind} ${subjectOf(request.operation)}`,
        "the executor's ledger can't be written",
        'look at the space in /var/lib/dplane-exec and at `journalctl -u dplane-exec`, then ask what became of this operation',
      );
    }
  };

  return {
    perform: async (request) => {
      const mine = answered(request);
      active.add(mine);
      try {
        return await mine;
      } finally {
        active.delete(mine);
      }
    },
    // one that waits for its turn has not begun, but will
    outcome: (id) => (running.has(id) ? { state: 'running' } : ledger.outcome(id)),
    active: () => active.size,
    drained: async () => {
      while (active.size > 0) await Promise.allSettled(active);
    },
  };
};
