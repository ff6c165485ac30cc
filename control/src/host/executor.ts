/** What the engine knows of `dplane-exec`: one request, one answer, and what became of an earlier request. */
import type { ExecRequest } from '../domain/operation/operation.ts';
import type { Refusal } from '../domain/refusal.ts';

export type ExecAnswer =
  | {
      ok: true /** Such as the guid of what was made. */;
      result: Record<string, unknown> /** It had been executed before; this is the recorded answer. */;
      replayed: boolean;
    }
  | { ok: false; refusal: Refusal };

export type ExecOutcome =
  | { state: 'unknown' } // never begun here
  | { state: 'running' } // begun, and this executor is still at it
  | { state: 'begun' } // begun, and no end is recorded: the executor died in between
  | { state: 'ended'; answer: ExecAnswer };

export type Executor = {
  execute(request: ExecRequest, signal?: AbortSignal): Promise<ExecAnswer>;
  outcome(id: string): Promise<ExecOutcome>;
};
