/** What the engine knows of `dplane-exec`: one request, one answer, and what became of an earlier request. */
import type { ExecRequest } from '../domain/operation/operation.ts';
import type { Readable } from 'node:stream';
import type { Refusal, Result } from '../domain/refusal.ts';

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

export type ExecStream = { size: number | null; stream: Readable };

export type Executor = {
  execute(request: ExecRequest, signal?: AbortSignal): Promise<ExecAnswer>;
  outcome(id: string): Promise<ExecOutcome>;
  /** Bytes: only of `snapshot.read`. The stream errs when not all of it came. */
  read(request: ExecRequest, signal?: AbortSignal): Promise<Result<ExecStream>>;
};
