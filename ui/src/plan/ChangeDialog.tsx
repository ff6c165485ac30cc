/** A form that ends in a plan: fill in, see what will happen, approve, apply, in one dialog. The form keeps what was typed on the way back. */
import type { ChangeRequest } from '../../../control/src/domain/plan/change.ts';
import { createSignal, type JSX, Show } from 'solid-js';
import type { z } from 'zod';
import { type Problem, problemOf } from '../data/problem.ts';
import { ask, whyNot } from '../data/session.ts';
import { trpc } from '../data/trpc.ts';
import { Button, ProblemBox } from '../parts/basic.tsx';
import { Dialog } from '../parts/Dialog.tsx';
import { PlanFlow } from './PlanFlow.tsx';

/** As it is typed, before defaults are filled in. */
export type Wanted = z.input<typeof ChangeRequest>;

export const ChangeDialog = (props: {
  title: string;
  about?: string;
  /** The form needs the width of a plan. */
  wide?: boolean;
  onClose: () => void;
  /** What to ask for; null while the form is not right. */
  changes: () => Wanted[] | null | Promise<Wanted[] | null>;
  /** Shows what is wrong in the form, when it was sent before it was right. */
  onWrong?: () => void;
  children?: JSX.Element;
}): JSX.Element => {
  const [digest, setDigest] = createSignal<string | null>(null);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const plan = async (e?: SubmitEvent): Promise<void> => {
    e?.preventDefault();
    if (busy() || whyNot('plan.apply') !== undefined) return;
    setBusy(true);
    setProblem(null);
    try {
      const changes = await props.changes();
      if (changes === null) props.onWrong?.();
      else setDigest((await ask(() => trpc.plans.change.mutate({ changes }))).digest);
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <Dialog
      open
      onClose={props.onClose}
      title={props.title}
      {...(props.about !== undefined && { about: props.about })}
      wide={props.wide === true || digest() !== null}
    >
      <Show when={digest()}>{(d) => <PlanFlow digest={d()} onClose={props.onClose} onBack={() => setDigest(null)} />}</Show>
      {/* kept while the plan is shown, so that nothing typed is lost */}
      <form class="form" hidden={digest() !== null} onSubmit={(e) => void plan(e)}>
        {props.children}
        <Show when={problem()}>{(p) => <ProblemBox problem={p()} />}</Show>
        <div class="form-foot">
          <Button look="main" type="submit" busy={busy()} why={whyNot('plan.apply')}>
            {busy() ? 'Planning …' : 'See what will happen'}
          </Button>
          <span class="dim">Nothing changes yet.</span>
        </div>
      </form>
    </Dialog>
  );
};
