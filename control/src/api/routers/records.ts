/** What has happened: events (listed or followed) and the audit log. */
import { tracked } from '@trpc/server';
import { z } from 'zod';
import { AuditEntry, AuditVerdict } from '../../domain/audit/audit.ts';
import { Event, EventKind, Severity } from '../../domain/event/event.ts';
import type { Audit, EventFilter } from '../../store/types.ts';
import { followFor } from '../follow.ts';
import { refusal } from '../errors.ts';
import { nothing, on, router } from '../trpc.ts';

const Filter = {
  kinds: z.array(EventKind).max(EventKind.options.length).optional(),
  subject: z.string().max(600).optional(),
  text: z.string().max(200).optional(),
  minSeverity: Severity.optional(),
};
const filterOf = ({ kinds, subject, text, minSeverity }: EventFilter): EventFilter => ({
  ...(kinds && { kinds }),
  ...(subject !== undefined && { subject }),
  ...(text !== undefined && { text }),
  ...(minSeverity && { minSeverity }),
});
const Seq = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const events = router({
  list: on({
    permission: 'events.read',
    about: 'Newest first before `before`, or oldest first after `after`.',
    rest: { method: 'GET', path: '/api/events' },
    answer: z.object({ events: z.array(Event), lastSeq: z.number() }),
  })
    .input(
      z
        .strictObject({ before: Seq.optional(), after: Seq.optional(), limit: z.number().int().min(1).max(1000).default(100), ...Filter })
        .prefault({}),
    )
    .query(({ ctx, input }) => {
      if (input.before !== undefined && input.after !== undefined)
        throw refusal('invalid', 'The request was not understood', 'before and after exclude each other', 'Give one of them.');
      const { events: e } = ctx.services.store;
      return {
        events:
          input.after === undefined
            ? e.before(input.before ?? null, input.limit, filterOf(input))
            : e.after(input.after, input.limit, filterOf(input)),
        lastSeq: e.lastSeq(),
      };
    }),
  follow: on({
    permission: 'events.read',
    about: 'Every event after `after` (or the last id received), then each as it happens; a heartbeat while nothing does.',
  })
    .input(
      z
        .strictObject({
          after: Seq.optional(),
          lastEventId: z
            .string()
            .regex(/^\d{1,16}$/)
            .optional(),
          ...Filter,
        })
        .prefault({}),
    )
    .subscription(async function* ({ ctx, input, signal }) {
      const after = input.lastEventId !== undefined ? Number(input.lastEventId) : (input.after ?? ctx.services.store.events.lastSeq());
      for await (const item of followFor(ctx, after, filterOf(input), signal)) yield tracked(String(item.seq), item);
    }),
});

/** One verification at a time, shared by whoever asks meanwhile. */
const verifying = new WeakMap<Audit, Promise<AuditVerdict>>();
const verifyOnce = (log: Audit): Promise<AuditVerdict> => {
  const running = verifying.get(log);
  if (running) return running;
  const begun = log.verify().finally(() => verifying.delete(log));
  verifying.set(log, begun);
  return begun;
};

export const audit = router({
  list: on({
    permission: 'audit.read',
    about: 'Audit entries, newest first.',
    rest: { method: 'GET', path: '/api/audit' },
    answer: z.object({ entries: z.array(AuditEntry), total: z.number() }),
  })
    .input(
      z
        .strictObject({
          before: Seq.optional(),
          text: z.string().max(200).optional(),
          limit: z.number().int().min(1).max(1000).default(100),
        })
        .prefault({}),
    )
    .query(({ ctx: { services: s }, input }) => ({
      entries: s.store.audit.page(input.before ?? null, input.limit, input.text),
      total: s.store.audit.count(),
    })),
  verify: on({
    permission: 'audit.read',
    about: 'Checks the whole chain against its key and its sealed head.',
    rest: { method: 'GET', path: '/api/system/audit/verify-chain' },
    answer: AuditVerdict,
  })
    .input(nothing)
    .query(({ ctx }) => verifyOnce(ctx.services.store.audit)),
});
