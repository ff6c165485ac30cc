/**
 * Data on the page: asked for once however many parts show it, kept up to date by the topics of events, changed in place so that only
 * what differs is drawn again. What is shown was answered by the daemon; nothing is guessed ahead.
 */
import { type Accessor, createEffect, createRoot, createSignal, onCleanup } from 'solid-js';
import { createStore, reconcile } from 'solid-js/store';
import { onTopics } from './live.ts';
import { type Problem, problemOf } from './problem.ts';
import { denied } from './session.ts';
import type { Topic } from './topics.ts';

type State = { data: unknown; problem: Problem | null; loading: boolean };
type Entry = { state: State; uses: number; usedAt: number; topics: ReadonlySet<Topic>; old: boolean; refetch: () => void };

/** Data of pages left behind, so that going back shows them at once. */
const KEPT = 24;
/** Between two fetches of the same data, however many events come. */
const PAUSE = 300;
const PAUSE_AT_MOST = 5_000;
const entries = new Map<string, Entry>();
let counter = 0;

const make = (fetch: () => Promise<unknown>, topics: readonly Topic[], by: string): Entry =>
  createRoot(() => {
    const [state, set] = createStore<State>({ data: undefined, problem: null, loading: false });
    let running = false;
    let again = false;
    let waiting = false;
    let pause = PAUSE;
    let endedAt = Number.NEGATIVE_INFINITY;
    const run = async (): Promise<void> => {
      running = true;
      const began = performance.now();
      set('loading', true);
      try {
        const data = await fetch();
        entry.old = false;
        // Merged into what is shown, so that rows stay the same rows.
        set('data', reconcile(data, { key: by, merge: false }));
        set('problem', null);
      } catch (error) {
        const problem = problemOf(error);
        if (problem.code === 'unauthenticated') denied();
        else set('problem', problem);
      }
      set('loading', false);
      endedAt = performance.now();
      pause = Math.min(PAUSE_AT_MOST, Math.max(PAUSE, 8 * (endedAt - began)));
      running = false;
      if (again) {
        again = false;
        entry.refetch();
      }
    };
    const entry: Entry = {
      state,
      uses: 0,
      usedAt: 0,
      topics: new Set(topics),
      old: true,
      refetch: () => {
        if (running) again = true;
        else if (!waiting) {
          waiting = true;
          setTimeout(
            () => {
              waiting = false;
              void run();
            },
            Math.max(0, endedAt + pause - performance.now()),
          );
        }
      },
    };
    return entry;
  });

onTopics((topics) => {
  for (const entry of entries.values()) {
    if (topics !== 'all' && !topics.some((t) => entry.topics.has(t))) continue;
    entry.old = true;
    if (entry.uses > 0) entry.refetch();
  }
});

const forgetOldest = (): void => {
  const idle = [...entries].filter(([, e]) => e.uses === 0).sort(([, a], [, b]) => a.usedAt - b.usedAt);
  for (const [key] of idle.slice(0, Math.max(0, idle.length - KEPT))) entries.delete(key);
};

export type Query<T> = {
  data: Accessor<T | undefined>;
  problem: Accessor<Problem | null>;
  loading: Accessor<boolean>;
  refetch: () => void;
};
export type QueryOptions = {
  topics: readonly Topic[];
  /** The field that tells rows apart when a new answer is merged into the old one. */
  by?: string;
};

/** `name` and `input` are the question; an input of null asks nothing yet. */
export const useQuery = <I, T>(
  name: string,
  input: Accessor<I | null>,
  fetch: (input: I) => Promise<T>,
  { topics, by = 'name' }: QueryOptions,
): Query<T> => {
  const [entry, setEntry] = createSignal<Entry | null>(null);
  let held: Entry | null = null;
  const release = (): void => {
    if (!held) return;
    held.uses -= 1;
    counter += 1;
    held.usedAt = counter;
    held = null;
    forgetOldest();
  };
  createEffect(() => {
    const asked = input();
    release();
    if (asked === null) {
      setEntry(null);
      return;
    }
    const key = `${name} ${JSON.stringify(asked)}`;
    const found = entries.get(key) ?? make(() => fetch(asked), topics, by);
    entries.set(key, found);
    found.uses += 1;
    held = found;
    if (found.old) found.refetch();
    setEntry(found);
  });
  onCleanup(release);
  return {
    // An entry is found by the name of its question, which has one type of answer.
    data: () => entry()?.state.data as T | undefined,
    problem: () => entry()?.state.problem ?? null,
    loading: () => entry()?.state.loading ?? false,
    refetch: () => held?.refetch(),
  };
};
/** For questions without inputs. */
export const nothing = (): Record<string, never> => ({});
