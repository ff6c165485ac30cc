/** What a failed call says to a person: the refusal the daemon sent, or that it could not be asked. */
import type { Refusal } from '../../../control/src/domain/refusal.ts';

export type Problem = Refusal & { id?: string };

export const NO_ANSWER: Problem = {
  code: 'unavailable',
  what: 'The box does not answer',
  why: 'the connection is lost, or the control plane is starting',
  todo: 'It is tried again by itself.',
};

const isProblem = (v: unknown): v is Problem =>
  typeof v === 'object' && v !== null && 'code' in v && 'what' in v && 'why' in v && typeof v.what === 'string';

/** The shape is read, not trusted: whatever else was thrown is told as a bug of this page. */
export const problemOf = (error: unknown): Problem => {
  if (isProblem(error)) return error;
  if (error instanceof Error && error.name === 'TRPCClientError') {
    const data: unknown = 'data' in error ? error.data : null;
    if (typeof data === 'object' && data !== null && 'problem' in data && isProblem(data.problem)) return data.problem;
    return NO_ANSWER;
  }
  return {
    code: 'failed',
    what: 'This page made a mistake',
    why: error instanceof Error ? error.message : String(error),
    todo: 'Reload the page; what is on the box is not affected.',
  };
};
