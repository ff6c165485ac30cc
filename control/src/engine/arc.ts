/** Keeps the limit of ZFS's cache where it belongs: what somebody chose, else what the machine suggests. Looked at every minute; told when it changes. */
import { arcAdvice, arcBounds, type ArcFacts, type ArcView, isWorthChanging, ratioOf } from '../domain/memory/arc.ts';
import type { NewEvent } from '../domain/event/event.ts';
import type { Observed } from '../domain/observed/observed.ts';
import type { Operation } from '../domain/operation/operation.ts';
import { refuse } from '../domain/refusal.ts';
import { formatBytes } from '../domain/units.ts';
import type { ExecAnswer } from '../host/executor.ts';
import type { Host } from '../host/host.ts';
import { type ArcState, readArc, readEcc, readGuests, readMemory } from '../host/memory.ts';
import type { Clock, Store } from '../store/types.ts';

export const ARC_EVERY = 60_000;
const KEY = 'memory.arc';
/** The ratio of now is that of at least so long. */
const SPAN = 5 * 60_000;

export type ArcKeeper = {
  look(): Promise<void>;
  view(): Promise<ArcView>;
  /** Sets what was chosen (null: automatic) and applies it. */
  choose(limit: number | null): Promise<ExecAnswer>;
  /** For plans: what is chosen, and what may be. */
  mark(o: Observed): void;
};

export const createArc = (deps: {
  host: Host;
  store: Store;
  clock: Clock;
  serving: () => readonly ('smb' | 'nfs')[];
  execute: (operation: Operation) => Promise<ExecAnswer>;
  tell: (event: NewEvent) => void;
}): ArcKeeper => {
  const { host, store, clock } = deps;
  let ecc: boolean | null | undefined;
  let samples: { at: number; hits: number; misses: number }[] = [];
  let bounds: { least: number; most: number } | null = null;

  const chosen = (): number | null => {
    const text = store.settings.get(KEY);
    return text === null ? null : Number(text); // written by choose alone
  };
  const facts = async (least: number): Promise<ArcFacts | null> => {
    // soldered, or at least not changed while it runs
    if (ecc === undefined) ecc = await readEcc(host);
    const [memory, guests] = await Promise.all([readMemory(host), readGuests(host)]);
    return memory === null ? null : { memory, ecc, serving: deps.serving(), guests, least };
  };
  const sample = (s: ArcState): void => {
    const at = clock();
    samples = [...samples.filter((x) => at - x.at <= 2 * SPAN), { at, hits: s.hits, misses: s.misses }];
  };
  const state = async () => {
    const arc = await readArc(host);
    if (!arc.ok) return arc;
    const known = await facts(arc.value.least);
    if (known === null) return refuse('unavailable', 'memory', 'the kernel does not say how much there is', 'look at /proc/meminfo');
    bounds = arcBounds(known);
    return { ok: true as const, arc: arc.value, facts: known };
  };

  const apply = async (max: number, why: string | null): Promise<ExecAnswer> => {
    const answer = await deps.execute({ kind: 'arc.set', max });
    // what a person asked for is told by the run it is a step of
    if (why === null) return answer;
    deps.tell({
      kind: 'memory.arc-set',
      severity: answer.ok ? 'info' : 'warning',
      subject: 'system',
      message: answer.ok
        ? `the cache of ZFS may take ${formatBytes(max)}: ${why}`
        : `the limit of ZFS's cache could not be set: ${answer.refusal.why}`,
      actor: 'dplaned',
      data: { max },
    });
    return answer;
  };
  let failed: number | null = null;

  return {
    look: async () => {
      const now = await state();
      if (!now.ok) return;
      sample(now.arc);
      const advice = arcAdvice(now.facts);
      const wanted = chosen() ?? advice.limit;
      // what a person chose is kept to the byte; what was never set here is set once, so that it is there at the next start
      const exact = chosen() !== null || now.arc.parameter === 0;
      const due = exact
        ? now.arc.limit !== wanted || now.arc.parameter !== wanted
        : isWorthChanging(now.arc.limit, wanted, now.facts.memory);
      // one that ZFS does not take is not tried again every minute
      if (!due || failed === wanted) return;
      const answer = await apply(wanted, chosen() === null ? 'set by itself' : 'as it was chosen');
      failed = answer.ok ? null : wanted;
    },
    view: async () => {
      const now = await state();
      const at = clock();
      if (!now.ok)
        return {
          at,
          whyNot: now.refusal.why,
          memory: 0,
          ecc: null,
          chosen: chosen(),
          advised: 0,
          kept: [],
          words: '',
          bounds: { least: 0, most: 0 },
          limit: 0,
          size: 0,
          hits: 0,
          misses: 0,
          ratio: null,
          ratioNow: null,
        };
      const { arc, facts: f } = now;
      const { limit: advised, kept, words, bounds: b } = arcAdvice(f);
      const before = samples.find((x) => at - x.at >= SPAN) ?? samples[0];
      return {
        at,
        whyNot: null,
        memory: f.memory,
        ecc: f.ecc,
        chosen: chosen(),
        advised,
        kept,
        words,
        bounds: b,
        limit: arc.limit,
        size: arc.size,
        hits: arc.hits,
        misses: arc.misses,
        ratio: ratioOf(arc.hits, arc.misses),
        ratioNow: before === undefined ? null : ratioOf(Math.max(0, arc.hits - before.hits), Math.max(0, arc.misses - before.misses)),
      };
    },
    choose: async (limit) => {
      const now = await state();
      if (!now.ok) return now;
      const wanted = limit ?? arcAdvice(now.facts).limit;
      const answer = await apply(wanted, null);
      if (answer.ok) {
        if (limit === null) store.settings.remove(KEY);
        else store.settings.set(KEY, String(limit));
        failed = null;
      }
      return answer;
    },
    mark: (o) => {
      if (bounds !== null) o.arc = { limit: chosen(), ...bounds };
    },
  };
};
