/** Short notes about what was done. Each is said to screen readers and goes by itself; what matters stands on a page as well. */
import { createSignal, For, type JSX, Show } from 'solid-js';
import { Icon } from '../parts/Icon.tsx';
import { Shape, type Tone } from '../parts/Status.tsx';
import { type Problem, problemOf } from '../data/problem.ts';

type Toast = { id: number; tone: Tone; text: string; more: string };
const STAYS = 6_000;
const [toasts, setToasts] = createSignal<Toast[]>([]);
let next = 0;
const drop = (id: number): void => void setToasts((all) => all.filter((t) => t.id !== id));
const show = (tone: Tone, text: string, more: string): void => {
  next += 1;
  const id = next;
  setToasts((all) => [...all.slice(-3), { id, tone, text, more }]);
  if (tone !== 'bad') setTimeout(() => drop(id), STAYS);
};
export const say = (text: string, more = ''): void => show('ok', text, more);
export const sayProblem = (error: unknown): Problem => {
  const problem = problemOf(error);
  show('bad', problem.what, [problem.why, problem.todo].filter(Boolean).join('. '));
  return problem;
};

export const Toasts = (): JSX.Element => (
  <section class="toasts" aria-label="Notes" aria-live="polite">
    <For each={toasts()}>
      {(t) => (
        <div class="toast">
          <Shape tone={t.tone} />
          <div>
            <p class="what">{t.text}</p>
            <Show when={t.more}>
              <p>{t.more}</p>
            </Show>
          </div>
          <button type="button" class="button quiet icon-only" aria-label="Dismiss" onClick={() => drop(t.id)}>
            <Icon name="close" />
          </button>
        </div>
      )}
    </For>
  </section>
);
