/** Who is connected, asked when somebody looks; and ending a connection, which is a deed of the one who asks for it, not a state. */
import { ok, type Result } from '../domain/refusal.ts';
import { rateSince, type Session, type Traffic } from '../domain/share/session.ts';
import type { Actor } from '../domain/user/user.ts';
import type { Executor } from '../host/executor.ts';
import type { Clock, Store } from '../store/types.ts';
import { factOf } from './facts.ts';

/** Several people look at the page; the host is asked once. */
const FRESH_MS = 2_000;
/** What was seen longer ago says nothing about now. */
const OLD_MS = 60_000;

export type Sessions = {
  list(): Promise<Result<{ at: number; sessions: Session[] }>>;
  end(actor: Actor, session: Pick<Session, 'id' | 'user' | 'address'>): Promise<Result<Record<string, never>>>;
};

export const createSessions = (deps: {
  executor: Executor;
  store: Store;
  clock: Clock;
  random: (bytes: number) => Buffer;
  system: Actor;
}): Sessions => {
  const { executor, store, clock } = deps;
  let seen: { at: number; traffic: Map<string, Traffic> } = { at: 0, traffic: new Map() };
  const withRates = (at: number, sessions: readonly Session[]): Session[] => {
    const [before, seconds] = [seen, (at - seen.at) / 1000];
    seen = { at, traffic: new Map(sessions.flatMap((s) => (s.traffic === null ? [] : [[s.id, s.traffic] as const]))) };
    if (seconds <= 0 || seconds * 1000 > OLD_MS) return [...sessions];
    return sessions.map((s) => ({ ...s, rate: rateSince(before.traffic.get(s.id), s.traffic, seconds) }));
  };
  let last: { at: number; answer: Promise<Result<{ at: number; sessions: Session[] }>> } | null = null;
  const ask = async (at: number): Promise<Result<{ at: number; sessions: Session[] }>> => {
    const id = `read-${deps.random(12).toString('hex')}`;
    const answer = await executor.execute({ v: 1, id, actor: deps.system, operation: { kind: 'share.clients' }, approval: null });
    return answer.ok ? ok({ at, sessions: withRates(at, (answer.result.sessions ?? []) as Session[]) }) : answer; // the executor's own typed answer
  };
  return {
    list: () => {
      const now = clock();
      if (last === null || now - last.at > FRESH_MS) last = { at: now, answer: ask(now) };
      return last.answer;
    },
    end: async (actor, { id, user, address }) => {
      const operation = { kind: 'session.end' as const, id, user, address };
      const answer = await executor.execute({ v: 1, id: `end-${deps.random(12).toString('hex')}`, actor, operation, approval: null });
      last = null;
      const fact = factOf(operation);
      store.transact(() => {
        if (answer.ok)
          store.events.append({ ...fact, severity: 'warning', message: `${actor.name}: ${fact.message}`, actor: actor.name, data: { id } });
        store.audit.append({
          actor,
          action: operation.kind,
          subject: fact.subject,
          outcome: answer.ok ? 'succeeded' : 'failed',
          reason: 'permission share.write',
          detail: { operation, ...(answer.ok ? {} : { problem: answer.refusal.why }) },
        });
      });
      return answer.ok ? ok({}) : answer;
    },
  };
};
