/** A restart: what starts next, who is connected, what it would interrupt; asked for by typing the name of the machine. */
import { createSignal, For, type JSX, Show } from 'solid-js';
import { useQuery, nothing } from '../../data/query.ts';
import { type Problem, problemOf } from '../../data/problem.ts';
import { ask, whyNot } from '../../data/session.ts';
import { trpc } from '../../data/trpc.ts';
import { TextField } from '../../forms/Field.tsx';
import { Answer, Button, Note, ProblemBox } from '../../parts/basic.tsx';
import { Dialog } from '../../parts/Dialog.tsx';
import { plural } from '../../parts/words.ts';

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

export const Restart = (props: { onClose: () => void; onBegun: () => void }): JSX.Element => {
  const preview = useQuery('restart', nothing, () => trpc.system.restartPreview.query(), { topics: ['share', 'run'] });
  const [typed, setTyped] = createSignal('');
  const [shown, setShown] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const right = (): boolean => typed() === 'restart' || typed().toLowerCase() === preview.data()?.host.toLowerCase();
  const submit = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    setShown(true);
    if (!right() || busy() || whyNot('system.restart') !== undefined) return;
    setBusy(true);
    setProblem(null);
    try {
      await ask(() => trpc.system.restart.mutate({ confirm: typed() }));
      props.onBegun();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <Dialog open onClose={props.onClose} title="Restart the machine">
      <Answer query={preview}>
        {(_) => {
          const p = () => preview.data() as NonNullable<ReturnType<typeof preview.data>>; // shown only when there is one
          return (
            <form class="form" onSubmit={(e) => void submit(e)}>
              <p>{sentence(p().next)}</p>
              <Show when={p().clients.length > 0} fallback={<p>Nobody is connected to a share now.</p>}>
                <Note tone="warn" title={`${plural(p().clients.length, 'person is', 'people are')} connected`}>
                  <ul class="affected">
                    <For each={p().clients}>
                      {(c) => (
                        <li>
                          {c.user} on {c.machine}: {plural(c.openFiles, 'file')} open on share {c.share}
                        </li>
                      )}
                    </For>
                  </ul>
                </Note>
              </Show>
              <Show when={p().jobs.length > 0}>
                <Note tone="warn" title="It would interrupt">
                  <ul class="affected">
                    <For each={p().jobs}>{(j) => <li>{j}</li>}</For>
                  </ul>
                </Note>
              </Show>
              <TextField
                label={`To restart, type ${p().host}, or restart`}
                value={typed()}
                onInput={setTyped}
                mono
                autofocus
                problem={shown() && !right() ? 'That is neither its name nor the word restart.' : undefined}
              />
              <Show when={problem()}>{(x) => <ProblemBox problem={x()} />}</Show>
              <div class="form-foot">
                <Button
                  look="danger"
                  type="submit"
                  busy={busy()}
                  why={whyNot('system.restart') ?? (p().whyNot === null ? undefined : `Not now: ${p().whyNot}.`)}
                >
                  {busy() ? 'Asking …' : 'Restart now'}
                </Button>
              </div>
            </form>
          );
        }}
      </Answer>
    </Dialog>
  );
};
