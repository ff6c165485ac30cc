/** Which event makes which shown data old. Queries name the topics they depend on; an event says which topics it touched. */
import type { EventKind } from '../../../control/src/domain/event/event.ts';

export type Topic =
  | 'pool'
  | 'dataset'
  | 'snapshot'
  | 'schedule'
  | 'share'
  | 'plan'
  | 'run'
  | 'state'
  | 'alert'
  | 'access'
  | 'event'
  | 'system'
  | 'update'
  | 'generation';

const BY_NOUN: Record<string, readonly Topic[]> = {
  system: ['system'],
  pool: ['pool'],
  disk: ['pool'],
  dataset: ['dataset', 'pool'],
  snapshot: ['snapshot', 'dataset'],
  schedule: ['schedule', 'snapshot'],
  share: ['share'],
  session: ['share'],
  plan: ['plan'],
  run: ['run', 'plan'],
  gitops: ['state'],
  alert: ['alert'],
  access: ['access'],
  update: ['update', 'system'],
  generation: ['generation', 'system'],
};
/** What a finished run may have changed: anything it could touch. */
export const AFTER_RUN: readonly Topic[] = ['run', 'plan', 'pool', 'dataset', 'snapshot', 'schedule', 'share', 'state', 'alert'];
/** What changes without an event: space, counters, errors. Looked at again with each heartbeat. */
export const DRIFTING: readonly Topic[] = ['pool', 'dataset', 'snapshot', 'schedule', 'share', 'system', 'update', 'alert'];

export const topicsOf = (kind: EventKind): readonly Topic[] =>
  kind === 'run.finished' || kind === 'run.interrupted' ? AFTER_RUN : (BY_NOUN[kind.slice(0, kind.indexOf('.'))] ?? []);
