/**
 * The newest apply that was asked for here: journalled before it is asked for, and closed once, with an event and an audit entry, when the
 * updater's files say how it ended.
 */
import { z } from 'zod';
import { type ApplyProgress, BundleSource, sourceName } from '../domain/bundle/bundle.ts';
import type { Clock } from '../domain/clock.ts';
import { Millis } from '../domain/names.ts';
import type { SlotStatus, UpdateEvent } from '../domain/slot/slot.ts';
import { Actor } from '../domain/user/user.ts';
import type { Store } from '../store/types.ts';

const KEY = 'updates.job';

const Job = z.object({ id: z.string(), source: BundleSource, actor: Actor, at: Millis, endedAt: Millis.nullable() });
export type Job = z.infer<typeof Job>;
export type JobEnd = { how: 'staged' } | { how: 'cancelled' } | { how: 'failed'; why: string };

/** How it ended, as far as the files tell; null while it goes on. */
export const endOf = (
  j: Job,
  s: { progress: ApplyProgress | null; running: boolean; history: readonly UpdateEvent[]; slots: SlotStatus },
): JobEnd | null => {
  const p = s.progress?.id === j.id ? s.progress : null;
  if (p?.phase === 'staged' || p?.phase === 'cancelled') return { how: p.phase };
  if (p?.phase === 'failed') return { how: 'failed', why: p.refusal?.why ?? 'the updater gave no reason' };
  if (s.running) return null;
  // /run is empty after a restart of the machine: what the history has is what became of it
  const last = s.history.findLast((e) => e.at >= j.at && (e.kind === 'staged' || e.kind === 'apply-failed' || e.kind === 'confirmed'));
  if (last?.kind === 'apply-failed') return { how: 'failed', why: last.reason };
  // it is written down just before the boot entry is: without that, there is nothing in the slot
  const there = s.slots.available && s.slots.slots.some((x) => x.name === last?.slot && x.state !== 'empty');
  if (last !== undefined && there) return { how: 'staged' };
  return { how: 'failed', why: 'the updater ended without saying how; see `journalctl -u dplane-ota-apply`' };
};

export type Jobs = {
  newest(): Job | null;
  /** The newest, when it has not ended. */
  open(): Job | null;
  begin(j: Pick<Job, 'id' | 'source' | 'actor'>, copy: string): Job;
  end(j: Job, end: JobEnd): void;
  /** A restart of this process came in between; the updater went on. */
  resumed(j: Job): void;
};

export const keepJobs = (store: Store, clock: Clock): Jobs => {
  const put = (j: Job): void => store.settings.set(KEY, JSON.stringify(j));
  const newest = (): Job | null => {
    const text = store.settings.get(KEY);
    return text === null ? null : Job.parse(JSON.parse(text)); // written by put alone
  };
  const account = (
    j: Job,
    outcome: 'allowed' | 'succeeded' | 'failed' | 'interrupted',
    reason: string,
    more: Record<string, unknown> = {},
  ): void =>
    void store.audit.append({
      actor: j.actor,
      action: 'update.apply',
      subject: 'updates',
      outcome,
      reason,
      detail: { operation: j.id, source: sourceName(j.source), ...more },
    });
  const say = (
    j: Job,
    kind: 'update.started' | 'update.failed' | 'update.cancelled',
    message: string,
    more: Record<string, unknown>,
  ): void =>
    void store.events.append({
      kind,
      severity: kind === 'update.failed' ? 'warning' : 'info',
      subject: 'updates',
      message,
      actor: j.actor.name,
      data: { operation: j.id, source: sourceName(j.source), ...more },
    });

  return {
    newest,
    open: () => {
      const j = newest();
      return j?.endedAt === null ? j : null;
    },
    begin: (mine, copy) => {
      const j: Job = { ...mine, at: clock(), endedAt: null };
      store.transact(() => {
        put(j);
        say(j, 'update.started', `${j.actor.name} installs an update from ${sourceName(j.source)}`, { copy });
        account(j, 'allowed', 'permission system.update; the updater lets in only what a trusted key signed', { copy });
      });
      return j;
    },
    end: (j, end) =>
      store.transact(() => {
        put({ ...j, endedAt: clock() });
        if (end.how === 'staged') {
          account(j, 'succeeded', 'the updater verified and staged it');
          return;
        }
        const why = end.how === 'failed' ? end.why : 'it was cancelled';
        if (end.how === 'failed') say(j, 'update.failed', `the update was not installed: ${why}`, { why });
        else say(j, 'update.cancelled', 'the update was cancelled; the slot it was written to is not started', {});
        account(j, 'failed', why);
      }),
    resumed: (j) => account(j, 'interrupted', 'the control plane restarted; the updater goes on without it, and is followed again'),
  };
};
